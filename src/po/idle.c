/* SPDX-License-Identifier: MIT */
/*
 * Idle detection: a counter for each device object that registered, counted up
 * once a second while its device is in D0 and nobody keeps it busy; when it
 * reaches the time-out of the power source, the device's stack gets a
 * SET_POWER. The timer runs while there are counters. Lock: po_lock.
 */
#include "po/private.h"

#define STANDARD ((ULONG)-1)
/* What the power policy's classes have: "turn off the disk after". */
#define DISK_CONSERVATION 600
#define DISK_PERFORMANCE  1200

static KTIMER timer;
static KDPC dpc;
static LIST_ENTRY counters;
static bool ticking;

static void asked(struct po_request *request, NTSTATUS status, void *context)
{
    struct po_idle *idle = context;
    __atomic_store_n(&idle->asked, false, __ATOMIC_RELEASE);
}

/* Of a PDO what its stack's drivers say counts: as a rule a function driver reports for its own device
 * object. */
static bool is_on(const struct po_idle *idle)
{
    const struct po_device *record = container_of(idle, struct po_device, idle);
    UCHAR stack = (UCHAR)__atomic_load_n(&record->reported, __ATOMIC_ACQUIRE);
    UCHAR state = stack != PowerDeviceUnspecified ? stack : io_power_state(idle->device);
    return state == PowerDeviceUnspecified || state < (UCHAR)idle->state;
}

/* A second has passed for it. True: it has been idle for long enough. po_lock. */
static bool count(struct po_idle *idle)
{
    ULONG limit = po_on_battery() ? idle->conservation : idle->performance;
    if (idle->busy || idle->asked || !limit || !is_on(idle)) {
        idle->count = 0;
        return false;
    }
    return ++idle->count >= limit;
}

/* One that is due, its device referenced; the others of this second follow. po_lock. */
static struct po_idle *take_due(LIST_ENTRY *done)
{
    while (!list_empty(&counters)) {
        struct po_idle *idle = container_of(list_remove_head(&counters), struct po_idle, link);
        list_insert_tail(done, &idle->link);
        if (count(idle)) {
            idle->asked = true;
            ob_reference(idle->device);
            return idle;
        }
    }
    return NULL;
}

static void request_down(struct po_idle *idle)
{
    PDEVICE_OBJECT device = idle->device;
    struct po_wish wish = {.device = device,
                           .minor = IRP_MN_SET_POWER,
                           .type = DevicePowerState,
                           .state.DeviceState = idle->state,
                           .own_completion = asked,
                           .context = idle};
    if (po_submit(&wish, NULL) != STATUS_PENDING)
        asked(NULL, STATUS_INSUFFICIENT_RESOURCES, idle);
    ob_dereference(device);
}

/* po_lock. */
static void tick_as_needed(void)
{
    LARGE_INTEGER due = {.QuadPart = -(LONGLONG)PO_SECOND};
    bool needed = !list_empty(&counters);
    if (needed && !ticking)
        KeSetTimerEx(&timer, due, 1000, &dpc);
    if (!needed && ticking)
        KeCancelTimer(&timer);
    ticking = needed;
}

static VOID NTAPI second(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
    LIST_ENTRY done;
    list_init(&done);
    KeAcquireSpinLockAtDpcLevel(&po_lock);
    for (struct po_idle *idle; (idle = take_due(&done)) != NULL;) {
        KeReleaseSpinLockFromDpcLevel(&po_lock);
        /* PW-03, PWR-02: by the power manager itself. */
        request_down(idle);
        KeAcquireSpinLockAtDpcLevel(&po_lock);
    }
    while (!list_empty(&done))
        list_insert_tail(&counters, list_remove_head(&done));
    tick_as_needed();
    KeReleaseSpinLockFromDpcLevel(&po_lock);
}

void po_idle_reset(void)
{
    list_init(&counters);
    ticking = false;
    KeInitializeTimerEx(&timer, SynchronizationTimer);
    KeInitializeDpc(&dpc, second, NULL);
}

static void start_counting(struct po_idle *idle)
{
    if (list_empty(&idle->link))
        list_insert_tail(&counters, &idle->link);
    tick_as_needed();
}

static void stop_counting(struct po_idle *idle)
{
    list_remove(&idle->link);
    list_init(&idle->link);
    tick_as_needed();
}

void po_idle_forget(struct po_device *record)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&po_lock);
    stop_counting(&record->idle);
    KeReleaseSpinLock(&po_lock, irql);
}

void po_idle_state_changed(struct po_device *record, DEVICE_POWER_STATE state)
{
    record->idle.count = 0;
}

static bool has_standard_times(const DEVICE_OBJECT *device)
{
    return device->DeviceType == FILE_DEVICE_DISK || device->DeviceType == FILE_DEVICE_MASS_STORAGE;
}

/*
 * From now on the device goes to State when it has been idle for so many seconds; 0: not with that power
 * source; -1: as is usual for disks and mass storage. A second call changes the values. Returns the counter;
 * NULL: nothing is detected (both are 0, or -1 for another device, or no memory). IRQL: <= APC_LEVEL.
 */
EXPORT(ntoskrnl, PoRegisterDeviceForIdleDetection, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
PULONG NTAPI PoRegisterDeviceForIdleDetection(PDEVICE_OBJECT DeviceObject, ULONG ConservationIdleTime,
                                              ULONG PerformanceIdleTime, DEVICE_POWER_STATE State)
{
    bool standard = ConservationIdleTime == STANDARD || PerformanceIdleTime == STANDARD;
    if (standard && !has_standard_times(DeviceObject))
        return NULL;
    struct po_device *record = po_device_of(DeviceObject);
    if (!record)
        return NULL;
    struct po_idle *idle = &record->idle;
    bool wanted = ConservationIdleTime || PerformanceIdleTime;
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&po_lock);
    idle->conservation = ConservationIdleTime == STANDARD ? DISK_CONSERVATION : ConservationIdleTime;
    idle->performance = PerformanceIdleTime == STANDARD ? DISK_PERFORMANCE : PerformanceIdleTime;
    idle->state = State;
    idle->count = 0;
    if (wanted)
        start_counting(idle);
    else
        stop_counting(idle);
    KeReleaseSpinLock(&po_lock, irql);
    return wanted ? (PULONG)&idle->count : NULL;
}

static struct po_idle *idle_of(PULONG pointer)
{
    return container_of(pointer, struct po_idle, count);
}

/* The countdown begins anew. IRQL: any. */
EXPORT(ntoskrnl, PoSetDeviceBusyEx, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI PoSetDeviceBusyEx(PULONG IdlePointer)
{
    idle_of(IdlePointer)->count = 0;
}

/* No countdown until as many calls of PoEndDeviceBusy have come. IRQL: any. */
EXPORT(ntoskrnl, PoStartDeviceBusy, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI PoStartDeviceBusy(PULONG IdlePointer)
{
    __atomic_add_fetch(&idle_of(IdlePointer)->busy, 1, __ATOMIC_ACQ_REL);
}

/* IRQL: any. */
EXPORT(ntoskrnl, PoEndDeviceBusy, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI PoEndDeviceBusy(PULONG IdlePointer)
{
    struct po_idle *idle = idle_of(IdlePointer);
    idle->count = 0;
    __atomic_sub_fetch(&idle->busy, 1, __ATOMIC_ACQ_REL);
}
