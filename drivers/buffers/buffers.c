/* SPDX-License-Identifier: MIT */
/*
 * buffers: the three ways a read or write buffer reaches a driver, and the
 * four transfer methods of an I/O control code.
 *
 * \Device\BuffersBuffered, ...Direct and ...Neither hold the same 4 KiB of
 * memory; their device objects differ only in DO_BUFFERED_IO, DO_DIRECT_IO or
 * neither flag. Each IOCTL adds one to every byte of its input and puts the
 * result into its output, by the method that its code names.
 */
#include <ntddk.h>

#define MEMORY_BYTES         4096
#define IOCTL_ADD_BUFFERED   CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_ADD_IN_DIRECT  CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_IN_DIRECT, FILE_ANY_ACCESS)
#define IOCTL_ADD_OUT_DIRECT CTL_CODE(FILE_DEVICE_UNKNOWN, 0x802, METHOD_OUT_DIRECT, FILE_ANY_ACCESS)
#define IOCTL_ADD_NEITHER    CTL_CODE(FILE_DEVICE_UNKNOWN, 0x803, METHOD_NEITHER, FILE_ANY_ACCESS)

static UCHAR memory[MEMORY_BYTES];

static const struct {
    PCWSTR name;
    ULONG flags;
} kinds[] = {
    {L"\\Device\\BuffersBuffered", DO_BUFFERED_IO},
    {L"\\Device\\BuffersDirect", DO_DIRECT_IO},
    {L"\\Device\\BuffersNeither", 0},
};

static NTSTATUS complete(PIRP Irp, NTSTATUS status, ULONG_PTR information)
{
    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

/* The caller's buffer as an MDL that is locked and mapped; released by IoFreeMdl after MmUnlockPages. The
 * probe raises an exception for a bad address, so a real driver does this in a __try (see the sample
 * `exceptions`). */
static PMDL lock_user_buffer(PVOID address, ULONG length, LOCK_OPERATION operation)
{
    PMDL mdl = IoAllocateMdl(address, length, FALSE, FALSE, NULL);

    if (mdl != NULL)
        MmProbeAndLockPages(mdl, UserMode, operation);
    return mdl;
}

static VOID unlock_user_buffer(PMDL mdl)
{
    MmUnlockPages(mdl);
    IoFreeMdl(mdl);
}

static NTSTATUS NTAPI dispatch_open(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return complete(Irp, STATUS_SUCCESS, 0);
}

/* Moves between `memory` and the request's buffer, wherever the device's kind has put it. */
static NTSTATUS transfer(PDEVICE_OBJECT DeviceObject, PIRP Irp, ULONG length, BOOLEAN to_caller)
{
    PMDL own = NULL;
    PVOID buffer;

    if (length > MEMORY_BYTES)
        return complete(Irp, STATUS_INVALID_BUFFER_SIZE, 0);
    if (length == 0) /* no buffer of any kind is set up for zero bytes */
        return complete(Irp, STATUS_SUCCESS, 0);

    if (DeviceObject->Flags & DO_BUFFERED_IO) {
        buffer = Irp->AssociatedIrp.SystemBuffer;
    } else if (DeviceObject->Flags & DO_DIRECT_IO) {
        buffer = MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
    } else {
        own = lock_user_buffer(Irp->UserBuffer, length, to_caller ? IoWriteAccess : IoReadAccess);
        buffer = own != NULL ? MmGetSystemAddressForMdlSafe(own, NormalPagePriority) : NULL;
    }
    if (buffer == NULL) {
        if (own != NULL)
            unlock_user_buffer(own);
        return complete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    }
    if (to_caller)
        RtlCopyMemory(buffer, memory, length);
    else
        RtlCopyMemory(memory, buffer, length);
    if (own != NULL)
        unlock_user_buffer(own);
    return complete(Irp, STATUS_SUCCESS, length);
}

static NTSTATUS NTAPI dispatch_read(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return transfer(DeviceObject, Irp, IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length, TRUE);
}

static NTSTATUS NTAPI dispatch_write(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return transfer(DeviceObject, Irp, IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length, FALSE);
}

static VOID add_one(UCHAR *to, const UCHAR *from, ULONG length)
{
    while (length-- != 0)
        *to++ = (UCHAR)(*from++ + 1);
}

static NTSTATUS add_direct(PIRP Irp, ULONG length)
{
    UCHAR *second =
        Irp->MdlAddress != NULL ? MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority) : NULL;

    if (second == NULL)
        return complete(Irp, STATUS_INVALID_PARAMETER, 0);
    add_one(second, Irp->AssociatedIrp.SystemBuffer, length);
    return complete(Irp, STATUS_SUCCESS, length);
}

