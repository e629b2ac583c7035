/* SPDX-License-Identifier: MIT */
/*
 * A device of the power management framework: ROOT\POFX, three components, one
 * of which depends on another. Registered in START_DEVICE; the tests run one
 * after the other when \Device\PoFx gets RL_IOCTL(0) with a name, see `tests`.
 * The PoFx routines are looked up by name: not every import library has them.
 */
#include "../pnp/testlog.h"
#include "pofx.h"

#define COMPONENTS 3
#define MOST       64

enum event { ACTIVE, IDLE, STATE, REQUIRED, NOT_REQUIRED };

struct seen {
    enum event event;
    ULONG component, state;
    PETHREAD thread;
    KIRQL irql;
};

static struct {
    struct seen seen[MOST];
    ULONG count;
    BOOLEAN defer_idle, defer_state, defer_off, defer_on; /* who completes is the test */
    BOOLEAN active[COMPONENTS], powered, starting;
    ULONG while_starting, state[COMPONENTS];
    KEVENT event;
} log;

static POHANDLE handle;
static PDEVICE_OBJECT function, lower, pdo, control;
static PIO_WORKITEM item;
static BOOLEAN slow, in_callback, unregistered, late, directed_lies, directed_silent;
static ULONG version = 3;

static void pass_time(ULONG ms)
{
    LARGE_INTEGER time;
    time.QuadPart = -10000LL * ms;
    KeDelayExecutionThread(KernelMode, FALSE, &time);
}

/* ---- the callbacks ---- */

static void note(enum event event, ULONG component, ULONG state)
{
    struct seen *s = &log.seen[log.count % MOST];
    s->event = event;
    s->component = component;
    s->state = state;
    s->thread = PsGetCurrentThread();
    s->irql = KeGetCurrentIrql();
    log.count++;
    if (log.starting)
        log.while_starting++;
    KeSetEvent(&log.event, IO_NO_INCREMENT, FALSE);
}

static VOID NTAPI active(PVOID context, ULONG component)
{
    CHECK("SR-36", context == &log && component < COMPONENTS);
    CHECK("FX-05", !log.active[component] && log.state[component] == 0 && log.powered);
    log.active[component] = TRUE;
    say("A%lu", component);
    note(ACTIVE, component, 0);
    if (slow) {
        in_callback = TRUE;
        pass_time(100);
        in_callback = FALSE;
    }
}

static VOID NTAPI idle(PVOID context, ULONG component)
{
    CHECK("FX-04", log.active[component]);
    log.active[component] = FALSE;
    say("I%lu", component);
    note(IDLE, component, 0);
    if (!log.defer_idle)
        fx.CompleteIdleCondition(handle, component);
}

static VOID NTAPI change_state(PVOID context, ULONG component, ULONG state)
{
    CHECK("FX-05", !log.active[component]);
    CHECK("SR-36", state == 0 || log.state[component] == 0); /* never from one to another */
    log.state[component] = state;
    say("F%lu.%lu", component, state);
    note(STATE, component, state);
    if (!log.defer_state)
        fx.CompleteIdleState(handle, component);
}

static VOID NTAPI went(PDEVICE_OBJECT device, UCHAR minor, POWER_STATE state, PVOID context,
                       PIO_STATUS_BLOCK iosb)
{
    if (state.DeviceState == PowerDeviceD0 && !log.defer_on)
        fx.ReportDevicePoweredOn(handle);
}

static void go(DEVICE_POWER_STATE state)
{
    POWER_STATE s;
    s.DeviceState = state;
    PoRequestPowerIrp(pdo, IRP_MN_SET_POWER, s, went, NULL, NULL);
}

static VOID NTAPI required(PVOID context)
{
    CHECK("FX-09", !log.powered);
    log.powered = TRUE;
    say("on");
    note(REQUIRED, 0, 0);
    go(PowerDeviceD0);
}

static VOID NTAPI not_required(PVOID context)
{
    CHECK("FX-08", log.powered);
    for (ULONG i = 0; i < COMPONENTS; i++)
        CHECK("FX-08", !log.active[i]);
    log.powered = FALSE;
    say("off");
    note(NOT_REQUIRED, 0, 0);
    go(PowerDeviceD3);
    if (!log.defer_off)
        fx.CompleteDevicePowerNotRequired(handle); /* whether D3 is reached or not */
}

