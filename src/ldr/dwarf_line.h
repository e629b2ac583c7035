/* SPDX-License-Identifier: MIT */
/*
 * DWARF line tables (versions 2 to 5, 32-bit), as gcc and clang leave them in
 * a driver built for debugging. Untrusted: a malformed unit ends the walk.
 */
#ifndef DWARF_LINE_H
#define DWARF_LINE_H

#include "base/base.h"

struct dwarf_sections {
    const UCHAR *line, *line_str, *str;
    size_t line_bytes, line_str_bytes, str_bytes;
};

struct dwarf_row {
    ULONG64 address;
    const char *file; /* base name, terminated, in the file's bytes; NULL: unknown */
    ULONG line;
    bool end; /* of a sequence: address is the first byte behind it */
};

void dwarf_for_each_row(const struct dwarf_sections *sections,
                        void (*visit)(const struct dwarf_row *, void *), void *context);

#endif
