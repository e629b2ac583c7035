/* SPDX-License-Identifier: MIT */
/*
 * IRPs of the PnP manager: made for a whole stack, sent to its top, waited for.
 * No lock is held.
 */
#include "pnp/watchdog.h"

static NTSTATUS NTAPI completed(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS send_to(PDEVICE_OBJECT top, const IO_STACK_LOCATION *location, ULONG_PTR *information)
{
    KEVENT done;
    struct pnp_watchdog watchdog;
    PIRP irp = IoAllocateIrp(top->StackSize, FALSE);
    if (!irp)
        return STATUS_INSUFFICIENT_RESOURCES;
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);
    *next = *location;
    next->Control = 0;
    /* PH-01, MJ-1B, IRP-12: what it still says at the end if nobody handled it. */
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    irp->IoStatus.Information = information ? *information : 0;
    irp->RequestorMode = KernelMode;
    irp->Tail.Overlay.Thread = (PETHREAD)ps_current();
    KeInitializeEvent(&done, NotificationEvent, FALSE);
    IoSetCompletionRoutine(irp, completed, &done, TRUE, TRUE, TRUE);
    struct pnp_node *node = pnp_node_of_stack(top);
    pnp_watchdog_begin(&watchdog, node, top, irp, "a Plug and Play request");
    IofCallDriver(top, irp);
    /* PH-25: drivers may pend any of them. */
    KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
    pnp_watchdog_end(&watchdog);
    if (node)
        pnp_dereference(node);
    /* PH-03: whoever completed it, the bus driver or one above that failed it, has decided. */
    NTSTATUS status = irp->IoStatus.Status;
    if (information)
        *information = irp->IoStatus.Information;
    IoFreeIrp(irp);
    return status;
}

/* Rules: PH-01, PH-09, IRP-12, MJ-1B. */
NTSTATUS pnp_send(PDEVICE_OBJECT device, const IO_STACK_LOCATION *location, ULONG_PTR *information)
{
    /* PH-07, PH-09: to the top, whatever stands there now. */
    PDEVICE_OBJECT top = IoGetAttachedDeviceReference(device);
    NTSTATUS status = send_to(top, location, information);
    ob_dereference(top);
    return status;
}

NTSTATUS pnp_send_minor(PDEVICE_OBJECT device, UCHAR minor, ULONG_PTR *information)
{
    IO_STACK_LOCATION location = {.MajorFunction = IRP_MJ_PNP, .MinorFunction = minor};
    return pnp_send(device, &location, information);
}