static NTSTATUS NTAPI power_control(PVOID context, LPCGUID code, PVOID in, SIZE_T in_size, PVOID out,
                                    SIZE_T out_size, PSIZE_T returned)
{
    return STATUS_NOT_IMPLEMENTED;
}

static VOID NTAPI directed_done(PDEVICE_OBJECT device, UCHAR minor, POWER_STATE state, PVOID context,
                                PIO_STATUS_BLOCK iosb)
{
    if (state.DeviceState == PowerDeviceD0)
        fx.ReportDevicePoweredOn(handle);
    else
        fx.CompleteDirectedPowerDown(handle);
}

static void directed(DEVICE_POWER_STATE state)
{
    POWER_STATE s;
    s.DeviceState = state;
    PoRequestPowerIrp(pdo, IRP_MN_SET_POWER, s, directed_done, NULL, NULL);
}

static VOID NTAPI directed_up(PVOID context, ULONG flags)
{
    CHECK("SR-36", context == &log && flags == 0);
    say("directed-up");
    directed(PowerDeviceD0);
}

static VOID NTAPI directed_down(PVOID context, ULONG flags)
{
    say("directed-down");
    if (directed_silent)
        return;
    if (directed_lies)
        fx.CompleteDirectedPowerDown(handle);
    else
        directed(PowerDeviceD3);
}

/* ---- registration ---- */

static PO_FX_COMPONENT_IDLE_STATE three_states[3] = {
    {0, 0, 1000}, {100, 1000, 500}, {10000, 100000, PO_FX_UNKNOWN_POWER}};
static PO_FX_COMPONENT_IDLE_STATE one_state[1] = {{0, 0, 1000}};
static ULONG provider[1] = {0};

static struct {
    PO_FX_DEVICE_V3 head;
    PO_FX_COMPONENT_V2 more[COMPONENTS - 1];
} description;

static void describe(void)
{
    PO_FX_DEVICE_V3 *d = &description.head;
    memset(&description, 0, sizeof(description));
    d->Version = 3;
    d->ComponentActiveConditionCallback = active;
    d->ComponentIdleConditionCallback = idle;
    d->ComponentIdleStateCallback = change_state;
    d->DevicePowerRequiredCallback = required;
    d->DevicePowerNotRequiredCallback = not_required;
    d->PowerControlCallback = power_control;
    d->DirectedPowerUpCallback = directed_up;
    d->DirectedPowerDownCallback = directed_down;
    d->DeviceContext = &log;
    d->ComponentCount = COMPONENTS;
    d->Components[0].IdleStateCount = 3;
    d->Components[0].DeepestWakeableIdleState = 1;
    d->Components[0].IdleStates = three_states;
    d->Components[1].IdleStateCount = 1;
    d->Components[1].IdleStates = one_state;
    d->Components[2].IdleStateCount = 1;
    d->Components[2].IdleStates = one_state;
    d->Components[2].ProviderCount = 1;
    d->Components[2].Providers = provider;
}

static NTSTATUS register_it(PDEVICE_OBJECT device)
{
    return fx.RegisterDevice(device, &description.head, &handle);
}

/* The same as version 1 or 2. */
static NTSTATUS register_older(ULONG wanted)
{
    struct {
        PO_FX_DEVICE_V1 head;
        PO_FX_COMPONENT_V1 more[1];
    } one;
    PO_FX_DEVICE_V2 two;
    memset(&one, 0, sizeof(one));
    memset(&two, 0, sizeof(two));
    memcpy(&one.head.ComponentActiveConditionCallback, &description.head.ComponentActiveConditionCallback,
           6 * sizeof(PVOID));
    memcpy(&two.ComponentActiveConditionCallback, &description.head.ComponentActiveConditionCallback,
           6 * sizeof(PVOID));
    one.head.Version = 1;
    one.head.DeviceContext = two.DeviceContext = &log;
    one.head.ComponentCount = 2;
    one.head.Components[0].IdleStateCount = 3;
    one.head.Components[0].DeepestWakeableIdleState = 1;
    one.head.Components[0].IdleStates = three_states;
    one.more[0].IdleStateCount = 1;
    one.more[0].IdleStates = one_state;
    two.Version = 2;
    two.ComponentCount = 1;
    two.Components[0] = description.head.Components[0];
    two.Components[0].Flags = PO_FX_COMPONENT_FLAG_F0_ON_DX;
    return fx.RegisterDevice(pdo, wanted == 1 ? (PVOID)&one : (PVOID)&two, &handle);
}

