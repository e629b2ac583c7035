/* SPDX-License-Identifier: MIT */
/*
 * Helper pthreads, futexes and the tick signal. A helper starts with the tick
 * signal and every other asynchronous signal blocked, so that the embedder's
 * handlers never run on it; arch_thread_prepare unblocks the tick where a
 * virtual processor may be carried. The futex calls are raw system calls: no
 * errno, so they may be used on NT stacks.
 */
#include "host/internal.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

struct host_thread {
    pthread_t pthread;
    void (*fn)(void *);
    void *arg;
};

/* A system call that leaves errno alone. */
static long raw_syscall6(long number, long a, long b, long c, long d, long e, long f)
{
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static void *thread_main(void *arg)
{
    struct host_thread *thread = arg;
    thread->fn(thread->arg);
    return NULL;
}

host_thread *host_thread_create(const char *name, void (*fn)(void *), void *arg)
{
    struct host_thread *thread = host_alloc(sizeof *thread);
    sigset_t all, former;
    thread->fn = fn;
    thread->arg = arg;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &former);
    int error = pthread_create(&thread->pthread, NULL, thread_main, thread);
    pthread_sigmask(SIG_SETMASK, &former, NULL);
    if (error != 0) {
        host_free(thread);
        return NULL;
    }
    pthread_setname_np(thread->pthread, name);
    return thread;
}

void host_thread_join(host_thread *thread)
{
    pthread_join(thread->pthread, NULL);
    host_free(thread);
}

int host_tid(void)
{
    return (int)raw_syscall6(SYS_gettid, 0, 0, 0, 0, 0, 0);
}

void host_signal_thread(int tid)
{
    long pid = raw_syscall6(SYS_getpid, 0, 0, 0, 0, 0, 0);
    raw_syscall6(SYS_tgkill, pid, tid, host_tick_signal_number, 0, 0, 0);
}

void host_futex_wait(uint32_t *word, uint32_t value, uint64_t timeout_ns)
{
    struct timespec ts = {(time_t)(timeout_ns / 1000000000ull), (long)(timeout_ns % 1000000000ull)};
    raw_syscall6(SYS_futex, (long)word, FUTEX_WAIT_PRIVATE, value, timeout_ns ? (long)&ts : 0, 0, 0);
}

void host_futex_wake(uint32_t *word, int count)
{
    raw_syscall6(SYS_futex, (long)word, FUTEX_WAKE_PRIVATE, count, 0, 0, 0);
}

void host_cpu_relax(void)
{
    __builtin_ia32_pause();
}

void host_yield(void)
{
    raw_syscall6(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}

/* A full write or nothing more to be done: there is nobody left to tell. */
void host_write(int fd, const char *text, size_t length)
{
    while (length > 0) {
        long n = raw_syscall6(SYS_write, fd, (long)text, (long)length, 0, 0, 0);
        if (n == -4 /* EINTR */)
            continue;
        if (n <= 0)
            return;
        text += n;
        length -= (size_t)n;
    }
}
