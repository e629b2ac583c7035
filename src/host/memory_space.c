/* SPDX-License-Identifier: MIT */
/*
 * The address space of the simulated machine: which ranges are given out.
 * The system reservation holds all zones but the user range, which is claimed
 * page by page where the host program already lies in it; fixed regions are
 * made for images that must be at their preferred base. Everything that is
 * reserved and not mapped is inaccessible.
 */
#include "host/memory_internal.h"

#include <sys/mman.h>

#define SYSTEM_BASE 0x200000000000ull
#define GIB         (1ull << 30)
#define GRANULE     0x10000ull /* the user range is claimed in these */
#define FIXED_ROUND (16ull << 20)
#define USER_BYTES  (HMEM_USER_PROBE - HMEM_USER_LOWEST)

/* Sizes in bytes of the system zones, in address order. Address space is cheap: RAM is the limit. */
static const uint64_t zone_bytes[HMEM_USER] = {
    [HMEM_IMAGE] = GIB,       [HMEM_POOL] = 4 * GIB,   [HMEM_STACK] = GIB,
    [HMEM_SPECIAL] = 4 * GIB, [HMEM_SYSTEM] = 6 * GIB,
};

static void *map_inaccessible(uintptr_t va, uint64_t bytes, int flags)
{
    return hmem_sys_map((void *)va, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1,
                        0);
}

/* Maps at exactly that address or not at all (a kernel without MAP_FIXED_NOREPLACE treats it as a hint). */
static bool claim(uintptr_t va, uint64_t bytes)
{
    void *got = map_inaccessible(va, bytes, MAP_FIXED_NOREPLACE);
    if (got != NULL && got != (void *)va)
        hmem_sys_unmap(got, bytes);
    return got == (void *)va;
}

static bool region_init(struct hmem_region *region, uintptr_t base, uint64_t bytes)
{
    region->base = base;
    region->pages = bytes / PAGE_SIZE;
    region->pte = hmem_private(region->pages * sizeof *region->pte);
    return region->pte != NULL;
}

static bool zone_init(enum hmem_zone zone, struct hmem_region *region, size_t first_page, size_t pages)
{
    uint64_t *taken = hmem_private(BITMAP_WORDS(pages) * 8);
    hmem.zones[zone] = (struct hmem_zone_state){region, first_page, pages, taken, 0};
    return taken != NULL;
}

