/* SPDX-License-Identifier: MIT */
/*
 * The verifier and the report of a bug check. Rules are checked at the seams
 * (base/seams.h); a violation is a bug check with the verifier's flag, or, for
 * what is found when nothing runs any more (leaks at unload), an entry in the
 * list of violations.
 */
#ifndef VF_H
#define VF_H

#include "io/io.h"

enum vf_level { VF_NONE, VF_STANDARD, VF_ALL };

struct vf_report {
    ULONG code;
    ULONG64 p[4];
    bool verifier;
    const char *name;
    const char *sentence;
    const char *text; /* several lines, each with a newline; without anything that differs from run to run
                         under a seed */
};

void vf_start(
    enum vf_level level); /* sets the seams and ke_bugcheck_ops; host side, before the first driver */
void vf_stop(void);
bool vf_wants_gates(void); /* drivers are to be loaded with checking gates */
const struct vf_report *
vf_bug_check(void); /* the report of the bug check that stopped the machine, or NULL */
/* A violation that does not stop the machine: on any thread of a machine, or on the host side. */
void vf_record(const struct ke_bugcheck_info *info);
unsigned vf_violations(void); /* at most 16 are kept */
const struct vf_report *vf_violation(unsigned index);

#endif
