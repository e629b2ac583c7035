/* SPDX-License-Identifier: MIT */
/* Timers with DPCs: what setting, canceling and freeing do to the call; the device's own timer. */
#include "../rltest.h"

static PDEVICE_OBJECT device, twin;
static KTIMER timer;
static KDPC dpc, other;
static volatile LONG calls, other_calls, at_once, most_at_once, frees;
static PVOID arguments[2];
static volatile KIRQL irql_seen;

static LARGE_INTEGER in_ms(LONG milliseconds)
{
    return (LARGE_INTEGER){.QuadPart = -10000ll * milliseconds};
}

static VOID sleep_ms(LONG milliseconds)
{
    LARGE_INTEGER time = in_ms(milliseconds);
    KeDelayExecutionThread(KernelMode, FALSE, &time);
}

static VOID NTAPI count(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
    irql_seen = KeGetCurrentIrql();
    arguments[0] = SystemArgument1;
    arguments[1] = SystemArgument2;
    InterlockedIncrement(DeferredContext);
}

static VOID setting_again(void)
{
    LARGE_INTEGER zero = {.QuadPart = 0};
    KeInitializeTimer(&timer);
    KeInitializeDpc(&dpc, count, (PVOID)&calls);
    KeInitializeDpc(&other, count, (PVOID)&other_calls);
    CHECK_EQ("SR-13", KeSetTimer(&timer, in_ms(20), &dpc), FALSE);
    CHECK_EQ("DPC-14", KeSetTimer(&timer, in_ms(40), &other), TRUE);
    sleep_ms(30);
    CHECK_EQ("DPC-14", calls, 0); /* the call of the former setting is gone */
    CHECK_EQ("DPC-14", KeReadStateTimer(&timer), FALSE);
    sleep_ms(60);
    CHECK_EQ("SR-13", other_calls, 1);
    CHECK_EQ("SR-13", irql_seen, DISPATCH_LEVEL);
    CHECK_EQ("SR-13", KeReadStateTimer(&timer), TRUE);
    CHECK_EQ("DPC-14", KeSetTimer(&timer, in_ms(5000), NULL), FALSE);
    CHECK_EQ("DPC-14", KeReadStateTimer(&timer), FALSE); /* not signaled by being set */
    CHECK_EQ("DPC-14", KeWaitForSingleObject(&timer, Executive, KernelMode, FALSE, &zero), STATUS_TIMEOUT);
    CHECK_EQ("DPC-16", KeCancelTimer(&timer), TRUE);
    CHECK_EQ("DPC-16", KeCancelTimer(&timer), FALSE);
}

/* Keeps the processor at DISPATCH_LEVEL until the timer has expired: its DPC is in the queue then. */
static KIRQL expire_at_dispatch(BOOLEAN *expired)
{
    KIRQL irql = KeRaiseIrqlToDpcLevel();
    for (ULONG i = 0; i < 100000 && !KeReadStateTimer(&timer); i++)
        KeStallExecutionProcessor(10);
    *expired = KeReadStateTimer(&timer);
    return irql;
}

static VOID canceling(void)
{
    calls = 0;
    KeSetTargetProcessorDpc(&dpc, 0);
    KeSetSystemAffinityThread(1);
    KeInitializeTimerEx(&timer, SynchronizationTimer);
    KeSetTimerEx(&timer, in_ms(2), 1000, &dpc);
    sleep_ms(20);
    CHECK_EQ("DPC-16", calls, 1);
    CHECK_EQ("DPC-16", KeCancelTimer(&timer), TRUE); /* a periodic one is always set */
    KeFlushQueuedDpcs();
    sleep_ms(5);
    CHECK_EQ("DPC-16", calls, 1);

    KeInitializeTimer(&timer);
    KeSetTimer(&timer, in_ms(2), &dpc);
    sleep_ms(20);
    CHECK_EQ("DPC-16", calls, 2);
    CHECK_EQ("DPC-16", KeCancelTimer(&timer), FALSE);
    KeRevertToUserAffinityThread();
}

/* The DPC lies in the queue when the timer sets it off: one call, the driver's arguments; and canceling the
 * timer takes that call away. */
static VOID queued_by_hand(void)
{
    BOOLEAN expired;
    calls = 0;
    KeSetSystemAffinityThread(1);
    KeInitializeTimer(&timer);
    KeSetTimer(&timer, in_ms(5), &dpc);
    KIRQL irql = KeRaiseIrqlToDpcLevel();
    CHECK_EQ("DPC-15", KeInsertQueueDpc(&dpc, &timer, &dpc), TRUE);
    KIRQL same = expire_at_dispatch(&expired);
    KeLowerIrql(same);
    KeLowerIrql(irql);
    sleep_ms(20);
    /* If the clock's interrupt came only when the IRQL dropped, the first call may have been over. */
    CHECK("DPC-15", calls == 1 || (calls == 2 && !expired));
    if (calls == 1)
        CHECK("DPC-15", arguments[0] == &timer && arguments[1] == &dpc);

    calls = 0;
    irql = KeRaiseIrqlToDpcLevel();
    KeSetTimer(&timer, in_ms(5000), &dpc);
    KeInsertQueueDpc(&dpc, NULL, NULL);
    CHECK_EQ("DPC-15", KeCancelTimer(&timer), TRUE);
    KeLowerIrql(irql);
    sleep_ms(5);
    CHECK_EQ("DPC-15", calls, 0);
    KeRevertToUserAffinityThread();
}

