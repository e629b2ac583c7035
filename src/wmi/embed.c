/* SPDX-License-Identifier: MIT */
/*
 * The embedding API's side: one data consumer more, which opens a block for
 * each request, and keeps those open whose events or collection it enabled.
 */
#include "wmi/private.h"

/* A request of this consumer: collection runs while it has the block open. */
static struct wmi_class *begin(const GUID *guid)
{
    wmi_wait_for_registrations();
    struct wmi_class *class = wmi_class_of(guid);
    if (class)
        wmi_use(class, WMI_COLLECTION, true);
    return class;
}

static NTSTATUS end(struct wmi_class *class, NTSTATUS status)
{
    wmi_use(class, WMI_COLLECTION, false);
    return status;
}

NTSTATUS wmi_query_all(const GUID *guid, void **data, ULONG *bytes)
{
    struct wmi_class *class = begin(guid);
    if (!class)
        return STATUS_INSUFFICIENT_RESOURCES;
    return end(class, wmi_class_query_all(class, data, bytes));
}

NTSTATUS wmi_query_instance(const GUID *guid, const UNICODE_STRING *name, void **data, ULONG *bytes)
{
    struct wmi_class *class = begin(guid);
    if (!class)
        return STATUS_INSUFFICIENT_RESOURCES;
    return end(class, wmi_class_query_one(class, name, data, bytes));
}

NTSTATUS wmi_set_instance(const GUID *guid, const UNICODE_STRING *name, const void *data, ULONG length)
{
    struct wmi_class *class = begin(guid);
    if (!class)
        return STATUS_INSUFFICIENT_RESOURCES;
    return end(class, wmi_class_change(class, name, NULL, data, length));
}

NTSTATUS wmi_set_item(const GUID *guid, const UNICODE_STRING *name, ULONG item, const void *data,
                      ULONG length)
{
    struct wmi_class *class = begin(guid);
    if (!class)
        return STATUS_INSUFFICIENT_RESOURCES;
    return end(class, wmi_class_change(class, name, &item, data, length));
}

NTSTATUS wmi_execute(const GUID *guid, const UNICODE_STRING *name, ULONG method, const void *in,
                     ULONG in_length, void **out, ULONG *out_length)
{
    ULONG bytes;
    void *wnode = NULL;
    struct wmi_class *class = begin(guid);
    *out = NULL;
    *out_length = 0;
    if (!class)
        return STATUS_INSUFFICIENT_RESOURCES;
    NTSTATUS status = end(class, wmi_class_execute(class, name, method, in, in_length, 0, &wnode, &bytes));
    if (!NT_SUCCESS(status))
        return status;
    const WNODE_METHOD_ITEM *item = wnode;
    __builtin_memmove(wnode, (UCHAR *)wnode + item->DataBlockOffset, *out_length = item->SizeDataBlock);
    *out = wnode;
    return status;
}

/* ---- the nth instance ---- */

struct nth {
    ULONG wanted, at;
    WCHAR *to;
    size_t room;
    bool found;
};

static void see_name(struct nth *nth, const WCHAR *name, USHORT bytes)
{
    if (nth->at++ != nth->wanted || bytes / sizeof(WCHAR) >= nth->room)
        return;
    __builtin_memcpy(nth->to, name, bytes);
    nth->to[bytes / sizeof(WCHAR)] = 0;
    nth->found = true;
}

static void see_instance(const struct wmi_instance *instance, void *context)
{
    see_name(context, instance->name, instance->name_bytes);
}

/* False: a provider makes its names as it goes. */
static bool look_at_registered(struct wmi_class *class, struct nth *nth)
{
    struct wmi_blocks blocks;
    bool all = true;
    if (!NT_SUCCESS(wmi_blocks_of(class, &blocks)))
        return true;
    for (unsigned i = 0; i < blocks.count; i++) {
        const struct wmi_block *b = blocks.block[i];
        all &= (b->registered.Flags & WMI_STATIC_NAMES) != 0;
        for (ULONG n = 0; n < b->names; n++)
            see_name(nth, b->name[n].Buffer, b->name[n].Length);
    }
    wmi_blocks_release(&blocks);
    return all;
}

NTSTATUS wmi_instance_name(const GUID *guid, ULONG index, WCHAR *name, size_t room_chars)
{
    struct nth nth = {.wanted = index, .to = name, .room = room_chars};
    NTSTATUS status = STATUS_SUCCESS;
    void *data = NULL;
    ULONG bytes;
    struct wmi_class *class = wmi_class_of(guid);
    wmi_wait_for_registrations();
    if (!class)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (!look_at_registered(class, &nth)) {
        nth.at = 0;
        nth.found = false;
        status = wmi_query_all(guid, &data, &bytes);
        if (NT_SUCCESS(status))
            wmi_for_each_instance(data, bytes, see_instance, &nth);
        mm_free(data);
    }
    if (NT_SUCCESS(status) && !nth.found)
        status = nth.at ? STATUS_WMI_INSTANCE_NOT_FOUND : STATUS_WMI_GUID_NOT_FOUND;
    return status;
}

static bool may_enable(struct wmi_class *class, enum wmi_use use)
{
    struct wmi_blocks blocks;
    bool possible = false;
    if (!NT_SUCCESS(wmi_blocks_of(class, &blocks)))
        return false;
    for (unsigned i = 0; i < blocks.count; i++)
        possible |= use == WMI_EVENTS || blocks.block[i]->registered.Flags & WMIREG_FLAG_EXPENSIVE;
    wmi_blocks_release(&blocks);
    return possible;
}

NTSTATUS wmi_enable(const GUID *guid, bool events, bool enable)
{
    enum wmi_use use = events ? WMI_EVENTS : WMI_COLLECTION;
    struct wmi_class *class = wmi_class_of(guid);
    wmi_wait_for_registrations();
    if (!class)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (enable && !may_enable(class, use))
        return STATUS_WMI_GUID_NOT_FOUND;
    rl_lock_acquire(&wmi_lock);
    bool was = class->api[use];
    class->api[use] = enable;
    rl_lock_release(&wmi_lock);
    if (was == enable)
        return enable ? STATUS_WMI_ALREADY_ENABLED : STATUS_WMI_ALREADY_DISABLED;
    return wmi_use(class, use, enable);
}

void wmi_for_each_block(void (*visit)(const struct wmi_block_info *block, void *context), void *context)
{
    struct wmi_blocks blocks;
    wmi_wait_for_registrations();
    if (!NT_SUCCESS(wmi_blocks_of(NULL, &blocks)))
        return;
    for (unsigned i = 0; i < blocks.count; i++) {
        const struct wmi_block *b = blocks.block[i];
        struct wmi_block_info info = {.guid = b->class->guid,
                                      .flags = b->registered.Flags,
                                      .instances = b->names,
                                      .provider = b->provider->callback ? NULL : b->provider->registered,
                                      .mof = b->mof,
                                      .events = b->on[WMI_EVENTS],
                                      .collection = b->on[WMI_COLLECTION]};
        visit(&info, context);
    }
    wmi_blocks_release(&blocks);
}
