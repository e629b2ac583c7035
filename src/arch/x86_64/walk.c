/* SPDX-License-Identifier: MIT */
/*
 * Crossing our own frames. They have no unwind data of NT's form: whoever
 * entered them left a record, and the first record whose stack pointer is above
 * the context's is that of the nearest caller.
 */
#include "arch/x86_64/unwind.h"

static void load_record(CONTEXT *context, const struct arch_record *record)
{
    context->ContextFlags &= ~(ULONG)CONTEXT_UNWOUND_TO_CALL;
    if (record->type == ARCH_RECORD_GATE)
        context->ContextFlags |= CONTEXT_UNWOUND_TO_CALL;
    context->Rip = record->rip;
    context->Rsp = record->rsp;
    context->Rbx = record->rbx;
    context->Rbp = record->rbp;
    context->Rsi = record->rsi;
    context->Rdi = record->rdi;
    context->R12 = record->r12;
    context->R13 = record->r13;
    context->R14 = record->r14;
    context->R15 = record->r15;
    copy_blocks(&context->Xmm6, record->xmm, sizeof(record->xmm));
}

void record_from_context(struct arch_record *record, const CONTEXT *context)
{
    record->rip = context->Rip;
    record->rsp = context->Rsp;
    record->rbx = context->Rbx;
    record->rbp = context->Rbp;
    record->rsi = context->Rsi;
    record->rdi = context->Rdi;
    record->r12 = context->R12;
    record->r13 = context->R13;
    record->r14 = context->R14;
    record->r15 = context->R15;
    copy_blocks(record->xmm, &context->Xmm6, sizeof(record->xmm));
}

enum crossing cross_records(CONTEXT *context, struct arch_record **found, ULONG64 *nested)
{
    struct arch_record *record = thread_here()->records;

    for (; record; record = record->previous) {
        if (record->rsp <= context->Rsp)
            continue;
        *found = record;
        switch (record->type) {
        case ARCH_RECORD_GATE:
        case ARCH_RECORD_TRAP:
            load_record(context, record);
            return CROSSED_TO_DRIVER;
        case ARCH_RECORD_TRY:
            return CROSSED_TO_TRY;
        case ARCH_RECORD_CATCH:
            return CROSSED_TO_CATCH;
        case ARCH_RECORD_UNWIND:
            return CROSSED_TO_UNWIND;
        default:
            *nested = MAX(*nested, ((DISPATCHER_CONTEXT *)record->owner)->EstablisherFrame);
        }
    }
    return CROSSED_NOWHERE;
}

void context_for_unwinding(CONTEXT *context, ULONG64 rsp)
{
    struct arch_record *found;
    ULONG64 nested = 0;

    context->ContextFlags = CONTEXT_CONTROL | CONTEXT_INTEGER | CONTEXT_FLOATING_POINT;
    __asm__("stmxcsr %0" : "=m"(context->MxCsr));
    context->Rsp = rsp;
    cross_records(context, &found, &nested);
}

void context_of_caller(CONTEXT *context, ULONG64 rsp)
{
    zero_blocks(context, offsetof(CONTEXT, VectorRegister));
    context_for_unwinding(context, rsp);
    context->FltSave.MxCsr = context->MxCsr;
    context->FltSave.ControlWord = INITIAL_FPCSR;
    context->EFlags = 0x202;
}

/* A gate's record frees its place; the outermost one dropped says where the next goes. Nothing has been
 * written over the frames yet. */
void records_discard(struct arch_thread *thread, ULONG64 rsp)
{
    struct arch_record *record = thread->records;

    for (; record && record->rsp <= rsp; record = record->previous)
        if (record->type == ARCH_RECORD_GATE)
            thread->gate_top = record + 1;
    thread->records = record;
    while (thread->kept != NULL && (ULONG64)thread->kept < rsp)
        thread->kept = thread->kept->above;
}

/* The context's frame, then its caller. False at the end of what can be walked. */
static bool step(CONTEXT *context)
{
    const struct arch_image *image = arch_image_find(context->Rip);
    struct arch_record *found;
    struct unwound out;
    ULONG64 nested = 0;

    if (!image)
        return cross_records(context, &found, &nested) == CROSSED_TO_DRIVER;
    context->Rip = image_original_rip(image, context->Rip);
    const RUNTIME_FUNCTION *function = image_function(image, control_pc(context));
    if (!function)
        return unwind_leaf(context);
    return virtual_unwind(UNW_FLAG_NHANDLER, image->base, context->Rip, function, context, &out, NULL);
}

static unsigned walk(CONTEXT *context, ULONG64 *frames, unsigned max)
{
    unsigned count = 0;

    while (count < max) {
        const struct arch_image *image = arch_image_find(context->Rip);
        ULONG64 rsp = context->Rsp;
        if (image)
            frames[count++] = image_original_rip(image, context->Rip);
        if (!step(context) || context->Rsp < rsp || (context->Rsp == rsp && image))
            break;
    }
    return count;
}

unsigned arch_walk(const CONTEXT *start, ULONG64 *frames, unsigned max)
{
    CONTEXT context;

    context_copy(&context, start);
    return walk(&context, frames, max);
}

unsigned arch_callers(ULONG64 *frames, unsigned max)
{
    CONTEXT context;
    struct arch_record *found;
    ULONG64 nested = 0;

    context.ContextFlags = CONTEXT_CONTROL | CONTEXT_INTEGER | CONTEXT_FLOATING_POINT;
    context.Rsp = (ULONG64)__builtin_frame_address(0);
    return cross_records(&context, &found, &nested) == CROSSED_TO_DRIVER ? walk(&context, frames, max) : 0;
}