static void refuses(void)
{
    PO_FX_DEVICE_V3 *d = &description.head;
    CHECK_STATUS("FX-01", register_it(NULL), STATUS_INVALID_PARAMETER);
    d->Version = 9;
    CHECK_STATUS("FX-01", register_it(pdo), STATUS_INVALID_PARAMETER);
    describe();
    d->ComponentCount = 0;
    CHECK_STATUS("FX-01", register_it(pdo), STATUS_INVALID_PARAMETER);
    describe();
    d->Components[0].IdleStateCount = 0;
    CHECK_STATUS("FX-01", register_it(pdo), STATUS_INVALID_PARAMETER);
    describe();
    d->Components[0].DeepestWakeableIdleState = 3;
    CHECK_STATUS("FX-01", register_it(pdo), STATUS_INVALID_PARAMETER);
    describe();
    d->ComponentIdleStateCallback = NULL;
    CHECK_STATUS("FX-01", register_it(pdo), STATUS_INVALID_PARAMETER);
    describe();
    provider[0] = 2; /* itself */
    CHECK_STATUS("FX-01", register_it(pdo), STATUS_INVALID_PARAMETER);
    provider[0] = 0;
}

/* ---- the tests ---- */

static void forget(void)
{
    log.count = 0;
    KeClearEvent(&log.event);
}

static ULONG count_of(enum event event, ULONG component)
{
    ULONG count = 0;
    for (ULONG i = 0; i < log.count && i < MOST; i++)
        if (log.seen[i].event == event && log.seen[i].component == component)
            count++;
    return count;
}

static void starts(void)
{
    CHECK_EQ("FX-02", log.count, 0);
    fx.ActivateComponent(handle, 1, 0);
    CHECK_EQ("FX-02", log.count, 0); /* active since the registration */
    log.starting = TRUE;
    fx.StartDevicePowerManagement(handle);
    log.starting = FALSE;
    CHECK("FX-03", log.while_starting != 0);
    CHECK_EQ("FX-02", count_of(IDLE, 0), 1);
    CHECK_EQ("FX-02", count_of(IDLE, 2), 1);
    CHECK_EQ("FX-02", count_of(IDLE, 1), 0);
    CHECK_EQ("SR-36", log.state[0], 2);
    CHECK_EQ("FX-08", count_of(NOT_REQUIRED, 0), 0);
}

static void counts(void)
{
    forget();
    fx.ActivateComponent(handle, 0, PO_FX_FLAG_BLOCKING);
    CHECK_EQ("FX-04", count_of(ACTIVE, 0), 1);
    CHECK("FX-05", log.active[0] && log.state[0] == 0);
    fx.ActivateComponent(handle, 0, PO_FX_FLAG_BLOCKING);
    fx.IdleComponent(handle, 0, PO_FX_FLAG_BLOCKING);
    CHECK("FX-04", count_of(ACTIVE, 0) == 1 && count_of(IDLE, 0) == 0);
    fx.IdleComponent(handle, 0, PO_FX_FLAG_BLOCKING);
    CHECK_EQ("FX-04", count_of(IDLE, 0), 1);
    CHECK("FX-05", !log.active[0]);
}

