/* SPDX-License-Identifier: MIT */
/*
 * Registration with the power management framework: the driver's description
 * is copied whole; what hangs on a device lives until its last user is gone.
 */
#include "po/fx.h"

static KSPIN_LOCK registry_lock; /* po_device.fx */

void po_fx_reset(void)
{
    registry_lock = 0;
}

_Noreturn void fx_fatal(ULONG code, const void *p2, ULONG64 p3, ULONG64 p4, const char *sentence)
{
    struct ke_bugcheck_info info = {
        .code = INTERNAL_POWER_ERROR, .p = {code, (ULONG_PTR)p2, p3, p4}, .sentence = sentence};
    ke_bugcheck(&info);
}

void fx_check_component(const struct po_fx *fx, ULONG component)
{
    if (component >= fx->count)
        fx_fatal(0x614, fx, component, 2,
                 "a PoFx routine was called with a component that the device has not");
}

static void free_fx(struct po_fx *fx)
{
    for (ULONG i = 0; i < fx->count; i++) {
        mm_free(fx->component[i].state);
        mm_free(fx->component[i].provider);
    }
    ob_dereference(fx->pdo);
    mm_free(fx);
}

void fx_dereference(struct po_fx *fx)
{
    if (__atomic_sub_fetch(&fx->references, 1, __ATOMIC_ACQ_REL) == 0)
        free_fx(fx);
}

struct po_fx *fx_of_stack(PDEVICE_OBJECT base)
{
    struct po_device *record = io_device_power(base);
    if (!record)
        return NULL;
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&registry_lock);
    struct po_fx *fx = record->fx;
    if (fx)
        __atomic_add_fetch(&fx->references, 1, __ATOMIC_ACQ_REL);
    KeReleaseSpinLock(&registry_lock, irql);
    return fx;
}

/* The three versions as one: a V3 header, and components of V2. */
struct shape {
    PO_FX_DEVICE_V3 head;
    const PO_FX_COMPONENT_V1 *v1;
    const PO_FX_COMPONENT_V2 *v2;
};

static void take_callbacks(PO_FX_DEVICE_V3 *to, const PPO_FX_COMPONENT_ACTIVE_CONDITION_CALLBACK *first)
{
    __builtin_memcpy(&to->ComponentActiveConditionCallback, first, 6 * sizeof(void *));
}

static bool read_shape(const PO_FX_DEVICE_V1 *device, struct shape *shape)
{
    const PO_FX_DEVICE_V2 *v2 = (const PO_FX_DEVICE_V2 *)device;
    const PO_FX_DEVICE_V3 *v3 = (const PO_FX_DEVICE_V3 *)device;
    *shape = (struct shape){0};
    switch (device->Version) {
    case PO_FX_VERSION_V1:
        take_callbacks(&shape->head, &device->ComponentActiveConditionCallback);
        shape->head.DeviceContext = device->DeviceContext;
        shape->head.ComponentCount = device->ComponentCount;
        shape->v1 = device->Components;
        break;
    case PO_FX_VERSION_V2:
        take_callbacks(&shape->head, &v2->ComponentActiveConditionCallback);
        shape->head.DeviceContext = v2->DeviceContext;
        shape->head.ComponentCount = v2->ComponentCount;
        shape->v2 = v2->Components;
        break;
    case PO_FX_VERSION_V3:
        __builtin_memcpy(&shape->head, v3, offsetof(PO_FX_DEVICE_V3, Components));
        shape->v2 = v3->Components;
        break;
    default:
        return false;
    }
    shape->head.Version = device->Version;
    return true;
}

static PO_FX_COMPONENT_V2 component_at(const struct shape *shape, ULONG at)
{
    if (shape->v2)
        return shape->v2[at];
    const PO_FX_COMPONENT_V1 *v1 = &shape->v1[at];
    return (PO_FX_COMPONENT_V2){.Id = v1->Id,
                                .DeepestWakeableIdleState = v1->DeepestWakeableIdleState,
                                .IdleStateCount = v1->IdleStateCount,
                                .IdleStates = v1->IdleStates};
}

