/* SPDX-License-Identifier: MIT */
/*
 * Registrations for PnP events and the delivery of an event to them. One list
 * in the order of registration, under a lock that is not held while a callback
 * runs. A registration lives by its references: its owner's, and one of each
 * call that runs; its number says whether an event is older than it is, so
 * that a callback may register anew without hearing the same event again.
 */
#include "base/lock.h"
#include "ke/held.h"
#include "pnp/notify_private.h"

struct pnp_notification {
    LIST_ENTRY link;
    LONG references;
    bool leaving; /* unregistered: not called any more */
    ULONG64 number;
    IO_NOTIFICATION_EVENT_CATEGORY category;
    PDRIVER_OBJECT driver; /* referenced */
    PDRIVER_NOTIFICATION_CALLBACK_ROUTINE routine;
    void *context;
    GUID class;            /* an interface's */
    struct pnp_node *node; /* a target device's; referenced */
    PFILE_OBJECT file;     /* not referenced: it may be gone */
    LIST_ENTRY calls;
    KEVENT ended; /* a call, while it is leaving */
};

struct call {
    LIST_ENTRY link;
    const struct ps_thread *thread;
};

static rl_lock notify_lock; /* guards the list, references, leaving and calls */
static LIST_ENTRY notifications;
static ULONG64 next_number;

void pnp_notify_reset(void)
{
    notify_lock = (rl_lock){0};
    list_init(&notifications);
    next_number = 1;
}

bool pnp_same_guid(const GUID *a, const GUID *b)
{
    return __builtin_memcmp(a, b, sizeof(*a)) == 0;
}

static void free_notification(struct pnp_notification *n)
{
    if (n->node)
        pnp_dereference(n->node);
    ob_dereference(n->driver);
    mm_free(n);
}

static void release(struct pnp_notification *n)
{
    rl_lock_acquire(&notify_lock);
    bool last = --n->references == 0;
    if (last)
        list_remove(&n->link);
    rl_lock_release(&notify_lock);
    if (last)
        free_notification(n);
}

/* The machine ends: drivers do not run any more. */
void pnp_notify_fini(void)
{
    while (!list_empty(&notifications))
        mm_free(container_of(list_remove_head(&notifications), struct pnp_notification, link));
}

static bool is_wanted(const struct pnp_notification *n, const struct pnp_delivery *d)
{
    if (n->leaving || n->category != d->category || n->number >= d->below || n->number <= d->last)
        return false;
    if (d->class)
        return pnp_same_guid(&n->class, d->class);
    return n->node == d->node;
}

/* Rules: SR-33. */
static NTSTATUS call_routine(struct pnp_notification *n, void *structure)
{
    uint64_t cookie = ke_callout_enter("PnP notification", n->routine);
    /* SR-33: at PASSIVE_LEVEL, with no lock held. */
    NTSTATUS status = n->routine(structure, n->context);
    ke_callout_leave("PnP notification", n->routine, cookie);
    return status;
}

/* The lock is held; it is released during the call. The registration stays in the list. */
static NTSTATUS call_locked(struct pnp_notification *n, void *structure)
{
    struct call call = {.thread = ps_current()};
    n->references++;
    list_insert_tail(&n->calls, &call.link);
    rl_lock_release(&notify_lock);
    if (n->category == EventCategoryTargetDeviceChange)
        ((TARGET_DEVICE_REMOVAL_NOTIFICATION *)structure)->FileObject = n->file;
    NTSTATUS status = call_routine(n, structure);
    rl_lock_acquire(&notify_lock);
    list_remove(&call.link);
    bool leaving = n->leaving;
    rl_lock_release(&notify_lock);
    if (leaving)
        KeSetEvent(&n->ended, IO_NO_INCREMENT, FALSE);
    rl_lock_acquire(&notify_lock);
    return status;
}

