/* SPDX-License-Identifier: MIT */
/*
 * Shutdown notification: devices that want IRP_MJ_SHUTDOWN before or after the
 * file systems are flushed. Lock: list_lock (rl_lock), not held across a send.
 */
#include "io/private.h"

struct registration {
    LIST_ENTRY link;
    PDEVICE_OBJECT device; /* referenced */
};

static rl_lock list_lock;
static LIST_ENTRY first_chance = {&first_chance, &first_chance}, last_chance = {&last_chance, &last_chance};

void io_shutdown_reset(void)
{
    list_lock = (rl_lock){0};
    list_init(&first_chance);
    list_init(&last_chance);
}

static NTSTATUS register_device(PDEVICE_OBJECT device, LIST_ENTRY *list)
{
    struct registration *r = mm_alloc(sizeof(*r), IO_STATE_TAG);
    if (!r)
        return STATUS_INSUFFICIENT_RESOURCES;
    ob_reference(device);
    r->device = device;
    rl_lock_acquire(&list_lock);
    /* SR-38: the last one registered is told first. */
    list_insert_head(list, &r->link);
    rl_lock_release(&list_lock);
    device->Flags |= DO_SHUTDOWN_REGISTERED;
    return STATUS_SUCCESS;
}

/* IRQL: PASSIVE_LEVEL. Rules: SR-38, MJ-10. */
EXPORT(ntoskrnl, IoRegisterShutdownNotification, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI IoRegisterShutdownNotification(PDEVICE_OBJECT DeviceObject)
{
    return register_device(DeviceObject, &first_chance);
}

/* IRQL: PASSIVE_LEVEL. Rules: SR-39, MJ-10. */
EXPORT(ntoskrnl, IoRegisterLastChanceShutdownNotification, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI IoRegisterLastChanceShutdownNotification(PDEVICE_OBJECT DeviceObject)
{
    return register_device(DeviceObject, &last_chance);
}

/* Any registration when device is NULL. */
static struct registration *take(LIST_ENTRY *list, PDEVICE_OBJECT device)
{
    struct registration *found = NULL;
    rl_lock_acquire(&list_lock);
    list_for_each(it, list)
    {
        struct registration *r = container_of(it, struct registration, link);
        if (!device || r->device == device) {
            list_remove(it);
            found = r;
            break;
        }
    }
    rl_lock_release(&list_lock);
    return found;
}

static void forget(LIST_ENTRY *list, PDEVICE_OBJECT device)
{
    for (struct registration *r; (r = take(list, device)) != NULL;) {
        mm_free(r);
        ob_dereference(device);
    }
}

/* Both kinds. IRQL: PASSIVE_LEVEL. Rules: DO-59. */
EXPORT(ntoskrnl, IoUnregisterShutdownNotification, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
VOID NTAPI IoUnregisterShutdownNotification(PDEVICE_OBJECT DeviceObject)
{
    /* DO-59: of the first kind, */
    forget(&first_chance, DeviceObject);
    /* DO-59: and of the last. */
    forget(&last_chance, DeviceObject);
    DeviceObject->Flags &= ~(ULONG)DO_SHUTDOWN_REGISTERED;
}

void io_shutdown_forget(PDEVICE_OBJECT device)
{
    if (device->Flags & DO_SHUTDOWN_REGISTERED)
        IoUnregisterShutdownNotification(device);
}

static void send_shutdown(PDEVICE_OBJECT registered)
{
    PDEVICE_OBJECT top = IoGetAttachedDeviceReference(registered);
    IO_STATUS_BLOCK iosb;
    KEVENT event;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    PIRP irp = IoBuildSynchronousFsdRequest(IRP_MJ_SHUTDOWN, top, NULL, 0, NULL, &event, &iosb);
    /* MJ-10, DI-10, DR-08: at PASSIVE_LEVEL through the whole stack, one device after the other. */
    if (irp && IofCallDriver(top, irp) == STATUS_PENDING)
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
    ob_dereference(top);
}

void io_send_shutdown(bool last)
{
    for (struct registration *r; (r = take(last ? &last_chance : &first_chance, NULL)) != NULL; mm_free(r)) {
        send_shutdown(r->device);
        ob_dereference(r->device);
    }
}
