/* SPDX-License-Identifier: MIT */
/*
 * Requests of the PnP manager, the power manager and WMI: what a driver of a
 * device's stack may do with their status, who may answer them and who may send
 * them. Judged when the driver calls IoCallDriver or IoCompleteRequest, by what
 * its dispatch routine found (struct vf_sent); a driver that has pended the
 * request is only asked what can be told without that.
 */
#include "host/host.h"
#include "pnp/pnp.h"
#include "vf/seams.h"
#include "nt/bugcodes.h"

#define C9            DRIVER_VERIFIER_IOMANAGER_VIOLATION
#define PNP_LAST      IRP_MN_DEVICE_ENUMERATED
#define PNP_UNUSED    0x0E
#define MINOR_BIT(mn) (1u << (mn))

/* Those that every driver of a stack has to say something to. */
#define FOR_ALL                                                                                              \
    (MINOR_BIT(IRP_MN_QUERY_REMOVE_DEVICE) | MINOR_BIT(IRP_MN_REMOVE_DEVICE) |                               \
     MINOR_BIT(IRP_MN_CANCEL_REMOVE_DEVICE) | MINOR_BIT(IRP_MN_STOP_DEVICE) |                                \
     MINOR_BIT(IRP_MN_QUERY_STOP_DEVICE) | MINOR_BIT(IRP_MN_CANCEL_STOP_DEVICE) |                            \
     MINOR_BIT(IRP_MN_SURPRISE_REMOVAL))
/* Those that nobody may fail. */
#define MUST_SUCCEED                                                                                         \
    (MINOR_BIT(IRP_MN_CANCEL_REMOVE_DEVICE) | MINOR_BIT(IRP_MN_STOP_DEVICE) |                                \
     MINOR_BIT(IRP_MN_CANCEL_STOP_DEVICE) | MINOR_BIT(IRP_MN_SURPRISE_REMOVAL))
/* Those that only a PDO answers. */
#define FOR_PDO                                                                                              \
    (MINOR_BIT(IRP_MN_QUERY_RESOURCES) | MINOR_BIT(IRP_MN_QUERY_RESOURCE_REQUIREMENTS) |                     \
     MINOR_BIT(IRP_MN_QUERY_DEVICE_TEXT) | MINOR_BIT(IRP_MN_READ_CONFIG) | MINOR_BIT(IRP_MN_WRITE_CONFIG) |  \
     MINOR_BIT(IRP_MN_EJECT) | MINOR_BIT(IRP_MN_SET_LOCK) | MINOR_BIT(IRP_MN_QUERY_ID) |                     \
     MINOR_BIT(IRP_MN_QUERY_BUS_INFORMATION))
/* Those that a driver may send. */
#define FOR_DRIVERS                                                                                          \
    (MINOR_BIT(IRP_MN_QUERY_DEVICE_RELATIONS) | MINOR_BIT(IRP_MN_QUERY_INTERFACE) |                          \
     MINOR_BIT(IRP_MN_QUERY_CAPABILITIES) | MINOR_BIT(IRP_MN_READ_CONFIG) | MINOR_BIT(IRP_MN_WRITE_CONFIG) | \
     MINOR_BIT(IRP_MN_QUERY_ID) | MINOR_BIT(IRP_MN_DEVICE_USAGE_NOTIFICATION) |                              \
     MINOR_BIT(IRP_MN_QUERY_DEVICE_TEXT) | MINOR_BIT(IRP_MN_QUERY_BUS_INFORMATION))

static bool is_managed(UCHAR major)
{
    return major == IRP_MJ_PNP || major == IRP_MJ_POWER || major == IRP_MJ_SYSTEM_CONTROL;
}

static bool is_known(UCHAR major, UCHAR minor)
{
    if (major == IRP_MJ_POWER)
        return minor <= IRP_MN_QUERY_POWER;
    return major != IRP_MJ_PNP || (minor <= PNP_LAST && minor != PNP_UNUSED);
}

static bool is_one_of(ULONG set, UCHAR minor)
{
    return minor < 32 && set & MINOR_BIT(minor);
}

