/* SPDX-License-Identifier: MIT */
/*
 * The first pass: who handles this exception? Frames are visited from the
 * innermost outwards; nothing is unwound until a handler asks for it. Language
 * handlers are driver code: no lock is held, and no frame here has a duty.
 */
#include "arch/x86_64/unwind.h"
#include "base/seams.h"

struct search {
    EXCEPTION_RECORD *record;
    CONTEXT *original;
    CONTEXT context;      /* of the frame being looked at, then of its caller */
    CONTEXT *collided;    /* context of a frame whose unwind this exception interrupted */
    ULONG64 nested_frame; /* up to here frames belong to an exception being dispatched already */
    ULONG flags;
    ULONG scope_index;
};

__attribute__((noinline)) EXCEPTION_DISPOSITION call_handler(enum arch_record_type type,
                                                             EXCEPTION_RECORD *record, CONTEXT *context,
                                                             DISPATCHER_CONTEXT *dispatcher)
{
    struct arch_thread *thread = thread_here();
    struct arch_record link;

    link.previous = thread->records;
    link.type = type;
    link.rsp = (ULONG64)__builtin_frame_address(0);
    link.owner = dispatcher;
    thread->records = &link;
    EXCEPTION_DISPOSITION disposition =
        dispatcher->LanguageHandler(record, (PVOID)dispatcher->EstablisherFrame, context, dispatcher);
    thread_here()->records = link.previous;
    return disposition;
}

_Noreturn void raise_unwind_failure(NTSTATUS status, EXCEPTION_RECORD *cause, CONTEXT *context)
{
    EXCEPTION_RECORD record = {.ExceptionCode = status,
                               .ExceptionFlags = EXCEPTION_NONCONTINUABLE,
                               .ExceptionRecord = cause,
                               .ExceptionAddress = (PVOID)context->Rip};

    arch_ops.unhandled(&record, context);
}

static bool frame_is_sound(ULONG64 establisher)
{
    const struct arch_thread *thread = thread_here();

    return establisher % 8 == 0 && establisher >= (ULONG64)thread->stack_low &&
           establisher < (ULONG64)thread->stack_high;
}

/* A handler has answered. True: execution continues with the original context. */
static bool heed(struct search *s, EXCEPTION_DISPOSITION disposition)
{
    s->flags |= s->record->ExceptionFlags & EXCEPTION_NONCONTINUABLE;
    switch (disposition) {
    case ExceptionContinueExecution:
        if (s->flags & EXCEPTION_NONCONTINUABLE) {
            EXCEPTION_RECORD refused = {.ExceptionCode = STATUS_NONCONTINUABLE_EXCEPTION,
                                        .ExceptionFlags = EXCEPTION_NONCONTINUABLE,
                                        .ExceptionRecord = s->record};
            arch_raise(&refused);
        }
        return true;
    case ExceptionContinueSearch:
    case ExceptionNestedException:
        return false;
    default:
        raise_unwind_failure(STATUS_INVALID_DISPOSITION, s->record, s->original);
    }
}

/* Asks the frame's handler, if it has one. s->context moves on to the caller. */
static bool visit(struct search *s, const struct arch_image *image, const RUNTIME_FUNCTION *function)
{
    ULONG64 pc = s->context.Rip;
    ULONG unwound = s->context.ContextFlags & CONTEXT_UNWOUND_TO_CALL;
    struct unwound out;

    if (!virtual_unwind(UNW_FLAG_EHANDLER, image->base, pc, function, &s->context, &out, NULL) ||
        !frame_is_sound(out.establisher)) {
        s->record->ExceptionFlags |= EXCEPTION_STACK_INVALID;
        arch_ops.unhandled(s->record, s->original);
    }
    ULONG scope = s->scope_index;
    s->scope_index = 0;
    if (s->nested_frame && out.establisher > s->nested_frame)
        s->nested_frame = 0;
    if (!out.handler)
        return false;
    s->record->ExceptionFlags = s->flags | (s->nested_frame ? EXCEPTION_NESTED_CALL : 0);
    DISPATCHER_CONTEXT dispatcher = {.ControlPc = pc,
                                     .ImageBase = image->base,
                                     .FunctionEntry = (PRUNTIME_FUNCTION)function,
                                     .EstablisherFrame = out.establisher,
                                     .ContextRecord = &s->context,
                                     .LanguageHandler = out.handler,
                                     .HandlerData = out.handler_data,
                                     .ScopeIndex = scope,
                                     .Fill0 = unwound};
    return heed(s, call_handler(ARCH_RECORD_DISPATCH, s->record, s->original, &dispatcher));
}

/* In ELF code: on to the driver code above it, or the end of the search. */
static void cross(struct search *s)
{
    struct arch_record *found;

    switch (cross_records(&s->context, &found, &s->nested_frame)) {
    case CROSSED_TO_DRIVER:
        return;
    case CROSSED_TO_UNWIND: {
        const DISPATCHER_CONTEXT *unwinding = found->owner;
        s->scope_index = unwinding->ScopeIndex;
        context_copy(&s->context, unwinding->ContextRecord);
        return;
    }
    case CROSSED_TO_CATCH:
        unwind_to(0, 0, s->record, 0, s->original, found);
    default:
        s->record->ExceptionFlags = s->flags;
        arch_ops.unhandled(s->record, s->original);
    }
}

void exception_dispatch(EXCEPTION_RECORD *record, CONTEXT *context)
{
    struct search s;

    s.record = record;
    s.original = context;
    s.nested_frame = 0;
    s.scope_index = 0;
    s.flags = record->ExceptionFlags & EXCEPTION_NONCONTINUABLE;
    context_copy(&s.context, context);
    TRACE(TRACE_EXCEPTION, NULL, .a = (ULONG)record->ExceptionCode, .b = (ULONG64)record->ExceptionAddress);

    for (;;) {
        const struct arch_image *image = arch_image_find(s.context.Rip);
        if (!image) {
            cross(&s);
            continue;
        }
        s.context.Rip = image_original_rip(image, s.context.Rip);
        const RUNTIME_FUNCTION *function = image_function(image, control_pc(&s.context));
        if (function) {
            if (visit(&s, image, function))
                return;
        } else if (!unwind_leaf(&s.context)) {
            record->ExceptionFlags |= EXCEPTION_STACK_INVALID;
            arch_ops.unhandled(record, context);
        }
    }
}
