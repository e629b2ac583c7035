/* SPDX-License-Identifier: MIT */
/*
 * Views: which frames are mapped where, and with what protection. A run of
 * consecutive frames is one host mapping. Frames beyond RAM only get a page
 * table entry: the page stays inaccessible, so that an access traps and is
 * emulated, unless a device has memory there (memory_window.c). All of it under hmem.lock; a page's entry is
 * written after its host mapping is in place.
 */
#include "host/memory_internal.h"

#include <sys/mman.h>

bool hmem_device_views; /* from the first such page on */

int hmem_host_protection(enum hmem_protection protection)
{
    return (protection & HMEM_R ? PROT_READ : 0) | (protection & HMEM_W ? PROT_READ | PROT_WRITE : 0) |
           (protection & HMEM_X ? PROT_READ | PROT_EXEC : 0);
}

static void *address_of(const struct hmem_region *region, size_t page)
{
    return (void *)(region->base + page * PAGE_SIZE);
}

static void set_entries(struct hmem_region *region, size_t first, uint64_t pfn, size_t pages, uint64_t bits)
{
    for (size_t i = 0; i < pages; i++) {
        uint64_t *pte = &region->pte[first + i];
        __atomic_store_n(pte, (*pte & PTE_KEEP) | bits | (pfn + i) << PTE_PFN_SHIFT, __ATOMIC_RELEASE);
        if (hmem_pfn_is_ram(pfn + i) && hmem.ram_home[pfn + i] == 0)
            hmem.ram_home[pfn + i] = (uintptr_t)address_of(region, first + i);
    }
}

/* One run of frames, all RAM or all beyond it. */
static bool map_run(struct hmem_region *region, size_t first, uint64_t pfn, size_t pages,
                    enum hmem_protection protection, uint64_t flags)
{
    if (pfn >= hmem.ram_pages) {
        set_entries(region, first, pfn, pages, PTE_PRESENT | PTE_MMIO | protection);
        hmem_view_added(region, first, pfn, pages);
        hmem_device_views = true;
        return true;
    }
    if (hmem_sys_map(address_of(region, first), pages * PAGE_SIZE, hmem_host_protection(protection),
                     MAP_SHARED | MAP_FIXED, hmem.fd, pfn * PAGE_SIZE) == NULL)
        return false;
    set_entries(region, first, pfn, pages, PTE_PRESENT | protection | flags);
    return true;
}

static bool same_kind(uint64_t a, uint64_t b, uint64_t mask)
{
    return (a & mask) == (b & mask) && (b >> PTE_PFN_SHIFT) == (a >> PTE_PFN_SHIFT) + 1;
}

/* How many pages from `first` on are one run: the same flags under `mask`, consecutive frames. */
static size_t run_length(const struct hmem_region *region, size_t first, size_t limit, uint64_t mask)
{
    size_t n = 1;
    while (first + n < limit && same_kind(region->pte[first + n - 1], region->pte[first + n], mask))
        n++;
    return n;
}

static void clear_entries(struct hmem_region *region, size_t first, size_t pages)
{
    for (size_t page = first; page < first + pages; page++) {
        uint64_t pte = region->pte[page], pfn = pte >> PTE_PFN_SHIFT;
        if ((pte & PTE_PRESENT) && hmem_pfn_is_ram(pfn) &&
            hmem.ram_home[pfn] == (uintptr_t)address_of(region, page))
            hmem.ram_home[pfn] = 0;
        __atomic_store_n(&region->pte[page], pte & PTE_KEEP, __ATOMIC_RELEASE);
    }
}

