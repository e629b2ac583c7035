/* SPDX-License-Identifier: MIT */
/* leaver: no mistake. For a write, a thread sends a read to \\Device\\Broken, does not wait for it, and ends.
 */
#include "broken.h"

static UCHAR buffer[4];
static IO_STATUS_BLOCK result;
static HANDLE opened;

static VOID NTAPI ask_and_end(PVOID Context)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Broken");
    LARGE_INTEGER offset = {.QuadPart = 0};
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK iosb;

    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, NULL, NULL);
    if (NT_SUCCESS(
            ZwCreateFile(&opened, GENERIC_READ, &attributes, &iosb, NULL, 0, 0, FILE_OPEN, 0, NULL, 0)))
        ZwReadFile(opened, NULL, NULL, NULL, &result, buffer, sizeof(buffer), &offset, NULL);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID run_thread(VOID)
{
    HANDLE handle;
    PVOID thread;

    if (!NT_SUCCESS(PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, ask_and_end, NULL)))
        return;
    ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, NULL, KernelMode, &thread, NULL);
    ZwClose(handle);
    KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(thread);
    ZwClose(opened);
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (major_of(Irp) == IRP_MJ_WRITE)
        run_thread();
    return finish(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Leaver");
    PDEVICE_OBJECT device;
    ULONG i;

    for (i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        DriverObject->MajorFunction[i] = dispatch;
    DriverObject->DriverUnload = delete_devices;
    return IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE,
                          &device);
}
