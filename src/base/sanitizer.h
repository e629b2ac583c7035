/* SPDX-License-Identifier: MIT */
/*
 * What AddressSanitizer must be told by hand, since the memory that it guards
 * by itself is glibc's: which bytes of the pool and of NT stacks may be
 * touched. Nothing in a plain build.
 */
#ifndef BASE_SANITIZER_H
#define BASE_SANITIZER_H

#include <stddef.h>

#if defined(__has_feature) /* clang */
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

#ifdef __SANITIZE_ADDRESS__
void __asan_poison_memory_region(const volatile void *low, size_t bytes);
void __asan_unpoison_memory_region(const volatile void *low, size_t bytes);

/* Whoever of ours touches these bytes is reported. */
static inline void sanitizer_poison(const volatile void *low, size_t bytes)
{
    __asan_poison_memory_region(low, bytes);
}

static inline void sanitizer_unpoison(const volatile void *low, size_t bytes)
{
    __asan_unpoison_memory_region(low, bytes);
}

/* An address of its shadow memory: it follows from an address of the process, so it differs from run to run.
 */
static inline int sanitizer_is_shadow(unsigned long long address)
{
    return address >= 0x7FFF8000 && address < 0x10007FFF8000;
}
#else
static inline void sanitizer_poison(const volatile void *low, size_t bytes)
{
}

static inline void sanitizer_unpoison(const volatile void *low, size_t bytes)
{
}

static inline int sanitizer_is_shadow(unsigned long long address)
{
    return 0;
}
#endif

#endif
