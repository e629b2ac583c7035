/* SPDX-License-Identifier: MIT */
/*
 * The CPU: context switch, GS base, entry gates, entry records, hardware
 * faults, exceptions and the virtual unwinder. Knows images only as address
 * ranges with unwind data; knows threads only as `struct arch_thread`, which
 * ke embeds at the start of its thread.
 */
#ifndef ARCH_H
#define ARCH_H

#include "base/export.h"
#include "nt/ke.h"
#include "nt/pe.h"

/* ---- contexts ---- */

struct arch_context {
    void *rsp; /* everything else is saved on the context's own stack */
    void *asan_fake_stack;
    const void *stack_low; /* for the sanitizer's switch hooks */
    size_t stack_bytes;
};

/* Builds a context that enters fn(arg) on the given stack; fn must not return. */
void arch_context_init(struct arch_context *context, void *stack_low, size_t stack_bytes, void (*fn)(void *), void *arg);
/* Saves the caller in *from and resumes *to; returns when somebody switches back. Saves both ABIs' callee-saved registers, MXCSR and x87 CW. */
void arch_switch(struct arch_context *from, struct arch_context *to);

/* GS base of this pthread: the KPCR of the virtual processor it holds. */
void arch_set_gs(void *base);
void *arch_get_gs(void);

/* ---- entry records: where driver code entered ELF code, and our own "try" ---- */

enum arch_record_type { ARCH_RECORD_GATE, ARCH_RECORD_TRY, ARCH_RECORD_CALLOUT };

struct arch_record {
    struct arch_record *previous;
    ULONG type;
    ULONG reserved;
    ULONG64 rip, rsp; /* gate: the driver's return address and its rsp after the return */
    ULONG64 rbx, rbp, rsi, rdi, r12, r13, r14, r15;
    const struct export_entry *entry;
    void *reserved2;
    M128A xmm[10]; /* xmm6-15 */
};

/* Embedded at offset 0 of ke's thread object's runtime part; reached through ops->current(). */
struct arch_thread {
    struct arch_record *records; /* innermost first */
    void *stack_low, *stack_high; /* the whole NT stack */
    int exception_depth;
};

/* A call into driver code that must come back: 0 the call returned, else the code of an unhandled exception,
 * whose record is in *exception. Used at the outermost calls only (thread start, DPC, system service). */
struct arch_try {
    struct arch_record record;
    void *jump_buffer[8];
    EXCEPTION_RECORD exception;
    CONTEXT context;
};
#define ARCH_TRY(t) (arch_try_push(t), __builtin_setjmp((t)->jump_buffer) == 0)
void arch_try_push(struct arch_try *t);
void arch_try_pop(struct arch_try *t);

/* ---- gates: what an import slot points to ---- */

enum arch_gate_kind {
    ARCH_GATE_RECORD, /* links an entry record, calls, unlinks */
    ARCH_GATE_CHECKED /* the same, and calls gate_enter/gate_leave of the ops around it */
};
/* Code in HMEM_IMAGE; NULL when out of memory. One gate per export and kind, shared by all drivers. */
const void *arch_gate(const struct export_entry *entry, enum arch_gate_kind kind);

/* A slot for an import that nobody provides: a distinct address in a no-access page; touching it names module!name. */
const void *arch_missing_import(const char *module, const char *name);
bool arch_missing_import_name(const void *address, const char **module, const char **name);

/* ---- images, as far as unwinding needs them ---- */

struct arch_image {
    LIST_ENTRY link;
    ULONG64 base, size;
    const RUNTIME_FUNCTION *functions;
    ULONG function_count;
    /* maps an address inside the image's patch thunks back to the original code address; 0: not a thunk of this image */
    ULONG64 (*thunk_to_original)(const struct arch_image *image, ULONG64 rip);
    ULONG64 thunk_base, thunk_size;
};
void arch_image_add(struct arch_image *image);
void arch_image_remove(struct arch_image *image);
struct arch_image *arch_image_find(ULONG64 rip); /* by image or thunk address; safe in a signal handler */

/* ---- faults and exceptions ---- */

/* What the layers above decide. Set once by ke before the first driver runs. */
struct arch_ops {
    struct arch_thread *(*current)(void); /* NULL: no NT thread on this pthread */
    KIRQL (*irql)(void);
    /* In the signal handler: the tick signal interrupted rip. Returns true if a preemption call may be injected. */
    bool (*may_preempt)(ULONG64 rip);
    void (*preempt)(void); /* the injected call, on the NT stack, full register state saved */
    /* In ordinary code on the NT stack: a fault before it becomes an exception. True: handled (device memory, port
     * I/O, emulated instruction), resume with the changed context. */
    bool (*emulate)(EXCEPTION_RECORD *record, CONTEXT *context);
    /* An exception that nobody handled, or one that may not be caught: never returns. */
    void (*unhandled)(EXCEPTION_RECORD *record, CONTEXT *context) __attribute__((noreturn));
    void (*bugcheck)(ULONG code, ULONG64 p1, ULONG64 p2, ULONG64 p3, ULONG64 p4) __attribute__((noreturn));
    void (*gate_enter)(const struct export_entry *entry, const struct arch_record *record);
    void (*gate_leave)(const struct export_entry *entry, const struct arch_record *record);
};
extern struct arch_ops arch_ops;

NTSTATUS arch_init(void); /* handlers, alternate stacks, gates */
void arch_fini(void);     /* restores the former handlers */
void arch_thread_prepare(void); /* per pthread, first entry: alternate stack, tick unblocked; records the former state */
void arch_thread_restore(void);

/* Raises in the driver's or our frame; used by ExRaiseStatus and friends. */
_Noreturn void arch_raise_status(NTSTATUS status);
_Noreturn void arch_raise(EXCEPTION_RECORD *record);

/* Guarded access to memory that may fault (user buffers): returns STATUS_SUCCESS or the exception's status. */
NTSTATUS arch_copy_guarded(void *to, const void *from, size_t length);

/* Walks frames from a context: fills return addresses (original, not thunk addresses); returns how many. */
unsigned arch_walk(const CONTEXT *context, ULONG64 *frames, unsigned max);
void arch_capture(CONTEXT *context);

/* ---- code patching (needs Zydis): see arch/rewrite.h ---- */

#endif
