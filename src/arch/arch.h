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
#include "nt/context.h"
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
void arch_context_init(struct arch_context *context, void *stack_low, size_t stack_bytes, void (*fn)(void *),
                       void *arg);
/* For a context that is entered for one call and comes back: fn returns the context that goes on, and its own
 * is gone. Cheaper than a switch back: the processor predicts the returns of those who entered it. */
typedef struct arch_context *arch_call_fn(void *arg);
void arch_context_init_call(struct arch_context *context, void *stack_low, size_t stack_bytes,
                            arch_call_fn *fn, void *arg);
/*
 * Saves the caller in *from and resumes *to; returns when somebody switches back. What either ABI's callee
 * must keep survives, MXCSR and the x87 control word included. *from may be a zeroed context: it stands for
 * the stack of the caller. It may be resumed elsewhere as soon as the resumed side runs: publish it there,
 * never before the call.
 */
void arch_switch(struct arch_context *from, struct arch_context *to);
/* The same, cheaper for a *to that arch_context_init_call has made and that has not run. */
void arch_enter(struct arch_context *from, struct arch_context *to);

/* GS base of this pthread: the KPCR of the virtual processor it holds. */
void arch_set_gs(void *base);
void *arch_get_gs(void);

/* ---- entry records: where driver code entered ELF code, and our own "try" ---- */

enum arch_record_type {
    ARCH_RECORD_GATE,     /* driver code called an export: rip is its return address */
    ARCH_RECORD_TRY,      /* our own barrier: the outermost call into driver code */
    ARCH_RECORD_CATCH,    /* our own handler: the exception is delivered there */
    ARCH_RECORD_TRAP,     /* driver code was interrupted at rip by a fault or a preemption */
    ARCH_RECORD_DISPATCH, /* a language handler runs for an exception (driver code below it) */
    ARCH_RECORD_UNWIND    /* a language handler runs for an unwind */
};

struct arch_record {
    struct arch_record *previous;
    ULONG type;
    ULONG reserved;
    ULONG64 rip, rsp; /* gate: the driver's return address and its rsp after the return */
    ULONG64 rbx, rbp, rsi, rdi, r12, r13, r14, r15;
    const struct export_entry *entry;
    void *owner;   /* DISPATCH, UNWIND: the DISPATCHER_CONTEXT; TRY, CATCH: the gate_top to return to */
    M128A xmm[10]; /* xmm6-15 */
};

/*
 * Embedded in ke's thread behind the DISPATCHER_HEADER (24 bytes); the gates reach it through gs:[0x188], C
 * code through ops->current(). The gates' records lie in the lowest quarter of the NT stack, growing down,
 * with an inaccessible page between them and the stack proper; stack_low is the lowest byte of the latter.
 */
struct arch_thread {
    struct arch_record *records; /* innermost first */
    void *gate_top;              /* the next gate's record ends here */
    void *stack_low, *stack_high;
    void *records_low, *records_high;
    struct arch_kept *kept; /* innermost first */
};

/* What a layer above keeps in a frame of its own around a call into driver code: begins like this, linked in
 * arch_thread.kept. Whatever discards frames takes theirs out. */
struct arch_kept {
    struct arch_kept *above;
};

/* Divides the stack (page aligned, at least 32 KiB) as said above. Every NT thread, before it first runs. */
void arch_thread_init(struct arch_thread *thread, void *stack_low, size_t stack_bytes);

/*
 * Our own frames in the chain of handlers, popped with arch_try_pop when the call has returned.
 *
 * ARCH_TRY: a barrier at the outermost calls into driver code (thread start, DPC, system service). An
 * exception that reaches it was handled by nobody: ops.unhandled is called where it was raised, and does not
 * return.
 *
 * ARCH_CATCH: a handler. An exception that reaches it unwinds the frames below (their __finally blocks run),
 * is popped, and the expression is false: the record and context are in *t. A fault of our own code directly
 * below it (on memory that a driver named) is such an exception too.
 *
 *     if (ARCH_CATCH(&t)) {
 *         call();
 *         arch_try_pop(&t);
 *     } else {
 *         status = t.exception.ExceptionCode;
 *     }
 */
struct arch_try {
    struct arch_record record;
    void *jump_buffer[8];
    EXCEPTION_RECORD exception;
    CONTEXT context;
    struct arch_kept *kept;
};
#define ARCH_TRY(t)   (arch_try_push(t, ARCH_RECORD_TRY), __builtin_setjmp((t)->jump_buffer) == 0)
#define ARCH_CATCH(t) (arch_try_push(t, ARCH_RECORD_CATCH), __builtin_setjmp((t)->jump_buffer) == 0)
void arch_try_push(struct arch_try *t, enum arch_record_type type);
void arch_try_pop(struct arch_try *t);

/* ---- gates: what an import slot points to ---- */

enum arch_gate_kind {
    ARCH_GATE_RECORD, /* links an entry record, calls, unlinks */
    ARCH_GATE_CHECKED /* the same, and calls gate_enter/gate_leave of the ops around it */
};
/*
 * Code in HMEM_IMAGE; NULL when out of memory. One gate per export and kind, shared by all drivers. Arguments
 * stay where the driver put them, so every signature works, variable argument lists too. X_CONTEXT exports
 * get no gate: the function's own address comes back, and it must be a leaf in asm. gate_enter/gate_leave may
 * clobber what SysV lets them.
 */
const void *arch_gate(const struct export_entry *entry, enum arch_gate_kind kind);

