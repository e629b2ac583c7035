/* SPDX-License-Identifier: MIT */
/* IoTimer: one per device object, a call a second at DISPATCH_LEVEL while it is started. */
#include "io/private.h"

#define SECOND_100NS 10000000
#define SECOND_MS    1000

struct _IO_TIMER {
    CSHORT type;
    PDEVICE_OBJECT device;
    PIO_TIMER_ROUTINE routine;
    PVOID context;
    bool started;
    KTIMER timer;
    KDPC dpc;
};

/* Rules: SR-14, DPC-04. */
static VOID NTAPI tick(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
    PIO_TIMER timer = DeferredContext;
    if (!timer->started)
        return; /* stopped while the DPC was queued */
    uint64_t cookie = ke_callout_enter("IoTimer", timer->routine);
    /* SR-14: at DISPATCH_LEVEL. */
    timer->routine(timer->device, timer->context);
    ke_callout_leave("IoTimer", timer->routine, cookie);
}

/* Gives the device a timer, not started. IRQL: PASSIVE_LEVEL. Rules: SR-14, DPC-04, DPC-10. */
EXPORT(ntoskrnl, IoInitializeTimer, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI IoInitializeTimer(PDEVICE_OBJECT DeviceObject, PIO_TIMER_ROUTINE TimerRoutine, PVOID Context)
{
    PIO_TIMER timer = DeviceObject->Timer;
    if (timer) {
        /* DPC-10: once for each device object. */
        io_irp_violation(0x0A, NULL, "IoInitializeTimer was called twice for a device object");
    } else {
        timer = mm_alloc(sizeof(*timer), IO_TAG('I', 'o', 'T', 'm'));
        if (!timer)
            return STATUS_INSUFFICIENT_RESOURCES;
        timer->type = IO_TYPE_TIMER;
        timer->device = DeviceObject;
        KeInitializeTimerEx(&timer->timer, NotificationTimer);
        KeInitializeDpc(&timer->dpc, tick, timer);
    }
    timer->routine = TimerRoutine;
    timer->context = Context;
    /* DPC-04: one for each device object. */
    DeviceObject->Timer = timer;
    return STATUS_SUCCESS;
}

/* IRQL: <= DISPATCH_LEVEL. Rules: DPC-04, DPC-10. */
EXPORT(ntoskrnl, IoStartTimer, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI IoStartTimer(PDEVICE_OBJECT DeviceObject)
{
    PIO_TIMER timer = DeviceObject->Timer;
    LARGE_INTEGER due = {.QuadPart = -SECOND_100NS};
    if (timer->started)
        return;
    timer->started = true;
    /* DPC-04: once a second. */
    KeSetTimerEx(&timer->timer, due, SECOND_MS, &timer->dpc);
}

/* IRQL: <= DISPATCH_LEVEL. Rules: DPC-10. */
EXPORT(ntoskrnl, IoStopTimer, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI IoStopTimer(PDEVICE_OBJECT DeviceObject)
{
    PIO_TIMER timer = DeviceObject->Timer;
    /* DPC-10: until it is started again. */
    timer->started = false;
    KeCancelTimer(&timer->timer);
}

/* The device goes; its timer's memory stays until the device's does. */
void io_timer_remove(PDEVICE_OBJECT device)
{
    PIO_TIMER timer = device->Timer;
    if (!timer)
        return;
    timer->started = false;
    KeCancelTimer(&timer->timer);
    KeRemoveQueueDpc(&timer->dpc);
}
