/* SPDX-License-Identifier: MIT */
/*
 * A driver of devices that no bus enumerates: their requirements stand in the
 * registry (LogConf). It says in the shared log what it is started with
 * ("one.START p300 i5 i10"), connects one routine to all its lines, and moves its
 * ports when told to. Its device's name is the last letter of the hardware id's
 * device node: \Device\Res0, Res1 ... in the order of AddDevice.
 *
 *     RL_IOCTL(0)  rings both doorbells, and checks who heard it
 *     RL_IOCTL(1)  the port at which it wants to be from now on (input ULONG): IoInvalidateDeviceState
 *     RL_IOCTL(2)  refuses to be stopped from now on
 */
#include "../pnp/testlog.h"
#include <intrin.h>

#define BELLS 2

static const USHORT bells[BELLS] = {0x300, 0x310};

struct device {
    PDEVICE_OBJECT pdo, lower;
    ULONG number;
    PKINTERRUPT interrupt;
    ULONG lines;
    KIRQL highest, seen;
    volatile LONG claimed, inside, together;
    ULONG move_to; /* 0: where the registry says */
    BOOLEAN changed, stubborn;
    PDMA_ADAPTER adapter;
};

static ULONG devices;
static NTSTATUS(NTAPI *connect_ex)(PIO_CONNECT_INTERRUPT_PARAMETERS);
static VOID(NTAPI *disconnect_ex)(PIO_DISCONNECT_INTERRUPT_PARAMETERS);

static NTSTATUS complete(PIRP irp, NTSTATUS status, ULONG_PTR information)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = information;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

static NTSTATUS pass(struct device *d, PIRP irp)
{
    IoSkipCurrentIrpStackLocation(irp);
    return IoCallDriver(d->lower, irp);
}

