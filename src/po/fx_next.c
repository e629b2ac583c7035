/* SPDX-License-Identifier: MIT */
/*
 * What a registered device does next. Each step is one callback: found and
 * marked under the device's lock, called without it; after that, everything is
 * looked at again. One callback of a component runs at a time, and one of the
 * device; a component whose condition somebody waits for in a blocking call
 * belongs to that thread.
 */
#include "po/fx.h"

enum step_kind { NOTHING, ACTIVE, IDLE_CONDITION, IDLE_STATE, POWER_ON, POWER_OFF };
struct step {
    enum step_kind kind;
    ULONG component, state;
};

void fx_changed_locked(struct po_fx *fx)
{
    list_for_each(it, &fx->waiters)
        KeSetEvent(&container_of(it, struct fx_waiter, link)->changed, IO_NO_INCREMENT, FALSE);
}

void fx_wait_begin(struct po_fx *fx, struct fx_waiter *waiter)
{
    KeInitializeEvent(&waiter->changed, SynchronizationEvent, FALSE);
    list_insert_tail(&fx->waiters, &waiter->link);
}

bool fx_wait(struct po_fx *fx, struct fx_waiter *waiter, LARGE_INTEGER *limit, KIRQL irql)
{
    KeReleaseSpinLock(&fx->lock, irql);
    NTSTATUS status = KeWaitForSingleObject(&waiter->changed, Executive, KernelMode, FALSE, limit);
    KeAcquireSpinLockRaiseToDpc(&fx->lock);
    return status != STATUS_TIMEOUT;
}

void fx_wait_end(struct fx_waiter *waiter)
{
    list_remove(&waiter->link);
}

static bool providers_are_active(const struct po_fx *fx, const struct fx_component *c)
{
    for (ULONG i = 0; i < c->providers; i++)
        if (fx->component[c->provider[i]].condition != FX_ACTIVE)
            return false;
    return true;
}

/* PoFx never goes from one low-power state to another directly. */
static enum step_kind change_state(struct fx_component *c, ULONG best, struct step *step)
{
    if (best == c->f_state)
        return NOTHING;
    step->state = c->f_target = c->f_state ? 0 : best;
    c->changing = true;
    return IDLE_STATE;
}

static enum step_kind leave_idle(const struct po_fx *fx, struct fx_component *c, struct step *step)
{
    if (fx->power != FX_REQUIRED || !providers_are_active(fx, c))
        return NOTHING; /* the device's power first */
    if (c->f_state)
        return change_state(c, 0, step);
    /* FX-04, FX-05: from idle to active, in F0. */
    c->condition = FX_ACTIVE;
    return ACTIVE;
}

/* Of those that have gone idle: what they depended on may follow. True: something was released. */
static bool release_providers(struct po_fx *fx)
{
    bool released = false;
    for (ULONG at = 0; at < fx->count; at++) {
        struct fx_component *c = &fx->component[at];
        if (!c->holds_providers || c->references || c->condition != FX_IDLE)
            continue;
        c->holds_providers = false;
        released |= c->providers != 0;
        for (ULONG i = 0; i < c->providers; i++)
            fx_drop_reference(fx, c->provider[i]);
    }
    return released;
}

static enum step_kind next_of(struct po_fx *fx, struct fx_component *c, struct step *step)
{
    if (c->calling || c->changing || (c->owner && c->owner != ke_thread()))
        return NOTHING;
    if (c->condition == FX_ACTIVE && !c->references) {
        /* FX-04: from active to idle. */
        c->condition = FX_GOING_IDLE;
        return IDLE_CONDITION;
    }
    if (c->condition != FX_IDLE)
        return NOTHING;
    if (c->references)
        return leave_idle(fx, c, step);
    bool may_change = fx->power == FX_REQUIRED || c->wake_holds || c->dx_hold;
    return may_change ? change_state(c, fx_best_state(c), step) : NOTHING;
}

static bool is_quiet(const struct po_fx *fx)
{
    for (ULONG i = 0; i < fx->count; i++) {
        const struct fx_component *c = &fx->component[i];
        if (c->references || c->condition != FX_IDLE || c->changing || c->calling)
            return false;
    }
    return fx->started;
}

