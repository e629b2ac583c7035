/* SPDX-License-Identifier: MIT */
/*
 * The upper of two drivers under the fault stress. Threads send requests to
 * the lower driver in which something goes wrong, catch what crosses
 * IoCallDriver, and look each time that the code is the right one and that
 * what was in registers, floating point included, is still there.
 */
#include "fault.h"

static PDEVICE_OBJECT lower;

struct work {
    struct stress_input input;
    LONG faults, wrong, switches;
    PVOID last[64]; /* by processor: who made the last round there */
};

static const ULONG codes[] = {(ULONG)STATUS_ACCESS_VIOLATION, (ULONG)STATUS_INTEGER_DIVIDE_BY_ZERO,
                              (ULONG)STATUS_DEVICE_DATA_ERROR, (ULONG)STATUS_ACCESS_VIOLATION};

static NOINLINE ULONG send_down(PIRP irp, ULONG where, ULONG kind)
{
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);
    ULONG seen = 0;

    next->MajorFunction = IRP_MJ_WRITE;
    next->Parameters.Write.Length = where;
    next->Parameters.Write.Key = kind;
    __try {
        seen = (ULONG)IoCallDriver(lower, irp);
    } __except (GetExceptionCode() == STATUS_BREAKPOINT ? EXCEPTION_CONTINUE_SEARCH
                                                        : EXCEPTION_EXECUTE_HANDLER) {
        seen = (ULONG)GetExceptionCode();
    }
    return seen;
}

static NTSTATUS NTAPI take_back(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NOINLINE ULONG fault_below(ULONG where, ULONG kind)
{
    PIRP irp = IoAllocateIrp(lower->StackSize, FALSE);
    ULONG seen;

    if (irp == NULL)
        return 0;
    IoSetCompletionRoutine(irp, take_back, NULL, TRUE, TRUE, TRUE);
    seen = send_down(irp, where, kind);
    IoFreeIrp(irp);
    return seen;
}

/* clang guards calls only. */
static NOINLINE ULONG read_from(ULONG_PTR address)
{
    return *(volatile ULONG *)address;
}

static NOINLINE ULONG fault_here(void)
{
    ULONG seen = 0;

    __try {
        seen = read_from(0x20);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        seen = (ULONG)GetExceptionCode();
    }
    return seen;
}

/* Busy in driver code, so that a tick finds it there. */
static NOINLINE double think(ULONG rounds, double x)
{
    while (rounds-- > 0)
        x = x * 0.5 + 1.0;
    return x;
}

static BOOLEAN one_round(ULONG *state)
{
    ULONG where = stress_next(state) % WHERE_COUNT, kind = stress_next(state) % 4, seen;
    ULONG wanted = where == CHANGED_BELOW ? (ULONG)STATUS_DEVICE_PROTOCOL_ERROR : codes[kind];
    double a = where + 0.25, b = kind + 0.5, c = a * b, d = a - b;
    ULONGLONG left = *state;

    if (where == HERE) {
        seen = fault_here();
        wanted = (ULONG)STATUS_ACCESS_VIOLATION;
    } else {
        seen = fault_below(where, kind);
    }
    d += think(stress_next(state) % 8192, 2.0) - 2.0;
    return seen == wanted && a == where + 0.25 && b == kind + 0.5 && c == a * b && d == a - b &&
           left * 1664525 + 1013904223 != 0;
}

/* Nobody waits here: another thread on the same processor means that one was preempted. */
static void count_switches(struct work *work)
{
    PVOID self = KeGetCurrentThread();
    PVOID former = InterlockedExchangePointer(&work->last[KeGetCurrentProcessorNumber() % 64], self);

    if (former != NULL && former != self)
        InterlockedIncrement(&work->switches);
}

static VOID NTAPI run_thread(PVOID Context)
{
    struct work *work = Context;
    ULONG state = work->input.seed ^ (ULONG)InterlockedIncrement((LONG *)&work->input.seed), i;

    for (i = 0; i < work->input.rounds; i++) {
        if (!one_round(&state))
            InterlockedIncrement(&work->wrong);
        InterlockedIncrement(&work->faults);
        count_switches(work);
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static NTSTATUS run(const struct stress_input *input)
{
    static struct work work; /* one run at a time */
    PVOID threads[STRESS_THREADS_MAX];
    ULONG i;

    RtlZeroMemory(&work, sizeof(work));
    work.input = *input;
    for (i = 0; i < input->threads; i++)
        threads[i] = stress_start(run_thread, &work);
    for (i = 0; i < input->threads; i++)
        if (threads[i] != NULL)
            stress_join(threads[i]);
    DbgPrint("faults %ld, wrong %ld, switches %ld\n", work.faults, work.wrong, work.switches);
    return work.wrong == 0 && (ULONG)work.faults == input->rounds * input->threads ? STATUS_SUCCESS
                                                                                   : STATUS_UNSUCCESSFUL;
}

static NTSTATUS NTAPI control(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    const struct stress_input *input = Irp->AssociatedIrp.SystemBuffer;
    NTSTATUS status = STATUS_INVALID_PARAMETER;

    if (location->MajorFunction != IRP_MJ_DEVICE_CONTROL)
        status = STATUS_SUCCESS;
    else if (location->Parameters.DeviceIoControl.InputBufferLength == sizeof(*input) &&
             input->threads <= STRESS_THREADS_MAX)
        status = run(input);
    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoDetachDevice(lower);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\FaultUpper"),
                   below = RTL_CONSTANT_STRING(L"\\Device\\FaultLower");
    PDEVICE_OBJECT DeviceObject;
    NTSTATUS status;

    DriverObject->MajorFunction[IRP_MJ_CREATE] = control;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = control;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = control;
    DriverObject->DriverUnload = unload;
    status = IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &DeviceObject);
    if (!NT_SUCCESS(status))
        return status;
    status = IoAttachDevice(DeviceObject, &below, &lower);
    if (!NT_SUCCESS(status))
        IoDeleteDevice(DeviceObject);
    else
        DeviceObject->Flags &= ~DO_DEVICE_INITIALIZING;
    return status;
}