/* The first that was not called yet. The lock is held. */
static struct pnp_notification *next_wanted(const struct pnp_delivery *d)
{
    for (LIST_ENTRY *at = notifications.Flink; at != &notifications; at = at->Flink)
        if (is_wanted(container_of(at, struct pnp_notification, link), d))
            return container_of(at, struct pnp_notification, link);
    return NULL;
}

/* Gives up what a call held; the lock is held, and released while memory is freed. */
static void let_go_locked(struct pnp_notification *n)
{
    rl_lock_release(&notify_lock);
    release(n);
    rl_lock_acquire(&notify_lock);
}

NTSTATUS pnp_deliver(struct pnp_delivery *d)
{
    struct pnp_notification *n;
    NTSTATUS status = STATUS_SUCCESS;
    rl_lock_acquire(&notify_lock);
    if (!d->below)
        d->below = next_number;
    while (NT_SUCCESS(status) && (n = next_wanted(d))) {
        d->last = n->number;
        NTSTATUS returned = call_locked(n, d->structure);
        if (d->may_refuse)
            /* SR-33: a failure is a veto of a query, and means nothing else. */
            status = returned;
        let_go_locked(n);
    }
    rl_lock_release(&notify_lock);
    return status;
}

/* ---- registering ---- */

static NTSTATUS make(IO_NOTIFICATION_EVENT_CATEGORY category, void *data, struct pnp_notification **made)
{
    struct pnp_notification *n = mm_alloc(sizeof(*n), PNP_TAG);
    NTSTATUS status = STATUS_SUCCESS;
    if (!n)
        return STATUS_INSUFFICIENT_RESOURCES;
    n->category = category;
    n->references = 1;
    list_init(&n->calls);
    KeInitializeEvent(&n->ended, SynchronizationEvent, FALSE);
    if (category == EventCategoryDeviceInterfaceChange) {
        /* SR-33: of which class. */
        n->class = *(const GUID *)data;
    } else if (category == EventCategoryTargetDeviceChange) {
        n->file = data;
        /* SR-33, PNP-07d: the device that the file is open on. */
        status = pnp_target_of_file(n->file, &n->node);
    }
    if (NT_SUCCESS(status)) {
        *made = n;
        return status;
    }
    mm_free(n);
    return status;
}

static void insert(struct pnp_notification *n)
{
    ke_hold(KE_HELD_PNP_NOTIFICATION, n);
    rl_lock_acquire(&notify_lock);
    n->number = next_number++;
    list_insert_tail(&notifications, &n->link);
    rl_lock_release(&notify_lock);
}

/* One interface that was there already, for this registrant alone. */
static void tell_existing(struct pnp_notification *n, WCHAR *name)
{
    UNICODE_STRING link;
    rtl_init_string(&link, name);
    DEVICE_INTERFACE_CHANGE_NOTIFICATION change = {1, sizeof(change), pnp_guid_interface_arrival, n->class,
                                                   &link};
    rl_lock_acquire(&notify_lock);
    if (!n->leaving) {
        call_locked(n, &change);
        let_go_locked(n);
    }
    rl_lock_release(&notify_lock);
}

/* Behind the insertion, so that none is missed; one that comes meanwhile may be told twice, as documented. */
static NTSTATUS tell_all_existing(struct pnp_notification *n)
{
    WCHAR *list;
    NTSTATUS status = pnp_interface_list(&n->class, NULL, false, tell_all_existing, &list);
    if (!NT_SUCCESS(status))
        return status;
    for (WCHAR *name = list; *name; name += rtl_wcslen(name) + 1)
        /* SR-33: those that are there, before the registration returns. */
        tell_existing(n, name);
    mm_pool_free(list, 0, tell_all_existing);
    return STATUS_SUCCESS;
}

/*
 * Registers a callback for a category of events. STATUS_INVALID_PARAMETER: no such category, or its data is
 * missing; for a target device also what its stack or the PnP manager answers for the file. Owns: the caller,
 * the entry, which holds his driver object. IRQL: PASSIVE_LEVEL. Rules: SR-33, PNP-07d.
 */
