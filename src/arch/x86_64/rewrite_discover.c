/* SPDX-License-Identifier: MIT */
/*
 * Which bytes of an image are code: recursive descent from what is certainly
 * code, never a sweep, since tables and strings lie between functions. Data
 * that is merely pointed to is code only if it reads like a whole routine.
 */
#include "arch/x86_64/rewrite_internal.h"

#define STACK_SLOTS 4096u
#define PROBE_LIMIT 256u

bool code_executable(const struct rewrite_input *input, ULONG64 rva)
{
    return rva < input->size && code_section_end(input, (ULONG)rva) != 0;
}

/* The end of the executable section around rva; 0 if there is none. */
ULONG code_section_end(const struct rewrite_input *input, ULONG rva)
{
    for (unsigned i = 0; i < input->section_count; i++) {
        const IMAGE_SECTION_HEADER *section = &input->sections[i];
        ULONG bytes = section->Misc.VirtualSize ? section->Misc.VirtualSize : section->SizeOfRawData;
        if ((section->Characteristics & IMAGE_SCN_MEM_EXECUTE) && rva >= section->VirtualAddress &&
            rva - section->VirtualAddress < bytes)
            return section->VirtualAddress + bytes;
    }
    return 0;
}

const RUNTIME_FUNCTION *code_function(const struct rewrite_input *input, ULONG rva)
{
    ULONG low = 0, high = input->function_count;

    while (low < high) {
        ULONG middle = low + (high - low) / 2;
        if (input->functions[middle].EndAddress <= rva)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == input->function_count || input->functions[low].BeginAddress > rva)
        return NULL;
    return &input->functions[low];
}

static void push(struct code_map *map, ULONG rva)
{
    map->flags[rva - map->low] |= CODE_PENDING;
    if (map->stack_count < STACK_SLOTS)
        map->stack[map->stack_count++] = rva;
    else
        map->overflowed = true;
}

/* Something transfers control to rva. */
void code_add_target(struct code_map *map, ULONG64 rva)
{
    UCHAR *flags;

    if (rva < map->low || rva >= map->high || !code_executable(map->input, rva))
        return;
    flags = &map->flags[rva - map->low];
    *flags |= CODE_TARGET;
    if (!(*flags & (CODE_START | CODE_BODY | CODE_PENDING)))
        push(map, (ULONG)rva);
}

static bool in_shared_data(ULONG64 value)
{
    return value - KUSER_BASE < PAGE_SIZE;
}

/* mov reg, imm64 and the moffs forms: the only instructions with a full address inside. */
static bool has_shared_address(const struct rewrite_insn *insn)
{
    return (insn->info.raw.imm[0].size == 64 && in_shared_data(insn->info.raw.imm[0].value.u)) ||
           (insn->info.raw.disp.size == 64 && in_shared_data((ULONG64)insn->info.raw.disp.value));
}

static ULONG64 branch_target(const struct rewrite_insn *insn, ULONG rva)
{
    return (ULONG64)rva + insn->info.length + (ULONG64)insn->info.raw.imm[0].value.s;
}

static bool is_lea_of_code(const struct code_map *map, const struct rewrite_insn *insn, ULONG rva,
                           ULONG64 *target)
{
    if (insn->info.mnemonic != ZYDIS_MNEMONIC_LEA || insn->operands[1].mem.base != ZYDIS_REGISTER_RIP)
        return false;
    *target = (ULONG64)rva + insn->info.length + (ULONG64)insn->operands[1].mem.disp.value;
    return code_executable(map->input, *target);
}

static bool looks_like_text(const UCHAR *bytes, ULONG available)
{
    unsigned printable = 0, zero_odd = 0;

    if (available < 8)
        return true;
    for (unsigned i = 0; i < 8; i++) {
        printable += bytes[i] >= ' ' && bytes[i] < 0x7F;
        zero_odd += i % 2 == 1 && bytes[i] == 0;
    }
    return printable == 8 || zero_odd == 4;
}

