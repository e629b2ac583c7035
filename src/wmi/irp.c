/* SPDX-License-Identifier: MIT */
/*
 * Requests to a provider: IRP_MJ_SYSTEM_CONTROL to the top of its device's
 * stack, or a call of its callback; one at a time by whoever asks, who waits.
 * No lock is held.
 */
#include "wmi/private.h"

static NTSTATUS call(struct wmi_provider *p, UCHAR minor, const void *data_path, void *buffer, ULONG bytes,
                     ULONG_PTR *information)
{
    ULONG size = 0;
    uint64_t cookie = ke_callout_enter("WMI callback", (const void *)p->callback);
    NTSTATUS status = p->callback(minor, (PVOID)(ULONG_PTR)data_path, bytes, buffer, p->registered, &size);
    ke_callout_leave("WMI callback", (const void *)p->callback, cookie);
    *information = size;
    return status;
}

static void set_location(PIRP irp, const struct wmi_provider *p, UCHAR minor, const void *data_path,
                         void *buffer, ULONG bytes)
{
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);
    /* IRP-12: as it stays if nobody knows the request. */
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    next->MinorFunction = minor;
    /* MJ-17: who is to answer it; all others pass it on. */
    next->Parameters.WMI.ProviderId = (ULONG_PTR)p->registered;
    /* MJ-17: the block's GUID. */
    next->Parameters.WMI.DataPath = (PVOID)(ULONG_PTR)data_path;
    /* MJ-17: room for the answer. */
    next->Parameters.WMI.BufferSize = bytes;
    next->Parameters.WMI.Buffer = buffer;
}

NTSTATUS wmi_send(struct wmi_provider *p, UCHAR minor, const void *data_path, void *buffer, ULONG bytes,
                  ULONG_PTR *information)
{
    IO_STATUS_BLOCK iosb = {0};
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;
    KEVENT event;
    if (p->callback)
        return call(p, minor, data_path, buffer, bytes, information);
    /* MJ-17: through the whole stack. */
    PDEVICE_OBJECT top = IoGetAttachedDeviceReference(p->registered);
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    PIRP irp = IoBuildSynchronousFsdRequest(IRP_MJ_SYSTEM_CONTROL, top, NULL, 0, NULL, &event, &iosb);
    if (irp) {
        set_location(irp, p, minor, data_path, buffer, bytes);
        status = IofCallDriver(top, irp);
        if (status == STATUS_PENDING) {
            KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
            status = iosb.Status;
        }
    }
    ob_dereference(top);
    *information = iosb.Information;
    return status;
}

struct passive {
    struct ex_work work;
    NTSTATUS (*fn)(void *);
    void *context;
    NTSTATUS status;
    KEVENT done;
};

static void run_passive(void *context)
{
    struct passive *call = context;
    call->status = call->fn(call->context);
    KeSetEvent(&call->done, 0, FALSE);
}

NTSTATUS wmi_at_passive(NTSTATUS (*fn)(void *), void *context)
{
    struct passive call = {.fn = fn, .context = context};
    if (ke_irql() == PASSIVE_LEVEL && !KeAreAllApcsDisabled())
        return fn(context);
    KeInitializeEvent(&call.done, NotificationEvent, FALSE);
    ex_queue_work(&call.work, run_passive, &call);
    KeWaitForSingleObject(&call.done, Executive, KernelMode, FALSE, NULL);
    return call.status;
}
