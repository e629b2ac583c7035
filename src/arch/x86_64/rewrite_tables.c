/* SPDX-License-Identifier: MIT */
/*
 * Code that is reached through data: the tables of switch statements, and the
 * handlers, filters and landing places of __try in the unwind data. What is
 * read here is the file's word; every value is checked before it is used.
 */
#include "arch/x86_64/rewrite_internal.h"

#define MAX_CASES 1024u

/* ---- switches ---- */

static const struct rewrite_insn *back(const struct code_history *history, ULONG steps, ULONG *rva)
{
    if (steps >= history->count || steps >= CODE_HISTORY)
        return NULL;
    *rva = history->rvas[(history->count - 1 - steps) % CODE_HISTORY];
    return &history->insns[(history->count - 1 - steps) % CODE_HISTORY];
}

static bool loads_table_entry(const struct rewrite_insn *insn)
{
    const ZydisDecodedOperand *from = &insn->operands[1];

    return (insn->info.mnemonic == ZYDIS_MNEMONIC_MOV || insn->info.mnemonic == ZYDIS_MNEMONIC_MOVSXD) &&
           insn->operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER && from->type == ZYDIS_OPERAND_TYPE_MEMORY &&
           from->size == 32 && from->mem.scale == 4 && from->mem.index != ZYDIS_REGISTER_NONE &&
           from->mem.base != ZYDIS_REGISTER_NONE;
}

/* What the base register holds: the newest `lea base, [rip + X]`; without one, the image base. */
static ULONG64 base_of(const struct code_history *history, ZydisRegister base)
{
    ULONG rva;
    const struct rewrite_insn *insn;

    for (ULONG steps = 1; (insn = back(history, steps, &rva)) != NULL; steps++) {
        if (insn->info.mnemonic == ZYDIS_MNEMONIC_LEA && insn->operands[0].reg.value == base &&
            insn->operands[1].mem.base == ZYDIS_REGISTER_RIP)
            return (ULONG64)rva + insn->info.length + (ULONG64)insn->operands[1].mem.disp.value;
    }
    return 0;
}

/* The bound that the switch checks: cmp register, N before the load. */
static ULONG case_count(const struct code_history *history)
{
    ULONG rva;
    const struct rewrite_insn *insn;

    for (ULONG steps = 1; (insn = back(history, steps, &rva)) != NULL; steps++) {
        if (insn->info.mnemonic == ZYDIS_MNEMONIC_CMP &&
            insn->operands[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE &&
            insn->operands[1].imm.value.u < MAX_CASES)
            return (ULONG)insn->operands[1].imm.value.u + 1;
    }
    return MAX_CASES;
}

static bool same_function(const struct code_map *map, ULONG64 rva, ULONG jump)
{
    const RUNTIME_FUNCTION *function = code_function(map->input, jump);

    if (!code_executable(map->input, rva))
        return false;
    if (function == NULL)
        return rva + 0x10000 > jump && rva < (ULONG64)jump + 0x10000;
    return rva >= function->BeginAddress && rva < function->EndAddress;
}

static bool add_cases(struct code_map *map, ULONG64 base, ULONG64 table, ULONG count, ULONG jump)
{
    ULONG found = 0;

    for (ULONG i = 0; i < count; i++, found++) {
        LONG entry;
        if (table + i * 4ull + 4 > map->input->size)
            break;
        __builtin_memcpy(&entry, code_bytes(map->input, (ULONG)(table + i * 4)), sizeof(entry));
        if (!same_function(map, base + (ULONG64)(LONG64)entry, jump))
            break;
        code_add_target(map, base + (ULONG64)(LONG64)entry);
    }
    return found != 0;
}

bool code_follow_switch(struct code_map *map, const struct code_history *history)
{
    ULONG rva, jump;
    const struct rewrite_insn *insn;

    if (back(history, 0, &jump) == NULL)
        return false;
    for (ULONG steps = 1; (insn = back(history, steps, &rva)) != NULL; steps++) {
        const ZydisDecodedOperandMem *mem = &insn->operands[1].mem;
        ULONG64 base;
        if (!loads_table_entry(insn))
            continue;
        base = base_of(history, mem->base);
        return add_cases(map, base, base + (ULONG64)mem->disp.value, case_count(history), jump);
    }
    return false;
}

/* ---- unwind data ---- */

/* Bytes of the mapped image, NULL if [rva, rva + length) is not inside it. */
static const UCHAR *image_bytes(const struct rewrite_input *input, ULONG64 rva, ULONG64 length)
{
    return rva != 0 && rva + length <= input->size ? code_bytes(input, (ULONG)rva) : NULL;
}

struct scope {
    ULONG begin, end, handler, target;
};

static bool plausible_scope(const struct rewrite_input *input, const struct scope *scope)
{
    return scope->begin < scope->end && scope->end <= input->size &&
           (scope->handler == 1 || code_executable(input, scope->handler)) &&
           (scope->target == 0 || code_executable(input, scope->target));
}

/* The data of __C_specific_handler. Other handlers have other data, which hardly reads like a scope table. */
static void add_scopes(struct code_map *map, ULONG64 at)
{
    const UCHAR *bytes = image_bytes(map->input, at, sizeof(ULONG));
    ULONG count;

    if (bytes == NULL)
        return;
    __builtin_memcpy(&count, bytes, sizeof(count));
    bytes = image_bytes(map->input, at + sizeof(count), (ULONG64)count * sizeof(struct scope));
    if (bytes == NULL || count > 4096)
        return;
    for (ULONG i = 0; i < count; i++) {
        struct scope scope;
        __builtin_memcpy(&scope, bytes + i * sizeof(scope), sizeof(scope));
        if (!plausible_scope(map->input, &scope))
            return;
        if (scope.handler != 1)
            code_add_target(map, scope.handler);
        code_add_target(map, scope.target);
    }
}

static void add_handler(struct code_map *map, ULONG unwind)
{
    const UCHAR *bytes = image_bytes(map->input, unwind, 4);
    ULONG64 after;
    ULONG handler;

    if (bytes == NULL || !((bytes[0] >> 3) & (UNW_FLAG_EHANDLER | UNW_FLAG_UHANDLER)))
        return;
    after = (ULONG64)unwind + 4 + 2ull * ((bytes[2] + 1u) & ~1u);
    bytes = image_bytes(map->input, after, sizeof(handler));
    if (bytes == NULL)
        return;
    __builtin_memcpy(&handler, bytes, sizeof(handler));
    code_add_target(map, handler);
    add_scopes(map, after + sizeof(handler));
}

void code_add_unwind_targets(struct code_map *map)
{
    for (ULONG i = 0; i < map->input->function_count; i++) {
        if (!(map->input->functions[i].UnwindData & RUNTIME_FUNCTION_INDIRECT))
            add_handler(map, map->input->functions[i].UnwindData);
    }
}