static bool ends_routine(const struct rewrite_insn *insn)
{
    return insn->info.meta.category == ZYDIS_CATEGORY_RET ||
           insn->info.meta.category == ZYDIS_CATEGORY_UNCOND_BR;
}

/* Reads like a routine: decodes without a flaw up to a return or a jump, without leaving the section. */
static bool reads_like_code(const struct code_map *map, ULONG rva)
{
    ULONG end = code_section_end(map->input, rva);

    if (looks_like_text(code_bytes(map->input, rva), end - rva))
        return false;
    for (ULONG at = rva; at - rva < PROBE_LIMIT && at < end;) {
        struct rewrite_insn insn;
        if (code_flags_at(map, at) & CODE_BODY ||
            !rewrite_decode(&insn, code_bytes(map->input, at), end - at))
            return false;
        if (insn.info.raw.imm[0].is_relative && !code_executable(map->input, branch_target(&insn, at)))
            return false;
        if (insn.info.mnemonic == ZYDIS_MNEMONIC_ADD && insn.info.opcode == 0)
            return false; /* zeros: padding or data */
        if (ends_routine(&insn))
            return true;
        at += insn.info.length;
    }
    return false;
}

/* Data points at rva: a label inside a known function, a function, or a table. */
static void add_hint(struct code_map *map, ULONG rva)
{
    const RUNTIME_FUNCTION *function = code_function(map->input, rva);

    if (rva < map->low || rva >= map->high)
        return;
    if (function != NULL && function->BeginAddress != rva)
        map->flags[rva - map->low] |= CODE_TARGET; /* perhaps a label: nothing may be moved across it */
    else if (function != NULL || reads_like_code(map, rva))
        code_add_target(map, rva);
}

static void mark(struct code_map *map, ULONG rva, unsigned length)
{
    map->flags[rva - map->low] |= CODE_START;
    for (unsigned i = 1; i < length; i++)
        map->flags[rva - map->low + i] |= CODE_BODY;
}

static void note_site(struct code_map *map, const struct rewrite_insn *insn, ULONG rva)
{
    struct rewrite_op op;
    enum rewrite_kind kind = rewrite_classify(&op, insn, 0);
    UCHAR *flags = &map->flags[rva - map->low];

    if (rewrite_needs_patch(kind, map->input->deterministic)) {
        *flags |= CODE_SITE;
        map->sites++;
    } else if (has_shared_address(insn)) {
        *flags |= CODE_SHARED;
    }
}

static void mark_opaque(struct code_map *map, ULONG rva)
{
    const RUNTIME_FUNCTION *function = code_function(map->input, rva);
    ULONG low = function != NULL ? function->BeginAddress : rva & ~63u;
    ULONG high = function != NULL ? function->EndAddress : low + 128;

    for (ULONG at = MAX(low, map->low); at < MIN(high, map->high); at++)
        map->flags[at - map->low] |= CODE_OPAQUE;
}

/* jmp register or jmp [register...]: a switch, or a tail call, which MSVC marks with a REX.W prefix. */
static void follow_computed_jump(struct code_map *map, const struct code_history *history, ULONG rva)
{
    const struct rewrite_insn *insn = &history->insns[(history->count - 1) % CODE_HISTORY];
    const ZydisDecodedOperand *operand = &insn->operands[0];

    if (insn->info.raw.rex.W)
        return;
    if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY && operand->mem.index == ZYDIS_REGISTER_NONE)
        return; /* an import, a function pointer */
    if (!code_follow_switch(map, history))
        mark_opaque(map, rva);
}

static bool never_returns(const struct rewrite_insn *insn)
{
    return insn->info.mnemonic == ZYDIS_MNEMONIC_UD2 ||
           (insn->info.mnemonic == ZYDIS_MNEMONIC_INT && insn->operands[0].imm.value.u == 0x29);
}

