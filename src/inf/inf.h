/* SPDX-License-Identifier: MIT */
/*
 * INF files: their text as sections, lines and values, and the choice of a
 * driver for a device's identifiers. Reading and choosing only; what a chosen
 * install section says is carried out elsewhere. Host side: memory comes from
 * the host's heap. Strings are UTF-8, zero-terminated, and live as long as
 * the INF. Names compare without regard to case. Source: "General Syntax
 * Rules for INF Files" and the pages of the sections.
 */
#ifndef INF_H
#define INF_H

#include "base/base.h"

struct inf_line {
    struct inf_line *next;
    unsigned number;    /* in the file, from 1 */
    const char *key;    /* before '='; NULL: the line has none */
    unsigned count;     /* values; the first of a line without a key is value 0 */
    const char **value; /* strings substituted; "" where one is left out */
};

struct inf_section {
    struct inf_section *next;
    const char *name;
    struct inf_line *first, **end;
};

struct inf_error {
    unsigned line; /* 0: of no single line */
    char text[160];
};

struct inf;
/* NULL: no INF of Windows; *error says why. language: LANGID whose strings are preferred (0x0409). */
struct inf *inf_open(const void *bytes, size_t length, USHORT language, struct inf_error *error);
void inf_close(struct inf *inf);

const struct inf_section *inf_section(const struct inf *inf, const char *name); /* NULL: there is none */
/* The section as Windows selects it on x64: NAME.NTamd64, NAME.NT, NAME; suffix (".Services", or "") goes
 * behind. */
const struct inf_section *inf_install_section(const struct inf *inf, const char *name, const char *suffix);
/* The first line with that key after `after` (NULL: from the start). */
const struct inf_line *inf_find(const struct inf_section *section, const char *key,
                                const struct inf_line *after);
const char *inf_value(const struct inf_line *line,
                      unsigned index); /* "" if it is not there; line may be NULL */
/* A number as INF writes it: decimal or 0x...; false: none. "" gives *number = 0. */
bool inf_number(const char *text, ULONG *number);
bool inf_same(const char *a, const char *b);

/* What an INF is read for. */
struct inf_system {
    ULONG major, minor, build;
    ULONG product_type, suite_mask; /* VER_NT_xxx, VER_SUITE_xxx */
};
/*
 * How near a decoration ("NTamd64.10.0...17763") is to the system; 0: it is for another one. Of several that
 * fit the greatest wins: higher version numbers first, then product type, suite and build.
 */
ULONG64 inf_decoration_rank(const char *decoration, const struct inf_system *system);

/* A device's identifiers, most specific first. */
struct inf_ids {
    const char *const *hardware, *const *compatible;
    unsigned hardware_count, compatible_count;
};

/* A line of a Models section that fits a device. */
struct inf_match {
    ULONG score;             /* Windows' identifier score: the lower, the better */
    const char *id;          /* the identifier that matched */
    const char *description; /* of the device */
    const char *manufacturer;
    const char *install; /* install section, undecorated */
    const char *section; /* the Models section, as it is named */
    const struct inf_line *line;
};
/* Every line that is for a device of this system, in the file's order, until one says false; score is 0, id
 * the line's hardware identifier. */
void inf_for_each_model(const struct inf *inf, const struct inf_system *system,
                        bool (*visit)(void *context, const struct inf_match *model), void *context);
/* The best match; of equal ones the first in the file. False: none. */
bool inf_match(const struct inf *inf, const struct inf_system *system, const struct inf_ids *ids,
               struct inf_match *match);

#endif
