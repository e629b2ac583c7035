/* SPDX-License-Identifier: MIT */
/*
 * The RAM of the simulated machine: one memfd, its permanent alias, and the
 * allocator of its pages. Page 0 and the BIOS area (0xA0000-0xFFFFF) are never
 * given out. Pages above 16 MiB go first, so that the low ones stay for
 * callers that need them (ISA DMA). A page that was used is zeroed, or its
 * storage given back to the host, before it is given out again.
 */
#include "host/memory_internal.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RAM_SMALLEST   (4ull << 20)
#define RAM_LARGEST    (3ull << 30) /* above: the addresses of devices */
#define LOW_PAGES      ((size_t)(16 << 20 >> PAGE_SHIFT))
#define BIOS_FIRST     0xA0
#define BIOS_PAGES     0x60
#define PUNCH_AT_LEAST 64 /* pages: below, zeroing at the next use is cheaper than a host call */

/* Never 0, 1 or 2, closed or not: what a program prints must not become RAM. */
static int create_memfd(void)
{
    int fd = (int)syscall(SYS_memfd_create, "ringless-ram", MFD_CLOEXEC);
    if (fd < 0 || fd > 2)
        return fd;
    int higher = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    close(fd);
    return higher;
}

static bool map_ram(uint64_t bytes)
{
    hmem.fd = create_memfd();
    if (hmem.fd < 0 || syscall(SYS_ftruncate, hmem.fd, bytes) != 0)
        return false;
    hmem.alias = hmem_sys_map(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, hmem.fd, 0);
    return hmem.alias != NULL;
}

static void keep_for_good(uint64_t pfn, size_t pages)
{
    bits_fill(hmem.ram_taken, pfn, pages, true);
    for (size_t i = 0; i < pages; i++)
        hmem.ram_references[pfn + i] = 1;
}

NTSTATUS hmem_ram_init(uint64_t bytes)
{
    if (bytes < RAM_SMALLEST || bytes > RAM_LARGEST || bytes % PAGE_SIZE != 0)
        return STATUS_INVALID_PARAMETER;
    size_t pages = bytes / PAGE_SIZE;
    hmem.ram_pages = pages;
    hmem.ram_taken = hmem_private(BITMAP_WORDS(pages) * 8);
    hmem.ram_dirty = hmem_private(BITMAP_WORDS(pages) * 8);
    hmem.ram_references = hmem_private(pages * sizeof *hmem.ram_references);
    hmem.ram_home = hmem_private(pages * sizeof *hmem.ram_home);
    if (!hmem.ram_taken || !hmem.ram_dirty || !hmem.ram_references || !hmem.ram_home || !map_ram(bytes))
        return STATUS_INSUFFICIENT_RESOURCES;
    hmem.free_pages = pages - 1 - BIOS_PAGES;
    keep_for_good(0, 1);
    keep_for_good(BIOS_FIRST, BIOS_PAGES);
    return STATUS_SUCCESS;
}

void hmem_ram_fini(void)
{
    hmem_private_free(hmem.alias, hmem_ram_bytes());
    hmem_private_free(hmem.ram_taken, BITMAP_WORDS(hmem.ram_pages) * 8);
    hmem_private_free(hmem.ram_dirty, BITMAP_WORDS(hmem.ram_pages) * 8);
    hmem_private_free(hmem.ram_references, hmem.ram_pages * sizeof *hmem.ram_references);
    hmem_private_free(hmem.ram_home, hmem.ram_pages * sizeof *hmem.ram_home);
    if (hmem.fd >= 0)
        syscall(SYS_close, hmem.fd);
}

/* Marks [pfn, pfn+pages) as given out, zeroed, with one reference each. */
static void take(uint64_t pfn, size_t pages)
{
    bits_fill(hmem.ram_taken, pfn, pages, true);
    hmem.free_pages -= pages;
    for (uint64_t p = pfn; p < pfn + pages; p++) {
        hmem.ram_references[p] = 1;
        if (bit_test(hmem.ram_dirty, p))
            __builtin_memset(hmem.alias + p * PAGE_SIZE, 0, PAGE_SIZE);
    }
    bits_fill(hmem.ram_dirty, pfn, pages, false);
}

static size_t find_whole(size_t want, size_t boundary, size_t low, size_t limit)
{
    size_t preferred = MAX(low, LOW_PAGES);
    size_t at = bits_find_run(hmem.ram_taken, preferred, limit, want, 1, 0, boundary);
    return at != BITMAP_NONE ? at : bits_find_run(hmem.ram_taken, low, limit, want, 1, 0, boundary);
}

