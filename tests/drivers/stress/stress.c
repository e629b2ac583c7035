/* SPDX-License-Identifier: MIT */
/*
 * Threads, timers, DPCs and every kind of lock and wait at once. Each thread
 * makes rounds of one act that its own sequence chooses; what all of them did
 * together is counted under each lock, and must add up in the end.
 */
#include "stress.h"

enum act { SPIN, MUTEX, FAST, HAND_OVER, DELAY, TIMER, DPC, WORK, ANY, TIME_OUT, YIELD, ACTS };

struct work {
    struct stress_input input;
    LONG next_thread, done[ACTS], wrong;
    KSPIN_LOCK spin;
    LONG spin_count; /* guarded by spin */
    KMUTEX mutex;
    LONG mutex_count; /* guarded by mutex */
    FAST_MUTEX fast;
    LONG fast_count; /* guarded by fast */
    KSEMAPHORE tokens;
    KEVENT auto_event;
    LONG dpcs, timers, works;
    PDEVICE_OBJECT device;
};

/* A DPC or timer of one round, and the event that says that it ran. */
struct shot {
    KDPC dpc;
    KTIMER timer;
    KEVENT ran;
    LONG *counter;
    PIO_WORKITEM item;
};

static VOID NTAPI fire(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
    struct shot *shot = DeferredContext;

    InterlockedIncrement(shot->counter);
    KeSetEvent(&shot->ran, IO_NO_INCREMENT, FALSE);
}

static VOID NTAPI do_work(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    struct shot *shot = Context;

    InterlockedIncrement(shot->counter);
    KeSetEvent(&shot->ran, IO_NO_INCREMENT, FALSE);
}

static void prepare(struct shot *shot, LONG *counter)
{
    KeInitializeDpc(&shot->dpc, fire, shot);
    KeInitializeEvent(&shot->ran, NotificationEvent, FALSE);
    shot->counter = counter;
}

static void wait_for(struct shot *shot)
{
    KeWaitForSingleObject(&shot->ran, Executive, KernelMode, FALSE, NULL);
    KeFlushQueuedDpcs();
}

static LARGE_INTEGER microseconds(ULONG count)
{
    LARGE_INTEGER time;

    time.QuadPart = -(LONGLONG)count * 10;
    return time;
}

static void act_spin(struct work *work)
{
    KIRQL irql;

    KeAcquireSpinLock(&work->spin, &irql);
    work->spin_count++;
    KeReleaseSpinLock(&work->spin, irql);
}

static void act_mutex(struct work *work)
{
    KeWaitForSingleObject(&work->mutex, Executive, KernelMode, FALSE, NULL);
    work->mutex_count++;
    KeReleaseMutex(&work->mutex, FALSE);
}

static void act_fast(struct work *work)
{
    ExAcquireFastMutex(&work->fast);
    work->fast_count++;
    ExReleaseFastMutex(&work->fast);
}

/* A token is taken and given back: as many as there were. */
static void act_hand_over(struct work *work)
{
    KeWaitForSingleObject(&work->tokens, Executive, KernelMode, FALSE, NULL);
    KeReleaseSemaphore(&work->tokens, IO_NO_INCREMENT, 1, FALSE);
}

static void act_delay(ULONG choice)
{
    LARGE_INTEGER time = microseconds(choice % 50);

    KeDelayExecutionThread(KernelMode, FALSE, &time);
}

static void act_timer(struct work *work, ULONG choice)
{
    struct shot shot;

    prepare(&shot, &work->timers);
    KeInitializeTimerEx(&shot.timer, choice & 1 ? SynchronizationTimer : NotificationTimer);
    KeSetTimer(&shot.timer, microseconds(choice % 100), &shot.dpc);
    if (choice & 2 && KeCancelTimer(&shot.timer))
        InterlockedIncrement(&work->timers);
    else
        wait_for(&shot);
}

static void act_dpc(struct work *work, ULONG choice)
{
    struct shot shot;

    prepare(&shot, &work->dpcs);
    KeSetTargetProcessorDpc(&shot.dpc, (CCHAR)(choice % (ULONG)KeNumberProcessors));
    KeSetImportanceDpc(&shot.dpc, choice & 16 ? HighImportance : MediumImportance);
    KeInsertQueueDpc(&shot.dpc, NULL, NULL);
    wait_for(&shot);
}

static void act_work(struct work *work)
{
    struct shot shot;

    prepare(&shot, &work->works);
    shot.item = IoAllocateWorkItem(work->device);
    if (shot.item == NULL) {
        InterlockedIncrement(&work->wrong);
        return;
    }
    IoQueueWorkItem(shot.item, do_work, DelayedWorkQueue, &shot);
    KeWaitForSingleObject(&shot.ran, Executive, KernelMode, FALSE, NULL);
    IoFreeWorkItem(shot.item);
}

static void act_any(struct work *work)
{
    PVOID objects[] = {&work->auto_event, &work->tokens};
    NTSTATUS status = KeWaitForMultipleObjects(2, objects, WaitAny, Executive, KernelMode, FALSE, NULL, NULL);

    if (status == STATUS_WAIT_0)
        KeSetEvent(&work->auto_event, IO_NO_INCREMENT, FALSE);
    else if (status == STATUS_WAIT_1)
        KeReleaseSemaphore(&work->tokens, IO_NO_INCREMENT, 1, FALSE);
    else
        InterlockedIncrement(&work->wrong);
}

