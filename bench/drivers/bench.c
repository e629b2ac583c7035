/* SPDX-License-Identifier: MIT */
/*
 * The driver of the benchmark. A control makes as many rounds as its input
 * says of one hot path; the caller holds the watch. Devices \Device\Bench0 and
 * so on are alike and share nothing, so that several threads can use one each.
 */
#include <ntddk.h>
#include "../codes.h"

static PDEVICE_OBJECT target; /* \Device\BenchTarget, to which bench-filter.sys attaches */

static NTSTATUS NTAPI take_back(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* An IRP of ours to the top of a stack and back. */
static NTSTATUS send_rounds(PDEVICE_OBJECT top, ULONG rounds)
{
    while (rounds-- > 0) {
        PIRP irp = IoAllocateIrp(top->StackSize, FALSE);

        if (irp == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_WRITE;
        IoSetCompletionRoutine(irp, take_back, NULL, TRUE, TRUE, TRUE);
        IoCallDriver(top, irp);
        IoFreeIrp(irp);
    }
    return STATUS_SUCCESS;
}

/* ---- two threads ---- */

struct pair {
    KEVENT there, back;
    ULONG rounds;
};

static VOID NTAPI answer(PVOID Context)
{
    struct pair *pair = Context;
    ULONG i;

    for (i = 0; i < pair->rounds; i++) {
        KeWaitForSingleObject(&pair->there, Executive, KernelMode, FALSE, NULL);
        KeSetEvent(&pair->back, IO_NO_INCREMENT, FALSE);
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID NTAPI ask(PVOID Context)
{
    struct pair *pair = Context;
    ULONG i;

    for (i = 0; i < pair->rounds; i++) {
        KeSetEvent(&pair->there, IO_NO_INCREMENT, FALSE);
        KeWaitForSingleObject(&pair->back, Executive, KernelMode, FALSE, NULL);
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID NTAPI end_at_once(PVOID Context)
{
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static NTSTATUS start_thread(PKSTART_ROUTINE routine, PVOID context, PVOID *thread)
{
    HANDLE handle;
    NTSTATUS status = PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, routine, context);

    if (!NT_SUCCESS(status))
        return status;
    status = ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, *PsThreadType, KernelMode, thread, NULL);
    ZwClose(handle);
    return status;
}

static void wait_for_end(PVOID thread)
{
    KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(thread);
}

static NTSTATUS ping_pong(ULONG rounds)
{
    struct pair pair;
    PVOID first, second;
    NTSTATUS status;

    pair.rounds = rounds;
    KeInitializeEvent(&pair.there, SynchronizationEvent, FALSE);
    KeInitializeEvent(&pair.back, SynchronizationEvent, FALSE);
    status = start_thread(answer, &pair, &first);
    if (!NT_SUCCESS(status))
        return status;
    status = start_thread(ask, &pair, &second);
    if (!NT_SUCCESS(status)) {
        ask(&pair);
        return status;
    }
    wait_for_end(first);
    wait_for_end(second);
    return STATUS_SUCCESS;
}

static NTSTATUS make_threads(ULONG rounds)
{
    while (rounds-- > 0) {
        PVOID thread;
        NTSTATUS status = start_thread(end_at_once, NULL, &thread);

        if (!NT_SUCCESS(status))
            return status;
        wait_for_end(thread);
    }
    return STATUS_SUCCESS;
}

/* ---- DPCs ---- */

static VOID NTAPI count_up(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
    ++*(volatile ULONG *)DeferredContext;
}

static NTSTATUS queue_dpcs(ULONG rounds)
{
    volatile ULONG ran = 0;
    KDPC dpc;
    ULONG i;

    KeInitializeDpc(&dpc, count_up, (PVOID)&ran);
    for (i = 0; i < rounds; i++)
        KeInsertQueueDpc(&dpc, NULL, NULL);
    return ran == rounds ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

/* ---- packets ---- */

static KDPC finish;

static NTSTATUS NTAPI read(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IoMarkIrpPending(Irp);
    IoStartPacket(DeviceObject, Irp, NULL, NULL);
    return STATUS_PENDING;
}

static VOID NTAPI start_io(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KeInsertQueueDpc(&finish, DeviceObject, NULL);
}

static VOID NTAPI finish_current(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1,
                                 PVOID SystemArgument2)
{
    PDEVICE_OBJECT device = SystemArgument1;
    PIRP irp = device->CurrentIrp;

    IoStartNextPacket(device, FALSE);
    irp->IoStatus.Status = STATUS_SUCCESS;
    irp->IoStatus.Information = 0;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
}

static NTSTATUS NTAPI count_completion(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    ++*(volatile ULONG *)Context;
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* One IRP, over and over: only its way is measured. */
static NTSTATUS packet_rounds(PDEVICE_OBJECT device, ULONG rounds)
{
    PIRP irp = IoAllocateIrp(device->StackSize, FALSE);
    volatile ULONG completed = 0;
    ULONG i;

    if (irp == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    KeInitializeDpc(&finish, finish_current, NULL);
    for (i = 0; i < rounds; i++) {
        IoReuseIrp(irp, STATUS_SUCCESS);
        IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_READ;
        IoSetCompletionRoutine(irp, count_completion, (PVOID)&completed, TRUE, TRUE, TRUE);
        IoCallDriver(device, irp);
    }
    IoFreeIrp(irp);
    return completed == rounds ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

/* ---- the device ---- */

/* The DDK's headers leave it out for this platform. */
NTHALAPI ULONG NTAPI HalGetInterruptVector(INTERFACE_TYPE InterfaceType, ULONG BusNumber,
                                           ULONG BusInterruptLevel, ULONG BusInterruptVector, PKIRQL Irql,
                                           PKAFFINITY Affinity);

static volatile ULONG served;

static BOOLEAN NTAPI isr(PKINTERRUPT Interrupt, PVOID ServiceContext)
{
    PDEVICE_OBJECT device = ServiceContext;

    IoRequestDpc(device, NULL, NULL);
    return TRUE;
}

static VOID NTAPI dpc_for_isr(PKDPC Dpc, PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    served++;
}

static NTSTATUS interrupt_rounds(PDEVICE_OBJECT device, ULONG rounds)
{
    PKINTERRUPT interrupt;
    KAFFINITY processors;
    KIRQL irql;
    ULONG i, vector = HalGetInterruptVector(Isa, 0, BENCH_DEVICE_LINE, BENCH_DEVICE_LINE, &irql, &processors);
    NTSTATUS status;

    served = 0;
    IoInitializeDpcRequest(device, dpc_for_isr);
    status = IoConnectInterrupt(&interrupt, isr, device, NULL, vector, irql, irql, Latched, FALSE, processors,
                                FALSE);
    if (!NT_SUCCESS(status))
        return status;
    for (i = 0; i < rounds; i++)
        __outbyte(BENCH_DEVICE_PORT + 1, 1);
    IoDisconnectInterrupt(interrupt);
    return served == rounds ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

static NTSTATUS port_rounds(ULONG rounds)
{
    while (rounds-- > 0)
        __outbyte(BENCH_DEVICE_PORT, 1);
    return STATUS_SUCCESS;
}

static NTSTATUS register_rounds(ULONG rounds)
{
    PHYSICAL_ADDRESS address = {.QuadPart = BENCH_DEVICE_MEMORY};
    volatile ULONG *registers = MmMapIoSpace(address, PAGE_SIZE, MmNonCached);
    ULONG sum = 0, i;

    if (registers == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    for (i = 0; i < rounds; i++)
        sum += *registers;
    MmUnmapIoSpace((PVOID)registers, PAGE_SIZE);
    return sum == rounds ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

/* ---- pool ---- */

static NTSTATUS pool_rounds(ULONG rounds)
{
    while (rounds-- > 0) {
        PVOID block = ExAllocatePoolWithTag(NonPagedPoolNx, 64, 'hcnB');

        if (block == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        ExFreePoolWithTag(block, 'hcnB');
    }
    return STATUS_SUCCESS;
}

/* ---- exceptions ---- */

static NTSTATUS raise_rounds(ULONG rounds)
{
    ULONG caught = 0, i;

    for (i = 0; i < rounds; i++) {
        __try {
            ExRaiseStatus(STATUS_DEVICE_BUSY);
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            caught++;
        }
    }
    return caught == rounds ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

static __attribute__((noinline)) ULONG read_from(volatile ULONG *nowhere)
{
    return *nowhere;
}

static NTSTATUS fault_rounds(ULONG rounds)
{
    ULONG caught = 0, i;

    for (i = 0; i < rounds; i++) {
        __try {
            read_from(NULL);
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            caught++;
        }
    }
    return caught == rounds ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

/* ---- requests ---- */

static NTSTATUS make_rounds(PDEVICE_OBJECT device, ULONG code, ULONG rounds)
{
    switch (code) {
    case BENCH_IRP1:
        return send_rounds(target, rounds);
    case BENCH_IRP2:
        return send_rounds(target->AttachedDevice != NULL ? target->AttachedDevice : target, rounds);
    case BENCH_PINGPONG:
        return ping_pong(rounds);
    case BENCH_DPC:
        return queue_dpcs(rounds);
    case BENCH_STARTIO:
        return packet_rounds(device, rounds);
    case BENCH_INTERRUPT:
        return interrupt_rounds(device, rounds);
    case BENCH_PORT:
        return port_rounds(rounds);
    case BENCH_MMIO:
        return register_rounds(rounds);
    case BENCH_RAISE:
        return raise_rounds(rounds);
    case BENCH_FAULT:
        return fault_rounds(rounds);
    case BENCH_POOL:
        return pool_rounds(rounds);
    case BENCH_THREAD:
        return make_threads(rounds);
    default:
        return STATUS_INVALID_DEVICE_REQUEST;
    }
}

static NTSTATUS NTAPI control(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    ULONG code = location->Parameters.DeviceIoControl.IoControlCode;
    NTSTATUS status = STATUS_SUCCESS;

    Irp->IoStatus.Information = 0;
    if (code == BENCH_ECHO)
        Irp->IoStatus.Information = location->Parameters.DeviceIoControl.OutputBufferLength;
    else if (code != BENCH_NOP && location->Parameters.DeviceIoControl.InputBufferLength < sizeof(ULONG))
        status = STATUS_INVALID_PARAMETER;
    else if (code != BENCH_NOP)
        status = make_rounds(DeviceObject, code, *(ULONG *)Irp->AssociatedIrp.SystemBuffer);
    Irp->IoStatus.Status = status;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

static NTSTATUS NTAPI succeed(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    while (DriverObject->DeviceObject != NULL)
        IoDeleteDevice(DriverObject->DeviceObject);
}

static NTSTATUS create_device(PDRIVER_OBJECT DriverObject, PUNICODE_STRING name, PDEVICE_OBJECT *DeviceObject)
{
    NTSTATUS status = IoCreateDevice(DriverObject, 0, name, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN,
                                     FALSE, DeviceObject);

    if (NT_SUCCESS(status))
        (*DeviceObject)->Flags &= ~DO_DEVICE_INITIALIZING;
    return status;
}

static NTSTATUS create_numbered(PDRIVER_OBJECT DriverObject, ULONG number)
{
    WCHAR text[] = L"\\Device\\Bench00";
    UNICODE_STRING name = RTL_CONSTANT_STRING(text);
    PDEVICE_OBJECT DeviceObject;

    name.Length = sizeof(text) - sizeof(WCHAR);
    if (number < 10) {
        text[13] = (WCHAR)(L'0' + number);
        name.Length -= sizeof(WCHAR);
    } else {
        text[13] = (WCHAR)(L'0' + number / 10);
        text[14] = (WCHAR)(L'0' + number % 10);
    }
    return create_device(DriverObject, &name, &DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\BenchTarget");
    NTSTATUS status = create_device(DriverObject, &name, &target);
    ULONG i;

    DriverObject->MajorFunction[IRP_MJ_CREATE] = succeed;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = succeed;
    DriverObject->MajorFunction[IRP_MJ_READ] = read;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = succeed;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = control;
    DriverObject->DriverStartIo = start_io;
    DriverObject->DriverUnload = unload;
    for (i = 0; NT_SUCCESS(status) && i < BENCH_DEVICES; i++)
        status = create_numbered(DriverObject, i);
    if (!NT_SUCCESS(status))
        unload(DriverObject);
    return status;
}
