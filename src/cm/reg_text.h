/* SPDX-License-Identifier: MIT */
/* Reading the text of a registry file: characters, lines, the parts of a value. Knows nothing of keys. */
#ifndef CM_REG_TEXT_H
#define CM_REG_TEXT_H

#include "cm/store.h"

struct reg_text {
    WCHAR *storage; /* owned, zero-terminated */
    const WCHAR *at, *end;
    unsigned line;     /* of `at`, from 1 */
    bool ansi_strings; /* REGEDIT4: hex(2) and hex(7) hold bytes, not WCHARs */
    const char *error; /* what is wrong in `line` */
};

NTSTATUS reg_text_open(struct reg_text *text, const void *bytes,
                       size_t length); /* decodes UTF-16LE (with its mark) or UTF-8 */
void reg_text_close(struct reg_text *text);
bool reg_fail(struct reg_text *text, const char *error); /* returns false */
bool reg_skip_blank(struct reg_text *text); /* to the next line with something on it; false: the end */
bool reg_end_line(struct reg_text *text);   /* only blanks may follow */
bool reg_take(struct reg_text *text, const char *word); /* without regard to case */
/* "..." with \\ and \" ; into pool, zero-terminated. */
bool reg_string(struct reg_text *text, UNICODE_STRING *string);
/* The data of a value behind its '=': type and bytes in pool (NULL when empty). */
struct reg_data {
    bool remove; /* - */
    ULONG type, length;
    void *bytes;
};
bool reg_value(struct reg_text *text, struct reg_data *data);

#endif
