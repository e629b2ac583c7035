/* SPDX-License-Identifier: MIT */
/*
 * Power IRPs in stacks that the driver builds itself, all in DriverEntry: what
 * PoRequestPowerIrp sends, in which order, at which IRQL, and what its callback
 * gets. A stack has two devices: the lower one ends requests as a bus driver
 * does, the upper one passes them on with a completion routine.
 */
#include "rltest.h"

#define D(n)   (PowerDeviceD0 + (n))
#define SECOND 10000000

struct extension {
    BOOLEAN bus, hold, use_io_call;
    PDEVICE_OBJECT self, lower;
    PIRP held, wake;
    ULONG seen, completed;
    KIRQL irql;
    IO_STACK_LOCATION last;
    NTSTATUS first_status;
    KEVENT arrived;
};

struct stack {
    PDEVICE_OBJECT bus, top;
    struct extension *b, *t;
};

struct told {
    ULONG calls, after;
    PDEVICE_OBJECT device;
    UCHAR minor;
    POWER_STATE state;
    NTSTATUS status;
    KIRQL irql;
    KEVENT event;
};

static PDRIVER_OBJECT driver_object;
static ULONG steps; /* one for each thing that happens to an IRP on its way back */

static POWER_STATE device_state(DEVICE_POWER_STATE state)
{
    POWER_STATE s;
    s.DeviceState = state;
    return s;
}

static NTSTATUS complete(PIRP irp, NTSTATUS status)
{
    irp->IoStatus.Status = status;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

/* ---- the drivers' routines ---- */

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
    e->wake = irp;
    IoMarkIrpPending(irp);
    IoSetCancelRoutine(irp, cancel_wake);
    return STATUS_PENDING;
}

static NTSTATUS bus_power(struct extension *e, PIRP irp, PIO_STACK_LOCATION location)
{
    if (location->MinorFunction == IRP_MN_WAIT_WAKE)
        return hold_wake(e, irp);
    if (location->MinorFunction == IRP_MN_POWER_SEQUENCE)
        return complete(irp, STATUS_NOT_IMPLEMENTED);
    if (e->hold) {
        IoMarkIrpPending(irp);
        e->held = irp;
        KeSetEvent(&e->arrived, IO_NO_INCREMENT, FALSE);
        return STATUS_PENDING;
    }
    NTSTATUS status = complete(irp, STATUS_SUCCESS);
    KeSetEvent(&e->arrived, IO_NO_INCREMENT, FALSE);
    return status;
}