static NTSTATUS system_init(void)
{
    uint64_t bytes = 0;
    for (int zone = 0; zone < HMEM_USER; zone++)
        bytes += zone_bytes[zone];
    uintptr_t base = SYSTEM_BASE;
    hmem.base_is_default = claim(SYSTEM_BASE, bytes);
    if (!hmem.base_is_default)
        base = (uintptr_t)map_inaccessible(0, bytes, 0);
    if (base == 0)
        return STATUS_INSUFFICIENT_RESOURCES;
    bool ok = region_init(&hmem.system, base, bytes);
    size_t first = 0;
    for (int zone = 0; ok && zone < HMEM_USER; zone++) {
        ok = zone_init(zone, &hmem.system, first, zone_bytes[zone] / PAGE_SIZE);
        first += zone_bytes[zone] / PAGE_SIZE;
    }
    return ok ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

/* Claims what it can of [va, va+bytes); granules in which the host program lies count as taken for ever. */
static void claim_user(uintptr_t va, uint64_t bytes)
{
    if (claim(va, bytes))
        return;
    if (bytes <= GRANULE) {
        bits_fill(hmem.zones[HMEM_USER].taken, (va - HMEM_USER_LOWEST) / PAGE_SIZE, bytes / PAGE_SIZE, true);
        *hmem_pte_of((void *)va) = PTE_FOREIGN;
        return;
    }
    uint64_t half = ALIGN_UP(bytes / 2, GRANULE);
    claim_user(va, half);
    claim_user(va + half, bytes - half);
}

NTSTATUS hmem_space_init(void)
{
    NTSTATUS status = system_init();
    if (!NT_SUCCESS(status))
        return status;
    if (!region_init(&hmem.user, HMEM_USER_LOWEST, USER_BYTES) ||
        !zone_init(HMEM_USER, &hmem.user, 0, USER_BYTES / PAGE_SIZE))
        return STATUS_INSUFFICIENT_RESOURCES;
    claim_user(HMEM_USER_LOWEST, USER_BYTES);
    return STATUS_SUCCESS;
}

static void region_fini(struct hmem_region *region)
{
    if (region->base != 0)
        hmem_sys_unmap((void *)region->base, region->pages * PAGE_SIZE);
    hmem_private_free(region->pte, region->pages * sizeof *region->pte);
}

/* The user range may hold pages of the host program: only what is ours goes. */
static void user_fini(void)
{
    if (hmem.user.pte == NULL)
        return;
    const size_t step = GRANULE / PAGE_SIZE;
    for (size_t i = 0, end; i < hmem.user.pages; i = end) {
        bool foreign = hmem.user.pte[i] & PTE_FOREIGN;
        for (end = i + step; end < hmem.user.pages && !(hmem.user.pte[end] & PTE_FOREIGN) == !foreign;)
            end += step;
        if (!foreign)
            hmem_sys_unmap((void *)(hmem.user.base + i * PAGE_SIZE), (end - i) * PAGE_SIZE);
    }
    hmem_private_free(hmem.user.pte, hmem.user.pages * sizeof *hmem.user.pte);
}

void hmem_space_fini(void)
{
    user_fini();
    region_fini(&hmem.system);
    for (unsigned i = 0; i < hmem.fixed_count; i++)
        region_fini(&hmem.fixed[i]);
    for (int zone = 0; zone < HMEM_ZONES; zone++)
        hmem_private_free(hmem.zones[zone].taken, BITMAP_WORDS(hmem.zones[zone].pages) * 8);
}

static bool holds(const struct hmem_region *region, uintptr_t va)
{
    return va - region->base < region->pages * PAGE_SIZE;
}

struct hmem_region *hmem_region_of(const void *va)
{
    if (holds(&hmem.system, (uintptr_t)va))
        return &hmem.system;
    if (holds(&hmem.user, (uintptr_t)va))
        return &hmem.user;
    unsigned count = __atomic_load_n(&hmem.fixed_count, __ATOMIC_ACQUIRE);
    for (unsigned i = 0; i < count; i++)
        if (holds(&hmem.fixed[i], (uintptr_t)va))
            return &hmem.fixed[i];
    return NULL;
}

uint64_t *hmem_pte_of(const void *va)
{
    struct hmem_region *region = hmem_region_of(va);
    return region == NULL ? NULL : &region->pte[((uintptr_t)va - region->base) / PAGE_SIZE];
}

void hmem_zone_range(enum hmem_zone zone, void **base, size_t *bytes)
{
    const struct hmem_zone_state *z = &hmem.zones[zone];
    *base = (void *)(z->region->base + z->first_page * PAGE_SIZE);
    *bytes = z->pages * PAGE_SIZE;
}

static struct hmem_zone_state *zone_of(const struct hmem_region *region, size_t page)
{
    for (int i = 0; i < HMEM_ZONES; i++) {
        struct hmem_zone_state *zone = &hmem.zones[i];
        if (zone->region == region && page - zone->first_page < zone->pages)
            return zone;
    }
    return NULL;
}

static void mark_reserved(struct hmem_region *region, size_t first, size_t pages, size_t guard_pages)
{
    for (size_t i = first; i < first + pages; i++)
        region->pte[i] = PTE_RESERVED;
    region->pte[first] |= PTE_FIRST | (uint64_t)guard_pages << PTE_GUARD_SHIFT;
}

void *hmem_reserve(enum hmem_zone zone_id, size_t pages, size_t align_pages, size_t guard_pages)
{
    struct hmem_zone_state *zone = &hmem.zones[zone_id];
    RL_ASSERT(guard_pages <= PTE_GUARD_MASK);
    size_t whole = pages + 2 * guard_pages;
    if (pages == 0 || pages > zone->pages || whole > zone->pages)
        return NULL;
    rl_lock_acquire(&hmem.lock);
    /* The region's bases are multiples of 64 KiB; alignment counts from address 0. */
    size_t bias = zone->region->base / PAGE_SIZE + zone->first_page + guard_pages;
    size_t at = bits_find_run(zone->taken, zone->hint, zone->pages, whole, MAX(align_pages, 1), bias, 0);
    if (at != BITMAP_NONE) {
        bits_fill(zone->taken, at, whole, true);
        zone->hint = bits_next(zone->taken, zone->hint, zone->pages, false);
        mark_reserved(zone->region, zone->first_page + at + guard_pages, pages, guard_pages);
    }
    rl_lock_release(&hmem.lock);
    if (at == BITMAP_NONE)
        return NULL;
    return (void *)(zone->region->base + (zone->first_page + at + guard_pages) * PAGE_SIZE);
}

static NTSTATUS reserve_in_zone(struct hmem_region *region, size_t first, size_t pages)
{
    struct hmem_zone_state *zone = zone_of(region, first);
    size_t at = first - zone->first_page;
    if (pages > zone->pages - at || bits_next(zone->taken, at, at + pages, true) != at + pages)
        return STATUS_CONFLICTING_ADDRESSES;
    bits_fill(zone->taken, at, pages, true);
    mark_reserved(region, first, pages, 0);
    return STATUS_SUCCESS;
}

/* Fixed regions stay until the end (readers take no lock); a range inside one can be reserved again. */
static NTSTATUS reserve_in_fixed(struct hmem_region *region, size_t first, size_t pages)
{
    if (pages > region->pages - first)
        return STATUS_CONFLICTING_ADDRESSES;
    for (size_t i = first; i < first + pages; i++)
        if (region->pte[i] & PTE_RESERVED)
            return STATUS_CONFLICTING_ADDRESSES;
    mark_reserved(region, first, pages, 0);
    return STATUS_SUCCESS;
}

static NTSTATUS new_fixed(uintptr_t va, size_t pages)
{
    if (hmem.fixed_count == HMEM_FIXED_MAX)
        return STATUS_INSUFFICIENT_RESOURCES;
    struct hmem_region *region = &hmem.fixed[hmem.fixed_count];
    uint64_t bytes = ALIGN_UP(pages * PAGE_SIZE, FIXED_ROUND);
    if (!claim(va, bytes)) {
        bytes = pages * PAGE_SIZE;
        if (!claim(va, bytes))
            return STATUS_CONFLICTING_ADDRESSES;
    }
    if (!region_init(region, va, bytes)) {
        hmem_sys_unmap((void *)va, bytes);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    mark_reserved(region, 0, pages, 0);
    __atomic_store_n(&hmem.fixed_count, hmem.fixed_count + 1, __ATOMIC_RELEASE);
    return STATUS_SUCCESS;
}

static NTSTATUS reserve_at_locked(uintptr_t va, size_t pages)
{
    struct hmem_region *region = hmem_region_of((void *)va);
    if (region == NULL)
        return new_fixed(va, pages);
    size_t first = (va - region->base) / PAGE_SIZE;
    return zone_of(region, first) ? reserve_in_zone(region, first, pages)
                                  : reserve_in_fixed(region, first, pages);
}

NTSTATUS hmem_reserve_at(void *va, size_t pages)
{
    uintptr_t address = (uintptr_t)va;
    if (address % PAGE_SIZE != 0 || address < HMEM_USER_LOWEST || pages == 0 || pages > GIB / PAGE_SIZE)
        return STATUS_INVALID_PARAMETER;
    rl_lock_acquire(&hmem.lock);
    NTSTATUS status = reserve_at_locked(address, pages);
    rl_lock_release(&hmem.lock);
    return status;
}

void hmem_release(void *va, size_t pages)
{
    rl_lock_acquire(&hmem.lock);
    struct hmem_region *region = hmem_region_of(va);
    RL_ASSERT(region != NULL);
    size_t first = ((uintptr_t)va - region->base) / PAGE_SIZE;
    RL_ASSERT(region->pte[first] & PTE_FIRST);
    size_t guard = region->pte[first] >> PTE_GUARD_SHIFT & PTE_GUARD_MASK;
    hmem_unmap_locked(region, first, pages);
    for (size_t i = first; i < first + pages; i++)
        region->pte[i] = 0;
    struct hmem_zone_state *zone = zone_of(region, first);
    if (zone != NULL) {
        size_t at = first - zone->first_page - guard;
        bits_fill(zone->taken, at, pages + 2 * guard, false);
        zone->hint = MIN(zone->hint, at);
    }
    rl_lock_release(&hmem.lock);
}

size_t hmem_reservation_of(const void *va, void **base)
{
    size_t pages = 0;
    rl_lock_acquire(&hmem.lock);
    struct hmem_region *region = hmem_region_of(va);
    size_t page = region ? ((uintptr_t)va - region->base) / PAGE_SIZE : 0;
    if (region != NULL && region->pte[page] & PTE_RESERVED) {
        while (!(region->pte[page] & PTE_FIRST))
            page--;
        *base = (void *)(region->base + page * PAGE_SIZE);
        do
            pages++;
        while (page + pages < region->pages &&
               (region->pte[page + pages] & (PTE_RESERVED | PTE_FIRST)) == PTE_RESERVED);
    }
    rl_lock_release(&hmem.lock);
    return pages;
}
