/* SPDX-License-Identifier: MIT */
/*
 * The second pass: frames up to a target are unwound, their termination
 * handlers run, and the target gets control with the registers it had. An
 * unwind that is overtaken by another (a collided one) hands its place over
 * through its DISPATCHER_CONTEXT.
 */
#include "arch/x86_64/sanitizer.h"
#include "arch/x86_64/unwind.h"

struct unwinding {
    EXCEPTION_RECORD *record;
    CONTEXT contexts[2];
    CONTEXT *current; /* of the frame being unwound */
    CONTEXT *caller;
    ULONG64 target_frame, target_ip;
    ULONG flags;
    ULONG scope_index;
    struct arch_record *catcher;
};

static void start_at(struct unwinding *u, const CONTEXT *start)
{
    u->current = &u->contexts[0];
    u->caller = &u->contexts[1];
    context_copy(u->current, start);
}

static void call_termination_handler(struct unwinding *u, const struct arch_image *image,
                                     const RUNTIME_FUNCTION *function, const struct unwound *out, ULONG64 rax)
{
    DISPATCHER_CONTEXT dispatcher = {.ControlPc = u->current->Rip,
                                     .ImageBase = image->base,
                                     .FunctionEntry = (PRUNTIME_FUNCTION)function,
                                     .EstablisherFrame = out->establisher,
                                     .TargetIp = u->target_ip,
                                     .ContextRecord = u->current,
                                     .LanguageHandler = out->handler,
                                     .HandlerData = out->handler_data,
                                     .ScopeIndex = u->scope_index,
                                     .Fill0 = u->current->ContextFlags & CONTEXT_UNWOUND_TO_CALL};

    u->current->Rax = rax;
    u->record->ExceptionFlags =
        u->flags | (out->establisher == u->target_frame ? EXCEPTION_TARGET_UNWIND : 0);
    if (call_handler(ARCH_RECORD_UNWIND, u->record, u->current, &dispatcher) != ExceptionContinueSearch)
        raise_unwind_failure(STATUS_INVALID_DISPOSITION, u->record, u->current);
}

/* One driver frame. True: it is the target, and u->current its context. */
static bool unwind_frame(struct unwinding *u, const struct arch_image *image, ULONG64 rax)
{
    struct unwound out = {0};
    bool ok;

    u->current->Rip = image_original_rip(image, u->current->Rip);
    const RUNTIME_FUNCTION *function = image_function(image, control_pc(u->current));
    context_copy(u->caller, u->current);
    if (function)
        ok = virtual_unwind(UNW_FLAG_UHANDLER, image->base, u->current->Rip, function, u->caller, &out, NULL);
    else
        ok = unwind_leaf(u->caller);
    if (!ok)
        raise_unwind_failure(STATUS_BAD_STACK, u->record, u->current);
    if (u->target_frame && out.establisher > u->target_frame)
        raise_unwind_failure(STATUS_INVALID_UNWIND_TARGET, u->record, u->current);
    if (out.handler)
        call_termination_handler(u, image, function, &out, rax);
    u->scope_index = 0;
    u->flags &= ~(ULONG)EXCEPTION_COLLIDED_UNWIND;
    if (function && u->target_frame && out.establisher == u->target_frame)
        return true;
    CONTEXT *swap = u->current;
    u->current = u->caller;
    u->caller = swap;
    return false;
}

static void take_over(struct unwinding *u, const DISPATCHER_CONTEXT *overtaken)
{
    u->scope_index = overtaken->ScopeIndex;
    u->flags |= EXCEPTION_COLLIDED_UNWIND;
    context_copy(u->current, overtaken->ContextRecord);
}

_Noreturn static void deliver(struct arch_record *catcher)
{
    struct arch_try *t = container_of(catcher, struct arch_try, record);
    struct arch_thread *thread = thread_here();

    thread->records = catcher->previous;
    thread->gate_top = catcher->owner;
    thread->kept = t->kept;
    sanitizer_discard_frames(__builtin_frame_address(0), (void *)catcher->rsp);
    __builtin_longjmp(t->jump_buffer, 1);
}

/* In ELF code. True: at the record that catches. */
static bool cross(struct unwinding *u)
{
    struct arch_record *found;
    ULONG64 nested = 0;

    switch (cross_records(u->current, &found, &nested)) {
    case CROSSED_TO_DRIVER:
        return false;
    case CROSSED_TO_UNWIND:
        take_over(u, found->owner);
        return false;
    case CROSSED_TO_CATCH:
        if (found == u->catcher)
            return true;
        /* fall through */
    default:
        raise_unwind_failure(STATUS_INVALID_UNWIND_TARGET, u->record, u->current);
    }
}

_Noreturn static void land(CONTEXT *context)
{
    context->Rip = image_resume_rip(context->Rip);
    records_discard(thread_here(), context->Rsp);
    sanitizer_discard_frames(__builtin_frame_address(0), (void *)context->Rsp);
    context_land(context);
}

_Noreturn void unwind_to(ULONG64 target_frame, ULONG64 target_ip, EXCEPTION_RECORD *record, ULONG64 rax,
                         CONTEXT *start, struct arch_record *catcher)
{
    struct unwinding u;
    EXCEPTION_RECORD own;

    if (!record) {
        own = (EXCEPTION_RECORD){.ExceptionCode = STATUS_UNWIND, .ExceptionAddress = (PVOID)start->Rip};
        record = &own;
    }
    if (catcher) {
        struct arch_try *t = container_of(catcher, struct arch_try, record);
        t->exception = *record;
        t->context = *start;
    }
    u.record = record;
    u.target_frame = target_frame;
    u.target_ip = target_ip;
    u.scope_index = 0;
    u.catcher = catcher;
    u.flags = (record->ExceptionFlags & EXCEPTION_NONCONTINUABLE) | EXCEPTION_UNWINDING |
              (target_frame ? 0 : EXCEPTION_EXIT_UNWIND);
    start_at(&u, start);

    for (;;) {
        const struct arch_image *image = arch_image_find(u.current->Rip);
        if (image && unwind_frame(&u, image, rax))
            break;
        if (!image && cross(&u))
            deliver(catcher);
    }
    u.current->Rax = rax;
    u.current->Rip = target_ip;
    land(u.current);
}
