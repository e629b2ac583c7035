/* SPDX-License-Identifier: MIT */
/* Queue objects: entries in order, the limit of threads that run, what waiting elsewhere does to it, rundown.
 */
#include "ke.h"

static LIST_ENTRY entries[8];

static VOID alone(VOID)
{
    KQUEUE queue;
    LARGE_INTEGER zero = {.QuadPart = 0}, soon = ms(2);
    RtlFillMemory(&queue, sizeof(queue), 0x55);
    KeInitializeQueue(&queue, 0);
    CHECK_EQ("KE-QUEUE", queue.MaximumCount,
             KeQueryActiveProcessors() == 1 ? 1 : __builtin_popcountll(KeQueryActiveProcessors()));
    KeInitializeQueue(&queue, 3);
    CHECK_EQ("KE-QUEUE", queue.Header.Type, 4);
    CHECK_EQ("KE-QUEUE", queue.Header.Size, sizeof(queue) / sizeof(LONG));
    CHECK_EQ("KE-QUEUE", queue.MaximumCount, 3);
    CHECK_EQ("KE-QUEUE", queue.CurrentCount, 0);
    CHECK("KE-QUEUE", IsListEmpty(&queue.EntryListHead) && IsListEmpty(&queue.ThreadListHead));
    CHECK_EQ("KE-QUEUE", KeRemoveQueue(&queue, KernelMode, &zero), STATUS_TIMEOUT);
    CHECK_EQ("KE-QUEUE", queue.CurrentCount, 1);
    CHECK("KE-QUEUE", !IsListEmpty(&queue.ThreadListHead));
    CHECK_EQ("KE-QUEUE", KeRemoveQueue(&queue, KernelMode, &soon), STATUS_TIMEOUT);
    CHECK_EQ("KE-QUEUE", KeInsertQueue(&queue, &entries[0]), 0);
    CHECK_EQ("KE-QUEUE", KeInsertQueue(&queue, &entries[1]), 1);
    CHECK_EQ("KE-QUEUE", KeInsertHeadQueue(&queue, &entries[2]), 2);
    CHECK_EQ("KE-QUEUE", KeReadStateQueue(&queue), 3);
    CHECK("KE-QUEUE", KeRemoveQueue(&queue, KernelMode, NULL) == &entries[2]);
    CHECK_EQ("KE-QUEUE", entries[2].Flink, NULL);
    CHECK("KE-QUEUE", KeRemoveQueue(&queue, KernelMode, &zero) == &entries[0]);
    CHECK_EQ("KE-QUEUE", queue.CurrentCount, 1);
    KeInsertQueue(&queue, &entries[3]);
    CHECK("KE-QUEUE", KeRundownQueue(&queue) == &entries[1]);
    CHECK("KE-QUEUE", entries[1].Flink == &entries[3] && entries[3].Flink == &entries[1]);
    CHECK("KE-QUEUE", KeRundownQueue(&queue) == NULL);
    CHECK_EQ("KE-QUEUE", KeRemoveQueue(&queue, KernelMode, NULL), STATUS_ABANDONED);
}

static KQUEUE shared;
static KEVENT pass, stop;
static volatile LONG taken, passed;
static LIST_ENTRY *last[3];

static VOID NTAPI server(PVOID context)
{
    for (;;) {
        LIST_ENTRY *entry = KeRemoveQueue(&shared, KernelMode, NULL);
        last[(ULONG_PTR)context] = entry;
        if ((ULONG_PTR)entry == STATUS_ABANDONED)
            PsTerminateSystemThread(STATUS_SUCCESS);
        InterlockedIncrement(&taken);
        KeWaitForSingleObject(&pass, Executive, KernelMode, FALSE, NULL);
        InterlockedIncrement(&passed);
        while (!KeReadStateEvent(&stop)) /* runs */
            KeDelayExecutionThread(KernelMode, FALSE, &(LARGE_INTEGER){.QuadPart = 0});
    }
}

static ULONG waiters(VOID)
{
    ULONG count = 0;
    KIRQL irql;
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    for (LIST_ENTRY *it = shared.Header.WaitListHead.Flink; it != &shared.Header.WaitListHead; it = it->Flink)
        count++;
    KeLowerIrql(irql);
    return count;
}

static VOID until(volatile LONG *value, LONG wanted)
{
    for (ULONG i = 0; i < 2000 && *value != wanted; i++)
        pause(1);
}

/* One thread at a time: but while that waits, another is served. */
static VOID limit(VOID)
{
    PKTHREAD threads[3];
    KeInitializeQueue(&shared, 1);
    KeInitializeEvent(&pass, SynchronizationEvent, FALSE);
    KeInitializeEvent(&stop, NotificationEvent, FALSE);
    for (ULONG i = 0; i < 3; i++) {
        threads[i] = start_thread(server, (PVOID)(ULONG_PTR)i);
        while (waiters() != i + 1)
            pause(1);
    }
    CHECK_EQ("KE-QUEUE", shared.CurrentCount, 0);
    CHECK_EQ("KE-QUEUE", KeInsertQueue(&shared, &entries[4]), 0);
    until(&taken, 1);
    pause(2);
    CHECK("KE-QUEUE", last[2] == &entries[4] && last[1] == NULL); /* the last to come is served first */
    CHECK_EQ("KE-QUEUE", shared.CurrentCount, 0);                 /* it waits elsewhere */
    KeSetEvent(&pass, 0, FALSE);
    until(&passed, 1);
    CHECK_EQ("KE-QUEUE", shared.CurrentCount, 1);
    CHECK_EQ("KE-QUEUE", KeInsertQueue(&shared, &entries[5]), 0); /* nobody may have it: one thread runs */
    CHECK_EQ("KE-QUEUE", KeInsertQueue(&shared, &entries[6]), 1);
    pause(3);
    CHECK_EQ("KE-QUEUE", taken, 1);
    CHECK_EQ("KE-QUEUE", KeReadStateQueue(&shared), 2);
    KeSetEvent(&stop, 0, FALSE); /* that one comes back for the next, waits, and lets others in */
    until(&taken, 3);
    CHECK_EQ("KE-QUEUE", taken, 3);
    CHECK("KE-QUEUE", last[2] == &entries[5]);
    CHECK_EQ("KE-QUEUE", KeReadStateQueue(&shared), 0);
    KeSetEvent(&pass, 0, FALSE);
    until(&passed, 2);
    KeSetEvent(&pass, 0, FALSE);
    until(&passed, 3);
    while (waiters() != 3)
        pause(1);
    CHECK_EQ("KE-QUEUE", KeRundownQueue(&shared), NULL);
    for (ULONG i = 0; i < 3; i++)
        end_thread(threads[i]);
    CHECK_EQ("KE-QUEUE", last[0], STATUS_ABANDONED);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = unload;
    alone();
    limit();
    return STATUS_SUCCESS;
}
