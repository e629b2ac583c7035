/* SPDX-License-Identifier: MIT */
/* Creation of IRPs: IRP-01..09, IRP-14, IRP-32. Runs in DriverEntry against a stack of three devices. */
#include "stack.h"

static KEVENT done;
static IO_STATUS_BLOCK iosb;
static PIRP seen;
static PVOID seen_buffer, seen_user;
static PMDL seen_mdl;
static ULONG seen_flags;
static KPROCESSOR_MODE seen_mode;
static PVOID seen_thread;
static LARGE_INTEGER seen_offset;
static ULONG seen_length;

static NTSTATUS record(PDEVICE_OBJECT device, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);

    seen = Irp;
    seen_buffer = Irp->AssociatedIrp.SystemBuffer;
    seen_user = Irp->UserBuffer;
    seen_mdl = Irp->MdlAddress;
    seen_flags = Irp->Flags;
    seen_mode = Irp->RequestorMode;
    seen_thread = Irp->Tail.Overlay.Thread;
    if (location->MajorFunction == IRP_MJ_READ || location->MajorFunction == IRP_MJ_WRITE) {
        seen_offset = location->Parameters.Read.ByteOffset;
        seen_length = location->Parameters.Read.Length;
    }
    return complete_with(Irp, STATUS_SUCCESS, 4);
}

static VOID test_allocate(void)
{
    PIRP Irp = IoAllocateIrp(3, FALSE);
    UCHAR *bytes = (UCHAR *)(Irp + 1);
    ULONG i, zero = 1;

    CHECK("IRP-01", Irp != NULL);
    CHECK_EQ("IRP-01", Irp->StackCount, 3);
    CHECK_EQ("IRP-01", Irp->CurrentLocation, 4);
    CHECK_EQ("IRP-01", Irp->Type, IO_TYPE_IRP);
    CHECK_EQ("IRP-01", Irp->Size, sizeof(IRP) + 3 * sizeof(IO_STACK_LOCATION));
    for (i = 0; i < 3 * sizeof(IO_STACK_LOCATION); i++)
        zero &= bytes[i] == 0;
    CHECK("IRP-01", zero);
    CHECK("IRP-01", IsListEmpty(&Irp->ThreadListEntry)); /* tied to no thread */
    CHECK("IRP-01", Irp->Tail.Overlay.Thread == NULL);
    /* IRP-33, IRP-09: the location that comes next lies below the allocated ones' end. */
    CHECK("IRP-33", (PUCHAR)IoGetNextIrpStackLocation(Irp) == bytes + 2 * sizeof(IO_STACK_LOCATION));
    IoSetNextIrpStackLocation(Irp);
    CHECK_EQ("IRP-09", Irp->CurrentLocation, 3);
    CHECK("IRP-09", (PUCHAR)IoGetCurrentIrpStackLocation(Irp) == bytes + 2 * sizeof(IO_STACK_LOCATION));
    IoFreeIrp(Irp);
}