/* A failure of the driver's own; STATUS_NOT_SUPPORTED says that nobody has answered. */
static bool is_failure(NTSTATUS status)
{
    return status < 0 && status != STATUS_NOT_SUPPORTED;
}

static bool find(const struct vf_manager_call *call, struct vf_finding *f, ULONG kind, ULONG64 p4,
                 const char *what)
{
    vf_find(f, C9, kind, call->caller, (ULONG64)call->irp, p4, "%s %s", call->export, what);
    f->irp = call->irp;
    f->device = call->target;
    return true;
}

/* ---- what the dispatch routine finds ---- */

void vf_manager_sent(struct vf_sent *sent)
{
    const IRP *irp = sent->irp;
    const IO_STACK_LOCATION *location = irp->Tail.Overlay.CurrentStackLocation;
    if (likely(!is_managed(location->MajorFunction)))
        return;
    sent->major = location->MajorFunction;
    sent->minor = location->MinorFunction;
    sent->attached = io_lower_device(sent->device) != NULL;
    sent->entry_status = irp->IoStatus.Status;
    sent->entry_information = irp->IoStatus.Information;
    sent->entry_references = (ULONG64)ob_pointer_count(sent->device);
}

static bool is_of_image(const struct vf_sent *sent, ULONG64 image)
{
    const struct arch_image *own = arch_image_find((ULONG64)sent->routine);
    return own != NULL && own->base == image;
}

/* The caller's dispatch routine, if it still runs and has the request. */
static const struct vf_sent *frame_of(const struct vf_manager_call *call)
{
    ULONG number = io_irp_number(call->irp);
    for (const struct vf_sent *it = ke_sent(ke_thread()); it != NULL; it = it->above)
        if (it->irp == call->irp && it->number == number && !it->left && it->major != 0)
            return is_of_image(it, call->image) ? it : NULL;
    return NULL;
}

static bool is_in_pnp_stack(const DEVICE_OBJECT *device)
{
    for (const DEVICE_OBJECT *lower; (lower = io_lower_device(device)) != NULL;)
        device = lower;
    return pnp_node_of(device) != NULL;
}

/* The driver that serves the device, not one of its filters. */
static bool is_function_driver(const DEVICE_OBJECT *device)
{
    WCHAR name[IO_SERVICE_NAME_BYTES];
    UNICODE_STRING a, b;
    const char *service = io_driver_service(device->DriverObject);
    struct pnp_node *node = pnp_node_of_stack((PDEVICE_OBJECT)(ULONG_PTR)device);
    bool is = node != NULL && node->service != NULL;
    if (is) {
        rtl_wide_from_utf8(name, countof(name), service, __builtin_strlen(service));
        rtl_init_string(&a, name);
        rtl_init_string(&b, node->service);
        is = RtlEqualUnicodeString(&a, &b, TRUE);
    }
    if (node != NULL)
        pnp_dereference(node);
    return is;
}

/* ---- a driver's own request ---- */

/* The caller's driver allocated it, and it goes out now. Who skips the topmost location sends from there,
 * too. */
static bool is_own(const struct vf_manager_call *call)
{
    const struct arch_image *maker = arch_image_find((ULONG64)io_irp_maker(call->irp));
    return call->irp->CurrentLocation == call->irp->StackCount + 1 && maker != NULL &&
           maker->base == call->image;
}

static bool check_first_status(const struct vf_manager_call *call, struct vf_finding *f)
{
    UCHAR major = call->next->MajorFunction;
    if (call->irp->IoStatus.Status == STATUS_NOT_SUPPORTED)
        return false;
    /* IRP-12: who looks at it afterwards must see whether anybody answered. */
    return find(call, f,
                major == IRP_MJ_PNP     ? 0x20E
                : major == IRP_MJ_POWER ? 0x20F
                                        : 0x210,
                0,
                "was called with a request for PnP, power or WMI whose IoStatus.Status is not "
                "STATUS_NOT_SUPPORTED, as every such request begins");
}

