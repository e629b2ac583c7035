/* SPDX-License-Identifier: MIT */
/*
 * The line number program's interpreter. A reader that runs out of bytes
 * yields zeros and stops its unit; nothing is read beyond a section.
 */
#include "ldr/dwarf_line.h"

#define MAX_FILES 512u

struct reader {
    const UCHAR *at, *end;
    bool failed;
};

static const UCHAR *take(struct reader *r, uint64_t bytes)
{
    const UCHAR *at = r->at;

    if (r->failed || bytes > (uint64_t)(r->end - r->at)) {
        r->failed = true;
        return NULL;
    }
    r->at += bytes;
    return at;
}

static uint64_t fixed(struct reader *r, unsigned bytes)
{
    uint64_t value = 0;
    const UCHAR *at = take(r, bytes);

    if (at != NULL)
        __builtin_memcpy(&value, at, bytes);
    return value;
}

static uint64_t leb(struct reader *r, bool is_signed)
{
    uint64_t value = 0;
    unsigned shift = 0;
    UCHAR byte;

    do {
        byte = (UCHAR)fixed(r, 1);
        if (shift < 64)
            value |= (uint64_t)(byte & 0x7F) << shift;
        shift += 7;
    } while ((byte & 0x80) && !r->failed);
    if (is_signed && (byte & 0x40) && shift < 64)
        value |= ~0ull << shift;
    return value;
}

static const char *string(struct reader *r)
{
    const UCHAR *start = r->at;

    while (!r->failed && fixed(r, 1) != 0)
        ;
    return r->failed ? NULL : (const char *)start;
}

static const char *string_at(const UCHAR *section, size_t bytes, uint64_t offset)
{
    struct reader r;

    if (offset >= bytes)
        return NULL;
    r = (struct reader){section + offset, section + bytes, false};
    return string(&r);
}

static const char *base_name(const char *path)
{
    const char *base = path;

    for (const char *c = path; path != NULL && *c != '\0'; c++) {
        if (*c == '/' || *c == '\\')
            base = c + 1;
    }
    return base;
}

struct unit {
    const struct dwarf_sections *sections;
    struct reader r;
    UCHAR minimum_length, line_range, opcode_base;
    signed char line_base;
    USHORT version;
    UCHAR operands[256]; /* of the standard opcodes */
    const char *files[MAX_FILES];
    ULONG file_count;
};

/* ---- the header ---- */

static void add_file(struct unit *unit, const char *name)
{
    if (unit->file_count < MAX_FILES)
        unit->files[unit->file_count++] = base_name(name);
}

static void read_names_v2(struct unit *unit)
{
    const char *name;

    while ((name = string(&unit->r)) != NULL && *name != '\0')
        ;                 /* directories */
    add_file(unit, NULL); /* numbers begin at 1 */
    while ((name = string(&unit->r)) != NULL && *name != '\0') {
        add_file(unit, name);
        leb(&unit->r, false);
        leb(&unit->r, false);
        leb(&unit->r, false);
    }
}

/* One attribute of an entry; a path is returned, anything else skipped. */
static const char *read_form(struct unit *unit, uint64_t form)
{
    enum {
        FORM_DATA2 = 5,
        FORM_DATA4,
        FORM_DATA8,
        FORM_STRING,
        FORM_BLOCK,
        FORM_DATA1 = 11,
        FORM_STRP = 14,
        FORM_UDATA,
        FORM_DATA16 = 30,
        FORM_LINE_STRP
    };
    struct reader *r = &unit->r;

    switch (form) {
    case FORM_STRING:
        return string(r);
    case FORM_LINE_STRP:
        return string_at(unit->sections->line_str, unit->sections->line_str_bytes, fixed(r, 4));
    case FORM_STRP:
        return string_at(unit->sections->str, unit->sections->str_bytes, fixed(r, 4));
    case FORM_DATA1:
        take(r, 1);
        return NULL;
    case FORM_DATA2:
        take(r, 2);
        return NULL;
    case FORM_DATA4:
        take(r, 4);
        return NULL;
    case FORM_DATA8:
        take(r, 8);
        return NULL;
    case FORM_DATA16:
        take(r, 16);
        return NULL;
    case FORM_UDATA:
        leb(r, false);
        return NULL;
    case FORM_BLOCK:
        take(r, leb(r, false));
        return NULL;
    default:
        r->failed = true;
        return NULL;
    }
}

/* A table of version 5: formats, then entries in them. */
static void read_table_v5(struct unit *unit, bool files)
{
    enum { PATH = 1, MAX_FORMATS = 16 };
    struct reader *r = &unit->r;
    uint64_t types[MAX_FORMATS], forms[MAX_FORMATS], entries;
    unsigned count = (unsigned)fixed(r, 1);

    if (count > MAX_FORMATS)
        r->failed = true;
    for (unsigned i = 0; i < count && !r->failed; i++) {
        types[i] = leb(r, false);
        forms[i] = leb(r, false);
    }
    entries = leb(r, false);
    for (uint64_t i = 0; i < entries && !r->failed && count != 0; i++) {
        const char *path = NULL;
        for (unsigned f = 0; f < count; f++) {
            const char *text = read_form(unit, forms[f]);
            path = types[f] == PATH ? text : path;
        }
        if (files)
            add_file(unit, path);
    }
}