static VOID test_initialize_and_reuse(void)
{
    USHORT size = IoSizeOfIrp(2);
    PIRP Irp = ExAllocatePoolWithTag(NonPagedPool, size, 'tseT');

    RtlFillMemory(Irp, size, 0xCC);
    IoInitializeIrp(Irp, size, 2);
    CHECK_EQ("IRP-06", Irp->StackCount, 2);
    CHECK_EQ("IRP-06", Irp->CurrentLocation, 3);
    CHECK_EQ("IRP-06", Irp->Size, size);
    CHECK_EQ("IRP-06", Irp->Type, IO_TYPE_IRP);
    CHECK("IRP-06", Irp->MdlAddress == NULL && Irp->CancelRoutine == NULL && Irp->IoStatus.Information == 0);
    CHECK("IRP-06", IsListEmpty(&Irp->ThreadListEntry));
    CHECK_EQ("IRP-06", IoGetNextIrpStackLocation(Irp)->Control, 0);
    ExFreePoolWithTag(Irp, 'tseT');

    Irp = IoAllocateIrp(2, FALSE);
    UCHAR allocation = Irp->AllocationFlags;
    Irp->IoStatus.Information = 99;
    Irp->Cancel = TRUE;
    IoSetNextIrpStackLocation(Irp);
    IoGetCurrentIrpStackLocation(Irp)->MajorFunction = IRP_MJ_WRITE;
    IoReuseIrp(Irp, STATUS_NOT_SUPPORTED);
    CHECK_STATUS("IRP-07", Irp->IoStatus.Status, STATUS_NOT_SUPPORTED);
    CHECK_EQ("IRP-07", Irp->IoStatus.Information, 0);
    CHECK_EQ("IRP-07", Irp->Cancel, FALSE);
    CHECK_EQ("IRP-07", Irp->CurrentLocation, 3);
    CHECK_EQ("IRP-07", Irp->StackCount, 2);
    CHECK_EQ("IRP-07", Irp->AllocationFlags, allocation);
    CHECK_EQ("IRP-07", IoGetNextIrpStackLocation(Irp)->MajorFunction, 0);
    IoFreeIrp(Irp);
}

/* IRP-08: the same IRP memory comes back soon: allocate, free, a thousand times over does not run out. */
static VOID test_free(void)
{
    ULONG i;

    for (i = 0; i < 100000; i++) {
        PIRP Irp = IoAllocateIrp(8, FALSE);
        if (Irp == NULL)
            break;
        IoFreeIrp(Irp);
    }
    CHECK_EQ("IRP-08", i, 100000);
}

static VOID test_async_builder(void)
{
    UCHAR buffer[16] = {1, 2, 3, 4};
    LARGE_INTEGER offset = {.QuadPart = 0x123456789};
    PIRP Irp;

    stack_reset();
    layer_of(stack[BOTTOM])->handler = record;
    stack[TOP]->Flags |= DO_BUFFERED_IO;
    iosb.Status = 0x77;
    Irp = IoBuildAsynchronousFsdRequest(IRP_MJ_WRITE, stack[TOP], buffer, sizeof(buffer), &offset, &iosb);
    CHECK("IRP-02", Irp != NULL);
    CHECK_EQ("IRP-02", IoGetNextIrpStackLocation(Irp)->MajorFunction, IRP_MJ_WRITE);
    CHECK_EQ("IRP-02", IoGetNextIrpStackLocation(Irp)->Parameters.Write.Length, sizeof(buffer));
    CHECK_EQ("IRP-02", IoGetNextIrpStackLocation(Irp)->Parameters.Write.ByteOffset.QuadPart, offset.QuadPart);
    CHECK("IRP-02", Irp->AssociatedIrp.SystemBuffer != NULL && Irp->AssociatedIrp.SystemBuffer != buffer);
    CHECK("IRP-02",
          RtlCompareMemory(Irp->AssociatedIrp.SystemBuffer, buffer, sizeof(buffer)) == sizeof(buffer));
    CHECK("IRP-02", Irp->Tail.Overlay.Thread == PsGetCurrentThread());
    CHECK(
        "IRP-02",
        IsListEmpty(&Irp->ThreadListEntry)); /* not queued to the thread: the I/O manager does not free it */
    KeInitializeEvent(&done, NotificationEvent, FALSE);
    IoSetCompletionRoutine(Irp, stop_and_signal, &done, TRUE, TRUE, TRUE);
    CHECK_STATUS("IRP-02", IoCallDriver(stack[TOP], Irp), STATUS_SUCCESS);
    CHECK("IRP-02", KeReadStateEvent(&done) != 0);
    CHECK_STATUS("IRP-02", Irp->IoStatus.Status, STATUS_SUCCESS);
    /* The creator's routine stopped the walk, so the creator frees what was allocated for it. */
    if (Irp->AssociatedIrp.SystemBuffer != NULL && (Irp->Flags & IRP_DEALLOCATE_BUFFER))
        ExFreePool(Irp->AssociatedIrp.SystemBuffer);
    IoFreeIrp(Irp);
    Irp = IoBuildAsynchronousFsdRequest(IRP_MJ_READ, stack[TOP], buffer, sizeof(buffer), &offset, &iosb);
    CHECK("IRP-02", Irp != NULL && Irp->AssociatedIrp.SystemBuffer != NULL && Irp->UserBuffer == buffer);
    CHECK("IRP-02",
          (Irp->Flags & (IRP_BUFFERED_IO | IRP_INPUT_OPERATION)) == (IRP_BUFFERED_IO | IRP_INPUT_OPERATION));
    ExFreePool(Irp->AssociatedIrp.SystemBuffer);
    IoFreeIrp(Irp);
    stack[TOP]->Flags &= ~DO_BUFFERED_IO;

    stack[TOP]->Flags |= DO_DIRECT_IO;
    Irp = IoBuildAsynchronousFsdRequest(IRP_MJ_READ, stack[TOP], buffer, sizeof(buffer), &offset, &iosb);
    CHECK("IRP-02", Irp->MdlAddress != NULL && MmGetMdlByteCount(Irp->MdlAddress) == sizeof(buffer));
    CHECK("IRP-02", Irp->AssociatedIrp.SystemBuffer == NULL);
    MmUnlockPages(Irp->MdlAddress);
    IoFreeMdl(Irp->MdlAddress);
    IoFreeIrp(Irp);
    stack[TOP]->Flags &= ~DO_DIRECT_IO;

    Irp = IoBuildAsynchronousFsdRequest(IRP_MJ_READ, stack[TOP], buffer, sizeof(buffer), &offset, &iosb);
    CHECK("IRP-02", Irp->UserBuffer == buffer && Irp->MdlAddress == NULL);
    IoFreeIrp(Irp);
    Irp = IoBuildAsynchronousFsdRequest(IRP_MJ_FLUSH_BUFFERS, stack[TOP], NULL, 0, NULL, &iosb);
    CHECK_EQ("IRP-02", IoGetNextIrpStackLocation(Irp)->MajorFunction, IRP_MJ_FLUSH_BUFFERS);
    IoFreeIrp(Irp);
}

