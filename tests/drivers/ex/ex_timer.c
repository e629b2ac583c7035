/* SPDX-License-Identifier: MIT */
/* SR-15: timers that the system allocates, their callbacks and their end; push locks. */
#include "../ke/ke.h"

static PEX_TIMER(NTAPI *allocate)(PEXT_CALLBACK, PVOID, ULONG);
static BOOLEAN(NTAPI *set)(PEX_TIMER, LONGLONG, LONGLONG, EXT_SET_PARAMETERS *);
static BOOLEAN(NTAPI *cancel)(PEX_TIMER, PEXT_CANCEL_PARAMETERS);
static BOOLEAN(NTAPI *destroy)(PEX_TIMER, BOOLEAN, BOOLEAN, PEXT_DELETE_PARAMETERS);

static volatile LONG calls, deletions;
static PEX_TIMER seen_timer;
static KIRQL seen_irql;
static volatile BOOLEAN delete_in_callback;
static EXT_DELETE_PARAMETERS deletion;

static VOID NTAPI callback(PEX_TIMER timer, PVOID context)
{
    seen_timer = timer;
    seen_irql = KeGetCurrentIrql();
    if (delete_in_callback)
        destroy(timer, TRUE, FALSE, &deletion);
    InterlockedIncrement((volatile LONG *)context);
}

static VOID NTAPI deleted(PVOID context)
{
    InterlockedIncrement((volatile LONG *)context);
}

static VOID until(volatile LONG *value, LONG wanted)
{
    for (ULONG i = 0; i < 2000 && *value < wanted; i++)
        pause(1);
}

static VOID states(VOID)
{
    PEX_TIMER timer = allocate(NULL, NULL, EX_TIMER_NOTIFICATION);
    EXT_SET_PARAMETERS parameters = {0};
    CHECK("SR-15", timer != NULL);
    CHECK_EQ("SR-15", cancel(timer, NULL), FALSE);
    CHECK_EQ("SR-15", set(timer, -600000000ll, 0, &parameters), FALSE);
    CHECK_EQ("SR-15", set(timer, -600000000ll, 0, NULL), TRUE);
    CHECK_EQ("SR-15", cancel(timer, NULL), TRUE);
    CHECK_EQ("SR-15", cancel(timer, NULL), FALSE);
    set(timer, -10000, 0, NULL);
    CHECK_STATUS("SR-15", KeWaitForSingleObject(timer, Executive, KernelMode, FALSE, NULL), STATUS_SUCCESS);
    CHECK_STATUS("SR-15", look(timer), STATUS_SUCCESS);
    CHECK_EQ("SR-15", set(timer, -600000000ll, 0, NULL), FALSE);
    CHECK_STATUS("SR-15", look(timer), STATUS_TIMEOUT);
    CHECK_EQ("SR-15", destroy(timer, TRUE, TRUE, NULL), TRUE);
    timer = allocate(NULL, NULL, 0);
    set(timer, -10000, 0, NULL);
    KeWaitForSingleObject(timer, Executive, KernelMode, FALSE, NULL);
    CHECK_STATUS("SR-15", look(timer), STATUS_TIMEOUT);
    CHECK_EQ("SR-15", destroy(timer, TRUE, TRUE, NULL), FALSE);
}

static VOID callbacks(VOID)
{
    PEX_TIMER timer = allocate(callback, (PVOID)&calls, EX_TIMER_HIGH_RESOLUTION);
    deletion.DeleteCallback = deleted;
    deletion.DeleteContext = (PVOID)&deletions;
    set(timer, -10000, 0, NULL);
    until(&calls, 1);
    CHECK("SR-15", calls == 1 && seen_timer == timer && seen_irql == DISPATCH_LEVEL);
    set(timer, -10000, 15000, NULL); /* each 1.5 ms */
    until(&calls, 4);
    CHECK("SR-15", calls >= 4);
    CHECK_EQ("SR-15", destroy(timer, TRUE, TRUE, &deletion), TRUE);
    CHECK_EQ("SR-15", deletions, 1);
    LONG before = calls;
    pause(5);
    CHECK_EQ("SR-15", calls, before);
    timer = allocate(callback, (PVOID)&calls, 0);
    set(timer, -20000, 0, NULL);
    CHECK_EQ("SR-15", destroy(timer, FALSE, FALSE, &deletion), FALSE); /* after its expiry */
    until(&deletions, 2);
    CHECK("SR-15", deletions == 2 && calls == before + 1);
    delete_in_callback = TRUE;
    set(allocate(callback, (PVOID)&calls, 0), -10000, 10000, NULL);
    until(&deletions, 3);
    CHECK("SR-15", deletions == 3 && calls == before + 2);
}

static VOID(NTAPI *acquire_exclusive)(PULONG_PTR, ULONG);
static VOID(NTAPI *acquire_shared)(PULONG_PTR, ULONG);
static VOID(NTAPI *release)(PULONG_PTR, ULONG);
static BOOLEAN(NTAPI *try_exclusive)(PULONG_PTR, ULONG);
static ULONG_PTR push_lock;
static volatile LONG inside, writers, misses;

static VOID NTAPI writer(PVOID context)
{
    for (ULONG i = 0; i < 50; i++) {
        acquire_exclusive(&push_lock, 0);
        misses += InterlockedIncrement(&inside) != 1;
        if (i % 8 == 0)
            pause(0);
        InterlockedDecrement(&inside);
        writers++;
        release(&push_lock, 0);
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID NTAPI reader(PVOID context)
{
    for (ULONG i = 0; i < 50; i++) {
        acquire_shared(&push_lock, 0);
        LONG before = writers;
        misses += inside != 0;
        if (i % 8 == 0)
            pause(0);
        misses += writers != before;
        release(&push_lock, 0);
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID push_locks(VOID)
{
    PKTHREAD threads[6];
    KeEnterCriticalRegion();
    CHECK("EX-PUSHLOCK", try_exclusive(&push_lock, 0) && !try_exclusive(&push_lock, 0));
    release(&push_lock, 0);
    acquire_shared(&push_lock, 0);
    acquire_shared(&push_lock, 0);
    CHECK("EX-PUSHLOCK", !try_exclusive(&push_lock, 0));
    release(&push_lock, 0);
    CHECK("EX-PUSHLOCK", !try_exclusive(&push_lock, 0));
    release(&push_lock, 0);
    CHECK_EQ("EX-PUSHLOCK", push_lock, 0);
    acquire_exclusive(&push_lock, 0);
    for (ULONG i = 0; i < 6; i++)
        threads[i] = start_thread(i % 2 ? reader : writer, NULL);
    pause(2);
    CHECK_EQ("EX-PUSHLOCK", writers, 0);
    release(&push_lock, 0);
    for (ULONG i = 0; i < 6; i++)
        end_thread(threads[i]);
    CHECK_EQ("EX-PUSHLOCK", misses, 0);
    CHECK_EQ("EX-PUSHLOCK", writers, 150);
    CHECK_EQ("EX-PUSHLOCK", push_lock, 0);
    KeLeaveCriticalRegion();
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = unload;
    allocate = routine(L"ExAllocateTimer");
    set = routine(L"ExSetTimer");
    cancel = routine(L"ExCancelTimer");
    destroy = routine(L"ExDeleteTimer");
    acquire_exclusive = routine(L"ExAcquirePushLockExclusiveEx");
    acquire_shared = routine(L"ExAcquirePushLockSharedEx");
    release = routine(L"ExReleasePushLockEx");
    try_exclusive = routine(L"ExTryAcquirePushLockExclusiveEx");
    states();
    callbacks();
    push_locks();
    return STATUS_SUCCESS;
}
