/* SPDX-License-Identifier: MIT */
/*
 * A bus whose children a play plugs, unplugs and changes: the function driver
 * of a root device (`add-device ROOT\TESTBUS`), reached as \Device\TestBus.
 * RL_IOCTL(0), 0x222000, takes a text:
 *
 *     plug SLOT [KEY=VALUE...]     a child appears; the bus says so by IoInvalidateDeviceRelations
 *     unplug SLOT                  it disappears
 *     set SLOT KEY=VALUE...        changes what it answers
 *     rescan | sync                IoInvalidateDeviceRelations; the synchronous form, whose status is the
 * result state SLOT                   IoInvalidateDeviceState bus KEY=VALUE...             how the bus itself
 * misbehaves or answers
 *
 * Keys of a child: id= inst= hw=A;B compat=A;B desc= loc= container= bustype=internal unique= raw= removable=
 * eject= lock= surpriseok= address= uinumber= state=BITS fail=MINOR:STATUS (as 0x0:0xC0000001; again= keeps
 * failing) pend=MINOR, vanish=MINOR (it is unplugged while it is asked that), port=BASE:LENGTH (boot resource
 * and requirement), boot=BASE (the boot resource is elsewhere), ejectwith=SLOT powerwith=SLOT. '~' in a text
 * stands for a blank. Keys of the bus: null= dup= norelist=; badid=1 a comma, 2 no end, 3 too long; keep=1:
 * PDOs that were deleted stay in the answer; noref=1: children are not referenced.
 *
 * Every PnP request to a child is said in the shared log as SLOT.MINOR, those to the bus as bus.MINOR.
 */
#include "testlog.h"

NTKERNELAPI BOOLEAN NTAPI PsIsSystemThread(PETHREAD Thread); /* ntifs.h */

#define SLOTS 16
#define TAG   'sBtT'

struct child {
    BOOLEAN is_child, plugged, reported, started, deleted, again;
    ULONG slot;
    PDEVICE_OBJECT pdo;
    char id[64], inst[64], hw[128], compat[128], desc[64], loc[64], container[48];
    BOOLEAN unique, raw, removable, eject, lock, surpriseok, bus_internal;
    ULONG address, uinumber, state;
    ULONG fail_minor, fail_status, pend_minor, vanish_minor; /* minor + 1 */
    ULONG port, port_length, boot;                           /* boot: where firmware has put it, 0: at port */
    LONG eject_with, power_with;                             /* slot; -1: none */
    ULONG usage, locked;
    UCHAR order[16]; /* the questions to identify it, in the order asked: minor, QUERY_ID and TEXT with their
                        kind */
    ULONG asked, id_kinds, text_kinds, minors, capabilities;
};

struct bus {
    BOOLEAN is_child, started;
    PDEVICE_OBJECT pdo, lower, self;
    struct child *children[SLOTS]; /* the extension of each PDO */
    ULONG null, dup, junk, badid, keep, noref, relations;
    KSPIN_LOCK lock;
    ULONG64 scrap[64]; /* no device object */
};

struct pending {
    PIO_WORKITEM item;
    PIRP irp;
    struct child *child;
};

static struct bus *the_bus;

