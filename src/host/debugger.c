/* SPDX-License-Identifier: MIT */
/*
 * What a debugger of the process needs. Driver code lies in shared mappings of
 * the machine's RAM, which ptrace cannot write to where the process cannot; a
 * private mapping of the same pages is equal to them until the debugger writes
 * a breakpoint, which then stays out of RAM.
 */
#include "host/memory_internal.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static bool is_traced(void)
{
    char text[2048];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
    const char *tracer;

    if (fd >= 0)
        close(fd);
    text[length > 0 ? length : 0] = '\0';
    tracer = strstr(text, "TracerPid:");
    return tracer != NULL && tracer[strspn(tracer, "TracerPid:\t ")] != '0';
}

static bool is_code(uint64_t pte)
{
    return (pte & (PTE_PRESENT | PTE_MMIO)) == PTE_PRESENT && (pte & HMEM_X) && !(pte & HMEM_W);
}

static void make_private(void *va, uint64_t pte)
{
    hmem_sys_map(va, PAGE_SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, hmem.fd,
                 (pte >> PTE_PFN_SHIFT) * PAGE_SIZE);
}

void hmem_open_to_debugger(void *va, size_t pages)
{
    if (!is_traced())
        return;
    rl_lock_acquire(&hmem.lock);
    const struct hmem_region *region = hmem_region_of(va);
    size_t first = ((uintptr_t)va - region->base) / PAGE_SIZE;
    for (size_t i = 0; i < pages; i++)
        if (is_code(region->pte[first + i]))
            make_private((char *)va + i * PAGE_SIZE, region->pte[first + i]);
    rl_lock_release(&hmem.lock);
}