static void read_header(struct unit *unit)
{
    struct reader *r = &unit->r, program;
    uint64_t length;

    if (unit->version >= 5)
        take(r, 2); /* sizes of addresses and of segment selectors */
    length = fixed(r, 4);
    program = *r;
    take(&program, length);
    unit->minimum_length = (UCHAR)fixed(r, 1);
    if (unit->version >= 4)
        take(r, 1); /* operations per instruction */
    take(r, 1);     /* whether rows begin as statements */
    unit->line_base = (signed char)fixed(r, 1);
    unit->line_range = (UCHAR)fixed(r, 1);
    unit->opcode_base = (UCHAR)fixed(r, 1);
    for (unsigned i = 1; i < unit->opcode_base; i++)
        unit->operands[i] = (UCHAR)fixed(r, 1);
    if (unit->version >= 5) {
        read_table_v5(unit, false);
        read_table_v5(unit, true);
    } else {
        read_names_v2(unit);
    }
    r->failed |= program.failed || unit->line_range == 0 || unit->opcode_base == 0;
    r->at = program.at;
}

/* ---- the program ---- */

struct machine {
    struct unit *unit;
    void (*visit)(const struct dwarf_row *, void *);
    void *context;
    ULONG64 address;
    uint64_t file;
    ULONG line;
};

static void reset(struct machine *m)
{
    m->address = 0;
    m->file = 1;
    m->line = 1;
}

static void emit(struct machine *m, bool end)
{
    const struct unit *unit = m->unit;
    struct dwarf_row row = {.address = m->address, .line = m->line, .end = end};

    if (m->file < unit->file_count)
        row.file = unit->files[m->file];
    m->visit(&row, m->context);
}

static void run_special(struct machine *m, unsigned opcode)
{
    unsigned adjusted = opcode - m->unit->opcode_base;

    m->address += (ULONG64)(adjusted / m->unit->line_range) * m->unit->minimum_length;
    m->line += (ULONG)(m->unit->line_base + (int)(adjusted % m->unit->line_range));
    emit(m, false);
}

static void run_extended(struct machine *m)
{
    enum { END_SEQUENCE = 1, SET_ADDRESS = 2 };
    struct reader *r = &m->unit->r;
    uint64_t length = leb(r, false);
    const UCHAR *body = take(r, length);

    if (body == NULL || length == 0)
        return;
    if (body[0] == END_SEQUENCE) {
        emit(m, true);
        reset(m);
    } else if (body[0] == SET_ADDRESS && length == 9) {
        __builtin_memcpy(&m->address, body + 1, 8);
    }
}

static void run_standard(struct machine *m, unsigned opcode)
{
    enum { COPY = 1, ADVANCE_PC, ADVANCE_LINE, SET_FILE, CONST_ADD_PC = 8, FIXED_ADVANCE_PC };
    struct reader *r = &m->unit->r;

    switch (opcode) {
    case COPY:
        emit(m, false);
        break;
    case ADVANCE_PC:
        m->address += leb(r, false) * m->unit->minimum_length;
        break;
    case ADVANCE_LINE:
        m->line += (ULONG)leb(r, true);
        break;
    case SET_FILE:
        m->file = leb(r, false);
        break;
    case CONST_ADD_PC:
        m->address +=
            (ULONG64)((255u - m->unit->opcode_base) / m->unit->line_range) * m->unit->minimum_length;
        break;
    case FIXED_ADVANCE_PC:
        m->address += fixed(r, 2);
        break;
    default:
        for (unsigned i = 0; i < m->unit->operands[opcode]; i++)
            leb(r, false);
        break;
    }
}

static void run_program(struct machine *m)
{
    struct reader *r = &m->unit->r;

    reset(m);
    while (r->at < r->end && !r->failed) {
        unsigned opcode = (unsigned)fixed(r, 1);
        if (opcode >= m->unit->opcode_base)
            run_special(m, opcode);
        else if (opcode == 0)
            run_extended(m);
        else
            run_standard(m, opcode);
    }
}

void dwarf_for_each_row(const struct dwarf_sections *sections,
                        void (*visit)(const struct dwarf_row *, void *), void *context)
{
    struct reader all = {sections->line, sections->line + sections->line_bytes, false};

    while (all.at < all.end && !all.failed) {
        struct unit unit = {.sections = sections};
        struct machine machine = {.unit = &unit, .visit = visit, .context = context};
        uint64_t length = fixed(&all, 4);
        const UCHAR *body = take(&all, length);

        if (body == NULL)
            return;
        unit.r = (struct reader){body, body + length, false};
        unit.version = (USHORT)fixed(&unit.r, 2);
        if (unit.version < 2 || unit.version > 5)
            continue;
        read_header(&unit);
        run_program(&machine);
    }
}
