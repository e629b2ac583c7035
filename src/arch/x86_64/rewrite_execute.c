/* SPDX-License-Identifier: MIT */
/*
 * What the replaced instructions do, on a register file in memory: shared by
 * the patches' stub and the trap fallback. Device and IRQL work is the
 * machine's; here is only what the processor itself would do.
 */
#include "arch/x86_64/rewrite_internal.h"
#include "nt/pcr.h"

struct machine_ops machine_ops;

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI };

#define FLAG_IF   0x200ull
#define FLAG_DF   0x400ull
#define FLAGS_POP 0x204DD5ull /* what popf may change here: not IF, IOPL, AC, VM */
#define LOW32     0xFFFFFFFFull

ULONG64 rewrite_address(const struct rewrite_operand *operand, const ULONG64 *registers)
{
    ULONG64 address = (ULONG64)operand->displacement;

    if (operand->base != 0xFF)
        address += registers[operand->base];
    if (operand->index != 0xFF)
        address += registers[operand->index] * operand->scale;
    if (operand->gs)
        address += (uintptr_t)arch_get_gs();
    return address;
}

static const KPCR *kpcr(void)
{
    return arch_get_gs();
}

/* A result written to a register of that width: 16 and 8 bits keep the rest, 32 bits clear it. */
static void set_register(ULONG64 *reg, ULONG64 value, unsigned width)
{
    __builtin_memcpy(reg, &value, width);
    if (width == 4)
        *reg &= LOW32;
}

static void set_pair(ULONG64 *registers, ULONG64 value)
{
    registers[RAX] = value & LOW32;
    registers[RDX] = value >> 32;
}

static ULONG64 get_pair(const ULONG64 *registers)
{
    return (registers[RDX] << 32) | (registers[RAX] & LOW32);
}

static USHORT port_of(const struct rewrite_op *op, const ULONG64 *registers)
{
    return op->immediate_port ? op->port : (USHORT)registers[RDX];
}

static void step(const struct rewrite_op *op, ULONG64 *index, ULONG64 flags)
{
    *index += flags & FLAG_DF ? -(ULONG64)op->width : op->width;
    if (op->address32)
        *index &= LOW32;
}

/* One element of ins or outs; the registers move only when it is done, so a fault can be restarted. */
static bool string_element(const struct rewrite_op *op, ULONG64 *registers, ULONG64 flags)
{
    ULONG64 *index = &registers[op->kind == REWRITE_INS ? RDI : RSI];
    ULONG64 address = op->address32 ? *index & LOW32 : *index;
    ULONG value = 0;

    if (op->kind == REWRITE_INS) {
        value = machine_ops.port_read((USHORT)registers[RDX], op->width);
        if (!rewrite_space_write(address, &value, op->width, NULL))
            return false;
    } else {
        if (!rewrite_space_read(address, &value, op->width, NULL))
            return false;
        machine_ops.port_write((USHORT)registers[RDX], value, op->width);
    }
    step(op, index, flags);
    return true;
}

static bool string_io(const struct rewrite_op *op, ULONG64 *registers, ULONG64 flags)
{
    ULONG64 mask = op->address32 ? LOW32 : ~0ull;

    if (!op->repeat)
        return string_element(op, registers, flags);
    while ((registers[RCX] & mask) != 0) {
        if (!string_element(op, registers, flags))
            return false;
        registers[RCX] = (registers[RCX] - 1) & mask;
    }
    return true;
}

static bool read_counter(ULONG64 *registers)
{
    enum { PMC0 = 0xC1, FIXED0 = 0x309 };
    ULONG index = (ULONG)registers[RCX];
    ULONG64 value;

    if ((index & ~0x40000000u) > 7)
        return false;
    if (!machine_ops.msr_read(index & 0x40000000 ? FIXED0 + (index & 7) : PMC0 + index, &value))
        return false;
    set_pair(registers, value);
    return true;
}

static bool host_xcr(ULONG index, ULONG64 *value)
{
    ULONG low, high;

    if (index != 0)
        return false;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(index));
    *value = (ULONG64)high << 32 | low;
    return true;
}

static bool read_xcr(const struct rewrite_op *op, ULONG64 *registers)
{
    ULONG64 value = 3; /* x87 and SSE: what the deterministic cpuid claims */

    if ((ULONG)registers[RCX] != 0 || (!op->deterministic && !host_xcr(0, &value)))
        return false;
    set_pair(registers, value);
    return true;
}

