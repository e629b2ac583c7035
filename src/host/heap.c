/* SPDX-License-Identifier: MIT */
/*
 * The host heap, and the two ways the process ends when an invariant of ours
 * is broken. host_alloc belongs to native stacks only; host_panic may be
 * reached from anywhere.
 */
#include "host/host.h"

#include <stdlib.h>
#include <stdarg.h>

void *host_alloc(size_t size)
{
    void *p = calloc(1, size);
    if (p == NULL)
        host_panic("out of memory: %zu bytes of the host heap", size);
    return p;
}

void host_free(void *p)
{
    free(p);
}

void host_panic(const char *format, ...)
{
    static const char prefix[] = "ringless: internal error: ";
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int length = host_vsnprintf(text, sizeof text - 1, format, arguments);
    va_end(arguments);
    length = MIN(length, (int)sizeof text - 2);
    text[length] = '\n';
    host_write(2, prefix, sizeof prefix - 1);
    host_write(2, text, (size_t)length + 1);
    abort();
}

void rl_assert_failed(const char *condition, const char *file, int line)
{
    host_panic("%s:%d: %s does not hold", file, line, condition);
}