static NTSTATUS pend_and_complete(PDEVICE_OBJECT device, PIRP Irp)
{
    IoMarkIrpPending(Irp);
    complete_with(Irp, STATUS_SUCCESS, 11);
    return STATUS_PENDING;
}

static NTSTATUS refuse(PDEVICE_OBJECT device, PIRP Irp)
{
    return complete_with(Irp, STATUS_DEVICE_NOT_READY, 0);
}

static VOID test_sync_builder(void)
{
    UCHAR buffer[16] = {0};
    LARGE_INTEGER offset = {.QuadPart = 512};
    NTSTATUS status;
    PIRP Irp;

    stack_reset();
    layer_of(stack[BOTTOM])->handler = record;
    KeInitializeEvent(&done, NotificationEvent, FALSE);
    Irp =
        IoBuildSynchronousFsdRequest(IRP_MJ_READ, stack[TOP], buffer, sizeof(buffer), &offset, &done, &iosb);
    CHECK("IRP-03", Irp != NULL && Irp->UserEvent == &done && Irp->UserIosb == &iosb);
    CHECK("IRP-03", !IsListEmpty(&Irp->ThreadListEntry)); /* queued to the current thread */
    CHECK("IRP-03", Irp->Tail.Overlay.Thread == PsGetCurrentThread());
    status = IoCallDriver(stack[TOP], Irp); /* the I/O manager completes and frees it */
    CHECK_STATUS("IRP-03", status, STATUS_SUCCESS);
    KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
    CHECK_STATUS("IRP-03", iosb.Status, STATUS_SUCCESS);
    CHECK_EQ("IRP-03", iosb.Information, 4);
    CHECK_EQ("IRP-03", seen_offset.QuadPart, 512);
    CHECK_EQ("IRP-03", seen_length, sizeof(buffer));

    /* Pending: the event must be there before the wait returns, the block written. IRP-14: the event began
     * non-signaled. */
    layer_of(stack[BOTTOM])->handler = pend_and_complete;
    KeInitializeEvent(&done, NotificationEvent, FALSE);
    RtlZeroMemory(&iosb, sizeof(iosb));
    Irp = IoBuildSynchronousFsdRequest(IRP_MJ_FLUSH_BUFFERS, stack[TOP], NULL, 0, NULL, &done, &iosb);
    CHECK_EQ("IRP-14", KeReadStateEvent(&done), 0);
    status = IoCallDriver(stack[TOP], Irp);
    CHECK_STATUS("IRP-14", status, STATUS_PENDING);
    KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
    CHECK("IRP-14", KeReadStateEvent(&done) != 0);
    CHECK_EQ("IRP-14", iosb.Information, 11);
}

