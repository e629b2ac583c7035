/* SPDX-License-Identifier: MIT */
/*
 * Power IRPs: made for a whole stack, sent to its top when their turn comes,
 * freed when the last completion routine has run. A request whose turn it is
 * not waits in po_requests, in the order of asking; whoever completes one
 * looks for the next. Lock: po_lock.
 */
#include "po/private.h"
#include "po/fx.h"

LIST_ENTRY po_requests;
static struct po_request *inrush; /* PW-04: the one in the whole system; po_lock */

/* Threads that now send what waits: a completion inside of that leaves the rest to its caller. po_lock. */
struct starter {
    struct starter *next;
    const struct ke_thread *thread;
};
static struct starter *starters;

void po_requests_reset(void)
{
    list_init(&po_requests);
    inrush = NULL;
    starters = NULL;
}

static NTSTATUS NTAPI completed(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context);

static void fill_location(const struct po_request *request)
{
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(request->irp);
    /* MJ-16: the major code of every power IRP. */
    next->MajorFunction = IRP_MJ_POWER;
    /* PWR-00, PWR-02, PWR-03: what is asked. */
    next->MinorFunction = request->minor;
    if (request->minor == IRP_MN_WAIT_WAKE) {
        /* PWR-00, PW-25: the lowest system state to wake from. */
        next->Parameters.WaitWake.PowerState = request->state.SystemState;
        return;
    }
    /* PW-02: which of the two kinds of states. */
    next->Parameters.Power.Type = request->type;
    /* PW-01, PW-02: and the state itself. */
    next->Parameters.Power.State = request->state;
    /* PW-02, PW-23: why. */
    next->Parameters.Power.ShutdownType = request->action;
    /* PW-02, PW-31: from where to where. */
    next->Parameters.Power.SystemPowerStateContext = request->system_context;
}

static void call_driver(struct po_request *request)
{
    fill_location(request);
    IoSetCompletionRoutine(request->irp, completed, request, TRUE, TRUE, TRUE);
    /* PW-06, PW-07, IRP-47: what the dispatch routine returns says nothing; the way back counts. */
    IofCallDriver(request->top, request->irp);
}

static VOID NTAPI call_driver_at_passive(PVOID Parameter)
{
    call_driver(Parameter);
}

/* Its turn has come: claimed, and no lock held. IRQL: <= DISPATCH_LEVEL. */
static void send(struct po_request *request)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&po_lock);
    request->sent = true;
    if (request->minor != IRP_MN_WAIT_WAKE)
        /* PW-27: from now on. */
        request->deadline = KeQueryInterruptTime() + PO_WATCH_SECONDS * PO_SECOND;
    po_watch_arm_locked();
    KeReleaseSpinLock(&po_lock, irql);
    /* PW-24, DI-05: drivers of a pageable stack are never called above PASSIVE_LEVEL, */
    bool pageable = request->base->Flags & DO_POWER_PAGABLE && !(request->base->Flags & DO_POWER_INRUSH);
    if (pageable && ke_irql() > PASSIVE_LEVEL) {
        request->work = (WORK_QUEUE_ITEM){.WorkerRoutine = call_driver_at_passive, .Parameter = request};
        ExQueueWorkItem(&request->work, CriticalWorkQueue);
        return;
    }
    /* DI-04, PW-24: the others where the sender is. */
    call_driver(request);
}

/* Neither in flight for the stack nor to be overtaken. po_lock. */
static bool is_its_turn(const struct po_request *request)
{
    if (!po_fx_ready(request))
        return false;
    if (request->minor == IRP_MN_WAIT_WAKE)
        return true;
    /* PW-04, PW-14: one system and one device request of each stack at a time, the second for the first; */
    if (request->stack->in_flight[request->type])
        return false;
    list_for_each(it, &po_requests)
    {
        const struct po_request *earlier = container_of(it, struct po_request, link);
        if (earlier == request)
            break;
        if (!earlier->claimed && earlier->stack == request->stack && earlier->type == request->type)
            return false;
    }
    /* PW-04: and one that draws inrush current in the system. */
    return !(request->inrush && inrush);
}