static bool states_are_valid(const PO_FX_COMPONENT_V2 *c)
{
    if (!c->IdleStateCount || !c->IdleStates || c->DeepestWakeableIdleState >= c->IdleStateCount)
        return false;
    return c->IdleStates[0].TransitionLatency == 0 && c->IdleStates[0].ResidencyRequirement == 0;
}

static bool callbacks_are_valid(const struct shape *shape, const PO_FX_COMPONENT_V2 *c)
{
    const PO_FX_DEVICE_V3 *d = &shape->head;
    return c->IdleStateCount == 1 || (d->ComponentActiveConditionCallback &&
                                      d->ComponentIdleConditionCallback && d->ComponentIdleStateCallback);
}

/* No repeated provider, no way back to the component, no way longer than four. */
static bool providers_are_valid(const struct shape *shape, ULONG at, unsigned depth)
{
    PO_FX_COMPONENT_V2 c = component_at(shape, at);
    if (depth > 4)
        return false;
    for (ULONG i = 0; i < c.ProviderCount; i++) {
        if (!c.Providers || c.Providers[i] >= shape->head.ComponentCount)
            return false;
        for (ULONG k = 0; k < i; k++)
            if (c.Providers[k] == c.Providers[i])
                return false;
        if (!providers_are_valid(shape, c.Providers[i], depth + 1))
            return false;
    }
    return true;
}

static bool is_valid(const struct shape *shape)
{
    for (ULONG i = 0; i < shape->head.ComponentCount; i++) {
        PO_FX_COMPONENT_V2 c = component_at(shape, i);
        if (!states_are_valid(&c) || !callbacks_are_valid(shape, &c) || !providers_are_valid(shape, i, 0))
            return false;
    }
    return shape->head.ComponentCount != 0;
}

static void *copy(const void *from, size_t bytes)
{
    void *to = bytes ? mm_alloc(bytes, PO_TAG) : NULL;
    if (to)
        __builtin_memcpy(to, from, bytes);
    return to;
}

static bool copy_component(struct fx_component *to, const PO_FX_COMPONENT_V2 *from)
{
    to->flags = from->Flags;
    to->states = from->IdleStateCount;
    to->deepest_wakeable = from->DeepestWakeableIdleState;
    to->providers = from->ProviderCount;
    to->state = copy(from->IdleStates, from->IdleStateCount * sizeof(*to->state));
    to->provider = copy(from->Providers, from->ProviderCount * sizeof(*to->provider));
    to->latency = to->residency = PO_FX_UNKNOWN_TIME;
    /* FX-01, FX-02: fully on and active, until power management starts. */
    to->references = 1;
    to->condition = FX_ACTIVE;
    return to->state && (to->provider || !to->providers);
}

static VOID NTAPI idle_time_over(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1,
                                 PVOID SystemArgument2)
{
    struct po_fx *fx = DeferredContext;
    KeAcquireSpinLockAtDpcLevel(&fx->lock);
    bool mine = fx->timer_set;
    fx->timer_set = false;
    fx->timed_out = true;
    KeReleaseSpinLockFromDpcLevel(&fx->lock);
    if (!mine)
        return; /* whoever cancelled it in vain has given its reference back */
    fx_run(fx);
    fx_dereference(fx);
}

static struct po_fx *make(PDEVICE_OBJECT pdo, const struct shape *shape)
{
    ULONG count = shape->head.ComponentCount;
    struct po_fx *fx = mm_alloc(sizeof(*fx) + count * sizeof(fx->component[0]), PO_TAG);
    if (!fx)
        return NULL;
    ob_reference(pdo);
    fx->pdo = pdo;
    fx->references = 1;
    fx->version = shape->head.Version;
    fx->count = count;
    fx->driver = shape->head;
    list_init(&fx->waiters);
    KeInitializeTimerEx(&fx->timer, NotificationTimer);
    KeInitializeDpc(&fx->dpc, idle_time_over, fx);
    bool whole = true;
    for (ULONG i = 0; i < count; i++) {
        PO_FX_COMPONENT_V2 c = component_at(shape, i);
        whole &= copy_component(&fx->component[i], &c);
    }
    for (ULONG i = 0; whole && i < count; i++) {
        fx->component[i].holds_providers = true;
        for (ULONG k = 0; k < fx->component[i].providers; k++)
            fx->component[fx->component[i].provider[k]].references++;
    }
    if (whole)
        return fx;
    free_fx(fx);
    return NULL;
}

