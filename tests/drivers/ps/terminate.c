/* SPDX-License-Identifier: MIT */
/*
 * ZwTerminateProcess: a device control ends the process of its caller, from a
 * thread of the system (0), in its own dispatch routine with the IRP neither
 * completed nor pended (1), or completed (2), or pended and left to its cancel
 * routine (3). 4: a thread that waits in user mode; 5: all threads but the
 * caller. A file with a name ends it in IRP_MJ_CREATE. A thread that watches says
 * what came of it when the process object is signaled; the driver's unload
 * waits for that.
 */
#include "../rltest.h"
#include <ntifs.h>

#define PROCESS_TERMINATE 0x0001
#define EXIT_STATUS       ((NTSTATUS)0x1234)
#define NAME(text)        ((UNICODE_STRING){sizeof(text) - 2, sizeof(text), (PWCH)text})

NTSYSAPI NTSTATUS NTAPI ZwTerminateProcess(HANDLE, NTSTATUS);
NTSYSAPI NTSTATUS NTAPI ZwQueryInformationProcess(HANDLE, PROCESSINFOCLASS, PVOID, ULONG, PULONG);
NTKERNELAPI NTSTATUS NTAPI PsGetProcessExitStatus(PEPROCESS);

static UNICODE_STRING device_name = NAME(u"\\Device\\Ended");
static PDEVICE_OBJECT device;
static PEPROCESS process;
static HANDLE process_id;
static PVOID watcher;
static KEVENT kill, never;
static volatile LONG opened, cleaned, closed, threads_ended, processes_ended, told_signaled, canceled;
static volatile LONG cleaned_when_told;

static VOID NTAPI process_notify(HANDLE ParentId, HANDLE ProcessId, BOOLEAN Create)
{
    if (Create || ProcessId != process_id)
        return;
    InterlockedIncrement(&processes_ended);
    told_signaled = KeReadStateEvent((PRKEVENT)process);
    cleaned_when_told = cleaned;
}

static VOID NTAPI thread_notify(HANDLE ProcessId, HANDLE ThreadId, BOOLEAN Create)
{
    if (!Create && ProcessId == process_id && !processes_ended)
        InterlockedIncrement(&threads_ended);
}

static NTSTATUS open_process(HANDLE id, HANDLE *handle)
{
    CLIENT_ID client = {id, NULL};
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    return ZwOpenProcess(handle, PROCESS_ALL_ACCESS, &attributes, &client);
}

/* ---- what comes of it ---- */

static void check_exit_status(HANDLE handle)
{
    PROCESS_BASIC_INFORMATION basic = {0};
    CHECK_STATUS("SR-48", PsGetProcessExitStatus(process), EXIT_STATUS);
    CHECK_STATUS("SR-48",
                 ZwQueryInformationProcess(handle, ProcessBasicInformation, &basic, sizeof(basic), NULL),
                 STATUS_SUCCESS);
    CHECK_STATUS("SR-48", basic.ExitStatus, EXIT_STATUS);
}

static VOID NTAPI watch(PVOID Context)
{
    LARGE_INTEGER minute = {.QuadPart = -600000000};
    PVOID both[] = {process, &kill};
    HANDLE handle;
    CHECK_STATUS("SR-48", open_process(process_id, &handle), STATUS_SUCCESS);
    if (KeWaitForMultipleObjects(2, both, WaitAny, Executive, KernelMode, FALSE, NULL, NULL) == STATUS_WAIT_1)
        CHECK_STATUS("SR-48", ZwTerminateProcess(handle, EXIT_STATUS), STATUS_SUCCESS);
    CHECK_STATUS("SR-48", ZwTerminateProcess(handle, STATUS_SUCCESS), STATUS_PROCESS_IS_TERMINATING);
    CHECK_STATUS("SR-48", KeWaitForSingleObject(process, Executive, KernelMode, FALSE, &minute),
                 STATUS_SUCCESS);
    check_exit_status(handle);
    CHECK_EQ("SR-48", processes_ended, 1);
    CHECK_EQ("SR-48", told_signaled, 0);
    CHECK("SR-48", cleaned_when_told < cleaned);
    CHECK("SR-48", threads_ended > 0);
    CHECK_EQ("SR-48", cleaned, opened);
    CHECK_EQ("SR-48", closed, opened);
    CHECK_STATUS("SR-48", ZwTerminateProcess(handle, STATUS_SUCCESS), STATUS_PROCESS_IS_TERMINATING);
    CHECK_STATUS("SR-48", PsGetProcessExitStatus(process), EXIT_STATUS);
    ZwClose(handle);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static void start_watching(void)
{
    OBJECT_ATTRIBUTES attributes;
    HANDLE handle;
    process = PsGetCurrentProcess();
    process_id = PsGetCurrentProcessId();
    ObReferenceObject(process);
    InitializeObjectAttributes(&attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, &attributes, NULL, NULL, watch, NULL);
    ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, NULL, KernelMode, &watcher, NULL);
    ZwClose(handle);
}

