/* SPDX-License-Identifier: MIT */
/*
 * What the power manager itself does with registered devices: activations
 * before system power IRPs and removal, F0 for components that want to be
 * there during Dx and WAIT_WAKE IRPs, directed transitions.
 */
#include "po/fx.h"

static void hold_f0(struct po_fx *fx, bool wake)
{
    for (ULONG i = 0; i < fx->count; i++) {
        struct fx_component *c = &fx->component[i];
        if (!(c->flags & PO_FX_COMPONENT_FLAG_F0_ON_DX))
            continue;
        if (wake)
            c->wake_holds++;
        else
            c->dx_hold = true;
    }
    if (!wake) {
        fx->dx_irps++;
        fx->reported = false;
    }
}

static void release_dx_locked(struct po_fx *fx)
{
    for (ULONG i = 0; i < fx->count && !fx->dx_irps && fx->reported; i++)
        fx->component[i].dx_hold = false;
}

void fx_reported_locked(struct po_fx *fx)
{
    fx->reported = true;
    release_dx_locked(fx);
}

static bool is_dx(const struct po_request *request)
{
    return request->minor == IRP_MN_SET_POWER && request->type == DevicePowerState &&
           request->state.DeviceState > PowerDeviceD0;
}

static bool is_system_set(const struct po_request *request)
{
    return request->minor == IRP_MN_SET_POWER && request->type == SystemPowerState;
}

/* All of them, by the power manager's own activation. PASSIVE_LEVEL. */
static void activate_all(struct po_fx *fx)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&fx->lock);
    for (ULONG i = 0; i < fx->count; i++)
        fx_add_reference(fx, i);
    KeReleaseSpinLock(&fx->lock, irql);
    for (ULONG i = 0; i < fx->count; i++)
        /* FX-06: the driver is told as for its own. */
        fx_run_until(fx, i, FX_ACTIVE);
}

static void drop_all(struct po_fx *fx)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&fx->lock);
    for (ULONG i = 0; i < fx->count; i++)
        fx_drop_reference(fx, i);
    KeReleaseSpinLock(&fx->lock, irql);
    fx_run(fx);
}

void po_fx_power_irp_begins(struct po_request *request)
{
    struct po_fx *fx = request->fx = fx_of_stack(request->base);
    if (!fx)
        return;
    bool down = request->state.SystemState != PowerSystemWorking;
    if (is_system_set(request) && down) {
        activate_all(fx);
        request->fx_active = true;
    }
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&fx->lock);
    if (is_system_set(request) && !down)
        /* FX-09: it will report that it is on again. */
        fx->may_report = true;
    if (request->minor == IRP_MN_WAIT_WAKE || is_dx(request))
        hold_f0(fx, request->minor == IRP_MN_WAIT_WAKE);
    KeReleaseSpinLock(&fx->lock, irql);
    fx_run(fx);
}

bool po_fx_ready(const struct po_request *request)
{
    struct po_fx *fx = request->fx;
    bool ready = true;
    if (!fx || !(request->minor == IRP_MN_WAIT_WAKE || is_dx(request)))
        return true;
    KeAcquireSpinLockAtDpcLevel(&fx->lock);
    for (ULONG i = 0; i < fx->count; i++) {
        const struct fx_component *c = &fx->component[i];
        ready &= !(c->flags & PO_FX_COMPONENT_FLAG_F0_ON_DX) || (c->f_state == 0 && !c->changing);
    }
    ready |= fx->gone;
    KeReleaseSpinLockFromDpcLevel(&fx->lock);
    return ready;
}

void po_fx_power_irp_ended(struct po_request *request)
{
    struct po_fx *fx = request->fx;
    if (!fx)
        return;
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&fx->lock);
    for (ULONG i = 0; i < fx->count && request->minor == IRP_MN_WAIT_WAKE; i++)
        if (fx->component[i].wake_holds)
            fx->component[i].wake_holds--;
    if (is_dx(request)) {
        fx->dx_irps--;
        release_dx_locked(fx);
    }
    KeReleaseSpinLock(&fx->lock, irql);
    if (request->fx_active)
        drop_all(fx);
    else
        fx_run(fx);
    fx_dereference(fx);
    request->fx = NULL;
}

void po_fx_before_remove(struct pnp_node *node)
{
    struct po_fx *fx = node->pdo ? fx_of_stack(node->pdo) : NULL;
    if (!fx)
        return;
    /* FX-06: REMOVE_DEVICE finds it on. */
    activate_all(fx);
    fx_dereference(fx);
}

