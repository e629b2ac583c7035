/* SPDX-License-Identifier: MIT */
/* Which DDI compliance rule covers the IRQL of a routine. */
#ifndef VF_IRQL_RULES_H
#define VF_IRQL_RULES_H

#include "base/base.h"

struct vf_irql_rule {
    const char *routine; /* in ascending order */
    const char *rule;    /* "IrqlZwPassive" */
    ULONG code;          /* parameter 1 of bug check 0xC4 */
};

extern const struct vf_irql_rule vf_irql_rules[]; /* written by tools/make-codes.py */
extern const unsigned vf_irql_rule_count;

const struct vf_irql_rule *vf_irql_rule_of(const char *routine); /* NULL: no rule has it */

#endif
