/* SPDX-License-Identifier: MIT */
/* DPCs: what they are called with, once per queueing, in which order, on which processor, at which IRQL. */
#include "../rltest.h"

#define KEPT 16

static PDEVICE_OBJECT device;
static KDPC dpcs[4];
static KSPIN_LOCK lock; /* guards what follows */
static ULONG calls, order[KEPT];
static PVOID seen[4]; /* what the last routine was called with */
static KIRQL seen_irql;
static ULONG seen_processor;

static VOID forget(void)
{
    calls = 0;
    seen[0] = seen[1] = seen[2] = seen[3] = NULL;
    seen_irql = HIGH_LEVEL;
    seen_processor = 99;
}

static VOID NTAPI note(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
    KIRQL irql = KeGetCurrentIrql();
    KeAcquireSpinLockAtDpcLevel(&lock);
    seen_irql = irql;
    seen_processor = KeGetCurrentProcessorNumber();
    seen[0] = Dpc;
    seen[1] = DeferredContext;
    seen[2] = SystemArgument1;
    seen[3] = SystemArgument2;
    order[calls++ % KEPT] = (ULONG)(ULONG_PTR)SystemArgument1;
    KeReleaseSpinLockFromDpcLevel(&lock);
}

static BOOLEAN queue(ULONG i)
{
    return KeInsertQueueDpc(&dpcs[i], (PVOID)(ULONG_PTR)i, NULL);
}

static VOID initialize(void)
{
    forget();
    for (ULONG i = 0; i < 4; i++)
        KeInitializeDpc(&dpcs[i], note, (PVOID)(ULONG_PTR)(100 + i));
}

/* The one in the device object. */
static VOID for_isr(void)
{
    static ULONG context;
    PIRP irp = (PIRP)&irp;

    forget();
    IoInitializeDpcRequest(device, (PIO_DPC_ROUTINE)note);
    IoRequestDpc(device, irp, &context);
    CHECK("DPC-01", seen[0] == &device->Dpc && seen[1] == device && seen[2] == irp && seen[3] == &context);
    CHECK_EQ("SR-10", seen_irql, DISPATCH_LEVEL);

    KIRQL irql = KeRaiseIrqlToDpcLevel();
    forget();
    IoRequestDpc(device, irp, &context);
    IoRequestDpc(device, NULL, NULL);
    IoRequestDpc(device, NULL, &irp);
    CHECK_EQ("DPC-12", calls, 0);
    KeLowerIrql(irql);
    CHECK_EQ("DPC-12", calls, 1);
    CHECK("DPC-12", seen[2] == irp && seen[3] == &context);
}

static VOID once_in_a_queue(void)
{
    initialize();
    KIRQL irql = KeRaiseIrqlToDpcLevel();
    CHECK_EQ("DPC-02", KeInsertQueueDpc(&dpcs[0], &calls, &lock), TRUE);
    CHECK_EQ("DPC-02", KeInsertQueueDpc(&dpcs[0], NULL, NULL), FALSE);
    CHECK_EQ("SR-11", queue(1), TRUE);
    CHECK_EQ("SR-11", KeRemoveQueueDpc(&dpcs[1]), TRUE);
    CHECK_EQ("SR-11", KeRemoveQueueDpc(&dpcs[1]), FALSE);
    CHECK_EQ("SR-11", calls, 0);
    KeLowerIrql(irql);
    CHECK_EQ("DPC-02", calls, 1);
    CHECK("DPC-02", seen[1] == (PVOID)100 && seen[2] == &calls && seen[3] == &lock);
    CHECK_EQ("SR-11", seen_irql, DISPATCH_LEVEL);
    CHECK_EQ("DPC-02", queue(0), TRUE); /* it may be queued again */
    CHECK_EQ("DPC-02", calls, 2);
}

/* High to the front, the others to the end; low does not begin the queue, but goes with it. */
static VOID importance(void)
{
    initialize();
    KeSetImportanceDpc(&dpcs[0], LowImportance);
    KeSetImportanceDpc(&dpcs[2], HighImportance);
    KeSetImportanceDpc(&dpcs[3], MediumHighImportance);
    KIRQL irql = KeRaiseIrqlToDpcLevel();
    queue(0);
    queue(1);
    queue(3);
    queue(2);
    KeLowerIrql(irql);
    CHECK_EQ("SR-11", calls, 4);
    CHECK("SR-11", order[0] == 2 && order[1] == 0 && order[2] == 1 && order[3] == 3);
}

static VOID until_called(ULONG count)
{
    LARGE_INTEGER tick = {.QuadPart = -10000};
    for (ULONG i = 0; i < 5000 && *(volatile ULONG *)&calls < count; i++)
        KeDelayExecutionThread(KernelMode, FALSE, &tick);
}

