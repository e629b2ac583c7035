/* SPDX-License-Identifier: MIT */
/*
 * A driver that passes garbage: IOCTL n calls routine n / 10 with pointer n % 10.
 * Whatever happens must be the driver's bug check, not the program's.
 */
#include <ntifs.h>
#include "rltest.h"

static UCHAR zeros[1024], filled[1024];
static PDEVICE_OBJECT own;

static PVOID garbage(ULONG kind)
{
    PVOID freed;

    switch (kind) {
    case 0:
        return NULL;
    case 1:
        return (PVOID)0x18;
    case 2:
        return (PVOID)0xDEADBEEFDEADBEEF;
    case 3:
        return (PVOID) ~(ULONG_PTR)0;
    case 4:
        freed = ExAllocatePoolWithTag(NonPagedPool, 512, 'bgaR');
        ExFreePoolWithTag(freed, 'bgaR');
        return freed;
    case 5:
        return zeros;
    case 6:
        RtlFillMemory(filled, sizeof(filled), 0xCC);
        return filled;
    case 7:
        return (PVOID)(ULONG_PTR)garbage; /* code */
    case 8:
        return filled + 3; /* unaligned */
    default:
        return (PVOID)0x7FFE0000FFF8; /* nothing there */
    }
}

static VOID requests(ULONG routine, PVOID p)
{
    switch (routine) {
    case 0:
        IoCallDriver(own, p);
        break;
    case 1:
        IoCallDriver(p, IoAllocateIrp(1, FALSE));
        break;
    case 2:
        IoCompleteRequest(p, IO_NO_INCREMENT);
        break;
    case 3:
        IoFreeIrp(p);
        break;
    case 4:
        IoCancelIrp(p);
        break;
    case 5:
        IoStartPacket(p, p, NULL, NULL);
        break;
    case 6:
        IoStartNextPacket(p, FALSE);
        break;
    case 7:
        IoReuseIrp(p, STATUS_SUCCESS);
        break;
    case 8:
        IoDeleteDevice(p);
        break;
    case 9:
        IoDetachDevice(p);
        break;
    case 10:
        IoAttachDeviceToDeviceStack(own, p);
        break;
    case 11:
        IoBuildDeviceIoControlRequest(0x222000, p, NULL, 0, NULL, 0, FALSE, NULL, NULL);
        break;
    case 12:
        IoBuildSynchronousFsdRequest(IRP_MJ_READ, own, p, 16, NULL, p, p);
        break;
    case 13:
        IoAllocateWorkItem(p);
        break;
    case 14:
        IoQueueWorkItem(p, p, DelayedWorkQueue, p);
        break;
    case 15:
        IoFreeWorkItem(p);
        break;
    }
}

