/* SPDX-License-Identifier: MIT */
/*
 * DMA adapters by a device's bus: whoever enumerates the device may answer
 * IRP_MN_QUERY_INTERFACE for BUS_INTERFACE_STANDARD, and then its routine makes
 * the adapter. Rules: DMA-01.
 */
#include "pnp/private.h"
#include "pnp/resource.h"

static const GUID bus_interface_standard = {
    0x496B8280, 0x6F25, 0x11D0, {0xBE, 0xAF, 0x08, 0x00, 0x2B, 0xE2, 0x09, 0x2F}};

/* Holds a reference that its InterfaceDereference ends. */
static bool query(PDEVICE_OBJECT pdo, BUS_INTERFACE_STANDARD *bus)
{
    IO_STACK_LOCATION location = {.MajorFunction = IRP_MJ_PNP, .MinorFunction = IRP_MN_QUERY_INTERFACE};
    location.Parameters.QueryInterface.InterfaceType = &bus_interface_standard;
    location.Parameters.QueryInterface.Size = sizeof(*bus);
    location.Parameters.QueryInterface.Version = 1;
    location.Parameters.QueryInterface.Interface = (PINTERFACE)bus;
    return NT_SUCCESS(pnp_send(pdo, &location, NULL));
}

/* false: the bus has no routine for it. Rules: DMA-01. */
bool resource_bus_dma_adapter(PDEVICE_OBJECT pdo, PDEVICE_DESCRIPTION description, PULONG registers,
                              PDMA_ADAPTER *adapter)
{
    BUS_INTERFACE_STANDARD bus = {0};
    if (!pnp_node_of(pdo) || !query(pdo, &bus))
        return false;
    bool has_routine = bus.GetDmaAdapter != NULL;
    if (has_routine)
        /* DMA-01: what the device can do is for its bus to say. */
        *adapter = bus.GetDmaAdapter(bus.Context, description, registers);
    if (bus.InterfaceDereference)
        bus.InterfaceDereference(bus.Context);
    return has_routine;
}