static bool check_capabilities(const struct vf_manager_call *call, struct vf_finding *f)
{
    DEVICE_CAPABILITIES c;
    if (call->next->MinorFunction != IRP_MN_QUERY_CAPABILITIES ||
        !vf_peek(&c, call->next->Parameters.DeviceCapabilities.Capabilities, sizeof(c)))
        return false;
    /* PH-23: which structure it is, */
    if (c.Version != 1)
        return find(call, f, 0x233, 0, "sent IRP_MN_QUERY_CAPABILITIES with a Version other than 1");
    /* PH-23: how large, */
    if (c.Size != sizeof(c))
        return find(call, f, 0x234, 0,
                    "sent IRP_MN_QUERY_CAPABILITIES with a Size other than sizeof(DEVICE_CAPABILITIES)");
    /* PH-23: and that nobody has said an address */
    if (c.Address != (ULONG)-1)
        return find(call, f, 0x235, 0, "sent IRP_MN_QUERY_CAPABILITIES with an Address other than -1");
    /* PH-23: or a number yet. */
    if (c.UINumber != (ULONG)-1)
        return find(call, f, 0x236, 0, "sent IRP_MN_QUERY_CAPABILITIES with a UINumber other than -1");
    return false;
}

static bool is_reserved(const IO_STACK_LOCATION *next)
{
    UCHAR minor = next->MinorFunction;
    if (next->MajorFunction == IRP_MJ_POWER)
        return minor != IRP_MN_POWER_SEQUENCE;
    if (next->MajorFunction != IRP_MJ_PNP)
        return false;
    return !is_one_of(FOR_DRIVERS, minor) || (minor == IRP_MN_QUERY_DEVICE_RELATIONS &&
                                              next->Parameters.QueryDeviceRelations.Type == BusRelations);
}

static bool check_first(const struct vf_manager_call *call, struct vf_finding *f)
{
    /* IRP-13, PNP-18: those are the PnP manager's, and power requests are made by PoRequestPowerIrp. */
    if (is_reserved(call->next))
        return find(call, f, 0x237, 0, "sent a request of its own that only the system sends");
    return check_first_status(call, f) || check_capabilities(call, f);
}

/* ---- passing on ---- */

static bool check_codes(const struct vf_manager_call *call, const struct vf_sent *mine, struct vf_finding *f)
{
    /* PW-28: the codes are the sender's. */
    if (call->next->MajorFunction == mine->major && call->next->MinorFunction == mine->minor)
        return false;
    return find(call, f, 0x212, 0, "passed a request on with another major or minor code than it came with");
}

static bool check_status(const struct vf_manager_call *call, const struct vf_sent *mine, struct vf_finding *f)
{
    NTSTATUS now = call->irp->IoStatus.Status;
    bool power = mine->major == IRP_MJ_POWER;
    if (mine->major == IRP_MJ_SYSTEM_CONTROL || now == mine->entry_status)
        return false;
    /* PH-05: the drivers below would do what has failed already. */
    if (is_failure(now))
        return find(call, f, power ? 0x219 : 0x215, (ULONG)now,
                    "passed a request on that the driver had failed: a failed one is completed");
    /* PH-05: an answer that was given stays given. */
    if (now == STATUS_NOT_SUPPORTED)
        return find(call, f, power ? 0x21A : 0x216, 0,
                    "passed a request on whose status the driver had turned back into STATUS_NOT_SUPPORTED");
    return false;
}

static bool check_unknown(const struct vf_manager_call *call, const struct vf_sent *mine,
                          struct vf_finding *f)
{
    if (is_known(mine->major, mine->minor))
        return false;
    /* PH-05: what a driver does not know it passes on as it is, */
    if (call->irp->IoStatus.Status != mine->entry_status)
        return find(call, f, 0x213, 0,
                    "passed a request with an unknown minor code on and had changed its status");
    /* PH-05: all of it. */
    if (call->irp->IoStatus.Information != mine->entry_information)
        return find(call, f, 0x214, 0,
                    "passed a request with an unknown minor code on and had changed its Information");
    return false;
}