static VOID objects(ULONG routine, PVOID p)
{
    UNICODE_STRING name = {16, 16, p};
    PDEVICE_OBJECT device;

    switch (routine) {
    case 16:
        ObDereferenceObject(p);
        break;
    case 17:
        ObReferenceObject(p);
        break;
    case 18:
        ZwClose(p);
        break;
    case 19:
        IoCreateDevice(own->DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
        break;
    case 20:
        IoCreateDevice(p, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
        break;
    case 21:
        IoCreateSymbolicLink(&name, &name);
        break;
    case 22:
        IoCreateSymbolicLink(p, p);
        break;
    case 23:
        RtlInitUnicodeString(&name, p);
        break;
    case 24:
        RtlCopyUnicodeString(p, p);
        break;
    case 25:
        ExFreePoolWithTag(p, 'bgaR');
        break;
    case 26:
        MmUnlockPages(p);
        break;
    case 27:
        IoFreeMdl(p);
        break;
    case 28:
        MmMapLockedPagesSpecifyCache(p, KernelMode, MmCached, NULL, FALSE, NormalPagePriority);
        break;
    case 29:
        MmProbeAndLockPages(p, KernelMode, IoReadAccess);
        break;
    }
}

static VOID dispatcher(ULONG routine, PVOID p)
{
    LARGE_INTEGER now = {{0}};
    KIRQL irql;
    HANDLE thread;

    switch (routine) {
    case 30:
        KeSetEvent(p, IO_NO_INCREMENT, FALSE);
        break;
    case 31:
        KeWaitForSingleObject(p, Executive, KernelMode, FALSE, &now);
        break;
    case 32:
        KeInsertQueueDpc(p, NULL, NULL);
        KeRaiseIrql(DISPATCH_LEVEL, &irql);
        KeLowerIrql(irql);
        break;
    case 33:
        KeSetTimer(p, now, p);
        break;
    case 34:
        KeCancelTimer(p);
        break;
    case 35:
        KeAcquireSpinLock(p, &irql);
        KeReleaseSpinLock(p, irql);
        break;
    case 36:
        KeReleaseSpinLock(p, PASSIVE_LEVEL);
        break;
    case 37:
        ExAcquireFastMutex(p);
        break;
    case 38:
        KeReleaseMutex(p, FALSE);
        break;
    case 39:
        KeReleaseSemaphore(p, 0, 1, FALSE);
        break;
    case 40:
        KeInsertDeviceQueue(p, p);
        break;
    case 41:
        KeRemoveDeviceQueue(p);
        break;
    case 42:
        PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, p, p);
        ZwWaitForSingleObject(thread, FALSE, NULL);
        break;
    case 43:
        ExAcquireResourceExclusiveLite(p, FALSE);
        break;
    case 44:
        KeInitializeEvent(p, NotificationEvent, FALSE);
        break;
    case 45:
        DbgPrint(p);
        break;
    case 46:
        ((VOID(*)(VOID))p)();
        break;
    case 47:
        own->DriverObject->MajorFunction[IRP_MJ_FLUSH_BUFFERS] = p;
        break;
    case 48:
        own->DriverObject->DriverStartIo = p;
        break;
    case 49:
        own->DriverObject = p;
        break;
    }
}

/* ---- not a pointer, but the end of all order ---- */

static KDPC dpc;
static void *buffer[5]; /* __builtin_setjmp */
static volatile ULONG one = 1;

static __attribute__((noinline)) ULONG recurse(volatile ULONG *n)
{
    volatile ULONG frame[64];

    frame[0] = *n + 1;
    return (one != 0 ? recurse(&frame[0]) : 0) + frame[1];
}

static VOID NTAPI deferred(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    switch ((ULONG_PTR)Context) {
    case 0:
        recurse(&one);
        break;
    case 1:
        ExRaiseStatus(STATUS_NO_MEMORY);
        break;
    case 2:
        KeLowerIrql(PASSIVE_LEVEL);
        break;
    case 3: {
        PIRP irp = IoAllocateIrp(1, FALSE);
        IoFreeIrp(irp);
        IoCompleteRequest(irp, IO_NO_INCREMENT);
        break;
    }
    }
}

static VOID in_dpc(ULONG_PTR what)
{
    KeInitializeDpc(&dpc, deferred, (PVOID)what);
    KeInsertQueueDpc(&dpc, NULL, NULL);
}

static NTSTATUS NTAPI jumps(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    __builtin_longjmp(buffer, 1);
}

static NTSTATUS NTAPI raises(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    ExRaiseStatus(STATUS_NO_MEMORY);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static VOID send(PIRP irp, PIO_COMPLETION_ROUTINE routine)
{
    IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_CREATE;
    IoSetCompletionRoutine(irp, routine, NULL, TRUE, TRUE, TRUE);
    IoCallDriver(own, irp);
}

static VOID processor(ULONG kind)
{
    switch (kind) {
    case 0:
        recurse(&one);
        break;
    case 1:
        in_dpc(0);
        break;
    case 2:
        __asm__ volatile("ud2");
        break;
    case 3:
        one = 7 / (one - 1);
        break;
    case 4:
        __asm__ volatile("int3");
        break;
    case 5:
        *(volatile UCHAR *)(ULONG_PTR)garbage = 0;
        break;
    case 6:
        __asm__ volatile("xorl %%esp, %%esp\n\tpushq %%rax" ::: "memory");
        break;
    case 7:
        __asm__ volatile("cli\n1:\tpause\n\tjmp 1b" ::: "memory");
        break;
    case 8:
        __asm__ volatile("movq $0xdead0001, %%rsp\n\tret" ::: "memory");
        break;
    case 9:
        if (__builtin_setjmp(buffer) == 0)
            send(IoAllocateIrp(1, FALSE), jumps);
        break;
    }
}

static VOID order(ULONG kind)
{
    UCHAR stack[sizeof(IRP) + sizeof(IO_STACK_LOCATION)];
    PIRP irp = (PIRP)stack;

    switch (kind) {
    case 0:
        in_dpc(1);
        break;
    case 1:
        send(IoAllocateIrp(1, FALSE), raises);
        break;
    case 2:
        RtlFillMemory(stack, sizeof(stack), 0x55);
        IoCompleteRequest(irp, IO_NO_INCREMENT);
        break;
    case 3:
        IoInitializeIrp(irp, sizeof(stack), 1);
        IoCompleteRequest(irp, IO_NO_INCREMENT);
        break;
    case 4:
        IoInitializeIrp(irp, sizeof(stack), 1);
        IoFreeIrp(irp);
        break;
    case 5:
        IoInitializeIrp(irp, sizeof(stack), 1);
        send(irp, raises);
        break;
    case 6:
        IoInitializeIrp(irp, sizeof(stack), 127);
        irp->Tail.Overlay.CurrentStackLocation += 1000;
        IoCompleteRequest(irp, IO_NO_INCREMENT);
        break;
    case 7:
        in_dpc(2);
        break;
    case 8:
        IoDeleteDevice(own);
        break;
    case 9:
        in_dpc(3);
        break;
    }
}

static NTSTATUS NTAPI control(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    ULONG code = IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.IoControlCode;
    ULONG number = (code >> 2) & 0x7FF, routine = number / 10;
    PVOID p = garbage(number % 10);

    if (routine < 16)
        requests(routine, p);
    else if (routine < 30)
        objects(routine, p);
    else if (routine < 50)
        dispatcher(routine, p);
    else if (routine == 50)
        processor(number % 10);
    else
        order(number % 10);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI open_close(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(own);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Garbage");

    DriverObject->MajorFunction[IRP_MJ_CREATE] = open_close;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = open_close;
    DriverObject->MajorFunction[IRP_MJ_FLUSH_BUFFERS] = open_close;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = control;
    DriverObject->DriverUnload = unload;
    return IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &own);
}