/* Looks at one instruction; false: what follows is not reached from it. */
static bool follow(struct code_map *map, struct code_history *history, ULONG rva)
{
    const struct rewrite_insn *insn = &history->insns[(history->count - 1) % CODE_HISTORY];
    ULONG64 target;

    if (insn->info.raw.imm[0].is_relative)
        code_add_target(map, branch_target(insn, rva));
    else if (insn->info.meta.category == ZYDIS_CATEGORY_UNCOND_BR)
        follow_computed_jump(map, history, rva);
    else if (is_lea_of_code(map, insn, rva, &target))
        add_hint(map, (ULONG)target);
    return !ends_routine(insn) && !never_returns(insn);
}

static ULONG limit_of(const struct code_map *map, ULONG rva)
{
    const RUNTIME_FUNCTION *function = code_function(map->input, rva);
    ULONG end = code_section_end(map->input, rva);

    return function != NULL ? MIN(end, function->EndAddress) : end;
}

static bool overlaps(const struct code_map *map, ULONG rva, unsigned length)
{
    for (unsigned i = 0; i < length; i++) {
        if (code_flags_at(map, (ULONG64)rva + i) & (CODE_START | CODE_BODY))
            return true;
    }
    return false;
}

static void trace(struct code_map *map, ULONG rva, struct code_history *history)
{
    ULONG end = limit_of(map, rva);

    for (history->count = 0; rva < end;) {
        struct rewrite_insn *insn = &history->insns[history->count % CODE_HISTORY];

        if (!rewrite_decode(insn, code_bytes(map->input, rva), end - rva) ||
            overlaps(map, rva, insn->info.length))
            return;
        history->rvas[history->count++ % CODE_HISTORY] = rva;
        mark(map, rva, insn->info.length);
        note_site(map, insn, rva);
        if (!follow(map, history, rva))
            return;
        rva += insn->info.length;
    }
}

/* After an overflow of the stack the flags still know what is pending. */
static bool refill(struct code_map *map)
{
    if (!map->overflowed)
        return false;
    map->overflowed = false;
    for (ULONG rva = map->low; rva < map->high; rva++) {
        if (map->flags[rva - map->low] & CODE_PENDING)
            push(map, rva);
    }
    return map->stack_count != 0;
}

static void drain(struct code_map *map, struct code_history *history)
{
    do {
        while (map->stack_count != 0) {
            ULONG rva = map->stack[--map->stack_count];
            map->flags[rva - map->low] &= (UCHAR)~CODE_PENDING;
            trace(map, rva, history);
        }
    } while (refill(map));
}

static bool allocate(struct code_map *map, struct arena *scratch)
{
    const struct rewrite_input *input = map->input;

    map->low = ~0u;
    for (unsigned i = 0; i < input->section_count; i++) {
        const IMAGE_SECTION_HEADER *section = &input->sections[i];
        ULONG end;
        if (!(section->Characteristics & IMAGE_SCN_MEM_EXECUTE))
            continue;
        end = code_section_end(input, section->VirtualAddress);
        map->low = MIN(map->low, section->VirtualAddress);
        map->high = MAX(map->high, end);
    }
    if (map->high <= map->low)
        map->low = map->high = 0;
    map->flags = arena_alloc(scratch, map->high - map->low + 1);
    map->stack = arena_alloc(scratch, STACK_SLOTS * sizeof(*map->stack));
    return map->flags != NULL && map->stack != NULL;
}

bool code_discover(struct code_map *map, const struct rewrite_input *input, struct arena *scratch)
{
    struct code_history *history = arena_alloc(scratch, sizeof(*history));

    *map = (struct code_map){.input = input};
    if (history == NULL || !allocate(map, scratch))
        return false;
    for (ULONG i = 0; i < input->root_count; i++)
        code_add_target(map, input->roots[i]);
    for (ULONG i = 0; i < input->function_count; i++)
        code_add_target(map, input->functions[i].BeginAddress);
    code_add_unwind_targets(map);
    drain(map, history);
    for (ULONG i = 0; i < input->hint_count; i++) {
        add_hint(map, input->hints[i]);
        drain(map, history);
    }
    return true;
}
