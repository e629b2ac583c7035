/* SPDX-License-Identifier: MIT */
/*
 * Four threads run inline instructions against each other, the clock and a
 * timer's DPC: an IRQL, a flag or a register that gets lost shows in a sum.
 */
#include "rltest.h"

#define THREADS 4
#define TURNS   30000

static HANDLE threads[THREADS];
static KTIMER timer;
static KDPC timer_dpc;
static volatile LONG wrong_irql, wrong_flag, wrong_sum, ticks;

static VOID NTAPI on_timer(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    InterlockedIncrement(&ticks);
    if (KeGetCurrentIrql() != DISPATCH_LEVEL)
        InterlockedIncrement(&wrong_irql);
}

static inline void write_cr8(ULONG64 value)
{
    __asm__ volatile("mov %0, %%cr8" : : "r"(value) : "memory");
}

static inline ULONG64 read_cr8(void)
{
    ULONG64 value;

    __asm__ volatile("mov %%cr8, %0" : "=r"(value));
    return value;
}

/* One turn; what it adds depends on every register that the instructions between must keep. */
static ULONG64 turn(ULONG64 a, ULONG64 b)
{
    ULONG64 flags, held = a * 3 + b;
    ULONG low, high;

    write_cr8(DISPATCH_LEVEL);
    if (read_cr8() != DISPATCH_LEVEL)
        InterlockedIncrement(&wrong_irql);
    write_cr8(PASSIVE_LEVEL);
    if (read_cr8() != PASSIVE_LEVEL)
        InterlockedIncrement(&wrong_irql);
    __asm__ volatile("pushfq; popq %0; cli" : "=r"(flags) : : "memory");
    if (!(flags & 0x200))
        InterlockedIncrement(&wrong_flag);
    __asm__ volatile("pushq %0; popfq" : : "r"(flags) : "memory", "cc");
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(0x277));
    __asm__ volatile("inb %w1, %b0" : "+a"(low) : "d"(0x2F0)); /* nobody answers */
    return held + ((low & 0xFF) == 0xFF) + (high == 0x00070406);
}

static VOID NTAPI work(PVOID Context)
{
    ULONG64 sum = 0;
    ULONG i;

    for (i = 0; i < TURNS; i++)
        sum += turn(i, (ULONG_PTR)Context) - (i * 3ull + (ULONG_PTR)Context);
    if (sum != 2ull * TURNS)
        InterlockedIncrement(&wrong_sum);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static void join(HANDLE handle)
{
    PVOID thread;

    if (NT_SUCCESS(ObReferenceObjectByHandle(handle, 0, NULL, KernelMode, &thread, NULL))) {
        KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL);
        ObDereferenceObject(thread);
    }
    ZwClose(handle);
}

static VOID NTAPI crossing_unload(PDRIVER_OBJECT DriverObject)
{
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    LARGE_INTEGER due = {.QuadPart = -10000};
    ULONG_PTR i;

    DriverObject->DriverUnload = crossing_unload;
    KeInitializeTimer(&timer);
    KeInitializeDpc(&timer_dpc, on_timer, NULL);
    KeSetTimerEx(&timer, due, 1, &timer_dpc);
    for (i = 0; i < THREADS; i++)
        PsCreateSystemThread(&threads[i], THREAD_ALL_ACCESS, NULL, NULL, NULL, work, (PVOID)(i + 1));
    for (i = 0; i < THREADS; i++)
        join(threads[i]);
    KeCancelTimer(&timer);
    KeFlushQueuedDpcs();
    CHECK_EQ("BIN-03", wrong_irql, 0);
    CHECK_EQ("BIN-04", wrong_flag, 0);
    CHECK_EQ("BIN-04", wrong_sum, 0);
    return STATUS_SUCCESS;
}
