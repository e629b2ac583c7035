/* SPDX-License-Identifier: MIT */
/*
 * What a trap means to NT: the exception's code and parameters, and the
 * instruction pointer that handlers see. Traps that are orders to the system
 * (int 29h) are told by their vector in policy.c.
 */
#include "arch/x86_64/fault.h"

#define ERROR_FROM_IDT       2 /* a protection fault of `int n`: the error code is n * 8 + 2 */
#define VECTOR_FAST_FAIL     0x29
#define VECTOR_ASSERTION     0x2C
#define VECTOR_DEBUG_SERVICE 0x2D

static void set(struct fault *fault, NTSTATUS code)
{
    fault->record.ExceptionCode = code;
}

static void set_access_violation(struct fault *fault, ULONG_PTR kind, ULONG64 address)
{
    set(fault, STATUS_ACCESS_VIOLATION);
    fault->record.NumberParameters = 2;
    fault->record.ExceptionInformation[0] = kind;
    fault->record.ExceptionInformation[1] = address;
}

static void page_fault(struct fault *fault)
{
    set_access_violation(fault,
                         fault->error & PAGE_ERROR_EXECUTE ? EXCEPTION_EXECUTE_FAULT
                         : fault->error & PAGE_ERROR_WRITE ? EXCEPTION_WRITE_FAULT
                                                           : EXCEPTION_READ_FAULT,
                         fault->address);
}

/* The smallest negative number divided by -1 overflows; every other refusal is a division by zero. */
static void divide_error(struct fault *fault)
{
    ULONG64 divisor;

    set(fault, divisor_of(&fault->context, &divisor) && divisor ? STATUS_INTEGER_OVERFLOW
                                                                : STATUS_INTEGER_DIVIDE_BY_ZERO);
}

/* The context points at the instruction itself: a filter that continues must step over it. */
static void breakpoint(struct fault *fault)
{
    fault->context.Rip--;
    set(fault, STATUS_BREAKPOINT);
    fault->record.NumberParameters = 1;
}

/* int 2Dh, with the service in eax. Without a debugger the services that only tell it something succeed; the
 * byte after the instruction (an int 3 by convention) is skipped. */
static void debug_service(struct fault *fault)
{
    fault->context.Rip += 2;
    fault->record.ExceptionAddress = (PVOID)fault->context.Rip;
    fault->context.Rip++;
    set(fault, STATUS_BREAKPOINT);
    fault->record.NumberParameters = 1;
    fault->record.ExceptionInformation[0] = (ULONG)fault->context.Rax;
}

static void software_interrupt(struct fault *fault, ULONG64 vector)
{
    switch (vector) {
    case VECTOR_FAST_FAIL:
        set(fault, STATUS_STACK_BUFFER_OVERRUN);
        fault->record.ExceptionFlags = EXCEPTION_NONCONTINUABLE;
        fault->record.NumberParameters = 1;
        fault->record.ExceptionInformation[0] = fault->context.Rcx;
        break;
    case VECTOR_ASSERTION:
        set(fault, STATUS_ASSERTION_FAILURE);
        break;
    case VECTOR_DEBUG_SERVICE:
        debug_service(fault);
        break;
    default:
        set_access_violation(fault, EXCEPTION_READ_FAULT, ~0ull);
    }
}

/* A privileged instruction that nobody emulates, a misaligned SSE operand, or an address that is not
 * canonical. */
static void protection_fault(struct fault *fault)
{
    UCHAR code[16] = {0};

    if (fault->error & ERROR_FROM_IDT)
        software_interrupt(fault, fault->error >> 3);
    else if (guarded_read(code, fault->context.Rip, sizeof(code)) &&
             instruction_is_privileged(code, sizeof(code)))
        set(fault, STATUS_PRIVILEGED_INSTRUCTION);
    else
        set_access_violation(fault, EXCEPTION_READ_FAULT, ~0ull);
}

static void invalid_opcode(struct fault *fault)
{
    UCHAR code[16] = {0};

    guarded_read(code, fault->context.Rip, sizeof(code));
    set(fault, instruction_has_lock_prefix(code, sizeof(code)) ? STATUS_INVALID_LOCK_SEQUENCE
                                                               : STATUS_ILLEGAL_INSTRUCTION);
}

/* The first unmasked exception in the status word, in the order the x87 tests them. */
static void x87_error(struct fault *fault)
{
    USHORT status = fault->context.FltSave.StatusWord & ~fault->context.FltSave.ControlWord;

    if (status & 1)
        set(fault, fault->context.FltSave.StatusWord & 0x40 ? STATUS_FLOAT_STACK_CHECK
                                                            : STATUS_FLOAT_INVALID_OPERATION);
    else if (status & 4)
        set(fault, STATUS_FLOAT_DIVIDE_BY_ZERO);
    else if (status & 2)
        set(fault, STATUS_FLOAT_INVALID_OPERATION);
    else if (status & 8)
        set(fault, STATUS_FLOAT_OVERFLOW);
    else if (status & 16)
        set(fault, STATUS_FLOAT_UNDERFLOW);
    else
        set(fault, STATUS_FLOAT_INEXACT_RESULT);
}

/* Several may have happened at once: NT tells only whether before (invalid, denormal, divide) or after the
 * operation. */
static void simd_error(struct fault *fault)
{
    ULONG unmasked = fault->context.MxCsr & ~(fault->context.MxCsr >> 7) & 0x3F;

    set(fault, unmasked & 7 ? STATUS_FLOAT_MULTIPLE_FAULTS : STATUS_FLOAT_MULTIPLE_TRAPS);
    fault->record.NumberParameters = 2;
    fault->record.ExceptionInformation[1] = fault->context.MxCsr;
}

void fault_to_exception(struct fault *fault)
{
    switch (fault->trap) {
    case TRAP_DIVIDE:
        divide_error(fault);
        break;
    case TRAP_DEBUG:
        set(fault, STATUS_SINGLE_STEP);
        break;
    case TRAP_BREAKPOINT:
        breakpoint(fault);
        break;
    case TRAP_INVALID_OPCODE:
        invalid_opcode(fault);
        break;
    case TRAP_PROTECTION:
        protection_fault(fault);
        break;
    case TRAP_PAGE:
        page_fault(fault);
        break;
    case TRAP_X87:
        x87_error(fault);
        break;
    case TRAP_ALIGNMENT:
        set(fault, STATUS_DATATYPE_MISALIGNMENT);
        break;
    case TRAP_SIMD:
        simd_error(fault);
        break;
    default:
        set_access_violation(fault, EXCEPTION_READ_FAULT, ~0ull);
    }
    if (!fault->record.ExceptionAddress)
        fault->record.ExceptionAddress = (PVOID)fault->context.Rip;
}
