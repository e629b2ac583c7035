/* SPDX-License-Identifier: MIT */
/*
 * Interfaces that drivers ask a PDO for: BUS_INTERFACE_STANDARD, for access to
 * configuration space up to DISPATCH_LEVEL, and the table of MSI-X. Drivers call
 * through pointers, so each routine is declared as an export is and handed out
 * as its gate. An interface holds a reference of its PDO.
 */
#include "pci_bus.h"
#include "ldr/ldr.h"

static struct pci_child *child_of(PVOID context)
{
    return ((PDEVICE_OBJECT)context)->DeviceExtension;
}

static VOID NTAPI reference(PVOID Context)
{
    ob_reference(Context);
}

static VOID NTAPI dereference(PVOID Context)
{
    ob_dereference(Context);
}

/* ---- BUS_INTERFACE_STANDARD ---- */

static BOOLEAN NTAPI translate(PVOID Context, PHYSICAL_ADDRESS BusAddress, ULONG Length, PULONG AddressSpace,
                               PPHYSICAL_ADDRESS TranslatedAddress)
{
    ULONGLONG last = (ULONGLONG)BusAddress.QuadPart + (Length ? Length - 1 : 0);
    if (*AddressSpace > 1 || last < (ULONGLONG)BusAddress.QuadPart || (*AddressSpace == 1 && last > 0xFFFF))
        return FALSE;
    *TranslatedAddress = BusAddress;
    return TRUE;
}

static PDMA_ADAPTER NTAPI get_dma_adapter(PVOID Context, PDEVICE_DESCRIPTION DeviceDescriptor,
                                          PULONG NumberOfMapRegisters)
{
    return hal_get_adapter(DeviceDescriptor, NumberOfMapRegisters, false,
                           mm_caller(__builtin_return_address(0)));
}

static ULONG NTAPI get_bus_data(PVOID Context, ULONG DataType, PVOID Buffer, ULONG Offset, ULONG Length)
{
    return DataType == PCI_WHICHSPACE_CONFIG ? pci_read_buffer(child_of(Context), Offset, Buffer, Length) : 0;
}

static ULONG NTAPI set_bus_data(PVOID Context, ULONG DataType, PVOID Buffer, ULONG Offset, ULONG Length)
{
    return DataType == PCI_WHICHSPACE_CONFIG ? pci_write_buffer(child_of(Context), Offset, Buffer, Length)
                                             : 0;
}

/* ---- the table of MSI-X ---- */

static NTSTATUS NTAPI set_entry(PVOID Context, ULONG TableEntry, ULONG MessageNumber)
{
    return pci_set_entry(child_of(Context), TableEntry, MessageNumber);
}

static NTSTATUS NTAPI mask_entry(PVOID Context, ULONG TableEntry)
{
    return pci_mask_entry(child_of(Context), TableEntry, true);
}

static NTSTATUS NTAPI unmask_entry(PVOID Context, ULONG TableEntry)
{
    return pci_mask_entry(child_of(Context), TableEntry, false);
}

/* ---- handing out ---- */

#define ROUTINE(structure_, member_, function_, flags_)                                                      \
    {                                                                                                        \
        .entry = {"pci", #member_, (const void *)(function_), PASSIVE_LEVEL, DISPATCH_LEVEL, (flags_), 0},   \
        .offset = offsetof(structure_, member_)                                                              \
    }

struct routine {
    struct export_entry entry;
    USHORT offset;
};

static const struct routine common[] = {
    ROUTINE(INTERFACE, InterfaceReference, reference, X_PLAIN),
    ROUTINE(INTERFACE, InterfaceDereference, dereference, X_PLAIN),
};
static const struct routine standard[] = {
    ROUTINE(BUS_INTERFACE_STANDARD, TranslateBusAddress, translate, X_PLAIN),
    ROUTINE(BUS_INTERFACE_STANDARD, GetDmaAdapter, get_dma_adapter, X_PLAIN),
    ROUTINE(BUS_INTERFACE_STANDARD, SetBusData, set_bus_data, X_PLAIN),
    ROUTINE(BUS_INTERFACE_STANDARD, GetBusData, get_bus_data, X_PLAIN),
};
static const struct routine table[] = {
    ROUTINE(PCI_MSIX_TABLE_CONFIG_INTERFACE, SetTableEntry, set_entry, X_PLAIN),
    ROUTINE(PCI_MSIX_TABLE_CONFIG_INTERFACE, MaskTableEntry, mask_entry, X_PLAIN),
    ROUTINE(PCI_MSIX_TABLE_CONFIG_INTERFACE, UnmaskTableEntry, unmask_entry, X_PLAIN),
};

static bool fill(PINTERFACE interface, const struct routine *routines, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const void *gate = ldr_bind_export(&routines[i].entry, ldr_checked_gates);
        if (!gate)
            return false;
        *(const void **)((char *)interface + routines[i].offset) = gate;
    }
    return true;
}

struct kind {
    GUID id;
    USHORT bytes, needed, version; /* needed: up to the last routine that is there */
    const struct routine *routines;
    size_t count;
};

static const struct kind kinds[] = {
    /* GUID_BUS_INTERFACE_STANDARD */
    {{0x496B8280, 0x6F25, 0x11D0, {0xBE, 0xAF, 0x08, 0x00, 0x2B, 0xE2, 0x09, 0x2F}},
     sizeof(BUS_INTERFACE_STANDARD),
     sizeof(BUS_INTERFACE_STANDARD),
     1,
     standard,
     countof(standard)},
    /* GUID_MSIX_TABLE_CONFIG_INTERFACE */
    {{0x1A6A460B, 0x194F, 0x455D, {0xB3, 0x4B, 0xB8, 0x4C, 0x5B, 0x05, 0x71, 0x2B}},
     sizeof(PCI_MSIX_TABLE_CONFIG_INTERFACE),
     offsetof(PCI_MSIX_TABLE_CONFIG_INTERFACE, GetTableEntry),
     1,
     table,
     countof(table)},
};

static const struct kind *find(const struct pci_child *child, const GUID *id)
{
    for (size_t i = 0; i < countof(kinds); i++)
        if (__builtin_memcmp(&kinds[i].id, id, sizeof(*id)) == 0)
            return kinds[i].routines == table && !child->msix_at ? NULL : &kinds[i];
    return NULL;
}

NTSTATUS pci_query_interface(struct pci_child *child, PIO_STACK_LOCATION location)
{
    const struct kind *kind = find(child, location->Parameters.QueryInterface.InterfaceType);
    PINTERFACE interface = location->Parameters.QueryInterface.Interface;
    USHORT room = location->Parameters.QueryInterface.Size;
    if (!kind || location->Parameters.QueryInterface.Version < kind->version)
        return STATUS_NOT_SUPPORTED;
    if (room < kind->needed)
        return STATUS_INVALID_PARAMETER;
    __builtin_memset(interface, 0, MIN(room, kind->bytes));
    interface->Size = MIN(room, kind->bytes);
    interface->Version = kind->version;
    interface->Context = child->self;
    if (!fill(interface, common, countof(common)) || !fill(interface, kind->routines, kind->count))
        return STATUS_INSUFFICIENT_RESOURCES;
    /* PNP-08: whoever provides an interface references it for who asked. */
    ob_reference(child->self);
    return STATUS_SUCCESS;
}
