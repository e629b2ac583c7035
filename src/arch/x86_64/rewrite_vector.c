/* SPDX-License-Identifier: MIT */
/*
 * Moves between memory that traps and XMM registers: the bytes as they are,
 * in one access of the operand's width.
 */
#include "arch/x86_64/rewrite_access.h"

bool is_vector_move(const struct rewrite_insn *insn)
{
    switch (insn->info.mnemonic) {
    case ZYDIS_MNEMONIC_MOVUPS:
    case ZYDIS_MNEMONIC_MOVAPS:
    case ZYDIS_MNEMONIC_MOVUPD:
    case ZYDIS_MNEMONIC_MOVAPD:
    case ZYDIS_MNEMONIC_MOVDQU:
    case ZYDIS_MNEMONIC_MOVDQA:
    case ZYDIS_MNEMONIC_MOVNTDQ:
    case ZYDIS_MNEMONIC_MOVNTDQA:
    case ZYDIS_MNEMONIC_MOVNTPS:
    case ZYDIS_MNEMONIC_MOVNTPD:
    case ZYDIS_MNEMONIC_LDDQU:
    case ZYDIS_MNEMONIC_MOVQ:
    case ZYDIS_MNEMONIC_MOVD:
    case ZYDIS_MNEMONIC_MOVSS:
    case ZYDIS_MNEMONIC_MOVSD:
    case ZYDIS_MNEMONIC_MOVLPS:
    case ZYDIS_MNEMONIC_MOVLPD:
    case ZYDIS_MNEMONIC_MOVHPS:
    case ZYDIS_MNEMONIC_MOVHPD:
        break;
    default:
        return false;
    }
    for (unsigned i = 0; i < insn->info.operand_count_visible; i++) {
        if (insn->operands[i].type == ZYDIS_OPERAND_TYPE_REGISTER &&
            ZydisRegisterGetClass(insn->operands[i].reg.value) != ZYDIS_REGCLASS_XMM)
            return false;
    }
    return insn->info.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY;
}

static bool is_upper_half(ZydisMnemonic mnemonic)
{
    return mnemonic == ZYDIS_MNEMONIC_MOVHPS || mnemonic == ZYDIS_MNEMONIC_MOVHPD;
}

static bool is_half(ZydisMnemonic mnemonic)
{
    return is_upper_half(mnemonic) || mnemonic == ZYDIS_MNEMONIC_MOVLPS || mnemonic == ZYDIS_MNEMONIC_MOVLPD;
}

/* A load of less than sixteen bytes clears the rest, but for those that name a half. */
bool emulate_vector_move(struct access *access)
{
    const ZydisDecodedOperand *operands = access->insn->operands;
    ZydisMnemonic mnemonic = access->insn->info.mnemonic;
    unsigned from = is_upper_half(mnemonic) ? 8 : 0;
    UCHAR value[ACCESS_MAX_WIDTH] = {0};

    if (operands[0].type == ZYDIS_OPERAND_TYPE_MEMORY) {
        __builtin_memcpy(value, access_register(access, operands[1].reg.value) + from, access->width);
        return access_store(access, value);
    }
    if (!access_load(access, value))
        return false;
    __builtin_memcpy(access_register(access, operands[0].reg.value) + from, value,
                     is_half(mnemonic) ? access->width : 16);
    return true;
}
