/* SPDX-License-Identifier: MIT */
/*
 * Special files: a device on which the system puts a paging, hibernation or
 * dump file is told, and may refuse; it cannot be stopped or removed as long as
 * such a file is there. The counts of a node are changed on the PnP thread.
 */
#include "pnp/change.h"

bool pnp_has_special_file(const struct pnp_node *node)
{
    for (unsigned type = 0; type < countof(node->usage); type++)
        if (node->usage[type])
            return true;
    return false;
}

struct notice {
    PDEVICE_OBJECT device;
    DEVICE_USAGE_NOTIFICATION_TYPE type;
    bool in_path;
};

/* Drivers that depend on other stacks tell those themselves. */
static NTSTATUS send_notice(const struct notice *notice)
{
    IO_STACK_LOCATION location = {.MajorFunction = IRP_MJ_PNP,
                                  .MinorFunction = IRP_MN_DEVICE_USAGE_NOTIFICATION};
    /* PNP-16: whether it comes or goes. */
    location.Parameters.UsageNotification.InPath = notice->in_path;
    /* PNP-16: what kind of file. */
    location.Parameters.UsageNotification.Type = notice->type;
    return pnp_send(notice->device, &location, NULL);
}

static NTSTATUS notify(void *context)
{
    const struct notice *notice = context;
    struct pnp_node *node = pnp_node_of_stack(notice->device);
    if (!node)
        return STATUS_SUCCESS; /* no stack of PnP's: nobody to tell */
    NTSTATUS status = send_notice(notice);
    if (!notice->in_path) {
        if (node->usage[notice->type] > 0)
            /* PH-28: gone, whatever a driver answers. */
            node->usage[notice->type]--;
        status = STATUS_SUCCESS;
    } else if (NT_SUCCESS(status)) {
        /* PH-28: one more of that type. */
        node->usage[notice->type]++;
    }
    pnp_dereference(node);
    return status;
}

/* Rules: PNP-16, PH-28. */
NTSTATUS pnp_special_file(PDEVICE_OBJECT device, DEVICE_USAGE_NOTIFICATION_TYPE type, bool in_path)
{
    struct notice notice = {device, type, in_path};
    if (type < DeviceUsageTypePaging || type > DeviceUsageTypeDumpFile)
        return STATUS_INVALID_PARAMETER;
    return list_empty(&pnp_root()->children) ? STATUS_SUCCESS : pnp_run(notify, &notice);
}

static NTSTATUS paging_file(PDEVICE_OBJECT device, bool in_path)
{
    return pnp_special_file(device, DeviceUsageTypePaging, in_path);
}

void pnp_usage_init(void)
{
    io_ops.paging_file = paging_file;
}
