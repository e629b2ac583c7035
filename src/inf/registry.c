/* SPDX-License-Identifier: MIT */
/*
 * AddReg, DelReg and BitReg: a line of theirs becomes a step. Sources: "INF
 * AddReg Directive", "INF DelReg Directive", "INF BitReg Directive".
 */
#include "inf/plan_internal.h"
#include "nt/cm.h"

#define FLAG_BINARY        0x00000001
#define FLAG_NO_CLOBBER    0x00000002
#define FLAG_DELETE_VALUE  0x00000004
#define FLAG_APPEND        0x00000008
#define FLAG_KEY_ONLY      0x00000010
#define FLAG_ONLY_EXISTING 0x00000020
#define FLAG_KEY_ONLY_ALSO 0x00002000
#define FLAG_32BIT         0x00004000
#define FLAG_DELETE_STRING 0x00018002
#define TYPE_MASK          0xFFFF0001u
#define TYPE_SZ            0x00000000
#define TYPE_MULTI_SZ      0x00010000
#define TYPE_EXPAND_SZ     0x00020000
#define TYPE_DWORD         0x00010001
#define TYPE_NONE          0x00020001
#define TYPE_REG_QWORD     11

/* ---- which key ---- */

static const char *root_path(const char *root)
{
    static const struct {
        const char *root, *path;
    } roots[] = {{"HKLM", "\\Registry\\Machine"},
                 {"HKCR", "\\Registry\\Machine\\Software\\Classes"},
                 {"HKCU", "\\Registry\\User\\.Default"},
                 {"HKU", "\\Registry\\User"}};

    for (unsigned i = 0; i < countof(roots); i++)
        if (inf_same(root, roots[i].root))
            return roots[i].path;
    return NULL;
}

static bool begins(const char *text, const char *start, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((text[i] | 0x20) != (start[i] | 0x20))
            return false;
    return true;
}

/* What 32-bit programs see of HKLM\Software lies under a key of its own. */
static const char *below_32bit(struct inf_plan *plan, const char *root, const char *path)
{
    if (!inf_same(root, "HKLM") || !begins(path, "software\\", 9))
        return path;
    return inf_plan_text(plan, "Software\\Wow6432Node\\%s", path + 9);
}

static const char *join(struct inf_plan *plan, const char *a, const char *b)
{
    while (*b == '\\')
        b++;
    if (*a == '\0' || *b == '\0')
        return *a == '\0' ? b : a;
    return inf_plan_text(plan, "%s\\%s", a, b);
}

/* Names for which PnP looks in the device's own key, or in the class's: no parameters of the driver's. */
static bool is_special(const char *name)
{
    static const char *const names[] = {"DeviceCharacteristics",
                                        "DeviceType",
                                        "Security",
                                        "UpperFilters",
                                        "LowerFilters",
                                        "Exclusive",
                                        "EnumPropPages32",
                                        "LocationInformationOverride",
                                        "ResourcePickerTags",
                                        "ResourcePickerExceptions"};
    for (unsigned i = 0; i < countof(names); i++)
        if (inf_same(name, names[i]))
            return true;
    return false;
}

/* Of a class these four are kept apart, where only the system reads them. */
static bool is_class_property(const char *name)
{
    return inf_same(name, "DeviceCharacteristics") || inf_same(name, "DeviceType") ||
           inf_same(name, "Security") || inf_same(name, "Exclusive");
}

static const char *below_place(struct inf_plan *plan, const struct inf_place *place, const char *path,
                               const char *name)
{
    bool special = *path == '\0' && is_special(name);

    if (place->kind == PLACE_HARDWARE && !special)
        path = join(plan, "Device Parameters", path);
    if (place->kind == PLACE_CLASS && special && is_class_property(name))
        path = "Properties";
    return join(plan, place->path, path);
}

/* The place that a line speaks of: its root, and the key below it as *path. */
static bool place_of(struct inf_scope *scope, const struct inf_line *line, ULONG flags,
                     struct inf_place *place)
{
    const char *root = inf_value(line, 0), *path = inf_value(line, 1);

    *place = scope->place;
    if (inf_same(root, "HKR") && scope->place.path == NULL)
        return inf_fail(scope->plan->error, line->number, "HKR has no key in this section");
    if (inf_same(root, "HKR")) {
        place->path = below_place(scope->plan, &scope->place, path, inf_value(line, 2));
        return true;
    }
    if (root_path(root) == NULL)
        return inf_fail(scope->plan->error, line->number,
                        "'%s' is no root of the registry: HKCR, HKCU, HKLM, HKU or HKR", root);
    if (flags & FLAG_32BIT)
        path = below_32bit(scope->plan, root, path);
    place->key = INF_KEY_ABSOLUTE;
    place->kind = PLACE_OTHER;
    place->interface = NULL;
    place->path = join(scope->plan, root_path(root), path);
    return true;
}

