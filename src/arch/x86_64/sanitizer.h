/* SPDX-License-Identifier: MIT */
/*
 * AddressSanitizer's hooks: it must know each stack, and that frames were
 * discarded. Nothing in a plain build.
 */
#ifndef ARCH_SANITIZER_H
#define ARCH_SANITIZER_H

#include "base/base.h"
#include "base/sanitizer.h"

#ifdef __SANITIZE_ADDRESS__
void __sanitizer_start_switch_fiber(void **fake_stack, const void *low, size_t bytes);
void __sanitizer_finish_switch_fiber(void *fake_stack, const void **old_low, size_t *old_bytes);

static inline void sanitizer_start_switch(void **fake_stack, const void *low, size_t bytes)
{
    __sanitizer_start_switch_fiber(fake_stack, low, bytes);
}

static inline void sanitizer_finish_switch(void *fake_stack, const void **old_low, size_t *old_bytes)
{
    __sanitizer_finish_switch_fiber(fake_stack, old_low, old_bytes);
}
#else
static inline void sanitizer_start_switch(void **fake_stack, const void *low, size_t bytes)
{
}

static inline void sanitizer_finish_switch(void *fake_stack, const void **old_low, size_t *old_bytes)
{
}
#endif

/* The frames in [low, high) are gone without having returned. */
static inline void sanitizer_discard_frames(const void *low, const void *high)
{
    if (low < high)
        sanitizer_unpoison(low, (size_t)((const char *)high - (const char *)low));
}

#endif
