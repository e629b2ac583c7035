/* SPDX-License-Identifier: MIT */
/* A driver's spin lock without its IRQL: for the kinds that are built on it. */
#ifndef KE_SPINLOCK_H
#define KE_SPINLOCK_H

#include "ke/dispatch.h"

bool spinlock_try(PKSPIN_LOCK lock);
void spinlock_acquire(PKSPIN_LOCK lock);
void spinlock_release(PKSPIN_LOCK lock);

#endif