/* The enabled features are the host's to choose: only writing what is there is accepted. */
static bool write_xcr(const ULONG64 *registers)
{
    ULONG64 value;

    return host_xcr((ULONG)registers[RCX], &value) && value == get_pair(registers);
}

static void identify(const struct rewrite_op *op, ULONG64 *registers)
{
    ULONG out[4], leaf = (ULONG)registers[RAX], subleaf = (ULONG)registers[RCX];

    if (op->deterministic)
        rewrite_cpuid(leaf, subleaf, out);
    else
        __asm__ volatile("cpuid"
                         : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
                         : "a"(leaf), "c"(subleaf));
    registers[RAX] = out[0];
    registers[RBX] = out[1];
    registers[RCX] = out[2];
    registers[RDX] = out[3];
}

static ULONG64 visible_flags(ULONG64 flags)
{
    flags &= ~(FLAG_IF | 0x30000); /* RF and VM read as 0 */
    return machine_ops.interrupt_flag() ? flags | FLAG_IF : flags;
}

static bool push_flags(const struct rewrite_op *op, ULONG64 *registers, ULONG64 flags)
{
    ULONG64 value = visible_flags(flags);

    if (!rewrite_space_write(registers[RSP] - op->width, &value, op->width, NULL))
        return false;
    registers[RSP] -= op->width;
    return true;
}

static void set_interrupts(ULONG64 flags)
{
    bool wanted = (flags & FLAG_IF) != 0;

    if (machine_ops.interrupt_flag() != wanted)
        machine_ops.set_interrupt_flag(wanted);
}

static bool pop_flags(const struct rewrite_op *op, ULONG64 *registers, ULONG64 *flags)
{
    ULONG64 value = 0, mask = op->width == 2 ? FLAGS_POP & 0xFFFF : FLAGS_POP;

    if (!rewrite_space_read(registers[RSP], &value, op->width, NULL))
        return false;
    registers[RSP] += op->width;
    *flags = (*flags & ~mask) | (value & mask);
    set_interrupts(value);
    return true;
}

/* In a thunk: the real pushf has stored the host's flags. */
static void fix_pushed_flags(const ULONG64 *registers)
{
    USHORT *pushed = (USHORT *)registers[RSP];

    if (!machine_ops.interrupt_flag())
        *pushed &= (USHORT)~FLAG_IF;
}

/* In a thunk: the real popf follows; it must not set AC, which means alignment faults in ring 3. */
static void prepare_pop(const struct rewrite_op *op, const ULONG64 *registers)
{
    USHORT value = *(const USHORT *)registers[RSP];

    if (op->width == 8)
        *(ULONG64 *)registers[RSP] &= ~0x40000ull;
    set_interrupts(value);
}

static bool store_table(const struct rewrite_op *op, const ULONG64 *registers, USHORT limit, const void *base)
{
    struct __attribute__((packed)) {
        USHORT limit;
        const void *base;
    } image = {limit, base};

    return rewrite_space_write(rewrite_address(&op->memory, registers), &image, sizeof(image), NULL);
}

static bool store_word(const struct rewrite_op *op, ULONG64 *registers, ULONG64 value)
{
    if (op->reg == 0xFF)
        return rewrite_space_write(rewrite_address(&op->memory, registers), &value, 2, NULL);
    set_register(&registers[op->reg], value, op->width);
    return true;
}

static bool load_status_word(const struct rewrite_op *op, const ULONG64 *registers)
{
    ULONG64 value = 0, cr0 = machine_ops.control_register_read(0);

    if (op->reg != 0xFF)
        value = registers[op->reg];
    else if (!rewrite_space_read(rewrite_address(&op->memory, registers), &value, 2, NULL))
        return false;
    return machine_ops.control_register_write(0, (cr0 & ~0xEull) |
                                                     (value & 0xF)); /* PE can be set, not cleared */
}

static ULONG64 debug_registers[8] = {[6] = 0xFFFF0FF0, [7] = 0x400};

static unsigned debug_number(const struct rewrite_op *op)
{
    return op->number == 4 || op->number == 5 ? op->number + 2u : op->number & 7u;
}

/* Breakpoints of the simulated processor would never fire, so arming one is refused. */
static bool write_debug_register(const struct rewrite_op *op, ULONG64 value)
{
    if (debug_number(op) == 7 && (value & 0xFF) != 0)
        return false;
    debug_registers[debug_number(op)] = debug_number(op) == 7 ? value | 0x400 : value;
    return true;
}

