/* SPDX-License-Identifier: MIT */
/*
 * APCs: which routine runs at which IRQL, when critical and guarded regions
 * and the IRQL hold which kind back, in which order, and what they do to waits.
 */
#include "ke.h"

#define OBJECT_TYPE_APC 18

typedef enum { OriginalApcEnvironment, AttachedApcEnvironment, CurrentApcEnvironment } KAPC_ENVIRONMENT;
NTKERNELAPI VOID NTAPI KeInitializeApc(PKAPC Apc, PKTHREAD Thread, KAPC_ENVIRONMENT Environment,
                                       PVOID KernelRoutine, PVOID RundownRoutine, PVOID NormalRoutine,
                                       KPROCESSOR_MODE ApcMode, PVOID NormalContext);
NTKERNELAPI BOOLEAN NTAPI KeInsertQueueApc(PKAPC Apc, PVOID SystemArgument1, PVOID SystemArgument2,
                                           KPRIORITY Increment);
static BOOLEAN(NTAPI *remove_queue_apc)(PKAPC Apc);
NTKERNELAPI BOOLEAN NTAPI KeTestAlertThread(KPROCESSOR_MODE AlertMode);
NTKERNELAPI BOOLEAN NTAPI KeAlertThread(PKTHREAD Thread, KPROCESSOR_MODE AlertMode);

static char history[64];
static ULONG length;
static BOOLEAN ok;

static VOID note(char c)
{
    history[length++ % 63] = c;
    history[length % 64] = 0;
}

static BOOLEAN happened(const char *wanted)
{
    BOOLEAN same = length == strlen(wanted) && memcmp(history, wanted, length) == 0;
    if (!same)
        DbgPrint("happened: %s, wanted %s\n", history, wanted);
    length = 0;
    return same;
}

/* Upper case letters: normal routines; lower case: kernel routines. */
static VOID NTAPI normal(PVOID context, PVOID argument1, PVOID argument2)
{
    ok &= KeGetCurrentIrql() == PASSIVE_LEVEL;
    ok &= argument1 == (PVOID)1 && argument2 == (PVOID)2;
    note((char)(ULONG_PTR)context);
}

static VOID NTAPI kernel(PKAPC apc, PVOID *routine, PVOID *context, PVOID *argument1, PVOID *argument2)
{
    ok &= KeGetCurrentIrql() == APC_LEVEL;
    ok &= !apc->Inserted && *argument1 == (PVOID)1 && *argument2 == (PVOID)2;
    note(*routine != NULL ? (char)((ULONG_PTR)*context + 32) : 's');
}

static VOID NTAPI canceling_kernel(PKAPC apc, PVOID *routine, PVOID *context, PVOID *argument1,
                                   PVOID *argument2)
{
    note('c');
    *routine = NULL;
}

static VOID prepare(PKAPC apc, char name)
{
    KeInitializeApc(apc, KeGetCurrentThread(), OriginalApcEnvironment, kernel, NULL, name ? normal : NULL,
                    KernelMode, (PVOID)(ULONG_PTR)name);
}

static BOOLEAN queue(PKAPC apc)
{
    return KeInsertQueueApc(apc, (PVOID)1, (PVOID)2, 0);
}

static VOID fields(VOID)
{
    KAPC apc;
    RtlFillMemory(&apc, sizeof(apc), 0x55);
    KeInitializeApc(&apc, KeGetCurrentThread(), CurrentApcEnvironment, kernel, NULL, normal, UserMode, &apc);
    CHECK_EQ("KE-APC", apc.Type, OBJECT_TYPE_APC);
    CHECK_EQ("KE-APC", apc.Size, sizeof(apc));
    CHECK("KE-APC", apc.Thread == KeGetCurrentThread());
    CHECK_EQ("KE-APC", apc.ApcStateIndex, OriginalApcEnvironment);
    CHECK_EQ("KE-APC", apc.ApcMode, UserMode);
    CHECK_EQ("KE-APC", apc.NormalContext, &apc);
    CHECK_EQ("KE-APC", apc.Inserted, FALSE);
    CHECK_EQ("KE-APC", apc.SystemArgument1, 0x5555555555555555ull);
    KeInitializeApc(&apc, KeGetCurrentThread(), OriginalApcEnvironment, kernel, NULL, NULL, UserMode, &apc);
    CHECK_EQ("KE-APC", apc.ApcMode, KernelMode);
    CHECK_EQ("KE-APC", apc.NormalContext, NULL);
}