static VOID processors(void)
{
    PROCESSOR_NUMBER number = {.Number = 1}, none = {.Number = 77}, group = {.Group = 1};
    initialize();
    CHECK_STATUS("SR-11", KeSetTargetProcessorDpcEx(&dpcs[0], &none), STATUS_INVALID_PARAMETER);
    CHECK_STATUS("SR-11", KeSetTargetProcessorDpcEx(&dpcs[0], &group), STATUS_INVALID_PARAMETER);
    CHECK_STATUS("SR-11", KeSetTargetProcessorDpcEx(&dpcs[0], &number), STATUS_SUCCESS);
    KeSetTargetProcessorDpc(&dpcs[0], 77); /* changes nothing */
    KeSetImportanceDpc(&dpcs[0], MediumHighImportance);
    KeSetSystemAffinityThread(1);
    queue(0);
    until_called(1);
    CHECK_EQ("SR-11", seen_processor, 1);

    /* A target that is set when the DPC is queued already is for the next time. */
    KIRQL irql = KeRaiseIrqlToDpcLevel();
    KeSetTargetProcessorDpc(&dpcs[1], 0);
    queue(1);
    KeSetTargetProcessorDpc(&dpcs[1], 1);
    KeLowerIrql(irql);
    CHECK_EQ("SR-11", seen_processor, 0);

    /* Medium to another processor, and low: run they do when all are flushed. */
    KeSetTargetProcessorDpc(&dpcs[2], 1);
    KeSetImportanceDpc(&dpcs[3], LowImportance);
    calls = 0;
    queue(2);
    queue(3);
    KeFlushQueuedDpcs();
    CHECK_EQ("DPC-16", calls, 2);
    KeRevertToUserAffinityThread();
}

static volatile LONG inside, most_inside;

/* The first call queues the DPC to the other processor and waits for it there. */
static VOID NTAPI overlap(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
    LONG now = InterlockedIncrement(&inside);
    if (now > most_inside)
        most_inside = now;
    if (SystemArgument1 == NULL) {
        KeSetTargetProcessorDpc(Dpc, 1 - (CCHAR)KeGetCurrentProcessorNumber());
        CHECK_EQ("DPC-03", KeInsertQueueDpc(Dpc, Dpc, NULL), TRUE);
        for (ULONG i = 0; i < 100000 && most_inside < 2; i++)
            KeStallExecutionProcessor(10);
    }
    InterlockedDecrement(&inside);
    InterlockedIncrement((LONG *)DeferredContext);
}

static VOID twice_at_once(void)
{
    static KDPC dpc;
    initialize();
    KeInitializeDpc(&dpc, overlap, &calls);
    KeSetImportanceDpc(&dpc, MediumHighImportance);
    KeInsertQueueDpc(&dpc, NULL, NULL);
    until_called(2);
    CHECK_EQ("DPC-03", calls, 2);
    CHECK_EQ("DPC-03", most_inside, 2);
}

static VOID NTAPI threaded(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
    KIRQL irql = KeAcquireSpinLockForDpc(&lock);
    seen_irql = irql;
    seen_processor = KeGetCurrentProcessorNumber();
    order[calls++ % KEPT] = (ULONG)(ULONG_PTR)SystemArgument1;
    KeReleaseSpinLockForDpc(&lock, irql);
}

static VOID threaded_dpcs(void)
{
    forget();
    for (ULONG i = 0; i < 4; i++) {
        KeInitializeThreadedDpc(&dpcs[i], threaded, NULL);
        KeSetTargetProcessorDpc(&dpcs[i], 1);
    }
    KeSetImportanceDpc(&dpcs[2], HighImportance);
    /* Nothing else runs on processor 1 while this thread is there at DISPATCH_LEVEL. */
    KeSetSystemAffinityThread(2);
    KIRQL irql = KeRaiseIrqlToDpcLevel();
    CHECK_EQ("SR-12", queue(0), TRUE);
    CHECK_EQ("SR-12", queue(0), FALSE);
    CHECK_EQ("SR-12", queue(1), TRUE);
    CHECK_EQ("SR-12", queue(2), TRUE);
    CHECK_EQ("SR-12", queue(3), TRUE);
    CHECK_EQ("SR-12", KeRemoveQueueDpc(&dpcs[1]), TRUE);
    KeLowerIrql(irql);
    KeFlushQueuedDpcs();
    CHECK_EQ("SR-12", calls, 3);
    CHECK("SR-12", order[0] == 2 && order[1] == 0 && order[2] == 3);
    CHECK_EQ("SR-12", seen_irql, PASSIVE_LEVEL);
    CHECK_EQ("SR-12", seen_processor, 1);
    KeRevertToUserAffinityThread();
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
    DriverObject->DriverUnload = unload;
    KeInitializeSpinLock(&lock);
    for_isr();
    once_in_a_queue();
    importance();
    processors();
    twice_at_once();
    threaded_dpcs();
    return STATUS_SUCCESS;
}