static void chooses_threads(void)
{
    PETHREAD me = PsGetCurrentThread();
    KIRQL irql;
    forget();
    fx.ActivateComponent(handle, 0, PO_FX_FLAG_BLOCKING);
    CHECK("FX-07", log.count == 2 && log.seen[0].thread == me && log.seen[1].thread == me);
    fx.IdleComponent(handle, 0, PO_FX_FLAG_BLOCKING);
    forget();
    fx.ActivateComponent(handle, 0, PO_FX_FLAG_ASYNC_ONLY);
    pass_time(100);
    CHECK("FX-07", count_of(ACTIVE, 0) == 1 && log.seen[0].thread != me && log.seen[1].thread != me);
    fx.IdleComponent(handle, 0, PO_FX_FLAG_ASYNC_ONLY);
    pass_time(100);
    CHECK("FX-07", count_of(IDLE, 0) == 1 && log.seen[2].thread != me);
    forget();
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    fx.ActivateComponent(handle, 0, 0);
    KeLowerIrql(irql);
    pass_time(100);
    CHECK_EQ("FX-07", count_of(ACTIVE, 0), 1);
    CHECK("SR-36", log.seen[0].irql <= DISPATCH_LEVEL);
    fx.IdleComponent(handle, 0, 0);
    pass_time(100);
}

/* What the driver completes later. */
static void defers(void)
{
    forget();
    fx.ActivateComponent(handle, 0, PO_FX_FLAG_BLOCKING);
    log.defer_idle = TRUE;
    forget();
    fx.IdleComponent(handle, 0, 0);
    pass_time(10);
    CHECK("FX-05", count_of(IDLE, 0) == 1 && count_of(STATE, 0) == 0); /* it may still be accessed */
    fx.ActivateComponent(handle, 0, 0);
    pass_time(10);
    CHECK_EQ("FX-04", count_of(ACTIVE, 0), 0); /* it is neither */
    log.defer_idle = FALSE;
    fx.CompleteIdleCondition(handle, 0);
    pass_time(10);
    CHECK_EQ("FX-04", count_of(ACTIVE, 0), 1);
    log.defer_state = TRUE;
    fx.IdleComponent(handle, 0, 0);
    fx.ActivateComponent(handle, 0, 0);
    pass_time(10);
    CHECK_EQ("FX-05", count_of(ACTIVE, 0), 1);
    log.defer_state = FALSE;
    fx.CompleteIdleState(handle, 0);
    pass_time(10);
    CHECK_EQ("FX-05", count_of(ACTIVE, 0), 2);
    fx.IdleComponent(handle, 0, PO_FX_FLAG_BLOCKING);
}

static void depends(void)
{
    forget();
    fx.ActivateComponent(handle, 2, PO_FX_FLAG_BLOCKING);
    CHECK("SR-36", log.active[0] && log.active[2]);
    CHECK("SR-36", log.count == 3 && log.seen[1].component == 0 && log.seen[2].component == 2);
    fx.IdleComponent(handle, 2, PO_FX_FLAG_BLOCKING);
    pass_time(10);
    CHECK("SR-36", !log.active[0] && !log.active[2]);
}

static void takes_hints(void)
{
    forget();
    fx.SetComponentLatency(handle, 0, 5000);
    pass_time(10);
    CHECK("SR-36", log.count == 2 && log.seen[0].state == 0 && log.seen[1].state == 1);
    fx.SetComponentLatency(handle, 0, 50);
    pass_time(10);
    CHECK_EQ("SR-36", log.state[0], 0);
    fx.SetComponentLatency(handle, 0, PO_FX_UNKNOWN_TIME);
    pass_time(10);
    CHECK_EQ("SR-36", log.state[0], 2);
    fx.SetComponentResidency(handle, 0, 5000);
    pass_time(10);
    CHECK_EQ("SR-36", log.state[0], 1);
    fx.SetComponentResidency(handle, 0, PO_FX_UNKNOWN_TIME);
    fx.SetComponentWake(handle, 0, TRUE);
    pass_time(10);
    CHECK_EQ("SR-36", log.state[0], 1);
    fx.SetComponentWake(handle, 0, FALSE);
    pass_time(10);
    CHECK_EQ("SR-36", log.state[0], 2);
}

