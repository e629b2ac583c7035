/* SPDX-License-Identifier: MIT */
/*
 * DPC-08, DPC-11: the service routine runs on processor 0, its DpcForIsr on
 * processor 1, both at once; inside KeSynchronizeExecution the DPC is alone.
 */
#include "../int/bell.h"

static PDEVICE_OBJECT device;
static PKINTERRUPT interrupt;
static volatile LONG isrs, dpcs, in_dpc, isr_saw_dpc, in_section, isr_saw_section;
static volatile ULONG isr_processor = 99, dpc_processor = 99;
static struct bell bell = {.port = 0x300};

static BOOLEAN NTAPI isr(PKINTERRUPT Interrupt, PVOID Context)
{
    if (!__inbyte(bell.port))
        return FALSE;
    hush(&bell);
    isr_processor = KeGetCurrentProcessorNumber();
    isr_saw_dpc |= in_dpc;
    isr_saw_section |= in_section;
    InterlockedIncrement(&isrs);
    IoRequestDpc(device, NULL, NULL); /* the last act: the DPC may run before this returns */
    return TRUE;
}

/* The device interrupts now, and its routine on the other processor does not come in. */
static BOOLEAN NTAPI section(PVOID Context)
{
    LONG before = isrs;
    CHECK_EQ("DPC-08", KeGetCurrentIrql(), irql_of_bells);
    in_section = TRUE;
    ring(&bell);
    for (ULONG i = 0; i < 20; i++)
        KeStallExecutionProcessor(50);
    CHECK_EQ("DPC-11", isrs, before);
    in_section = FALSE;
    return TRUE;
}

static VOID NTAPI dpc_for_isr(PKDPC Dpc, PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    LONG number = InterlockedIncrement(&dpcs);
    dpc_processor = KeGetCurrentProcessorNumber();
    in_dpc = TRUE;
    if (number == 1) {
        ring(&bell);
        for (ULONG i = 0; i < 100000 && isrs < 2; i++)
            KeStallExecutionProcessor(10);
        CHECK_EQ("DPC-11", isrs, 2); /* the service routine has run while this one did */
    }
    if (number == 2) {
        CHECK_EQ("DPC-08", KeSynchronizeExecution(interrupt, section, NULL), TRUE);
        CHECK_EQ("DPC-08", KeGetCurrentIrql(), DISPATCH_LEVEL);
    }
    in_dpc = FALSE;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoDisconnectInterrupt(interrupt);
    KeFlushQueuedDpcs();
    IoDeleteDevice(device);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS status = IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    DriverObject->DriverUnload = unload;
    IoInitializeDpcRequest(device, dpc_for_isr);
    KeSetTargetProcessorDpc(&device->Dpc, 1);
    KeSetImportanceDpc(&device->Dpc, MediumHighImportance);
    find_vectors();
    status = IoConnectInterrupt(&interrupt, isr, NULL, NULL, vector_of_bells, irql_of_bells, irql_of_bells,
                                LevelSensitive, TRUE, 1, FALSE);
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(device);
        return status;
    }
    ring(&bell);
    until(&dpcs, 3); /* of the first ring, of the one in the DPC, of the one in the section */
    KeFlushQueuedDpcs();
    CHECK("DPC-11", isr_saw_dpc && !isr_saw_section);
    CHECK("DPC-11", isr_processor == 0 && dpc_processor == 1);
    CHECK("DPC-11", isrs == 3 && dpcs == 3);
    return STATUS_SUCCESS;
}
