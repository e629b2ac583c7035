/* SPDX-License-Identifier: MIT */
/* The owners of an ERESOURCE. See resource.h. */
#include "ex/resource.h"

#define OWNER_TAG 0x6C54654Fu /* 'OeTl' */

static ULONG table_size(const ERESOURCE *resource)
{
    return resource->OwnerTable ? resource->OwnerTable[0].TableSize : 0;
}

OWNER_ENTRY *resource_find_owner(PERESOURCE resource, ERESOURCE_THREAD thread)
{
    if (resource->OwnerEntry.OwnerThread == thread)
        return &resource->OwnerEntry;
    for (ULONG i = 1; i < table_size(resource); i++)
        if (resource->OwnerTable[i].OwnerThread == thread)
            return &resource->OwnerTable[i];
    return NULL;
}

static ULONG free_entries(const ERESOURCE *resource)
{
    ULONG free = resource->OwnerEntry.OwnerThread == 0;
    for (ULONG i = 1; i < table_size(resource); i++)
        free += resource->OwnerTable[i].OwnerThread == 0;
    return free;
}

bool resource_ensure_room(PERESOURCE resource, ULONG more)
{
    ULONG free = free_entries(resource), old_size = table_size(resource);
    if (free >= more)
        return true;
    ULONG size = MAX(old_size, 1u) + (more - free) + 3;
    OWNER_ENTRY *table = mm_alloc(size * sizeof *table, OWNER_TAG);
    if (table == NULL)
        return false;
    if (old_size != 0)
        __builtin_memcpy(table, resource->OwnerTable, old_size * sizeof *table);
    mm_free(resource->OwnerTable);
    table[0].TableSize = size;
    resource->OwnerTable = table;
    return true;
}

/* There is room: the caller has made sure. */
OWNER_ENTRY *resource_add_owner(PERESOURCE resource, ERESOURCE_THREAD thread)
{
    OWNER_ENTRY *entry = resource_find_owner(resource, 0);
    RL_ASSERT(entry != NULL);
    entry->OwnerThread = thread;
    entry->OwnerCount = 1;
    resource->ActiveCount = 1;
    resource->ActiveEntries++;
    return entry;
}

void resource_remove_owner(PERESOURCE resource, OWNER_ENTRY *entry)
{
    entry->OwnerThread = 0;
    entry->OwnerCount = 0;
    if (--resource->ActiveEntries == 0) {
        resource->ActiveCount = 0;
        resource->Flag &= ~ResourceOwnedExclusive;
    }
}

void resource_free_table(PERESOURCE resource)
{
    mm_free(resource->OwnerTable);
    resource->OwnerTable = NULL;
}
