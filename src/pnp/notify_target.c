/* SPDX-License-Identifier: MIT */
/*
 * What is told: the removal of a device to those who have a file on it, events
 * of a driver's own, changes of the hardware profile. On the PnP thread, but
 * for what a driver reports synchronously from another one, which waits for it.
 */
#include "pnp/notify_private.h"

#define EVENT_GUID(n)                                                                                        \
    {                                                                                                        \
        0xCB3A4000 + (n), 0x46F0, 0x11D0,                                                                    \
        {                                                                                                    \
            0xB0, 0x8F, 0x00, 0x60, 0x97, 0x13, 0x05, 0x3F                                                   \
        }                                                                                                    \
    }
static const GUID profile_query = EVENT_GUID(1), profile_cancelled = EVENT_GUID(2),
                  profile_complete = EVENT_GUID(3), query_remove = EVENT_GUID(6),
                  remove_cancelled = EVENT_GUID(7), remove_complete = EVENT_GUID(8);
const GUID pnp_guid_interface_arrival = EVENT_GUID(4), pnp_guid_interface_removal = EVENT_GUID(5);

/* Rules: PNP-07d. */
NTSTATUS pnp_target_of_file(PFILE_OBJECT file, struct pnp_node **node)
{
    NTSTATUS status;
    /* PNP-07d: who stands for the file; the PDO's driver answers. */
    PDEVICE_RELATIONS relations =
        pnp_query_relations(IoGetRelatedDeviceObject(file), TargetDeviceRelation, file, &status);
    if (!relations)
        return NT_SUCCESS(status) ? STATUS_NO_SUCH_DEVICE : status;
    /* PNP-07d: one PDO, referenced. */
    PDEVICE_OBJECT pdo = relations->Count ? relations->Objects[0] : NULL;
    *node = pdo ? pnp_node_of(pdo) : NULL;
    if (*node)
        pnp_reference(*node);
    for (ULONG i = 0; i < relations->Count; i++)
        ob_dereference(relations->Objects[i]);
    mm_pool_free(relations, 0, pnp_target_of_file);
    return *node ? STATUS_SUCCESS : STATUS_NO_SUCH_DEVICE;
}

/* ---- removal ---- */

static NTSTATUS tell_target(struct pnp_node *node, const GUID *event, bool may_refuse, ULONG64 below,
                            ULONG64 *last)
{
    TARGET_DEVICE_REMOVAL_NOTIFICATION removal = {1, sizeof(removal), *event, NULL};
    struct pnp_delivery delivery = {.category = EventCategoryTargetDeviceChange,
                                    .node = node,
                                    .structure = &removal,
                                    .may_refuse = may_refuse,
                                    .below = below};
    NTSTATUS status = pnp_deliver(&delivery);
    if (last)
        *last = delivery.last;
    return status;
}

/* ---- hardware profiles ---- */

static NTSTATUS tell_profile(const GUID *event, bool may_refuse, ULONG64 below, ULONG64 *last)
{
    HWPROFILE_CHANGE_NOTIFICATION change = {1, sizeof(change), *event};
    struct pnp_delivery delivery = {.category = EventCategoryHardwareProfileChange,
                                    .structure = &change,
                                    .may_refuse = may_refuse,
                                    .below = below};
    NTSTATUS status = pnp_deliver(&delivery);
    if (last)
        *last = delivery.last;
    return status;
}

/* ---- what removals tell ---- */

/* Asked of the registrants of this node, before any driver of the subtree is. Rules: PH-30, SR-33. */
static NTSTATUS query_target(struct pnp_node *node)
{
    ULONG64 last;
    /* PH-30: who has a file on it may refuse. */
    NTSTATUS status = tell_target(node, &query_remove, true, 0, &last);
    if (!NT_SUCCESS(status))
        /* SR-33: those that had agreed. */
        tell_target(node, &remove_cancelled, false, last, NULL);
    return status;
}

/* A dock goes, and the hardware profile with it. */
static NTSTATUS query_profile(void)
{
    ULONG64 last;
    NTSTATUS status = tell_profile(&profile_query, true, 0, &last);
    if (!NT_SUCCESS(status))
        tell_profile(&profile_cancelled, false, last, NULL);
    return status;
}

static NTSTATUS on_query_remove(struct pnp_node *node)
{
    NTSTATUS status = node->capabilities.DockDevice ? query_profile() : STATUS_SUCCESS;
    if (!NT_SUCCESS(status))
        return status;
    status = query_target(node);
    if (!NT_SUCCESS(status) && node->capabilities.DockDevice)
        tell_profile(&profile_cancelled, false, 0, NULL);
    return status;
}

static void on_cancelled(struct pnp_node *node)
{
    /* SR-33: behind the drivers, so that it can be opened again. */
    tell_target(node, &remove_cancelled, false, 0, NULL);
    if (node->capabilities.DockDevice)
        tell_profile(&profile_cancelled, false, 0, NULL);
}

