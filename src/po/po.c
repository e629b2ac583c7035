/* SPDX-License-Identifier: MIT */
/* Start and end of the power manager; requests for single devices by their nodes; what it hears of devices'
 * lives. */
#include "po/fx.h"

KSPIN_LOCK po_lock;

static void device_freed(PDEVICE_OBJECT device, void *power)
{
    po_idle_forget(power);
    mm_free(power);
}

static const struct io_power_ops power_ops = {.deleting = po_device_deleting, .freed = device_freed};

static struct pnp_observer observer = {.before_remove = po_fx_before_remove, .removed = po_fx_removed};

/* Also what a former machine of this process left. */
NTSTATUS po_init(void)
{
    po_lock = 0;
    po_requests_reset();
    po_watch_reset();
    po_idle_reset();
    po_wake_reset();
    po_busy_reset();
    po_settings_reset();
    po_fx_reset();
    po_system_reset();
    io_power_ops = &power_ops;
    pnp_observe(&observer);
    return STATUS_SUCCESS;
}

void po_fini(void)
{
    io_power_ops = NULL;
}

struct waiting {
    NTSTATUS status;
    KEVENT done;
};

static void ended(struct po_request *request, NTSTATUS status, void *context)
{
    struct waiting *waiting = context;
    /* PW-22: a device that is gone has said so. */
    waiting->status = status;
    KeSetEvent(&waiting->done, IO_NO_INCREMENT, FALSE);
}

NTSTATUS po_set_device_power(struct pnp_node *node, DEVICE_POWER_STATE state)
{
    struct waiting waiting;
    struct po_wish wish = {.device = node->pdo,
                           .minor = IRP_MN_SET_POWER,
                           .type = DevicePowerState,
                           .state.DeviceState = state,
                           .own_completion = ended,
                           .context = &waiting};
    if (!node->pdo || node->state != PNP_STARTED)
        return STATUS_INVALID_DEVICE_STATE;
    if (state < PowerDeviceD0 || state > PowerDeviceD3)
        return STATUS_INVALID_PARAMETER;
    KeInitializeEvent(&waiting.done, NotificationEvent, FALSE);
    NTSTATUS status = po_submit(&wish, NULL);
    if (status != STATUS_PENDING)
        return status;
    KeWaitForSingleObject(&waiting.done, Executive, KernelMode, FALSE, NULL);
    return waiting.status;
}

NTSTATUS po_directed_power(struct pnp_node *node, bool down)
{
    return po_fx_directed(node, down);
}
