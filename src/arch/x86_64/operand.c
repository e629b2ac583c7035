/* SPDX-License-Identifier: MIT */
/*
 * The little of an instruction that a fault's meaning depends on. Looks at
 * bytes the CPU has just refused, so they form an instruction.
 */
#include "arch/x86_64/fault.h"

struct opcode {
    UCHAR rex;
    bool lock, operand16;
    size_t at; /* of the first opcode byte */
};

static bool is_legacy_prefix(UCHAR byte)
{
    return byte == 0x66 || byte == 0x67 || byte == 0xF0 || byte == 0xF2 || byte == 0xF3 || byte == 0x2E ||
           byte == 0x36 || byte == 0x3E || byte == 0x26 || byte == 0x64 || byte == 0x65;
}

static struct opcode skip_prefixes(const UCHAR *code, size_t length)
{
    struct opcode op = {0};

    while (op.at < length && is_legacy_prefix(code[op.at])) {
        op.lock |= code[op.at] == 0xF0;
        op.operand16 |= code[op.at] == 0x66;
        op.at++;
    }
    if (op.at < length && (code[op.at] & 0xF0) == 0x40)
        op.rex = code[op.at++];
    return op;
}

bool instruction_has_lock_prefix(const UCHAR *code, size_t length)
{
    return skip_prefixes(code, length).lock;
}

/* in, out, ins, outs, cli, sti, hlt */
static bool is_privileged_one_byte(UCHAR byte)
{
    return (byte >= 0xE4 && byte <= 0xE7) || (byte >= 0xEC && byte <= 0xEF) ||
           (byte >= 0x6C && byte <= 0x6F) || byte == 0xFA || byte == 0xFB || byte == 0xF4;
}

/* 0F xx: descriptor tables, task switched flag, caches, control and debug registers, MSRs, counters, sysret
 */
static bool is_privileged_two_byte(UCHAR byte, UCHAR modrm)
{
    unsigned reg = modrm >> 3 & 7;

    switch (byte) {
    case 0x00:
        return reg == 2 || reg == 3;
    case 0x01:
        return modrm == 0xD1 || modrm == 0xF8 || (modrm < 0xC0 && (reg == 2 || reg == 3 || reg == 7)) ||
               reg == 6;
    case 0x06:
    case 0x07:
    case 0x08:
    case 0x09:
    case 0x20:
    case 0x21:
    case 0x22:
    case 0x23:
    case 0x30:
    case 0x32:
    case 0x33:
    case 0x35:
        return true;
    default:
        return false;
    }
}

bool instruction_is_privileged(const UCHAR *code, size_t length)
{
    struct opcode op = skip_prefixes(code, length);

    if (op.at >= length)
        return false;
    if (code[op.at] != 0x0F)
        return is_privileged_one_byte(code[op.at]);
    return op.at + 1 < length &&
           is_privileged_two_byte(code[op.at + 1], op.at + 2 < length ? code[op.at + 2] : 0);
}

static ULONG64 register_value(const CONTEXT *context, unsigned number)
{
    return (&context->Rax)[number];
}

static LONG signed_bytes(const UCHAR *from, unsigned bytes)
{
    LONG value = (int8_t)from[0];

    if (bytes == 4)
        __builtin_memcpy(&value, from, 4);
    return value;
}

/* The address of a memory operand; at: of its ModRM byte. No segment base but zero is expected of a divisor.
 */
static ULONG64 effective_address(const CONTEXT *context, const UCHAR *code, size_t at, UCHAR rex)
{
    UCHAR modrm = code[at++];
    unsigned mode = modrm >> 6, base = modrm & 7;
    unsigned bytes = mode == 1 ? 1 : mode == 2 ? 4 : 0;
    ULONG64 address = 0;

    if (base == 4) {
        UCHAR sib = code[at++];
        unsigned index = (sib >> 3 & 7) | (rex & 2) << 2;
        base = sib & 7;
        if (index != 4)
            address = register_value(context, index) << (sib >> 6);
        if (base == 5 && mode == 0)
            bytes = 4;
        else
            address += register_value(context, base | (rex & 1) << 3);
    } else if (base == 5 && mode == 0) {
        return context->Rip + at + 4 + (ULONG64)(LONG64)signed_bytes(code + at, 4);
    } else {
        address = register_value(context, base | (rex & 1) << 3);
    }
    return bytes ? address + (ULONG64)(LONG64)signed_bytes(code + at, bytes) : address;
}

static ULONG64 byte_register(const CONTEXT *context, unsigned number, UCHAR rex)
{
    if (!rex && number >= 4 && number < 8)
        return register_value(context, number - 4) >> 8 & 0xFF; /* ah, ch, dh, bh */
    return register_value(context, number) & 0xFF;
}

bool divisor_of(const CONTEXT *context, ULONG64 *divisor)
{
    UCHAR code[16] = {0};

    if (!guarded_read(code, context->Rip, sizeof(code)))
        return false;
    struct opcode op = skip_prefixes(code, sizeof(code));
    if (op.at > 8 || (code[op.at] & 0xFE) != 0xF6)
        return false;
    unsigned width = code[op.at] == 0xF6 ? 1 : op.rex & 8 ? 8 : op.operand16 ? 2 : 4;
    UCHAR modrm = code[op.at + 1];
    unsigned number = (modrm & 7) | (op.rex & 1) << 3;
    *divisor = 0;
    if (modrm >> 6 != 3)
        return guarded_read(divisor, effective_address(context, code, op.at + 1, op.rex), width);
    ULONG64 value = width == 1 ? byte_register(context, number, op.rex) : register_value(context, number);
    __builtin_memcpy(divisor, &value, width);
    return true;
}
