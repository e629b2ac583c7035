/* SPDX-License-Identifier: MIT */
/*
 * Flags by their definitions: carry and overflow from the operands' and the
 * result's top bits, so every width is the same code.
 */
#include "arch/x86_64/rewrite_alu.h"

#define CF 0x001ull
#define PF 0x004ull
#define AF 0x010ull
#define ZF 0x040ull
#define SF 0x080ull
#define OF 0x800ull

bool alu_of(ZydisMnemonic mnemonic, enum alu_operation *operation)
{
    static const struct {
        ZydisMnemonic mnemonic;
        enum alu_operation operation;
    } table[] = {
        {ZYDIS_MNEMONIC_ADD, ALU_ADD}, {ZYDIS_MNEMONIC_ADC, ALU_ADC}, {ZYDIS_MNEMONIC_SUB, ALU_SUB},
        {ZYDIS_MNEMONIC_SBB, ALU_SBB}, {ZYDIS_MNEMONIC_CMP, ALU_CMP}, {ZYDIS_MNEMONIC_AND, ALU_AND},
        {ZYDIS_MNEMONIC_OR, ALU_OR},   {ZYDIS_MNEMONIC_XOR, ALU_XOR}, {ZYDIS_MNEMONIC_TEST, ALU_TEST},
        {ZYDIS_MNEMONIC_INC, ALU_INC}, {ZYDIS_MNEMONIC_DEC, ALU_DEC}, {ZYDIS_MNEMONIC_NEG, ALU_NEG},
        {ZYDIS_MNEMONIC_NOT, ALU_NOT},
    };

    for (unsigned i = 0; i < countof(table); i++) {
        if (table[i].mnemonic == mnemonic) {
            *operation = table[i].operation;
            return true;
        }
    }
    return false;
}

bool alu_writes(enum alu_operation operation)
{
    return operation != ALU_CMP && operation != ALU_TEST;
}

static ULONG64 flags_of_result(ULONG64 result, unsigned width)
{
    ULONG64 flags = __builtin_parity((unsigned)(result & 0xFF)) ? 0 : PF;

    if (result == 0)
        flags |= ZF;
    return (result >> (width * 8 - 1)) & 1 ? flags | SF : flags;
}

static ULONG64 top_bit(ULONG64 value, unsigned width)
{
    return (value >> (width * 8 - 1)) & 1;
}

static ULONG64 add(ULONG64 a, ULONG64 b, ULONG64 carry, unsigned width, ULONG64 mask, ULONG64 *set)
{
    ULONG64 result = (a + b + carry) & mask;
    ULONG64 carries = (a & b) | ((a | b) & ~result);

    *set = flags_of_result(result, width) | (top_bit(carries, width) ? CF : 0) |
           (top_bit((a ^ result) & (b ^ result), width) ? OF : 0) | ((a ^ b ^ result) & AF);
    return result;
}

static ULONG64 subtract(ULONG64 a, ULONG64 b, ULONG64 borrow, unsigned width, ULONG64 mask, ULONG64 *set)
{
    ULONG64 result = (a - b - borrow) & mask;
    ULONG64 borrows = (~a & b) | ((~a | b) & result);

    *set = flags_of_result(result, width) | (top_bit(borrows, width) ? CF : 0) |
           (top_bit((a ^ b) & (a ^ result), width) ? OF : 0) | ((a ^ b ^ result) & AF);
    return result;
}

ULONG64 alu_run(enum alu_operation operation, ULONG64 a, ULONG64 b, unsigned width, ULONG64 *flags)
{
    ULONG64 mask = width == 8 ? ~0ull : (1ull << width * 8) - 1, changed = CF | PF | AF | ZF | SF | OF,
            set = 0;
    ULONG64 result = a & mask;

    a &= mask;
    b &= mask;
    switch (operation) {
    case ALU_ADD:
    case ALU_ADC:
        result = add(a, b, operation == ALU_ADC ? *flags & CF : 0, width, mask, &set);
        break;
    case ALU_SUB:
    case ALU_CMP:
    case ALU_SBB:
        result = subtract(a, b, operation == ALU_SBB ? *flags & CF : 0, width, mask, &set);
        break;
    case ALU_INC:
    case ALU_DEC:
        changed &= ~CF;
        result =
            operation == ALU_INC ? add(a, 1, 0, width, mask, &set) : subtract(a, 1, 0, width, mask, &set);
        break;
    case ALU_NEG:
        result = subtract(0, a, 0, width, mask, &set);
        break;
    case ALU_NOT:
        return ~a & mask;
    default:
        result = operation == ALU_OR ? a | b : operation == ALU_XOR ? a ^ b : a & b;
        set = flags_of_result(result, width);
        break;
    }
    *flags = (*flags & ~changed) | (set & changed);
    return result;
}
