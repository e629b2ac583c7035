/* SPDX-License-Identifier: MIT */
/*
 * AddressSanitizer's hooks: it must know each stack, and that frames were
 * discarded. Nothing in a plain build.
 */
#ifndef ARCH_SANITIZER_H
#define ARCH_SANITIZER_H

#include "base/base.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

#ifdef __SANITIZE_ADDRESS__
void __sanitizer_start_switch_fiber(void **fake_stack, const void *low, size_t bytes);
void __sanitizer_finish_switch_fiber(void *fake_stack, const void **old_low, size_t *old_bytes);
void __asan_unpoison_memory_region(const volatile void *low, size_t bytes);

static inline void sanitizer_start_switch(void **fake_stack, const void *low, size_t bytes)
{
    __sanitizer_start_switch_fiber(fake_stack, low, bytes);
}

static inline void sanitizer_finish_switch(void *fake_stack, const void **old_low, size_t *old_bytes)
{
    __sanitizer_finish_switch_fiber(fake_stack, old_low, old_bytes);
}

/* The frames in [low, high) are gone without having returned. */
static inline void sanitizer_discard_frames(const void *low, const void *high)
{
    if (low < high)
        __asan_unpoison_memory_region(low, (size_t)((const char *)high - (const char *)low));
}
#else
static inline void sanitizer_start_switch(void **fake_stack, const void *low, size_t bytes)
{
}

static inline void sanitizer_finish_switch(void *fake_stack, const void **old_low, size_t *old_bytes)
{
}

static inline void sanitizer_discard_frames(const void *low, const void *high)
{
}
#endif

#endif
