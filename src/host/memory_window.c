/* SPDX-License-Identifier: MIT */
/*
 * Memory of devices (a frame buffer): storage in the RAM's file behind RAM,
 * which answers at the physical address where its window stands. Views of such
 * addresses are remembered: where a window stands they are host mappings of the
 * storage, elsewhere they trap as device registers do, and they change when
 * the window is moved. A view for which there is no room here always traps,
 * and what emulates the access reaches the same storage. Under hmem.lock.
 */
#include "host/memory_internal.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WINDOWS 64
#define VIEWS   256

struct window {
    bool used;
    uint64_t pfn; /* HMEM_NO_PFN: it stands nowhere */
    size_t pages;
    uint64_t offset; /* in the file */
    void *alias;
};

struct view {
    struct hmem_region *region; /* NULL: free */
    size_t first, pages;
    uint64_t pfn;
};

static struct window windows[WINDOWS];
static struct view views[VIEWS];
static uint64_t file_end;

static uint64_t *entry_of(const struct view *view, uint64_t pfn)
{
    return &view->region->pte[view->first + (pfn - view->pfn)];
}

static void *address_of(const struct view *view, uint64_t pfn)
{
    return (void *)(view->region->base + (view->first + (pfn - view->pfn)) * PAGE_SIZE);
}

static void set_trapping(const struct view *view, uint64_t pfn, size_t pages, bool traps)
{
    for (size_t i = 0; i < pages; i++) {
        uint64_t *pte = entry_of(view, pfn + i);
        __atomic_store_n(pte, traps ? *pte | PTE_MMIO : *pte & ~PTE_MMIO, __ATOMIC_RELEASE);
    }
}

/* An access in between finds the page inaccessible and its entry already open: it is tried again. */
static void open_pages(const struct view *view, const struct window *window, uint64_t pfn, size_t pages)
{
    int protection = hmem_host_protection((enum hmem_protection)(*entry_of(view, pfn) & PTE_PROTECTION));

    if (hmem_sys_map(address_of(view, pfn), pages * PAGE_SIZE, protection, MAP_SHARED | MAP_FIXED, hmem.fd,
                     window->offset + (pfn - window->pfn) * PAGE_SIZE) != NULL)
        set_trapping(view, pfn, pages, false);
}

static void close_pages(const struct view *view, uint64_t pfn, size_t pages)
{
    set_trapping(view, pfn, pages, true);
    if (hmem_sys_map(address_of(view, pfn), pages * PAGE_SIZE, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == NULL)
        RL_ASSERT(hmem_sys_protect(address_of(view, pfn), pages * PAGE_SIZE, PROT_NONE));
}

/* What of a view lies in a window, in runs of one protection. */
static void update(const struct view *view, const struct window *window, bool open)
{
    uint64_t low = MAX(view->pfn, window->pfn);
    uint64_t high = MIN(view->pfn + view->pages, window->pfn + window->pages);

    for (uint64_t pfn = low, end; pfn < high; pfn = end) {
        for (end = pfn + 1; end < high && !((*entry_of(view, pfn) ^ *entry_of(view, end)) & PTE_PROTECTION);)
            end++;
        if (open)
            open_pages(view, window, pfn, end - pfn);
        else
            close_pages(view, pfn, end - pfn);
    }
}

static void update_views(const struct window *window, bool open)
{
    for (struct view *view = views; view < views + VIEWS; view++) {
        if (view->region != NULL)
            update(view, window, open);
    }
}

static void update_windows(const struct view *view, bool open)
{
    for (const struct window *window = windows; window < windows + WINDOWS; window++) {
        if (window->used && window->pfn != HMEM_NO_PFN)
            update(view, window, open);
    }
}

/* ---- views, as memory_map.c makes and ends them ---- */

void hmem_view_added(struct hmem_region *region, size_t first, uint64_t pfn, size_t pages)
{
    for (struct view *view = views; view < views + VIEWS; view++) {
        if (view->region == NULL) {
            *view = (struct view){region, first, pages, pfn};
            update_windows(view, true);
            return;
        }
    }
}

/* A view that goes in part traps in the rest. */
void hmem_view_removed(struct hmem_region *region, size_t first, size_t pages)
{
    for (struct view *view = views; view < views + VIEWS; view++) {
        if (view->region != region || view->first >= first + pages || first >= view->first + view->pages)
            continue;
        if (view->first < first || view->first + view->pages > first + pages)
            update_windows(view, false);
        view->region = NULL;
    }
}

/* ---- windows ---- */

static bool make_storage(struct window *window, size_t pages)
{
    uint64_t offset = MAX(file_end, hmem_ram_bytes()), end = offset + (uint64_t)pages * PAGE_SIZE;

    if (syscall(SYS_ftruncate, hmem.fd, end) != 0)
        return false;
    window->alias = hmem_sys_map(NULL, pages * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
                                 hmem.fd, offset);
    if (window->alias == NULL)
        return false;
    window->offset = offset;
    file_end = end;
    return true;
}

void *hmem_window_create(size_t pages, unsigned *number)
{
    void *alias = NULL;

    rl_lock_acquire(&hmem.lock);
    for (unsigned i = 0; i < WINDOWS && alias == NULL; i++) {
        struct window *window = &windows[i];

        if (window->used || !make_storage(window, pages))
            continue;
        window->used = true;
        window->pfn = HMEM_NO_PFN;
        window->pages = pages;
        alias = window->alias;
        *number = i;
    }
    rl_lock_release(&hmem.lock);
    return alias;
}

static void place(struct window *window, uint64_t pfn)
{
    if (window->pfn != HMEM_NO_PFN)
        update_views(window, false);
    window->pfn = pfn;
    if (pfn != HMEM_NO_PFN)
        update_views(window, true);
}

void hmem_window_place(unsigned number, uint64_t pfn)
{
    rl_lock_acquire(&hmem.lock);
    place(&windows[number], pfn);
    rl_lock_release(&hmem.lock);
}

void hmem_window_destroy(unsigned number)
{
    struct window *window = &windows[number];

    rl_lock_acquire(&hmem.lock);
    place(window, HMEM_NO_PFN);
    hmem_sys_unmap(window->alias, window->pages * PAGE_SIZE);
    hmem_sys_punch(window->offset, window->pages * PAGE_SIZE);
    *window = (struct window){0};
    rl_lock_release(&hmem.lock);
}

void hmem_windows_fini(void)
{
    for (struct window *window = windows; window < windows + WINDOWS; window++) {
        if (window->used)
            hmem_sys_unmap(window->alias, window->pages * PAGE_SIZE);
    }
    __builtin_memset(windows, 0, sizeof(windows));
    __builtin_memset(views, 0, sizeof(views));
    file_end = 0;
}