static void complete(struct pnp_node *node)
{
    /* PH-30: it goes, or is gone. */
    tell_target(node, &remove_complete, false, 0, NULL);
    if (node->capabilities.DockDevice)
        tell_profile(&profile_complete, false, 0, NULL);
}

static void on_remove(struct pnp_node *node)
{
    if (node->state != PNP_SURPRISE_REMOVED)
        /* PH-30: told at once when it was pulled out. */
        complete(node);
}

static struct pnp_observer observer = {.query_remove = on_query_remove,
                                       .remove_cancelled = on_cancelled,
                                       .before_remove = on_remove,
                                       .surprise_removed = complete};

void pnp_notify_target_reset(void)
{
    pnp_observe(&observer);
}

/* ---- a driver's own events ---- */

#define CUSTOM_SMALLEST offsetof(TARGET_DEVICE_CUSTOM_NOTIFICATION, CustomDataBuffer)

struct custom_event {
    struct pnp_node *node; /* referenced */
    PDEVICE_CHANGE_COMPLETE_CALLBACK callback;
    void *context;
    TARGET_DEVICE_CUSTOM_NOTIFICATION *structure;
};

static bool is_system_event(const GUID *event)
{
    static const GUID *const events[] = {&query_remove, &remove_cancelled, &remove_complete};
    for (unsigned i = 0; i < countof(events); i++)
        if (pnp_same_guid(event, events[i]))
            return true;
    return false;
}

/* The node that an event is reported for, referenced; NULL: it may not be. */
static struct pnp_node *node_of_report(PDEVICE_OBJECT pdo, const TARGET_DEVICE_CUSTOM_NOTIFICATION *structure)
{
    struct pnp_node *node = pnp_node_of(pdo);
    if (!node || structure->Version != 1 || structure->Size < CUSTOM_SMALLEST || structure->FileObject ||
        is_system_event(&structure->Event))
        return NULL;
    pnp_reference(node);
    return node;
}

static NTSTATUS tell_custom(void *context)
{
    const struct custom_event *event = context;
    struct pnp_delivery delivery = {
        .category = EventCategoryTargetDeviceChange, .node = event->node, .structure = event->structure};
    return pnp_deliver(&delivery);
}

/*
 * Tells a driver's own event to the registrants of its device, and waits. STATUS_INVALID_DEVICE_REQUEST: no
 * PDO, or an event of the system. IRQL: PASSIVE_LEVEL.
 */
EXPORT(ntoskrnl, IoReportTargetDeviceChange, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI IoReportTargetDeviceChange(PDEVICE_OBJECT PhysicalDeviceObject, PVOID NotificationStructure)
{
    struct custom_event event = {.structure = NotificationStructure};
    event.node = node_of_report(PhysicalDeviceObject, NotificationStructure);
    if (!event.node)
        return STATUS_INVALID_DEVICE_REQUEST;
    NTSTATUS status = pnp_run(tell_custom, &event);
    event.structure->FileObject = NULL;
    pnp_dereference(event.node);
    return status;
}

/* Rules: SR-34. */
static void call_complete(const struct custom_event *event)
{
    if (!event->callback)
        return;
    uint64_t cookie = ke_callout_enter("device change completion", event->callback);
    /* SR-34: behind the registrants, at PASSIVE_LEVEL. */
    event->callback(event->context);
    ke_callout_leave("device change completion", event->callback, cookie);
}

static void tell_later(void *context)
{
    struct custom_event *event = context;
    tell_custom(event);
    call_complete(event);
    pnp_dereference(event->node);
    mm_free(event);
}

/*
 * The same without waiting; Callback is called when all were told. The structure is copied. IRQL:
 * <= DISPATCH_LEVEL. Rules: SR-34.
 */
EXPORT(ntoskrnl, IoReportTargetDeviceChangeAsynchronous, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
NTSTATUS NTAPI IoReportTargetDeviceChangeAsynchronous(PDEVICE_OBJECT PhysicalDeviceObject,
                                                      PVOID NotificationStructure,
                                                      PDEVICE_CHANGE_COMPLETE_CALLBACK Callback,
                                                      PVOID Context)
{
    const TARGET_DEVICE_CUSTOM_NOTIFICATION *given = NotificationStructure;
    struct pnp_node *node = node_of_report(PhysicalDeviceObject, given);
    if (!node)
        return STATUS_INVALID_DEVICE_REQUEST;
    struct custom_event *event = mm_alloc(sizeof(*event) + given->Size, PNP_TAG);
    if (event) {
        *event = (struct custom_event){node, Callback, Context, (void *)(event + 1)};
        /* SR-34: the caller may free his structure. */
        __builtin_memcpy(event->structure, given, given->Size);
        if (pnp_post(tell_later, event))
            return STATUS_SUCCESS;
        mm_free(event);
    }
    pnp_dereference(node);
    return STATUS_INSUFFICIENT_RESOURCES;
}
