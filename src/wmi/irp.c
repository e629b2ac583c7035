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
    irp->RequestorMode = KernelMode;
    irp->Tail.Overlay.Thread = (PETHREAD)ps_current();
    next->MajorFunction = IRP_MJ_SYSTEM_CONTROL;
    next->MinorFunction = minor;
    /* MJ-17: who is to answer it; all others pass it on. */
    next->Parameters.WMI.ProviderId = (ULONG_PTR)p->registered;
    /* MJ-17: the block's GUID. */
    next->Parameters.WMI.DataPath = (PVOID)(ULONG_PTR)data_path;
    /* MJ-17: room for the answer. */
    next->Parameters.WMI.BufferSize = bytes;
    next->Parameters.WMI.Buffer = buffer;
}

static NTSTATUS NTAPI completed(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* Not an IRP of a builder: its end would be an APC, and its status block would lie below the driver that
 * asks. */
static NTSTATUS send_to(PDEVICE_OBJECT top, PIRP irp, ULONG_PTR *information)
{
    KEVENT done;
    KeInitializeEvent(&done, NotificationEvent, FALSE);
    IoSetCompletionRoutine(irp, completed, &done, TRUE, TRUE, TRUE);
    IofCallDriver(top, irp);
    KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
    NTSTATUS status = irp->IoStatus.Status;
    *information = irp->IoStatus.Information;
    IoFreeIrp(irp);
    return status;
}

NTSTATUS wmi_send(struct wmi_provider *p, UCHAR minor, const void *data_path, void *buffer, ULONG bytes,
                  ULONG_PTR *information)
{
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;
    *information = 0;
    if (p->callback)
        return call(p, minor, data_path, buffer, bytes, information);
    /* MJ-17: through the whole stack. */
    PDEVICE_OBJECT top = IoGetAttachedDeviceReference(p->registered);
    PIRP irp = IoAllocateIrp(top->StackSize, FALSE);
    if (irp) {
        set_location(irp, p, minor, data_path, buffer, bytes);
        status = send_to(top, irp, information);
    }
    ob_dereference(top);
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