void hmem_unmap_locked(struct hmem_region *region, size_t first, size_t pages)
{
    if (hmem_device_views)
        hmem_view_removed(region, first, pages);
    for (size_t i = first, limit = first + pages, n; i < limit; i += n) {
        uint64_t pte = region->pte[i];
        n = pte & PTE_PRESENT ? run_length(region, i, limit, PTE_PRESENT | PTE_MMIO | PTE_OWNED) : 1;
        clear_entries(region, i, n);
        if (!(pte & PTE_PRESENT) || pte & PTE_MMIO)
            continue;
        void *gone = hmem_sys_map(address_of(region, i), n * PAGE_SIZE, PROT_NONE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
        if (gone == NULL) /* the host is out of mappings: inaccessible all the same */
            RL_ASSERT(hmem_sys_protect(address_of(region, i), n * PAGE_SIZE, PROT_NONE));
        if (pte & PTE_OWNED)
            hmem_ram_drop(pte >> PTE_PFN_SHIFT, n);
    }
}

/* The page range of [va, va+pages), which lies in one region. */
static struct hmem_region *range_of(const void *va, size_t pages, size_t *first)
{
    struct hmem_region *region = hmem_region_of(va);
    RL_ASSERT(region != NULL && (uintptr_t)va % PAGE_SIZE == 0);
    *first = ((uintptr_t)va - region->base) / PAGE_SIZE;
    RL_ASSERT(pages <= region->pages - *first);
    return region;
}

static void assert_reserved_and_empty(const struct hmem_region *region, size_t first, size_t pages)
{
    for (size_t i = first; i < first + pages; i++)
        RL_ASSERT((region->pte[i] & (PTE_RESERVED | PTE_PRESENT)) == PTE_RESERVED);
}

static NTSTATUS commit_locked(struct hmem_region *region, size_t first, size_t pages,
                              enum hmem_protection protection)
{
    if (pages > hmem.free_pages)
        return STATUS_INSUFFICIENT_RESOURCES;
    uint64_t before = first > 0 ? region->pte[first - 1] : 0;
    uint64_t near = before & PTE_PRESENT ? (before >> PTE_PFN_SHIFT) + 1 : HMEM_NO_PFN;
    for (size_t done = 0, got; done < pages; done += got) {
        uint64_t pfn = hmem_ram_take_run(pages - done, near, &got);
        if (!map_run(region, first + done, pfn, got, protection, PTE_OWNED)) {
            hmem_ram_drop(pfn, got);
            hmem_unmap_locked(region, first, done);
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        near = pfn + got;
    }
    return STATUS_SUCCESS;
}

NTSTATUS hmem_commit(void *va, size_t pages, enum hmem_protection protection)
{
    size_t first;
    rl_lock_acquire(&hmem.lock);
    struct hmem_region *region = range_of(va, pages, &first);
    assert_reserved_and_empty(region, first, pages);
    NTSTATUS status = commit_locked(region, first, pages, protection);
    rl_lock_release(&hmem.lock);
    return status;
}

void hmem_decommit(void *va, size_t pages)
{
    hmem_unmap(va, pages);
}

void hmem_unmap(void *va, size_t pages)
{
    size_t first;
    rl_lock_acquire(&hmem.lock);
    struct hmem_region *region = range_of(va, pages, &first);
    hmem_unmap_locked(region, first, pages);
    rl_lock_release(&hmem.lock);
}

/* Pages of device registers change in the table only. */
static NTSTATUS protect_locked(struct hmem_region *region, size_t first, size_t pages,
                               enum hmem_protection protection)
{
    for (size_t i = first; i < first + pages; i++)
        if (!(region->pte[i] & PTE_PRESENT))
            return STATUS_NOT_COMMITTED;
    for (size_t i = first, n; i < first + pages; i += n) {
        n = run_length(region, i, first + pages, PTE_MMIO);
        bool device = region->pte[i] & PTE_MMIO;
        if (!device &&
            !hmem_sys_protect(address_of(region, i), n * PAGE_SIZE, hmem_host_protection(protection)))
            return STATUS_INSUFFICIENT_RESOURCES;
        for (size_t page = i; page < i + n; page++)
            __atomic_store_n(&region->pte[page], (region->pte[page] & ~PTE_PROTECTION) | protection,
                             __ATOMIC_RELEASE);
    }
    return STATUS_SUCCESS;
}

NTSTATUS hmem_protect(void *va, size_t pages, enum hmem_protection protection)
{
    size_t first;
    rl_lock_acquire(&hmem.lock);
    struct hmem_region *region = range_of(va, pages, &first);
    NTSTATUS status = protect_locked(region, first, pages, protection);
    rl_lock_release(&hmem.lock);
    return status;
}

/* Free RAM that a driver maps by its address may be written: it is zeroed when it is next given out. */
static void note_dirty(uint64_t pfn, size_t pages)
{
    if (pfn < hmem.ram_pages)
        bits_fill(hmem.ram_dirty, pfn, pages, true);
}

/* Frames first..: how many lie together on one side of the end of RAM. */
static size_t frame_run(const uint64_t *pfns, size_t pages)
{
    size_t n = 1;
    while (n < pages && pfns[n] == pfns[0] + n && pfns[n] != hmem.ram_pages)
        n++;
    return n;
}

static NTSTATUS map_locked(struct hmem_region *region, size_t first, const uint64_t *pfns, size_t pages,
                           enum hmem_protection protection)
{
    for (size_t done = 0, n; done < pages; done += n) {
        n = frame_run(pfns + done, pages - done);
        if (!map_run(region, first + done, pfns[done], n, protection, 0)) {
            hmem_unmap_locked(region, first, done);
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        note_dirty(pfns[done], n);
    }
    return STATUS_SUCCESS;
}

NTSTATUS hmem_map(void *va, const uint64_t *pfns, size_t pages, enum hmem_protection protection)
{
    size_t first;
    rl_lock_acquire(&hmem.lock);
    struct hmem_region *region = range_of(va, pages, &first);
    assert_reserved_and_empty(region, first, pages);
    NTSTATUS status = map_locked(region, first, pfns, pages, protection);
    rl_lock_release(&hmem.lock);
    return status;
}

NTSTATUS hmem_map_run(void *va, uint64_t first_pfn, size_t pages, enum hmem_protection protection)
{
    size_t first;
    rl_lock_acquire(&hmem.lock);
    struct hmem_region *region = range_of(va, pages, &first);
    assert_reserved_and_empty(region, first, pages);
    size_t in_ram = first_pfn < hmem.ram_pages ? MIN(pages, hmem.ram_pages - first_pfn) : 0;
    NTSTATUS status = STATUS_SUCCESS;
    if (in_ram != 0 && !map_run(region, first, first_pfn, in_ram, protection, 0))
        status = STATUS_INSUFFICIENT_RESOURCES;
    else if (in_ram < pages)
        map_run(region, first + in_ram, first_pfn + in_ram, pages - in_ram, protection, 0);
    if (NT_SUCCESS(status))
        note_dirty(first_pfn, in_ram);
    rl_lock_release(&hmem.lock);
    return status;
}

static bool permits(const uint64_t *pte, enum hmem_protection access)
{
    return pte != NULL && *pte & PTE_PRESENT && (*pte & access) == (uint64_t)access;
}

NTSTATUS hmem_lock_range(const void *va, size_t pages, enum hmem_protection access, uint64_t *pfns)
{
    NTSTATUS status = STATUS_SUCCESS;
    const char *page = (const char *)ALIGN_DOWN(va, PAGE_SIZE);
    rl_lock_acquire(&hmem.lock);
    for (size_t i = 0; i < pages && NT_SUCCESS(status); i++) {
        const uint64_t *pte = hmem_pte_of(page + i * PAGE_SIZE);
        if (permits(pte, access))
            pfns[i] = *pte >> PTE_PFN_SHIFT;
        else
            status = STATUS_ACCESS_VIOLATION;
    }
    for (size_t i = 0; i < pages && NT_SUCCESS(status); i++)
        hmem_ram_reference(pfns[i]);
    rl_lock_release(&hmem.lock);
    return status;
}

void *hmem_virtual_of(uint64_t pfn)
{
    return hmem_pfn_is_ram(pfn) ? (void *)__atomic_load_n(&hmem.ram_home[pfn], __ATOMIC_RELAXED) : NULL;
}
