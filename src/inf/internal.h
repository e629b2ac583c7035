/* SPDX-License-Identifier: MIT */
/* What the files of the INF reader share. */
#ifndef INF_INTERNAL_H
#define INF_INTERNAL_H

#include "inf/inf.h"

#define INF_LINE_MAX 4096 /* characters of a string after substitution, as Windows has it */

struct inf_chunk;

struct inf {
    struct inf_chunk *chunks;
    struct inf_section *sections, **end;
    const struct inf_section *strings; /* whose strings are substituted, or NULL */
};

/* text.c */
void *inf_allocate(struct inf *inf, size_t bytes); /* zeroed; goes with the INF */
char *inf_copy(struct inf *inf, const char *text, size_t length);
void inf_free_all(struct inf *inf);
/* UTF-16LE with its mark, UTF-8, or Windows-1252: as UTF-8 with a zero at the end. NULL: no text. */
char *inf_decode(struct inf *inf, const UCHAR *bytes, size_t length, struct inf_error *error);
bool inf_fail(struct inf_error *error, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* lines.c: sections, and lines whose text has neither comments nor continuations any more; key == text, count
 * 0. */
bool inf_read_lines(struct inf *inf, char *text, struct inf_error *error);

/* values.c: takes the lines apart */
void inf_read_strings(struct inf *inf, USHORT language);
void inf_read_values(struct inf *inf);

#endif