static bool flags_of(struct inf_scope *scope, const struct inf_line *line, ULONG *flags)
{
    ULONG64 number = 0;
    const char *text = inf_value(line, 3);

    if (*text == '%') { /* a string that is not defined: Windows takes none for 0 */
        inf_plan_note(scope->plan, line->number, "%s is no string of this INF", text);
        text = "";
    }
    if (*text != '\0' && (!inf_number64(text, &number) || number > 0xFFFFFFFF))
        return inf_fail(scope->plan->error, line->number, "'%s' is no number for the flags", text);
    *flags = (ULONG)number;
    return true;
}

/* ---- AddReg: data ---- */

static bool bytes_of(struct inf_scope *scope, const struct inf_line *line, struct inf_step *step)
{
    unsigned count = line->count > 4 ? line->count - 4 : 0;
    UCHAR *bytes = inf_allocate(&scope->plan->memory, count + 1);

    for (unsigned i = 0; i < count; i++) {
        const char *text = line->value[i + 4];
        if (*text == '\0' && i + 1 == count)
            continue;
        if (!inf_byte(text, &bytes[step->length++]))
            return inf_fail(scope->plan->error, line->number, "'%s' is no byte in hexadecimal", text);
    }
    step->data = bytes;
    return true;
}

/* A number; or, as four (eight) of them, its bytes. */
static bool number_of(struct inf_scope *scope, const struct inf_line *line, struct inf_step *step,
                      unsigned size)
{
    const char *text = inf_value(line, 4);
    ULONG64 *number = inf_allocate(&scope->plan->memory, sizeof(*number));

    if (line->count == 4 + size)
        return bytes_of(scope, line, step);
    if (*text != '\0' && !inf_number64(text, number))
        return inf_fail(scope->plan->error, line->number, "'%s' is no number", text);
    if (size == 4 && *number > 0xFFFFFFFF && *number < 0xFFFFFFFF80000000ull)
        return inf_fail(scope->plan->error, line->number, "'%s' does not fit in 32 bits", text);
    step->data = number;
    step->length = size;
    return true;
}

static bool data_of(struct inf_scope *scope, const struct inf_line *line, ULONG flags, struct inf_step *step)
{
    ULONG kind = flags & TYPE_MASK;

    if (kind == TYPE_SZ || kind == TYPE_EXPAND_SZ) {
        step->type = kind == TYPE_SZ ? REG_SZ : REG_EXPAND_SZ;
        step->data = inf_encode_text(scope->plan, inf_value(line, 4), &step->length);
        return true;
    }
    if (kind == TYPE_MULTI_SZ) {
        step->type = REG_MULTI_SZ;
        step->data = inf_encode_texts(scope->plan, line, 4, &step->length);
        return true;
    }
    if (kind == TYPE_DWORD || kind == (TYPE_REG_QWORD << 16 | FLAG_BINARY)) {
        step->type = kind == TYPE_DWORD ? REG_DWORD : TYPE_REG_QWORD;
        return number_of(scope, line, step, kind == TYPE_DWORD ? 4 : 8);
    }
    if (!(kind & FLAG_BINARY))
        return inf_fail(scope->plan->error, line->number, "0x%x is no type of text", flags & TYPE_MASK);
    step->type = kind == FLAG_BINARY ? REG_BINARY : kind == TYPE_NONE ? REG_NONE : kind >> 16;
    return bytes_of(scope, line, step);
}

static unsigned conditions_of(const struct inf_place *place, const struct inf_line *line, ULONG flags)
{
    unsigned conditions = 0;

    if (flags & FLAG_NO_CLOBBER)
        conditions |= INF_NO_CLOBBER;
    if (flags & FLAG_ONLY_EXISTING)
        conditions |= INF_ONLY_EXISTING;
    if ((flags & FLAG_APPEND) && (flags & TYPE_MASK) == TYPE_MULTI_SZ)
        conditions |= INF_APPEND;
    if ((place->kind == PLACE_HARDWARE || place->kind == PLACE_CLASS) && (flags & TYPE_MASK) == TYPE_SZ &&
        inf_value(line, 1)[0] == '\0' && inf_same(inf_value(line, 2), "Security"))
        conditions |= INF_SDDL;
    return conditions;
}

