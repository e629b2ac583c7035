/* SPDX-License-Identifier: MIT */
/* Words for the kinds of error that a bug check's first parameter tells apart. */
#ifndef VF_KINDS_H
#define VF_KINDS_H

#include "base/base.h"

struct vf_kind_words {
    ULONG code;
    ULONG kind;
    const char *words;
};

extern const struct vf_kind_words vf_verifier_kinds[]; /* 0xC4, 0xC9, 0xE6; written by tools/make-codes.py */
extern const unsigned vf_verifier_kind_count;

#endif
