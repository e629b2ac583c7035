/* SPDX-License-Identifier: MIT */
/*
 * Inside src/arch: unwinding driver frames, crossing ours, dispatching.
 */
#ifndef ARCH_UNWIND_H
#define ARCH_UNWIND_H

#include "arch/arch.h"
#include "nt/status.h"

/* Blocks of 16 bytes. The empty asm keeps compilers from making `rep movs` of the loop: at these sizes its
 * start costs more than the move. */
typedef long long block16 __attribute__((vector_size(16), aligned(8), may_alias));

static inline void copy_blocks(void *to, const void *from, size_t bytes)
{
#pragma GCC unroll 8
    for (size_t i = 0; i < bytes / 16; i++) {
        block16 block = ((const block16 *)from)[i];
        __asm__("" : "+x"(block));
        ((block16 *)to)[i] = block;
    }
}

static inline void zero_blocks(void *to, size_t bytes)
{
#pragma GCC unroll 8
    for (size_t i = 0; i < bytes / 16; i++) {
        block16 block = {0, 0};
        __asm__("" : "+x"(block));
        ((block16 *)to)[i] = block;
    }
}

/*
 * What unwinding changes or hands on: flags, MXCSR, integer registers, xmm6-15. The former by words, as they
 * were stored: a wider load of what two narrower stores have just written has to wait for both.
 */
static inline void context_copy(CONTEXT *to, const CONTEXT *from)
{
    ULONG64 *words = (ULONG64 *)&to->ContextFlags;
    const volatile ULONG64 *old = (const volatile ULONG64 *)&from->ContextFlags;

#pragma GCC unroll 13
    for (unsigned i = 0; i < (offsetof(CONTEXT, FltSave) - offsetof(CONTEXT, ContextFlags)) / 8; i++)
        words[i] = old[i];
    copy_blocks(&to->Xmm6, &from->Xmm6, 10 * sizeof(M128A));
}

static inline void exception_record_init(EXCEPTION_RECORD *record, NTSTATUS code, ULONG flags)
{
    zero_blocks(record, sizeof(*record));
    record->ExceptionInformation[EXCEPTION_MAXIMUM_PARAMETERS - 1] = 0;
    record->ExceptionCode = code;
    record->ExceptionFlags = flags;
}

static inline ULONG64 *context_register(CONTEXT *context, unsigned number)
{
    return &context->Rax + number;
}

/* The current NT thread, by the processor control region: on NT stacks only. */
static inline struct arch_thread *thread_here(void)
{
    char *thread;

    __asm__ volatile("movq %%gs:0x188, %0" : "=r"(thread));
    return (struct arch_thread *)(thread + sizeof(DISPATCHER_HEADER));
}

/*
 * CONTEXT_UNWOUND_TO_CALL says that Rip is a return address: the call before it is what the frame is doing,
 * and a scope or a function that only begins there is not meant.
 */
static inline ULONG64 control_pc(const CONTEXT *context)
{
    return context->Rip - (context->ContextFlags & CONTEXT_UNWOUND_TO_CALL ? 1 : 0);
}

/* ---- image.c ---- */
ULONG64 image_original_rip(const struct arch_image *image, ULONG64 rip); /* a thunk's address mapped back */
ULONG64 image_resume_rip(ULONG64 rip); /* the reverse, for an address to resume at */
const RUNTIME_FUNCTION *image_function(const struct arch_image *image, ULONG64 rip);

/* ---- virtual.c ---- */
struct unwound {
    ULONG64 establisher;
    EXCEPTION_ROUTINE *handler; /* NULL: none of the kind, or pc in a prologue or an epilogue */
    void *handler_data;
};
/* Replaces the context of a frame by its caller's. False: its stack or unwind data cannot be read. */
bool virtual_unwind(ULONG handler_type, ULONG64 base, ULONG64 pc, const RUNTIME_FUNCTION *function,
                    CONTEXT *context, struct unwound *out, KNONVOLATILE_CONTEXT_POINTERS *pointers);
bool unwind_leaf(CONTEXT *context);

/* ---- epilogue.c ---- */
/* If pc is in an epilogue, runs the rest of it on the context. failed: it did, and memory could not be read.
 */
bool epilogue_finish(const struct arch_image *image, ULONG64 pc, const RUNTIME_FUNCTION *function,
                     const UNWIND_INFO *info, CONTEXT *context, KNONVOLATILE_CONTEXT_POINTERS *pointers,
                     bool *failed);

/* ---- guarded.S: reads and writes that may fault; the handler makes them return ---- */
bool guarded_read(void *to, ULONG64 from, size_t length);
bool guarded_read64(ULONG64 *to, ULONG64 from);
bool guarded_touch_write(void *byte); /* reads the byte and writes it back */

/* ---- walk.c ---- */
enum crossing {
    CROSSED_TO_DRIVER, /* the context is driver code's again (or ELF code's that was called by a record's
                          owner) */
    CROSSED_TO_TRY,
    CROSSED_TO_CATCH,
    CROSSED_TO_UNWIND, /* a collided unwind: *found is its record */
    CROSSED_NOWHERE
};
/* The context is in ELF code: on to what is above it. nested: raised to the establisher of a dispatch that is
 * passed. */
enum crossing cross_records(CONTEXT *context, struct arch_record **found, ULONG64 *nested);

/*
 * The context of the driver code above the caller's frame: what callees keep, and the FP control in force.
 * The rest is zero; for unwinding, where nobody looks at it, left alone.
 */
void context_of_caller(CONTEXT *context, ULONG64 rsp);
void context_for_unwinding(CONTEXT *context, ULONG64 rsp);
void record_from_context(struct arch_record *record, const CONTEXT *context);
/* Drops the records of frames below rsp that will not return. */
void records_discard(struct arch_thread *thread, ULONG64 rsp);

/* ---- dispatch.c, unwind_ex.c ---- */
/* Looks for a handler. Returns if one said to continue execution with the context. */
void exception_dispatch(EXCEPTION_RECORD *record, CONTEXT *context);
EXCEPTION_DISPOSITION call_handler(enum arch_record_type type, EXCEPTION_RECORD *record, CONTEXT *context,
                                   DISPATCHER_CONTEXT *dispatcher);
/* To target_frame (an establisher frame; NULL: to the end of the stack), or to a record of type CATCH. */
_Noreturn void unwind_to(ULONG64 target_frame, ULONG64 target_ip, EXCEPTION_RECORD *record, ULONG64 rax,
                         CONTEXT *start, struct arch_record *catcher);
_Noreturn void raise_at(EXCEPTION_RECORD *record, CONTEXT *context);
_Noreturn void raise_unwind_failure(NTSTATUS status, EXCEPTION_RECORD *cause, CONTEXT *context);
_Noreturn void fault_bugcheck(ULONG code, const ULONG64 p[4], const char *sentence, EXCEPTION_RECORD *record,
                              CONTEXT *context);

/* ---- restore.S ---- */
_Noreturn void context_resume(const CONTEXT *context); /* every register and the flags */
_Noreturn void context_land(const CONTEXT *context);   /* after an unwind: rax and what callees keep */

#endif
