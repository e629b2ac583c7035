/* SPDX-License-Identifier: MIT */
/*
 * The runtime's own spin lock: a word, no owner, no sleep. Locks that drivers
 * can contend on are KSPIN_LOCKs with an IRQL (ke/spinlock.h); this one guards
 * short internal sections. Take it only where the holder cannot be switched
 * out: at DISPATCH_LEVEL, or with the caller inside the runtime (preemption
 * acts on driver code only). Never hold it across a call into a driver or a switch.
 */
#ifndef LOCK_H
#define LOCK_H

#include "base/base.h"

/* Two bytes that are read and written together only by who acquires: so a release is a store and a load. A
 * sleeper that the load just misses looks again by itself soon (src/host/lock.c). */
typedef union rl_lock {
    uint32_t word;
    struct {
        uint8_t held;
        uint8_t sleepers; /* 1: somebody may be asleep on the word */
    };
} rl_lock;

void rl_lock_contended(rl_lock *lock); /* src/host: spins about 2 us, then sleeps on a futex */
void rl_lock_wake(rl_lock *lock);

static inline void rl_lock_acquire(rl_lock *lock)
{
    uint32_t expected = 0;
    if (unlikely(!__atomic_compare_exchange_n(&lock->word, &expected, 1, false, __ATOMIC_ACQUIRE,
                                              __ATOMIC_RELAXED)))
        rl_lock_contended(lock);
}

static inline void rl_lock_release(rl_lock *lock)
{
    __atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
    if (unlikely(__atomic_load_n(&lock->sleepers, __ATOMIC_RELAXED) != 0))
        rl_lock_wake(lock);
}

#endif
