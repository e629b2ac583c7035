/* SPDX-License-Identifier: MIT */
/*
 * Instructions on memory that traps that are not moves or simple arithmetic:
 * the memory operand is read into a slot of ours, the instruction itself runs
 * there with the driver's registers, and what it stored goes to the device. So
 * shifts, multiplications, SSE and x87 need no code of their own. The slots
 * are a page of code, never writable, beside a page of operands.
 */
#include "arch/x86_64/code.h"
#include "arch/x86_64/fault.h"
#include "arch/x86_64/rewrite_access.h"
#include "base/lock.h"
#include "host/host.h"
#include "host/memory.h"
#include "nt/status.h"

#define SLOT_BYTES 64u
#define SLOTS      (PAGE_SIZE / SLOT_BYTES)
#define RETURN     0xC3
#define SEGMENT_DS 0x3E

unsigned native_run(CONTEXT *context, const void *code);

static UCHAR *slots; /* the code page; the operands are in the next */
static uint64_t slots_taken;
static rl_lock slots_lock;

bool native_contains(uint64_t address)
{
    UCHAR *page = __atomic_load_n(&slots, __ATOMIC_ACQUIRE);

    return page != NULL && address - (uintptr_t)page < PAGE_SIZE;
}

void native_fini(void)
{
    if (slots != NULL)
        hmem_release(slots, 2);
    slots = NULL;
}

static bool make_slots(void)
{
    UCHAR *pages;

    rl_lock_acquire(&slots_lock);
    pages = slots != NULL ? slots : hmem_reserve(HMEM_IMAGE, 2, 1, 0);
    if (slots == NULL && pages != NULL &&
        (!NT_SUCCESS(hmem_commit(pages, 1, HMEM_RX)) ||
         !NT_SUCCESS(hmem_commit(pages + PAGE_SIZE, 1, HMEM_RW)))) {
        hmem_release(pages, 2);
        pages = NULL;
    }
    __atomic_store_n(&slots, pages, __ATOMIC_RELEASE);
    rl_lock_release(&slots_lock);
    return pages != NULL;
}

/* As many as there are processors, and nothing waits for anything while it holds one. */
static unsigned take_slot(void)
{
    for (;;) {
        uint64_t taken = __atomic_load_n(&slots_taken, __ATOMIC_RELAXED);
        unsigned slot = ~taken != 0 ? (unsigned)__builtin_ctzll(~taken) : SLOTS;

        if (slot != SLOTS && __atomic_compare_exchange_n(&slots_taken, &taken, taken | 1ull << slot, false,
                                                         __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return slot;
        host_cpu_relax();
    }
}

static void free_slot(unsigned slot)
{
    __atomic_fetch_and(&slots_taken, ~(1ull << slot), __ATOMIC_RELEASE);
}

/* ---- which instructions ---- */

static bool is_free_register(ZydisRegister reg)
{
    ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);

    switch (ZydisRegisterGetClass(reg)) {
    case ZYDIS_REGCLASS_GPR8:
    case ZYDIS_REGCLASS_GPR16:
    case ZYDIS_REGCLASS_GPR32:
    case ZYDIS_REGCLASS_GPR64:
        return whole != ZYDIS_REGISTER_RSP;
    case ZYDIS_REGCLASS_XMM:
    case ZYDIS_REGCLASS_X87:
    case ZYDIS_REGCLASS_MMX:
    case ZYDIS_REGCLASS_FLAGS:
        return true;
    default:
        return reg == ZYDIS_REGISTER_X87STATUS || reg == ZYDIS_REGISTER_X87CONTROL ||
               reg == ZYDIS_REGISTER_X87TAG || reg == ZYDIS_REGISTER_MXCSR;
    }
}

/* One memory operand, given by ModRM, and registers that a CONTEXT has. */
static bool is_suitable(const struct rewrite_insn *insn)
{
    unsigned memory = 0;

    if (insn->info.raw.modrm.offset == 0 || (insn->info.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY &&
                                             insn->info.encoding != ZYDIS_INSTRUCTION_ENCODING_VEX))
        return false;
    for (unsigned i = 0; i < insn->info.operand_count; i++) {
        const ZydisDecodedOperand *operand = &insn->operands[i];

        if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY) {
            if (memory++ != 0 || operand->mem.type != ZYDIS_MEMOP_TYPE_MEM)
                return false;
        } else if (operand->type == ZYDIS_OPERAND_TYPE_POINTER ||
                   (operand->type == ZYDIS_OPERAND_TYPE_REGISTER && !is_free_register(operand->reg.value))) {
            return false;
        }
    }
    return memory == 1;
}