static NTSTATUS complete(PIRP irp, NTSTATUS status)
{
    irp->IoStatus.Status = status;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

/* ---- what a child answers ---- */

static NTSTATUS answer(PIRP irp, const void *data, SIZE_T bytes)
{
    void *copy = ExAllocatePoolWithTag(PagedPool, bytes, TAG);
    if (!copy)
        return complete(irp, STATUS_INSUFFICIENT_RESOURCES);
    memcpy(copy, data, bytes);
    irp->IoStatus.Information = (ULONG_PTR)copy;
    return complete(irp, STATUS_SUCCESS);
}

/* ';' separates, '~' is a blank; ends doubly. Returns characters with both ends. */
static ULONG widen(const char *text, WCHAR *wide)
{
    ULONG at = 0;
    for (; *text; text++)
        wide[at++] = *text == ';' ? 0 : *text == '~' ? ' ' : (WCHAR)(UCHAR)*text;
    wide[at++] = 0;
    wide[at++] = 0;
    return at;
}

static NTSTATUS answer_text(PIRP irp, const char *text, BOOLEAN list)
{
    WCHAR wide[260];
    if (!*text)
        return complete(irp, irp->IoStatus.Status);
    ULONG chars = widen(text, wide);
    return answer(irp, wide, (list ? chars : chars - 1) * sizeof(WCHAR));
}

static NTSTATUS bad_id(PIRP irp, ULONG how)
{
    WCHAR wide[260];
    ULONG i;
    for (i = 0; i < 259; i++)
        wide[i] = 'X';
    wide[how == 3 ? 210 : 12] = 0;
    if (how == 1)
        wide[5] = ',';
    if (how == 2)
        wide[12] = 'X';
    return answer(irp, wide, (how == 3 ? 211 : 13) * sizeof(WCHAR));
}

static NTSTATUS query_id(struct child *c, PIRP irp, BUS_QUERY_ID_TYPE type)
{
    if (the_bus->badid && the_bus->badid < 4 && type == BusQueryDeviceID)
        return bad_id(irp, the_bus->badid);
    if (the_bus->badid == 4 && type == BusQueryHardwareIDs)
        return answer_text(irp, c->id, FALSE); /* one end instead of two */
    switch (type) {
    case BusQueryDeviceID:
        return answer_text(irp, c->id, FALSE);
    case BusQueryInstanceID:
        return answer_text(irp, c->inst, FALSE);
    case BusQueryHardwareIDs:
        return answer_text(irp, c->hw[0] ? c->hw : c->id, TRUE);
    case BusQueryCompatibleIDs:
        return answer_text(irp, c->compat, TRUE);
    case BusQueryContainerID:
        return answer_text(irp, c->container, FALSE);
    default:
        return complete(irp, irp->IoStatus.Status);
    }
}

static NTSTATUS query_capabilities(struct child *c, PIRP irp)
{
    PDEVICE_CAPABILITIES caps = IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceCapabilities.Capabilities;
    CHECK_EQ("PNP-09", caps->Size, sizeof(DEVICE_CAPABILITIES));
    CHECK_EQ("PNP-09", caps->Version, 1);
    CHECK_EQ("PH-23", caps->Address, (ULONG)-1);
    CHECK_EQ("PH-23", caps->UINumber, (ULONG)-1);
    caps->UniqueID = c->unique;
    caps->RawDeviceOK = c->raw;
    caps->Removable = c->removable;
    caps->EjectSupported = c->eject;
    caps->LockSupported = c->lock;
    caps->SurpriseRemovalOK = c->surpriseok;
    caps->Address = c->address;
    caps->UINumber = c->uinumber;
    caps->DeviceState[PowerSystemWorking] = PowerDeviceD0;
    caps->DeviceState[PowerSystemSleeping1] = PowerDeviceD1;
    caps->DeviceState[PowerSystemSleeping2] = PowerDeviceD2;
    caps->DeviceState[PowerSystemSleeping3] = PowerDeviceD3;
    caps->DeviceState[PowerSystemHibernate] = PowerDeviceD3;
    caps->DeviceState[PowerSystemShutdown] = PowerDeviceD3;
    caps->DeviceD1 = caps->DeviceD2 = 1;
    caps->SystemWake = PowerSystemSleeping3;
    caps->DeviceWake = PowerDeviceD2;
    caps->WakeFromD0 = caps->WakeFromD1 = caps->WakeFromD2 = 1;
    return complete(irp, STATUS_SUCCESS);
}

static NTSTATUS query_bus(struct child *c, PIRP irp)
{
    static const GUID internal = {0x1530EA73, 0x086B, 0x11D1, {0xA0, 0x9F, 0, 0xC0, 0x4F, 0xC3, 0x40, 0xB1}};
    PNP_BUS_INFORMATION bus = {internal, InterfaceTypeUndefined, 7};
    return answer(irp, &bus, sizeof(bus));
}

static NTSTATUS query_resources(struct child *c, PIRP irp)
{
    CM_RESOURCE_LIST list;
    if (!c->port)
        return complete(irp, irp->IoStatus.Status);
    memset(&list, 0, sizeof(list));
    list.Count = 1;
    list.List[0].InterfaceType = Isa;
    list.List[0].PartialResourceList.Version = 1;
    list.List[0].PartialResourceList.Revision = 1;
    list.List[0].PartialResourceList.Count = 1;
    PCM_PARTIAL_RESOURCE_DESCRIPTOR d = list.List[0].PartialResourceList.PartialDescriptors;
    d->Type = CmResourceTypePort;
    d->ShareDisposition = CmResourceShareDeviceExclusive;
    d->Flags = CM_RESOURCE_PORT_IO;
    d->u.Port.Start.QuadPart = c->boot ? c->boot : c->port;
    d->u.Port.Length = c->port_length;
    return answer(irp, &list, sizeof(list));
}

static NTSTATUS query_requirements(struct child *c, PIRP irp)
{
    IO_RESOURCE_REQUIREMENTS_LIST list;
    if (!c->port)
        return complete(irp, irp->IoStatus.Status);
    memset(&list, 0, sizeof(list));
    list.ListSize = sizeof(list);
    list.InterfaceType = Isa;
    list.AlternativeLists = 1;
    list.List[0].Version = list.List[0].Revision = 1;
    list.List[0].Count = 1;
    PIO_RESOURCE_DESCRIPTOR d = list.List[0].Descriptors;
    d->Type = CmResourceTypePort;
    d->ShareDisposition = CmResourceShareDeviceExclusive;
    d->Flags = CM_RESOURCE_PORT_IO;
    d->u.Port.Length = c->port_length;
    d->u.Port.Alignment = 1;
    d->u.Port.MinimumAddress.QuadPart = c->port;
    d->u.Port.MaximumAddress.QuadPart = c->port + c->port_length - 1;
    return answer(irp, &list, sizeof(list));
}

static NTSTATUS query_relations(struct child *c, PIRP irp)
{
    DEVICE_RELATIONS relations = {1, {c->pdo}};
    DEVICE_RELATION_TYPE type = IoGetCurrentIrpStackLocation(irp)->Parameters.QueryDeviceRelations.Type;
    if (type == EjectionRelations && c->eject_with >= 0 && the_bus->children[c->eject_with])
        relations.Objects[0] = the_bus->children[c->eject_with]->pdo;
    else if (type == PowerRelations && c->power_with >= 0 && the_bus->children[c->power_with])
        relations.Objects[0] = the_bus->children[c->power_with]->pdo;
    else if (type != TargetDeviceRelation)
        return complete(irp, irp->IoStatus.Status);
    ObReferenceObject(relations.Objects[0]);
    return answer(irp, &relations, sizeof(relations));
}

/* Plugged: it stays. Unplugged: it goes, with its device object, when the request is completed. */
static NTSTATUS remove_child(struct child *c, PIRP irp)
{
    c->started = FALSE;
    if (c->plugged || c->deleted)
        return complete(irp, STATUS_SUCCESS);
    c->deleted = TRUE;
    if (the_bus->children[c->slot] == c)
        the_bus->children[c->slot] = NULL;
    PDEVICE_OBJECT pdo = c->pdo;
    NTSTATUS status = complete(irp, STATUS_SUCCESS);
    IoDeleteDevice(pdo);
    return status;
}

static NTSTATUS query_state(struct child *c, PIRP irp)
{
    if (!c->state)
        return complete(irp, irp->IoStatus.Status);
    irp->IoStatus.Information |= c->state;
    return complete(irp, STATUS_SUCCESS);
}

static void note_question(struct child *c, PIO_STACK_LOCATION location)
{
    UCHAR what = location->MinorFunction;
    if (what == IRP_MN_QUERY_ID) {
        c->id_kinds |= 1u << location->Parameters.QueryId.IdType;
        what = (UCHAR)(0x40 + location->Parameters.QueryId.IdType);
    } else if (what == IRP_MN_QUERY_DEVICE_TEXT) {
        c->text_kinds |= 1u << location->Parameters.QueryDeviceText.DeviceTextType;
        what = (UCHAR)(0x50 + location->Parameters.QueryDeviceText.DeviceTextType);
    }
    c->minors |= 1u << location->MinorFunction;
    c->capabilities += location->MinorFunction == IRP_MN_QUERY_CAPABILITIES;
    if (c->asked < sizeof(c->order))
        c->order[c->asked++] = what;
}

static void check_request(struct child *c, PIRP irp, PIO_STACK_LOCATION location)
{
    UCHAR minor = location->MinorFunction;
    if (minor == IRP_MN_QUERY_BUS_INFORMATION || minor == IRP_MN_DEVICE_ENUMERATED) {
        CHECK_STATUS("PH-01", irp->IoStatus.Status, STATUS_NOT_SUPPORTED);
        CHECK_EQ("MJ-1B", location->MajorFunction, IRP_MJ_PNP);
    }
    if (minor == IRP_MN_START_DEVICE || minor == IRP_MN_REMOVE_DEVICE || minor == IRP_MN_SURPRISE_REMOVAL) {
        CHECK("DI-09", PsIsSystemThread(PsGetCurrentThread()));
        CHECK_EQ("DI-09", KeGetCurrentIrql(), PASSIVE_LEVEL);
    }
    if (minor == IRP_MN_QUERY_DEVICE_RELATIONS && c->started &&
        location->Parameters.QueryDeviceRelations.Type == BusRelations)
        CHECK("PS-06", c->capabilities >= 2 && c->minors & 1u << IRP_MN_QUERY_PNP_DEVICE_STATE);
}

static NTSTATUS child_pnp(struct child *c, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    switch (location->MinorFunction) {
    case IRP_MN_QUERY_ID:
        return query_id(c, irp, location->Parameters.QueryId.IdType);
    case IRP_MN_QUERY_CAPABILITIES:
        return query_capabilities(c, irp);
    case IRP_MN_QUERY_DEVICE_TEXT:
        return answer_text(irp, location->Parameters.QueryDeviceText.DeviceTextType ? c->loc : c->desc,
                           FALSE);
    case IRP_MN_QUERY_BUS_INFORMATION:
        return query_bus(c, irp);
    case IRP_MN_QUERY_RESOURCES:
        return query_resources(c, irp);
    case IRP_MN_QUERY_RESOURCE_REQUIREMENTS:
        return query_requirements(c, irp);
    case IRP_MN_QUERY_DEVICE_RELATIONS:
        return query_relations(c, irp);
    case IRP_MN_QUERY_PNP_DEVICE_STATE:
        return query_state(c, irp);
    case IRP_MN_REMOVE_DEVICE:
        return remove_child(c, irp);
    case IRP_MN_EJECT:
        CHECK("PNP-11", !c->locked && !c->started);
        c->plugged = FALSE;
        the_bus->children[c->slot] = NULL;
        return complete(irp, STATUS_SUCCESS);
    case IRP_MN_SET_LOCK:
        c->locked = location->Parameters.SetLock.Lock;
        say("%lu.%s", c->slot, c->locked ? "locked" : "unlocked");
        return complete(irp, STATUS_SUCCESS);
    case IRP_MN_DEVICE_USAGE_NOTIFICATION:
        c->usage += location->Parameters.UsageNotification.InPath ? 1 : -1;
        return complete(irp, STATUS_SUCCESS);
    case IRP_MN_START_DEVICE:
        c->started = TRUE;
        return complete(irp, STATUS_SUCCESS);
    case IRP_MN_STOP_DEVICE:
        c->started = FALSE;
        return complete(irp, STATUS_SUCCESS);
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
        return complete(irp, STATUS_SUCCESS);
    default:
        return complete(irp, irp->IoStatus.Status);
    }
}

static VOID NTAPI later(PDEVICE_OBJECT device, PVOID context)
{
    struct pending p = *(struct pending *)context;
    IoFreeWorkItem(p.item);
    ExFreePoolWithTag(context, TAG);
    child_pnp(p.child, p.irp);
}

static NTSTATUS pend_child(struct child *c, PIRP irp)
{
    struct pending *p = ExAllocatePoolWithTag(NonPagedPool, sizeof(*p), TAG);
    p->item = IoAllocateWorkItem(the_bus->self);
    p->irp = irp;
    p->child = c;
    IoMarkIrpPending(irp);
    IoQueueWorkItem(p->item, later, DelayedWorkQueue, p);
    return STATUS_PENDING;
}

static NTSTATUS unplug(ULONG slot);

static NTSTATUS dispatch_child(struct child *c, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    UCHAR minor = location->MinorFunction;
    note_question(c, location);
    check_request(c, irp, location);
    say("%lu.%s", c->slot, minor_name(minor));
    if (c->vanish_minor == (ULONG)minor + 1) {
        c->vanish_minor = 0;
        unplug(c->slot);
        IoInvalidateDeviceRelations(the_bus->pdo, BusRelations);
    }
    if (c->fail_minor == (ULONG)minor + 1) {
        NTSTATUS status = (NTSTATUS)c->fail_status;
        if (!c->again)
            c->fail_minor = 0;
        return complete(irp, status);
    }
    return c->pend_minor == (ULONG)minor + 1 ? pend_child(c, irp) : child_pnp(c, irp);
}

/* ---- children come and go ---- */

static NTSTATUS plug(ULONG slot)
{
    PDEVICE_OBJECT pdo;
    NTSTATUS status = IoCreateDevice(the_bus->self->DriverObject, sizeof(struct child), NULL,
                                     FILE_DEVICE_UNKNOWN, FILE_AUTOGENERATED_DEVICE_NAME, FALSE, &pdo);
    if (!NT_SUCCESS(status))
        return status;
    struct child *c = pdo->DeviceExtension;
    c->is_child = c->plugged = TRUE;
    c->slot = slot;
    c->pdo = pdo;
    c->eject_with = c->power_with = -1;
    c->address = slot;
    c->uinumber = (ULONG)-1;
    _snprintf(c->id, sizeof(c->id), "TESTBUS\\SLOT%lu", slot);
    _snprintf(c->inst, sizeof(c->inst), "%lu", slot);
    pdo->Flags |= DO_POWER_PAGABLE | DO_BUFFERED_IO;
    pdo->Flags &= ~DO_DEVICE_INITIALIZING;
    the_bus->children[slot] = c;
    return STATUS_SUCCESS;
}

static NTSTATUS unplug(ULONG slot)
{
    struct child *c = the_bus->children[slot];
    if (!c)
        return STATUS_NO_SUCH_DEVICE;
    c->plugged = FALSE;
    the_bus->children[slot] = NULL;
    if (!c->reported) /* nobody ever heard of it */
        IoDeleteDevice(c->pdo);
    return STATUS_SUCCESS;
}

/* A second child with the identifiers of the first: only in the answer. */
static ULONG twins(struct bus *bus, PDEVICE_RELATIONS all)
{
    struct child *first = ((PDEVICE_OBJECT)all->Objects[0])->DeviceExtension, *second;
    if (!NT_SUCCESS(plug(SLOTS - 1)))
        return all->Count;
    second = bus->children[SLOTS - 1];
    memcpy(second->id, first->id, sizeof(first->id));
    memcpy(second->inst, first->inst, sizeof(first->inst));
    second->reported = TRUE;
    bus->dup = 0;
    ObReferenceObject(second->pdo);
    all->Objects[all->Count] = second->pdo;
    return all->Count + 1;
}

static NTSTATUS bus_relations(struct bus *bus, PIRP irp)
{
    PDEVICE_RELATIONS former = (PDEVICE_RELATIONS)irp->IoStatus.Information, all;
    ULONG count = former ? former->Count : 0, i;
    bus->relations++;
    all = ExAllocatePoolWithTag(PagedPool, sizeof(*all) + (count + SLOTS + 2) * sizeof(PVOID), TAG);
    if (!all)
        return STATUS_INSUFFICIENT_RESOURCES;
    all->Count = 0;
    for (i = 0; i < count; i++)
        all->Objects[all->Count++] = former->Objects[i];
    for (i = 0; i < SLOTS; i++) {
        struct child *c = bus->children[i];
        if (!c)
            continue;
        c->reported = TRUE;
        if (!bus->noref)
            ObReferenceObject(c->pdo);
        if (bus->keep)
            IoDeleteDevice(c->pdo);
        all->Objects[all->Count++] = c->pdo;
    }
    if (bus->dup && count == 0)
        all->Count = twins(bus, all);
    if (bus->junk)
        all->Objects[all->Count++] = (PDEVICE_OBJECT)bus->scrap;
    if (bus->null)
        all->Objects[all->Count++] = NULL;
    if (former)
        ExFreePool(former);
    irp->IoStatus.Information = (ULONG_PTR)all;
    irp->IoStatus.Status = STATUS_SUCCESS;
    return STATUS_SUCCESS;
}

/* ---- the bus as a device ---- */

static NTSTATUS NTAPI back(PDEVICE_OBJECT DeviceObject, PIRP irp, PVOID event)
{
    if (irp->PendingReturned)
        KeSetEvent(event, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS start_bus(struct bus *bus, PIRP irp)
{
    KEVENT event;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(irp);
    IoSetCompletionRoutine(irp, back, &event, TRUE, TRUE, TRUE);
    NTSTATUS status = IoCallDriver(bus->lower, irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
        status = irp->IoStatus.Status;
    }
    bus->started = NT_SUCCESS(status);
    return complete(irp, status);
}

static NTSTATUS remove_bus(struct bus *bus, PIRP irp)
{
    PDEVICE_OBJECT self = bus->self;
    for (ULONG i = 0; i < SLOTS; i++)
        if (bus->children[i])
            IoDeleteDevice(bus->children[i]->pdo);
    irp->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(irp);
    NTSTATUS status = IoCallDriver(bus->lower, irp);
    IoDetachDevice(bus->lower);
    the_bus = NULL;
    IoDeleteDevice(self);
    return status;
}

static NTSTATUS dispatch_bus(struct bus *bus, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    UCHAR minor = location->MinorFunction;
    say("bus.%s", minor_name(minor));
    if (minor == IRP_MN_START_DEVICE)
        return start_bus(bus, irp);
    if (minor == IRP_MN_REMOVE_DEVICE)
        return remove_bus(bus, irp);
    if (minor == IRP_MN_QUERY_DEVICE_RELATIONS &&
        location->Parameters.QueryDeviceRelations.Type == BusRelations) {
        NTSTATUS status = bus_relations(bus, irp);
        if (!NT_SUCCESS(status))
            return complete(irp, status);
    }
    if (minor == IRP_MN_QUERY_STOP_DEVICE || minor == IRP_MN_STOP_DEVICE ||
        minor == IRP_MN_CANCEL_STOP_DEVICE || minor == IRP_MN_QUERY_REMOVE_DEVICE ||
        minor == IRP_MN_CANCEL_REMOVE_DEVICE || minor == IRP_MN_SURPRISE_REMOVAL)
        irp->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(irp);
    return IoCallDriver(bus->lower, irp);
}

static NTSTATUS NTAPI dispatch_pnp(PDEVICE_OBJECT device, PIRP irp)
{
    struct child *c = device->DeviceExtension;
    return c->is_child ? dispatch_child(c, irp) : dispatch_bus(device->DeviceExtension, irp);
}

static NTSTATUS NTAPI dispatch_power(PDEVICE_OBJECT device, PIRP irp)
{
    struct child *c = device->DeviceExtension;
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    PoStartNextPowerIrp(irp);
    if (!c->is_child) {
        IoSkipCurrentIrpStackLocation(irp);
        return PoCallDriver(((struct bus *)device->DeviceExtension)->lower, irp);
    }
    say("%lu.%s%s%lu", c->slot, location->MinorFunction == IRP_MN_SET_POWER ? "SET" : "QUERY",
        location->Parameters.Power.Type == SystemPowerState ? "S" : "D",
        (ULONG)location->Parameters.Power.State.SystemState - 1);
    if (location->MinorFunction == IRP_MN_SET_POWER && location->Parameters.Power.Type == DevicePowerState)
        PoSetPowerState(device, DevicePowerState, location->Parameters.Power.State);
    if (location->MinorFunction == IRP_MN_SET_POWER || location->MinorFunction == IRP_MN_QUERY_POWER)
        return complete(irp, STATUS_SUCCESS);
    return complete(irp, irp->IoStatus.Status);
}

static NTSTATUS NTAPI dispatch_system_control(PDEVICE_OBJECT device, PIRP irp)
{
    struct child *c = device->DeviceExtension;
    if (c->is_child)
        return complete(irp, irp->IoStatus.Status);
    IoSkipCurrentIrpStackLocation(irp);
    return IoCallDriver(((struct bus *)device->DeviceExtension)->lower, irp);
}

static NTSTATUS NTAPI dispatch_succeed(PDEVICE_OBJECT device, PIRP irp)
{
    irp->IoStatus.Information = 0;
    return complete(irp, STATUS_SUCCESS);
}

/* ---- the commands ---- */

static ULONG number(const char *text)
{
    ULONG value = 0;
    BOOLEAN hex = text[0] == '0' && text[1] == 'x';
    for (text += hex ? 2 : 0;; text++) {
        ULONG digit;
        if (*text >= '0' && *text <= '9')
            digit = (ULONG)(*text - '0');
        else if (hex && (*text | 32) >= 'a' && (*text | 32) <= 'f')
            digit = (ULONG)((*text | 32) - 'a' + 10);
        else
            return value;
        value = value * (hex ? 16 : 10) + digit;
    }
}

static BOOLEAN is(const char *word, const char *key, const char **value)
{
    size_t length = strlen(key);
    if (strncmp(word, key, length) || word[length] != '=')
        return FALSE;
    *value = word + length + 1;
    return TRUE;
}

static const char *behind_colon(const char *text)
{
    const char *colon = strchr(text, ':');
    return colon ? colon + 1 : "0";
}

static void put(char *to, const char *from, size_t room)
{
    size_t length = strlen(from);
    if (length >= room)
        length = room - 1;
    memcpy(to, from, length);
    to[length] = 0;
}

static BOOLEAN set_text(struct child *c, const char *word)
{
    const char *value;
    if (is(word, "id", &value))
        put(c->id, value, sizeof(c->id));
    else if (is(word, "inst", &value))
        put(c->inst, value, sizeof(c->inst));
    else if (is(word, "hw", &value))
        put(c->hw, value, sizeof(c->hw));
    else if (is(word, "compat", &value))
        put(c->compat, value, sizeof(c->compat));
    else if (is(word, "desc", &value))
        put(c->desc, value, sizeof(c->desc));
    else if (is(word, "loc", &value))
        put(c->loc, value, sizeof(c->loc));
    else if (is(word, "container", &value))
        put(c->container, value, sizeof(c->container));
    else
        return FALSE;
    return TRUE;
}

static BOOLEAN set_number(struct child *c, const char *word)
{
    const char *value;
    if (is(word, "unique", &value))
        c->unique = number(value) != 0;
    else if (is(word, "raw", &value))
        c->raw = number(value) != 0;
    else if (is(word, "removable", &value))
        c->removable = number(value) != 0;
    else if (is(word, "eject", &value))
        c->eject = number(value) != 0;
    else if (is(word, "lock", &value))
        c->lock = number(value) != 0;
    else if (is(word, "surpriseok", &value))
        c->surpriseok = number(value) != 0;
    else if (is(word, "address", &value))
        c->address = number(value);
    else if (is(word, "uinumber", &value))
        c->uinumber = number(value);
    else if (is(word, "state", &value))
        c->state = number(value);
    else if (is(word, "ejectwith", &value))
        c->eject_with = (LONG)number(value);
    else if (is(word, "vanish", &value))
        c->vanish_minor = number(value) + 1;
    else if (is(word, "boot", &value))
        c->boot = number(value);
    else if (is(word, "powerwith", &value))
        c->power_with = (LONG)number(value);
    else if (is(word, "again", &value))
        c->again = number(value) != 0;
    else if (is(word, "pend", &value))
        c->pend_minor = number(value) + 1;
    else
        return FALSE;
    return TRUE;
}

static NTSTATUS set_key(struct child *c, const char *word)
{
    const char *value;
    if (set_text(c, word) || set_number(c, word))
        return STATUS_SUCCESS;
    if (is(word, "fail", &value)) {
        c->fail_minor = number(value) + 1;
        c->fail_status = number(behind_colon(value));
    } else if (is(word, "port", &value)) {
        c->port = number(value);
        c->port_length = number(behind_colon(value));
    } else
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

static NTSTATUS set_bus(struct bus *bus, const char *word)
{
    const char *value;
    if (is(word, "null", &value))
        bus->null = number(value);
    else if (is(word, "badid", &value))
        bus->badid = number(value);
    else if (is(word, "junk", &value))
        bus->junk = number(value);
    else if (is(word, "dup", &value))
        bus->dup = number(value);
    else if (is(word, "keep", &value))
        bus->keep = number(value);
    else if (is(word, "noref", &value))
        bus->noref = number(value);
    else
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

/* The next word of the text, cut off in place; NULL: no more. */
static char *next_word(char **text)
{
    char *word = *text;
    while (*word == ' ')
        word++;
    if (!*word)
        return NULL;
    char *end = word;
    while (*end && *end != ' ')
        end++;
    *text = *end ? end + 1 : end;
    *end = 0;
    return word;
}

static NTSTATUS set_words(struct child *c, char *rest)
{
    NTSTATUS status = STATUS_SUCCESS;
    char *word;
    while (NT_SUCCESS(status) && (word = next_word(&rest)) != NULL)
        status = c ? set_key(c, word) : set_bus(the_bus, word);
    return status;
}

/* Not in every import library. */
static NTSTATUS synchronously(void)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"IoSynchronousInvalidateDeviceRelations");
    NTSTATUS(NTAPI * routine)(PDEVICE_OBJECT, DEVICE_RELATION_TYPE);
    *(PVOID *)&routine = MmGetSystemRoutineAddress(&name);
    return routine ? routine(the_bus->pdo, BusRelations) : STATUS_PROCEDURE_NOT_FOUND;
}

/* ---- looking ---- */

static NTSTATUS open_key(PCWSTR parent_path, HANDLE parent, HANDLE *key)
{
    UNICODE_STRING name;
    OBJECT_ATTRIBUTES attributes;
    RtlInitUnicodeString(&name, parent_path);
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, parent, NULL);
    return ZwOpenKey(key, KEY_READ, &attributes);
}

/* Enum\ID\INSTANCE, where the instance is the only one. */
static NTSTATUS open_enum_key(struct child *c, HANDLE *key)
{
    WCHAR path[200] = L"\\Registry\\Machine\\System\\CurrentControlSet\\Enum\\", name[64];
    UCHAR buffer[300];
    PKEY_BASIC_INFORMATION information = (PKEY_BASIC_INFORMATION)buffer;
    HANDLE parent;
    ULONG at = (ULONG)wcslen(path), length, i;
    for (i = 0; c->id[i] && at < 199; i++)
        path[at++] = (WCHAR)c->id[i];
    NTSTATUS status = open_key(path, NULL, &parent);
    if (!NT_SUCCESS(status))
        return status;
    status = ZwEnumerateKey(parent, 0, KeyBasicInformation, buffer, sizeof(buffer), &length);
    for (i = 0; NT_SUCCESS(status) && i < information->NameLength / sizeof(WCHAR) && i < 63; i++)
        name[i] = information->Name[i];
    name[i] = 0;
    if (NT_SUCCESS(status))
        status = open_key(name, parent, key);
    ZwClose(parent);
    return status;
}

static BOOLEAN same_value(PKEY_VALUE_PARTIAL_INFORMATION value, const char *text)
{
    WCHAR wide[260];
    if (value->Type == REG_DWORD)
        return *(PULONG)value->Data == number(text);
    ULONG chars = widen(text, wide) - (value->Type == REG_SZ);
    return value->DataLength == chars * sizeof(WCHAR) && RtlEqualMemory(value->Data, wide, value->DataLength);
}

static NTSTATUS look_at_key(struct child *c, char *rest)
{
    UNICODE_STRING value_name;
    WCHAR wide[260];
    UCHAR buffer[600];
    HANDLE key;
    ULONG length;
    const char *name = next_word(&rest), *text = next_word(&rest);
    if (!name || !text)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = open_enum_key(c, &key);
    if (!NT_SUCCESS(status))
        return status;
    widen(name, wide);
    RtlInitUnicodeString(&value_name, wide);
    status = ZwQueryValueKey(key, &value_name, KeyValuePartialInformation, buffer, sizeof(buffer), &length);
    ZwClose(key);
    if (NT_SUCCESS(status) && !same_value((PKEY_VALUE_PARTIAL_INFORMATION)buffer, text))
        status = STATUS_UNSUCCESSFUL;
    return status;
}

static NTSTATUS seen_all(struct child *c)
{
    ULONG minors = 1u << IRP_MN_QUERY_ID | 1u << IRP_MN_QUERY_CAPABILITIES | 1u << IRP_MN_QUERY_DEVICE_TEXT |
                   1u << IRP_MN_QUERY_BUS_INFORMATION | 1u << IRP_MN_QUERY_RESOURCES |
                   1u << IRP_MN_QUERY_RESOURCE_REQUIREMENTS | 1u << IRP_MN_DEVICE_ENUMERATED;
    BOOLEAN all = (c->minors & minors) == minors && c->id_kinds == 0x2F && c->text_kinds == 3 &&
                  c->asked >= 12 && c->order[11] == IRP_MN_DEVICE_ENUMERATED;
    return all ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

static NTSTATUS orders(void)
{
    ULONG differ = 0, i;
    for (i = 0; i < 6; i++)
        if (!NT_SUCCESS(plug(i)))
            return STATUS_INSUFFICIENT_RESOURCES;
    synchronously();
    for (i = 1; i < 6; i++)
        differ += memcmp(the_bus->children[0]->order, the_bus->children[i]->order, 9) != 0;
    for (i = 0; i < 6; i++)
        unplug(i);
    synchronously();
    return differ ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

static NTSTATUS slot_command(const char *verb, ULONG slot, char *rest)
{
    NTSTATUS status = STATUS_SUCCESS;
    if (slot >= SLOTS)
        return STATUS_INVALID_PARAMETER;
    if (!strcmp(verb, "plug") && !the_bus->children[slot])
        status = plug(slot);
    if (!NT_SUCCESS(status))
        return status;
    if (!the_bus->children[slot])
        return STATUS_NO_SUCH_DEVICE;
    if (!strcmp(verb, "enum"))
        return look_at_key(the_bus->children[slot], rest);
    if (!strcmp(verb, "seen"))
        return seen_all(the_bus->children[slot]);
    if (!strcmp(verb, "unplug"))
        status = unplug(slot);
    else if (!strcmp(verb, "powerrel"))
        IoInvalidateDeviceRelations(the_bus->children[slot]->pdo, PowerRelations);
    else if (!strcmp(verb, "state"))
        IoInvalidateDeviceState(the_bus->children[slot]->pdo);
    else
        status = set_words(the_bus->children[slot], rest);
    if (NT_SUCCESS(status) && (!strcmp(verb, "plug") || !strcmp(verb, "unplug")))
        IoInvalidateDeviceRelations(the_bus->pdo, BusRelations);
    return status;
}

static NTSTATUS command(char *text)
{
    char *verb = next_word(&text);
    if (!verb || !the_bus)
        return STATUS_INVALID_PARAMETER;
    if (!strcmp(verb, "bus"))
        return set_words(NULL, text);
    if (!strcmp(verb, "rescan")) {
        IoInvalidateDeviceRelations(the_bus->pdo, BusRelations);
        return STATUS_SUCCESS;
    }
    if (!strcmp(verb, "notpdo")) {
        IoInvalidateDeviceRelations(the_bus->self, BusRelations);
        return STATUS_SUCCESS;
    }
    if (!strcmp(verb, "orders"))
        return orders();
    if (!strcmp(verb, "sync"))
        return synchronously();
    char *slot = next_word(&text);
    return slot ? slot_command(verb, number(slot), text) : STATUS_INVALID_PARAMETER;
}

static NTSTATUS NTAPI dispatch_control(PDEVICE_OBJECT device, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    ULONG length = location->Parameters.DeviceIoControl.InputBufferLength;
    char text[400];
    irp->IoStatus.Information = 0;
    if (((struct child *)device->DeviceExtension)->is_child)
        return complete(irp, STATUS_INVALID_DEVICE_REQUEST);
    if (location->Parameters.DeviceIoControl.IoControlCode != RL_IOCTL(0) || length >= sizeof(text))
        return complete(irp, STATUS_INVALID_DEVICE_REQUEST);
    memcpy(text, irp->AssociatedIrp.SystemBuffer, length);
    text[length] = 0;
    return complete(irp, command(text));
}

/* ---- the driver ---- */

static NTSTATUS NTAPI add_device(PDRIVER_OBJECT driver, PDEVICE_OBJECT pdo)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\TestBus");
    PDEVICE_OBJECT device;
    NTSTATUS status = IoCreateDevice(driver, sizeof(struct bus), &name, FILE_DEVICE_BUS_EXTENDER,
                                     FILE_DEVICE_SECURE_OPEN, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    struct bus *bus = device->DeviceExtension;
    bus->pdo = pdo;
    bus->self = device;
    bus->lower = IoAttachDeviceToDeviceStack(device, pdo);
    if (!bus->lower) {
        IoDeleteDevice(device);
        return STATUS_NO_SUCH_DEVICE;
    }
    the_bus = bus;
    device->Flags |= DO_BUFFERED_IO | DO_POWER_PAGABLE;
    device->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT driver)
{
    testlog_close();
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
    testlog_open();
    driver->MajorFunction[IRP_MJ_CREATE] = dispatch_succeed;
    driver->MajorFunction[IRP_MJ_CLEANUP] = dispatch_succeed;
    driver->MajorFunction[IRP_MJ_CLOSE] = dispatch_succeed;
    driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = dispatch_control;
    driver->MajorFunction[IRP_MJ_PNP] = dispatch_pnp;
    driver->MajorFunction[IRP_MJ_POWER] = dispatch_power;
    driver->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = dispatch_system_control;
    driver->DriverExtension->AddDevice = add_device;
    driver->DriverUnload = unload;
    return STATUS_SUCCESS;
}
