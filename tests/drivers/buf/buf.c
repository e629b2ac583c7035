/* SPDX-License-Identifier: MIT */
/* Where a request's buffers are, by device flag and by control code: BUF-01..08, IOC-0..3. */
#include <ntifs.h>
#include "target.h"

static UCHAR data[64];
static UCHAR seen_bytes[64];
static ULONG seen_count;
static PVOID seen_mapped;
static PVOID seen_type3;
static USHORT seen_mdl_flags;
static ULONG seen_mdl_bytes, seen_in, seen_out;

static NTSTATUS record(PDEVICE_OBJECT device, PIRP Irp, PIO_STACK_LOCATION location)
{
    PVOID from = NULL;

    seen_mapped = NULL;
    seen_mdl_flags = 0;
    seen_mdl_bytes = 0;
    seen_count = location->MajorFunction == IRP_MJ_DEVICE_CONTROL
                     ? location->Parameters.DeviceIoControl.InputBufferLength
                     : location->Parameters.Write.Length;
    if (location->MajorFunction == IRP_MJ_DEVICE_CONTROL) {
        seen_type3 = location->Parameters.DeviceIoControl.Type3InputBuffer;
        seen_in = location->Parameters.DeviceIoControl.InputBufferLength;
        seen_out = location->Parameters.DeviceIoControl.OutputBufferLength;
    }
    if (Irp->MdlAddress != NULL) {
        seen_mdl_flags = (USHORT)Irp->MdlAddress->MdlFlags;
        seen_mdl_bytes = MmGetMdlByteCount(Irp->MdlAddress);
        seen_mapped = MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
    }
    if (Irp->AssociatedIrp.SystemBuffer != NULL)
        from = Irp->AssociatedIrp.SystemBuffer;
    else if (seen_mapped != NULL)
        from = seen_mapped;
    if (from != NULL)
        RtlCopyMemory(seen_bytes, from, min(seen_count, sizeof(seen_bytes)));
    if (seen_mapped != NULL && location->MajorFunction == IRP_MJ_READ)
        RtlFillMemory(seen_mapped, location->Parameters.Read.Length, 'D');
    if (Irp->AssociatedIrp.SystemBuffer != NULL && location->MajorFunction == IRP_MJ_READ)
        RtlFillMemory(Irp->AssociatedIrp.SystemBuffer, location->Parameters.Read.Length, 'B');
    return complete_with(Irp, STATUS_SUCCESS,
                         location->MajorFunction == IRP_MJ_DEVICE_CONTROL ? seen_out : seen_count);
}

static NTSTATUS transfer(HANDLE handle, BOOLEAN write, PVOID buffer, ULONG length)
{
    LARGE_INTEGER zero = {.QuadPart = 0};
    IO_STATUS_BLOCK iosb;

    if (write)
        return ZwWriteFile(handle, NULL, NULL, NULL, &iosb, buffer, length, &zero, NULL);
    return ZwReadFile(handle, NULL, NULL, NULL, &iosb, buffer, length, &zero, NULL);
}

static VOID fill(void)
{
    ULONG i;

    for (i = 0; i < sizeof(data); i++)
        data[i] = (UCHAR)(i + 1);
}

static VOID test_read_write(HANDLE handle)
{
    fill();
    target_device->Flags |= DO_BUFFERED_IO;
    transfer(handle, TRUE, data, 16);
    CHECK("BUF-01", saw.system_buffer != NULL && saw.system_buffer != data);
    CHECK("BUF-01", saw.mdl == NULL);
    CHECK("BUF-01", RtlCompareMemory(seen_bytes, data, 16) == 16); /* copied in before the call */
    CHECK("BUF-01", MmIsNonPagedSystemAddressValid(saw.system_buffer));
    transfer(handle, FALSE, data, 16);
    CHECK("BUF-01", data[0] == 'B' && data[15] == 'B' && data[16] == 17);
    transfer(handle, FALSE, data, 0);
    CHECK("BUF-06", saw.system_buffer == NULL);
    saw.major = 0xFF;
    CHECK_STATUS("BUF-01", transfer(handle, FALSE, data, 0x40000000), STATUS_INSUFFICIENT_RESOURCES);
    CHECK_STATUS("BUF-01", transfer(handle, TRUE, data, 0x40000000), STATUS_INSUFFICIENT_RESOURCES);
    CHECK_EQ("BUF-01", saw.major, 0xFF);

    /* BUF-05: both flags: buffered is tested first. */
    fill();
    target_device->Flags |= DO_DIRECT_IO;
    transfer(handle, TRUE, data, 16);
    CHECK("BUF-05", saw.system_buffer != NULL && saw.mdl == NULL);
    target_device->Flags &= ~DO_BUFFERED_IO;

    transfer(handle, TRUE, data, 24);
    CHECK("BUF-02", saw.mdl != NULL && saw.system_buffer == NULL);
    CHECK_EQ("BUF-02", seen_mdl_bytes, 24);
    CHECK("BUF-02", (seen_mdl_flags & MDL_PAGES_LOCKED) != 0);
    CHECK("BUF-02", RtlCompareMemory(seen_bytes, data, 24) == 24);
    CHECK_EQ("BUF-02", seen_mdl_flags & MDL_WRITE_OPERATION, 0); /* a write reads the buffer */
    transfer(handle, FALSE, data, 24);
    CHECK("BUF-02", data[0] == 'D' && data[23] == 'D' && data[24] == 25); /* in place */
    CHECK("BUF-02", (seen_mdl_flags & MDL_WRITE_OPERATION) != 0);
    saw.major = 0xFF;
    CHECK_STATUS("BUF-02", transfer(handle, FALSE, (PVOID)0x10, 24),
                 STATUS_ACCESS_VIOLATION); /* nothing there to lock */
    CHECK_EQ("BUF-02", saw.major, 0xFF);
    transfer(handle, FALSE, data, 0);
    CHECK("BUF-04", saw.mdl == NULL && saw.system_buffer == NULL);
    target_device->Flags &= ~DO_DIRECT_IO;

    transfer(handle, TRUE, data, 16);
    CHECK("BUF-03", saw.user_buffer == data && saw.mdl == NULL && saw.system_buffer == NULL);
    transfer(handle, FALSE, (PVOID)0x10, 16); /* not probed for a kernel caller, nor touched */
    CHECK("BUF-03", saw.user_buffer == (PVOID)0x10);
}