static bool is_wanted(const struct po_fx *fx)
{
    for (ULONG i = 0; i < fx->count; i++)
        if (fx->component[i].references)
            return true;
    return false;
}

/* The time that a device stays on without need; true: it is over. */
static bool idle_time_is_over(struct po_fx *fx)
{
    if (!fx->idle_timeout || fx->timed_out)
        return true;
    if (!fx->timer_set) {
        LARGE_INTEGER due = {.QuadPart = -(LONGLONG)fx->idle_timeout};
        fx->timer_set = true;
        __atomic_add_fetch(&fx->references, 1, __ATOMIC_ACQ_REL);
        KeSetTimer(&fx->timer, due, &fx->dpc);
    }
    return false;
}

/* The device is needed: a time-out that runs is forgotten. */
static void forget_idle_time(struct po_fx *fx)
{
    fx->timed_out = false;
    if (fx->timer_set && KeCancelTimer(&fx->timer)) {
        fx->timer_set = false;
        __atomic_sub_fetch(&fx->references, 1, __ATOMIC_ACQ_REL); /* the caller has one */
    }
}

static enum step_kind next_of_device(struct po_fx *fx)
{
    bool wanted = is_wanted(fx);
    if (wanted)
        forget_idle_time(fx);
    if (fx->power_calling)
        return NOTHING;
    if (fx->power == FX_NOT_REQUIRED && wanted) {
        /* FX-09: only after it was not required. */
        fx->power = FX_ASKED_ON;
        return POWER_ON;
    }
    bool can = fx->driver.DevicePowerNotRequiredCallback && fx->driver.DevicePowerRequiredCallback;
    if (fx->power == FX_REQUIRED && can && is_quiet(fx) && idle_time_is_over(fx)) {
        /* FX-08: the driver decides what to do about it. */
        fx->power = FX_ASKED_OFF;
        return POWER_OFF;
    }
    return NOTHING;
}

/* The lock is held; what is returned is marked as called. */
static struct step find_step(struct po_fx *fx)
{
    struct step step = {NOTHING};
    while (release_providers(fx))
        ;
    for (ULONG i = 0; i < fx->count && !fx->gone; i++) {
        step.component = i;
        step.kind = next_of(fx, &fx->component[i], &step);
        if (step.kind != NOTHING) {
            fx->component[i].calling = true;
            fx->callbacks++;
            return step;
        }
    }
    step.kind = fx->gone ? NOTHING : next_of_device(fx);
    if (step.kind != NOTHING) {
        fx->power_calling = true;
        fx->callbacks++;
    }
    return step;
}

static const void *routine_of(const struct po_fx *fx, enum step_kind kind)
{
    switch (kind) {
    case ACTIVE:
        return fx->driver.ComponentActiveConditionCallback;
    case IDLE_CONDITION:
        return fx->driver.ComponentIdleConditionCallback;
    case IDLE_STATE:
        return fx->driver.ComponentIdleStateCallback;
    case POWER_ON:
        return fx->driver.DevicePowerRequiredCallback;
    default:
        return fx->driver.DevicePowerNotRequiredCallback;
    }
}

static void call(struct po_fx *fx, const struct step *step)
{
    PVOID context = fx->driver.DeviceContext;
    switch (step->kind) {
    case ACTIVE:
        /* SR-36, FX-04, FX-06: it is active, whoever wanted that. */
        fx->driver.ComponentActiveConditionCallback(context, step->component);
        break;
    case IDLE_CONDITION:
        /* SR-36, FX-04: it is to be idle. */
        fx->driver.ComponentIdleConditionCallback(context, step->component);
        break;
    case IDLE_STATE:
        /* SR-36: it changes its F-state. */
        fx->driver.ComponentIdleStateCallback(context, step->component, step->state);
        break;
    case POWER_ON:
        /* SR-36, FX-09: answered by PoFxReportDevicePoweredOn. */
        fx->driver.DevicePowerRequiredCallback(context);
        break;
    default:
        /* SR-36, FX-08: answered by PoFxCompleteDevicePowerNotRequired. */
        fx->driver.DevicePowerNotRequiredCallback(context);
        break;
    }
}