static NTSTATUS NTAPI back(PDEVICE_OBJECT device, PIRP irp, PVOID event)
{
    if (irp->PendingReturned)
        KeSetEvent(event, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS forward_and_wait(struct device *d, PIRP irp)
{
    KEVENT event;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(irp);
    IoSetCompletionRoutine(irp, back, &event, TRUE, TRUE, TRUE);
    if (IoCallDriver(d->lower, irp) == STATUS_PENDING)
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
    return irp->IoStatus.Status;
}

/* ---- lines ---- */

static BOOLEAN NTAPI line_routine(PKINTERRUPT interrupt, PVOID context)
{
    struct device *d = context;
    BOOLEAN mine = FALSE;

    if (InterlockedIncrement(&d->inside) != 1)
        InterlockedIncrement(&d->together);
    d->seen = KeGetCurrentIrql();
    for (int i = 0; i < BELLS; i++) {
        if (!__inbyte(bells[i]))
            continue;
        __outbyte(bells[i], 0);
        InterlockedIncrement(&d->claimed);
        mine = TRUE;
    }
    InterlockedDecrement(&d->inside);
    return mine;
}

static void connect_lines(struct device *d)
{
    IO_CONNECT_INTERRUPT_PARAMETERS p = {.Version = CONNECT_LINE_BASED};
    p.LineBased.PhysicalDeviceObject = d->pdo;
    p.LineBased.InterruptObject = &d->interrupt;
    p.LineBased.ServiceRoutine = line_routine;
    p.LineBased.ServiceContext = d;
    CHECK_STATUS("INT-10", connect_ex(&p), d->lines ? STATUS_SUCCESS : STATUS_NOT_FOUND);
    CHECK_EQ("INT-10", p.Version, CONNECT_LINE_BASED);
}

static void disconnect_lines(struct device *d)
{
    IO_DISCONNECT_INTERRUPT_PARAMETERS p = {.Version = CONNECT_LINE_BASED};
    if (d->interrupt == NULL)
        return;
    p.ConnectionContext.InterruptObject = d->interrupt;
    disconnect_ex(&p);
    d->interrupt = NULL;
}

/* With the lock that both lines share: neither is served, whoever might. */
static BOOLEAN NTAPI ring_while_locked(PVOID context)
{
    struct device *d = context;
    LONG before = d->claimed;
    for (int i = 0; i < BELLS; i++)
        __outbyte(bells[i], 1);
    for (int i = 0; i < 20; i++)
        KeStallExecutionProcessor(20);
    return d->claimed == before;
}

static void ring(struct device *d)
{
    LARGE_INTEGER soon = {.QuadPart = -10000};

    CHECK("INT-10", KeSynchronizeExecution(d->interrupt, ring_while_locked, d));
    for (int i = 0; i < 1000 && d->claimed < BELLS; i++)
        KeDelayExecutionThread(KernelMode, FALSE, &soon);
    CHECK_EQ("INT-10", d->claimed, BELLS);
    d->claimed = 0;

    for (int i = 0; i < BELLS; i++)
        __outbyte(bells[i], 1);
    for (int i = 0; i < 1000 && d->claimed < BELLS; i++)
        KeDelayExecutionThread(KernelMode, FALSE, &soon);
    CHECK_EQ("INT-10", d->claimed, BELLS);
    CHECK_EQ("INT-10", d->together, 0);
    CHECK_EQ("INT-10", d->seen, d->highest);
    d->claimed = 0;
}

/* ---- what it is started with ---- */

static __attribute__((format(printf, 2, 3))) int put(char *text, const char *format, ...)
{
    va_list args;
    int length;
    va_start(args, format);
    length = _vsnprintf(text, 20, format, args);
    va_end(args);
    return length;
}

static void describe(struct device *d, PCM_RESOURCE_LIST raw, PCM_RESOURCE_LIST translated, char *text)
{
    PCM_PARTIAL_RESOURCE_LIST list = raw ? &raw->List[0].PartialResourceList : NULL;

    d->lines = 0;
    d->highest = 0;
    for (ULONG i = 0; list && i < list->Count; i++) {
        PCM_PARTIAL_RESOURCE_DESCRIPTOR one = list->PartialDescriptors + i;
        PCM_PARTIAL_RESOURCE_DESCRIPTOR other =
            translated->List[0].PartialResourceList.PartialDescriptors + i;
        CHECK_EQ("PH-27", one->Type, other->Type);
        if (one->Type == CmResourceTypePort)
            text += put(text, " p%x", (unsigned)one->u.Port.Start.LowPart);
        if (one->Type == CmResourceTypeMemory)
            text += put(text, " m%x", (unsigned)one->u.Memory.Start.LowPart);
        if (one->Type == CmResourceTypeDma)
            text += put(text, " d%u", (unsigned)one->u.Dma.Channel);
        if (one->Type != CmResourceTypeInterrupt)
            continue;
        text += put(text, " i%u", (unsigned)one->u.Interrupt.Vector);
        d->lines++;
        if (d->highest < (KIRQL)other->u.Interrupt.Level)
            d->highest = (KIRQL)other->u.Interrupt.Level;
    }
}

static void get_adapter(struct device *d)
{
    DEVICE_DESCRIPTION description = {.Version = DEVICE_DESCRIPTION_VERSION,
                                      .Master = TRUE,
                                      .ScatterGather = TRUE,
                                      .Dma32BitAddresses = TRUE,
                                      .InterfaceType = Isa,
                                      .MaximumLength = 0x4000};
    ULONG registers = 0;
    /* The root bus has no routine of its own: the HAL's. */
    d->adapter = IoGetDmaAdapter(d->pdo, &description, &registers);
    CHECK("DMA-01", d->adapter != NULL && registers >= 5);
}

static void let_go(struct device *d)
{
    disconnect_lines(d);
    if (d->adapter != NULL)
        d->adapter->DmaOperations->PutDmaAdapter(d->adapter);
    d->adapter = NULL;
}

static NTSTATUS start(struct device *d, PIRP irp, PIO_STACK_LOCATION here)
{
    char text[160] = "";
    NTSTATUS status = forward_and_wait(d, irp);

    if (!NT_SUCCESS(status))
        return complete(irp, status, 0);
    let_go(d); /* it may be started again without having been stopped */
    CHECK("PH-27", (here->Parameters.StartDevice.AllocatedResources == NULL) ==
                       (here->Parameters.StartDevice.AllocatedResourcesTranslated == NULL));
    describe(d, here->Parameters.StartDevice.AllocatedResources,
             here->Parameters.StartDevice.AllocatedResourcesTranslated, text);
    say("%u.START%s", (unsigned)d->number, text);
    connect_lines(d);
    get_adapter(d);
    return complete(irp, STATUS_SUCCESS, 0);
}

/* ---- requirements ---- */

static NTSTATUS filter(struct device *d, PIRP irp)
{
    NTSTATUS status = forward_and_wait(d, irp);
    PIO_RESOURCE_REQUIREMENTS_LIST list = (PIO_RESOURCE_REQUIREMENTS_LIST)irp->IoStatus.Information;

    for (ULONG i = 0; list && d->move_to && i < list->List[0].Count; i++) {
        PIO_RESOURCE_DESCRIPTOR one = list->List[0].Descriptors + i;
        if (one->Type != CmResourceTypePort)
            continue;
        one->u.Port.MinimumAddress.QuadPart = d->move_to;
        one->u.Port.MaximumAddress.QuadPart = d->move_to + one->u.Port.Length - 1;
        status = STATUS_SUCCESS;
    }
    return complete(irp, status, (ULONG_PTR)list);
}

static NTSTATUS state(struct device *d, PIRP irp)
{
    if (d->changed) {
        irp->IoStatus.Information |= PNP_DEVICE_RESOURCE_REQUIREMENTS_CHANGED;
        irp->IoStatus.Status = STATUS_SUCCESS;
        d->changed = FALSE;
    }
    return pass(d, irp);
}

/* ---- requests ---- */

static NTSTATUS remove_device(struct device *d, PDEVICE_OBJECT device, PIRP irp)
{
    NTSTATUS status;
    let_go(d);
    irp->IoStatus.Status = STATUS_SUCCESS;
    status = pass(d, irp);
    IoDetachDevice(d->lower);
    IoDeleteDevice(device);
    return status;
}

static NTSTATUS NTAPI dispatch_pnp(PDEVICE_OBJECT device, PIRP irp)
{
    struct device *d = device->DeviceExtension;
    PIO_STACK_LOCATION here = IoGetCurrentIrpStackLocation(irp);

    switch (here->MinorFunction) {
    case IRP_MN_START_DEVICE:
        return start(d, irp, here);
    case IRP_MN_FILTER_RESOURCE_REQUIREMENTS:
        return filter(d, irp);
    case IRP_MN_QUERY_PNP_DEVICE_STATE:
        return state(d, irp);
    case IRP_MN_REMOVE_DEVICE:
        say("%u.REMOVE", (unsigned)d->number);
        return remove_device(d, device, irp);
    case IRP_MN_QUERY_STOP_DEVICE:
        say("%u.QUERY_STOP", (unsigned)d->number);
        if (d->stubborn)
            return complete(irp, STATUS_DEVICE_BUSY, 0);
        irp->IoStatus.Status = STATUS_SUCCESS;
        return pass(d, irp);
    case IRP_MN_STOP_DEVICE:
        say("%u.STOP", (unsigned)d->number);
        let_go(d);
        irp->IoStatus.Status = STATUS_SUCCESS;
        return pass(d, irp);
    case IRP_MN_CANCEL_STOP_DEVICE:
        say("%u.CANCEL_STOP", (unsigned)d->number);
        irp->IoStatus.Status = STATUS_SUCCESS;
        return pass(d, irp);
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
        irp->IoStatus.Status = STATUS_SUCCESS;
        return pass(d, irp);
    default:
        return pass(d, irp);
    }
}

static NTSTATUS NTAPI dispatch_power(PDEVICE_OBJECT device, PIRP irp)
{
    struct device *d = device->DeviceExtension;
    PoStartNextPowerIrp(irp);
    IoSkipCurrentIrpStackLocation(irp);
    return PoCallDriver(d->lower, irp);
}

static NTSTATUS NTAPI dispatch_other(PDEVICE_OBJECT device, PIRP irp)
{
    return pass(device->DeviceExtension, irp);
}

static NTSTATUS NTAPI dispatch_file(PDEVICE_OBJECT device, PIRP irp)
{
    return complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI dispatch_control(PDEVICE_OBJECT device, PIRP irp)
{
    struct device *d = device->DeviceExtension;
    PIO_STACK_LOCATION here = IoGetCurrentIrpStackLocation(irp);

    switch (here->Parameters.DeviceIoControl.IoControlCode) {
    case RL_IOCTL(0):
        ring(d);
        return complete(irp, STATUS_SUCCESS, 0);
    case RL_IOCTL(1):
        d->move_to = *(ULONG *)irp->AssociatedIrp.SystemBuffer;
        d->changed = TRUE;
        IoInvalidateDeviceState(d->pdo);
        return complete(irp, STATUS_SUCCESS, 0);
    case RL_IOCTL(2):
        d->stubborn = TRUE;
        return complete(irp, STATUS_SUCCESS, 0);
    default:
        return complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

/* ---- the driver ---- */

static PVOID routine(PCWSTR text)
{
    UNICODE_STRING name;
    RtlInitUnicodeString(&name, text);
    return MmGetSystemRoutineAddress(&name);
}

static NTSTATUS NTAPI add_device(PDRIVER_OBJECT driver, PDEVICE_OBJECT pdo)
{
    WCHAR text[] = L"\\Device\\Res0";
    UNICODE_STRING name = RTL_CONSTANT_STRING(text);
    PDEVICE_OBJECT device;
    struct device *d;
    NTSTATUS status;

    text[11] = (WCHAR)(L'0' + devices);
    status = IoCreateDevice(driver, sizeof(*d), &name, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE,
                            &device);
    if (!NT_SUCCESS(status))
        return status;
    d = device->DeviceExtension;
    d->number = devices++;
    d->pdo = pdo;
    d->lower = IoAttachDeviceToDeviceStack(device, pdo);
    if (d->lower == NULL) {
        IoDeleteDevice(device);
        return STATUS_DEVICE_NOT_CONNECTED;
    }
    device->Flags |= DO_BUFFERED_IO | DO_POWER_PAGABLE;
    device->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT driver)
{
    testlog_close();
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
    NTSTATUS status = testlog_open();

    if (!NT_SUCCESS(status))
        return status;
    connect_ex = routine(L"IoConnectInterruptEx");
    disconnect_ex = routine(L"IoDisconnectInterruptEx");
    driver->DriverUnload = unload;
    driver->DriverExtension->AddDevice = add_device;
    driver->MajorFunction[IRP_MJ_PNP] = dispatch_pnp;
    driver->MajorFunction[IRP_MJ_POWER] = dispatch_power;
    driver->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = dispatch_other;
    driver->MajorFunction[IRP_MJ_CREATE] = dispatch_file;
    driver->MajorFunction[IRP_MJ_CLOSE] = dispatch_file;
    driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = dispatch_control;
    return STATUS_SUCCESS;
}
