/* SPDX-License-Identifier: MIT */
/*
 * The simulated machine's memory: start and end, the host calls it is made of,
 * and the questions that are answered from the page table without the lock.
 */
#include "host/memory_internal.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct hmem_state hmem = {.fd = -1};

void *hmem_sys_map(void *va, size_t bytes, int protection, int flags, int fd, uint64_t offset)
{
    long result = syscall(SYS_mmap, va, bytes, protection, flags, fd, offset);
    return result == -1 ? NULL : (void *)result;
}

bool hmem_sys_protect(void *va, size_t bytes, int protection)
{
    return syscall(SYS_mprotect, va, bytes, protection) == 0;
}

void hmem_sys_unmap(void *va, size_t bytes)
{
    syscall(SYS_munmap, va, bytes);
}

void hmem_sys_punch(uint64_t offset, size_t bytes)
{
    syscall(SYS_fallocate, hmem.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, bytes);
}

void *hmem_private(size_t bytes)
{
    return hmem_sys_map(NULL, ALIGN_UP(bytes, PAGE_SIZE), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

void hmem_private_free(void *p, size_t bytes)
{
    if (p != NULL)
        hmem_sys_unmap(p, ALIGN_UP(bytes, PAGE_SIZE));
}

NTSTATUS hmem_init(uint64_t ram_bytes)
{
    RL_ASSERT(!hmem.ready);
    NTSTATUS status = hmem_ram_init(ram_bytes);
    if (NT_SUCCESS(status))
        status = hmem_space_init();
    if (!NT_SUCCESS(status)) {
        hmem_fini();
        return status;
    }
    hmem.ready = true;
    return STATUS_SUCCESS;
}

void hmem_fini(void)
{
    hmem_space_fini();
    hmem_windows_fini();
    hmem_ram_fini();
    hmem_device_views = false;
    hmem = (struct hmem_state){.fd = -1};
}

bool hmem_base_is_default(void)
{
    return hmem.base_is_default;
}

uint64_t hmem_ram_bytes(void)
{
    return (uint64_t)hmem.ram_pages * PAGE_SIZE;
}

bool hmem_pfn_is_ram(uint64_t pfn)
{
    return pfn < hmem.ram_pages;
}

static uint64_t read_pte(const void *va)
{
    uint64_t *pte = hmem_pte_of(va);
    return pte == NULL ? 0 : __atomic_load_n(pte, __ATOMIC_ACQUIRE);
}

uint64_t hmem_pfn_of(const void *va)
{
    uint64_t pte = read_pte(va);
    return pte & PTE_PRESENT ? pte >> PTE_PFN_SHIFT : HMEM_NO_PFN;
}

bool hmem_is_mmio(const void *va, uint64_t *pa)
{
    uint64_t pte = read_pte(va);
    if (!(pte & PTE_MMIO))
        return false;
    if (pa != NULL)
        *pa = (pte >> PTE_PFN_SHIFT << PAGE_SHIFT) + ((uintptr_t)va & PAGE_MASK);
    return true;
}

bool hmem_is_open_window(const void *va, enum hmem_protection access)
{
    uint64_t pte = read_pte(va);
    return (pte & (PTE_PRESENT | PTE_MMIO)) == PTE_PRESENT && !hmem_pfn_is_ram(pte >> PTE_PFN_SHIFT) &&
           (pte & access) == (uint64_t)access;
}

enum hmem_protection hmem_protection_of(const void *va)
{
    uint64_t pte = read_pte(va);
    return pte & PTE_PRESENT ? (enum hmem_protection)(pte & PTE_PROTECTION) : HMEM_NONE;
}

void *hmem_physical(uint64_t pa)
{
    return hmem_pfn_is_ram(pa >> PAGE_SHIFT) ? hmem.alias + pa : NULL;
}

void *hmem_writable_alias(const void *va)
{
    uint64_t pfn = hmem_pfn_of(va);
    if (pfn == HMEM_NO_PFN)
        return NULL;
    return hmem_physical((pfn << PAGE_SHIFT) + ((uintptr_t)va & PAGE_MASK));
}

bool hmem_is_user(const void *va)
{
    return (uintptr_t)va < HMEM_USER_PROBE;
}

bool hmem_is_system(const void *va)
{
    return !hmem_is_user(va) && hmem_region_of(va) != NULL;
}