/* A driver that has no such callback agrees at once. */
static void agree(struct po_fx *fx, const struct step *step)
{
    struct fx_component *c = &fx->component[step->component];
    if (step->kind == IDLE_CONDITION)
        c->condition = FX_IDLE;
    if (step->kind == IDLE_STATE) {
        c->changing = false;
        c->f_state = c->f_target;
    }
}

static void take_step(struct po_fx *fx, const struct step *step, KIRQL irql)
{
    const void *routine = routine_of(fx, step->kind);
    if (!routine) {
        agree(fx, step);
        return;
    }
    KeReleaseSpinLock(&fx->lock, irql);
    uint64_t cookie = ke_callout_enter("PoFx", routine);
    call(fx, step);
    ke_callout_leave("PoFx", routine, cookie);
    KeAcquireSpinLockRaiseToDpc(&fx->lock);
}

static void end_step(struct po_fx *fx, const struct step *step)
{
    if (step->kind == POWER_ON || step->kind == POWER_OFF)
        fx->power_calling = false;
    else
        fx->component[step->component].calling = false;
    fx->callbacks--;
    fx_changed_locked(fx);
}

/* All that can be done; the lock is held before and after. */
static void run_locked(struct po_fx *fx, KIRQL irql)
{
    for (struct step step; (step = find_step(fx)).kind != NOTHING;) {
        take_step(fx, &step, irql);
        end_step(fx, &step);
    }
}

void fx_run(struct po_fx *fx)
{
    __atomic_add_fetch(&fx->references, 1, __ATOMIC_ACQ_REL);
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&fx->lock);
    run_locked(fx, irql);
    KeReleaseSpinLock(&fx->lock, irql);
    fx_dereference(fx);
}

static VOID NTAPI run_on_worker(PVOID Parameter)
{
    struct po_fx *fx = Parameter;
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&fx->lock);
    fx->work_queued = false;
    KeReleaseSpinLock(&fx->lock, irql);
    fx_run(fx);
    fx_dereference(fx);
}

void fx_run_later(struct po_fx *fx)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&fx->lock);
    bool queue = !fx->work_queued && !fx->gone;
    fx->work_queued |= queue;
    if (queue)
        __atomic_add_fetch(&fx->references, 1, __ATOMIC_ACQ_REL);
    KeReleaseSpinLock(&fx->lock, irql);
    if (!queue)
        return;
    fx->work = (WORK_QUEUE_ITEM){.WorkerRoutine = run_on_worker, .Parameter = fx};
    ExQueueWorkItem(&fx->work, CriticalWorkQueue);
}

static bool is_there(const struct po_fx *fx, const struct fx_component *c, enum fx_condition condition)
{
    /* Somebody else may have asked for the opposite meanwhile. */
    bool wanted = condition == FX_ACTIVE ? c->references != 0 : c->references == 0;
    return fx->gone || !wanted || (c->condition == condition && !c->calling);
}

void fx_run_until(struct po_fx *fx, ULONG component, enum fx_condition condition)
{
    struct fx_component *c = &fx->component[component];
    struct fx_waiter waiter;
    __atomic_add_fetch(&fx->references, 1, __ATOMIC_ACQ_REL);
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&fx->lock);
    const struct ke_thread *former = c->owner;
    c->owner = ke_thread();
    fx_wait_begin(fx, &waiter);
    for (;;) {
        /* FX-07: the callbacks of a blocking call come in its own thread. */
        run_locked(fx, irql);
        if (is_there(fx, c, condition))
            break;
        fx_wait(fx, &waiter, NULL, irql);
    }
    fx_wait_end(&waiter);
    c->owner = former;
    fx_changed_locked(fx);
    KeReleaseSpinLock(&fx->lock, irql);
    fx_run(fx); /* what was left to this thread */
    fx_dereference(fx);
}
