/* SPDX-License-Identifier: MIT */
/*
 * The signal handler. It runs on the alternate stack and returns at once: a
 * fault's state is copied to the NT stack and execution goes on at the
 * dispatcher there; a tick injects a call. So no signal frame outlives it, and
 * none migrates between pthreads. Nothing here takes a lock.
 */
#include "arch/arch.h"
#include "arch/x86_64/code.h"
#include "arch/x86_64/fault.h"
#include "host/host.h"
#include "host/memory.h"
#include "host/signals.h"

#include <signal.h>
#include <ucontext.h>

extern const char guarded_begin[], guarded_end[], guarded_failed[];

#define BELOW_STACK_POINTER 128 /* nobody promised that nothing lies there */
#define DISPATCH_ROOM       (8 * 1024)
#define PREEMPT_ROOM        (12 * 1024)

static int tick_signal;

static const int integer_registers[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                          REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                          REG_R12, REG_R13, REG_R14, REG_R15};

static void copy_context(CONTEXT *to, const ucontext_t *from)
{
    const greg_t *registers = from->uc_mcontext.gregs;

    __builtin_memset(to, 0, sizeof(*to));
    to->ContextFlags = CONTEXT_FULL | CONTEXT_SEGMENTS;
    for (unsigned i = 0; i < 16; i++)
        *context_register(to, i) = (ULONG64)registers[integer_registers[i]];
    to->Rip = (ULONG64)registers[REG_RIP];
    to->EFlags = (ULONG)registers[REG_EFL];
    to->SegCs = (USHORT)registers[REG_CSGSFS];
    __asm__("movw %%ss, %0" : "=m"(to->SegSs));
    __builtin_memcpy(&to->FltSave, from->uc_mcontext.fpregs, sizeof(to->FltSave));
    to->MxCsr = to->FltSave.MxCsr;
}

static void fill(struct fault *fault, const ucontext_t *from)
{
    copy_context(&fault->context, from);
    fault->record = (EXCEPTION_RECORD){0};
    fault->trap = (ULONG64)from->uc_mcontext.gregs[REG_TRAPNO];
    fault->error = (ULONG64)from->uc_mcontext.gregs[REG_ERR];
    fault->address = (ULONG64)from->uc_mcontext.gregs[REG_CR2];
    fault->rip = fault->context.Rip;
    fault->sentence[0] = 0;
}

/* On returning from the signal the pthread runs fn(fault) on the stack below the fault. */
static void redirect(ucontext_t *context, struct fault *fault, void (*fn)(struct fault *))
{
    greg_t *registers = context->uc_mcontext.gregs;

    registers[REG_RIP] = (greg_t)fn;
    registers[REG_RDI] = (greg_t)fault;
    registers[REG_RSP] = (greg_t)ALIGN_DOWN(fault, 16) - 8;
    registers[REG_EFL] &= ~(greg_t)0x40500; /* AC, DF, TF */
    if (fault->trap == TRAP_X87)
        context->uc_mcontext.fpregs->swd &=
            0x7F00; /* it is still pending, and would come again in our code */
}

static bool on_nt_stack(const struct arch_thread *thread, ULONG64 rsp)
{
    return rsp > (ULONG64)thread->stack_low && rsp <= (ULONG64)thread->stack_high;
}

/* The same, or pushed out of its lower end by a frame of ours: whose fault it is does not change by that. */
static bool of_nt_stack(const struct arch_thread *thread, ULONG64 rsp)
{
    return rsp > (ULONG64)thread->records_low - PAGE_SIZE && rsp <= (ULONG64)thread->stack_high;
}

/* A store into one of the guard pages, or no room to dispatch anything: the stack is used up. */
static bool stack_is_used_up(const struct arch_thread *thread, const ucontext_t *context)
{
    ULONG64 rsp = (ULONG64)context->uc_mcontext.gregs[REG_RSP];
    ULONG64 address = (ULONG64)context->uc_mcontext.gregs[REG_CR2];

    if (!on_nt_stack(thread, rsp) || rsp - (ULONG64)thread->stack_low < sizeof(struct fault) + DISPATCH_ROOM)
        return true;
    if (context->uc_mcontext.gregs[REG_TRAPNO] != TRAP_PAGE)
        return false;
    return (ULONG64)thread->stack_low - 1 - address < PAGE_SIZE ||
           (ULONG64)thread->records_low - 1 - address < PAGE_SIZE;
}

static struct fault *place_on_nt_stack(const ucontext_t *context)
{
    ULONG64 rsp = (ULONG64)context->uc_mcontext.gregs[REG_RSP];

