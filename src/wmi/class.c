/* SPDX-License-Identifier: MIT */
/*
 * Classes: one for each GUID that a provider or a consumer has named; beginning
 * and end of the component. A class stays until the machine ends. Lock:
 * wmi_lock.
 */
#include "wmi/private.h"

struct wmi_ops wmi_ops;
void (*wmi_event_seen)(const void *wnode, ULONG bytes);
static LIST_ENTRY classes; /* wmi_lock */

static struct wmi_class *find_locked(const GUID *guid)
{
    list_for_each(it, &classes)
    {
        struct wmi_class *class = container_of(it, struct wmi_class, link);
        if (wmi_same_guid(&class->guid, guid))
            return class;
    }
    return NULL;
}

struct wmi_class *wmi_class_of(const GUID *guid)
{
    struct wmi_class *fresh = mm_alloc(sizeof(*fresh), WMI_TAG);
    rl_lock_acquire(&wmi_lock);
    struct wmi_class *class = find_locked(guid);
    if (!class && fresh) {
        fresh->guid = *guid;
        list_init(&fresh->consumers);
        list_insert_tail(&classes, &fresh->link);
        class = fresh;
        fresh = NULL;
    }
    rl_lock_release(&wmi_lock);
    mm_free(fresh);
    return class;
}

NTSTATUS wmi_init(void)
{
    list_init(&classes);
    wmi_providers_reset();
    wmi_events_reset();
    io_ops.device_deleting = wmi_device_deleted;
    return wmi_consumers_init();
}

void wmi_fini(void)
{
    io_ops.device_deleting = NULL;
    if (!classes.Flink)
        return; /* the machine did not come so far */
    wmi_providers_fini();
    while (!list_empty(&classes))
        mm_free(container_of(list_remove_head(&classes), struct wmi_class, link));
    classes.Flink = NULL;
}
