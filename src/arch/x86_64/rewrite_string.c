/* SPDX-License-Identifier: MIT */
/*
 * String instructions with a device at one end or both: an access for each
 * element, registers and count moved behind each, so that a fault in the
 * middle can be restarted.
 */
#include "arch/x86_64/rewrite_access.h"
#include "arch/x86_64/rewrite_alu.h"

enum { RAX = 0, RCX = 1, RSI = 6, RDI = 7 };

#define FLAG_DF 0x400u
#define FLAG_ZF 0x40u

enum string_kind { STRING_NONE, STRING_MOVE, STRING_STORE, STRING_LOAD, STRING_COMPARE, STRING_SCAN };

struct string {
    enum string_kind kind;
    unsigned width;
    ULONG64 mask; /* of an address */
};

static struct string string_of(const struct rewrite_insn *insn)
{
    static const struct {
        ZydisMnemonic mnemonic;
        enum string_kind kind;
        UCHAR width;
    } table[] = {
        {ZYDIS_MNEMONIC_MOVSB, STRING_MOVE, 1},    {ZYDIS_MNEMONIC_MOVSW, STRING_MOVE, 2},
        {ZYDIS_MNEMONIC_MOVSD, STRING_MOVE, 4},    {ZYDIS_MNEMONIC_MOVSQ, STRING_MOVE, 8},
        {ZYDIS_MNEMONIC_STOSB, STRING_STORE, 1},   {ZYDIS_MNEMONIC_STOSW, STRING_STORE, 2},
        {ZYDIS_MNEMONIC_STOSD, STRING_STORE, 4},   {ZYDIS_MNEMONIC_STOSQ, STRING_STORE, 8},
        {ZYDIS_MNEMONIC_LODSB, STRING_LOAD, 1},    {ZYDIS_MNEMONIC_LODSW, STRING_LOAD, 2},
        {ZYDIS_MNEMONIC_LODSD, STRING_LOAD, 4},    {ZYDIS_MNEMONIC_LODSQ, STRING_LOAD, 8},
        {ZYDIS_MNEMONIC_CMPSB, STRING_COMPARE, 1}, {ZYDIS_MNEMONIC_CMPSW, STRING_COMPARE, 2},
        {ZYDIS_MNEMONIC_CMPSD, STRING_COMPARE, 4}, {ZYDIS_MNEMONIC_CMPSQ, STRING_COMPARE, 8},
        {ZYDIS_MNEMONIC_SCASB, STRING_SCAN, 1},    {ZYDIS_MNEMONIC_SCASW, STRING_SCAN, 2},
        {ZYDIS_MNEMONIC_SCASD, STRING_SCAN, 4},    {ZYDIS_MNEMONIC_SCASQ, STRING_SCAN, 8},
    };
    struct string string = {.mask = insn->info.address_width == 32 ? 0xFFFFFFFF : ~0ull};

    if (insn->info.meta.category != ZYDIS_CATEGORY_STRINGOP) /* movsd and cmpsd are SSE's too */
        return string;
    for (unsigned i = 0; i < countof(table); i++) {
        if (table[i].mnemonic == insn->info.mnemonic) {
            string.kind = table[i].kind;
            string.width = table[i].width;
        }
    }
    return string;
}

bool is_string(const struct rewrite_insn *insn)
{
    return string_of(insn).kind != STRING_NONE;
}

static ULONG64 segment_base(const struct rewrite_insn *insn)
{
    return insn->info.attributes & ZYDIS_ATTRIB_HAS_SEGMENT_GS ? (uintptr_t)arch_get_gs() : 0;
}

static bool read_source(const struct access *access, const struct string *string, ULONG64 *value)
{
    return rewrite_space_read((access->registers[RSI] & string->mask) + segment_base(access->insn), value,
                              string->width, access->record);
}

static bool read_target(const struct access *access, const struct string *string, ULONG64 *value)
{
    return rewrite_space_read(access->registers[RDI] & string->mask, value, string->width, access->record);
}

static bool write_target(const struct access *access, const struct string *string, ULONG64 value)
{
    return rewrite_space_write(access->registers[RDI] & string->mask, &value, string->width, access->record);
}

static void advance(const struct access *access, const struct string *string, unsigned index)
{
    ULONG64 step = access->context->EFlags & FLAG_DF ? -(ULONG64)string->width : string->width;

    access->registers[index] = (access->registers[index] + step) & string->mask;
}

static void compare(const struct access *access, const struct string *string, ULONG64 a, ULONG64 b)
{
    ULONG64 flags = access->context->EFlags;

    alu_run(ALU_CMP, a, b, string->width, &flags);
    access->context->EFlags = (ULONG)flags;
}

static void set_accumulator(const struct access *access, const struct string *string, ULONG64 value)
{
    __builtin_memcpy(&access->registers[RAX], &value, string->width);
    if (string->width == 4)
        access->registers[RAX] &= 0xFFFFFFFF;
}

static bool one_element(const struct access *access, const struct string *string)
{
    bool source =
        string->kind == STRING_MOVE || string->kind == STRING_LOAD || string->kind == STRING_COMPARE;
    bool target = string->kind == STRING_COMPARE || string->kind == STRING_SCAN;
    ULONG64 value = access->registers[RAX], other = 0;

    if ((source && !read_source(access, string, &value)) || (target && !read_target(access, string, &other)))
        return false;
    if (string->kind == STRING_LOAD)
        set_accumulator(access, string, value);
    else if (target)
        compare(access, string, value, other);
    else if (!write_target(access, string, value))
        return false;
    if (source)
        advance(access, string, RSI);
    if (string->kind != STRING_LOAD)
        advance(access, string, RDI);
    return true;
}

/* repe and repne look at the comparison; with the others both prefixes only repeat. */
static bool goes_on(const struct access *access, const struct string *string)
{
    bool equal = (access->context->EFlags & FLAG_ZF) != 0;

    if (string->kind != STRING_COMPARE && string->kind != STRING_SCAN)
        return true;
    return equal == !(access->insn->info.attributes & ZYDIS_ATTRIB_HAS_REPNE);
}

bool emulate_string(struct access *access)
{
    struct string string = string_of(access->insn);
    bool more = true;

    if (!(access->insn->info.attributes &
          (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE)))
        return one_element(access, &string);
    while (more && (access->registers[RCX] & string.mask) != 0) {
        if (!one_element(access, &string))
            return false;
        access->registers[RCX] = (access->registers[RCX] - 1) & string.mask;
        more = goes_on(access, &string);
    }
    return true;
}