    return (struct fault *)ALIGN_DOWN(rsp - BELOW_STACK_POINTER - sizeof(struct fault), 64);
}

static struct fault *place_on_emergency_stack(const ucontext_t *context)
{
    return (struct fault *)ALIGN_DOWN((uintptr_t)context->uc_stack.ss_sp - sizeof(struct fault), 64);
}

/* An export that said it may raise holds nothing while it touches the driver's memory; our own handler asked
 * for it. */
static bool ours_may_raise(const struct arch_thread *thread)
{
    const struct arch_record *record = thread->records;

    if (record && record->type == ARCH_RECORD_CATCH)
        return true;
    return record && record->type == ARCH_RECORD_GATE && record->entry->flags & X_RAISES;
}

static bool is_wild_call(const ucontext_t *context)
{
    const greg_t *registers = context->uc_mcontext.gregs;

    return registers[REG_TRAPNO] == TRAP_PAGE && registers[REG_ERR] & PAGE_ERROR_EXECUTE &&
           registers[REG_RIP] == registers[REG_CR2];
}

static bool on_fault(const siginfo_t *info, ucontext_t *context)
{
    ULONG64 rip = (ULONG64)context->uc_mcontext.gregs[REG_RIP];
    struct arch_thread *thread;

    if (info->si_code <= 0) /* sent by somebody */
        return false;
    if (rip >= (ULONG64)guarded_begin && rip < (ULONG64)guarded_end) {
        context->uc_mcontext.gregs[REG_RIP] = (greg_t)guarded_failed;
        return true;
    }
    if (native_contains(rip)) {
        context->uc_mcontext.gregs[REG_RAX] = context->uc_mcontext.gregs[REG_TRAPNO];
        context->uc_mcontext.gregs[REG_RIP] = (greg_t)native_failed;
        return true;
    }
    thread = arch_ops.current ? arch_ops.current() : NULL;
    if (!thread || !context->uc_stack.ss_sp)
        return false;

    bool nt_stack = of_nt_stack(thread, (ULONG64)context->uc_mcontext.gregs[REG_RSP]);
    bool in_driver = arch_image_find(rip) || (nt_stack && is_wild_call(context));
    if (!in_driver && !code_contains(rip) && !nt_stack)
        return false;
    bool used_up = stack_is_used_up(thread, context);
    struct fault *fault = used_up ? place_on_emergency_stack(context) : place_on_nt_stack(context);
    fill(fault, context);
    fault->in_driver = in_driver;
    redirect(context, fault,
             used_up                               ? stack_overflow_dispatch
             : in_driver || ours_may_raise(thread) ? fault_dispatch
                                                   : runtime_fault_dispatch);
    return true;
}

/* The frame that the stub returns through: rflags, rip, and then what lay below the stack pointer. */
static void inject_preemption(ucontext_t *context)
{
    greg_t *registers = context->uc_mcontext.gregs;
    ULONG64 *frame = (ULONG64 *)(registers[REG_RSP] - BELOW_STACK_POINTER) - 2;

    frame[0] = (ULONG64)registers[REG_EFL];
    frame[1] = (ULONG64)registers[REG_RIP];
    registers[REG_RSP] = (greg_t)frame;
    registers[REG_RIP] = (greg_t)arch_preempt_stub;
    registers[REG_EFL] &= ~(greg_t)0x40500;
}

static void on_tick(ucontext_t *context)
{
    struct arch_thread *thread = arch_ops.current ? arch_ops.current() : NULL;
    ULONG64 rip = (ULONG64)context->uc_mcontext.gregs[REG_RIP];
    ULONG64 rsp = (ULONG64)context->uc_mcontext.gregs[REG_RSP];

    if (!thread || !arch_ops.may_preempt)
        return;
    if (!arch_image_find(rip) || !on_nt_stack(thread, rsp) || rsp - (ULONG64)thread->stack_low < PREEMPT_ROOM)
        rip = 0;
    if (arch_ops.may_preempt(rip) && rip)
        inject_preemption(context);
}

static bool on_signal(int signal, void *info, void *context)
{
    if (signal != tick_signal)
        return on_fault(info, context);
    on_tick(context);
    return true;
}

NTSTATUS arch_init(void)
{
    preempt_init();
    tick_signal = host_tick_signal();
    return host_signals_install(on_signal, tick_signal);
}

void arch_fini(void)
{
    host_signals_remove();
    gate_fini();
    native_fini();
    code_fini();
    missing_imports_fini();
}

NTSTATUS arch_thread_prepare(void)
{
    return host_signals_enter_thread();
}

void arch_thread_restore(void)
{
    host_signals_leave_thread();
}
