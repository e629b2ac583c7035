/* SPDX-License-Identifier: MIT */
/*
 * A power policy owner that is also a bus, as the documentation has them: its
 * device objects are F1, F2 ... (function) and C1, C2 ... (children that the
 * functions enumerate, and whose function driver is this driver again). Every
 * power request is a word of the shared log (testlog.h):
 *
 *     F1.Q3        a query for S3 reaches F1; F1.q3 one for D3
 *     F1.S3        a SET to S3 reaches it; C1.S3 its child's bottom
 *     F1.D3        it has gone to D3 (on the way down), F1.D0 to D0 (on the way back)
 *     C1.D3/3      the bus switches it off; behind the slash: why (POWER_ACTION), if not 0
 *     F1.up        the child's REMOVE, F1.off: switched off by that
 *
 * \Device\PoTree takes a text by RL_IOCTL(0): see `commands`.
 */
#include "../pnp/testlog.h"

#define MOST 16
#define TAG  'eerT'

struct extension {
    BOOLEAN is_child, plugged, gone, veto, hold, block, deferred_up;
    ULONG number;
    char name[8];
    PDEVICE_OBJECT self, pdo, lower;
    struct extension *parent; /* of a child */
    PDEVICE_OBJECT related;
    DEVICE_POWER_STATE state;
    PIRP wake, asked, held;
    PIO_WORKITEM item;
    PIRP up;
    KIRQL irql;
    KEVENT removed;
    NTSTATUS wake_status;
    BOOLEAN rearm;
};

static struct extension *functions[MOST], *children[MOST];
static PDEVICE_OBJECT control;
static PDRIVER_OBJECT driver_object;
static PVOID busy;
static ULONG shutdowns, context_log;

