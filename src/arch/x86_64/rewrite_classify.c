/* SPDX-License-Identifier: MIT */
/*
 * Which instructions are sites. Two kinds: those that fault in ring 3, and
 * those that silently answer for the host. Both the load-time patcher and the
 * trap fallback ask here, so they agree.
 */
#include "arch/x86_64/rewrite_internal.h"

bool rewrite_decode(struct rewrite_insn *insn, const void *code, size_t length)
{
    ZydisDecoder decoder;

    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    return ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code, length, &insn->info, insn->operands));
}

static UCHAR register_number(ZydisRegister reg)
{
    return reg == ZYDIS_REGISTER_NONE
               ? 0xFF
               : (UCHAR)ZydisRegisterGetId(ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg));
}

static void describe_memory(struct rewrite_operand *out, const ZydisDecodedOperand *operand, ULONG64 next)
{
    const ZydisDecodedOperandMem *mem = &operand->mem;

    *out = (struct rewrite_operand){.base = register_number(mem->base), .index = register_number(mem->index)};
    out->scale = mem->index != ZYDIS_REGISTER_NONE ? mem->scale : 0;
    out->gs = mem->segment == ZYDIS_REGISTER_GS;
    out->displacement = mem->disp.value;
    if (mem->base == ZYDIS_REGISTER_RIP || mem->base == ZYDIS_REGISTER_EIP) {
        out->base = 0xFF;
        out->displacement += (LONG64)next;
    }
}

static void describe_target(struct rewrite_op *op, const struct rewrite_insn *insn, ULONG64 address)
{
    const ZydisDecodedOperand *operand = &insn->operands[0];

    op->reg = 0xFF;
    if (operand->type == ZYDIS_OPERAND_TYPE_REGISTER) {
        op->reg = register_number(operand->reg.value);
        op->width = (UCHAR)(operand->size / 8);
    } else {
        op->width = 2; /* sldt, str and smsw store sixteen bits to memory whatever the operand size */
        describe_memory(&op->memory, operand, address + insn->info.length);
    }
}

static enum rewrite_kind classify_move(struct rewrite_op *op, const struct rewrite_insn *insn)
{
    const ZydisDecodedOperand *to = &insn->operands[0], *from = &insn->operands[1];
    ZydisRegisterClass to_class, from_class;

    if (to->type != ZYDIS_OPERAND_TYPE_REGISTER)
        return REWRITE_NONE;
    to_class = ZydisRegisterGetClass(to->reg.value);
    if (to_class == ZYDIS_REGCLASS_SEGMENT)
        return to->reg.value == ZYDIS_REGISTER_FS || to->reg.value == ZYDIS_REGISTER_GS ? REWRITE_REFUSED
                                                                                        : REWRITE_NONE;
    if (from->type != ZYDIS_OPERAND_TYPE_REGISTER)
        return REWRITE_NONE;
    from_class = ZydisRegisterGetClass(from->reg.value);
    op->reg = register_number(from_class == ZYDIS_REGCLASS_CONTROL || from_class == ZYDIS_REGCLASS_DEBUG
                                  ? to->reg.value
                                  : from->reg.value);
    if (from_class == ZYDIS_REGCLASS_CONTROL || from_class == ZYDIS_REGCLASS_DEBUG) {
        op->number = (UCHAR)ZydisRegisterGetId(from->reg.value);
        return from_class == ZYDIS_REGCLASS_CONTROL ? REWRITE_CR_READ : REWRITE_DR_READ;
    }
    if (to_class == ZYDIS_REGCLASS_CONTROL || to_class == ZYDIS_REGCLASS_DEBUG) {
        op->number = (UCHAR)ZydisRegisterGetId(to->reg.value);
        return to_class == ZYDIS_REGCLASS_CONTROL ? REWRITE_CR_WRITE : REWRITE_DR_WRITE;
    }
    return REWRITE_NONE;
}

static enum rewrite_kind classify_port(struct rewrite_op *op, const struct rewrite_insn *insn)
{
    bool out = insn->info.mnemonic == ZYDIS_MNEMONIC_OUT;
    const ZydisDecodedOperand *port = &insn->operands[out ? 0 : 1], *data = &insn->operands[out ? 1 : 0];

    op->width = (UCHAR)(data->size / 8);
    if (port->type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
        op->immediate_port = 1;
        op->port = (USHORT)port->imm.value.u;
    }
    return out ? REWRITE_OUT : REWRITE_IN;
}

static enum rewrite_kind classify_string(struct rewrite_op *op, const struct rewrite_insn *insn,
                                         enum rewrite_kind kind, unsigned width)
{
    op->width = (UCHAR)width;
    op->repeat = (insn->info.attributes &
                  (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE)) != 0;
    op->address32 = insn->info.address_width == 32;
    return kind;
}

static enum rewrite_kind classify_flags(struct rewrite_op *op, unsigned width, enum rewrite_kind kind)
{
    op->width = (UCHAR)width;
    return kind;
}

/* Below are NT's own traps: breakpoint, assertion, debug service, fast fail. They stay what they are. */
#define FIRST_INTERRUPT_VECTOR 0x30

static enum rewrite_kind classify_interrupt(struct rewrite_op *op, const struct rewrite_insn *insn)
{
    op->number = (UCHAR)insn->operands[0].imm.value.u;
    return op->number < FIRST_INTERRUPT_VECTOR ? REWRITE_NONE : REWRITE_INT;
}

