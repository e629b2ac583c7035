/* SPDX-License-Identifier: MIT */
/*
 * Events, semaphores, mutexes and waits: what the routines return, what the
 * public fields hold, whom a wait is satisfied for, and what misuse raises.
 */
#include "ke.h"

static VOID events_alone(VOID)
{
    KEVENT event;
    RtlFillMemory(&event, sizeof(event), 0x55);
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    CHECK_EQ("KE-EVENT", event.Header.Type, 0);
    CHECK_EQ("KE-EVENT", event.Header.Size, sizeof(event) / sizeof(LONG));
    CHECK_EQ("KE-EVENT", event.Header.SignalState, 0);
    CHECK("KE-EVENT", IsListEmpty(&event.Header.WaitListHead));
    CHECK_STATUS("KE-EVENT", look(&event), STATUS_TIMEOUT);
    CHECK_EQ("KE-EVENT", KeSetEvent(&event, IO_NO_INCREMENT, FALSE), 0);
    CHECK_EQ("KE-EVENT", KeSetEvent(&event, IO_NO_INCREMENT, FALSE), 1);
    CHECK_STATUS("KE-EVENT", look(&event), STATUS_SUCCESS);
    CHECK_EQ("KE-EVENT", KeReadStateEvent(&event), 1);
    CHECK_EQ("KE-EVENT", KeResetEvent(&event), 1);
    CHECK_EQ("KE-EVENT", KeResetEvent(&event), 0);
    CHECK_EQ("KE-EVENT", KePulseEvent(&event, 0, FALSE), 0);
    CHECK_EQ("KE-EVENT", KeReadStateEvent(&event), 0);
    KeSetEvent(&event, 0, FALSE);
    CHECK_EQ("KE-EVENT", KePulseEvent(&event, 0, FALSE), 1);
    CHECK_EQ("KE-EVENT", event.Header.SignalState, 0);
    KeInitializeEvent(&event, SynchronizationEvent, TRUE);
    CHECK_EQ("KE-EVENT", event.Header.Type, 1);
    CHECK_EQ("KE-EVENT", event.Header.SignalState, 1);
    CHECK_STATUS("KE-EVENT", look(&event), STATUS_SUCCESS);
    CHECK_STATUS("KE-EVENT", look(&event), STATUS_TIMEOUT);
    KeSetEvent(&event, 0, FALSE);
    KeClearEvent(&event);
    CHECK_EQ("KE-EVENT", KeReadStateEvent(&event), 0);
}

/* Wait = TRUE: at DISPATCH_LEVEL until the wait that follows, which goes back. */
static VOID set_and_wait(VOID)
{
    KEVENT event;
    KIRQL irql;
    KeInitializeEvent(&event, SynchronizationEvent, FALSE);
    CHECK_EQ("KE-EVENT", KeSetEvent(&event, 0, TRUE), 0);
    CHECK_EQ("KE-EVENT", KeGetCurrentIrql(), DISPATCH_LEVEL);
    CHECK_STATUS("KE-EVENT", KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL),
                 STATUS_SUCCESS);
    CHECK_EQ("KE-EVENT", KeGetCurrentIrql(), PASSIVE_LEVEL);
    KeRaiseIrql(APC_LEVEL, &irql);
    KeSetEvent(&event, 0, TRUE);
    CHECK_STATUS("KE-EVENT", look(&event), STATUS_SUCCESS);
    CHECK_EQ("KE-EVENT", KeGetCurrentIrql(), APC_LEVEL);
    KeLowerIrql(irql);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    CHECK_STATUS("KE-EVENT", look(&event), STATUS_TIMEOUT);
    CHECK_EQ("KE-EVENT", KeGetCurrentIrql(), DISPATCH_LEVEL);
    KeLowerIrql(irql);
}

struct waiter {
    PVOID object;
    NTSTATUS status;
    KPRIORITY priority;
    LONG *order;
    LONG place;
};

