/* SPDX-License-Identifier: MIT */
/* What lies below and beside the memory components, as small as their tests allow: one thread, no machine. */
#include "fakes.h"
#include "ke/held.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

_Noreturn void rl_assert_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, condition);
    abort();
}

void rl_lock_contended(rl_lock *lock)
{
    uint32_t expected = 0;
    while (!__atomic_compare_exchange_n(&lock->word, &expected, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        expected = 0;
}

void rl_lock_wake(rl_lock *lock)
{
    (void)lock;
}

struct fake_stop fake_stopped;
jmp_buf fake_stop_jump;
bool fake_on_vp;
struct ke_vp fake_vp;
struct ke_thread fake_thread, *fake_current = &fake_thread;
const char arch_gates_begin[1], arch_gates_end[1]; /* no gates: nothing returns to one */

void ke_bugcheck(const struct ke_bugcheck_info *info)
{
    fake_stopped = (struct fake_stop){.bugcheck = true, .code = info->code};
    for (int i = 0; i < 4; i++)
        fake_stopped.p[i] = info->p[i];
    longjmp(fake_stop_jump, 1);
}

void ke_bugcheck_code(ULONG code, ULONG64 p1, ULONG64 p2, ULONG64 p3, ULONG64 p4)
{
    ke_bugcheck(&(struct ke_bugcheck_info){.code = code, .p = {p1, p2, p3, p4}});
}

void arch_raise_status(NTSTATUS status)
{
    fake_stopped = (struct fake_stop){.code = (ULONG)status};
    longjmp(fake_stop_jump, 1);
}

bool ke_on_vp(void)
{
    return fake_on_vp;
}

struct ke_vp *ke_vp(void)
{
    return &fake_vp;
}

struct ke_thread *ke_thread(void)
{
    return fake_current;
}

/* The one image is [FAKE_IMAGE, + 64 KiB); the calls on the stack are the test's. */
unsigned fake_frame_count;
struct arch_image *arch_image_find(ULONG64 rip)
{
    static struct arch_image image = {.base = FAKE_IMAGE, .size = 0x10000};
    return rip - image.base < image.size ? &image : NULL;
}

unsigned arch_callers(ULONG64 *frames, unsigned max)
{
    for (unsigned i = 0; i < fake_frame_count; i++)
        frames[i] = FAKE_IMAGE + 0x100 * i;
    return fake_frame_count;
}

const void *fake_freed; /* the block that was looked at last */
void ke_check_pool_free(const void *base, size_t size, ULONG pool_type)
{
    fake_freed = base;
}

NTSTATUS arch_copy_guarded(void *to, const void *from, size_t length)
{
    struct iovec local = {to, length}, remote = {(void *)from, length};
    return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == (ssize_t)length ? STATUS_SUCCESS
                                                                                   : STATUS_ACCESS_VIOLATION;
}

/* Nobody keeps a record of what drivers hold. Tests that do bring their own. */
__attribute__((weak)) bool ke_hold(enum ke_held_kind kind, const void *object)
{
    return true;
}

__attribute__((weak)) bool ke_unhold(enum ke_held_kind kind, const void *object)
{
    return true;
}
