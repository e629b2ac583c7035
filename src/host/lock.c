/* SPDX-License-Identifier: MIT */
/*
 * The contended half of rl_lock. The word is 0 free, 1 held, 2 held with
 * somebody asleep on it. After about 2 us of spinning the waiter gives its core
 * up by futex: there may be more virtual processors than cores, and the holder
 * may be waiting for this very core.
 */
#include "base/lock.h"
#include "host/host.h"

#define SPINS_2US 64

static bool try_acquire(rl_lock *lock)
{
    uint32_t expected = 0;
    if (__atomic_load_n(&lock->word, __ATOMIC_RELAXED) != 0)
        return false;
    return __atomic_compare_exchange_n(&lock->word, &expected, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

void rl_lock_contended(rl_lock *lock)
{
    for (int i = 0; i < SPINS_2US; i++) {
        if (try_acquire(lock))
            return;
        host_cpu_relax();
    }
    while (__atomic_exchange_n(&lock->word, 2, __ATOMIC_ACQUIRE) != 0)
        host_futex_wait(&lock->word, 2, 0);
}

void rl_lock_wake(rl_lock *lock)
{
    host_futex_wake(&lock->word, 1);
}