/* The last component goes idle: the device need not be on. */
static void powers(void)
{
    forget();
    log.defer_off = TRUE;
    fx.IdleComponent(handle, 1, PO_FX_FLAG_BLOCKING);
    pass_time(10);
    CHECK("FX-08", count_of(NOT_REQUIRED, 0) == 1 && !log.powered);
    fx.ActivateComponent(handle, 1, 0);
    pass_time(10);
    CHECK_EQ("FX-09", count_of(REQUIRED, 0), 0); /* not before the driver has completed the other */
    log.defer_on = TRUE;
    log.defer_off = FALSE;
    fx.CompleteDevicePowerNotRequired(handle);
    pass_time(10);
    CHECK_EQ("FX-09", count_of(REQUIRED, 0), 1);
    CHECK_EQ("FX-09", count_of(ACTIVE, 1), 0);
    log.defer_on = FALSE;
    fx.ReportDevicePoweredOn(handle);
    pass_time(10);
    CHECK_EQ("FX-09", count_of(ACTIVE, 1), 1);
    forget();
    fx.IdleComponent(handle, 1, PO_FX_FLAG_BLOCKING);
    pass_time(10);
    fx.ActivateComponent(handle, 1, PO_FX_FLAG_BLOCKING);
    CHECK("FX-09", count_of(NOT_REQUIRED, 0) == 1 && count_of(REQUIRED, 0) == 1 && log.active[1]);
}

static void waits(void)
{
    forget();
    fx.SetDeviceIdleTimeout(handle, 2 * 10000000ULL);
    fx.IdleComponent(handle, 1, PO_FX_FLAG_BLOCKING);
    pass_time(1000);
    CHECK_EQ("FX-08", count_of(NOT_REQUIRED, 0), 0);
    fx.ActivateComponent(handle, 1, PO_FX_FLAG_BLOCKING);
    pass_time(3000);
    CHECK_EQ("FX-08", count_of(NOT_REQUIRED, 0), 0); /* needed again in time */
    fx.IdleComponent(handle, 1, PO_FX_FLAG_BLOCKING);
    pass_time(1500);
    CHECK_EQ("FX-08", count_of(NOT_REQUIRED, 0), 0);
    pass_time(1000);
    CHECK_EQ("FX-08", count_of(NOT_REQUIRED, 0), 1);
    fx.SetDeviceIdleTimeout(handle, 0);
    fx.ActivateComponent(handle, 1, PO_FX_FLAG_BLOCKING);
}

static void controls(void)
{
    GUID code = {1, 2, 3, {4}};
    SIZE_T returned = 7;
    CHECK_STATUS("SR-36", fx.PowerControl(handle, &code, NULL, 0, NULL, 0, &returned), STATUS_NOT_SUPPORTED);
    CHECK_EQ("SR-36", returned, 0);
}

/* A component that wants to be in F0 while the device changes its power state. */
static void holds_f0(void)
{
    POWER_STATE s;
    PIRP irp = NULL;
    fx.SetDeviceIdleTimeout(handle, 100 * 10000000ULL);
    fx.StartDevicePowerManagement(handle);
    fx.ActivateComponent(handle, 0, PO_FX_FLAG_BLOCKING);
    fx.IdleComponent(handle, 0, PO_FX_FLAG_BLOCKING);
    CHECK_EQ("SR-36", log.state[0], 2);
    s.SystemState = PowerSystemSleeping3;
    log.defer_state = TRUE;
    PoRequestPowerIrp(pdo, IRP_MN_WAIT_WAKE, s, NULL, NULL, &irp);
    say("asked");
    log.defer_state = FALSE;
    fx.CompleteIdleState(handle, 0);
    pass_time(10);
    CHECK_EQ("SR-36", log.state[0], 2); /* the bus refused it at once, so it is back */
}

/* Goes while a callback runs in another thread. */
static void goes_meanwhile(void)
{
    slow = TRUE;
    fx.ActivateComponent(handle, 0, PO_FX_FLAG_ASYNC_ONLY);
    pass_time(20);
    CHECK("FX-10", in_callback);
    fx.UnregisterDevice(handle);
    CHECK("FX-10", !in_callback);
    slow = FALSE;
    unregistered = TRUE;
}

