/* SPDX-License-Identifier: MIT */
/*
 * Drivers as data consumers: data block objects and the events that they are
 * told of. An object with a callback is one user of its class' events, one that
 * may query, set or execute one user of its collection. Lock: wmi_lock.
 */
#include "wmi/consumer.h"

#define USES_DATA (WMIGUID_QUERY | WMIGUID_SET | WMIGUID_EXECUTE)
#define ALL_ACCESS                                                                                           \
    (STANDARD_RIGHTS_READ | SYNCHRONIZE | USES_DATA | WMIGUID_NOTIFICATION | WMIGUID_READ_DESCRIPTION)

static struct ob_type *consumer_type;

static bool unlink_locked(struct wmi_consumer *c)
{
    bool linked = c->link.Flink != NULL;
    if (linked)
        list_remove(&c->link);
    c->link.Flink = NULL;
    return linked;
}

static void delete_consumer(void *body)
{
    struct wmi_consumer *c = body;
    rl_lock_acquire(&wmi_lock);
    bool linked = unlink_locked(c);
    rl_lock_release(&wmi_lock);
    if (linked)
        ke_unhold(KE_HELD_WMI_NOTIFY, c);
    if (linked)
        /* WMI-05: the last one that was told of the event. */
        wmi_use(c->class, WMI_EVENTS, false);
    if (c->collects)
        /* WMI-07: the last one that had it open. */
        wmi_use(c->class, WMI_COLLECTION, false);
}

static const struct ob_type_ops consumer_ops = {
    .name = "WmiGuid",
    .pool_tag = WMI_TAG,
    .valid_access = ALL_ACCESS,
    .mapping = {STANDARD_RIGHTS_READ | WMIGUID_QUERY, WMIGUID_SET, WMIGUID_EXECUTE, ALL_ACCESS},
    .dispatcher_offset = -1,
    .delete_ = delete_consumer,
};

NTSTATUS wmi_consumers_init(void)
{
    consumer_type = ob_type_create(&consumer_ops);
    return consumer_type ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

NTSTATUS wmi_consumer_of(PVOID object, ULONG access, struct wmi_consumer **consumer)
{
    if (ob_type_of(object) != consumer_type)
        return STATUS_OBJECT_TYPE_MISMATCH;
    *consumer = object;
    return ((*consumer)->access & access) == access ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
}

/*
 * A block may be opened before anybody provides it. Owns: the caller, one reference (ObDereferenceObject).
 * IRQL: <= APC_LEVEL. Rules: WMI-06.
 */
EXPORT(ntoskrnl, IoWMIOpenBlock, PASSIVE_LEVEL, APC_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI IoWMIOpenBlock(LPCGUID DataBlockGuid, ULONG DesiredAccess, PVOID *DataBlockObject)
{
    struct wmi_class *class = wmi_class_of(DataBlockGuid);
    struct wmi_consumer *c = class ? ob_create(consumer_type, sizeof(*c)) : NULL;
    *DataBlockObject = c;
    if (!c)
        return STATUS_INSUFFICIENT_RESOURCES;
    c->class = class;
    c->access = DesiredAccess & MAXIMUM_ALLOWED ? ALL_ACCESS : DesiredAccess;
    c->collects = c->access & USES_DATA;
    if (c->collects)
        /* WMI-06: an expensive block is collected from the first opening on. */
        wmi_use(class, WMI_COLLECTION, true);
    return STATUS_SUCCESS;
}

/*
 * Callback is told of each event at PASSIVE_LEVEL until the object goes. A second call replaces it; NULL: no
 * more. STATUS_ACCESS_DENIED: opened without WMIGUID_NOTIFICATION. IRQL: <= APC_LEVEL. Rules: WMI-04, WMI-05.
 */
EXPORT(ntoskrnl, IoWMISetNotificationCallback, PASSIVE_LEVEL, APC_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI IoWMISetNotificationCallback(PVOID Object, WMI_NOTIFICATION_CALLBACK Callback, PVOID Context)
{
    struct wmi_consumer *c;
    NTSTATUS status = wmi_consumer_of(Object, WMIGUID_NOTIFICATION, &c);
    if (!NT_SUCCESS(status))
        return status;
    rl_lock_acquire(&wmi_lock);
    bool was = unlink_locked(c);
    c->callback = Callback;
    c->context = Context;
    if (Callback)
        list_insert_tail(&c->class->consumers, &c->link);
    rl_lock_release(&wmi_lock);
    if (was == (Callback != NULL))
        return STATUS_SUCCESS;
    if (Callback)
        ke_hold(KE_HELD_WMI_NOTIFY, c);
    else
        ke_unhold(KE_HELD_WMI_NOTIFY, c);
    /* WMI-04, WMI-05: the provider is told with the first, and with the last. */
    return wmi_use(c->class, WMI_EVENTS, Callback != NULL);
}

/* The nth of a class, referenced. */
static struct wmi_consumer *consumer_at(struct wmi_class *class, ULONG n)
{
    struct wmi_consumer *found = NULL;
    rl_lock_acquire(&wmi_lock);
    list_for_each(it, &class->consumers)
    {
        if (n-- == 0) {
            found = container_of(it, struct wmi_consumer, link);
            break;
        }
    }
    if (found && !ob_reference_if_live(found))
        found = NULL;
    rl_lock_release(&wmi_lock);
    return found;
}

void wmi_notify(struct wmi_class *class, void *wnode)
{
    struct wmi_consumer *c;
    for (ULONG i = 0; (c = consumer_at(class, i)) != NULL;) {
        WMI_NOTIFICATION_CALLBACK callback = c->callback;
        uint64_t cookie = ke_callout_enter("WMI notification", (const void *)callback);
        callback(wnode, c->context);
        ke_callout_leave("WMI notification", (const void *)callback, cookie);
        rl_lock_acquire(&wmi_lock);
        i += c->link.Flink != NULL; /* else the next one has taken its place */
        rl_lock_release(&wmi_lock);
        ob_dereference(c);
    }
}
