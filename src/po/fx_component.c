/* SPDX-License-Identifier: MIT */
/*
 * Components: the count of activations, what drivers complete, and the hints
 * from which the F-state of an idle component is chosen.
 */
#include "po/fx.h"

void fx_add_reference(struct po_fx *fx, ULONG at)
{
    struct fx_component *c = &fx->component[at];
    c->references++;
    if (c->holds_providers)
        return;
    c->holds_providers = true;
    /* What it depends on is active first. */
    for (ULONG i = 0; i < c->providers; i++)
        fx_add_reference(fx, c->provider[i]);
}

void fx_drop_reference(struct po_fx *fx, ULONG at)
{
    struct fx_component *c = &fx->component[at];
    if (c->references == 0)
        fx_fatal(0x608, c, 0, 0, "PoFxIdleComponent was called for a component that nobody had activated");
    c->references--;
}

ULONG fx_best_state(const struct fx_component *c)
{
    if (c->wake_holds || c->dx_hold)
        return 0;
    for (ULONG s = c->states; --s > 0;) {
        const PO_FX_COMPONENT_IDLE_STATE *state = &c->state[s];
        bool unknown = state->TransitionLatency == PO_FX_UNKNOWN_TIME ||
                       state->ResidencyRequirement == PO_FX_UNKNOWN_TIME;
        bool wakes = !c->wake || s <= c->deepest_wakeable;
        if (!unknown && wakes && state->TransitionLatency <= c->latency &&
            state->ResidencyRequirement <= c->residency)
            return s;
    }
    return 0;
}

static void check_flags(const struct po_fx *fx, ULONG component, ULONG flags)
{
    fx_check_component(fx, component);
    if (flags & PO_FX_FLAG_BLOCKING && ke_irql() >= DISPATCH_LEVEL)
        fx_fatal(0x614, fx, component, 0, "PO_FX_FLAG_BLOCKING was used at DISPATCH_LEVEL");
    if (flags & PO_FX_FLAG_BLOCKING && flags & PO_FX_FLAG_ASYNC_ONLY)
        fx_fatal(0x614, fx, component, 1, "PO_FX_FLAG_BLOCKING and PO_FX_FLAG_ASYNC_ONLY were used together");
}

/* The count has changed by one; the condition follows where the flags want it. */
static void follow(struct po_fx *fx, ULONG component, ULONG flags, enum fx_condition condition)
{
    if (flags & PO_FX_FLAG_BLOCKING)
        /* FX-07: here, before the call returns, */
        fx_run_until(fx, component, condition);
    else if (flags & PO_FX_FLAG_ASYNC_ONLY)
        /* FX-07: in another thread, */
        fx_run_later(fx);
    else
        /* FX-07: or as it comes. */
        fx_run(fx);
}

/*
 * One activation more; the first one makes the component active (ComponentActiveConditionCallback).
 * IRQL: <= DISPATCH_LEVEL, below it with PO_FX_FLAG_BLOCKING. Rules: FX-04, FX-05, FX-07.
 */
EXPORT(ntoskrnl, PoFxActivateComponent, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
VOID NTAPI PoFxActivateComponent(POHANDLE Handle, ULONG Component, ULONG Flags)
{
    struct po_fx *fx = fx_of(Handle);
    check_flags(fx, Component, Flags);
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&fx->lock);
    /* FX-04: the first one counts. */
    fx_add_reference(fx, Component);
    bool active = fx->component[Component].condition == FX_ACTIVE;
    KeReleaseSpinLock(&fx->lock, irql);
    if (!active)
        follow(fx, Component, Flags, FX_ACTIVE);
}

/*
 * One activation less; the last one makes the component idle (ComponentIdleConditionCallback). Bug check
 * 0xA0/608 when there was none. IRQL as above. Rules: FX-04, FX-07.
 */
EXPORT(ntoskrnl, PoFxIdleComponent, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
VOID NTAPI PoFxIdleComponent(POHANDLE Handle, ULONG Component, ULONG Flags)
{
    struct po_fx *fx = fx_of(Handle);
    check_flags(fx, Component, Flags);
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&fx->lock);
    /* FX-04: the last one counts. */
    fx_drop_reference(fx, Component);
    bool used = fx->component[Component].references != 0;
    KeReleaseSpinLock(&fx->lock, irql);
    if (!used)
        follow(fx, Component, Flags, FX_IDLE);
}

/*
 * The answer to ComponentIdleConditionCallback, in it or later. Bug check 0xA0/613 when nobody asked.
 * IRQL: <= DISPATCH_LEVEL.
 */
EXPORT(ntoskrnl, PoFxCompleteIdleCondition, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
VOID NTAPI PoFxCompleteIdleCondition(POHANDLE Handle, ULONG Component)
{
    struct po_fx *fx = fx_of(Handle);
    fx_check_component(fx, Component);
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&fx->lock);
    struct fx_component *c = &fx->component[Component];
    if (c->condition != FX_GOING_IDLE)
        fx_fatal(0x613, fx, Component, 2,
                 "PoFxCompleteIdleCondition was called without ComponentIdleConditionCallback");
    /* FX-05: from now on it may leave F0. */
    c->condition = FX_IDLE;
    fx_changed_locked(fx);
    KeReleaseSpinLock(&fx->lock, irql);
    fx_run(fx);
}

/* The answer to ComponentIdleStateCallback, in it or later. IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, PoFxCompleteIdleState, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
VOID NTAPI PoFxCompleteIdleState(POHANDLE Handle, ULONG Component)
{
    struct po_fx *fx = fx_of(Handle);
    fx_check_component(fx, Component);
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&fx->lock);
    struct fx_component *c = &fx->component[Component];
    if (!c->changing)
        fx_fatal(0x613, fx, Component, 3,
                 "PoFxCompleteIdleState was called without ComponentIdleStateCallback");
    c->changing = false;
    c->f_state = c->f_target;
    fx_changed_locked(fx);
    KeReleaseSpinLock(&fx->lock, irql);
    fx_run(fx);
    po_start_waiting(); /* a power IRP may want it there */
}

/* How long a return to the active condition may take, in 100 ns. IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, PoFxSetComponentLatency, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
VOID NTAPI PoFxSetComponentLatency(POHANDLE Handle, ULONG Component, ULONGLONG Latency)
{
    struct po_fx *fx = fx_of(Handle);
    fx_check_component(fx, Component);
    fx->component[Component].latency = Latency;
    fx_run(fx);
}

/* How long it is likely to stay idle, in 100 ns. IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, PoFxSetComponentResidency, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
VOID NTAPI PoFxSetComponentResidency(POHANDLE Handle, ULONG Component, ULONGLONG Residency)
{
    struct po_fx *fx = fx_of(Handle);
    fx_check_component(fx, Component);
    fx->component[Component].residency = Residency;
    fx_run(fx);
}

/* Whether the driver arms it to wake when it is idle. IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, PoFxSetComponentWake, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
VOID NTAPI PoFxSetComponentWake(POHANDLE Handle, ULONG Component, BOOLEAN WakeHint)
{
    struct po_fx *fx = fx_of(Handle);
    fx_check_component(fx, Component);
    fx->component[Component].wake = WakeHint;
    fx_run(fx);
}