/* --verify all: what a function driver should say, and what it should not. */
static bool check_function(const struct vf_manager_call *call, const struct vf_sent *mine,
                           struct vf_finding *f)
{
    NTSTATUS now = call->irp->IoStatus.Status;
    if (!vf_checks_all() || mine->major != IRP_MJ_PNP || !mine->attached || !is_function_driver(mine->device))
        return false;
    /* PH-06: it has done its part, or it has not. */
    if (is_one_of(FOR_ALL, mine->minor) && now == STATUS_NOT_SUPPORTED)
        return find(call, f, 0x217, 0,
                    "passed a request on that every function driver handles, without setting its status");
    /* PH-06: the bus driver knows that. */
    if (is_one_of(FOR_PDO, mine->minor) && mine->entry_status == STATUS_NOT_SUPPORTED &&
        now != mine->entry_status)
        return find(call, f, 0x218, 0,
                    "passed a request on that the driver had answered in the bus driver's place");
    return false;
}

bool vf_check_manager_send(const struct vf_manager_call *call, struct vf_finding *f)
{
    if (likely(!is_managed(call->next->MajorFunction))) {
        const struct vf_sent *top = ke_sent(ke_thread());
        if (likely(top == NULL || top->irp != call->irp || top->major == 0))
            return false;
    }
    const struct vf_sent *mine = frame_of(call);
    if (mine == NULL && is_own(call))
        return check_first(call, f);
    if (mine == NULL || mine->forwarded)
        return false;
    return check_codes(call, mine, f) || check_unknown(call, mine, f) || check_status(call, mine, f) ||
           check_function(call, mine, f);
}

/* ---- completing ---- */

/* Of a device with others below: it has not sent the request down, and completes it. */
static bool check_middle(const struct vf_manager_call *call, const struct vf_sent *mine, struct vf_finding *f)
{
    NTSTATUS status = call->irp->IoStatus.Status;
    bool power = mine->major == IRP_MJ_POWER;
    /* PH-05: the drivers below may know it. */
    if (!is_known(mine->major, mine->minor))
        return find(call, f, power ? 0x230 : 0x22D, 0,
                    "completed a request with an unknown minor code instead of passing it on");
    /* PH-05: nobody below has been asked, or the failure has a status that is none. */
    if (status == STATUS_NOT_SUPPORTED)
        return find(call, f, power ? 0x232 : 0x22F, 0,
                    "completed a request with STATUS_NOT_SUPPORTED instead of passing it on: a driver that "
                    "fails it says so with another status");
    if (!power && mine->minor == IRP_MN_QUERY_DEVICE_RELATIONS && status >= 0 &&
        call->irp->Tail.Overlay.CurrentStackLocation->Parameters.QueryDeviceRelations.Type ==
            TargetDeviceRelation)
        /* PH-06: only the PDO knows who it is. */
        return find(call, f, 0x24B, 0,
                    "completed a request for TargetDeviceRelation as successful and had not passed it on");
    if (!power && mine->minor == IRP_MN_QUERY_INTERFACE)
        return false; /* the interface is its own, and the caller has it */
    /* PH-05: the drivers below have their part to do. */
    if (status >= 0)
        return find(call, f, power ? 0x231 : 0x22E, 0,
                    "completed a request as successful instead of passing it on");
    return false;
}

static bool is_required_of_pdo(const IO_STACK_LOCATION *location)
{
    switch (location->MinorFunction) {
    case IRP_MN_START_DEVICE:
    case IRP_MN_QUERY_CAPABILITIES:
        return true;
    case IRP_MN_QUERY_ID:
        return location->Parameters.QueryId.IdType == BusQueryDeviceID;
    case IRP_MN_QUERY_DEVICE_RELATIONS:
        return location->Parameters.QueryDeviceRelations.Type == TargetDeviceRelation;
    default:
        return is_one_of(FOR_ALL, location->MinorFunction);
    }
}

static bool check_target(const struct vf_manager_call *call, const struct vf_sent *mine, struct vf_finding *f)
{
    DEVICE_RELATIONS relations;
    const void *list = (const void *)call->irp->IoStatus.Information;
    /* PH-06: itself, and nobody else. */
    if (list == NULL || !vf_peek(&relations, list, sizeof(relations)) || relations.Count != 1 ||
        relations.Objects[0] != call->target)
        return find(
            call, f, 0x22B, 0,
            "completed a request for TargetDeviceRelation for a PDO, and the list is not that PDO alone");
    /* PH-20: with a reference that the asker gives back. With a seed only: counts move on other processors.
     */
    if (mine != NULL && host_simulated() && (ULONG64)ob_pointer_count(call->target) <= mine->entry_references)
        return find(call, f, 0x22C, 0,
                    "completed a request for TargetDeviceRelation without ObReferenceObject on the PDO");
    return false;
}

