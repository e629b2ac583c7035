/* SPDX-License-Identifier: MIT */
#include "machine.h"
#include "host/memory.h"

#include <stdlib.h>

char machine_log[4096];
static size_t log_length;

enum { STACK_PAGES = 64, THREADS_MAX = 64 };

static struct test_thread {
    struct ke_thread thread;
    void *stack;
    bool used;
} threads[THREADS_MAX];

static struct ke_thread *host_thread_of_test;

void log_text(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_length +=
        (size_t)host_vsnprintf(machine_log + log_length, sizeof machine_log - log_length, format, arguments);
    va_end(arguments);
}

static struct ke_thread *new_thread(void (*fn)(void *), void *arg)
{
    static rl_lock lock;
    rl_lock_acquire(&lock);
    struct test_thread *t = threads;
    while (t->used)
        t++;
    t->used = true;
    rl_lock_release(&lock);
    t->stack = hmem_reserve(HMEM_STACK, STACK_PAGES, 1, 1);
    RL_ASSERT(t->stack != NULL && NT_SUCCESS(hmem_commit(t->stack, STACK_PAGES, HMEM_RW)));
    ke_thread_init(&t->thread, t->stack, STACK_PAGES * PAGE_SIZE, fn, arg, NULL);
    return &t->thread;
}

void machine_start(bool simulated, uint64_t seed, unsigned cpus)
{
    log_length = 0;
    machine_log[0] = 0;
    memset(threads, 0, sizeof threads);
    struct host_config host = {.simulated = simulated, .seed = seed, .cpus = cpus};
    assert_int_equal(host_init(&host), STATUS_SUCCESS);
    assert_int_equal(hmem_init(64 << 20), STATUS_SUCCESS);
    assert_int_equal(arch_init(), STATUS_SUCCESS);
    assert_int_equal(ke_init(&(struct ke_config){.cpus = cpus, .watchdog_s = 1}), STATUS_SUCCESS);
    host_thread_of_test = new_thread(NULL, NULL);
}

void machine_stop(void)
{
    ke_host_detach(host_thread_of_test);
    ke_fini();
    arch_fini();
    hmem_fini();
    host_fini();
}

NTSTATUS machine_call(NTSTATUS (*fn)(void *), void *arg)
{
    NTSTATUS status = ke_host_call(host_thread_of_test, fn, arg, KernelMode);
    const struct ke_bugcheck_info *info = ke_bugcheck_happened();
    if (info != NULL && ke_bugcheck_ops.stopped == NULL)
        print_message("bug check 0x%x (%llx, %llx): %s\n", info->code, (unsigned long long)info->p[0],
                      (unsigned long long)info->p[1], info->sentence != NULL ? info->sentence : "");
    return status;
}

struct ke_thread *machine_host_thread(void)
{
    return new_thread(NULL, NULL);
}

struct ke_thread *machine_thread(void (*fn)(void *), void *arg, int priority)
{
    struct ke_thread *thread = new_thread(fn, arg);
    thread->priority = thread->base_priority = (SCHAR)priority;
    ke_thread_start(thread);
    return thread;
}

void machine_join(struct ke_thread *thread)
{
    assert_int_equal(KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL), STATUS_SUCCESS);
}