static bool publish(struct po_device *record, struct po_fx *fx)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&registry_lock);
    bool first = !record->fx;
    if (first)
        record->fx = fx;
    KeReleaseSpinLock(&registry_lock, irql);
    return first;
}

/* A device that PnP has not started yet; one of no PnP device is its driver's affair. */
static bool is_ready(PDEVICE_OBJECT pdo)
{
    const struct pnp_node *node = pnp_node_of(pdo);
    return !node || node->state == PNP_ASSIGNED || node->state == PNP_STARTED || node->state == PNP_STOPPED ||
           node->started_once;
}

/*
 * The PDO's device, in D0, with all of its components in F0 and active. Bug check 0xA0/600 for the second
 * registration of a device. Owns: *Handle is the driver's until PoFxUnregisterDevice. IRQL: PASSIVE_LEVEL.
 * Rules: FX-01, FX-02, SR-36.
 */
EXPORT(ntoskrnl, PoFxRegisterDevice, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI PoFxRegisterDevice(PDEVICE_OBJECT Pdo, PPO_FX_DEVICE_V1 Device, POHANDLE *Handle)
{
    struct shape shape;
    if (!Pdo || !read_shape(Device, &shape) || !is_valid(&shape))
        return STATUS_INVALID_PARAMETER;
    if (!is_ready(Pdo))
        /* FX-01: it has not been told to start. */
        return STATUS_DEVICE_NOT_READY;
    struct po_device *record = po_device_of(Pdo);
    struct po_fx *fx = record ? make(Pdo, &shape) : NULL;
    if (!fx)
        return STATUS_INSUFFICIENT_RESOURCES;
    *Handle = (POHANDLE)fx;
    if (!publish(record, fx))
        /* FX-01: only once. */
        fx_fatal(0x600, Pdo, 0, 0, "a device was registered with the power framework that is registered");
    return STATUS_SUCCESS;
}

static void withdraw(struct po_fx *fx)
{
    struct po_device *record = io_device_power(fx->pdo);
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&registry_lock);
    if (record && record->fx == fx)
        record->fx = NULL;
    KeReleaseSpinLock(&registry_lock, irql);
}

/*
 * No callback runs or comes when it returns. In REMOVE_DEVICE or SURPRISE_REMOVAL: the PnP manager waits for
 * it before it goes on. IRQL: PASSIVE_LEVEL. Rules: FX-10.
 */
EXPORT(ntoskrnl, PoFxUnregisterDevice, PASSIVE_LEVEL, PASSIVE_LEVEL, X_BLOCKS)
VOID NTAPI PoFxUnregisterDevice(POHANDLE Handle)
{
    struct po_fx *fx = fx_of(Handle);
    struct fx_waiter waiter;
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&fx->lock);
    /* FX-10: no further callback, */
    fx->gone = true;
    bool cancelled = fx->timer_set && KeCancelTimer(&fx->timer);
    fx->timer_set = fx->timer_set && !cancelled;
    fx_wait_begin(fx, &waiter);
    while (fx->callbacks)
        /* FX-10: and those that run are waited for. */
        fx_wait(fx, &waiter, NULL, irql);
    fx_wait_end(&waiter);
    fx_changed_locked(fx);
    KeReleaseSpinLock(&fx->lock, irql);
    /* FX-10: the stack may be removed now. */
    withdraw(fx);
    if (cancelled)
        fx_dereference(fx);
    fx_dereference(fx);
}
