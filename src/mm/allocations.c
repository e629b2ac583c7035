/* SPDX-License-Identifier: MIT */
/* The protection that each allocation of the user range was made with: its pages may have changed theirs. */
#include "base/lock.h"
#include "mm/query.h"

#define QUERY_TAG 0x51566D4Du /* 'MmVQ' */

struct allocation {
    struct allocation *next;
    const char *base;
    ULONG protect;
};

static rl_lock lock;
static struct allocation *allocations;

void mm_query_fini(void)
{
    allocations = NULL; /* the entries go with the pool */
}

bool mm_allocation_note(const void *base, ULONG protect)
{
    struct allocation *made = mm_alloc(sizeof *made, QUERY_TAG);
    if (made == NULL)
        return false;
    rl_lock_acquire(&lock);
    *made = (struct allocation){allocations, base, protect};
    allocations = made;
    rl_lock_release(&lock);
    return true;
}

void mm_allocation_forget(const void *base)
{
    rl_lock_acquire(&lock);
    struct allocation **link = &allocations;
    while (*link != NULL && (*link)->base != base)
        link = &(*link)->next;
    struct allocation *found = *link;
    if (found != NULL)
        *link = found->next;
    rl_lock_release(&lock);
    mm_free(found);
}

ULONG mm_allocation_protect(const void *base)
{
    rl_lock_acquire(&lock);
    const struct allocation *at = allocations;
    while (at != NULL && at->base != base)
        at = at->next;
    ULONG protect = at != NULL ? at->protect : PAGE_READWRITE;
    rl_lock_release(&lock);
    return protect;
}