static void act_time_out(struct work *work, ULONG choice)
{
    LARGE_INTEGER time = microseconds(choice % 30);
    KEVENT never;

    KeInitializeEvent(&never, SynchronizationEvent, FALSE);
    if (KeWaitForSingleObject(&never, Executive, KernelMode, FALSE, &time) != STATUS_TIMEOUT)
        InterlockedIncrement(&work->wrong);
}

static void act_yield(ULONG choice)
{
    LARGE_INTEGER none = {.QuadPart = 0};

    KeSetPriorityThread(KeGetCurrentThread(), (KPRIORITY)(4 + choice % 10));
    KeDelayExecutionThread(KernelMode, FALSE, &none);
}

static void one_round(struct work *work, ULONG *state)
{
    ULONG act = stress_next(state) % ACTS, choice = stress_next(state);

    switch (act) {
    case SPIN:
        act_spin(work);
        break;
    case MUTEX:
        act_mutex(work);
        break;
    case FAST:
        act_fast(work);
        break;
    case HAND_OVER:
        act_hand_over(work);
        break;
    case DELAY:
        act_delay(choice);
        break;
    case TIMER:
        act_timer(work, choice);
        break;
    case DPC:
        act_dpc(work, choice);
        break;
    case WORK:
        act_work(work);
        break;
    case ANY:
        act_any(work);
        break;
    case TIME_OUT:
        act_time_out(work, choice);
        break;
    default:
        act_yield(choice);
    }
    InterlockedIncrement(&work->done[act]);
    if (KeGetCurrentIrql() != PASSIVE_LEVEL)
        InterlockedIncrement(&work->wrong);
}

static VOID NTAPI run_thread(PVOID Context)
{
    struct work *work = Context;
    ULONG state = work->input.seed * 31 + (ULONG)InterlockedIncrement(&work->next_thread), i;

    for (i = 0; i < work->input.rounds; i++)
        one_round(work, &state);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static BOOLEAN adds_up(const struct work *work)
{
    LONG total = 0;
    ULONG i;

    for (i = 0; i < ACTS; i++)
        total += work->done[i];
    return work->wrong == 0 && (ULONG)total == work->input.rounds * work->input.threads &&
           work->spin_count == work->done[SPIN] && work->mutex_count == work->done[MUTEX] &&
           work->fast_count == work->done[FAST] && work->timers == work->done[TIMER] &&
           work->dpcs == work->done[DPC] && work->works == work->done[WORK] &&
           KeReadStateSemaphore((PKSEMAPHORE)&work->tokens) == 2 &&
           KeReadStateEvent((PKEVENT)&work->auto_event) == 1;
}

static NTSTATUS run(struct work *work)
{
    PVOID threads[STRESS_THREADS_MAX];
    BOOLEAN good;
    ULONG i;

    KeInitializeSpinLock(&work->spin);
    KeInitializeMutex(&work->mutex, 0);
    ExInitializeFastMutex(&work->fast);
    KeInitializeSemaphore(&work->tokens, 2, 1000);
    KeInitializeEvent(&work->auto_event, SynchronizationEvent, TRUE);
    for (i = 0; i < work->input.threads; i++)
        threads[i] = stress_start(run_thread, work);
    for (i = 0; i < work->input.threads; i++)
        if (threads[i] != NULL)
            stress_join(threads[i]);
    good = adds_up(work);
    DbgPrint("rounds %lu, wrong %ld: %s\n", work->input.rounds * work->input.threads, work->wrong,
             good ? "adds up" : "does not add up");
    if (!good)
        for (i = 0; i < ACTS; i++)
            DbgPrint("act %lu: %ld\n", i, work->done[i]);
    return good ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    struct work *work = DeviceObject->DeviceExtension;
    NTSTATUS status = STATUS_INVALID_PARAMETER;

    if (location->MajorFunction != IRP_MJ_DEVICE_CONTROL) {
        status = STATUS_SUCCESS;
    } else if (location->Parameters.DeviceIoControl.InputBufferLength == sizeof(work->input)) {
        RtlZeroMemory(work, sizeof(*work));
        work->device = DeviceObject;
        work->input = *(struct stress_input *)Irp->AssociatedIrp.SystemBuffer;
        if (work->input.threads <= STRESS_THREADS_MAX)
            status = run(work);
    }
    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Stress");
    PDEVICE_OBJECT DeviceObject;
    NTSTATUS status;

    DriverObject->MajorFunction[IRP_MJ_CREATE] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = dispatch;
    DriverObject->DriverUnload = unload;
    status = IoCreateDevice(DriverObject, sizeof(struct work), &name, FILE_DEVICE_UNKNOWN, 0, FALSE,
                            &DeviceObject);
    if (NT_SUCCESS(status))
        DeviceObject->Flags &= ~DO_DEVICE_INITIALIZING;
    return status;
}
