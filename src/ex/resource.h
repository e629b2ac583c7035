/* SPDX-License-Identifier: MIT */
/*
 * The state of an ERESOURCE: who owns it how often, who waits. The public
 * structure holds it all: OwnerEntry is the exclusive owner or one of the
 * shared ones, OwnerTable has room for the others (its first entry holds only
 * TableSize), and the waiter fields point to the last of a ring of waiters that
 * live on their threads' stacks. Everything under the resource's spin lock.
 */
#ifndef RESOURCE_H
#define RESOURCE_H

#include "ex/ex.h"
#include "ke/routines.h"

struct resource_waiter {
    struct resource_waiter *next;
    ERESOURCE_THREAD thread;
    KEVENT granted;
};

/* All with the lock held. */
OWNER_ENTRY *resource_find_owner(PERESOURCE resource, ERESOURCE_THREAD thread); /* NULL: owns nothing */
bool resource_ensure_room(PERESOURCE resource,
                          ULONG more); /* entries for so many more owners; false: no memory */
OWNER_ENTRY *resource_add_owner(PERESOURCE resource, ERESOURCE_THREAD thread); /* with one acquisition */
void resource_remove_owner(PERESOURCE resource, OWNER_ENTRY *entry);
void resource_free_table(PERESOURCE resource);

static inline bool resource_owned_exclusive(const ERESOURCE *resource)
{
    return resource->Flag & ResourceOwnedExclusive;
}

#endif