/* Mistakes. */
static void idles_twice(void)
{
    fx.IdleComponent(handle, 0, 0);
}

static void registers_twice(void)
{
    register_it(pdo);
}

static void completes_for_nothing(void)
{
    fx.CompleteDevicePowerNotRequired(handle);
}

static void reports_for_nothing(void)
{
    fx.ReportDevicePoweredOn(handle);
}

static void completes_no_idle(void)
{
    fx.CompleteIdleCondition(handle, 1);
}

static void has_no_such(void)
{
    fx.ActivateComponent(handle, 17, 0);
}

static void both_flags(void)
{
    fx.ActivateComponent(handle, 1, PO_FX_FLAG_BLOCKING | PO_FX_FLAG_ASYNC_ONLY);
}

static void blocks_high(void)
{
    KIRQL irql;
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    fx.ActivateComponent(handle, 1, PO_FX_FLAG_BLOCKING);
    KeLowerIrql(irql);
}

static void be_late(void)
{
    late = TRUE;
}

static void lie(void)
{
    directed_lies = TRUE;
}

static void be_silent(void)
{
    directed_silent = TRUE;
}

static void is_unregistered(void)
{
    CHECK("FX-10", unregistered);
}

static void older_1(void)
{
    version = 1;
}

static void older_2(void)
{
    version = 2;
}

static const struct {
    const char *name;
    void (*run)(void);
} tests[] = {
    {"starts", starts},
    {"counts", counts},
    {"threads", chooses_threads},
    {"defers", defers},
    {"depends", depends},
    {"hints", takes_hints},
    {"powers", powers},
    {"waits", waits},
    {"controls", controls},
    {"f0", holds_f0},
    {"meanwhile", goes_meanwhile},
    {"idle-twice", idles_twice},
    {"register-twice", registers_twice},
    {"complete-nothing", completes_for_nothing},
    {"report-nothing", reports_for_nothing},
    {"no-idle", completes_no_idle},
    {"no-component", has_no_such},
    {"both-flags", both_flags},
    {"blocking-high", blocks_high},
    {"late", be_late},
    {"lie", lie},
    {"silent", be_silent},
    {"unregistered", is_unregistered},
    {"v1", older_1},
    {"v2", older_2},
};

/* ---- the driver ---- */