static NTSTATUS NTAPI on_the_way_back(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    struct extension *e = context;
    if (irp->PendingReturned)
        IoMarkIrpPending(irp);
    e->completed = ++steps;
    return STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS NTAPI dispatch_power(PDEVICE_OBJECT device, PIRP irp)
{
    struct extension *e = device->DeviceExtension;
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    e->seen++;
    e->last = *location;
    e->irql = KeGetCurrentIrql();
    e->first_status = irp->IoStatus.Status;
    if (e->bus)
        return bus_power(e, irp, location);
    if (!e->use_io_call)
        PoStartNextPowerIrp(irp);
    IoCopyCurrentIrpStackLocationToNext(irp);
    IoSetCompletionRoutine(irp, on_the_way_back, e, TRUE, TRUE, TRUE);
    return e->use_io_call ? IoCallDriver(e->lower, irp) : PoCallDriver(e->lower, irp);
}

static VOID NTAPI power_completion(PDEVICE_OBJECT device, UCHAR minor, POWER_STATE state, PVOID context,
                                   PIO_STATUS_BLOCK iosb)
{
    struct told *told = context;
    told->calls++;
    told->after = ++steps;
    told->device = device;
    told->minor = minor;
    told->state = state;
    told->status = iosb->Status;
    told->irql = KeGetCurrentIrql();
    KeSetEvent(&told->event, IO_NO_INCREMENT, FALSE);
}

/* ---- tools ---- */

static void prepare(struct told *told)
{
    memset(told, 0, sizeof(*told));
    KeInitializeEvent(&told->event, NotificationEvent, FALSE);
}

static NTSTATUS request(PDEVICE_OBJECT device, UCHAR minor, DEVICE_POWER_STATE state, struct told *told)
{
    return PoRequestPowerIrp(device, minor, device_state(state), power_completion, told, NULL);
}

static PDEVICE_OBJECT make_device(BOOLEAN bus)
{
    PDEVICE_OBJECT device = NULL;
    IoCreateDevice(driver_object, sizeof(struct extension), NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    struct extension *e = device->DeviceExtension;
    e->bus = bus;
    e->self = device;
    KeInitializeEvent(&e->arrived, NotificationEvent, FALSE);
    device->Flags &= ~DO_DEVICE_INITIALIZING;
    return device;
}

static struct stack make_stack(ULONG flags)
{
    struct stack s;
    s.bus = make_device(TRUE);
    s.top = make_device(FALSE);
    s.b = s.bus->DeviceExtension;
    s.t = s.top->DeviceExtension;
    s.bus->Flags |= flags;
    s.top->Flags |= flags;
    s.t->lower = IoAttachDeviceToDeviceStack(s.top, s.bus);
    return s;
}

static void end_stack(struct stack *s)
{
    IoDetachDevice(s->bus);
    IoDeleteDevice(s->top);
    IoDeleteDevice(s->bus);
}

static void release(struct stack *s)
{
    PIRP irp = s->b->held;
    s->b->held = NULL;
    complete(irp, STATUS_SUCCESS);
}

/* ---- what is tested ---- */

static void sends(void)
{
    struct stack s = make_stack(0);
    struct told told;
    PIRP untouched = (PIRP)1;
    prepare(&told);
    NTSTATUS status = PoRequestPowerIrp(s.bus, IRP_MN_SET_POWER, device_state(PowerDeviceD2),
                                        power_completion, &told, &untouched);
    CHECK_STATUS("PW-12", status, STATUS_PENDING);
    CHECK("PW-12", untouched == (PIRP)1);
    CHECK_EQ("PW-12", s.t->seen, 1);
    CHECK_EQ("PW-05", s.b->seen, 1);
    CHECK_STATUS("PW-05", s.t->first_status, STATUS_NOT_SUPPORTED);
    CHECK_EQ("MJ-16", s.b->last.MajorFunction, IRP_MJ_POWER);
    CHECK_EQ("PWR-02", s.b->last.MinorFunction, IRP_MN_SET_POWER);
    CHECK_EQ("PW-02", s.b->last.Parameters.Power.Type, DevicePowerState);
    CHECK_EQ("PW-01", s.b->last.Parameters.Power.State.DeviceState, 3);
    CHECK_EQ("PW-02", s.b->last.Parameters.Power.ShutdownType, PowerActionNone);
    CHECK_EQ("PW-03", s.b->last.Parameters.Power.Type, 1);
    CHECK_EQ("IRP-11", s.t->seen, 1);
    CHECK_EQ("SR-28", told.calls, 1);
    CHECK("SR-28", told.device == s.bus);
    CHECK_EQ("SR-28", told.minor, IRP_MN_SET_POWER);
    CHECK_EQ("SR-28", told.state.DeviceState, PowerDeviceD2);
    CHECK_STATUS("SR-28", told.status, STATUS_SUCCESS);
    CHECK("PW-13", told.after > s.t->completed && s.t->completed != 0);
    prepare(&told);
    CHECK_STATUS("PWR-03", request(s.top, IRP_MN_QUERY_POWER, PowerDeviceD3, &told), STATUS_PENDING);
    CHECK_EQ("PWR-03", s.b->last.MinorFunction, IRP_MN_QUERY_POWER);
    CHECK("PW-13", told.device == s.top && told.minor == IRP_MN_QUERY_POWER);
    CHECK_STATUS("PW-12",
                 PoRequestPowerIrp(s.top, IRP_MN_SET_POWER, device_state(PowerDeviceD0), NULL, NULL, NULL),
                 STATUS_PENDING);
    end_stack(&s);
}

static void refuses(void)
{
    struct stack s = make_stack(0);
    struct told told;
    prepare(&told);
    CHECK_STATUS("PW-12", request(s.top, IRP_MN_POWER_SEQUENCE, PowerDeviceD0, &told),
                 STATUS_INVALID_PARAMETER_2);
    CHECK_STATUS("PWR-01", request(s.top, 0x77, PowerDeviceD0, &told), STATUS_INVALID_PARAMETER_2);
    CHECK_EQ("PW-12", told.calls, 0);
    CHECK_EQ("PWR-01", s.t->seen, 0);
    end_stack(&s);
}

/* What a driver may allocate itself. */
static NTSTATUS NTAPI sequence_back(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static void sequences(void)
{
    struct stack s = make_stack(0);
    POWER_SEQUENCE sequence = {0};
    PIRP irp = IoAllocateIrp(s.top->StackSize, FALSE);
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);
    next->MajorFunction = IRP_MJ_POWER;
    next->MinorFunction = IRP_MN_POWER_SEQUENCE;
    next->Parameters.PowerSequence.PowerSequence = &sequence;
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    IoSetCompletionRoutine(irp, sequence_back, NULL, TRUE, TRUE, TRUE);
    CHECK_STATUS("PWR-01", IoCallDriver(s.top, irp), STATUS_NOT_IMPLEMENTED);
    CHECK_EQ("PWR-01", s.b->last.MinorFunction, IRP_MN_POWER_SEQUENCE);
    IoFreeIrp(irp);
    end_stack(&s);
}

static void wait_for(PKEVENT event)
{
    LARGE_INTEGER limit;
    limit.QuadPart = -10LL * SECOND;
    KeWaitForSingleObject(event, Executive, KernelMode, FALSE, &limit);
}

static void serializes(void)
{
    struct stack s = make_stack(0), other = make_stack(0);
    struct told first, second, third, elsewhere;
    ULONG seconds = 0;
    prepare(&first), prepare(&second), prepare(&third), prepare(&elsewhere);
    s.b->hold = TRUE;
    request(s.top, IRP_MN_SET_POWER, PowerDeviceD1, &first);
    CHECK_STATUS("PW-04", request(s.top, IRP_MN_SET_POWER, PowerDeviceD2, &second), STATUS_PENDING);
    request(s.bus, IRP_MN_SET_POWER, PowerDeviceD3, &third);
    CHECK_EQ("PW-04", s.t->seen, 1);
    request(other.top, IRP_MN_SET_POWER, PowerDeviceD3, &elsewhere);
    CHECK_EQ("PW-04", elsewhere.calls, 1);
    CHECK("PW-27", PoQueryWatchdogTime(s.bus, &seconds) && seconds > 0 && seconds <= 600);
    CHECK("PW-27", !PoQueryWatchdogTime(other.bus, &seconds));
    release(&s);
    CHECK_EQ("PW-04", first.calls, 1);
    CHECK_EQ("PW-04", s.t->seen, 2);
    CHECK_EQ("PW-04", s.b->last.Parameters.Power.State.DeviceState, PowerDeviceD2);
    CHECK_EQ("PW-04", second.calls, 0);
    s.b->hold = FALSE;
    release(&s);
    CHECK_EQ("PW-04", s.b->last.Parameters.Power.State.DeviceState, PowerDeviceD3);
    CHECK("PW-04", second.calls == 1 && third.calls == 1 && second.after < third.after);
    CHECK("PW-27", !PoQueryWatchdogTime(s.bus, &seconds));
    end_stack(&s);
    end_stack(&other);
}

static void draws_inrush(void)
{
    struct stack a = make_stack(DO_POWER_INRUSH), b = make_stack(DO_POWER_INRUSH), plain = make_stack(0);
    struct told first, second, down, other;
    prepare(&first), prepare(&second), prepare(&down), prepare(&other);
    a.b->hold = TRUE;
    request(a.top, IRP_MN_SET_POWER, PowerDeviceD0, &first);
    request(b.top, IRP_MN_SET_POWER, PowerDeviceD0, &second);
    CHECK("PW-04", a.t->seen == 1 && b.t->seen == 0);
    request(plain.top, IRP_MN_SET_POWER, PowerDeviceD0, &other);
    CHECK_EQ("PW-04", other.calls, 1);
    request(b.top, IRP_MN_SET_POWER, PowerDeviceD3, &down);
    CHECK_EQ("PW-04", b.t->seen, 0); /* behind the one that waits */
    release(&a);
    CHECK("PW-04", first.calls == 1 && second.calls == 1 && down.calls == 1);
    CHECK("PW-04", second.after < down.after);
    end_stack(&a);
    end_stack(&b);
    end_stack(&plain);
}

static void at_dispatch(struct stack *s, struct told *told)
{
    KIRQL irql;
    prepare(told);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    request(s->top, IRP_MN_SET_POWER, PowerDeviceD3, told);
    KeLowerIrql(irql);
    wait_for(&told->event);
}

static void has_irqls(void)
{
    struct stack pageable = make_stack(DO_POWER_PAGABLE), plain = make_stack(0),
                 inrush = make_stack(DO_POWER_INRUSH);
    struct told told;
    at_dispatch(&pageable, &told);
    CHECK_EQ("DI-05", pageable.t->irql, PASSIVE_LEVEL);
    CHECK("PW-24", pageable.t->seen == 1 && pageable.b->irql == PASSIVE_LEVEL);
    at_dispatch(&plain, &told);
    CHECK_EQ("DI-04", plain.t->irql, DISPATCH_LEVEL);
    CHECK("PW-29", told.calls == 1); /* nothing pageable, nothing allocated, nobody waits */
    CHECK_EQ("PW-24", plain.b->irql, DISPATCH_LEVEL);
    CHECK_EQ("PW-13", told.irql, DISPATCH_LEVEL);
    at_dispatch(&inrush, &told);
    CHECK_EQ("DI-04", inrush.t->irql, DISPATCH_LEVEL);
    prepare(&told);
    request(plain.top, IRP_MN_SET_POWER, PowerDeviceD0, &told);
    CHECK("SR-28", told.irql == PASSIVE_LEVEL && plain.t->irql == PASSIVE_LEVEL);
    end_stack(&pageable);
    end_stack(&plain);
    end_stack(&inrush);
}

static NTSTATUS arm(struct stack *s, struct told *told, PIRP *irp)
{
    POWER_STATE state;
    prepare(told);
    state.SystemState = PowerSystemSleeping3;
    return PoRequestPowerIrp(s->top, IRP_MN_WAIT_WAKE, state, power_completion, told, irp);
}

static void end_wake(struct stack *s, BOOLEAN woke)
{
    PIRP irp = s->b->wake;
    IoSetCancelRoutine(irp, NULL);
    s->b->wake = NULL;
    if (woke)
        PoSetSystemWake(irp);
    CHECK_EQ("PW-25", PoGetSystemWake(irp), woke);
    complete(irp, STATUS_SUCCESS);
}

static void waits_for_wake(void)
{
    struct stack s = make_stack(0);
    struct told told, second, set;
    PIRP irp = NULL, other = NULL;
    ULONG seconds;
    CHECK_STATUS("PWR-00", arm(&s, &told, &irp), STATUS_PENDING);
    CHECK_EQ("PWR-00", s.b->last.MinorFunction, IRP_MN_WAIT_WAKE);
    CHECK_EQ("PW-25", s.b->last.Parameters.WaitWake.PowerState, PowerSystemSleeping3);
    CHECK("PW-12", irp != NULL && irp == s.b->wake);
    CHECK("PW-27", !PoQueryWatchdogTime(s.bus, &seconds));
    arm(&s, &second, &other);
    CHECK("PW-25", second.calls == 1 && second.status == STATUS_DEVICE_BUSY);
    prepare(&set);
    request(s.top, IRP_MN_SET_POWER, PowerDeviceD3, &set);
    CHECK_EQ("PW-04", set.calls, 1); /* it does not wait for the WAIT_WAKE */
    CHECK("PW-25", IoCancelIrp(irp));
    CHECK("PW-25", told.calls == 1 && told.status == STATUS_CANCELLED);
    arm(&s, &told, &irp);
    end_wake(&s, FALSE);
    CHECK("PW-25", told.calls == 1 && told.status == STATUS_SUCCESS && told.minor == IRP_MN_WAIT_WAKE);
    arm(&s, &told, &irp);
    end_wake(&s, TRUE);
    CHECK_EQ("PWR-00", told.calls, 1);
    end_stack(&s);
}

static void reports_states(void)
{
    struct stack s = make_stack(0);
    CHECK_EQ("PW-19", PoSetPowerState(s.top, DevicePowerState, device_state(PowerDeviceD0)).DeviceState,
             PowerDeviceUnspecified);
    CHECK_EQ("PW-19", PoSetPowerState(s.top, DevicePowerState, device_state(PowerDeviceD3)).DeviceState,
             PowerDeviceD0);
    CHECK_EQ("PW-19", PoSetPowerState(s.top, DevicePowerState, device_state(PowerDeviceD0)).DeviceState,
             PowerDeviceD3);
    CHECK_EQ("PW-19", PoSetPowerState(s.bus, DevicePowerState, device_state(PowerDeviceD0)).DeviceState,
             PowerDeviceUnspecified);
    end_stack(&s);
}

/* With the calls of former systems and without them. */
static void passes_on(void)
{
    struct stack s = make_stack(0);
    struct told told;
    for (ULONG i = 0; i < 2; i++) {
        s.t->use_io_call = i != 0;
        prepare(&told);
        request(s.top, IRP_MN_SET_POWER, PowerDeviceD1, &told);
        CHECK_EQ("PW-09", told.calls, 1);
        CHECK_EQ("PW-10", s.b->seen, i + 1);
        prepare(&told);
        request(s.top, IRP_MN_SET_POWER, PowerDeviceD0, &told);
        CHECK_EQ("PW-11", told.calls, 1);
        s.b->seen--;
    }
    end_stack(&s);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
    driver_object = driver;
    driver->MajorFunction[IRP_MJ_POWER] = dispatch_power;
    sends();
    refuses();
    sequences();
    serializes();
    draws_inrush();
    has_irqls();
    waits_for_wake();
    reports_states();
    passes_on();
    return STATUS_UNSUCCESSFUL; /* that was all */
}
