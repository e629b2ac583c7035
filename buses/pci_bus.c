/* SPDX-License-Identifier: MIT */
/*
 * The bus: its device object above the root bus's PDO, who is on it, and the
 * driver's dispatch routines, which tell the bus from its functions by their
 * extensions.
 */
#include "pci_bus.h"
#include "buses/pci.h"
#include "io/routines.h"
#include "ke/routines.h"

static PDRIVER_OBJECT driver_object;
static struct pci_bus *the_bus; /* while its device object exists */

PDRIVER_OBJECT pci_driver(void)
{
    return driver_object;
}

static struct pci_bus *bus_of(PDEVICE_OBJECT device)
{
    struct pci_bus *bus = device->DeviceExtension;
    return bus == the_bus ? bus : NULL;
}

/* ---- who is there ---- */

static struct pci_child *known(struct pci_bus *bus, const struct pci_child *found)
{
    list_for_each(it, &bus->children)
    {
        struct pci_child *child = container_of(it, struct pci_child, link);
        if (pci_is_same(child, found))
            return child;
    }
    return NULL;
}

static void look_at(struct pci_bus *bus, UCHAR device, UCHAR function)
{
    struct pci_child found, *child;
    if (!pci_identify(&found, device, function))
        return;
    child = known(bus, &found);
    if (!child && !NT_SUCCESS(pci_child_create(bus, &found, &child)))
        return;
    child->present = true;
}

static void look(struct pci_bus *bus)
{
    list_for_each(it, &bus->children) container_of(it, struct pci_child, link)->present = false;
    for (UCHAR device = 0; device < 32; device++)
        for (UCHAR function = 0; function < 8; function++)
            look_at(bus, device, function);
}

/* A PDO that the PnP manager never heard of needs no REMOVE. */
static void drop_unreported(struct pci_bus *bus)
{
    for (LIST_ENTRY *it = bus->children.Flink, *next; it != &bus->children; it = next) {
        struct pci_child *child = container_of(it, struct pci_child, link);
        next = it->Flink;
        if (!child->present && !child->reported)
            pci_child_destroy(child);
    }
}

static ULONG count_present(const struct pci_bus *bus)
{
    ULONG count = 0;
    for (const LIST_ENTRY *it = bus->children.Flink; it != &bus->children; it = it->Flink)
        count += container_of(it, struct pci_child, link)->present;
    return count;
}

/* Rules: PNP-07a. */
static PDEVICE_RELATIONS list_present(struct pci_bus *bus)
{
    look(bus);
    drop_unreported(bus);
    ULONG count = count_present(bus);
    PDEVICE_RELATIONS relations = mm_pool_allocate(
        PagedPool, sizeof(*relations) + count * sizeof(PDEVICE_OBJECT), PCI_BUS_TAG, true, list_present);
    if (!relations)
        return NULL;
    list_for_each(it, &bus->children)
    {
        struct pci_child *child = container_of(it, struct pci_child, link);
        if (!child->present)
            continue;
        child->reported = true;
        ob_reference(child->self);
        *(relations->Objects + relations->Count++) = child->self;
    }
    return relations;
}

/* ---- the bus's own stack ---- */

static NTSTATUS pass_down(struct pci_bus *bus, PIRP irp)
{
    IoSkipCurrentIrpStackLocation(irp);
    return IofCallDriver(bus->lower, irp);
}

