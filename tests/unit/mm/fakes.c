/* SPDX-License-Identifier: MIT */
/* What lies below and beside the memory components, as small as their tests allow: one thread, no machine. */
#include "fakes.h"

#include <stdio.h>
#include <stdlib.h>

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