static VOID NTAPI wait_thread(PVOID context)
{
    struct waiter *waiter = context;
    waiter->status = KeWaitForSingleObject(waiter->object, Executive, KernelMode, FALSE, NULL);
    waiter->priority = KeQueryPriorityThread(KeGetCurrentThread());
    waiter->place = InterlockedIncrement(waiter->order);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static ULONG waiting(KEVENT *event)
{
    ULONG count = 0;
    KIRQL irql;
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    for (LIST_ENTRY *it = event->Header.WaitListHead.Flink; it != &event->Header.WaitListHead; it = it->Flink)
        count++;
    KeLowerIrql(irql);
    return count;
}

static VOID events_with_waiters(EVENT_TYPE type)
{
    KEVENT event;
    LONG order = 0;
    struct waiter waiters[3];
    PKTHREAD threads[3];
    KeInitializeEvent(&event, type, FALSE);
    for (ULONG i = 0; i < 3; i++) {
        waiters[i] = (struct waiter){&event, STATUS_UNSUCCESSFUL, 0, &order, 0};
        threads[i] = start_thread(wait_thread, &waiters[i]);
        while (waiting(&event) != i + 1)
            pause(1);
    }
    if (type == NotificationEvent) {
        CHECK_EQ("KE-EVENT", KeSetEvent(&event, 0, FALSE), 0);
        CHECK_EQ("KE-EVENT", KeReadStateEvent(&event), 1);
        for (ULONG i = 0; i < 3; i++)
            end_thread(threads[i]);
    } else {
        for (ULONG i = 0; i < 3; i++) {
            if (i == 1)
                CHECK_EQ("KE-EVENT", KePulseEvent(&event, 2, FALSE), 0);
            else
                CHECK_EQ("KE-EVENT", KeSetEvent(&event, 2, FALSE), 0);
            CHECK_EQ("KE-EVENT", KeReadStateEvent(&event), 0);
            end_thread(threads[i]);
            CHECK_EQ("KE-EVENT", waiters[i].place, i + 1);
            CHECK_EQ("KE-PRIORITY", waiters[i].priority, 10);
        }
    }
    CHECK_STATUS("KE-EVENT", waiters[0].status | waiters[1].status | waiters[2].status, STATUS_SUCCESS);
}

static VOID semaphores(VOID)
{
    KSEMAPHORE semaphore;
    RtlFillMemory(&semaphore, sizeof(semaphore), 0x55);
    KeInitializeSemaphore(&semaphore, 2, 5);
    CHECK_EQ("KE-SEMAPHORE", semaphore.Header.Type, 5);
    CHECK_EQ("KE-SEMAPHORE", semaphore.Header.Size, sizeof(semaphore) / sizeof(LONG));
    CHECK_EQ("KE-SEMAPHORE", semaphore.Header.SignalState, 2);
    CHECK_EQ("KE-SEMAPHORE", semaphore.Limit, 5);
    CHECK_EQ("KE-SEMAPHORE", KeReadStateSemaphore(&semaphore), 2);
    CHECK_STATUS("KE-SEMAPHORE", look(&semaphore), STATUS_SUCCESS);
    CHECK_STATUS("KE-SEMAPHORE", look(&semaphore), STATUS_SUCCESS);
    CHECK_STATUS("KE-SEMAPHORE", look(&semaphore), STATUS_TIMEOUT);
    CHECK_EQ("KE-SEMAPHORE", KeReleaseSemaphore(&semaphore, 0, 4, FALSE), 0);
    CHECK_EQ("KE-SEMAPHORE", KeReleaseSemaphore(&semaphore, 0, 1, FALSE), 4);
    CHECK_STATUS("KE-SEMAPHORE", STATUS_OF(KeReleaseSemaphore(&semaphore, 0, 1, FALSE)),
                 STATUS_SEMAPHORE_LIMIT_EXCEEDED);
    CHECK_STATUS("KE-SEMAPHORE", STATUS_OF(KeReleaseSemaphore(&semaphore, 0, -1, FALSE)),
                 STATUS_SEMAPHORE_LIMIT_EXCEEDED);
    CHECK_EQ("KE-SEMAPHORE", KeReadStateSemaphore(&semaphore), 5);
    CHECK_EQ("KE-SEMAPHORE", KeGetCurrentIrql(), PASSIVE_LEVEL);
}

static VOID NTAPI not_the_owner(PVOID context)
{
    KMUTEX *mutex = context;
    CHECK("KE-MUTEX", KeAreApcsDisabled()); /* a system thread begins in a critical region */
    KeLeaveCriticalRegion();
    CHECK_STATUS("KE-MUTEX", STATUS_OF(KeReleaseMutex(mutex, FALSE)), STATUS_MUTANT_NOT_OWNED);
    CHECK_STATUS("KE-MUTEX", look(mutex), STATUS_TIMEOUT);
    CHECK("KE-MUTEX", !KeAreApcsDisabled());
    KeEnterCriticalRegion();
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID mutexes(VOID)
{
    KMUTEX mutex;
    RtlFillMemory(&mutex, sizeof(mutex), 0x55);
    KeInitializeMutex(&mutex, 0);
    CHECK_EQ("KE-MUTEX", mutex.Header.Type, 2);
    CHECK_EQ("KE-MUTEX", mutex.Header.Size, sizeof(mutex) / sizeof(LONG));
    CHECK_EQ("KE-MUTEX", mutex.Header.SignalState, 1);
    CHECK_EQ("KE-MUTEX", mutex.OwnerThread, NULL);
    CHECK_EQ("KE-MUTEX", mutex.Abandoned, FALSE);
    CHECK_EQ("KE-MUTEX", mutex.ApcDisable, 1);
    CHECK_STATUS("KE-MUTEX", STATUS_OF(KeReleaseMutex(&mutex, FALSE)), STATUS_MUTANT_NOT_OWNED);
    CHECK_STATUS("KE-MUTEX", look(&mutex), STATUS_SUCCESS);
    CHECK_EQ("KE-MUTEX", mutex.Header.SignalState, 0);
    CHECK_EQ("KE-MUTEX", mutex.OwnerThread, KeGetCurrentThread());
    CHECK("KE-MUTEX", KeAreApcsDisabled() && !KeAreAllApcsDisabled());
    CHECK_STATUS("KE-MUTEX", KeWaitForSingleObject(&mutex, Executive, KernelMode, FALSE, NULL),
                 STATUS_SUCCESS);
    CHECK_EQ("KE-MUTEX", KeReadStateMutex(&mutex), -1);
    end_thread(start_thread(not_the_owner, &mutex));
    CHECK_EQ("KE-MUTEX", KeReleaseMutex(&mutex, FALSE), -1);
    CHECK("KE-MUTEX", KeAreApcsDisabled());
    CHECK_EQ("KE-MUTEX", KeReleaseMutex(&mutex, FALSE), 0);
    CHECK_EQ("KE-MUTEX", mutex.Header.SignalState, 1);
    CHECK_EQ("KE-MUTEX", mutex.OwnerThread, NULL);
    CHECK("KE-MUTEX", !KeAreApcsDisabled());
    look(&mutex);
    mutex.Header.SignalState = (LONG)0x80000000;
    CHECK_STATUS("KE-MUTEX", STATUS_OF(look(&mutex)), STATUS_MUTANT_LIMIT_EXCEEDED);
    CHECK_EQ("KE-MUTEX", KeGetCurrentIrql(), PASSIVE_LEVEL);
    mutex.Header.SignalState = 0;
    KeReleaseMutex(&mutex, FALSE);
}

static VOID wait_for_several(VOID)
{
    KEVENT a, b;
    KSEMAPHORE semaphore;
    KMUTEX mutex;
    KWAIT_BLOCK blocks[4];
    LARGE_INTEGER zero = {.QuadPart = 0}, soon = ms(5);
    PVOID three[3] = {&a, &b, &semaphore}, four[4] = {&a, &b, &semaphore, &mutex};
    KeInitializeEvent(&a, SynchronizationEvent, FALSE);
    KeInitializeEvent(&b, SynchronizationEvent, TRUE);
    KeInitializeSemaphore(&semaphore, 1, 3);
    KeInitializeMutex(&mutex, 0);
    CHECK_STATUS("KE-WAIT",
                 KeWaitForMultipleObjects(3, three, WaitAll, Executive, KernelMode, FALSE, &zero, NULL),
                 STATUS_TIMEOUT);
    CHECK_EQ("KE-WAIT", KeReadStateEvent(&b), 1);
    CHECK_EQ("KE-WAIT", KeReadStateSemaphore(&semaphore), 1);
    CHECK_STATUS("KE-WAIT",
                 KeWaitForMultipleObjects(3, three, WaitAny, Executive, KernelMode, FALSE, NULL, NULL),
                 STATUS_WAIT_1);
    CHECK_EQ("KE-WAIT", KeReadStateEvent(&b), 0);
    CHECK_STATUS("KE-WAIT",
                 KeWaitForMultipleObjects(3, three, WaitAny, Executive, KernelMode, FALSE, NULL, NULL),
                 STATUS_WAIT_2);
    CHECK_STATUS("KE-WAIT",
                 KeWaitForMultipleObjects(3, three, WaitAny, Executive, KernelMode, FALSE, &soon, NULL),
                 STATUS_TIMEOUT);
    CHECK("KE-WAIT", IsListEmpty(&a.Header.WaitListHead) && IsListEmpty(&semaphore.Header.WaitListHead));
    KeSetEvent(&a, 0, FALSE);
    KeSetEvent(&b, 0, FALSE);
    KeReleaseSemaphore(&semaphore, 0, 2, FALSE);
    CHECK_STATUS("KE-WAIT",
                 KeWaitForMultipleObjects(4, four, WaitAll, Executive, KernelMode, FALSE, NULL, blocks),
                 STATUS_SUCCESS);
    CHECK_EQ("KE-WAIT", KeReadStateEvent(&a) | KeReadStateEvent(&b), 0);
    CHECK_EQ("KE-WAIT", KeReadStateSemaphore(&semaphore), 1);
    CHECK_EQ("KE-WAIT", mutex.OwnerThread, KeGetCurrentThread());
    KeReleaseMutex(&mutex, FALSE);
}

/* Threads, processes and files can be waited for; a thread's header is signaled once it has ended. */
static VOID threads_as_objects(VOID)
{
    KEVENT event;
    LONG order = 0;
    struct waiter waiter = {&event, STATUS_UNSUCCESSFUL, 0, &order, 0};
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    PKTHREAD thread = start_thread(wait_thread, &waiter);
    DISPATCHER_HEADER *header = (DISPATCHER_HEADER *)thread;
    CHECK_EQ("KE-WAIT", header->Type, 6);
    CHECK_STATUS("KE-WAIT", look(thread), STATUS_TIMEOUT);
    CHECK_STATUS("KE-WAIT", look(PsGetCurrentProcess()), STATUS_TIMEOUT);
    CHECK("KE-WAIT", PsIsSystemThread((PETHREAD)thread));
    KeSetEvent(&event, 0, FALSE);
    KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL);
    CHECK_STATUS("KE-WAIT", look(thread), STATUS_SUCCESS);
    CHECK_EQ("KE-WAIT", header->SignalState, 1);
    ObDereferenceObject(thread);
}

static VOID delays(VOID)
{
    LARGE_INTEGER time = ms(3), zero = {.QuadPart = 0}, now;
    ULONGLONG before = KeQueryInterruptTime();
    CHECK_STATUS("KE-WAIT", KeDelayExecutionThread(KernelMode, FALSE, &time), STATUS_SUCCESS);
    ULONGLONG passed = KeQueryInterruptTime() - before;
    CHECK("KE-WAIT", passed >= 30000);
    CHECK_STATUS("KE-WAIT", KeDelayExecutionThread(KernelMode, FALSE, &zero), STATUS_SUCCESS);
    CHECK_STATUS("KE-WAIT", KeDelayExecutionThread(KernelMode, TRUE, &zero), STATUS_SUCCESS);
    KeQuerySystemTime(&now);
    time.QuadPart = now.QuadPart + 20000;
    CHECK_STATUS("KE-WAIT", KeDelayExecutionThread(KernelMode, FALSE, &time), STATUS_SUCCESS);
    KeQuerySystemTime(&now);
    CHECK("KE-WAIT", now.QuadPart >= time.QuadPart);
    time.QuadPart = 1; /* long ago */
    CHECK_STATUS("KE-WAIT", KeDelayExecutionThread(KernelMode, FALSE, &time), STATUS_SUCCESS);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = unload;
    events_alone();
    set_and_wait();
    events_with_waiters(NotificationEvent);
    events_with_waiters(SynchronizationEvent);
    semaphores();
    mutexes();
    wait_for_several();
    threads_as_objects();
    delays();
    return STATUS_SUCCESS;
}