static VOID test_ioctl_builder(void)
{
    ULONG in = 0x11223344, out = 0;
    ULONG code = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS);
    NTSTATUS status;
    PIRP Irp;

    stack_reset();
    layer_of(stack[BOTTOM])->handler = record;
    KeInitializeEvent(&done, NotificationEvent, FALSE);
    Irp = IoBuildDeviceIoControlRequest(code, stack[TOP], &in, sizeof(in), &out, sizeof(out), FALSE, &done,
                                        &iosb);
    CHECK("IRP-04", Irp != NULL && !IsListEmpty(&Irp->ThreadListEntry));
    CHECK_EQ("IRP-04", IoGetNextIrpStackLocation(Irp)->MajorFunction, IRP_MJ_DEVICE_CONTROL);
    CHECK_EQ("IOC-6", Irp->RequestorMode, KernelMode);
    status = IoCallDriver(stack[TOP], Irp);
    CHECK_STATUS("IRP-04", status, STATUS_SUCCESS);
    KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
    CHECK_EQ("IRP-04", iosb.Information, 4);
    CHECK_EQ("IOC-6", seen_mode, KernelMode);
    CHECK_EQ("IRP-04", out, 0x11223344); /* one buffer: the input comes back as the output, in place */

    Irp = IoBuildDeviceIoControlRequest(code, stack[TOP], NULL, 0, NULL, 0, TRUE, &done, &iosb);
    CHECK_EQ("IRP-04", IoGetNextIrpStackLocation(Irp)->MajorFunction, IRP_MJ_INTERNAL_DEVICE_CONTROL);
    KeClearEvent(&done);
    IoCallDriver(stack[TOP], Irp);
    KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);

    /* IOC-7: the same layout by method for a request of the kernel's. */
    code = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_NEITHER, FILE_ANY_ACCESS);
    KeClearEvent(&done);
    Irp = IoBuildDeviceIoControlRequest(code, stack[TOP], &in, sizeof(in), &out, sizeof(out), FALSE, &done,
                                        &iosb);
    CHECK("IOC-7", IoGetNextIrpStackLocation(Irp)->Parameters.DeviceIoControl.Type3InputBuffer == &in);
    CHECK("IOC-7", Irp->UserBuffer == &out);
    IoCallDriver(stack[TOP], Irp);
    KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
    code = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_OUT_DIRECT, FILE_ANY_ACCESS);
    KeClearEvent(&done);
    Irp = IoBuildDeviceIoControlRequest(code, stack[TOP], &in, sizeof(in), &out, sizeof(out), FALSE, &done,
                                        &iosb);
    CHECK("IOC-7", Irp->MdlAddress != NULL && Irp->AssociatedIrp.SystemBuffer != NULL);
    CHECK("IOC-7", *(ULONG *)Irp->AssociatedIrp.SystemBuffer == in);
    IoCallDriver(stack[TOP], Irp);
    KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
}

/* IRP-87: an error that was not pended touches neither the block nor the event of a driver's synchronous
 * request. */
