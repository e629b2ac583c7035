/* SPDX-License-Identifier: MIT */
/*
 * The language handler of C, and the unwinding routines that drivers import.
 * Their frames are crossed through the records that their gates keep.
 */
#include "arch/x86_64/unwind.h"

/*
 * Where in its function the frame is. Behind a call it is the call that counts: scopes of clang's that follow
 * one another share the address in between.
 */
static ULONG64 scope_pc(const DISPATCHER_CONTEXT *dispatcher)
{
    return dispatcher->ControlPc - dispatcher->ImageBase - (dispatcher->Fill0 ? 1 : 0);
}

/* Exception pass: filters, innermost scope first. */
static EXCEPTION_DISPOSITION run_filters(EXCEPTION_RECORD *record, ULONG64 frame, CONTEXT *context,
                                         DISPATCHER_CONTEXT *dispatcher, const SCOPE_TABLE *table)
{
    ULONG64 base = dispatcher->ImageBase, pc = scope_pc(dispatcher);
    EXCEPTION_POINTERS pointers = {record, context};

    for (; dispatcher->ScopeIndex < table->Count; dispatcher->ScopeIndex++) {
        ULONG i = dispatcher->ScopeIndex;
        LONG answer = EXCEPTION_EXECUTE_HANDLER;
        if (pc < table->ScopeRecord[i].BeginAddress || pc >= table->ScopeRecord[i].EndAddress ||
            !table->ScopeRecord[i].JumpTarget)
            continue;
        if (table->ScopeRecord[i].HandlerAddress != EXCEPTION_EXECUTE_HANDLER)
            answer =
                ((EXCEPTION_FILTER *)(base + table->ScopeRecord[i].HandlerAddress))(&pointers, (PVOID)frame);
        if (answer < 0)
            return ExceptionContinueExecution;
        if (answer > 0) {
            CONTEXT start;
            context_for_unwinding(&start, (ULONG64)__builtin_frame_address(0));
            unwind_to(frame, base + table->ScopeRecord[i].JumpTarget, record, (ULONG)record->ExceptionCode,
                      &start, NULL);
        }
    }
    return ExceptionContinueSearch;
}

/* The target lies within this scope, or within another piece of the same one: it is not left. */
static bool scope_holds_target(const SCOPE_TABLE *table, ULONG scope, ULONG64 target)
{
    for (ULONG i = 0; i < table->Count; i++)
        if (target >= table->ScopeRecord[i].BeginAddress && target < table->ScopeRecord[i].EndAddress &&
            table->ScopeRecord[i].JumpTarget == table->ScopeRecord[scope].JumpTarget &&
            table->ScopeRecord[i].HandlerAddress == table->ScopeRecord[scope].HandlerAddress)
            return true;
    return false;
}

/*
 * The target is the __except body of a scope that the frame is in: everything within that scope is left, also
 * where clang's range of an inner one, a byte too long, takes in the body's first instruction.
 */
static bool target_is_except_body(const SCOPE_TABLE *table, ULONG64 pc, ULONG64 target)
{
    for (ULONG i = 0; i < table->Count; i++)
        if (table->ScopeRecord[i].JumpTarget == target && pc >= table->ScopeRecord[i].BeginAddress &&
            pc < table->ScopeRecord[i].EndAddress)
            return true;
    return false;
}

/* Unwind pass: termination handlers, innermost scope first, as far as the target is left behind. */
static void run_termination_handlers(EXCEPTION_RECORD *record, ULONG64 frame, DISPATCHER_CONTEXT *dispatcher,
                                     const SCOPE_TABLE *table)
{
    ULONG64 base = dispatcher->ImageBase, pc = scope_pc(dispatcher);
    ULONG64 target = dispatcher->TargetIp - base;
    bool here = IS_TARGET_UNWIND(record->ExceptionFlags);
    bool jump = here && !target_is_except_body(table, pc, target);

    while (dispatcher->ScopeIndex < table->Count) {
        ULONG i = dispatcher->ScopeIndex++;
        if (pc < table->ScopeRecord[i].BeginAddress || pc >= table->ScopeRecord[i].EndAddress)
            continue;
        if (jump && scope_holds_target(table, i, target))
            return;
        if (!table->ScopeRecord[i].JumpTarget)
            ((TERMINATION_HANDLER *)(base + table->ScopeRecord[i].HandlerAddress))(TRUE, (PVOID)frame);
        else if (here && table->ScopeRecord[i].JumpTarget == target)
            return;
    }
}

/*
 * The handler of every function with __try: in the exception pass it asks the filters, in the unwind pass it
 * runs the
 * __finally blocks. The scope index is advanced before each call of driver code: a collided unwind goes on
 * behind it.
 */
EXPORT(ntoskrnl, __C_specific_handler, PASSIVE_LEVEL, HIGH_LEVEL, X_CALLS_DRIVER)
EXCEPTION_DISPOSITION NTAPI __C_specific_handler(PEXCEPTION_RECORD ExceptionRecord, PVOID EstablisherFrame,
                                                 PCONTEXT ContextRecord,
                                                 PDISPATCHER_CONTEXT DispatcherContext)
{
    const SCOPE_TABLE *table = DispatcherContext->HandlerData;

    if (IS_DISPATCHING(ExceptionRecord->ExceptionFlags))
        return run_filters(ExceptionRecord, (ULONG64)EstablisherFrame, ContextRecord, DispatcherContext,
                           table);
    run_termination_handlers(ExceptionRecord, (ULONG64)EstablisherFrame, DispatcherContext, table);
    return ExceptionContinueSearch;
}

/*
 * Unwinds to TargetFrame, an establisher frame, and continues at TargetIp with ReturnValue in rax; NULL: exit
 * unwind. OriginalContext is room for the work, which is done elsewhere.
 */
EXPORT(ntoskrnl, RtlUnwindEx, PASSIVE_LEVEL, HIGH_LEVEL, X_CALLS_DRIVER | X_RAISES)
VOID NTAPI RtlUnwindEx(PVOID TargetFrame, PVOID TargetIp, PEXCEPTION_RECORD ExceptionRecord,
                       PVOID ReturnValue, PCONTEXT OriginalContext, PUNWIND_HISTORY_TABLE HistoryTable)
{
    CONTEXT start;

    context_for_unwinding(&start, (ULONG64)__builtin_frame_address(0));
    unwind_to((ULONG64)TargetFrame, (ULONG64)TargetIp, ExceptionRecord, (ULONG64)ReturnValue, &start, NULL);
}

EXPORT(ntoskrnl, RtlUnwind, PASSIVE_LEVEL, HIGH_LEVEL, X_CALLS_DRIVER | X_RAISES)
VOID NTAPI RtlUnwind(PVOID TargetFrame, PVOID TargetIp, PEXCEPTION_RECORD ExceptionRecord, PVOID ReturnValue)
{
    CONTEXT start;

    context_for_unwinding(&start, (ULONG64)__builtin_frame_address(0));
    unwind_to((ULONG64)TargetFrame, (ULONG64)TargetIp, ExceptionRecord, (ULONG64)ReturnValue, &start, NULL);
}

/* A jump out of a __try block: the termination handlers on the way run. */
EXPORT(ntoskrnl, _local_unwind, PASSIVE_LEVEL, HIGH_LEVEL, X_CALLS_DRIVER | X_RAISES)
VOID NTAPI _local_unwind(PVOID Frame, PVOID TargetIp)
{
    CONTEXT start;

    context_for_unwinding(&start, (ULONG64)__builtin_frame_address(0));
    unwind_to((ULONG64)Frame, (ULONG64)TargetIp, NULL, 0, &start, NULL);
}