static bool add_line(struct inf_scope *scope, const struct inf_line *line)
{
    struct inf_place place;
    ULONG flags;

    if (!flags_of(scope, line, &flags) || !place_of(scope, line, flags, &place))
        return false;
    /* Neither a name nor a value: the key is all that is wanted. */
    bool key_only = (flags & (FLAG_KEY_ONLY | FLAG_KEY_ONLY_ALSO)) || line->count <= 2;
    if (flags & FLAG_DELETE_VALUE) {
        bool whole = inf_value(line, 2)[0] == '\0';
        inf_plan_step(scope->plan, &place, whole ? INF_DELETE_KEY : INF_DELETE_VALUE, line->number)->name =
            inf_value(line, 2);
        return true;
    }
    struct inf_step *step =
        inf_plan_step(scope->plan, &place, key_only ? INF_CREATE_KEY : INF_SET, line->number);
    if (key_only)
        return true;
    step->name = inf_value(line, 2);
    step->conditions = conditions_of(&place, line, flags);
    return data_of(scope, line, flags, step);
}

/* ---- DelReg ---- */

static bool delete_line(struct inf_scope *scope, const struct inf_line *line)
{
    struct inf_place place;
    ULONG flags;

    if (!flags_of(scope, line, &flags) || !place_of(scope, line, flags, &place))
        return false;
    bool in_string = (flags & FLAG_DELETE_STRING) == FLAG_DELETE_STRING;
    bool whole = (flags & FLAG_KEY_ONLY_ALSO) || inf_value(line, 2)[0] == '\0';
    if (whole && inf_value(line, 1)[0] == '\0')
        return inf_fail(scope->plan->error, line->number, "neither a key nor a value to delete");
    struct inf_step *step = inf_plan_step(scope->plan, &place,
                                          in_string ? INF_DELETE_STRING
                                          : whole   ? INF_DELETE_KEY
                                                    : INF_DELETE_VALUE,
                                          line->number);
    step->name = inf_value(line, 2);
    if (in_string)
        step->data = inf_encode_text(scope->plan, inf_value(line, 4), &step->length);
    return true;
}

/* ---- BitReg: root, key, name, flags (1: set, else clear), mask, byte ---- */

static bool bit_line(struct inf_scope *scope, const struct inf_line *line)
{
    struct inf_place place;
    UCHAR *bits = inf_allocate(&scope->plan->memory, 6);
    ULONG64 index;
    ULONG flags;

    if (!flags_of(scope, line, &flags) || !place_of(scope, line, flags, &place))
        return false;
    if (!inf_byte(inf_value(line, 4), &bits[4]) || !inf_number64(inf_value(line, 5), &index) ||
        index > 0xFFFF)
        return inf_fail(scope->plan->error, line->number, "a mask and the number of a byte are wanted");
    ULONG where = (ULONG)index;
    __builtin_memcpy(bits, &where, sizeof(where));
    bits[5] = (flags & 1) != 0;
    struct inf_step *step = inf_plan_step(scope->plan, &place, INF_BITS, line->number);
    step->name = inf_value(line, 2);
    step->data = bits;
    step->length = 6;
    return true;
}

/* ---- the directives ---- */

static bool each_section(struct inf_scope *scope, const struct inf_line *line,
                         bool (*each)(struct inf_scope *, const struct inf_line *))
{
    for (unsigned i = 0; i < line->count; i++) {
        const struct inf_section *section = inf_named_section(scope, line, line->value[i]);
        for (const struct inf_line *at = section != NULL ? section->first : NULL; at != NULL; at = at->next)
            if (!each(scope, at))
                return false;
    }
    return true;
}

static void note_security(struct inf_scope *scope, const struct inf_line *line)
{
    char name[300];

    for (unsigned i = 0; i < line->count; i++) {
        host_snprintf(name, sizeof(name), "%s.Security", line->value[i]);
        if (inf_section(scope->inf, name) != NULL)
            inf_plan_note(scope->plan, line->number, "[%s]: keys have no security of their own", name);
    }
}

bool inf_add_reg(struct inf_scope *scope, const struct inf_line *line)
{
    note_security(scope, line);
    return each_section(scope, line, add_line);
}

bool inf_del_reg(struct inf_scope *scope, const struct inf_line *line)
{
    return each_section(scope, line, delete_line);
}

bool inf_bit_reg(struct inf_scope *scope, const struct inf_line *line)
{
    return each_section(scope, line, bit_line);
}