static void claim(struct po_request *request)
{
    request->claimed = true;
    if (request->minor == IRP_MN_WAIT_WAKE)
        return;
    request->stack->in_flight[request->type] = request;
    if (request->inrush)
        inrush = request;
}

/* The first one that may go, claimed; NULL: none. po_lock. */
static struct po_request *claim_next(void)
{
    list_for_each(it, &po_requests)
    {
        struct po_request *request = container_of(it, struct po_request, link);
        if (!request->claimed && is_its_turn(request)) {
            claim(request);
            return request;
        }
    }
    return NULL;
}

static bool starts_already(void)
{
    for (const struct starter *s = starters; s; s = s->next)
        if (s->thread == ke_thread())
            return true;
    return false;
}

static void remove_starter(const struct starter *me)
{
    struct starter **at = &starters;
    while (*at != me)
        at = &(*at)->next;
    *at = me->next;
}

/* Those that waited for what has changed are sent. A loop, so that a long queue takes no deep stack. */
void po_start_waiting(void)
{
    struct starter me = {.thread = ke_thread()};
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&po_lock);
    if (starts_already()) {
        KeReleaseSpinLock(&po_lock, irql);
        return;
    }
    me.next = starters;
    starters = &me;
    for (struct po_request *request; (request = claim_next()) != NULL;) {
        KeReleaseSpinLock(&po_lock, irql);
        /* PW-04: the next of those that waited. */
        send(request);
        irql = KeAcquireSpinLockRaiseToDpc(&po_lock);
    }
    remove_starter(&me);
    KeReleaseSpinLock(&po_lock, irql);
}

static void release_turn(struct po_request *request)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&po_lock);
    list_remove(&request->link);
    if (request->minor != IRP_MN_WAIT_WAKE)
        request->stack->in_flight[request->type] = NULL;
    if (inrush == request)
        inrush = NULL;
    po_watch_arm_locked();
    KeReleaseSpinLock(&po_lock, irql);
}

static void tell(struct po_request *request, PIRP irp)
{
    uint64_t cookie;
    if (request->own_completion)
        request->own_completion(request, irp->IoStatus.Status, request->context);
    if (!request->completion)
        return;
    cookie = ke_callout_enter("power completion", request->completion);
    /* SR-28, PW-13: where the last completion routine ran, with what the asker gave. */
    request->completion(request->device, request->minor, request->state, request->context, &irp->IoStatus);
    ke_callout_leave("power completion", request->completion, cookie);
}

static void destroy(struct po_request *request)
{
    if (request->irp)
        /* PW-13: it was never the asker's. */
        IoFreeIrp(request->irp);
    ob_dereference(request->device);
    ob_dereference(request->top);
    ob_dereference(request->base);
    mm_free(request);
}

