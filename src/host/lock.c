/* SPDX-License-Identifier: MIT */
/*
 * The contended half of rl_lock. After about 2 us of spinning the waiter gives
 * its core up by futex: there may be more virtual processors than cores, and
 * the holder may be waiting for this very core. It says so in the lock's second
 * byte, which the holder looks at after its release; there is no fence between
 * that store and that load, so a sleeper may be missed: it sleeps for a short
 * time only and looks again.
 */
#include "base/lock.h"
#include "host/host.h"

enum { SPINS_2US = 64, SLEEP_NS = 100000 };
#define SLEEPERS 0x100u

static bool try_acquire(rl_lock *lock)
{
    uint32_t word = __atomic_load_n(&lock->word, __ATOMIC_RELAXED);
    return !(word & 1) && __atomic_compare_exchange_n(&lock->word, &word, word | 1, false, __ATOMIC_ACQUIRE,
                                                      __ATOMIC_RELAXED);
}

void rl_lock_contended(rl_lock *lock)
{
    for (int i = 0; i < SPINS_2US; i++) {
        if (try_acquire(lock))
            return;
        host_cpu_relax();
    }
    while (!try_acquire(lock)) {
        uint32_t word = __atomic_or_fetch(&lock->word, SLEEPERS, __ATOMIC_SEQ_CST);
        if (word & 1)
            host_futex_wait(&lock->word, word, SLEEP_NS);
    }
}

/* All who sleep: those that lose the race say again that they do. */
void rl_lock_wake(rl_lock *lock)
{
    __atomic_and_fetch(&lock->word, ~SLEEPERS, __ATOMIC_SEQ_CST);
    host_futex_wake(&lock->word, INT32_MAX);
}
