/* SPDX-License-Identifier: MIT */
/*
 * Sending an IRP to a device: the next location becomes current and the
 * driver's dispatch routine is called; and what stands in a slot that the
 * driver left alone. No lock: an IRP has one owner at a time.
 */
#include "io/private.h"

void NTAPI io_irp_violation(ULONG subcode, const IRP *irp, const char *sentence)
{
    if (seam_vf && seam_vf->irp_violation)
        seam_vf->irp_violation(DRIVER_VERIFIER_IOMANAGER_VIOLATION, subcode, irp, sentence);
}

_Noreturn void NTAPI io_irp_bugcheck(ULONG code, const IRP *irp, const void *device, ULONG64 p2, ULONG64 p3,
                                     ULONG64 p4, const char *sentence)
{
    struct ke_bugcheck_info info = {
        .code = code,
        .p = {(ULONG_PTR)irp, p2, p3, p4},
        .sentence = sentence,
        .irp = irp,
        .device = device,
    };
    if (code == BAD_POOL_CALLER) {
        info.p[0] = 0x7; /* a block that is already free */
        info.p[1] = 0;
        info.p[2] = IO_TYPE_IRP;
        info.p[3] = (ULONG_PTR)irp;
    }
    ke_bugcheck(&info);
}

/* What an unset MajorFunction slot holds. Rules: REQ-02, MJ (default handler). */
NTSTATUS NTAPI io_invalid_device_request(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    /* REQ-02, REQ-03, REQ-17: the driver has nothing for this request. */
    Irp->IoStatus.Status = STATUS_INVALID_DEVICE_REQUEST;
    /* REQ-02: and transferred nothing. */
    Irp->IoStatus.Information = 0;
    IofCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_INVALID_DEVICE_REQUEST;
}

static void check_sendable(PDEVICE_OBJECT device, PIRP irp)
{
    if (unlikely(irp->Type != IO_TYPE_IRP))
        io_irp_violation(0x03, irp, "IoCallDriver was called with something that is not an IRP");
    if (unlikely(!device || device->Type != IO_TYPE_DEVICE))
        io_irp_violation(0x04, irp, "IoCallDriver was called with something that is not a device object");
}

/* A file that was opened before, or whose open was given up, cannot be opened. */
static void check_create(PIRP irp, const IO_STACK_LOCATION *location)
{
    const FILE_OBJECT *file = location->FileObject;
    ULONG over = FO_HANDLE_CREATED | FO_FILE_OPEN_CANCELLED | FO_CLEANUP_COMPLETE;
    if (location->MajorFunction != IRP_MJ_CREATE)
        return;
    /* IRP-31: it has a handle, or had one. */
    if (unlikely(file && file->Flags & over))
        io_irp_violation(
            0x0F, irp, "IRP_MJ_CREATE was sent with a file object that is closed or whose open was canceled");
}

/* What a driver may pass on above APC_LEVEL. */
static bool may_go_down_high(UCHAR major)
{
    return major == IRP_MJ_POWER || major == IRP_MJ_READ || major == IRP_MJ_WRITE ||
           major == IRP_MJ_DEVICE_CONTROL || major == IRP_MJ_INTERNAL_DEVICE_CONTROL;
}

/* A driver had it before if its first location is used up. */
static void check_forwarding(const IRP *irp, UCHAR major)
{
    if (irp->CurrentLocation >= irp->StackCount || may_go_down_high(major))
        return;
    /* DI-11: the drivers below expect to be called at APC_LEVEL at most. */
    if (unlikely(ke_irql() > APC_LEVEL))
        io_irp_violation(
            0x23A, irp,
            "a driver forwarded an IRP above APC_LEVEL whose major code is not allowed there (READ, WRITE, "
            "DEVICE_CONTROL, INTERNAL_DEVICE_CONTROL and POWER are)");
}

static PDRIVER_DISPATCH dispatch_of(PDEVICE_OBJECT device, UCHAR major)
{
    /* SR-05: the slot of the request's major code. */
    return major <= IRP_MJ_MAXIMUM_FUNCTION ? device->DriverObject->MajorFunction[major]
                                            : io_invalid_device_request;
}

