/* SPDX-License-Identifier: MIT */
/*
 * Remove locks: counting, the end that waits, and the two sizes. The ones here
 * are of a driver that was not built for checking; rl_checked.c has the other.
 */
#include "../rltest.h"

struct extension {
    IO_REMOVE_LOCK lock;
    ULONG behind; /* nothing is written here */
    KTIMER timer;
    KDPC dpc;
    PIRP irp;
    LONG timer_done, irp_done, removed;
};

static PDEVICE_OBJECT device, lower;
static struct extension *e;

static VOID sleep_ms(LONG milliseconds)
{
    LARGE_INTEGER time = {.QuadPart = -10000ll * milliseconds};
    KeDelayExecutionThread(KernelMode, FALSE, &time);
}

/* A timer that was passed out holds the lock until its call is over. */
static VOID NTAPI late(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
    CHECK_EQ("RL-06", e->removed, 0);
    e->timer_done = 1;
    IoReleaseRemoveLock(&e->lock, Dpc); /* at DISPATCH_LEVEL */
}

/* A request that the driver passed on holds it until it is complete. */
static NTSTATUS NTAPI completed(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    CHECK_EQ("RL-06", e->removed, 0);
    e->irp_done = 1;
    IoFreeIrp(Irp);
    IoReleaseRemoveLock(&e->lock, Irp);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS NTAPI keep(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IoMarkIrpPending(Irp);
    e->irp = Irp;
    return STATUS_PENDING;
}

static VOID NTAPI complete_later(PVOID Context)
{
    sleep_ms(40);
    CHECK_STATUS("RL-02", IoAcquireRemoveLock(&e->lock, Context), STATUS_DELETE_PENDING);
    CHECK_EQ("RL-04", e->removed, 0);
    e->irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(e->irp, IO_NO_INCREMENT);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID send(void)
{
    PIRP irp = IoAllocateIrp(lower->StackSize, FALSE);
    IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_READ;
    CHECK_STATUS("RL-02", IoAcquireRemoveLock(&e->lock, irp), STATUS_SUCCESS);
    IoSetCompletionRoutine(irp, completed, NULL, TRUE, TRUE, TRUE);
    CHECK_STATUS("RL-06", IoCallDriver(lower, irp), STATUS_PENDING);
}

static VOID remove_device(void)
{
    HANDLE thread;
    LARGE_INTEGER due = {.QuadPart = -20 * 10000};
    KeInitializeTimer(&e->timer);
    KeInitializeDpc(&e->dpc, late, NULL);
    IoAcquireRemoveLock(&e->lock, &e->dpc);
    KeSetTimer(&e->timer, due, &e->dpc);
    send();
    PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, complete_later, &due);
    ZwClose(thread);
    /* As for IRP_MN_REMOVE_DEVICE: one acquisition more, then the end. */
    CHECK_STATUS("RL-04", IoAcquireRemoveLock(&e->lock, device), STATUS_SUCCESS);
    IoReleaseRemoveLockAndWait(&e->lock, device);
    CHECK("RL-06", e->timer_done && e->irp_done);
    e->removed = 1;
    CHECK_STATUS("RL-02", IoAcquireRemoveLock(&e->lock, device), STATUS_DELETE_PENDING);
    CHECK_STATUS("RL-02", IoAcquireRemoveLock(&e->lock, device), STATUS_DELETE_PENDING);
}

static VOID initial(void)
{
    e->behind = 0x12345678;
    RtlFillMemory(&e->lock, sizeof(e->lock), 0xEE);
    IoInitializeRemoveLock(&e->lock, 'kcoL', 1, 0x7FFFFFFF);
    CHECK_EQ("RL-01", e->lock.Common.Removed, FALSE);
    CHECK_EQ("RL-01", e->lock.Common.IoCount, 1);
    CHECK_EQ("RL-07", sizeof(IO_REMOVE_LOCK), 0x20);
    CHECK_EQ("RL-07", e->behind, 0x12345678);
}

static VOID counted(void)
{
    KIRQL irql = KeRaiseIrqlToDpcLevel();
    CHECK_STATUS("RL-02", IoAcquireRemoveLock(&e->lock, NULL), STATUS_SUCCESS);
    CHECK_STATUS("RL-03", IoAcquireRemoveLock(&e->lock, &irql), STATUS_SUCCESS);
    CHECK_EQ("RL-03", e->lock.Common.IoCount, 3);
    IoReleaseRemoveLock(&e->lock, NULL);
    CHECK_EQ("RL-03", e->lock.Common.IoCount, 2);
    IoReleaseRemoveLock(&e->lock, &irql);
    CHECK_EQ("RL-03", e->lock.Common.IoCount, 1);
    KeLowerIrql(irql);
}

/* The same place may hold another lock when the former one's device is gone. */
static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(device);
    IoDeleteDevice(lower);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = unload;
    DriverObject->MajorFunction[IRP_MJ_READ] = keep;
    IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &lower);
    for (ULONG i = 0; i < 3; i++) { /* the memory of the last one is used again, with a lock in it */
        IoCreateDevice(DriverObject, sizeof(struct extension), NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
        e = device->DeviceExtension;
        IoInitializeRemoveLock(&e->lock, 'kcoL', 0, 0);
        IoDeleteDevice(device);
    }
    IoCreateDevice(DriverObject, sizeof(struct extension), NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    e = device->DeviceExtension;
    initial();
    counted();
    remove_device();
    return STATUS_SUCCESS;
}