/*
 * What the driver passed, argument 0 first: in gate_enter, and in gate_leave from argument 4 on (the first
 * four are overwritten). Past a routine's own arguments: garbage. In gate_leave: what the export returns in
 * RAX. The record is the thread's innermost. The offsets are the checked gate's (gate.S).
 */
/* It reads the driver's frame, which the sanitizer knows nothing of. */
__attribute__((no_sanitize("address"))) static inline ULONG64
arch_gate_argument(const struct arch_record *record, unsigned index)
{
    return index < 4 ? ((const ULONG64 *)(record->rsp - 0x60))[index] : ((const ULONG64 *)record->rsp)[index];
}

__attribute__((no_sanitize("address"))) static inline ULONG64
arch_gate_result(const struct arch_record *record)
{
    return *(const ULONG64 *)(record->rsp - 0x20);
}

/* Is it an export's return address, the export having been called by a driver through a gate? Then the
 * innermost record of the thread has the driver's. */
static inline bool arch_returns_to_gate(const void *return_address)
{
    extern const char arch_gates_begin[], arch_gates_end[];
    return (uintptr_t)return_address - (uintptr_t)arch_gates_begin <
           (uintptr_t)arch_gates_end - (uintptr_t)arch_gates_begin;
}

/* A slot for an import that nobody provides: a distinct address in a no-access page; touching it names
 * module!name. */
const void *arch_missing_import(const char *module, const char *name);
bool arch_missing_import_name(const void *address, const char **module, const char **name);

/* ---- images, as far as unwinding needs them ---- */

struct rewrite_state;

struct arch_image {
    LIST_ENTRY link;
    ULONG64 base, size;
    const RUNTIME_FUNCTION *functions;
    ULONG function_count;
    /* maps an address inside the image's patch thunks back to the original code address; 0: not a thunk of
     * this image */
    ULONG64 (*thunk_to_original)(const struct arch_image *image, ULONG64 rip);
    ULONG64 thunk_base, thunk_size;
    const struct rewrite_state *rewrite; /* what the rewriter did (rewrite.h); NULL: nothing */
    /* Where to resume for an original address that a patch overwrote; 0: at the address itself. May be NULL.
     */
    ULONG64 (*original_to_thunk)(const struct arch_image *image, ULONG64 rip);
};
void arch_image_add(struct arch_image *image);
void arch_image_remove(struct arch_image *image);
struct arch_image *arch_image_find(ULONG64 rip); /* by image or thunk address; safe in a signal handler */

/* ---- faults and exceptions ---- */

/* What the layers above decide. Set once by ke before the first driver runs. */
struct arch_ops {
    struct arch_thread *(*current)(
        void); /* NULL: no NT thread on this pthread. Any pthread, signal handlers too */
    KIRQL (*irql)(void);
    /* In the signal handler: the tick signal interrupted rip (0: somewhere that cannot be preempted). Returns
     * true if a preemption call may be injected; else the layer above remembers it. current() was not NULL.
     */
    bool (*may_preempt)(ULONG64 rip);
    void (*preempt)(void); /* the injected call, on the NT stack, full register state saved */
    /* In ordinary code on the NT stack: a fault before it becomes an exception. True: handled (device memory,
     * port I/O, emulated instruction), resume with the changed context. */
    bool (*emulate)(EXCEPTION_RECORD *record, CONTEXT *context);
    /* A driver's instruction was emulated, and is complete: time to take what a device asked for in it. */
    void (*emulated)(void);
    /* An exception that nobody handled, or one that may not be caught: never returns. */
    void (*unhandled)(EXCEPTION_RECORD *record, CONTEXT *context) __attribute__((noreturn));
    void (*bugcheck)(ULONG code, ULONG64 p1, ULONG64 p2, ULONG64 p3, ULONG64 p4) __attribute__((noreturn));
    /* A bug check for a fault in driver code, with the place. NULL: bugcheck is called. */
    void (*fault_bugcheck)(ULONG code, const ULONG64 p[4], const char *sentence, EXCEPTION_RECORD *record,
                           CONTEXT *context) __attribute__((noreturn));
    /* A page fault at a system address below DISPATCH_LEVEL: the bug check that names it best (0xCC, 0xCD,
     * 0xD5, 0xD6 in special pool ...), 0 for the plain 0x50. May be NULL. */
    ULONG (*bad_address)(ULONG64 address, bool write, ULONG64 rip);
    void (*gate_enter)(const struct export_entry *entry, const struct arch_record *record);
    void (*gate_leave)(const struct export_entry *entry, const struct arch_record *record);
};
extern struct arch_ops arch_ops;

NTSTATUS arch_init(void); /* handlers, alternate stacks, gates */
void arch_fini(void);     /* restores the former handlers */
NTSTATUS arch_thread_prepare(
    void); /* per pthread, first entry: alternate stack, tick unblocked; records the former state */
void arch_thread_restore(void);

/* Raises in the driver's or our frame; used by ExRaiseStatus and friends. */
_Noreturn void arch_raise_status(NTSTATUS status);
_Noreturn void arch_raise(EXCEPTION_RECORD *record);

/* Guarded access to memory that may fault (user buffers): returns STATUS_SUCCESS or the exception's status.
 */
NTSTATUS arch_copy_guarded(void *to, const void *from, size_t length);

/* Walks frames from a context: fills return addresses (original, not thunk addresses); returns how many. */
unsigned arch_walk(const CONTEXT *context, ULONG64 *frames, unsigned max);
/* The same from the driver code that called the runtime, on an NT stack; cheaper than to capture and walk. */
unsigned arch_callers(ULONG64 *frames, unsigned max);
void arch_capture(CONTEXT *context);

/* ---- code patching (needs Zydis): see arch/rewrite.h ---- */

#endif