/* NTAPI as what is called from it: else every sending saves and restores ten vector registers. */
static NTSTATUS NTAPI call_dispatch(PDRIVER_DISPATCH dispatch, PDEVICE_OBJECT device, PIRP irp)
{
    struct ke_request above = ke_request_begin(irp, device);
    uint64_t cookie = ke_callout_enter("dispatch", dispatch);
    /* DI-01, DI-02, DI-03, DI-08, IRP-22, IRP-28: in the caller's thread, at its IRQL. */
    NTSTATUS status = dispatch(device, irp);
    ke_callout_leave("dispatch", dispatch, cookie);
    ke_request_end(above);
    return status;
}

static __attribute__((noinline)) NTSTATUS NTAPI call_watched(PDRIVER_DISPATCH dispatch, PDEVICE_OBJECT device,
                                                             PIRP irp)
{
    struct vf_sent sent;
    seam_vf->irp_sent(&sent, irp, device, dispatch);
    NTSTATUS status = call_dispatch(dispatch, device, irp);
    seam_vf->irp_returned(&sent, status);
    return status;
}

/*
 * Sends the IRP, whose next location the caller has prepared, to DeviceObject.
 * Owns: the driver, from here on (IRP-28). IRQL: <= DISPATCH_LEVEL (IRP-22).
 * Rules: IRP-20, IRP-21, IRP-23, REQ-04, SR-05.
 */
EXPORT(ntoskrnl, IofCallDriver, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
NTSTATUS NTAPI IofCallDriver(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    check_sendable(DeviceObject, Irp);
    /* IRP-21: before anything is written. */
    if (unlikely(Irp->CurrentLocation <= 1))
        io_irp_bugcheck(NO_MORE_IRP_STACK_LOCATIONS, Irp, DeviceObject, 0, 0, 0,
                        "a driver sent an IRP that has no stack location left for the next driver");
    /* IRP-20: one location down. */
    Irp->CurrentLocation--;
    /* IRP-20, IRP-23, IRP-24, IRP-25, IRP-26: and the pointer, to what the caller copied or skipped to. */
    PIO_STACK_LOCATION location = --Irp->Tail.Overlay.CurrentStackLocation;
    /* IRP-20: the location says whose it is. */
    location->DeviceObject = DeviceObject;
    check_create(Irp, location);
    check_forwarding(Irp, location->MajorFunction);
    /* SR-05, DR-01, DR-02, DR-03, DR-07, MJ-18, REQ-04, REQ-10, REQ-12, IRP-30: what the slot holds now. */
    PDRIVER_DISPATCH dispatch = dispatch_of(DeviceObject, location->MajorFunction);
    TRACE(TRACE_IRP_SENT, Irp, .a = (ULONG_PTR)DeviceObject);
    NTSTATUS status;
    if (unlikely(seam_vf != NULL && seam_vf->irp_sent != NULL))
        status = call_watched(dispatch, DeviceObject, Irp);
    else
        status = call_dispatch(dispatch, DeviceObject, Irp);
    if (status == STATUS_PENDING)
        TRACE(TRACE_IRP_PENDED, Irp, .a = (ULONG_PTR)DeviceObject);
    TRACE(TRACE_IRP_RETURNED, Irp, .a = (ULONG_PTR)DeviceObject, .b = (ULONG64)(LONG64)status);
    /* IRP-20, IRP-40, IRP-43, IRP-44, IRP-48, IRP-49, DR-04, DR-06: unchanged, whatever became of the IRP. */
    return status;
}

/* Older drivers import it under this name. */
EXPORT(ntoskrnl, IoCallDriver, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
NTSTATUS NTAPI IoCallDriver(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return IofCallDriver(DeviceObject, Irp);
}

static NTSTATUS NTAPI forwarded(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    if (Irp->PendingReturned)
        KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/*
 * Sends a copy of the caller's location down and waits. TRUE: the IRP is back with the caller, completed
 * below. IRQL: <= APC_LEVEL. Rules: IRP-32.
 */
EXPORT(ntoskrnl, IoForwardIrpSynchronously, PASSIVE_LEVEL, APC_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
BOOLEAN NTAPI IoForwardIrpSynchronously(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    /* IRP-32: no next location. */
    if (Irp->CurrentLocation <= 1)
        return FALSE;
    KEVENT back;
    KeInitializeEvent(&back, SynchronizationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, forwarded, &back, TRUE, TRUE, TRUE);
    NTSTATUS status = IofCallDriver(DeviceObject, Irp);
    if (status == STATUS_PENDING)
        /* IRP-32: until the lower driver completes it. */
        KeWaitForSingleObject(&back, Executive, KernelMode, FALSE, NULL);
    return TRUE;
}