static bool check_pdo(const struct vf_manager_call *call, const struct vf_sent *mine, struct vf_finding *f)
{
    const IO_STACK_LOCATION *location = call->irp->Tail.Overlay.CurrentStackLocation;
    NTSTATUS status = call->irp->IoStatus.Status;
    /* PH-06: there is nobody below who could. */
    if (status == STATUS_NOT_SUPPORTED && is_required_of_pdo(location))
        return find(call, f, 0x22A, 0, "completed a request unanswered for a PDO that has to answer it");
    if (status >= 0 && location->MinorFunction == IRP_MN_QUERY_DEVICE_RELATIONS &&
        location->Parameters.QueryDeviceRelations.Type == TargetDeviceRelation)
        return check_target(call, mine, f);
    return false;
}

static bool check_must_succeed(const struct vf_manager_call *call, const IO_STACK_LOCATION *location,
                               struct vf_finding *f)
{
    if (!is_failure(call->irp->IoStatus.Status))
        return false;
    if (location->MajorFunction == IRP_MJ_POWER)
        /* PWR-02: the device is in that state, or will be. */
        return location->MinorFunction == IRP_MN_SET_POWER &&
               location->Parameters.Power.Type == SystemPowerState &&
               find(call, f, 0x247, 0, "completed IRP_MN_SET_POWER for a system state with a failure");
    /* PH-10: it goes whatever a driver says. */
    if (location->MinorFunction == IRP_MN_REMOVE_DEVICE)
        return find(call, f, 0x306, 0, "completed IRP_MN_REMOVE_DEVICE with a failure");
    /* PH-10: nor may these fail. */
    return is_one_of(MUST_SUCCEED, location->MinorFunction) &&
           find(call, f, 0x247, 0, "completed a request with a failure that no driver may fail");
}

static bool check_stack_request(const struct vf_manager_call *call, const struct vf_sent *mine, bool bottom,
                                struct vf_finding *f)
{
    const IO_STACK_LOCATION *location = call->irp->Tail.Overlay.CurrentStackLocation;
    if (!is_in_pnp_stack(call->target))
        return false;
    if (bottom || (mine != NULL && !mine->forwarded)) {
        if (check_must_succeed(call, location, f))
            return true;
        if (bottom)
            return location->MajorFunction == IRP_MJ_PNP && check_pdo(call, mine, f);
        return check_middle(call, mine, f);
    }
    return false;
}

static bool check_wmi(const struct vf_manager_call *call, const struct vf_sent *mine, struct vf_finding *f)
{
    const IO_STACK_LOCATION *location = call->irp->Tail.Overlay.CurrentStackLocation;
    if (mine == NULL || mine->forwarded || location->Parameters.WMI.ProviderId == (ULONG_PTR)call->target)
        return false;
    /* MJ-17: it is for another device of the stack. */
    return find(call, f, 0x220, location->Parameters.WMI.ProviderId,
                "completed a WMI request whose ProviderId is another device instead of passing it on");
}

bool vf_check_manager_complete(const struct vf_manager_call *before, struct vf_finding *f)
{
    const IO_STACK_LOCATION *location = before->irp->Tail.Overlay.CurrentStackLocation;
    DEVICE_OBJECT device;
    struct vf_manager_call call = *before;
    if (before->irp->CurrentLocation > before->irp->StackCount ||
        likely(!is_managed(location->MajorFunction)) || !vf_peek_device(location->DeviceObject, &device))
        return false;
    call.target = location->DeviceObject;
    const struct vf_sent *mine = frame_of(&call);
    bool bottom = io_lower_device(call.target) == NULL;
    if (mine != NULL && mine->location != before->irp->CurrentLocation)
        mine = NULL;
    if (mine != NULL && mine->detached)
        return false; /* it has left the stack */
    if (location->MajorFunction == IRP_MJ_SYSTEM_CONTROL)
        return !bottom && check_wmi(&call, mine, f);
    return check_stack_request(&call, mine, bottom, f);
}
