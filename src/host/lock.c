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

enum { SPINS_2US = 64, SLEEP_NS = 100000, ABANDONED_TRIES = 2000 };

static bool holders_gone;

/* A machine that stopped runs no context again: a lock that one of them held when a driver's pointer made it
 * fault is nobody's. */
void host_locks_abandoned(bool abandoned)
{
    __atomic_store_n(&holders_gone, abandoned, __ATOMIC_SEQ_CST);
}

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
    for (unsigned tries = 0; !try_acquire(lock); tries++) {
        if (tries >= ABANDONED_TRIES && __atomic_load_n(&holders_gone, __ATOMIC_SEQ_CST))
            return; /* it stays marked as held, by us now */
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