static NTSTATUS control(HANDLE handle, ULONG method, PVOID in, ULONG in_length, PVOID out, ULONG out_length)
{
    IO_STATUS_BLOCK iosb;

    return ZwDeviceIoControlFile(handle, NULL, NULL, NULL, &iosb,
                                 CTL_CODE(FILE_DEVICE_UNKNOWN, 0x900, method, FILE_ANY_ACCESS), in, in_length,
                                 out, out_length);
}

static VOID test_methods(HANDLE handle)
{
    UCHAR out[64];

    fill();
    RtlZeroMemory(out, sizeof(out));
    control(handle, METHOD_BUFFERED, data, 8, out, 32);
    CHECK("IOC-0", saw.system_buffer != NULL && saw.mdl == NULL);
    CHECK("IOC-0", seen_in == 8 && seen_out == 32);
    CHECK("IOC-0", RtlCompareMemory(seen_bytes, data, 8) == 8);
    CHECK("IOC-0",
          RtlCompareMemory(out, data, 8) == 8); /* one allocation: the input is what was left in the output */
    control(handle, METHOD_BUFFERED, NULL, 0, NULL, 0);
    CHECK("IOC-0", saw.system_buffer == NULL);

    CHECK_STATUS("IOC-0", control(handle, METHOD_BUFFERED, data, 8, out, 0x40000000),
                 STATUS_INSUFFICIENT_RESOURCES);
    CHECK_STATUS("IOC-1", control(handle, METHOD_IN_DIRECT, data, 8, (PVOID)0x10, 32),
                 STATUS_ACCESS_VIOLATION);
    CHECK_STATUS("IOC-2", control(handle, METHOD_OUT_DIRECT, data, 8, (PVOID)0x10, 32),
                 STATUS_ACCESS_VIOLATION);

    control(handle, METHOD_IN_DIRECT, data, 8, out, 32);
    CHECK("IOC-1", saw.system_buffer != NULL && saw.mdl != NULL && seen_mdl_bytes == 32);
    CHECK("IOC-1", RtlCompareMemory(seen_bytes, data, 8) == 8);
    CHECK_EQ("IOC-1", seen_mdl_flags & MDL_WRITE_OPERATION, 0);

    control(handle, METHOD_OUT_DIRECT, data, 8, out, 32);
    CHECK("IOC-2", saw.system_buffer != NULL && saw.mdl != NULL && seen_mdl_bytes == 32);
    CHECK("IOC-2", (seen_mdl_flags & MDL_WRITE_OPERATION) != 0);
    control(handle, METHOD_OUT_DIRECT, data, 8, NULL, 0);
    CHECK("IOC-2", saw.mdl == NULL);

    control(handle, METHOD_NEITHER, data, 8, out, 32);
    CHECK("IOC-3", seen_type3 == data && saw.user_buffer == out);
    CHECK("IOC-3", saw.system_buffer == NULL && saw.mdl == NULL);
}

/* BUF-07, BUF-08: the method is that of the top of the stack, and all layers see the same buffer. */
static PDEVICE_OBJECT filter;
static PVOID filter_buffer;
static PMDL filter_mdl;

static NTSTATUS NTAPI filter_dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (DeviceObject != filter)
        return target_dispatch(DeviceObject, Irp);
    filter_buffer = Irp->AssociatedIrp.SystemBuffer;
    filter_mdl = Irp->MdlAddress;
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(target_device, Irp);
}

static VOID test_stack(PDRIVER_OBJECT driver)
{
    HANDLE handle;
    ULONG i;

    CHECK_STATUS("BUF-08", IoCreateDevice(driver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &filter),
                 STATUS_SUCCESS);
    for (i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        driver->MajorFunction[i] = filter_dispatch;
    filter->Flags |= DO_DIRECT_IO;
    filter->Flags &= ~DO_DEVICE_INITIALIZING;
    target_device->Flags |= DO_BUFFERED_IO;
    CHECK("BUF-08", IoAttachDeviceToDeviceStack(filter, target_device) == target_device);
    handle = open_target();
    transfer(handle, TRUE, data, 16);
    CHECK("BUF-08", filter_mdl != NULL && filter_buffer == NULL);
    CHECK("BUF-07", saw.mdl == filter_mdl && saw.system_buffer == NULL);
    ZwClose(handle);
    IoDetachDevice(target_device);
    IoDeleteDevice(filter);
    target_device->Flags &= ~DO_BUFFERED_IO;
}

static PDRIVER_OBJECT driver_object;

static VOID run_tests(PIRP Irp)
{
    HANDLE handle;

    target_handler = target_succeed;
    handle = open_target();
    target_handler = record;
    test_read_write(handle);
    test_methods(handle);
    target_handler = target_succeed;
    ZwClose(handle);
    target_handler = record;
    test_stack(driver_object);
    target_handler = target_succeed;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    driver_object = DriverObject;
    return target_create(DriverObject);
}
