/* SPDX-License-Identifier: MIT */
/*
 * Routines that a driver gives the system, and what calls them: dispatch and
 * completion, both kinds of work items, a thread, a callback object, all
 * processors at once, notifications of threads and images.
 */
#include <ntifs.h>
#include "../rltest.h"

static PDEVICE_OBJECT device, lower;
static KEVENT done;
static KDPC dpc;
static PIRP at_lower;
static ULONG calls;

static VOID wait_done(void)
{
    KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
}

/* ---- dispatch and completion ---- */

static NTSTATUS NTAPI completed(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    CHECK("SR-27", DeviceObject == NULL && Context == &calls); /* who made the IRP has no location in it */
    CHECK_EQ("SR-27", KeGetCurrentIrql(), DISPATCH_LEVEL);     /* as the DPC that completed it */
    CHECK_EQ("SR-27", Irp->IoStatus.Information, 42);
    calls++;
    IoFreeIrp(Irp); /* REQ-16: whoever allocated it */
    KeSetEvent(&done, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static VOID NTAPI complete_from_dpc(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1,
                                    PVOID SystemArgument2)
{
    at_lower->IoStatus.Status = STATUS_SUCCESS;
    at_lower->IoStatus.Information = 42;
    IoCompleteRequest(at_lower, IO_NO_INCREMENT);
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    CHECK_EQ("SR-05", KeGetCurrentIrql(), PASSIVE_LEVEL);
    CHECK("SR-05", DeviceObject == lower && IoGetCurrentIrpStackLocation(Irp)->DeviceObject == lower);
    calls++;
    IoMarkIrpPending(Irp);
    at_lower = Irp;
    KeInsertQueueDpc(&dpc, NULL, NULL);
    return STATUS_PENDING;
}

static VOID dispatch_and_completion(void)
{
    PIRP irp = IoAllocateIrp(lower->StackSize, FALSE);
    calls = 0;
    KeInitializeDpc(&dpc, complete_from_dpc, NULL);
    IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_READ;
    IoSetCompletionRoutine(irp, completed, &calls, TRUE, TRUE, TRUE);
    CHECK_STATUS("SR-05", IoCallDriver(lower, irp), STATUS_PENDING);
    wait_done();
    CHECK_EQ("REQ-16", calls, 2); /* the routine kept the I/O manager from freeing it once more */
}

/* ---- work items, threads ---- */

static VOID NTAPI work_ex(PVOID IoObject, PVOID Context, PIO_WORKITEM IoWorkItem)
{
    CHECK_EQ("SR-30", KeGetCurrentIrql(), PASSIVE_LEVEL);
    CHECK("SR-30", IoObject == device && Context == &done && IoWorkItem != NULL);
    CHECK("SR-30", PsIsSystemThread(PsGetCurrentThread()));
    IoFreeWorkItem(IoWorkItem); /* its own item: it is not queued any more */
    KeSetEvent(&done, IO_NO_INCREMENT, FALSE);
}

static VOID NTAPI thread_start(PVOID Context)
{
    CHECK_EQ("SR-32", KeGetCurrentIrql(), PASSIVE_LEVEL);
    CHECK("SR-32", PsIsSystemThread(PsGetCurrentThread()) && Context == &done);
    KeSetEvent(&done, IO_NO_INCREMENT, FALSE);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static ULONG threads_begun, threads_ended;
static HANDLE last_thread;

static VOID NTAPI on_thread(HANDLE ProcessId, HANDLE ThreadId, BOOLEAN Create)
{
    CHECK("SR-48", KeGetCurrentIrql() <= APC_LEVEL);
    if (Create) {
        last_thread = ThreadId;
        threads_begun++;
    } else if (ThreadId == last_thread) {
        CHECK("SR-48", PsGetCurrentThreadId() == ThreadId); /* in the thread that ends */
        threads_ended++;
    }
}

static VOID work_and_threads(void)
{
    KIRQL irql = KeRaiseIrqlToDpcLevel();
    IoQueueWorkItemEx(IoAllocateWorkItem(device), work_ex, DelayedWorkQueue, &done);
    KeLowerIrql(irql);
    wait_done();

    HANDLE handle;
    PVOID thread;
    CHECK_STATUS("SR-48", PsSetCreateThreadNotifyRoutine(on_thread), STATUS_SUCCESS);
    PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, thread_start, &done);
    ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, *PsThreadType, KernelMode, &thread, NULL);
    ZwClose(handle);
    wait_done();
    KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL);
    CHECK("SR-48", threads_begun >= 1 && threads_ended == 1 && PsGetThreadId(thread) == last_thread);
    CHECK_STATUS("SR-48", PsRemoveCreateThreadNotifyRoutine(on_thread), STATUS_SUCCESS);
    CHECK("SR-48", !NT_SUCCESS(PsRemoveCreateThreadNotifyRoutine(on_thread)));
    ObDereferenceObject(thread);
}