static NTSTATUS complete(PIRP irp, NTSTATUS status)
{
    irp->IoStatus.Status = status;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

static POWER_STATE device_state(DEVICE_POWER_STATE state)
{
    POWER_STATE s;
    s.DeviceState = state;
    return s;
}

/* ---- the bus's side ---- */

static VOID NTAPI cancel_wake(PDEVICE_OBJECT device, PIRP irp)
{
    struct extension *e = device->DeviceExtension;
    e->wake = NULL;
    IoReleaseCancelSpinLock(irp->CancelIrql);
    complete(irp, STATUS_CANCELLED);
}

static NTSTATUS hold_wake(struct extension *e, PIRP irp)
{
    if (e->wake)
        return complete(irp, STATUS_DEVICE_BUSY);
    IoMarkIrpPending(irp);
    e->wake = irp;
    IoSetCancelRoutine(irp, cancel_wake);
    return STATUS_PENDING;
}

static NTSTATUS child_set_device(struct extension *e, PIRP irp, PIO_STACK_LOCATION location)
{
    DEVICE_POWER_STATE state = location->Parameters.Power.State.DeviceState;
    ULONG why = location->Parameters.Power.ShutdownType;
    if (!e->plugged && state == PowerDeviceD0)
        return complete(irp, STATUS_DELETE_PENDING);
    if (why)
        say("%s.D%lu/%lu", e->name, (ULONG)state - 1, why);
    else
        say("%s.D%lu", e->name, (ULONG)state - 1);
    if (why == PowerActionHibernate)
        CHECK_EQ("PW-23", state, PowerDeviceD3);
    PoSetPowerState(e->self, DevicePowerState, location->Parameters.Power.State);
    e->state = state;
    return complete(irp, STATUS_SUCCESS);
}

static NTSTATUS child_power(struct extension *e, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    BOOLEAN device = location->Parameters.Power.Type == DevicePowerState;
    switch (location->MinorFunction) {
    case IRP_MN_WAIT_WAKE:
        return hold_wake(e, irp);
    case IRP_MN_SET_POWER:
        if (device)
            return child_set_device(e, irp, location);
        say("%s.S%lu", e->name, (ULONG)location->Parameters.Power.State.SystemState - 1);
        return complete(irp, STATUS_SUCCESS);
    case IRP_MN_QUERY_POWER:
        return complete(irp, STATUS_SUCCESS);
    default:
        return complete(irp, irp->IoStatus.Status);
    }
}

/* ---- the function's side ---- */

static VOID NTAPI device_done(PDEVICE_OBJECT device, UCHAR minor, POWER_STATE state, PVOID context,
                              PIO_STATUS_BLOCK iosb)
{
    PIRP system = context;
    struct extension *e = IoGetCurrentIrpStackLocation(system)->DeviceObject->DeviceExtension;
    CHECK("PW-14", e->asked == system && minor == IoGetCurrentIrpStackLocation(system)->MinorFunction);
    e->asked = NULL;
    if (minor == IRP_MN_QUERY_POWER)
        system->IoStatus.Status = iosb->Status;
    IoCompleteRequest(system, IO_NO_INCREMENT);
}

static NTSTATUS NTAPI system_done(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    struct extension *e = context;
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    BOOLEAN working = location->Parameters.Power.State.SystemState == PowerSystemWorking;
    if (!NT_SUCCESS(irp->IoStatus.Status))
        return STATUS_CONTINUE_COMPLETION;
    e->asked = irp;
    NTSTATUS status =
        PoRequestPowerIrp(e->pdo, location->MinorFunction,
                          device_state(working ? PowerDeviceD0 : PowerDeviceD3), device_done, irp, NULL);
    if (status == STATUS_PENDING)
        return STATUS_MORE_PROCESSING_REQUIRED;
    irp->IoStatus.Status = status;
    return STATUS_CONTINUE_COMPLETION;
}

static void say_context(struct extension *e, PIO_STACK_LOCATION location)
{
    SYSTEM_POWER_STATE_CONTEXT c = location->Parameters.Power.SystemPowerStateContext;
    say("%s.[%lu>%lu=%lu,%lu]", e->name, (ULONG)c.CurrentSystemState - 1, (ULONG)c.TargetSystemState - 1,
        (ULONG)c.EffectiveSystemState - 1, (ULONG)location->Parameters.Power.ShutdownType);
}

static void check_shutdown(PIO_STACK_LOCATION location)
{
    SYSTEM_POWER_STATE_CONTEXT c = location->Parameters.Power.SystemPowerStateContext;
    CHECK_EQ("PW-32", shutdowns, 2);
    CHECK("PW-31", c.CurrentSystemState == PowerSystemWorking && c.TargetSystemState == PowerSystemShutdown &&
                       c.EffectiveSystemState == PowerSystemShutdown);
    CHECK_EQ("PW-31", location->Parameters.Power.ShutdownType, PowerActionShutdownReset);
}

static NTSTATUS system_request(struct extension *e, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    SYSTEM_POWER_STATE state = location->Parameters.Power.State.SystemState;
    BOOLEAN query = location->MinorFunction == IRP_MN_QUERY_POWER;
    CHECK_EQ("PW-24", KeGetCurrentIrql(), PASSIVE_LEVEL);
    CHECK("PW-04", e->asked == NULL);
    if (query)
        CHECK("PW-18", state != PowerSystemWorking);
    say("%s.%s%lu", e->name, query ? "Q" : "S", (ULONG)state - 1);
    if (!query && state == PowerSystemShutdown)
        check_shutdown(location);
    if (!query && context_log)
        say_context(e, location);
    if (query && e->veto) {
        e->veto = FALSE;
        return complete(irp, STATUS_DEVICE_BUSY);
    }
    IoMarkIrpPending(irp);
    IoCopyCurrentIrpStackLocationToNext(irp);
    IoSetCompletionRoutine(irp, system_done, e, TRUE, TRUE, TRUE);
    IoCallDriver(e->lower, irp);
    return STATUS_PENDING;
}

/* What a device needs at PASSIVE_LEVEL when its power is back. */
static VOID NTAPI power_up(PDEVICE_OBJECT device, PVOID context)
{
    struct extension *e = context;
    LARGE_INTEGER time;
    CHECK_EQ("PW-08", KeGetCurrentIrql(), PASSIVE_LEVEL);
    time.QuadPart = -20 * 10000LL; /* what takes its time there */
    KeDelayExecutionThread(KernelMode, FALSE, &time);
    POWER_STATE former = PoSetPowerState(e->self, DevicePowerState, device_state(PowerDeviceD0));
    CHECK_EQ("PW-19", former.DeviceState, e->state);
    e->state = PowerDeviceD0;
    say("%s.D0", e->name);
    PIRP irp = e->up;
    e->up = NULL;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
}

static NTSTATUS NTAPI up_done(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    struct extension *e = context;
    if (!NT_SUCCESS(irp->IoStatus.Status))
        return STATUS_CONTINUE_COMPLETION;
    e->up = irp;
    IoQueueWorkItem(e->item, power_up, DelayedWorkQueue, e);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS go_up(struct extension *e, PIRP irp)
{
    IoMarkIrpPending(irp);
    IoCopyCurrentIrpStackLocationToNext(irp);
    IoSetCompletionRoutine(irp, up_done, e, TRUE, TRUE, TRUE);
    IoCallDriver(e->lower, irp);
    return STATUS_PENDING;
}

static NTSTATUS pass(struct extension *e, PIRP irp)
{
    IoSkipCurrentIrpStackLocation(irp);
    return IoCallDriver(e->lower, irp);
}

static NTSTATUS go_down(struct extension *e, PIRP irp, DEVICE_POWER_STATE state)
{
    PoSetPowerState(e->self, DevicePowerState, device_state(state));
    e->state = state;
    say("%s.D%lu", e->name, (ULONG)state - 1);
    return pass(e, irp);
}

static NTSTATUS device_request(struct extension *e, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    DEVICE_POWER_STATE state = location->Parameters.Power.State.DeviceState;
    if (location->MinorFunction == IRP_MN_QUERY_POWER) {
        say("%s.q%lu", e->name, (ULONG)state - 1);
        return pass(e, irp);
    }
    if (e->hold) {
        IoMarkIrpPending(irp);
        e->held = irp;
        return STATUS_PENDING;
    }
    return state == PowerDeviceD0 ? go_up(e, irp) : go_down(e, irp, state);
}

static NTSTATUS function_power(struct extension *e, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    BOOLEAN moves =
        location->MinorFunction == IRP_MN_SET_POWER || location->MinorFunction == IRP_MN_QUERY_POWER;
    if (e->gone)
        return complete(irp, STATUS_DELETE_PENDING);
    if (!moves)
        return pass(e, irp);
    return location->Parameters.Power.Type == SystemPowerState ? system_request(e, irp)
                                                               : device_request(e, irp);
}

static NTSTATUS NTAPI dispatch_power(PDEVICE_OBJECT device, PIRP irp)
{
    struct extension *e = device->DeviceExtension;
    return e->is_child ? child_power(e, irp) : function_power(e, irp);
}

/* ---- PnP: children ---- */

static NTSTATUS answer_id(struct extension *e, PIRP irp, BUS_QUERY_ID_TYPE type)
{
    static const WCHAR id[] = L"PO\\POTREE\0";
    PWSTR text;
    if (type > BusQueryInstanceID)
        return complete(irp, irp->IoStatus.Status);
    text = ExAllocatePoolWithTag(PagedPool, sizeof(id) + sizeof(WCHAR), TAG);
    memset(text, 0, sizeof(id) + sizeof(WCHAR));
    if (type == BusQueryInstanceID)
        text[0] = (WCHAR)('0' + e->number);
    else
        memcpy(text, id, sizeof(id));
    irp->IoStatus.Information = (ULONG_PTR)text;
    return complete(irp, STATUS_SUCCESS);
}

static NTSTATUS child_capabilities(PIRP irp)
{
    PDEVICE_CAPABILITIES c = IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceCapabilities.Capabilities;
    c->UniqueID = TRUE;
    c->SurpriseRemovalOK = TRUE;
    for (ULONG s = PowerSystemWorking; s <= PowerSystemShutdown; s++)
        c->DeviceState[s] = s == PowerSystemWorking ? PowerDeviceD0 : PowerDeviceD3;
    c->SystemWake = PowerSystemSleeping3;
    c->DeviceWake = PowerDeviceD3;
    return complete(irp, STATUS_SUCCESS);
}

static NTSTATUS child_target(struct extension *e, PIRP irp)
{
    PDEVICE_RELATIONS relations;
    if (IoGetCurrentIrpStackLocation(irp)->Parameters.QueryDeviceRelations.Type != TargetDeviceRelation)
        return complete(irp, irp->IoStatus.Status);
    relations = ExAllocatePoolWithTag(PagedPool, sizeof(*relations), TAG);
    relations->Count = 1;
    relations->Objects[0] = e->self;
    ObReferenceObject(e->self);
    irp->IoStatus.Information = (ULONG_PTR)relations;
    return complete(irp, STATUS_SUCCESS);
}

/* Switched off here, without a request for D3. */
static NTSTATUS remove_child(struct extension *e, PIRP irp)
{
    if (e->state != PowerDeviceD3)
        say("%s.off", e->name);
    CHECK("PW-21", e->state != PowerDeviceD3);
    e->state = PowerDeviceD3;
    PoSetPowerState(e->self, DevicePowerState, device_state(PowerDeviceD3));
    if (e->plugged)
        return complete(irp, STATUS_SUCCESS);
    PDEVICE_OBJECT self = e->self;
    children[e->number] = NULL;
    NTSTATUS status = complete(irp, STATUS_SUCCESS);
    IoDeleteDevice(self);
    return status;
}

static NTSTATUS child_pnp(struct extension *e, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    switch (location->MinorFunction) {
    case IRP_MN_QUERY_ID:
        return answer_id(e, irp, location->Parameters.QueryId.IdType);
    case IRP_MN_QUERY_CAPABILITIES:
        return child_capabilities(irp);
    case IRP_MN_QUERY_DEVICE_RELATIONS:
        return child_target(e, irp);
    case IRP_MN_REMOVE_DEVICE:
        return remove_child(e, irp);
    case IRP_MN_START_DEVICE:
        e->state = PowerDeviceD0;
        PoSetPowerState(e->self, DevicePowerState, device_state(PowerDeviceD0));
        return complete(irp, STATUS_SUCCESS);
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_STOP_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
        return complete(irp, STATUS_SUCCESS);
    default:
        return complete(irp, irp->IoStatus.Status);
    }
}

/* ---- PnP: functions ---- */

static NTSTATUS relations_of(struct extension *e, PIRP irp, DEVICE_RELATION_TYPE type)
{
    PDEVICE_RELATIONS all = ExAllocatePoolWithTag(PagedPool, sizeof(*all) + MOST * sizeof(PVOID), TAG);
    all->Count = 0;
    for (ULONG i = 0; i < MOST && type == BusRelations; i++)
        if (children[i] && children[i]->parent == e && children[i]->plugged)
            all->Objects[all->Count++] = children[i]->self;
    if (type == PowerRelations && e->related)
        all->Objects[all->Count++] = e->related;
    for (ULONG i = 0; i < all->Count; i++)
        ObReferenceObject(all->Objects[i]);
    irp->IoStatus.Information = (ULONG_PTR)all;
    irp->IoStatus.Status = STATUS_SUCCESS;
    return pass(e, irp);
}

static NTSTATUS function_relations(struct extension *e, PIRP irp)
{
    DEVICE_RELATION_TYPE type = IoGetCurrentIrpStackLocation(irp)->Parameters.QueryDeviceRelations.Type;
    if (e->block) {
        LARGE_INTEGER long_time;
        long_time.QuadPart = -200 * 10000000LL;
        KeDelayExecutionThread(KernelMode, FALSE, &long_time);
    }
    if (type == PowerRelations) {
        say("%s.powerrelations", e->name);
        CHECK_EQ("PNP-07e", KeGetCurrentIrql(), PASSIVE_LEVEL);
    }
    return type == BusRelations || type == PowerRelations ? relations_of(e, irp, type) : pass(e, irp);
}

static NTSTATUS start_function(struct extension *e, PIRP irp)
{
    if (!IoForwardIrpSynchronously(e->lower, irp))
        return complete(irp, STATUS_UNSUCCESSFUL);
    if (NT_SUCCESS(irp->IoStatus.Status)) {
        e->state = PowerDeviceD0;
        PoSetPowerState(e->self, DevicePowerState, device_state(PowerDeviceD0));
    }
    return complete(irp, irp->IoStatus.Status);
}

static NTSTATUS remove_function(struct extension *e, PIRP irp)
{
    PDEVICE_OBJECT self = e->self, lower = e->lower;
    irp->IoStatus.Status = STATUS_SUCCESS;
    NTSTATUS status = pass(e, irp);
    IoFreeWorkItem(e->item);
    for (ULONG i = 0; i < MOST; i++)
        if (children[i] && children[i]->parent == e) {
            IoDeleteDevice(children[i]->self);
            children[i] = NULL;
        }
    functions[e->number] = NULL;
    IoDetachDevice(lower);
    IoDeleteDevice(self);
    return status;
}

static NTSTATUS function_pnp(struct extension *e, PIRP irp)
{
    switch (IoGetCurrentIrpStackLocation(irp)->MinorFunction) {
    case IRP_MN_START_DEVICE:
        return start_function(e, irp);
    case IRP_MN_REMOVE_DEVICE:
        return remove_function(e, irp);
    case IRP_MN_QUERY_DEVICE_RELATIONS:
        return function_relations(e, irp);
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_STOP_DEVICE:
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
    return e->is_child ? child_pnp(e, irp) : function_pnp(e, irp);
}

static NTSTATUS NTAPI dispatch_system_control(PDEVICE_OBJECT device, PIRP irp)
{
    struct extension *e = device->DeviceExtension;
    return e->is_child ? complete(irp, irp->IoStatus.Status) : pass(e, irp);
}

/* ---- the commands ---- */

static struct extension *named(const char *name)
{
    struct extension **all = name[0] == 'C' ? children : functions;
    ULONG number = (ULONG)(name[1] - '0');
    return number < MOST ? all[number] : NULL;
}

static NTSTATUS plug(struct extension *parent)
{
    PDEVICE_OBJECT device;
    ULONG number = 1;
    while (number < MOST && children[number])
        number++;
    NTSTATUS status = IoCreateDevice(driver_object, sizeof(struct extension), NULL, FILE_DEVICE_UNKNOWN,
                                     FILE_AUTOGENERATED_DEVICE_NAME, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    struct extension *e = device->DeviceExtension;
    e->is_child = e->plugged = TRUE;
    e->number = number;
    e->self = device;
    e->parent = parent;
    e->state = PowerDeviceD0;
    e->name[0] = 'C';
    e->name[1] = (char)('0' + number);
    device->Flags |= DO_POWER_PAGABLE;
    device->Flags &= ~DO_DEVICE_INITIALIZING;
    children[number] = e;
    IoInvalidateDeviceRelations(parent->pdo, BusRelations);
    return STATUS_SUCCESS;
}

static VOID NTAPI wake_done(PDEVICE_OBJECT device, UCHAR minor, POWER_STATE state, PVOID context,
                            PIO_STATUS_BLOCK iosb)
{
    struct extension *e = context;
    CHECK_EQ("PW-25", minor, IRP_MN_WAIT_WAKE);
    e->wake_status = iosb->Status;
    e->wake = NULL;
    say("%s.%s", e->name, iosb->Status == STATUS_SUCCESS ? "woke" : "unarmed");
}

static NTSTATUS arm(struct extension *e)
{
    POWER_STATE state;
    state.SystemState = PowerSystemSleeping3;
    NTSTATUS status = PoRequestPowerIrp(e->pdo, IRP_MN_WAIT_WAKE, state, wake_done, e, &e->wake);
    return status == STATUS_PENDING ? STATUS_SUCCESS : status;
}

/* The bus's signal; marked: the bus knows that it woke the system. */
static NTSTATUS wake(struct extension *child, BOOLEAN marked)
{
    PIRP irp = child->wake;
    if (!irp || !IoSetCancelRoutine(irp, NULL))
        return STATUS_INVALID_DEVICE_STATE;
    child->wake = NULL;
    if (marked)
        PoSetSystemWake(irp);
    complete(irp, STATUS_SUCCESS);
    return STATUS_SUCCESS;
}

/* A device object that goes although a power request is in its driver's hands. */
static NTSTATUS delete_with_request(struct extension *e)
{
    e->hold = TRUE;
    PoRequestPowerIrp(e->pdo, IRP_MN_SET_POWER, device_state(PowerDeviceD3), NULL, NULL, NULL);
    IoDetachDevice(e->lower);
    IoDeleteDevice(e->self);
    return STATUS_SUCCESS;
}

static NTSTATUS relate(struct extension *e, const char *other)
{
    e->related = named(other) ? named(other)->pdo : NULL;
    IoInvalidateDeviceRelations(e->pdo, PowerRelations);
    return STATUS_SUCCESS;
}

static NTSTATUS set_busy(BOOLEAN on)
{
    if (on)
        busy = PoRegisterSystemState(busy, ES_CONTINUOUS | ES_SYSTEM_REQUIRED);
    else
        PoUnregisterSystemState(busy);
    if (!on)
        busy = NULL;
    return STATUS_SUCCESS;
}

static NTSTATUS on_device(const char *verb, struct extension *e, const char *rest)
{
    if (!strcmp(verb, "plug"))
        return plug(e);
    if (!strcmp(verb, "veto"))
        e->veto = TRUE;
    else if (!strcmp(verb, "gone"))
        e->gone = TRUE;
    else if (!strcmp(verb, "hold"))
        e->hold = TRUE;
    else if (!strcmp(verb, "relate"))
        return relate(e, rest);
    else if (!strcmp(verb, "arm"))
        return arm(e);
    else if (!strcmp(verb, "unarm"))
        return IoCancelIrp(e->wake) ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
    else if (!strcmp(verb, "wake") || !strcmp(verb, "signal"))
        return wake(e, verb[0] == 'w');
    else if (!strcmp(verb, "delete"))
        return delete_with_request(e);
    else if (!strcmp(verb, "block")) {
        e->block = TRUE;
        IoInvalidateDeviceRelations(e->pdo, BusRelations);
    } else if (!strcmp(verb, "unplug")) {
        e->plugged = FALSE;
        IoInvalidateDeviceRelations(e->parent->pdo, BusRelations);
    } else
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

/* VERB DEVICE [DEVICE], or: context, busy, idle, active. */
static NTSTATUS command(char *text)
{
    char *device = strchr(text, ' '), *rest = device ? strchr(device + 1, ' ') : NULL;
    if (!strcmp(text, "context"))
        context_log = 1;
    else if (!strcmp(text, "busy") || !strcmp(text, "idle"))
        return set_busy(!strcmp(text, "busy"));
    else if (!strcmp(text, "active"))
        PoSetSystemState(ES_SYSTEM_REQUIRED);
    else if (!device)
        return STATUS_INVALID_PARAMETER;
    if (!device)
        return STATUS_SUCCESS;
    *device++ = 0;
    if (rest)
        *rest++ = 0;
    return named(device) ? on_device(text, named(device), rest ? rest : "") : STATUS_NO_SUCH_DEVICE;
}

static NTSTATUS NTAPI dispatch_control(PDEVICE_OBJECT device, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    ULONG length = location->Parameters.DeviceIoControl.InputBufferLength;
    char text[100];
    irp->IoStatus.Information = 0;
    if (device != control || length >= sizeof(text))
        return complete(irp, STATUS_INVALID_DEVICE_REQUEST);
    memcpy(text, irp->AssociatedIrp.SystemBuffer, length);
    text[length] = 0;
    return complete(irp, command(text));
}

static NTSTATUS NTAPI dispatch_succeed(PDEVICE_OBJECT device, PIRP irp)
{
    irp->IoStatus.Information = 0;
    return complete(irp, STATUS_SUCCESS);
}

static NTSTATUS NTAPI dispatch_shutdown(PDEVICE_OBJECT device, PIRP irp)
{
    shutdowns++;
    return complete(irp, STATUS_SUCCESS);
}

/* ---- the driver ---- */

static NTSTATUS NTAPI add_device(PDRIVER_OBJECT driver, PDEVICE_OBJECT pdo)
{
    PDEVICE_OBJECT device;
    ULONG number = 1;
    while (number < MOST && functions[number])
        number++;
    NTSTATUS status =
        IoCreateDevice(driver, sizeof(struct extension), NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    struct extension *e = device->DeviceExtension;
    e->number = number;
    e->name[0] = 'F';
    e->name[1] = (char)('0' + number);
    e->self = device;
    e->pdo = pdo;
    e->item = IoAllocateWorkItem(device);
    e->lower = IoAttachDeviceToDeviceStack(device, pdo);
    functions[number] = e;
    device->Flags |= DO_POWER_PAGABLE;
    device->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT driver)
{
    IoUnregisterShutdownNotification(control);
    IoDeleteDevice(control);
    testlog_close();
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\PoTree");
    NTSTATUS status = IoCreateDevice(driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &control);
    if (!NT_SUCCESS(status))
        return status;
    testlog_open();
    driver_object = driver;
    IoRegisterShutdownNotification(control);
    IoRegisterLastChanceShutdownNotification(control);
    driver->MajorFunction[IRP_MJ_CREATE] = dispatch_succeed;
    driver->MajorFunction[IRP_MJ_CLEANUP] = dispatch_succeed;
    driver->MajorFunction[IRP_MJ_CLOSE] = dispatch_succeed;
    driver->MajorFunction[IRP_MJ_SHUTDOWN] = dispatch_shutdown;
    driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = dispatch_control;
    driver->MajorFunction[IRP_MJ_PNP] = dispatch_pnp;
    driver->MajorFunction[IRP_MJ_POWER] = dispatch_power;
    driver->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = dispatch_system_control;
    driver->DriverExtension->AddDevice = add_device;
    driver->DriverUnload = unload;
    return STATUS_SUCCESS;
}
