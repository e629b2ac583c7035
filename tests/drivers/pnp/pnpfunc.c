/* SPDX-License-Identifier: MIT */
/*
 * A WDM driver for any place of a stack above a PDO, that says in the shared
 * log (testlog.h) what it is asked: SERVICE.add, SERVICE.START (on its way up),
 * SERVICE.REMOVE ... Built under several names. Values of its service key:
 *
 *     Quiet        1: says nothing of QUERY_... minors
 *     SkipAdd      1: AddDevice returns STATUS_SUCCESS and attaches nothing (REQ-18)
 *     FailAdd      status that AddDevice returns
 *     FailMinor    minor code + 1 of the PnP request that it fails with
 *     FailStatus   this status (default STATUS_UNSUCCESSFUL)
 *     State        PNP_DEVICE_STATE bits that it reports
 *     Port         a port that FILTER_RESOURCE_REQUIREMENTS adds, on the way up, in a list of its own
 *     UINumber     what QUERY_CAPABILITIES is changed to on the way up
 *     Pend         minor code + 1 that it pends and finishes in a work item
 *
 * It serves create, close, read (its service's name) and IOCTL RL_IOCTL(9): IoInvalidateDeviceState with the
 * given ULONG as the new State.
 */
#include "testlog.h"

struct extension {
    PDEVICE_OBJECT pdo, lower;
    IO_REMOVE_LOCK remove_lock;
    BOOLEAN started;
    ULONG starts;
};

struct pending {
    PIO_WORKITEM item;
    PIRP irp;
};

static char me[40];
static ULONG quiet, skip_add, fail_add, fail_minor, fail_status, state_bits, pend, port, uinumber;

static ULONG setting(PUNICODE_STRING path, PCWSTR name)
{
    ULONG value = 0, zero = 0;
    RTL_QUERY_REGISTRY_TABLE table[2] = {
        {NULL, RTL_QUERY_REGISTRY_DIRECT, (PWSTR)name, &value, REG_DWORD, &zero, sizeof(zero)}};
    WCHAR text[200];
    size_t count = path->Length / sizeof(WCHAR);
    if (count >= 200)
        return 0;
    memcpy(text, path->Buffer, path->Length);
    text[count] = 0;
    RtlQueryRegistryValues(RTL_REGISTRY_ABSOLUTE, text, table, NULL, NULL);
    return value;
}

static NTSTATUS complete(PIRP irp, NTSTATUS status, ULONG_PTR information)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = information;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

