/* SPDX-License-Identifier: MIT */
/*
 * Lists of resources and of requirements: both are headers with descriptors
 * behind them, one after the other. What comes from a driver or the registry
 * is measured before it is read.
 */
#include "pnp/resource.h"

#define FULL_HEADER offsetof(CM_FULL_RESOURCE_DESCRIPTOR, PartialResourceList.PartialDescriptors)
#define LIST_HEADER offsetof(IO_RESOURCE_LIST, Descriptors)

const IO_RESOURCE_LIST *resource_next_alternative(const IO_RESOURCE_LIST *list)
{
    return (const IO_RESOURCE_LIST *)(list->Descriptors + list->Count);
}

void *resource_allocate(size_t bytes)
{
    return mm_pool_allocate(PagedPool, bytes, RESOURCE_TAG, true, NULL);
}

void resource_free(void *list)
{
    if (list)
        mm_pool_free(list, 0, NULL);
}

/* A device-specific descriptor, which can only be the last, has its data behind it. */
static size_t data_behind(const CM_FULL_RESOURCE_DESCRIPTOR *full)
{
    ULONG count = full->PartialResourceList.Count;
    const CM_PARTIAL_RESOURCE_DESCRIPTOR *last = full->PartialResourceList.PartialDescriptors + count - 1;
    return count != 0 && last->Type == CmResourceTypeDeviceSpecific ? last->u.DeviceSpecificData.DataSize : 0;
}

static size_t full_bytes(const CM_FULL_RESOURCE_DESCRIPTOR *full)
{
    return FULL_HEADER + full->PartialResourceList.Count * sizeof(CM_PARTIAL_RESOURCE_DESCRIPTOR) +
           data_behind(full);
}

const CM_FULL_RESOURCE_DESCRIPTOR *resource_next_full(const CM_FULL_RESOURCE_DESCRIPTOR *full)
{
    return (const CM_FULL_RESOURCE_DESCRIPTOR *)((const UCHAR *)full + full_bytes(full));
}

bool resource_requirements_are_sound(const IO_RESOURCE_REQUIREMENTS_LIST *list, size_t bytes)
{
    const IO_RESOURCE_LIST *at = list->List;
    size_t used = offsetof(IO_RESOURCE_REQUIREMENTS_LIST, List);
    if (bytes < used || list->ListSize > bytes)
        return false;
    for (ULONG i = 0; i < list->AlternativeLists; i++) {
        if (list->ListSize < used + LIST_HEADER ||
            at->Count > (list->ListSize - used - LIST_HEADER) / sizeof(IO_RESOURCE_DESCRIPTOR))
            return false;
        used += LIST_HEADER + at->Count * sizeof(IO_RESOURCE_DESCRIPTOR);
        at = resource_next_alternative(at);
    }
    return true;
}

bool resource_list_is_sound(const CM_RESOURCE_LIST *list, size_t bytes)
{
    const CM_FULL_RESOURCE_DESCRIPTOR *full = list->List;
    size_t used = offsetof(CM_RESOURCE_LIST, List);
    if (bytes < used)
        return false;
    for (ULONG i = 0; i < list->Count; i++) {
        if (bytes < used + FULL_HEADER ||
            full->PartialResourceList.Count >
                (bytes - used - FULL_HEADER) / sizeof(CM_PARTIAL_RESOURCE_DESCRIPTOR))
            return false;
        used += full_bytes(full);
        if (used > bytes)
            return false;
        full = resource_next_full(full);
    }
    return true;
}

size_t resource_list_bytes(const CM_RESOURCE_LIST *list)
{
    const CM_FULL_RESOURCE_DESCRIPTOR *full = list->List;
    for (ULONG i = 0; i < list->Count; i++)
        full = resource_next_full(full);
    return (size_t)((const UCHAR *)full - (const UCHAR *)list);
}

void resource_for_each(const CM_RESOURCE_LIST *list,
                       void (*visit)(const CM_PARTIAL_RESOURCE_DESCRIPTOR *descriptor, void *context),
                       void *context)
{
    const CM_FULL_RESOURCE_DESCRIPTOR *full = list->List;
    for (ULONG i = 0; i < list->Count; i++, full = resource_next_full(full))
        for (ULONG j = 0; j < full->PartialResourceList.Count; j++)
            visit(&full->PartialResourceList.PartialDescriptors[j], context);
}

static ULONG count_all(const CM_RESOURCE_LIST *list)
{
    const CM_FULL_RESOURCE_DESCRIPTOR *full = list->List;
    ULONG count = 0;
    for (ULONG i = 0; i < list->Count; i++, full = resource_next_full(full))
        count += full->PartialResourceList.Count;
    return count;
}

static void append_fixed(const CM_PARTIAL_RESOURCE_DESCRIPTOR *descriptor, void *context)
{
    IO_RESOURCE_LIST *to = context;
    if (descriptor->Type != CmResourceTypeDeviceSpecific)
        resource_fixed(descriptor, &to->Descriptors[to->Count++]);
}

PIO_RESOURCE_REQUIREMENTS_LIST resource_requirements_from(const CM_RESOURCE_LIST *list)
{
    size_t bytes = offsetof(IO_RESOURCE_REQUIREMENTS_LIST, List[0].Descriptors) +
                   count_all(list) * sizeof(IO_RESOURCE_DESCRIPTOR);
    PIO_RESOURCE_REQUIREMENTS_LIST to = resource_allocate(MAX(bytes, sizeof(*to)));
    if (!to)
        return NULL;
    to->ListSize = (ULONG)MAX(bytes, sizeof(*to));
    to->InterfaceType = list->List[0].InterfaceType;
    to->BusNumber = list->List[0].BusNumber;
    to->AlternativeLists = 1;
    to->List[0].Version = to->List[0].Revision = 1;
    resource_for_each(list, append_fixed, to->List);
    return to;
}

void *resource_copy(const void *list, size_t bytes)
{
    void *copy = resource_allocate(bytes);
    if (copy)
        __builtin_memcpy(copy, list, bytes);
    return copy;
}