/* ---- the device ---- */

static NTSTATUS finish(PIRP Irp, NTSTATUS status)
{
    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

static NTSTATUS NTAPI handles(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UCHAR major = IoGetCurrentIrpStackLocation(Irp)->MajorFunction;
    if (major == IRP_MJ_CREATE && !process)
        start_watching();
    if (major == IRP_MJ_CREATE && IoGetCurrentIrpStackLocation(Irp)->FileObject->FileName.Length) {
        ZwTerminateProcess(ZwCurrentProcess(), EXIT_STATUS);
        CHECK("SR-48", !"ZwTerminateProcess returned");
    }
    InterlockedIncrement(major == IRP_MJ_CREATE ? &opened : major == IRP_MJ_CLEANUP ? &cleaned : &closed);
    if (major != IRP_MJ_CREATE)
        CHECK("SR-48", PsGetCurrentProcess() == process);
    return finish(Irp, STATUS_SUCCESS);
}

static VOID NTAPI cancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    InterlockedIncrement(&canceled);
    finish(Irp, STATUS_CANCELLED);
}

static NTSTATUS NTAPI read(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IoMarkIrpPending(Irp);
    IoSetCancelRoutine(Irp, cancel);
    return STATUS_PENDING;
}

static NTSTATUS NTAPI control(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    switch (IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.IoControlCode) {
    case RL_IOCTL(0):
        KeSetEvent(&kill, IO_NO_INCREMENT, FALSE);
        KeWaitForSingleObject(process, Executive, UserMode, FALSE, NULL);
        return finish(Irp, STATUS_SUCCESS);
    case RL_IOCTL(2):
        finish(Irp, STATUS_SUCCESS);
        break;
    case RL_IOCTL(3):
        read(DeviceObject, Irp);
        break;
    case RL_IOCTL(4):
        CHECK_STATUS("SR-48", KeWaitForSingleObject(&never, Executive, UserMode, FALSE, NULL),
                     STATUS_USER_APC);
        return finish(Irp, STATUS_SUCCESS);
    case RL_IOCTL(5):
        return finish(Irp, ZwTerminateProcess(NULL, EXIT_STATUS));
    }
    ZwTerminateProcess(ZwCurrentProcess(), EXIT_STATUS);
    CHECK("SR-48", !"ZwTerminateProcess returned");
    return finish(Irp, STATUS_UNSUCCESSFUL);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    if (watcher) {
        KeWaitForSingleObject(watcher, Executive, KernelMode, FALSE, NULL);
        ObDereferenceObject(watcher);
        ObDereferenceObject(process);
    }
    PsSetCreateProcessNotifyRoutine(process_notify, TRUE);
    PsRemoveCreateThreadNotifyRoutine(thread_notify);
    IoDeleteDevice(device);
    DbgPrint("unloaded, %d canceled\n", canceled);
}

static void refusals(void)
{
    HANDLE handle;
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK_STATUS("SR-48", ZwTerminateProcess((HANDLE)0x7FFC, STATUS_SUCCESS), STATUS_INVALID_HANDLE);
    ZwCreateEvent(&handle, EVENT_ALL_ACCESS, &attributes, NotificationEvent, FALSE);
    CHECK_STATUS("SR-48", ZwTerminateProcess(handle, STATUS_SUCCESS), STATUS_OBJECT_TYPE_MISMATCH);
    ZwClose(handle);
    CHECK_STATUS("SR-48", open_process((HANDLE)4, &handle), STATUS_SUCCESS);
    CHECK_STATUS("SR-48", ZwTerminateProcess(handle, STATUS_SUCCESS), STATUS_ACCESS_DENIED);
    ZwClose(handle);
    CHECK_STATUS("SR-48", ZwTerminateProcess(NULL, STATUS_SUCCESS), STATUS_ACCESS_DENIED);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS status = IoCreateDevice(DriverObject, 0, &device_name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    KeInitializeEvent(&kill, SynchronizationEvent, FALSE);
    KeInitializeEvent(&never, NotificationEvent, FALSE);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = handles;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = handles;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = handles;
    DriverObject->MajorFunction[IRP_MJ_READ] = read;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = control;
    DriverObject->DriverUnload = unload;
    refusals();
    PsSetCreateProcessNotifyRoutine(process_notify, FALSE);
    PsSetCreateThreadNotifyRoutine(thread_notify);
    return STATUS_SUCCESS;
}
