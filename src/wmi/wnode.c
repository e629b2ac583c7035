/* SPDX-License-Identifier: MIT */
/*
 * What stands in a WNODE: counted strings, instances, and static instance names
 * that are written into what a provider returned. Providers are drivers:
 * nothing of what they wrote is trusted.
 */
#include "wmi/private.h"

bool wmi_counted_string(const void *base, ULONG bytes, ULONG offset, UNICODE_STRING *string)
{
    USHORT length;
    *string = (UNICODE_STRING){0};
    if (offset >= bytes || bytes - offset < sizeof(length))
        return false;
    __builtin_memcpy(&length, (const UCHAR *)base + offset, sizeof(length));
    if (bytes - offset - sizeof(length) < length)
        return false;
    string->Buffer = (PWSTR)(ULONG_PTR)((const UCHAR *)base + offset + sizeof(length));
    string->Length = string->MaximumLength = (USHORT)(length & ~1);
    return true;
}

/* ---- instances of a WNODE_ALL_DATA ---- */

static bool is_inside(ULONG bytes, ULONG offset, ULONG length)
{
    return offset <= bytes && bytes - offset >= length;
}

static bool data_of(const WNODE_ALL_DATA *all, ULONG bytes, ULONG n, struct wmi_instance *instance)
{
    ULONG64 offset;
    if (all->WnodeHeader.Flags & WNODE_FLAG_FIXED_INSTANCE_SIZE) {
        instance->length = all->FixedInstanceSize;
        /* WMI-00: each begins on an eight byte boundary. */
        offset = all->DataBlockOffset + (ULONG64)n * ALIGN_UP(all->FixedInstanceSize, 8);
    } else {
        ULONG64 at = offsetof(WNODE_ALL_DATA, OffsetInstanceDataAndLength) +
                     (ULONG64)n * sizeof(OFFSETINSTANCEDATAANDLENGTH);
        if (at + sizeof(OFFSETINSTANCEDATAANDLENGTH) > bytes)
            return false;
        /* WMI-00: instances that vary in size each say where they are. */
        offset = all->OffsetInstanceDataAndLength[n].OffsetInstanceData;
        instance->length = all->OffsetInstanceDataAndLength[n].LengthInstanceData;
    }
    if (offset > bytes || !is_inside(bytes, (ULONG)offset, instance->length))
        return false;
    instance->data = (const UCHAR *)all + offset;
    return true;
}

static bool name_of(const WNODE_ALL_DATA *all, ULONG bytes, ULONG n, struct wmi_instance *instance)
{
    UNICODE_STRING name = {0};
    ULONG offset;
    ULONG64 at = all->OffsetInstanceNameOffsets + (ULONG64)n * sizeof(ULONG);
    instance->name = NULL;
    instance->name_bytes = 0;
    if (all->WnodeHeader.Flags & WNODE_FLAG_STATIC_INSTANCE_NAMES || !all->OffsetInstanceNameOffsets)
        return true;
    if (at + sizeof(ULONG) > bytes)
        return false;
    __builtin_memcpy(&offset, (const UCHAR *)all + at, sizeof(offset));
    if (!wmi_counted_string(all, bytes, offset, &name))
        return false;
    instance->name = name.Buffer;
    instance->name_bytes = name.Length;
    return true;
}

static bool each_of(const WNODE_ALL_DATA *all, ULONG bytes,
                    void (*visit)(const struct wmi_instance *instance, void *context), void *context)
{
    struct wmi_instance instance;
    if (bytes < sizeof(WNODE_ALL_DATA))
        return false;
    for (ULONG i = 0; i < all->InstanceCount; i++) {
        if (!data_of(all, bytes, i, &instance) || !name_of(all, bytes, i, &instance))
            return false;
        if (visit)
            visit(&instance, context);
    }
    return true;
}

