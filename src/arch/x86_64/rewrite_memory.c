/* SPDX-License-Identifier: MIT */
/*
 * Instructions on memory that traps: device registers and KUSER_SHARED_DATA.
 * Each is one access of the instruction's width, as the bus would see it. What
 * drivers use on registers is carried out here; anything else with a memory
 * operand runs natively on a copy of it (rewrite_native.c). An instruction that
 * stores holds the bus from its load to its store, as LOCK does.
 */
#include "arch/x86_64/rewrite_access.h"
#include "arch/x86_64/rewrite_alu.h"
#include "base/lock.h"

static rl_lock bus_lock;

/* ---- operands ---- */

UCHAR *access_register(const struct access *access, ZydisRegister reg)
{
    if (ZydisRegisterGetClass(reg) == ZYDIS_REGCLASS_XMM)
        return (UCHAR *)(&access->context->Xmm0 + ZydisRegisterGetId(reg));
    if (reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH)
        return (UCHAR *)&access->registers[reg - ZYDIS_REGISTER_AH] + 1;
    return (UCHAR *)&access
        ->registers[ZydisRegisterGetId(ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg))];
}

static ULONG64 operand_value(const struct access *access, const ZydisDecodedOperand *operand)
{
    ULONG64 value = 0;

    if (operand->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
        return operand->imm.value.u;
    __builtin_memcpy(&value, access_register(access, operand->reg.value), operand->size / 8);
    return value;
}

static void set_operand(const struct access *access, const ZydisDecodedOperand *operand, ULONG64 value)
{
    UCHAR *bytes = access_register(access, operand->reg.value);

    __builtin_memcpy(bytes, &value, operand->size / 8);
    if (operand->size == 32)
        __builtin_memset(bytes + 4, 0, 4);
}

static const ZydisDecodedOperand *memory_operand(const struct rewrite_insn *insn)
{
    for (unsigned i = 0; i < insn->info.operand_count_visible; i++) {
        if (insn->operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY)
            return &insn->operands[i];
    }
    return NULL;
}

static ULONG64 effective_address(const struct access *access, const ZydisDecodedOperand *operand)
{
    const ZydisDecodedOperandMem *mem = &operand->mem;
    ULONG64 address = (ULONG64)mem->disp.value;

    if (mem->base == ZYDIS_REGISTER_RIP)
        address += access->context->Rip + access->insn->info.length;
    else if (mem->base != ZYDIS_REGISTER_NONE)
        address += *(ULONG64 *)access_register(access, mem->base);
    if (mem->index != ZYDIS_REGISTER_NONE)
        address += *(ULONG64 *)access_register(access, mem->index) * mem->scale;
    if (mem->segment == ZYDIS_REGISTER_GS)
        address += (uintptr_t)arch_get_gs();
    return access->insn->info.address_width == 32 ? (ULONG)address : address;
}

/* ---- the instructions ---- */

static bool memory_is_first(const struct access *access)
{
    return access->insn->operands[0].type == ZYDIS_OPERAND_TYPE_MEMORY;
}

static bool emulate_move(struct access *access)
{
    const ZydisDecodedOperand *operands = access->insn->operands;
    ULONG64 value = 0;

    if (memory_is_first(access)) {
        value = operand_value(access, &operands[1]);
        return access_store(access, &value);
    }
    if (!access_load(access, &value))
        return false;
    set_operand(access, &operands[0], value);
    return true;
}

static bool emulate_extend(struct access *access, bool is_signed)
{
    unsigned shift = 64 - access->width * 8;
    ULONG64 value = 0;

    if (!access_load(access, &value))
        return false;
    if (is_signed)
        value = (ULONG64)((LONG64)(value << shift) >> shift);
    set_operand(access, &access->insn->operands[0], value);
    return true;
}

static bool emulate_arithmetic(struct access *access, enum alu_operation operation)
{
    const ZydisDecodedOperand *operands = access->insn->operands;
    ULONG64 memory = 0, other, result, flags = access->context->EFlags;
    bool first = memory_is_first(access);

    if (!access_load(access, &memory))
        return false;
    other =
        access->insn->info.operand_count_visible > 1 ? operand_value(access, &operands[first ? 1 : 0]) : 0;
    result = first ? alu_run(operation, memory, other, access->width, &flags)
                   : alu_run(operation, other, memory, access->width, &flags);
    if (alu_writes(operation)) {
        if (first && !access_store(access, &result))
            return false;
        if (!first)
            set_operand(access, &operands[0], result);
    }
    access->context->EFlags = (ULONG)flags;
    return true;
}

static bool emulate_exchange(struct access *access)
{
    const ZydisDecodedOperand *reg = &access->insn->operands[memory_is_first(access) ? 1 : 0];
    ULONG64 memory = 0, value = operand_value(access, reg);

    if (!access_load(access, &memory) || !access_store(access, &value))
        return false;
    set_operand(access, reg, memory);
    return true;
}

static bool emulate_exchange_add(struct access *access)
{
    const ZydisDecodedOperand *reg = &access->insn->operands[1];
    ULONG64 memory = 0, sum, flags = access->context->EFlags;

    if (!access_load(access, &memory))
        return false;
    sum = alu_run(ALU_ADD, memory, operand_value(access, reg), access->width, &flags);
    if (!access_store(access, &sum))
        return false;
    set_operand(access, reg, memory);
    access->context->EFlags = (ULONG)flags;
    return true;
}

static bool emulate_compare_exchange(struct access *access)
{
    ULONG64 memory = 0, expected = 0, replacement = operand_value(access, &access->insn->operands[1]);
    ULONG64 flags = access->context->EFlags;

    __builtin_memcpy(&expected, &access->registers[0], access->width);
    if (!access_load(access, &memory))
        return false;
    alu_run(ALU_CMP, expected, memory, access->width, &flags);
    if (expected != memory)
        replacement = memory; /* it is written either way */
    if (!access_store(access, &replacement))
        return false;
    if (expected != memory) {
        __builtin_memcpy(&access->registers[0], &memory, access->width);
        if (access->width == 4)
            access->registers[0] &= 0xFFFFFFFF;
    }
    access->context->EFlags = (ULONG)flags;
    return true;
}

static bool emulate_bit(struct access *access, int change)
{
    const ZydisDecodedOperand *index = &access->insn->operands[1];
    ULONG64 memory = 0, bit = operand_value(access, index);

    if (index->type == ZYDIS_OPERAND_TYPE_REGISTER) { /* the index reaches beyond the operand */
        LONG64 offset = (LONG64)(bit << (64 - index->size)) >> (64 - index->size);
        access->address += (ULONG64)((offset >> (access->width == 8   ? 6
                                                 : access->width == 4 ? 5
                                                                      : 4)) *
                                     (LONG64)access->width);
    }
    bit %= access->width * 8;
    if (!access_load(access, &memory))
        return false;
    access->context->EFlags = (access->context->EFlags & ~1u) | (ULONG)((memory >> bit) & 1);
    if (change == 0)
        return true;
    memory = change == 1   ? memory | 1ull << bit
             : change == 2 ? memory & ~(1ull << bit)
                           : memory ^ 1ull << bit;
    return access_store(access, &memory);
}

/* ---- the stack ---- */

static ULONG64 *stack_pointer(const struct access *access)
{
    return &access->context->Rsp;
}

static bool emulate_push(struct access *access)
{
    ULONG64 value = 0, *rsp = stack_pointer(access);

    if (!access_load(access, &value) ||
        !rewrite_space_write(*rsp - access->width, &value, access->width, access->record))
        return false;
    *rsp -= access->width;
    return true;
}

/* An operand that is relative to rsp is so to what rsp is afterwards. */
static bool emulate_pop(struct access *access)
{
    ULONG64 value = 0, *rsp = stack_pointer(access);

    if (!rewrite_space_read(*rsp, &value, access->width, access->record))
        return false;
    *rsp += access->width;
    access->address = effective_address(access, &access->insn->operands[0]);
    if (access_store(access, &value))
        return true;
    *rsp -= access->width;
    return false;
}

static bool emulate_integer(struct access *access)
{
    enum alu_operation operation;

    switch (access->insn->info.mnemonic) {
    case ZYDIS_MNEMONIC_MOV:
    case ZYDIS_MNEMONIC_MOVNTI:
        return emulate_move(access);
    case ZYDIS_MNEMONIC_MOVZX:
        return emulate_extend(access, false);
    case ZYDIS_MNEMONIC_MOVSX:
    case ZYDIS_MNEMONIC_MOVSXD:
        return emulate_extend(access, true);
    case ZYDIS_MNEMONIC_XCHG:
        return emulate_exchange(access);
    case ZYDIS_MNEMONIC_XADD:
        return emulate_exchange_add(access);
    case ZYDIS_MNEMONIC_CMPXCHG:
        return emulate_compare_exchange(access);
    case ZYDIS_MNEMONIC_PUSH:
        return emulate_push(access);
    case ZYDIS_MNEMONIC_POP:
        return emulate_pop(access);
    case ZYDIS_MNEMONIC_BT:
        return emulate_bit(access, 0);
    case ZYDIS_MNEMONIC_BTS:
        return emulate_bit(access, 1);
    case ZYDIS_MNEMONIC_BTR:
        return emulate_bit(access, 2);
    case ZYDIS_MNEMONIC_BTC:
        return emulate_bit(access, 3);
    default:
        return alu_of(access->insn->info.mnemonic, &operation) ? emulate_arithmetic(access, operation)
                                                               : emulate_natively(access);
    }
}

static bool stores(const ZydisDecodedOperand *operand)
{
    return (operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0;
}

static bool emulate_operand(struct access *access, const ZydisDecodedOperand *operand)
{
    bool done, holds_bus = stores(operand);

    if (holds_bus)
        rl_lock_acquire(&bus_lock);
    if (is_vector_move(access->insn))
        done = emulate_vector_move(access);
    else
        done = access->width <= 8 ? emulate_integer(access) : emulate_natively(access);
    if (holds_bus)
        rl_lock_release(&bus_lock);
    return done;
}

static bool emulate_one(struct access *access)
{
    const ZydisDecodedOperand *operand;

    if (is_string(access->insn))
        return emulate_string(access);
    operand = memory_operand(access->insn);
    if (operand == NULL || operand->size < 8 || operand->size / 8 > ACCESS_MAX_WIDTH)
        return false;
    access->width = operand->size / 8;
    access->address = effective_address(access, operand);
    return emulate_operand(access, operand);
}

bool rewrite_emulate_memory(const struct rewrite_insn *insn, EXCEPTION_RECORD *record, CONTEXT *context)
{
    struct access access = {.insn = insn, .record = record, .context = context, .registers = &context->Rax};

    if (!emulate_one(&access))
        return false;
    context->Rip += insn->info.length;
    return true;
}