static VOID at_once(VOID)
{
    KAPC a, s;
    ok = TRUE;
    prepare(&a, 'A');
    prepare(&s, 0);
    CHECK("KE-APC", queue(&a) && happened("aA"));
    CHECK("KE-APC", queue(&s) && happened("s"));
    KeInitializeApc(&a, KeGetCurrentThread(), OriginalApcEnvironment, canceling_kernel, NULL, normal,
                    KernelMode, NULL);
    CHECK("KE-APC", queue(&a) && happened("c"));
    CHECK("KE-APC", ok);
}

static VOID held_by_irql(VOID)
{
    KAPC a, b, s, t;
    KIRQL irql;
    ok = TRUE;
    prepare(&a, 'A');
    prepare(&b, 'B');
    prepare(&s, 0);
    prepare(&t, 0);
    KeRaiseIrql(APC_LEVEL, &irql);
    CHECK("KE-APC", KeAreAllApcsDisabled() && !KeAreApcsDisabled());
    CHECK("KE-APC", queue(&a) && queue(&b) && queue(&s) && queue(&t));
    CHECK("KE-APC", a.Inserted && !queue(&a));
    CHECK("KE-APC", happened(""));
    KeLowerIrql(irql);
    CHECK("KE-APC", happened("ssaAbB"));
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    CHECK("KE-APC", queue(&a) && queue(&s));
    CHECK("KE-APC", remove_queue_apc(&a) && !remove_queue_apc(&a) && !a.Inserted);
    KeLowerIrql(irql);
    CHECK("KE-APC", happened("s") && ok);
}

static VOID held_by_regions(VOID)
{
    KAPC a, s;
    ok = TRUE;
    prepare(&a, 'A');
    prepare(&s, 0);
    KeEnterCriticalRegion();
    KeEnterCriticalRegion();
    CHECK("KE-APC", KeAreApcsDisabled() && !KeAreAllApcsDisabled());
    CHECK("KE-APC", queue(&a) && queue(&s) && happened("s"));
    KeLeaveCriticalRegion();
    CHECK("KE-APC", happened(""));
    KeLeaveCriticalRegion();
    CHECK("KE-APC", happened("aA") && !KeAreApcsDisabled());
    KeEnterGuardedRegion();
    CHECK("KE-APC", KeAreApcsDisabled() && KeAreAllApcsDisabled());
    CHECK("KE-APC", queue(&a) && queue(&s) && happened(""));
    KeEnterCriticalRegion();
    KeLeaveGuardedRegion();
    CHECK("KE-APC", happened("s"));
    KeLeaveCriticalRegion();
    CHECK("KE-APC", happened("aA") && ok);
}

static VOID held_by_locks(VOID)
{
    KAPC a, s;
    FAST_MUTEX fast;
    KGUARDED_MUTEX guarded;
    KMUTEX mutex;
    prepare(&a, 'A');
    prepare(&s, 0);
    ExInitializeFastMutex(&fast);
    KeInitializeGuardedMutex(&guarded);
    KeInitializeMutex(&mutex, 0);
    ExAcquireFastMutex(&fast);
    CHECK("KE-APC", queue(&a) && queue(&s) && happened(""));
    ExReleaseFastMutex(&fast);
    CHECK("KE-APC", happened("saA"));
    KeAcquireGuardedMutex(&guarded);
    CHECK("KE-APC", KeGetCurrentIrql() == PASSIVE_LEVEL && KeAreAllApcsDisabled());
    CHECK("KE-APC", queue(&a) && queue(&s) && happened(""));
    KeReleaseGuardedMutex(&guarded);
    CHECK("KE-APC", happened("saA"));
    KeWaitForSingleObject(&mutex, Executive, KernelMode, FALSE, NULL);
    CHECK("KE-APC", queue(&a) && queue(&s) && happened("s"));
    KeReleaseMutex(&mutex, FALSE);
    CHECK("KE-APC", happened("aA"));
}

/* A normal routine is not interrupted by another one, but by special APCs. */
static KAPC inner, inner_special;
static VOID NTAPI outer_normal(PVOID context, PVOID argument1, PVOID argument2)
{
    note('[');
    queue(&inner);
    queue(&inner_special);
    note(']');
}

static VOID nested(VOID)
{
    KAPC outer;
    prepare(&inner, 'I');
    prepare(&inner_special, 0);
    KeInitializeApc(&outer, KeGetCurrentThread(), OriginalApcEnvironment, canceling_kernel, NULL,
                    outer_normal, KernelMode, NULL);
    outer.KernelRoutine = (PVOID)kernel;
    CHECK("KE-APC", KeInsertQueueApc(&outer, (PVOID)1, (PVOID)2, 0));
    CHECK("KE-APC", history[1] == '[' && history[2] == 's' && history[3] == ']');
    CHECK("KE-APC", history[4] == 'i' && history[5] == 'I');
    length = 0;
}