static VOID test_immediate_error(void)
{
    NTSTATUS status;
    PIRP Irp;

    stack_reset();
    layer_of(stack[BOTTOM])->handler = refuse;
    KeInitializeEvent(&done, NotificationEvent, FALSE);
    iosb.Status = 0x55;
    iosb.Information = 0x66;
    Irp = IoBuildSynchronousFsdRequest(IRP_MJ_FLUSH_BUFFERS, stack[TOP], NULL, 0, NULL, &done, &iosb);
    status = IoCallDriver(stack[TOP], Irp);
    CHECK_STATUS("IRP-87", status, STATUS_DEVICE_NOT_READY);
    CHECK_EQ("IRP-87", iosb.Status, 0x55);
    CHECK_EQ("IRP-87", iosb.Information, 0x66);
    CHECK_EQ("IRP-87", KeReadStateEvent(&done), 0);
}

static KTIMER timer;
static KDPC timer_dpc;

static VOID NTAPI complete_later(PKDPC Dpc, PVOID Irp, PVOID SystemArgument1, PVOID SystemArgument2)
{
    complete_with(Irp, STATUS_SUCCESS, 13);
}

static NTSTATUS pend_and_complete_later(PDEVICE_OBJECT device, PIRP Irp)
{
    LARGE_INTEGER soon = {.QuadPart = -10000};

    IoMarkIrpPending(Irp);
    KeInitializeTimer(&timer);
    KeInitializeDpc(&timer_dpc, complete_later, Irp);
    KeSetTimer(&timer, soon, &timer_dpc);
    return STATUS_PENDING;
}

static VOID test_forward_and_sleep(void)
{
    PIRP Irp = IoAllocateIrp(2, FALSE);

    stack_reset();
    layer_of(stack[BOTTOM])->handler = pend_and_complete_later;
    IoSetNextIrpStackLocation(Irp);
    IoGetCurrentIrpStackLocation(Irp)->MajorFunction = IRP_MJ_FLUSH_BUFFERS;
    CHECK_EQ("IRP-32", IoForwardIrpSynchronously(stack[BOTTOM], Irp), TRUE);
    CHECK_EQ("IRP-32", Irp->IoStatus.Information, 13); /* not before it was completed */
    CHECK_EQ("IRP-32", Irp->CurrentLocation, 2);
    KeFlushQueuedDpcs();
    IoFreeIrp(Irp);
}

static VOID test_forward_synchronously(void)
{
    PIRP Irp;

    stack_reset();
    layer_of(stack[BOTTOM])->handler = pend_and_complete;
    Irp = IoAllocateIrp(2, FALSE);
    IoSetNextIrpStackLocation(Irp); /* a location of our own, as a dispatch routine would have */
    IoGetCurrentIrpStackLocation(Irp)->MajorFunction = IRP_MJ_FLUSH_BUFFERS;
    CHECK_EQ("IRP-32", IoForwardIrpSynchronously(stack[BOTTOM], Irp), TRUE);
    CHECK_EQ("IRP-32", layer_of(stack[BOTTOM])->last_major, IRP_MJ_FLUSH_BUFFERS);
    CHECK_EQ("IRP-32", Irp->IoStatus.Information, 11);
    CHECK_EQ("IRP-32", Irp->CurrentLocation, 2); /* ours again */
    IoFreeIrp(Irp);
    Irp = IoAllocateIrp(1, FALSE);
    IoSetNextIrpStackLocation(Irp);
    CHECK_EQ("IRP-32", IoForwardIrpSynchronously(stack[BOTTOM], Irp), FALSE); /* no location is left */
    IoFreeIrp(Irp);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS status = stack_create(DriverObject);

    if (!NT_SUCCESS(status))
        return status;
    DriverObject->DriverUnload = stack_unload;
    test_allocate();
    test_initialize_and_reuse();
    test_free();
    test_async_builder();
    test_sync_builder();
    test_ioctl_builder();
    test_immediate_error();
    test_forward_synchronously();
    test_forward_and_sleep();
    return STATUS_SUCCESS;
}
