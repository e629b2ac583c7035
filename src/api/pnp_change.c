/* SPDX-License-Identifier: MIT */
/* Stopping, removing and ejecting devices. A veto is the status; where it is the system's own, the message
 * says why. */
#include "api/pnp.h"

static rgl_status change(rgl_machine *machine, const char *id, NTSTATUS (*fn)(struct pnp_node *node))
{
    rgl_status status = api_pnp_act(machine, id, fn);

    if (status == STATUS_PLUGPLAY_QUERY_VETOED)
        return api_fail(status,
                        "files are open on %s or on a device that would go with it, or the system keeps "
                        "a paging, hibernation or dump file on it",
                        id);
    if (status == STATUS_INVALID_DEVICE_STATE)
        return api_fail(status, "%s is in a state in which that cannot be done", id);
    return status;
}

rgl_status rgl_pnp_stop(rgl_machine *machine, const char *id)
{
    return change(machine, id, pnp_stop_device);
}

rgl_status rgl_pnp_query_remove(rgl_machine *machine, const char *id)
{
    return change(machine, id, pnp_query_remove);
}

rgl_status rgl_pnp_remove(rgl_machine *machine, const char *id)
{
    return change(machine, id, pnp_remove);
}

rgl_status rgl_pnp_surprise_remove(rgl_machine *machine, const char *id)
{
    return change(machine, id, pnp_surprise_remove);
}

rgl_status rgl_pnp_eject(rgl_machine *machine, const char *id)
{
    rgl_status status = change(machine, id, pnp_eject);

    if (status == STATUS_NOT_SUPPORTED)
        return api_fail(status, "%s cannot be ejected", id);
    return status;
}

static NTSTATUS remove_all(void *arg)
{
    pnp_remove_all();
    return STATUS_SUCCESS;
}

rgl_status rgl_pnp_remove_all(rgl_machine *machine)
{
    return api_ok(api_call(remove_all, NULL, KernelMode));
}