bool wmi_for_each_instance(const void *chain, ULONG bytes,
                           void (*visit)(const struct wmi_instance *instance, void *context), void *context)
{
    const UCHAR *at = chain;
    for (;;) {
        const WNODE_ALL_DATA *all = (const WNODE_ALL_DATA *)at;
        if (bytes < sizeof(*all))
            return false;
        ULONG next = all->WnodeHeader.Linkage;
        if (next >= bytes || !each_of(all, next ? next : bytes, visit, context))
            return false;
        if (!next)
            return true;
        at += next;
        bytes -= next;
    }
}

/* ---- static names ---- */

static void put_string(UCHAR *to, const UNICODE_STRING *string)
{
    __builtin_memcpy(to, &string->Length, sizeof(USHORT));
    __builtin_memcpy(to + sizeof(USHORT), string->Buffer, string->Length);
}

/* A copy with room behind it, aligned; *offset: where that begins. */
static void *longer(const void *wnode, ULONG bytes, ULONG more, ULONG *offset)
{
    *offset = (ULONG)ALIGN_UP(bytes, 8);
    UCHAR *copy = mm_alloc(*offset + more, WMI_TAG);
    if (!copy)
        return NULL;
    __builtin_memcpy(copy, wnode, bytes);
    WNODE_HEADER *header = (WNODE_HEADER *)copy;
    header->BufferSize = *offset + more;
    header->Flags &= ~(ULONG)WNODE_FLAG_STATIC_INSTANCE_NAMES;
    return copy;
}

static void *named_all(const struct wmi_block *b, const WNODE_ALL_DATA *all, ULONG *bytes)
{
    ULONG count = MIN(all->InstanceCount, b->names), at, more = all->InstanceCount * (ULONG)sizeof(ULONG);
    static const UNICODE_STRING nameless;
    if (!each_of(all, *bytes, NULL, NULL))
        return NULL;
    for (ULONG i = 0; i < all->InstanceCount; i++)
        more += (ULONG)sizeof(USHORT) + (i < count ? b->name[i].Length : 0);
    WNODE_ALL_DATA *copy = longer(all, *bytes, more, &at);
    if (!copy)
        return NULL;
    ULONG *offsets = (ULONG *)((UCHAR *)copy + at);
    /* WMI-00: the names that were registered, as if the provider had returned them. */
    copy->OffsetInstanceNameOffsets = at;
    at += all->InstanceCount * (ULONG)sizeof(ULONG);
    for (ULONG i = 0; i < all->InstanceCount; i++) {
        const UNICODE_STRING *name = i < count ? &b->name[i] : &nameless;
        offsets[i] = at;
        put_string((UCHAR *)copy + at, name);
        at += (ULONG)sizeof(USHORT) + name->Length;
    }
    *bytes = copy->WnodeHeader.BufferSize;
    return copy;
}

/* The instance index stands at the same place in a WNODE_SINGLE_INSTANCE and a WNODE_SINGLE_ITEM. */
static void *named_one(const struct wmi_block *b, const WNODE_SINGLE_INSTANCE *one, ULONG *bytes)
{
    ULONG at;
    if (*bytes < sizeof(*one) || one->InstanceIndex >= b->names)
        return NULL;
    const UNICODE_STRING *name = &b->name[one->InstanceIndex];
    WNODE_SINGLE_INSTANCE *copy = longer(one, *bytes, (ULONG)sizeof(USHORT) + name->Length, &at);
    if (!copy)
        return NULL;
    copy->OffsetInstanceName = at;
    put_string((UCHAR *)copy + at, name);
    *bytes = copy->WnodeHeader.BufferSize;
    return copy;
}

bool wmi_write_names(const struct wmi_block *b, void **wnode, ULONG *bytes)
{
    const WNODE_HEADER *header = *wnode;
    void *named;
    if (!(header->Flags & WNODE_FLAG_STATIC_INSTANCE_NAMES))
        return !(header->Flags & WNODE_FLAG_ALL_DATA) || each_of(*wnode, *bytes, NULL, NULL);
    named = header->Flags & WNODE_FLAG_ALL_DATA ? named_all(b, *wnode, bytes) : named_one(b, *wnode, bytes);
    if (!named)
        return false;
    mm_free(*wnode);
    *wnode = named;
    return true;
}
