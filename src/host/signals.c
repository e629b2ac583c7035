/* SPDX-License-Identifier: MIT */
/*
 * Signals of the process (signals.h). The table of former actions is written
 * while no handler of ours is installed; per-pthread state is thread-local and
 * touched only by its own pthread, never on an NT stack.
 */
#include "host/signals.h"

#include <asm/prctl.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef HWCAP2_FSGSBASE
#define HWCAP2_FSGSBASE (1 << 1)
#endif

static const int fault_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
#define FAULTS countof(fault_signals)

static host_signal_fn owner;
static int tick;
static struct sigaction former[FAULTS + 1]; /* the tick's is last */

static __thread struct {
    unsigned depth;
    char *mapping;
    stack_t stack;
    sigset_t mask;
} entered;

bool host_fsgsbase(void)
{
    static int known; /* 0: not asked, 1: no, 2: yes */

    if (unlikely(known == 0))
        known = getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE ? 2 : 1;
    return known == 2;
}

void host_set_gs(void *base)
{
    syscall(SYS_arch_prctl, ARCH_SET_GS, base);
}

void *host_get_gs(void)
{
    void *base = NULL;

    syscall(SYS_arch_prctl, ARCH_GET_GS, &base);
    return base;
}

static unsigned index_of(int signal)
{
    unsigned i = 0;

    while (i < FAULTS && fault_signals[i] != signal)
        i++;
    return i;
}

/* Nobody handles it: the default action. A fault comes again with its instruction; a signal that was sent is
 * sent again. */
static void take_default(int signal, bool sent)
{
    struct sigaction action = {.sa_handler = SIG_DFL};

    sigaction(signal, &action, NULL);
    if (sent)
        raise(signal);
}

static void chain(int signal, siginfo_t *info, void *context)
{
    const struct sigaction *next = &former[index_of(signal)];
    bool sent = info->si_code <= 0;

    if (next->sa_flags & SA_SIGINFO)
        next->sa_sigaction(signal, info, context);
    else if (next->sa_handler != SIG_DFL && next->sa_handler != SIG_IGN)
        next->sa_handler(signal);
    else if (signal != tick && !(sent && next->sa_handler == SIG_IGN))
        take_default(signal, sent); /* a fault cannot be ignored */
}

static void on_signal(int signal, siginfo_t *info, void *context)
{
    if (!owner || !owner(signal, info, context))
        chain(signal, info, context);
}

static void own_signals(sigset_t *set)
{
    sigemptyset(set);
    for (unsigned i = 0; i < FAULTS; i++)
        sigaddset(set, fault_signals[i]);
    if (tick)
        sigaddset(set, tick);
}

/* Installed twice, it must not become its own former action. */
static void install(int signal, const struct sigaction *action)
{
    struct sigaction before;

    sigaction(signal, action, &before);
    if (!(before.sa_flags & SA_SIGINFO) || before.sa_sigaction != on_signal)
        former[index_of(signal)] = before;
}

NTSTATUS host_signals_install(host_signal_fn fn, int tick_signal)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};

    tick = tick_signal;
    owner = fn;
    own_signals(&action.sa_mask);
    for (unsigned i = 0; i < FAULTS; i++)
        install(fault_signals[i], &action);
    if (tick)
        install(tick, &action);
    return STATUS_SUCCESS;
}

void host_signals_remove(void)
{
    for (unsigned i = 0; i < FAULTS; i++)
        sigaction(fault_signals[i], &former[i], NULL);
    if (tick)
        sigaction(tick, &former[FAULTS], NULL);
    owner = NULL;
    tick = 0;
}

static size_t stack_bytes(void)
{
    return ALIGN_UP(getauxval(AT_MINSIGSTKSZ) + 64 * 1024, PAGE_SIZE);
}

static size_t mapping_bytes(void)
{
    return PAGE_SIZE + HOST_EMERGENCY_BYTES + stack_bytes();
}

static bool map_stacks(void)
{
    char *mapping = mmap(NULL, mapping_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED)
        return false;
    mprotect(mapping, PAGE_SIZE, PROT_NONE);
    entered.mapping = mapping;
    return true;
}

NTSTATUS host_signals_enter_thread(void)
{
    sigset_t wanted;

    if (entered.depth++)
        return STATUS_SUCCESS;
    if (!entered.mapping && !map_stacks()) {
        entered.depth = 0;
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    stack_t stack = {.ss_sp = entered.mapping + PAGE_SIZE + HOST_EMERGENCY_BYTES, .ss_size = stack_bytes()};
    sigaltstack(&stack, &entered.stack);
    own_signals(&wanted);
    pthread_sigmask(SIG_UNBLOCK, &wanted, &entered.mask);
    return STATUS_SUCCESS;
}

void host_signals_leave_thread(void)
{
    if (--entered.depth)
        return;
    pthread_sigmask(SIG_SETMASK, &entered.mask, NULL);
    sigaltstack(&entered.stack, NULL);
    munmap(entered.mapping, mapping_bytes());
    entered.mapping = NULL;
}
