/* SPDX-License-Identifier: MIT */
/*
 * Loads, stores and read-modify-write instructions on memory that traps:
 * device registers and KUSER_SHARED_DATA. Each is one access of the
 * instruction's width, as the bus would see it.
 */
#include "arch/x86_64/rewrite_internal.h"
#include "arch/x86_64/rewrite_alu.h"
#include "host/memory.h"
#include "nt/status.h"

#define MAX_WIDTH 64u

static bool blame(EXCEPTION_RECORD *record, ULONG64 address, ULONG64 access)
{
    if (record != NULL) {
        record->ExceptionCode = STATUS_ACCESS_VIOLATION;
        record->NumberParameters = 2;
        record->ExceptionInformation[0] = access;
        record->ExceptionInformation[1] = address;
    }
    return false;
}

static void *shared_page(ULONG64 address, unsigned width)
{
    if (address - KUSER_BASE > PAGE_SIZE - width || rewrite_targets.user_shared_data == NULL)
        return NULL;
    return (char *)rewrite_targets.user_shared_data() + (address - KUSER_BASE);
}

bool rewrite_space_read(ULONG64 address, void *value, unsigned width, EXCEPTION_RECORD *record)
{
    void *shared = shared_page(address, width);
    uint64_t pa;

    if (shared != NULL) {
        __builtin_memcpy(value, shared, width);
        return true;
    }
    if (hmem_is_mmio((const void *)address, &pa)) {
        if (!machine_ops.mmio_read(pa, value, width))
            __builtin_memset(value, 0xFF, width); /* nothing answers on the bus */
        return true;
    }
    if (NT_SUCCESS(arch_copy_guarded(value, (const void *)address, width)))
        return true;
    return blame(record, address, EXCEPTION_READ_FAULT);
}

/* KUSER_SHARED_DATA is read-only to drivers, as on Windows. */
bool rewrite_space_write(ULONG64 address, const void *value, unsigned width, EXCEPTION_RECORD *record)
{
    uint64_t pa;

    if (hmem_is_mmio((const void *)address, &pa)) {
        machine_ops.mmio_write(pa, value, width);
        return true;
    }
    if (NT_SUCCESS(arch_copy_guarded((void *)address, value, width)))
        return true;
    return blame(record, address, EXCEPTION_WRITE_FAULT);
}

struct access {
    const struct rewrite_insn *insn;
    EXCEPTION_RECORD *record;
    CONTEXT *context;
    ULONG64 *registers;
    ULONG64 address;
    unsigned width; /* of the memory operand, in bytes */
};

static bool load(const struct access *access, void *value)
{
    return rewrite_space_read(access->address, value, access->width, access->record);
}

static bool store(const struct access *access, const void *value)
{
    return rewrite_space_write(access->address, value, access->width, access->record);
}

/* ---- operands ---- */

static UCHAR *register_bytes(const struct access *access, ZydisRegister reg)
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
    __builtin_memcpy(&value, register_bytes(access, operand->reg.value), operand->size / 8);
    return value;
}

static void set_operand(const struct access *access, const ZydisDecodedOperand *operand, ULONG64 value)
{
    UCHAR *bytes = register_bytes(access, operand->reg.value);

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
        address += *(ULONG64 *)register_bytes(access, mem->base);
    if (mem->index != ZYDIS_REGISTER_NONE)
        address += *(ULONG64 *)register_bytes(access, mem->index) * mem->scale;
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
        return store(access, &value);
    }
    if (!load(access, &value))
        return false;
    set_operand(access, &operands[0], value);
    return true;
}

static bool emulate_extend(struct access *access, bool is_signed)
{
    unsigned shift = 64 - access->width * 8;
    ULONG64 value = 0;

    if (!load(access, &value))
        return false;
    if (is_signed)
        value = (ULONG64)((LONG64)(value << shift) >> shift);
    set_operand(access, &access->insn->operands[0], value);
    return true;
}

/* movups and kin: the bytes as they are; a load of less than sixteen clears the rest. */
static bool emulate_vector_move(struct access *access)
{
    const ZydisDecodedOperand *operands = access->insn->operands;
    UCHAR value[MAX_WIDTH] = {0};
    unsigned registers = access->insn->info.mnemonic == ZYDIS_MNEMONIC_MOVHPS ||
                                 access->insn->info.mnemonic == ZYDIS_MNEMONIC_MOVHPD
                             ? 8
                             : 0;
    bool partial = registers != 0 || access->insn->info.mnemonic == ZYDIS_MNEMONIC_MOVLPS ||
                   access->insn->info.mnemonic == ZYDIS_MNEMONIC_MOVLPD;

    if (memory_is_first(access)) {
        __builtin_memcpy(value, register_bytes(access, operands[1].reg.value) + registers, access->width);
        return store(access, value);
    }
    if (!load(access, value))
        return false;
    __builtin_memcpy(register_bytes(access, operands[0].reg.value) + registers, value,
                     partial ? access->width : 16);
    return true;
}