/* Above all drivers' routines: the walk ends here. Rules: PW-13, SR-28. */
static NTSTATUS NTAPI completed(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    struct po_request *request = Context;
    /* PW-08: whoever completes it, from wherever, at DISPATCH_LEVEL or below. */
    release_turn(request);
    po_fx_power_irp_ended(request);
    NTSTATUS status = Irp->IoStatus.Status;
    tell(request, Irp);
    if (request->minor == IRP_MN_WAIT_WAKE)
        po_wake_ended(request, status);
    destroy(request);
    /* PW-10, PW-11: no driver has to say that it is ready for the next one. */
    po_start_waiting();
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static bool draws_inrush(const struct po_request *request)
{
    ULONG flags = request->device->Flags | request->top->Flags | request->base->Flags;
    /* PW-04: only going to D0 takes that current. */
    return request->minor == IRP_MN_SET_POWER && request->type == DevicePowerState &&
           request->state.DeviceState == PowerDeviceD0 && flags & DO_POWER_INRUSH;
}

/* The system request that the stack's drivers now work on says why a device goes down. po_lock. */
static void take_action(struct po_request *request)
{
    const struct po_request *system = request->stack->in_flight[SystemPowerState];
    bool down = request->type == DevicePowerState && request->minor != IRP_MN_WAIT_WAKE &&
                request->state.DeviceState > PowerDeviceD0;
    if (down && system)
        /* PW-23: drivers on the hibernation path look at this. */
        request->action = system->action;
}

static struct po_request *make_request(const struct po_wish *wish)
{
    struct po_request *request = mm_alloc(sizeof(*request), PO_TAG);
    if (!request)
        return NULL;
    ob_reference(wish->device);
    request->device = wish->device;
    /* PW-12: to the top of the stack, whoever of it was named. */
    request->top = IoGetAttachedDeviceReference(wish->device);
    request->base = IoGetDeviceAttachmentBaseRef(wish->device);
    request->minor = wish->minor;
    request->type = wish->type;
    request->state = wish->state;
    request->action = wish->action;
    request->system_context = wish->system_context;
    request->completion = wish->completion;
    request->own_completion = wish->own_completion;
    request->context = wish->context;
    request->inrush = draws_inrush(request);
    request->stack = po_device_of(request->base);
    /* IRP-11, PW-03, PW-29: here alone power IRPs are made; on their way nothing is. */
    request->irp = IoAllocateIrp(request->top->StackSize, FALSE);
    if (request->stack && request->irp)
        return request;
    destroy(request);
    return NULL;
}

NTSTATUS po_submit(const struct po_wish *wish, PIRP *irp)
{
    struct po_request *request = make_request(wish);
    if (!request)
        return STATUS_INSUFFICIENT_RESOURCES;
    /* PW-05: what it says if no driver knows it. */
    request->irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    request->irp->RequestorMode = KernelMode;
    if (irp)
        /* PW-12: before it is sent: it may have ended when the call returns. */
        *irp = request->irp;
    po_fx_power_irp_begins(request);
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&po_lock);
    list_insert_tail(&po_requests, &request->link);
    take_action(request);
    bool now = is_its_turn(request);
    if (now)
        claim(request);
    KeReleaseSpinLock(&po_lock, irql);
    if (now)
        send(request);
    return STATUS_PENDING;
}

/*
 * Sends a power IRP to the top of the device's stack, or queues it until those before it have ended (PW-04).
 * STATUS_PENDING: CompletionFunction, if there is one, will be called; else the IRP was not sent and it will
 * not. Irp: of WAIT_WAKE alone, for IoCancelIrp. IRQL: <= DISPATCH_LEVEL, PASSIVE_LEVEL for WAIT_WAKE.
 * Rules: PW-12, PW-13, PWR-00, PWR-02, PWR-03, IRP-11.
 */
EXPORT(ntoskrnl, PoRequestPowerIrp, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
NTSTATUS NTAPI PoRequestPowerIrp(PDEVICE_OBJECT DeviceObject, UCHAR MinorFunction, POWER_STATE PowerState,
                                 PREQUEST_POWER_COMPLETE CompletionFunction, PVOID Context, PIRP *Irp)
{
    struct po_wish wish = {.device = DeviceObject,
                           .minor = MinorFunction,
                           .type = DevicePowerState,
                           .state = PowerState,
                           .completion = CompletionFunction,
                           .context = Context};
    bool wait_wake = MinorFunction == IRP_MN_WAIT_WAKE;
    /* PWR-01, PW-12: a POWER_SEQUENCE is not asked for here. */
    if (!wait_wake && MinorFunction != IRP_MN_SET_POWER && MinorFunction != IRP_MN_QUERY_POWER)
        return STATUS_INVALID_PARAMETER_2;
    /* PW-12: the others may have ended, and be freed, before the call returns. */
    return po_submit(&wish, wait_wake ? Irp : NULL);
}