static const ZydisDecodedOperand *memory_of(const struct rewrite_insn *insn)
{
    const ZydisDecodedOperand *operand = insn->operands;

    while (operand->type != ZYDIS_OPERAND_TYPE_MEMORY)
        operand++;
    return operand;
}

/* ---- the copy ---- */

static bool is_address_prefix(UCHAR byte)
{
    return byte == 0x67 || byte == 0x64 || byte == 0x65 || byte == 0x2E || byte == 0x36 || byte == 0x26;
}

static bool is_prefix(UCHAR byte)
{
    return is_address_prefix(byte) || byte == SEGMENT_DS || byte == 0x66 || byte == 0xF0 || byte == 0xF2 ||
           byte == 0xF3;
}

/* The instruction with its operand at rip + displacement: what is before ModRM stays, but for prefixes that
 * would move the operand; the immediate follows. */
static unsigned build(const ZydisDecodedInstruction *info, const UCHAR *bytes, UCHAR *to, LONG64 to_operand)
{
    unsigned at = info->raw.modrm.offset, end = at + 5;
    unsigned rest = at + 1 + (info->raw.sib.offset != 0) + info->raw.disp.size / 8;
    bool prefixes = true;
    LONG displacement;

    for (unsigned i = 0; i < at; i++) {
        prefixes = prefixes && is_prefix(bytes[i]);
        to[i] = prefixes && is_address_prefix(bytes[i]) ? SEGMENT_DS : bytes[i];
    }
    to[at] = (UCHAR)((bytes[at] & 0x38) | 5);
    __builtin_memcpy(to + end, bytes + rest, info->length - rest);
    end += info->length - rest;
    displacement = (LONG)(to_operand - end);
    __builtin_memcpy(to + at + 1, &displacement, sizeof(displacement));
    to[end] = RETURN;
    return end + 1;
}

static bool report_trap(const struct access *access, unsigned trap, const UCHAR *operand)
{
    EXCEPTION_RECORD *record = access->record;
    bool is_zero = true;

    for (unsigned i = 0; i < access->width; i++)
        is_zero = is_zero && operand[i] == 0;
    if (trap == TRAP_DIVIDE) {
        record->ExceptionCode = is_zero ? STATUS_INTEGER_DIVIDE_BY_ZERO : STATUS_INTEGER_OVERFLOW;
        record->NumberParameters = 0;
    } else if (trap == TRAP_SIMD) {
        record->ExceptionCode = STATUS_FLOAT_MULTIPLE_TRAPS;
        record->NumberParameters = 2;
        record->ExceptionInformation[0] = 0;
        record->ExceptionInformation[1] = access->context->MxCsr;
    }
    return false;
}

static bool run_in_slot(struct access *access, unsigned slot, const UCHAR *bytes)
{
    const ZydisDecodedOperand *memory = memory_of(access->insn);
    UCHAR *code = slots + slot * SLOT_BYTES, *operand = code + PAGE_SIZE, before[SLOT_BYTES] = {0};
    UCHAR built[SLOT_BYTES];
    unsigned length = build(&access->insn->info, bytes, built, PAGE_SIZE), trap;

    if ((memory->actions & ZYDIS_OPERAND_ACTION_MASK_READ) && !access_load(access, before))
        return false;
    __builtin_memcpy(operand, before, sizeof(before));
    __builtin_memcpy(hmem_writable_alias(code), built, length);
    trap = native_run(access->context, code);
    if (trap != 0)
        return report_trap(access, trap - 1, before);
    if (!(memory->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) ||
        (!(memory->actions & ZYDIS_OPERAND_ACTION_WRITE) &&
         __builtin_memcmp(before, operand, access->width) == 0))
        return true;
    return access_store(access, operand);
}

bool emulate_natively(struct access *access)
{
    UCHAR bytes[ZYDIS_MAX_INSTRUCTION_LENGTH];
    unsigned slot;
    bool done;

    if (!is_suitable(access->insn) || access->width > SLOT_BYTES ||
        !NT_SUCCESS(
            arch_copy_guarded(bytes, (const void *)access->context->Rip, access->insn->info.length)) ||
        (slots == NULL && !make_slots()))
        return false;
    slot = take_slot();
    done = run_in_slot(access, slot, bytes);
    free_slot(slot);
    return done;
}