static bool emulate_arithmetic(struct access *access, enum alu_operation operation)
{
    const ZydisDecodedOperand *operands = access->insn->operands;
    ULONG64 memory = 0, other, result, flags = access->context->EFlags;
    bool first = memory_is_first(access);

    if (!load(access, &memory))
        return false;
    other =
        access->insn->info.operand_count_visible > 1 ? operand_value(access, &operands[first ? 1 : 0]) : 0;
    result = first ? alu_run(operation, memory, other, access->width, &flags)
                   : alu_run(operation, other, memory, access->width, &flags);
    if (alu_writes(operation)) {
        if (first && !store(access, &result))
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

    if (!load(access, &memory) || !store(access, &value))
        return false;
    set_operand(access, reg, memory);
    return true;
}

static bool emulate_exchange_add(struct access *access)
{
    const ZydisDecodedOperand *reg = &access->insn->operands[1];
    ULONG64 memory = 0, sum, flags = access->context->EFlags;

    if (!load(access, &memory))
        return false;
    sum = alu_run(ALU_ADD, memory, operand_value(access, reg), access->width, &flags);
    if (!store(access, &sum))
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
    if (!load(access, &memory))
        return false;
    alu_run(ALU_CMP, expected, memory, access->width, &flags);
    if (expected == memory) {
        if (!store(access, &replacement))
            return false;
    } else {
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
    if (!load(access, &memory))
        return false;
    access->context->EFlags = (access->context->EFlags & ~1u) | (ULONG)((memory >> bit) & 1);
    if (change == 0)
        return true;
    memory = change == 1   ? memory | 1ull << bit
             : change == 2 ? memory & ~(1ull << bit)
                           : memory ^ 1ull << bit;
    return store(access, &memory);
}

/* ---- string instructions ---- */

static bool string_element(const struct access *access, ZydisMnemonic mnemonic, unsigned width)
{
    enum { RAX = 0, RSI = 6, RDI = 7 };
    ULONG64 value = access->registers[RAX], step = access->context->EFlags & 0x400 ? -(ULONG64)width : width;
    bool moves = mnemonic == ZYDIS_MNEMONIC_MOVSB || mnemonic == ZYDIS_MNEMONIC_MOVSW ||
                 mnemonic == ZYDIS_MNEMONIC_MOVSD || mnemonic == ZYDIS_MNEMONIC_MOVSQ;
    bool loads = mnemonic == ZYDIS_MNEMONIC_LODSB || mnemonic == ZYDIS_MNEMONIC_LODSW ||
                 mnemonic == ZYDIS_MNEMONIC_LODSD || mnemonic == ZYDIS_MNEMONIC_LODSQ;

    if (moves || loads) {
        if (!rewrite_space_read(access->registers[RSI], &value, width, access->record))
            return false;
    }
    if (loads) {
        __builtin_memcpy(&access->registers[RAX], &value, width);
        if (width == 4)
            access->registers[RAX] &= 0xFFFFFFFF;
    } else if (!rewrite_space_write(access->registers[RDI], &value, width, access->record)) {
        return false;
    }
    if (moves || loads)
        access->registers[RSI] += step;
    if (!loads)
        access->registers[RDI] += step;
    return true;
}

static bool emulate_string(struct access *access, unsigned width)
{
    enum { RCX = 1 };
    const struct rewrite_insn *insn = access->insn;

    if (insn->info.address_width == 32)
        return false;
    if (!(insn->info.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE)))
        return string_element(access, insn->info.mnemonic, width);
    for (; access->registers[RCX] != 0; access->registers[RCX]--) {
        if (!string_element(access, insn->info.mnemonic, width))
            return false;
    }
    return true;
}

static unsigned string_width(const struct rewrite_insn *insn)
{
    switch (insn->info.mnemonic) {
    case ZYDIS_MNEMONIC_MOVSB:
    case ZYDIS_MNEMONIC_STOSB:
    case ZYDIS_MNEMONIC_LODSB:
        return 1;
    case ZYDIS_MNEMONIC_MOVSW:
    case ZYDIS_MNEMONIC_STOSW:
    case ZYDIS_MNEMONIC_LODSW:
        return 2;
    case ZYDIS_MNEMONIC_MOVSD:
        return insn->info.meta.category == ZYDIS_CATEGORY_STRINGOP ? 4 : 0; /* the other one moves a double */
    case ZYDIS_MNEMONIC_STOSD:
    case ZYDIS_MNEMONIC_LODSD:
        return 4;
    case ZYDIS_MNEMONIC_MOVSQ:
    case ZYDIS_MNEMONIC_STOSQ:
    case ZYDIS_MNEMONIC_LODSQ:
        return 8;
    default:
        return 0;
    }
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
    case ZYDIS_MNEMONIC_BT:
        return emulate_bit(access, 0);
    case ZYDIS_MNEMONIC_BTS:
        return emulate_bit(access, 1);
    case ZYDIS_MNEMONIC_BTR:
        return emulate_bit(access, 2);
    case ZYDIS_MNEMONIC_BTC:
        return emulate_bit(access, 3);
    default:
        return alu_of(access->insn->info.mnemonic, &operation) && emulate_arithmetic(access, operation);
    }
}

static bool is_vector_move(const struct rewrite_insn *insn)
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

static bool emulate_one(struct access *access)
{
    const ZydisDecodedOperand *operand;
    unsigned width = string_width(access->insn);

    if (width != 0)
        return emulate_string(access, width);
    operand = memory_operand(access->insn);
    if (operand == NULL || operand->size == 0 || operand->size / 8 > MAX_WIDTH)
        return false;
    access->width = operand->size / 8;
    access->address = effective_address(access, operand);
    if (is_vector_move(access->insn))
        return emulate_vector_move(access);
    return access->width <= 8 && emulate_integer(access);
}

bool rewrite_emulate_memory(const struct rewrite_insn *insn, EXCEPTION_RECORD *record, CONTEXT *context)
{
    struct access access = {.insn = insn, .record = record, .context = context, .registers = &context->Rax};

    if (!emulate_one(&access))
        return false;
    context->Rip += insn->info.length;
    return true;
}