static enum rewrite_kind classify_system(struct rewrite_op *op, const struct rewrite_insn *insn,
                                         ULONG64 address)
{
    switch (insn->info.mnemonic) {
    case ZYDIS_MNEMONIC_SGDT:
    case ZYDIS_MNEMONIC_SIDT:
        describe_target(op, insn, address);
        return insn->info.mnemonic == ZYDIS_MNEMONIC_SGDT ? REWRITE_SGDT : REWRITE_SIDT;
    case ZYDIS_MNEMONIC_SLDT:
        describe_target(op, insn, address);
        return REWRITE_SLDT;
    case ZYDIS_MNEMONIC_STR:
        describe_target(op, insn, address);
        return REWRITE_STR;
    case ZYDIS_MNEMONIC_SMSW:
        describe_target(op, insn, address);
        return REWRITE_SMSW;
    case ZYDIS_MNEMONIC_LMSW:
        describe_target(op, insn, address);
        return REWRITE_LMSW;
    case ZYDIS_MNEMONIC_CLTS:
        return REWRITE_CLTS;
    case ZYDIS_MNEMONIC_INVD:
    case ZYDIS_MNEMONIC_WBINVD:
    case ZYDIS_MNEMONIC_INVLPG:
        return REWRITE_CACHE;
    case ZYDIS_MNEMONIC_STAC:
    case ZYDIS_MNEMONIC_CLAC:
        return REWRITE_AC;
    case ZYDIS_MNEMONIC_SYSCALL:
    case ZYDIS_MNEMONIC_SYSENTER:
    case ZYDIS_MNEMONIC_WRFSBASE:
    case ZYDIS_MNEMONIC_WRGSBASE:
    case ZYDIS_MNEMONIC_LFS:
    case ZYDIS_MNEMONIC_LGS:
    case ZYDIS_MNEMONIC_SWAPGS:
    case ZYDIS_MNEMONIC_LGDT:
    case ZYDIS_MNEMONIC_LIDT:
    case ZYDIS_MNEMONIC_LLDT:
    case ZYDIS_MNEMONIC_LTR:
        return REWRITE_REFUSED;
    case ZYDIS_MNEMONIC_INT:
        return classify_interrupt(op, insn);
    default:
        return REWRITE_NONE;
    }
}

static enum rewrite_kind classify(struct rewrite_op *op, const struct rewrite_insn *insn, ULONG64 address)
{
    switch (insn->info.mnemonic) {
    case ZYDIS_MNEMONIC_MOV:
        return classify_move(op, insn);
    case ZYDIS_MNEMONIC_CLI:
        return REWRITE_CLI;
    case ZYDIS_MNEMONIC_STI:
        return REWRITE_STI;
    case ZYDIS_MNEMONIC_HLT:
        return REWRITE_HLT;
    case ZYDIS_MNEMONIC_IN:
    case ZYDIS_MNEMONIC_OUT:
        return classify_port(op, insn);
    case ZYDIS_MNEMONIC_INSB:
        return classify_string(op, insn, REWRITE_INS, 1);
    case ZYDIS_MNEMONIC_INSW:
        return classify_string(op, insn, REWRITE_INS, 2);
    case ZYDIS_MNEMONIC_INSD:
        return classify_string(op, insn, REWRITE_INS, 4);
    case ZYDIS_MNEMONIC_OUTSB:
        return classify_string(op, insn, REWRITE_OUTS, 1);
    case ZYDIS_MNEMONIC_OUTSW:
        return classify_string(op, insn, REWRITE_OUTS, 2);
    case ZYDIS_MNEMONIC_OUTSD:
        return classify_string(op, insn, REWRITE_OUTS, 4);
    case ZYDIS_MNEMONIC_RDMSR:
        return REWRITE_RDMSR;
    case ZYDIS_MNEMONIC_WRMSR:
        return REWRITE_WRMSR;
    case ZYDIS_MNEMONIC_RDTSC:
        return REWRITE_RDTSC;
    case ZYDIS_MNEMONIC_RDTSCP:
        return REWRITE_RDTSCP;
    case ZYDIS_MNEMONIC_RDPMC:
        return REWRITE_RDPMC;
    case ZYDIS_MNEMONIC_CPUID:
        return REWRITE_CPUID;
    case ZYDIS_MNEMONIC_XGETBV:
        return REWRITE_XGETBV;
    case ZYDIS_MNEMONIC_XSETBV:
        return REWRITE_XSETBV;
    case ZYDIS_MNEMONIC_PUSHF:
        return classify_flags(op, 2, REWRITE_PUSHF);
    case ZYDIS_MNEMONIC_PUSHFQ:
        return classify_flags(op, 8, REWRITE_PUSHF);
    case ZYDIS_MNEMONIC_POPF:
        return classify_flags(op, 2, REWRITE_POPF);
    case ZYDIS_MNEMONIC_POPFQ:
        return classify_flags(op, 8, REWRITE_POPF);
    default:
        return classify_system(op, insn, address);
    }
}

enum rewrite_kind rewrite_classify(struct rewrite_op *op, const struct rewrite_insn *insn, ULONG64 address)
{
    *op = (struct rewrite_op){.length = insn->info.length};
    op->kind = (UCHAR)classify(op, insn, address);
    return (enum rewrite_kind)op->kind;
}

bool rewrite_needs_patch(enum rewrite_kind kind, bool deterministic)
{
    switch (kind) {
    case REWRITE_NONE:
        return false;
    case REWRITE_RDTSC:
    case REWRITE_CPUID:
    case REWRITE_XGETBV:
        return deterministic;
    default:
        return true;
    }
}
