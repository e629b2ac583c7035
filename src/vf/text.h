/* SPDX-License-Identifier: MIT */
/*
 * Text into storage that somebody else owns: for reports and traces, which are
 * written on NT stacks. What does not fit is cut; the text is always terminated.
 */
#ifndef VF_TEXT_H
#define VF_TEXT_H

#include "base/base.h"

struct vf_text {
    char *buffer;
    size_t size, length; /* length < size */
};

void vf_text_init(struct vf_text *text, char *buffer, size_t size);
void vf_text_add(struct vf_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A counted wide string as UTF-8; characters that would break a line become '?'. */
void vf_text_add_wide(struct vf_text *text, const WCHAR *wide, size_t wchars);

/* "DISPATCH_LEVEL"; levels that devices interrupt at are "device level". */
const char *vf_irql_name(KIRQL irql);

#endif