static NTSTATUS complete(PIRP irp, NTSTATUS status)
{
    irp->IoStatus.Status = status;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

static NTSTATUS pass(PIRP irp)
{
    IoSkipCurrentIrpStackLocation(irp);
    return IoCallDriver(lower, irp);
}

static NTSTATUS NTAPI dispatch_control(PDEVICE_OBJECT device, PIRP irp)
{
    ULONG length = IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceIoControl.InputBufferLength;
    irp->IoStatus.Information = 0;
    for (ULONG i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        if (strlen(tests[i].name) == length &&
            !memcmp(tests[i].name, irp->AssociatedIrp.SystemBuffer, length)) {
            tests[i].run();
            return complete(irp, STATUS_SUCCESS);
        }
    return complete(irp, STATUS_INVALID_PARAMETER);
}

static NTSTATUS NTAPI dispatch_power(PDEVICE_OBJECT device, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    BOOLEAN set = location->MinorFunction == IRP_MN_SET_POWER;
    if (location->MinorFunction == IRP_MN_WAIT_WAKE)
        say("wake-irp");
    if (set && location->Parameters.Power.Type == DevicePowerState)
        PoSetPowerState(device, DevicePowerState, location->Parameters.Power.State);
    if (set && location->Parameters.Power.Type == SystemPowerState) {
        BOOLEAN up = location->Parameters.Power.State.SystemState == PowerSystemWorking;
        say("S%lu", (ULONG)location->Parameters.Power.State.SystemState - 1);
        for (ULONG i = 0; i < COMPONENTS && !up; i++)
            CHECK("FX-06", log.active[i]);
        if (up)
            fx.ReportDevicePoweredOn(handle); /* always */
    }
    return pass(irp);
}

static NTSTATUS start(PIRP irp)
{
    if (!IoForwardIrpSynchronously(lower, irp))
        return complete(irp, STATUS_UNSUCCESSFUL);
    POWER_STATE d0;
    d0.DeviceState = PowerDeviceD0;
    PoSetPowerState(function, DevicePowerState, d0);
    log.powered = TRUE;
    if (version == 3)
        refuses();
    describe();
    NTSTATUS status = version == 3 ? register_it(pdo) : register_older(version);
    CHECK_STATUS("FX-01", status, STATUS_SUCCESS);
    unregistered = FALSE;
    for (ULONG i = 0; i < COMPONENTS; i++) /* version 1 has two, version 2 one */
        log.active[i] = version == 3 || i < 3 - version;
    return complete(irp, irp->IoStatus.Status);
}

static VOID NTAPI unregister_later(PDEVICE_OBJECT device, PVOID context)
{
    pass_time(500);
    unregistered = TRUE;
    fx.UnregisterDevice(handle);
    IoFreeWorkItem(item);
}

static NTSTATUS remove_it(PIRP irp)
{
    for (ULONG i = 0; i < COMPONENTS && version == 3 && !unregistered; i++)
        CHECK("FX-06", log.active[i]);
    if (unregistered) {
        DbgPrint("it has gone before\n");
    } else if (late) {
        item = IoAllocateWorkItem(control);
        IoQueueWorkItem(item, unregister_later, DelayedWorkQueue, NULL);
    } else {
        ULONG before = log.count;
        fx.UnregisterDevice(handle);
        CHECK_EQ("FX-10", log.count, before);
        unregistered = TRUE;
    }
    irp->IoStatus.Status = STATUS_SUCCESS;
    NTSTATUS status = pass(irp);
    IoDetachDevice(lower);
    IoDeleteDevice(function);
    return status;
}

static NTSTATUS NTAPI dispatch_pnp(PDEVICE_OBJECT device, PIRP irp)
{
    switch (IoGetCurrentIrpStackLocation(irp)->MinorFunction) {
    case IRP_MN_START_DEVICE:
        return start(irp);
    case IRP_MN_REMOVE_DEVICE:
        return remove_it(irp);
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
        irp->IoStatus.Status = STATUS_SUCCESS;
        return pass(irp);
    default:
        return pass(irp);
    }
}

static NTSTATUS NTAPI dispatch_pass(PDEVICE_OBJECT device, PIRP irp)
{
    return pass(irp);
}

static NTSTATUS NTAPI dispatch_succeed(PDEVICE_OBJECT device, PIRP irp)
{
    irp->IoStatus.Information = 0;
    return complete(irp, STATUS_SUCCESS);
}

static NTSTATUS NTAPI add_device(PDRIVER_OBJECT driver, PDEVICE_OBJECT physical)
{
    NTSTATUS status = IoCreateDevice(driver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &function);
    if (!NT_SUCCESS(status))
        return status;
    pdo = physical;
    describe();
    if (version == 3)
        CHECK_STATUS("FX-01", register_it(pdo), STATUS_DEVICE_NOT_READY);
    lower = IoAttachDeviceToDeviceStack(function, pdo);
    function->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT driver)
{
    IoDeleteDevice(control);
    testlog_close();
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\PoFx");
    NTSTATUS status = find_fx() ? IoCreateDevice(driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &control)
                                : STATUS_PROCEDURE_NOT_FOUND;
    if (!NT_SUCCESS(status))
        return status;
    testlog_open();
    KeInitializeEvent(&log.event, NotificationEvent, FALSE);
    driver->MajorFunction[IRP_MJ_CREATE] = dispatch_succeed;
    driver->MajorFunction[IRP_MJ_CLEANUP] = dispatch_succeed;
    driver->MajorFunction[IRP_MJ_CLOSE] = dispatch_succeed;
    driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = dispatch_control;
    driver->MajorFunction[IRP_MJ_PNP] = dispatch_pnp;
    driver->MajorFunction[IRP_MJ_POWER] = dispatch_power;
    driver->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = dispatch_pass;
    driver->DriverExtension->AddDevice = add_device;
    driver->DriverUnload = unload;
    return STATUS_SUCCESS;
}
