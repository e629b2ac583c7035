/* SPDX-License-Identifier: MIT */
/*
 * Raising from code: the context is that of the driver which called the export
 * that raises, as its gate recorded it.
 */
#include "arch/x86_64/unwind.h"

_Noreturn void raise_at(EXCEPTION_RECORD *record, CONTEXT *context)
{
    if (!record->ExceptionAddress)
        record->ExceptionAddress = (PVOID)context->Rip;
    exception_dispatch(record, context);
    context->Rip = image_resume_rip(context->Rip);
    records_discard(thread_here(), context->Rsp);
    context_resume(context);
}

_Noreturn void arch_raise(EXCEPTION_RECORD *record)
{
    CONTEXT context;

    context_of_caller(&context, (ULONG64)__builtin_frame_address(0));
    raise_at(record, &context);
}

_Noreturn void arch_raise_status(NTSTATUS status)
{
    EXCEPTION_RECORD record;

    exception_record_init(&record, status, EXCEPTION_NONCONTINUABLE);
    arch_raise(&record);
}

/* Raises a status that cannot be continued from. */
EXPORT(ntoskrnl, ExRaiseStatus, PASSIVE_LEVEL, APC_LEVEL, X_RAISES | X_NORETURN)
VOID NTAPI ExRaiseStatus(NTSTATUS Status)
{
    arch_raise_status(Status);
}

EXPORT(ntoskrnl, RtlRaiseStatus, PASSIVE_LEVEL, APC_LEVEL, X_RAISES | X_NORETURN)
VOID NTAPI RtlRaiseStatus(NTSTATUS Status)
{
    arch_raise_status(Status);
}

/* Raises STATUS_ACCESS_VIOLATION. */
EXPORT(ntoskrnl, ExRaiseAccessViolation, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES | X_NORETURN)
VOID NTAPI ExRaiseAccessViolation(VOID)
{
    arch_raise_status(STATUS_ACCESS_VIOLATION);
}

EXPORT(ntoskrnl, ExRaiseDatatypeMisalignment, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES | X_NORETURN)
VOID NTAPI ExRaiseDatatypeMisalignment(VOID)
{
    arch_raise_status(STATUS_DATATYPE_MISALIGNMENT);
}

/*
 * Raises the caller's record: its address becomes the place after the call, where execution continues if a
 * filter says so and the record allows it.
 */
EXPORT(ntoskrnl, RtlRaiseException, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
VOID NTAPI RtlRaiseException(PEXCEPTION_RECORD ExceptionRecord)
{
    CONTEXT context;

    context_of_caller(&context, (ULONG64)__builtin_frame_address(0));
    ExceptionRecord->ExceptionAddress = (PVOID)context.Rip;
    raise_at(ExceptionRecord, &context);
}
