/* SPDX-License-Identifier: MIT */
/* The device power states that drivers report, and the records that the power manager keeps beside device
 * objects. A record is made once and freed with its device object. */
#include "po/private.h"

struct po_device *po_device_of(PDEVICE_OBJECT device)
{
    struct po_device *record = io_device_power(device);
    if (record)
        return record;
    record = mm_alloc(sizeof(*record), PO_TAG);
    if (!record)
        return NULL;
    record->device = device;
    record->idle.device = device;
    list_init(&record->idle.link);
    if (io_set_device_power(device, record))
        return record;
    mm_free(record); /* another processor was first */
    return io_device_power(device);
}

static void note_stack_state(PDEVICE_OBJECT device, DEVICE_POWER_STATE state)
{
    PDEVICE_OBJECT base = IoGetDeviceAttachmentBaseRef(device);
    struct po_device *record = po_device_of(base);
    if (record)
        __atomic_store_n(&record->reported, state, __ATOMIC_RELEASE);
    ob_dereference(base);
}

/*
 * A driver says which power state its device object's device is in, and learns which it was.
 * IRQL: <= APC_LEVEL, <= DISPATCH_LEVEL for D0. Rules: PW-19, PW-20.
 */
EXPORT(ntoskrnl, PoSetPowerState, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
POWER_STATE NTAPI PoSetPowerState(PDEVICE_OBJECT DeviceObject, POWER_STATE_TYPE Type, POWER_STATE State)
{
    POWER_STATE former = State;
    if (Type != DevicePowerState)
        return former;
    /* PW-19: the previous one, of this device object. */
    former.DeviceState = (DEVICE_POWER_STATE)io_exchange_power_state(DeviceObject, (UCHAR)State.DeviceState);
    /* PW-20: and what is known of the stack. */
    note_stack_state(DeviceObject, State.DeviceState);
    struct po_device *record = io_device_power(DeviceObject);
    if (record)
        po_idle_state_changed(record, State.DeviceState);
    return former;
}

DEVICE_POWER_STATE po_device_state(const struct pnp_node *node)
{
    const struct po_device *record = node->pdo ? io_device_power(node->pdo) : NULL;
    return record ? __atomic_load_n(&record->reported, __ATOMIC_ACQUIRE) : PowerDeviceUnspecified;
}