void po_fx_removed(struct pnp_node *node)
{
    struct po_fx *fx = node->pdo ? fx_of_stack(node->pdo) : NULL;
    if (!fx)
        return;
    struct fx_waiter waiter;
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&fx->lock);
    fx_wait_begin(fx, &waiter);
    while (!fx->gone)
        /* FX-10: the stack goes when the driver has unregistered. */
        fx_wait(fx, &waiter, NULL, irql);
    fx_wait_end(&waiter);
    KeReleaseSpinLock(&fx->lock, irql);
    fx_dereference(fx);
}

static DEVICE_POWER_STATE state_of_stack(const struct po_fx *fx)
{
    const struct po_device *record = io_device_power(fx->pdo);
    return record ? record->reported : PowerDeviceUnspecified;
}

_Noreturn static void directed_failed(const struct po_fx *fx, bool down)
{
    /* PW-27: it said that it was done. */
    ke_bugcheck(&(struct ke_bugcheck_info){
        .code = DRIVER_POWER_STATE_FAILURE,
        .p = {6, (ULONG_PTR)fx, down},
        .sentence = "a device completed a directed power transition without being in the state it was for",
        .device = fx->pdo,
    });
}

/* The answer to DirectedPowerDownCallback. IRQL: <= DISPATCH_LEVEL. Rules: PW-27. */
EXPORT(ntoskrnl, PoFxCompleteDirectedPowerDown, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
VOID NTAPI PoFxCompleteDirectedPowerDown(POHANDLE Handle)
{
    struct po_fx *fx = fx_of(Handle);
    if (!fx->directed_down || state_of_stack(fx) == PowerDeviceD0)
        directed_failed(fx, true);
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&fx->lock);
    fx->directed_down = false;
    fx_changed_locked(fx);
    KeReleaseSpinLock(&fx->lock, irql);
}

static void call_directed(struct po_fx *fx, bool down)
{
    PPO_FX_DIRECTED_POWER_DOWN_CALLBACK routine =
        down ? fx->driver.DirectedPowerDownCallback : fx->driver.DirectedPowerUpCallback;
    uint64_t cookie = ke_callout_enter("PoFx", routine);
    /* SR-36: a directed transition. */
    routine(fx->driver.DeviceContext, 0);
    ke_callout_leave("PoFx", routine, cookie);
}

_Noreturn static void directed_late(const struct po_fx *fx)
{
    /* PW-27: not within the time. */
    ke_bugcheck(&(struct ke_bugcheck_info){
        .code = DRIVER_POWER_STATE_FAILURE,
        .p = {5, (ULONG_PTR)fx->pdo, (ULONG_PTR)fx},
        .sentence = "a device did not complete a directed power transition in time",
        .device = fx->pdo,
    });
}

static void wait_directed(struct po_fx *fx, const bool *pending)
{
    LARGE_INTEGER limit = {.QuadPart = (LONGLONG)(KeQueryInterruptTime() + PO_WATCH_SECONDS * PO_SECOND)};
    struct fx_waiter waiter;
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&fx->lock);
    fx_wait_begin(fx, &waiter);
    while (*pending) {
        LONGLONG left = limit.QuadPart - (LONGLONG)KeQueryInterruptTime();
        LARGE_INTEGER rest = {.QuadPart = left > 0 ? -left : -1};
        if (!fx_wait(fx, &waiter, &rest, irql) && *pending)
            directed_late(fx);
    }
    fx_wait_end(&waiter);
    KeReleaseSpinLock(&fx->lock, irql);
}

static NTSTATUS directed(struct po_fx *fx, bool down)
{
    bool *pending = down ? &fx->directed_down : &fx->directed_up;
    if (!(down ? fx->driver.DirectedPowerDownCallback : fx->driver.DirectedPowerUpCallback))
        return STATUS_NOT_SUPPORTED;
    __atomic_store_n(pending, true, __ATOMIC_RELEASE);
    call_directed(fx, down);
    wait_directed(fx, pending);
    if (!down && state_of_stack(fx) != PowerDeviceD0)
        directed_failed(fx, false);
    return STATUS_SUCCESS;
}

NTSTATUS po_fx_directed(struct pnp_node *node, bool down)
{
    struct po_fx *fx = node->pdo ? fx_of_stack(node->pdo) : NULL;
    if (!fx)
        return STATUS_INVALID_DEVICE_REQUEST;
    NTSTATUS status = directed(fx, down);
    fx_dereference(fx);
    return status;
}