static bool read_control_register(const struct rewrite_op *op, ULONG64 *registers)
{
    registers[op->reg] = op->number == 8 ? kpcr()->Irql : machine_ops.control_register_read(op->number);
    return true;
}

static bool write_control_register(const struct rewrite_op *op, const ULONG64 *registers)
{
    ULONG64 value = registers[op->reg];

    if (op->number != 8)
        return machine_ops.control_register_write(op->number, value);
    if (value > HIGH_LEVEL)
        return false;
    machine_ops.set_cr8(value);
    return true;
}

static bool execute_system(const struct rewrite_op *op, ULONG64 *registers)
{
    switch ((enum rewrite_kind)op->kind) {
    case REWRITE_CR_READ:
        return read_control_register(op, registers);
    case REWRITE_CR_WRITE:
        return write_control_register(op, registers);
    case REWRITE_DR_READ:
        registers[op->reg] = debug_registers[debug_number(op)];
        return true;
    case REWRITE_DR_WRITE:
        return write_debug_register(op, registers[op->reg]);
    case REWRITE_SGDT:
        return store_table(op, registers, 0x57, kpcr()->GdtBase);
    case REWRITE_SIDT:
        return store_table(op, registers, 0xFFF, kpcr()->IdtBase);
    case REWRITE_SLDT:
        return store_word(op, registers, 0);
    case REWRITE_STR:
        return store_word(op, registers, 0x40);
    case REWRITE_SMSW:
        return store_word(op, registers, machine_ops.control_register_read(0));
    case REWRITE_LMSW:
        return load_status_word(op, registers);
    case REWRITE_CLTS:
        return machine_ops.control_register_write(0, machine_ops.control_register_read(0) & ~8ull);
    case REWRITE_CACHE:
    case REWRITE_AC:
        return true;
    default:
        return false;
    }
}

static bool execute_counter(const struct rewrite_op *op, ULONG64 *registers)
{
    ULONG64 value;

    switch ((enum rewrite_kind)op->kind) {
    case REWRITE_RDMSR:
        if (!machine_ops.msr_read((ULONG)registers[RCX], &value))
            return false;
        set_pair(registers, value);
        return true;
    case REWRITE_WRMSR:
        return machine_ops.msr_write((ULONG)registers[RCX], get_pair(registers));
    case REWRITE_RDTSC:
        set_pair(registers, machine_ops.tsc());
        return true;
    case REWRITE_RDTSCP:
        set_pair(registers, machine_ops.tsc());
        registers[RCX] = kpcr()->Prcb.Number;
        return true;
    case REWRITE_RDPMC:
        return read_counter(registers);
    case REWRITE_CPUID:
        identify(op, registers);
        return true;
    case REWRITE_XGETBV:
        return read_xcr(op, registers);
    case REWRITE_XSETBV:
        return write_xcr(registers);
    default:
        return execute_system(op, registers);
    }
}

bool rewrite_execute(const struct rewrite_op *op, ULONG64 *registers, ULONG64 *flags)
{
    switch ((enum rewrite_kind)op->kind) {
    case REWRITE_CLI:
        machine_ops.set_interrupt_flag(false);
        return true;
    case REWRITE_STI:
        machine_ops.set_interrupt_flag(true);
        return true;
    case REWRITE_HLT:
        machine_ops.halt();
        return true;
    case REWRITE_INT:
        return machine_ops.interrupt != NULL && machine_ops.interrupt(op->number);
    case REWRITE_IN:
        set_register(&registers[RAX], machine_ops.port_read(port_of(op, registers), op->width), op->width);
        return true;
    case REWRITE_OUT: {
        ULONG mask = op->width == 4 ? ~0u : (1u << op->width * 8) - 1;
        machine_ops.port_write(port_of(op, registers), (ULONG)registers[RAX] & mask, op->width);
        return true;
    }
    case REWRITE_INS:
    case REWRITE_OUTS:
        return string_io(op, registers, *flags);
    case REWRITE_PUSHF:
        return push_flags(op, registers, *flags);
    case REWRITE_POPF:
        return pop_flags(op, registers, flags);
    case REWRITE_PUSHF_FIX:
        fix_pushed_flags(registers);
        return true;
    case REWRITE_POPF_PRE:
        prepare_pop(op, registers);
        return true;
    default:
        return execute_counter(op, registers);
    }
}
