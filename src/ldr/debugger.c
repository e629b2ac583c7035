/* SPDX-License-Identifier: MIT */
/*
 * Where a debugger looks. tools/ringless-gdb.py sets breakpoints on these two
 * functions and reads their arguments from the registers, so they have no
 * body, are never inlined, and keep their names and their order of arguments.
 */
#include "ldr/image.h"

__attribute__((visibility("default"), noinline)) void rgl_debug_image_loaded(const char *path, void *base,
                                                                             size_t size, void *preferred)
{
    __asm__ volatile("" : : "r"(path), "r"(base), "r"(size), "r"(preferred) : "memory");
}

__attribute__((visibility("default"), noinline)) void rgl_debug_image_unloading(void *base)
{
    __asm__ volatile("" : : "r"(base) : "memory");
}