EXPORT(ntoskrnl, IoRegisterPlugPlayNotification, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI IoRegisterPlugPlayNotification(IO_NOTIFICATION_EVENT_CATEGORY EventCategory,
                                              ULONG EventCategoryFlags, PVOID EventCategoryData,
                                              PDRIVER_OBJECT DriverObject,
                                              PDRIVER_NOTIFICATION_CALLBACK_ROUTINE CallbackRoutine,
                                              PVOID Context, PVOID *NotificationEntry)
{
    struct pnp_notification *n;
    bool needs_data = EventCategory == EventCategoryDeviceInterfaceChange ||
                      EventCategory == EventCategoryTargetDeviceChange;
    *NotificationEntry = NULL;
    if (EventCategory <= EventCategoryReserved || EventCategory > EventCategoryKernelSoftRestart ||
        (needs_data && !EventCategoryData))
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = make(EventCategory, EventCategoryData, &n);
    if (!NT_SUCCESS(status))
        return status;
    n->routine = CallbackRoutine;
    n->context = Context;
    n->driver = DriverObject;
    /* SR-33: the driver stays while it is registered. */
    ob_reference(DriverObject);
    insert(n);
    *NotificationEntry = n;
    if (EventCategory == EventCategoryDeviceInterfaceChange &&
        EventCategoryFlags & PNPNOTIFY_DEVICE_INTERFACE_INCLUDE_EXISTING_INTERFACES)
        return tell_all_existing(n);
    return STATUS_SUCCESS;
}

/* ---- unregistering ---- */

/* The lock is held. */
static bool runs_elsewhere(const struct pnp_notification *n)
{
    for (LIST_ENTRY *at = n->calls.Flink; at != &n->calls; at = at->Flink)
        if (container_of(at, struct call, link)->thread != ps_current())
            return true;
    return false;
}

/* NULL: no registration of now. The lock is held. */
static struct pnp_notification *find_locked(const void *entry)
{
    for (LIST_ENTRY *at = notifications.Flink; at != &notifications; at = at->Flink) {
        struct pnp_notification *n = container_of(at, struct pnp_notification, link);
        if (n == entry && !n->leaving)
            return n;
    }
    return NULL;
}

static NTSTATUS unregister(void *entry, bool wait)
{
    rl_lock_acquire(&notify_lock);
    struct pnp_notification *n = find_locked(entry);
    if (!n) {
        rl_lock_release(&notify_lock);
        return STATUS_INVALID_PARAMETER;
    }
    /* SR-33: no further calls. */
    n->leaving = true;
    while (wait && runs_elsewhere(n)) {
        rl_lock_release(&notify_lock);
        /* SR-33: nor does one still run, but in this thread. */
        KeWaitForSingleObject(&n->ended, Executive, KernelMode, FALSE, NULL);
        rl_lock_acquire(&notify_lock);
    }
    rl_lock_release(&notify_lock);
    ke_unhold(KE_HELD_PNP_NOTIFICATION, n);
    release(n);
    return STATUS_SUCCESS;
}

/*
 * Ends a registration, and waits while its callback runs in another thread; a callback may end its own.
 * STATUS_INVALID_PARAMETER: there is none. IRQL: PASSIVE_LEVEL. Rules: SR-33.
 */
EXPORT(ntoskrnl, IoUnregisterPlugPlayNotificationEx, PASSIVE_LEVEL, PASSIVE_LEVEL, X_BLOCKS)
NTSTATUS NTAPI IoUnregisterPlugPlayNotificationEx(PVOID NotificationEntry)
{
    return unregister(NotificationEntry, true);
}

/* The same without waiting: a callback that runs may end later. IRQL: PASSIVE_LEVEL. */
EXPORT(ntoskrnl, IoUnregisterPlugPlayNotification, PASSIVE_LEVEL, PASSIVE_LEVEL, X_BLOCKS)
NTSTATUS NTAPI IoUnregisterPlugPlayNotification(PVOID NotificationEntry)
{
    return unregister(NotificationEntry, false);
}