/* IN_DIRECT: the second buffer is locked for reading, it is more input. Answers with the bytes printed. */
static NTSTATUS show_in_direct(PIRP Irp, ULONG in_length, ULONG second_length)
{
    const UCHAR *second =
        Irp->MdlAddress != NULL ? MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority) : NULL;

    DbgPrint("in-direct: %lu bytes in the system buffer, %lu bytes behind the MDL%s\n", in_length,
             second_length, second != NULL ? "" : " (none)");
    return complete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS add_neither(PIRP Irp, PIO_STACK_LOCATION location, ULONG length)
{
    PMDL in = lock_user_buffer(location->Parameters.DeviceIoControl.Type3InputBuffer, length, IoReadAccess);
    PMDL out = lock_user_buffer(Irp->UserBuffer, length, IoWriteAccess);

    if (in != NULL && out != NULL)
        add_one(MmGetSystemAddressForMdlSafe(out, NormalPagePriority),
                MmGetSystemAddressForMdlSafe(in, NormalPagePriority), length);
    if (in != NULL)
        unlock_user_buffer(in);
    if (out != NULL)
        unlock_user_buffer(out);
    return complete(Irp, STATUS_SUCCESS, length);
}

static NTSTATUS NTAPI dispatch_control(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    ULONG in_length = location->Parameters.DeviceIoControl.InputBufferLength;
    ULONG out_length = location->Parameters.DeviceIoControl.OutputBufferLength;
    ULONG length = min(in_length, out_length);

    switch (location->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_ADD_BUFFERED: /* one system buffer is both: the output overwrites the input */
        add_one(Irp->AssociatedIrp.SystemBuffer, Irp->AssociatedIrp.SystemBuffer, length);
        return complete(Irp, STATUS_SUCCESS, length);
    case IOCTL_ADD_IN_DIRECT:
        return show_in_direct(Irp, in_length, out_length);
    case IOCTL_ADD_OUT_DIRECT:
        return add_direct(Irp, length);
    case IOCTL_ADD_NEITHER:
        return length != 0 ? add_neither(Irp, location, length) : complete(Irp, STATUS_SUCCESS, 0);
    default:
        return complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    while (DriverObject->DeviceObject != NULL)
        IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS status = STATUS_SUCCESS;
    ULONG i;

    DriverObject->MajorFunction[IRP_MJ_CREATE] = dispatch_open;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = dispatch_open;
    DriverObject->MajorFunction[IRP_MJ_READ] = dispatch_read;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = dispatch_write;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = dispatch_control;
    DriverObject->DriverUnload = unload;

    for (i = 0; i < ARRAYSIZE(kinds) && NT_SUCCESS(status); i++) {
        UNICODE_STRING name;
        PDEVICE_OBJECT DeviceObject;

        RtlInitUnicodeString(&name, kinds[i].name);
        status = IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE,
                                &DeviceObject);
        if (NT_SUCCESS(status))
            DeviceObject->Flags |= kinds[i].flags;
    }
    if (!NT_SUCCESS(status))
        unload(DriverObject);
    return status;
}
