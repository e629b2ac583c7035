/* SPDX-License-Identifier: MIT */
/*
 * Device objects of PnP stacks: when a driver may detach and delete them, what
 * it must have done with them when IRP_MN_REMOVE_DEVICE is over, and what
 * AddDevice has to take over from the device below.
 */
#include "pnp/pnp.h"
#include "vf/seams.h"
#include "nt/bugcodes.h"

#define C9 DRIVER_VERIFIER_IOMANAGER_VIOLATION

/* The innermost dispatch routine of this thread that has such a request for the device. */
static struct vf_sent *frame_for(const DEVICE_OBJECT *device, UCHAR minor)
{
    for (struct vf_sent *it = ke_sent(ke_thread()); it != NULL; it = it->above)
        if (it->device == device && it->major == IRP_MJ_PNP && it->minor == minor)
            return it;
    return NULL;
}

static bool find(const struct vf_call *call, struct vf_finding *f, ULONG kind, const struct vf_sent *sent,
                 const DEVICE_OBJECT *device, const char *what)
{
    vf_find(f, C9, kind, call->caller, (ULONG64)sent->irp, (ULONG64)device, "%s %s", call->export->name,
            what);
    f->device = device;
    f->irp = sent->left ? NULL : sent->irp;
    return true;
}

bool vf_check_detach(const struct vf_call *call, struct vf_finding *f)
{
    DEVICE_OBJECT lower;
    if (!vf_peek_device((const void *)call->arguments[0], &lower) || lower.AttachedDevice == NULL)
        return false;
    const struct vf_sent *surprise = frame_for(lower.AttachedDevice, IRP_MN_SURPRISE_REMOVAL);
    struct vf_sent *remove = frame_for(lower.AttachedDevice, IRP_MN_REMOVE_DEVICE);
    /* PH-19: IRP_MN_REMOVE_DEVICE is still to come through this stack. */
    if (surprise != NULL)
        return find(call, f, 0x241, surprise, lower.AttachedDevice,
                    "was called in IRP_MN_SURPRISE_REMOVAL: a device is detached in IRP_MN_REMOVE_DEVICE");
    if (remove != NULL)
        remove->detached = true;
    return false;
}

/* Neither it nor a bus above it has been pulled out. */
static bool is_expected(const struct pnp_node *node)
{
    if (!node->present || node->root_enumerated || node->parent == NULL)
        return false;
    if (node->parent->enumerate_again)
        return false; /* the bus has said that it has changed, and is asked soon */
    for (const struct pnp_node *bus = node->parent; bus != NULL; bus = bus->parent)
        if (bus->parent != NULL && (bus->state != PNP_STARTED || !bus->present))
            return false;
    return true;
}

bool vf_check_delete(const struct vf_call *call, struct vf_finding *f)
{
    const DEVICE_OBJECT *device = (const DEVICE_OBJECT *)call->arguments[0];
    DEVICE_OBJECT copy;
    if (!vf_peek_device(device, &copy))
        return false;
    const struct vf_sent *surprise = frame_for(device, IRP_MN_SURPRISE_REMOVAL);
    struct vf_sent *remove = frame_for(device, IRP_MN_REMOVE_DEVICE);
    /* PH-19: IRP_MN_REMOVE_DEVICE is still to come to it. */
    if (surprise != NULL)
        return find(call, f, 0x242, surprise, device,
                    "was called in IRP_MN_SURPRISE_REMOVAL: a device is deleted in IRP_MN_REMOVE_DEVICE");
    if (remove == NULL)
        return false;
    const struct pnp_node *node = pnp_node_of(device);
    /* PH-19: the bus still says that it is there, and it may be started again. */
    if (node != NULL && is_expected(node))
        return find(call, f, 0x221, remove, device,
                    "was called in IRP_MN_REMOVE_DEVICE for a PDO that its bus has not reported missing");
    remove->deleted = true;
    return false;
}

/* ---- the end of IRP_MN_REMOVE_DEVICE ---- */

struct search {
    const DEVICE_OBJECT *device;
    bool found;
};

static void see_device(PDEVICE_OBJECT device, void *context)
{
    struct search *search = context;
    search->found |= device == search->device;
}

static void see_driver(PDRIVER_OBJECT driver, void *context)
{
    io_for_each_device(driver, see_device, context);
}

/* A pointer to what may have been freed long ago. */
static bool is_alive(const DEVICE_OBJECT *device)
{
    struct search search = {.device = device};
    io_for_each_driver(see_driver, &search);
    return search.found && !io_device_deleted(device);
}

static void accuse(const struct vf_sent *sent, ULONG kind, const char *what)
{
    struct vf_finding f;
    char who[VF_DESCRIPTION];
    vf_describe((ULONG64)sent->routine, who, sizeof(who));
    vf_find(&f, C9, kind, (ULONG64)sent->routine, (ULONG64)sent->irp, (ULONG64)sent->device,
            "the dispatch routine %s returned from IRP_MN_REMOVE_DEVICE and had not %s", who, what);
    f.device = sent->device;
    f.blame = (ULONG64)sent->routine;
    vf_accuse(&f);
}

/* Of a device above a PDO; who pends the request may do it later. */
void vf_pnp_returned(const struct vf_sent *sent, NTSTATUS status)
{
    if (sent->minor != IRP_MN_REMOVE_DEVICE || !sent->attached || status == STATUS_PENDING ||
        (sent->detached && sent->deleted) || !is_alive(sent->device))
        return;
    /* PH-19: the stack goes, from above. */
    if (!sent->detached && io_lower_device(sent->device) != NULL)
        accuse(sent, 0x21D, "detached its device from the stack (IoDetachDevice)");
    /* PH-19: and with it its devices. */
    accuse(sent, 0x21E, "deleted its device (IoDeleteDevice)");
}

/* ---- AddDevice ---- */

static void find_added(const DEVICE_OBJECT *device, ULONG kind, const char *what)
{
    struct vf_finding f;
    vf_find(&f, C9, kind, (ULONG64)device->DriverObject->DriverExtension->AddDevice, 0, (ULONG64)device,
            "AddDevice returned and %s", what);
    f.device = device;
    f.blame = (ULONG64)device->DriverObject->DriverExtension->AddDevice;
    vf_accuse(&f);
}

/* Rules: 0xC9/23F, 243..246. filter: it stands above the function driver. */
void vf_device_added(PDEVICE_OBJECT device, PDEVICE_OBJECT below, bool filter)
{
    const ULONG buffering = DO_BUFFERED_IO | DO_DIRECT_IO;
    if (device->Flags & DO_DEVICE_INITIALIZING)
        find_added(device, 0x243, "DO_DEVICE_INITIALIZING is still set in the device's Flags");
    if ((device->Flags & buffering) == buffering)
        find_added(device, 0x245, "both DO_BUFFERED_IO and DO_DIRECT_IO are set in the device's Flags");
    if (!filter)
        return;
    if ((below->Flags & buffering) != 0 && (device->Flags & buffering) != (below->Flags & buffering))
        find_added(device, 0x244, "the filter's device has another kind of buffering than the device below");
    /* Serenum, Microsoft's own, is installed as a filter and has a type of its own. */
    if (vf_checks_all() && device->DeviceType != below->DeviceType)
        find_added(device, 0x246, "the filter's device has another DeviceType than the device below");
    if (below->Flags & DO_POWER_PAGABLE && !(device->Flags & DO_POWER_PAGABLE))
        find_added(device, 0x23F, "DO_POWER_PAGABLE of the device below is not set in the filter's");
}
