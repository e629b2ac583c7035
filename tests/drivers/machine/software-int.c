/* SPDX-License-Identifier: MIT */
/*
 * `int n` of a vector that is connected: its service routine runs, at once or
 * when the IRQL allows it, and not when it is disconnected again.
 */
#include "rltest.h"

NTHALAPI ULONG NTAPI HalGetInterruptVector(INTERFACE_TYPE InterfaceType, ULONG BusNumber,
                                           ULONG BusInterruptLevel, ULONG BusInterruptVector, PKIRQL Irql,
                                           PKAFFINITY Affinity);

#define IRQ    7
#define VECTOR 0x50 /* what the machine gives it: an instruction holds its vector */

static volatile ULONG calls;
static volatile KIRQL called_at;

static BOOLEAN NTAPI isr(PKINTERRUPT Interrupt, PVOID Context)
{
    calls++;
    called_at = KeGetCurrentIrql();
    return TRUE;
}

static __attribute__((noinline)) void interrupt(void)
{
    __asm__ volatile("int %0" : : "i"(VECTOR) : "memory");
}

static void try_it(KIRQL irql)
{
    KIRQL old;

    interrupt();
    CHECK_EQ("BIN-04", calls, 1);
    CHECK_EQ("BIN-04", called_at, irql);
    KeRaiseIrql(irql, &old);
    interrupt();
    KeLowerIrql(old);
    CHECK_EQ("BIN-04", calls, 2);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PKINTERRUPT object;
    KAFFINITY affinity;
    NTSTATUS status;
    KIRQL irql;

    DriverObject->DriverUnload = unload;
    CHECK_EQ("BIN-04", HalGetInterruptVector(Isa, 0, IRQ, IRQ, &irql, &affinity), VECTOR);
    status = IoConnectInterrupt(&object, isr, NULL, NULL, VECTOR, irql, irql, Latched, FALSE, 1, FALSE);
    CHECK_STATUS("BIN-04", status, STATUS_SUCCESS);
    if (!NT_SUCCESS(status))
        return status;
    try_it(irql);
    IoDisconnectInterrupt(object);
    return STATUS_SUCCESS;
}