struct own {
    KTIMER timer;
    KDPC dpc;
};

static VOID NTAPI free_own(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
    RtlFillMemory(DeferredContext, sizeof(struct own), 0xEE);
    ExFreePool(DeferredContext);
    InterlockedIncrement(&frees);
}

/* One processor queues, the other runs: the system does not come back to timer or DPC. */
static VOID freed_by_routine(void)
{
    for (ULONG i = 0; i < 40; i++) {
        struct own *own = ExAllocatePool(NonPagedPool, sizeof(*own));
        KeInitializeTimer(&own->timer);
        KeInitializeDpc(&own->dpc, free_own, own);
        KeSetTargetProcessorDpc(&own->dpc, (CCHAR)(i & 1));
        KeSetTimer(&own->timer, in_ms((LONG)(i % 3)), &own->dpc);
    }
    for (ULONG i = 0; i < 5000 && frees < 40; i++)
        sleep_ms(1);
    KeFlushQueuedDpcs();
    CHECK_EQ("DPC-17", frees, 40);
}

static VOID NTAPI slow(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
    LONG now = InterlockedIncrement(&at_once);
    if (now > most_at_once)
        most_at_once = now;
    KeSetTargetProcessorDpc(Dpc, 1 - (CCHAR)KeGetCurrentProcessorNumber()); /* the next one goes there */
    for (ULONG i = 0; i < 200 && most_at_once < 2; i++)
        KeStallExecutionProcessor(50);
    InterlockedDecrement(&at_once);
}

static VOID periodic_on_two(void)
{
    KeInitializeTimerEx(&timer, SynchronizationTimer);
    KeInitializeDpc(&dpc, slow, NULL);
    KeSetImportanceDpc(&dpc, MediumHighImportance);
    KeSetTimerEx(&timer, in_ms(1), 1, &dpc);
    for (ULONG i = 0; i < 500 && most_at_once < 2; i++)
        sleep_ms(1);
    CHECK_EQ("DPC-17", KeCancelTimer(&timer), TRUE);
    KeFlushQueuedDpcs();
    CHECK_EQ("DPC-17", most_at_once, 2);
}

static VOID coalescable(void)
{
    calls = 0;
    KeInitializeDpc(&dpc, count, (PVOID)&calls);
    KeInitializeTimerEx(&timer, SynchronizationTimer);
    CHECK_EQ("SR-13", KeSetCoalescableTimer(&timer, in_ms(50), 50, 40, &dpc), FALSE);
    CHECK_EQ("SR-13", KeSetCoalescableTimer(&timer, in_ms(50), 50, 40, &dpc), TRUE);
    sleep_ms(45);
    CHECK_EQ("SR-13", calls, 0); /* never before it is due */
    sleep_ms(50);
    CHECK("SR-13", calls >= 1);
    sleep_ms(200);
    CHECK("SR-13", calls >= 3);
    KeCancelTimer(&timer);
    KeFlushQueuedDpcs();
}

static VOID NTAPI second(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    irql_seen = KeGetCurrentIrql();
    CHECK("SR-14", Context == (DeviceObject == device ? &calls : &other_calls));
    InterlockedIncrement(Context);
}

static VOID io_timer(void)
{
    calls = other_calls = 0;
    CHECK_STATUS("DPC-04", IoInitializeTimer(device, second, (PVOID)&calls), STATUS_SUCCESS);
    CHECK_STATUS("DPC-04", IoInitializeTimer(twin, second, (PVOID)&other_calls), STATUS_SUCCESS);
    CHECK("DPC-04", device->Timer != NULL && device->Timer != twin->Timer);
    sleep_ms(1500);
    CHECK_EQ("DPC-04", calls, 0); /* not before it is started */
    IoStartTimer(device);
    sleep_ms(3500);
    CHECK("DPC-04", calls >= 3 && calls <= 4);
    CHECK_EQ("SR-14", irql_seen, DISPATCH_LEVEL);
    CHECK_EQ("DPC-04", other_calls, 0);
    IoStopTimer(device);
    LONG stopped = calls;
    IoStopTimer(device);
    sleep_ms(2500);
    CHECK_EQ("DPC-10", calls, stopped);
    IoStartTimer(device);
    IoStartTimer(twin);
    sleep_ms(1500);
    CHECK("DPC-10", calls > stopped);
    CHECK("DPC-04", other_calls >= 1);
    stopped = other_calls;
    IoDeleteDevice(twin); /* its timer goes with it */
    sleep_ms(2500);
    CHECK_EQ("DPC-04", other_calls, stopped);
    IoStopTimer(device);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(device);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS status = IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    status = IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &twin);
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(device);
        return status;
    }
    DriverObject->DriverUnload = unload;
    setting_again();
    canceling();
    queued_by_hand();
    freed_by_routine();
    periodic_on_two();
    coalescable();
    io_timer();
    return STATUS_SUCCESS;
}