/* A wait goes on after the kernel APCs that interrupt it. */
static KEVENT release;
static NTSTATUS wait_status;
static VOID NTAPI waiting_thread(PVOID context)
{
    LARGE_INTEGER time = ms(60000);
    KeLeaveCriticalRegion();
    wait_status =
        KeWaitForSingleObject(&release, Executive, KernelMode, context != NULL, context ? &time : NULL);
    KeEnterCriticalRegion();
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID into_a_wait(VOID)
{
    KAPC a;
    ok = TRUE;
    KeInitializeEvent(&release, NotificationEvent, FALSE);
    PKTHREAD thread = start_thread(waiting_thread, NULL);
    until_waited_for(&release);
    KeInitializeApc(&a, thread, OriginalApcEnvironment, kernel, NULL, normal, KernelMode, (PVOID)'W');
    CHECK("KE-APC", queue(&a));
    while (((volatile ULONG *)&length)[0] != 2)
        pause(1);
    CHECK("KE-APC", happened("wW") && ok);
    CHECK_STATUS("KE-APC", look(thread), STATUS_TIMEOUT);
    KeSetEvent(&release, 0, FALSE);
    ObReferenceObject(thread);
    end_thread(thread);
    CHECK_STATUS("KE-APC", wait_status, STATUS_SUCCESS);
    CHECK("KE-APC", !queue(&a));
    ObDereferenceObject(thread);
}

static VOID alerts(VOID)
{
    LARGE_INTEGER zero = {.QuadPart = 0}, time = ms(1);
    PKTHREAD self = KeGetCurrentThread(), thread;
    KeInitializeEvent(&release, NotificationEvent, FALSE);
    CHECK("KE-ALERT", !KeTestAlertThread(KernelMode));
    CHECK("KE-ALERT", !KeAlertThread(self, KernelMode) && KeAlertThread(self, KernelMode));
    CHECK("KE-ALERT", KeTestAlertThread(KernelMode) && !KeTestAlertThread(KernelMode));
    KeAlertThread(self, KernelMode);
    CHECK_STATUS("KE-ALERT", KeDelayExecutionThread(KernelMode, FALSE, &time), STATUS_SUCCESS);
    CHECK_STATUS("KE-ALERT", KeDelayExecutionThread(KernelMode, TRUE, &time), STATUS_ALERTED);
    CHECK_STATUS("KE-ALERT", KeDelayExecutionThread(KernelMode, TRUE, &time), STATUS_SUCCESS);
    KeAlertThread(self, KernelMode);
    CHECK_STATUS("KE-ALERT", KeWaitForSingleObject(&release, Executive, KernelMode, TRUE, &zero),
                 STATUS_ALERTED);
    CHECK_STATUS("KE-ALERT", KeWaitForSingleObject(&release, Executive, KernelMode, TRUE, &zero),
                 STATUS_TIMEOUT);
    thread = start_thread(waiting_thread, &release);
    until_waited_for(&release);
    CHECK("KE-ALERT", !KeAlertThread(thread, KernelMode));
    end_thread(thread);
    CHECK_STATUS("KE-ALERT", wait_status, STATUS_ALERTED);
    CHECK("KE-ALERT", IsListEmpty(&release.Header.WaitListHead));
}

/* A thread that ends runs the rundown routines of what it never got to. */
static KAPC left_behind;
static volatile LONG run_down;
static VOID NTAPI rundown(PKAPC apc)
{
    InterlockedIncrement(&run_down);
}

static VOID NTAPI ending_thread(PVOID context)
{
    KeInitializeApc(&left_behind, KeGetCurrentThread(), OriginalApcEnvironment, kernel, rundown, normal,
                    KernelMode, (PVOID)'X');
    queue(&left_behind); /* held back: a system thread begins in a critical region */
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID of_ended_threads(VOID)
{
    end_thread(start_thread(ending_thread, NULL));
    CHECK("KE-APC", run_down == 1 || happened("xX"));
    length = 0;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = unload;
    remove_queue_apc = routine(L"KeRemoveQueueApc");
    fields();
    at_once();
    held_by_irql();
    held_by_regions();
    held_by_locks();
    nested();
    into_a_wait();
    alerts();
    of_ended_threads();
    return STATUS_SUCCESS;
}