static NTSTATUS NTAPI back(PDEVICE_OBJECT DeviceObject, PIRP irp, PVOID event)
{
    if (irp->PendingReturned)
        KeSetEvent(event, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS send_down_and_wait(struct extension *e, PIRP irp)
{
    KEVENT event;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(irp);
    IoSetCompletionRoutine(irp, back, &event, TRUE, TRUE, TRUE);
    NTSTATUS status = IoCallDriver(e->lower, irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
        status = irp->IoStatus.Status;
    }
    return status;
}

static NTSTATUS pass(struct extension *e, PIRP irp)
{
    IoSkipCurrentIrpStackLocation(irp);
    return IoCallDriver(e->lower, irp);
}

static VOID NTAPI finish_later(PDEVICE_OBJECT device, PVOID context)
{
    struct pending *p = context;
    struct extension *e = device->DeviceExtension;
    PIRP irp = p->irp;
    IoFreeWorkItem(p->item);
    ExFreePoolWithTag(p, 'DneP');
    NTSTATUS status = send_down_and_wait(e, irp);
    if (IoGetCurrentIrpStackLocation(irp)->MinorFunction == IRP_MN_START_DEVICE && NT_SUCCESS(status))
        e->started = TRUE;
    irp->IoStatus.Status = status;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    IoReleaseRemoveLock(&e->remove_lock, irp);
}

static NTSTATUS pend_it(PDEVICE_OBJECT device, PIRP irp)
{
    struct pending *p = ExAllocatePoolWithTag(NonPagedPool, sizeof(*p), 'DneP');
    p->item = IoAllocateWorkItem(device);
    p->irp = irp;
    IoMarkIrpPending(irp);
    IoQueueWorkItem(p->item, finish_later, DelayedWorkQueue, p);
    return STATUS_PENDING;
}

static NTSTATUS start(PDEVICE_OBJECT device, struct extension *e, PIRP irp)
{
    NTSTATUS status = send_down_and_wait(e, irp);
    say("%s.START", me);
    if (NT_SUCCESS(status)) {
        e->started = TRUE;
        e->starts++;
    }
    return complete(irp, status, irp->IoStatus.Information);
}

static NTSTATUS remove_device(PDEVICE_OBJECT device, struct extension *e, PIRP irp)
{
    IoReleaseRemoveLockAndWait(&e->remove_lock, irp);
    irp->IoStatus.Status = STATUS_SUCCESS;
    NTSTATUS status = pass(e, irp);
    IoDetachDevice(e->lower);
    IoDeleteDevice(device);
    return status;
}

/* A list of one more port than the one that came, which may be none. */
static NTSTATUS filter(struct extension *e, PIRP irp)
{
    NTSTATUS status = send_down_and_wait(e, irp);
    PIO_RESOURCE_REQUIREMENTS_LIST old = (PIO_RESOURCE_REQUIREMENTS_LIST)irp->IoStatus.Information;
    ULONG bytes = sizeof(*old), count = 0;
    if (old) {
        count = old->List[0].Count;
        bytes = old->ListSize + sizeof(IO_RESOURCE_DESCRIPTOR);
    }
    PIO_RESOURCE_REQUIREMENTS_LIST list = ExAllocatePoolWithTag(PagedPool, bytes, 'tliF');
    if (!list)
        return complete(irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    memset(list, 0, bytes);
    if (old)
        memcpy(list, old, old->ListSize);
    list->ListSize = bytes;
    list->InterfaceType = Isa;
    list->AlternativeLists = 1;
    list->List[0].Version = list->List[0].Revision = 1;
    list->List[0].Count = count + 1;
    PIO_RESOURCE_DESCRIPTOR d = &list->List[0].Descriptors[count];
    d->Type = CmResourceTypePort;
    d->ShareDisposition = CmResourceShareDeviceExclusive;
    d->Flags = CM_RESOURCE_PORT_IO;
    d->u.Port.Length = 4;
    d->u.Port.Alignment = 1;
    d->u.Port.MinimumAddress.QuadPart = port;
    d->u.Port.MaximumAddress.QuadPart = port + 3;
    if (old)
        ExFreePool(old);
    UNREFERENCED_PARAMETER(status);
    return complete(irp, STATUS_SUCCESS, (ULONG_PTR)list);
}

static NTSTATUS capabilities(struct extension *e, PIRP irp)
{
    NTSTATUS status = send_down_and_wait(e, irp);
    IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceCapabilities.Capabilities->UINumber = uinumber;
    return complete(irp, status, irp->IoStatus.Information);
}

static NTSTATUS state(struct extension *e, PIRP irp)
{
    if (!state_bits)
        return pass(e, irp);
    irp->IoStatus.Information |= state_bits;
    irp->IoStatus.Status = STATUS_SUCCESS;
    return pass(e, irp);
}

static BOOLEAN is_query(UCHAR minor)
{
    return minor >= IRP_MN_QUERY_DEVICE_RELATIONS && minor <= IRP_MN_QUERY_BUS_INFORMATION &&
           minor != IRP_MN_EJECT && minor != IRP_MN_SET_LOCK;
}

/* What every driver above a PDO does with a success of its own, or with what is not its question. */
static NTSTATUS handle(PDEVICE_OBJECT device, struct extension *e, PIRP irp, UCHAR minor)
{
    switch (minor) {
    case IRP_MN_QUERY_PNP_DEVICE_STATE:
        return state(e, irp);
    case IRP_MN_FILTER_RESOURCE_REQUIREMENTS:
        return port ? filter(e, irp) : pass(e, irp);
    case IRP_MN_QUERY_CAPABILITIES:
        return uinumber ? capabilities(e, irp) : pass(e, irp);
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
        irp->IoStatus.Status = STATUS_SUCCESS;
        return pass(e, irp);
    default:
        return pass(e, irp);
    }
}

static NTSTATUS NTAPI dispatch_pnp(PDEVICE_OBJECT device, PIRP irp)
{
    struct extension *e = device->DeviceExtension;
    UCHAR minor = IoGetCurrentIrpStackLocation(irp)->MinorFunction;
    NTSTATUS status = IoAcquireRemoveLock(&e->remove_lock, irp);
    if (!NT_SUCCESS(status))
        return complete(irp, status, 0);
    if (minor != IRP_MN_START_DEVICE && !(quiet && is_query(minor)))
        say("%s.%s", me, minor_name(minor));
    if (fail_minor == (ULONG)minor + 1)
        status = complete(irp, fail_status ? (NTSTATUS)fail_status : STATUS_UNSUCCESSFUL, 0);
    else if (pend == (ULONG)minor + 1)
        return pend_it(device, irp);
    else if (minor == IRP_MN_REMOVE_DEVICE)
        return remove_device(device, e, irp);
    else if (minor == IRP_MN_START_DEVICE)
        status = start(device, e, irp);
    else
        status = handle(device, e, irp, minor);
    IoReleaseRemoveLock(&e->remove_lock, irp);
    return status;
}

static NTSTATUS NTAPI dispatch_power(PDEVICE_OBJECT device, PIRP irp)
{
    struct extension *e = device->DeviceExtension;
    PoStartNextPowerIrp(irp);
    IoSkipCurrentIrpStackLocation(irp);
    return PoCallDriver(e->lower, irp);
}

static NTSTATUS NTAPI dispatch_pass(PDEVICE_OBJECT device, PIRP irp)
{
    return pass(device->DeviceExtension, irp);
}

static NTSTATUS NTAPI dispatch_succeed(PDEVICE_OBJECT device, PIRP irp)
{
    return complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI dispatch_read(PDEVICE_OBJECT device, PIRP irp)
{
    ULONG length = IoGetCurrentIrpStackLocation(irp)->Parameters.Read.Length;
    if (length > strlen(me))
        length = (ULONG)strlen(me);
    memcpy(irp->AssociatedIrp.SystemBuffer, me, length);
    return complete(irp, STATUS_SUCCESS, length);
}

/* ---- what drivers may send ---- */

static NTSTATUS send_up(struct extension *e, PIO_STACK_LOCATION location, PULONG_PTR information)
{
    PDEVICE_OBJECT top = IoGetAttachedDeviceReference(e->pdo);
    KEVENT event;
    IO_STATUS_BLOCK iosb;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    PIRP irp = IoBuildSynchronousFsdRequest(IRP_MJ_PNP, top, NULL, 0, NULL, &event, &iosb);
    if (!irp) {
        ObDereferenceObject(top);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);
    next->MajorFunction = IRP_MJ_PNP;
    next->MinorFunction = location->MinorFunction;
    next->Parameters = location->Parameters;
    NTSTATUS status = IoCallDriver(top, irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
        status = iosb.Status;
    }
    *information = NT_SUCCESS(status) ? iosb.Information : 0;
    ObDereferenceObject(top);
    return status;
}

static void check_sending(struct extension *e)
{
    static const GUID nobodys = {0x99, 0x98, 0x97, {1, 2, 3, 4, 5, 6, 7, 8}};
    DEVICE_CAPABILITIES caps = {.Size = sizeof(caps), .Version = 1, .Address = -1, .UINumber = -1};
    INTERFACE query = {sizeof(query), 1, NULL, NULL, NULL};
    IO_STACK_LOCATION location;
    ULONG_PTR information;
    memset(&location, 0, sizeof(location));
    location.MinorFunction = IRP_MN_QUERY_CAPABILITIES;
    location.Parameters.DeviceCapabilities.Capabilities = &caps;
    CHECK_STATUS("IRP-13", send_up(e, &location, &information), STATUS_SUCCESS);
    location.MinorFunction = IRP_MN_QUERY_DEVICE_RELATIONS;
    location.Parameters.QueryDeviceRelations.Type = TargetDeviceRelation;
    CHECK_STATUS("IRP-13", send_up(e, &location, &information), STATUS_SUCCESS);
    PDEVICE_RELATIONS relations = (PDEVICE_RELATIONS)information;
    CHECK("IRP-13", relations && relations->Count == 1 && relations->Objects[0] == e->pdo);
    if (relations) {
        ObDereferenceObject(relations->Objects[0]);
        ExFreePool(relations);
    }
    location.MinorFunction = IRP_MN_QUERY_INTERFACE;
    location.Parameters.QueryInterface.InterfaceType = &nobodys;
    location.Parameters.QueryInterface.Size = sizeof(query);
    location.Parameters.QueryInterface.Version = 1;
    location.Parameters.QueryInterface.Interface = &query;
    location.Parameters.QueryInterface.InterfaceSpecificData = NULL;
    /* nobody knows it: what the sender had put there comes back */
    CHECK_STATUS("IRP-12", send_up(e, &location, &information), STATUS_NOT_SUPPORTED);
    CHECK_STATUS("PH-04", send_up(e, &location, &information), STATUS_NOT_SUPPORTED);
}

static NTSTATUS property(struct extension *e, PIRP irp)
{
    PULONG number = irp->AssociatedIrp.SystemBuffer;
    ULONG length;
    NTSTATUS status =
        IoGetDeviceProperty(e->pdo, (DEVICE_REGISTRY_PROPERTY)*number, sizeof(ULONG), number, &length);
    return complete(irp, status, NT_SUCCESS(status) ? sizeof(ULONG) : 0);
}

static NTSTATUS NTAPI dispatch_control(PDEVICE_OBJECT device, PIRP irp)
{
    struct extension *e = device->DeviceExtension;
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    ULONG code = location->Parameters.DeviceIoControl.IoControlCode;
    if (code == RL_IOCTL(10)) {
        check_sending(e);
        return complete(irp, STATUS_SUCCESS, 0);
    }
    if (code != RL_IOCTL(9) && code != RL_IOCTL(11))
        return pass(e, irp);
    if (location->Parameters.DeviceIoControl.InputBufferLength < sizeof(ULONG))
        return complete(irp, STATUS_INVALID_PARAMETER, 0);
    if (code == RL_IOCTL(11))
        return property(e, irp);
    state_bits = *(PULONG)irp->AssociatedIrp.SystemBuffer;
    IoInvalidateDeviceState(e->pdo);
    return complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI add_device(PDRIVER_OBJECT driver, PDEVICE_OBJECT pdo)
{
    PDEVICE_OBJECT device;
    say("%s.add", me);
    if (fail_add)
        return (NTSTATUS)fail_add;
    if (skip_add)
        return STATUS_SUCCESS;
    NTSTATUS status = IoCreateDevice(driver, sizeof(struct extension), NULL, FILE_DEVICE_UNKNOWN,
                                     FILE_DEVICE_SECURE_OPEN, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    struct extension *e = device->DeviceExtension;
    e->pdo = pdo;
    IoInitializeRemoveLock(&e->remove_lock, 'cnuF', 0, 0);
    e->lower = IoAttachDeviceToDeviceStack(device, pdo);
    if (!e->lower) {
        IoDeleteDevice(device);
        return STATUS_NO_SUCH_DEVICE;
    }
    device->Flags |= DO_BUFFERED_IO | (e->lower->Flags & DO_POWER_PAGABLE);
    device->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT driver)
{
    say("%s.unload", me);
    testlog_close();
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
    service_name(path, me, sizeof(me));
    quiet = setting(path, L"Quiet");
    skip_add = setting(path, L"SkipAdd");
    fail_add = setting(path, L"FailAdd");
    fail_minor = setting(path, L"FailMinor");
    fail_status = setting(path, L"FailStatus");
    state_bits = setting(path, L"State");
    pend = setting(path, L"Pend");
    port = setting(path, L"Port");
    uinumber = setting(path, L"UINumber");
    testlog_open();
    say("%s.entry", me);
    for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        driver->MajorFunction[i] = dispatch_pass;
    driver->MajorFunction[IRP_MJ_CREATE] = dispatch_succeed;
    driver->MajorFunction[IRP_MJ_CLEANUP] = dispatch_succeed;
    driver->MajorFunction[IRP_MJ_CLOSE] = dispatch_succeed;
    driver->MajorFunction[IRP_MJ_READ] = dispatch_read;
    driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = dispatch_control;
    driver->MajorFunction[IRP_MJ_PNP] = dispatch_pnp;
    driver->MajorFunction[IRP_MJ_POWER] = dispatch_power;
    driver->DriverExtension->AddDevice = add_device;
    driver->DriverUnload = unload;
    return STATUS_SUCCESS;
}