static NTSTATUS NTAPI wake_sender(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    if (Irp->PendingReturned)
        KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* Down, and back when the lower driver is done with it. */
static NTSTATUS forward_and_wait(struct pci_bus *bus, PIRP irp)
{
    KEVENT event;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(irp);
    IoSetCompletionRoutine(irp, wake_sender, &event, TRUE, TRUE, TRUE);
    NTSTATUS status = IofCallDriver(bus->lower, irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
        status = irp->IoStatus.Status;
    }
    return status;
}

static NTSTATUS query_relations(struct pci_bus *bus, PIRP irp)
{
    PDEVICE_RELATIONS relations = list_present(bus);
    if (!relations)
        return pci_complete(irp, STATUS_INSUFFICIENT_RESOURCES);
    irp->IoStatus.Information = (ULONG_PTR)relations;
    irp->IoStatus.Status = STATUS_SUCCESS;
    return pass_down(bus, irp);
}

static NTSTATUS remove_bus(struct pci_bus *bus, PIRP irp)
{
    irp->IoStatus.Status = STATUS_SUCCESS;
    NTSTATUS status = pass_down(bus, irp);
    while (!list_empty(&bus->children))
        pci_child_destroy(container_of(bus->children.Flink, struct pci_child, link));
    IoDetachDevice(bus->lower);
    the_bus = NULL;
    IoDeleteDevice(bus->self);
    return status;
}

static NTSTATUS bus_pnp(struct pci_bus *bus, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    switch (location->MinorFunction) {
    case IRP_MN_START_DEVICE:
        return pci_complete(irp, forward_and_wait(bus, irp));
    case IRP_MN_QUERY_DEVICE_RELATIONS:
        if (location->Parameters.QueryDeviceRelations.Type == BusRelations)
            return query_relations(bus, irp);
        return pass_down(bus, irp);
    case IRP_MN_REMOVE_DEVICE:
        return remove_bus(bus, irp);
    case IRP_MN_STOP_DEVICE:
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
        irp->IoStatus.Status = STATUS_SUCCESS;
        return pass_down(bus, irp);
    default:
        return pass_down(bus, irp);
    }
}

/* ---- the driver ---- */

static NTSTATUS NTAPI dispatch_pnp(PDEVICE_OBJECT device, PIRP irp)
{
    struct pci_bus *bus = bus_of(device);
    return bus ? bus_pnp(bus, irp) : pci_child_pnp(device->DeviceExtension, irp);
}

static NTSTATUS NTAPI dispatch_power(PDEVICE_OBJECT device, PIRP irp)
{
    struct pci_bus *bus = bus_of(device);
    return bus ? pass_down(bus, irp) : pci_child_power(device->DeviceExtension, irp);
}

static NTSTATUS NTAPI dispatch_system_control(PDEVICE_OBJECT device, PIRP irp)
{
    struct pci_bus *bus = bus_of(device);
    return bus ? pass_down(bus, irp) : pci_complete(irp, irp->IoStatus.Status);
}

static NTSTATUS NTAPI add_device(PDRIVER_OBJECT driver, PDEVICE_OBJECT pdo)
{
    PDEVICE_OBJECT device;
    if (the_bus)
        return STATUS_NO_SUCH_DEVICE; /* the machine has one bus */
    NTSTATUS status =
        IoCreateDevice(driver, sizeof(struct pci_bus), NULL, FILE_DEVICE_BUS_EXTENDER, 0, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    struct pci_bus *bus = device->DeviceExtension;
    bus->self = device;
    bus->pdo = pdo;
    list_init(&bus->children);
    bus->lower = IoAttachDeviceToDeviceStack(device, pdo);
    if (!bus->lower) {
        IoDeleteDevice(device);
        return STATUS_DEVICE_NOT_CONNECTED;
    }
    the_bus = bus;
    device->Flags |= DO_POWER_PAGABLE;
    device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static void set_up(PDRIVER_OBJECT driver)
{
    driver->DriverExtension->AddDevice = add_device;
    driver->MajorFunction[IRP_MJ_PNP] = dispatch_pnp;
    driver->MajorFunction[IRP_MJ_POWER] = dispatch_power;
    driver->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = dispatch_system_control;
}

/* ---- from outside ---- */

#define BUS_ID u"ACPI\\PNP0A03"

static ULONG looked; /* how often the bus had changed at the last look */
static struct pnp_node *bus_node;

bool pci_bus_has_changed(void)
{
    return hal_pci_changes() != looked;
}

NTSTATUS pci_bus_look(void)
{
    looked = hal_pci_changes();
    if (!bus_node)
        return pci_has_functions() ? pnp_add_root_device(BUS_ID, &bus_node) : STATUS_SUCCESS;
    return IoSynchronousInvalidateDeviceRelations(bus_node->pdo, BusRelations);
}

NTSTATUS pci_bus_init(void)
{
    static const WCHAR service[] = u"pci", class[] = u"{4D36E97D-E325-11CE-BFC1-08002BE10318}";
    static const WCHAR key[] =
        u"\\Registry\\Machine\\System\\CurrentControlSet\\Control\\CriticalDeviceDatabase\\ACPI#PNP0A03";
    the_bus = NULL;
    bus_node = NULL;
    looked = 0;
    NTSTATUS status = cm_set_value(key, u"Service", REG_SZ, service, sizeof(service));
    if (NT_SUCCESS(status))
        status = cm_set_value(key, u"ClassGUID", REG_SZ, class, sizeof(class));
    if (NT_SUCCESS(status))
        status = io_create_system_driver("pci", set_up, &driver_object);
    return status;
}