/* The next free pages, as many as lie together and are wanted: for when no run is long enough. */
static size_t find_piece(size_t want, size_t *got)
{
    size_t at = bits_next(hmem.ram_taken, MIN(LOW_PAGES, hmem.ram_pages), hmem.ram_pages, false);
    if (at == hmem.ram_pages)
        at = bits_next(hmem.ram_taken, 0, hmem.ram_pages, false);
    *got = bits_next(hmem.ram_taken, at, MIN(at + want, hmem.ram_pages), true) - at;
    return at;
}

/*
 * Takes up to `want` pages that lie together; the caller has checked that so many are free in all. A run that
 * goes on where `near` ends is preferred: its view then joins the neighbour's.
 */
uint64_t hmem_ram_take_run(size_t want, uint64_t near, size_t *got)
{
    size_t at = BITMAP_NONE;
    *got = want;
    if (near < hmem.ram_pages && want <= hmem.ram_pages - near &&
        bits_next(hmem.ram_taken, near, near + want, true) == near + want)
        at = near;
    if (at == BITMAP_NONE)
        at = find_whole(want, 0, 0, hmem.ram_pages);
    if (at == BITMAP_NONE)
        at = find_piece(want, got);
    take(at, *got);
    return at;
}

static void give_back(uint64_t pfn, size_t pages)
{
    if (pages == 0)
        return;
    bits_fill(hmem.ram_taken, pfn, pages, false);
    hmem.free_pages += pages;
    if (pages >= PUNCH_AT_LEAST)
        hmem_sys_punch(pfn * PAGE_SIZE, pages * PAGE_SIZE);
    bits_fill(hmem.ram_dirty, pfn, pages, pages < PUNCH_AT_LEAST);
}

void hmem_ram_drop(uint64_t pfn, size_t pages)
{
    size_t run = 0;
    for (uint64_t p = pfn; p < pfn + pages; p++) {
        RL_ASSERT(hmem.ram_references[p] != 0);
        if (--hmem.ram_references[p] == 0) {
            run++;
            continue;
        }
        give_back(p - run, run);
        run = 0;
    }
    give_back(pfn + pages - run, run);
}

uint64_t hmem_alloc_contiguous(size_t pages, uint64_t lowest_pa, uint64_t highest_pa, uint64_t boundary)
{
    if (pages == 0 || (boundary != 0 && boundary < PAGE_SIZE))
        return HMEM_NO_PFN;
    size_t low = MIN(lowest_pa / PAGE_SIZE + (lowest_pa % PAGE_SIZE != 0), hmem.ram_pages);
    size_t limit = highest_pa >= hmem_ram_bytes() ? hmem.ram_pages : (highest_pa + 1) / PAGE_SIZE;
    rl_lock_acquire(&hmem.lock);
    size_t at = find_whole(pages, boundary / PAGE_SIZE, low, limit);
    if (at != BITMAP_NONE)
        take(at, pages);
    rl_lock_release(&hmem.lock);
    return at == BITMAP_NONE ? HMEM_NO_PFN : at;
}

void hmem_free_pages(uint64_t first_pfn, size_t pages)
{
    rl_lock_acquire(&hmem.lock);
    hmem_ram_drop(first_pfn, pages);
    rl_lock_release(&hmem.lock);
}

/* A free page becomes taken by it, as it is (a driver locked a physical page that nobody allocated). */
void hmem_ram_reference(uint64_t pfn)
{
    if (!hmem_pfn_is_ram(pfn) || hmem.ram_references[pfn]++ != 0)
        return;
    bits_fill(hmem.ram_taken, pfn, 1, true);
    hmem.free_pages--;
}

void hmem_page_reference(uint64_t pfn)
{
    rl_lock_acquire(&hmem.lock);
    hmem_ram_reference(pfn);
    rl_lock_release(&hmem.lock);
}

void hmem_page_dereference(uint64_t pfn)
{
    hmem_unlock_pages(&pfn, 1);
}

void hmem_unlock_pages(const uint64_t *pfns, size_t pages)
{
    rl_lock_acquire(&hmem.lock);
    for (size_t i = 0; i < pages; i++)
        if (hmem_pfn_is_ram(pfns[i]))
            hmem_ram_drop(pfns[i], 1);
    rl_lock_release(&hmem.lock);
}

uint64_t hmem_free_page_count(void)
{
    return __atomic_load_n(&hmem.free_pages, __ATOMIC_RELAXED);
}