/* ---- callback objects, all processors ---- */

static ULONG notified;
static KIRQL notified_at;

static VOID NTAPI on_callback(PVOID CallbackContext, PVOID Argument1, PVOID Argument2)
{
    CHECK("SR-37", CallbackContext == &notified && Argument1 == &done && Argument2 == &calls);
    notified_at = KeGetCurrentIrql();
    notified++;
}

static VOID callback_object(void)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Callback\\SrCalls");
    OBJECT_ATTRIBUTES attributes;
    PCALLBACK_OBJECT object, again;
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_PERMANENT, NULL, NULL);
    CHECK("SR-37", !NT_SUCCESS(ExCreateCallback(&object, &attributes, FALSE, TRUE))); /* it is not there */
    CHECK_STATUS("SR-37", ExCreateCallback(&object, &attributes, TRUE, FALSE), STATUS_SUCCESS);
    CHECK_STATUS("SR-37", ExCreateCallback(&again, &attributes, FALSE, FALSE), STATUS_SUCCESS);
    CHECK("SR-37", again == object);
    PVOID registration = ExRegisterCallback(object, on_callback, &notified);
    CHECK("SR-37", registration != NULL);
    CHECK("SR-37", ExRegisterCallback(object, on_callback, NULL) == NULL); /* for one routine only */
    ExNotifyCallback(object, &done, &calls);
    CHECK("SR-37", notified == 1 && notified_at == PASSIVE_LEVEL);
    KIRQL irql = KeRaiseIrqlToDpcLevel();
    ExNotifyCallback(object, &done, &calls);
    KeLowerIrql(irql);
    CHECK("SR-37", notified == 2 && notified_at == DISPATCH_LEVEL);
    ExUnregisterCallback(registration);
    ExNotifyCallback(object, &done, &calls);
    CHECK_EQ("SR-37", notified, 2);
    ObDereferenceObject(object);
    ObDereferenceObject(again);
}

static volatile LONG seen_processors, all_at_once;

static ULONG_PTR NTAPI broadcast(ULONG_PTR Argument)
{
    CHECK("SR-45", KeGetCurrentIrql() >= DISPATCH_LEVEL && Argument == 5);
    InterlockedOr(&seen_processors, 1 << KeGetCurrentProcessorNumber());
    InterlockedIncrement(&all_at_once);
    for (ULONG i = 0; i < 100000 && all_at_once < 2; i++)
        KeStallExecutionProcessor(10);
    return 100 + KeGetCurrentProcessorNumber();
}

static VOID all_processors(void)
{
    KeSetSystemAffinityThread(2);
    CHECK_EQ("SR-45", KeIpiGenericCall(broadcast, 5), 101); /* what it returned on this processor */
    KeRevertToUserAffinityThread();
    CHECK_EQ("SR-45", seen_processors, 3);
    CHECK_EQ("SR-45", all_at_once, 2);
}

/* ---- images ---- */

static ULONG images;

static VOID NTAPI on_image(PUNICODE_STRING FullImageName, HANDLE ProcessId, PIMAGE_INFO ImageInfo)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"*\\HELLO.SYS");
    CHECK_EQ("SR-48", KeGetCurrentIrql(), PASSIVE_LEVEL);
    CHECK("SR-48", ProcessId == NULL && ImageInfo->SystemModeImage && ImageInfo->ImageBase != NULL);
    if (FsRtlIsNameInExpression(&name, FullImageName, TRUE, NULL))
        images++;
}

static NTSTATUS NTAPI device_control(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_WRITE)
        CHECK_EQ("SR-48", images, 1);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    CHECK_STATUS("SR-48", PsRemoveLoadImageNotifyRoutine(on_image), STATUS_SUCCESS);
    IoDeleteDevice(lower);
    IoDeleteDevice(device);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\SrCalls");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = device_control;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = device_control;
    DriverObject->MajorFunction[IRP_MJ_READ] = dispatch;
    DriverObject->DriverUnload = unload;
    IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &lower);
    KeInitializeEvent(&done, SynchronizationEvent, FALSE);
    dispatch_and_completion();
    work_and_threads();
    callback_object();
    all_processors();
    CHECK_STATUS("SR-48", PsSetLoadImageNotifyRoutine(on_image), STATUS_SUCCESS);
    return STATUS_SUCCESS;
}
