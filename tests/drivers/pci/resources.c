/* SPDX-License-Identifier: MIT */
/* What the device was started with, and the bus's services: configuration space, DMA adapters. */
#include "pcifun.h"

NTHALAPI ULONG NTAPI HalGetInterruptVector(INTERFACE_TYPE InterfaceType, ULONG BusNumber,
                                           ULONG BusInterruptLevel, ULONG BusInterruptVector, PKIRQL Irql,
                                           PKAFFINITY Affinity);

static const GUID bus_interface_standard = {
    0x496B8280, 0x6F25, 0x11D0, {0xBE, 0xAF, 0x08, 0x00, 0x2B, 0xE2, 0x09, 0x2F}};

/* ---- lists ---- */

static void look_at_line(struct device *d, PCM_PARTIAL_RESOURCE_DESCRIPTOR raw,
                         PCM_PARTIAL_RESOURCE_DESCRIPTOR translated)
{
    KIRQL irql = 0;
    KAFFINITY affinity = 0;
    ULONG vector =
        HalGetInterruptVector(PCIBus, 0, raw->u.Interrupt.Level, raw->u.Interrupt.Vector, &irql, &affinity);

    d->lines++;
    d->line_vector = translated->u.Interrupt.Vector;
    if (d->highest < (KIRQL)translated->u.Interrupt.Level)
        d->highest = (KIRQL)translated->u.Interrupt.Level;
    CHECK_EQ("INT-01", translated->u.Interrupt.Vector, vector);
    CHECK_EQ("INT-01", translated->u.Interrupt.Level, irql);
    CHECK_EQ("INT-01", translated->u.Interrupt.Affinity, affinity);
    CHECK_EQ("INT-01", translated->Flags & CM_RESOURCE_INTERRUPT_LATCHED, 0);
    CHECK_EQ("INT-01", translated->ShareDisposition, CmResourceShareShared);
}

static void look_at_message(struct device *d, PCM_PARTIAL_RESOURCE_DESCRIPTOR raw,
                            PCM_PARTIAL_RESOURCE_DESCRIPTOR translated)
{
    ULONG level = translated->u.MessageInterrupt.Translated.Level & 0xFFFF;

    d->is_msix = raw->u.MessageInterrupt.Raw.MessageCount == 1;
    d->messages += raw->u.MessageInterrupt.Raw.MessageCount;
    if (d->highest < (KIRQL)level)
        d->highest = (KIRQL)level;
    CHECK("INT-02", translated->Flags & CM_RESOURCE_INTERRUPT_MESSAGE);
    CHECK("INT-02", translated->Flags & CM_RESOURCE_INTERRUPT_LATCHED);
    CHECK_EQ("INT-02", translated->u.MessageInterrupt.Translated.Vector >> 4, level);
    CHECK_EQ("INT-02", translated->u.MessageInterrupt.Translated.Affinity, KeQueryActiveProcessors());
    CHECK_EQ("INT-02", translated->u.MessageInterrupt.Translated.Vector, raw->u.MessageInterrupt.Raw.Vector);
}

static void look_at_memory(struct device *d, PCM_PARTIAL_RESOURCE_DESCRIPTOR translated)
{
    if (d->registers != NULL)
        return;
    d->register_bytes = translated->u.Memory.Length;
    d->registers = MmMapIoSpace(translated->u.Memory.Start, d->register_bytes, MmNonCached);
    CHECK("PS-04", d->registers != NULL);
    WRITE_REGISTER_ULONG((PULONG)d->registers + 1, 0x600DF00D);
    CHECK_EQ("PS-04", READ_REGISTER_ULONG((PULONG)d->registers + 1), 0x600DF00D);
}

static void look_at_ports(PCM_PARTIAL_RESOURCE_DESCRIPTOR translated)
{
    PULONG port = (PULONG)(ULONG_PTR)translated->u.Port.Start.QuadPart;
    WRITE_PORT_ULONG(port, 0x12345678);
    CHECK_EQ("PS-04", READ_PORT_ULONG(port), 0x12345678);
}

static void look_at(struct device *d, PCM_PARTIAL_RESOURCE_DESCRIPTOR raw,
                    PCM_PARTIAL_RESOURCE_DESCRIPTOR translated)
{
    CHECK_EQ("PH-27", raw->Type, translated->Type);
    CHECK_EQ("PH-27", raw->Flags, translated->Flags);
    CHECK_EQ("PH-27", raw->ShareDisposition, translated->ShareDisposition);
    if (raw->Type == CmResourceTypeInterrupt && (raw->Flags & CM_RESOURCE_INTERRUPT_MESSAGE))
        look_at_message(d, raw, translated);
    else if (raw->Type == CmResourceTypeInterrupt)
        look_at_line(d, raw, translated);
    else if (raw->Type == CmResourceTypeMemory)
        look_at_memory(d, translated);
    else if (raw->Type == CmResourceTypePort)
        look_at_ports(translated);
}

/* ---- DMA ---- */

static PGET_DMA_ADAPTER bus_routine;
static volatile LONG bus_asked;

static PDMA_ADAPTER NTAPI count_and_get(PVOID context, PDEVICE_DESCRIPTION description, PULONG registers)
{
    InterlockedIncrement(&bus_asked);
    return bus_routine(context, description, registers);
}

/* On the way up: as a bus that has a routine of its own. */
void intercept_interface(struct device *d, PIO_STACK_LOCATION here)
{
    BUS_INTERFACE_STANDARD *bus = (BUS_INTERFACE_STANDARD *)here->Parameters.QueryInterface.Interface;
    if (!RtlEqualMemory(here->Parameters.QueryInterface.InterfaceType, &bus_interface_standard, sizeof(GUID)))
        return;
    bus_routine = bus->GetDmaAdapter;
    bus->GetDmaAdapter = count_and_get;
}

static void get_adapter(struct device *d)
{
    DEVICE_DESCRIPTION description = {.Version = DEVICE_DESCRIPTION_VERSION,
                                      .Master = TRUE,
                                      .ScatterGather = TRUE,
                                      .Dma32BitAddresses = TRUE,
                                      .InterfaceType = PCIBus,
                                      .MaximumLength = 0x10000};
    ULONG registers = 0;

    bus_asked = 0;
    d->intercept = TRUE;
    d->adapter = IoGetDmaAdapter(d->pdo, &description, &registers);
    d->intercept = FALSE;
    CHECK("DMA-01", d->adapter != NULL && registers >= 17);
    CHECK_EQ("DMA-01", bus_asked, 1);
    description.Version = 99;
    CHECK("DMA-01", IoGetDmaAdapter(d->pdo, &description, &registers) == NULL);
}

void take_resources(struct device *d, PCM_RESOURCE_LIST raw, PCM_RESOURCE_LIST translated)
{
    CHECK("PH-27", (raw == NULL) == (translated == NULL));
    d->messages = d->lines = 0;
    d->highest = 0;
    if (raw != NULL && translated != NULL) {
        PCM_PARTIAL_RESOURCE_LIST one = &raw->List[0].PartialResourceList;
        PCM_PARTIAL_RESOURCE_LIST other = &translated->List[0].PartialResourceList;
        CHECK_EQ("PH-27", raw->Count, translated->Count);
        CHECK_EQ("PH-27", one->Count, other->Count);
        for (ULONG i = 0; i < one->Count; i++)
            look_at(d, one->PartialDescriptors + i, other->PartialDescriptors + i);
    }
    get_adapter(d);
}

void let_go_of_resources(struct device *d)
{
    if (d->adapter != NULL)
        d->adapter->DmaOperations->PutDmaAdapter(d->adapter);
    d->adapter = NULL;
    if (d->registers != NULL)
        MmUnmapIoSpace((PVOID)d->registers, d->register_bytes);
    d->registers = NULL;
    if (d->bus.InterfaceDereference != NULL)
        d->bus.InterfaceDereference(d->bus.Context);
    d->bus.InterfaceDereference = NULL;
}

/* ---- configuration space ---- */

static NTSTATUS access(struct device *d, UCHAR minor, ULONG space, ULONG offset, PVOID buffer, ULONG length,
                       ULONG_PTR *bytes)
{
    IO_STACK_LOCATION parameters;
    RtlZeroMemory(&parameters, sizeof(parameters));
    parameters.Parameters.ReadWriteConfig.WhichSpace = space;
    parameters.Parameters.ReadWriteConfig.Buffer = buffer;
    parameters.Parameters.ReadWriteConfig.Offset = offset;
    parameters.Parameters.ReadWriteConfig.Length = length;
    return ask_pnp(d, minor, &parameters, bytes);
}

static void by_requests(struct device *d)
{
    UCHAR latency = 0x40, again = 0;
    USHORT vendor = 0, unwritable = 0x5555;
    ULONG_PTR bytes = 0;

    CHECK_STATUS("PNP-0F", access(d, IRP_MN_READ_CONFIG, 0, 0, &vendor, 2, &bytes), STATUS_SUCCESS);
    CHECK_EQ("PNP-0F", vendor, 0x1AF4);
    CHECK_EQ("PNP-0F", bytes, 2);
    CHECK_STATUS("PNP-10", access(d, IRP_MN_WRITE_CONFIG, 0, 0x0D, &latency, 1, &bytes), STATUS_SUCCESS);
    CHECK_EQ("PNP-10", bytes, 1);
    access(d, IRP_MN_READ_CONFIG, 0, 0x0D, &again, 1, &bytes);
    CHECK_EQ("PNP-10", again, 0x40);
    CHECK_STATUS("PNP-10", access(d, IRP_MN_WRITE_CONFIG, 0, 0, &unwritable, 2, &bytes), STATUS_SUCCESS);
    access(d, IRP_MN_READ_CONFIG, 0, 0, &vendor, 2, &bytes);
    CHECK_EQ("PNP-10", vendor, 0x1AF4);
    CHECK("PNP-0F", !NT_SUCCESS(access(d, IRP_MN_READ_CONFIG, 0x77, 0, &vendor, 2, &bytes)));
    CHECK("PNP-10", !NT_SUCCESS(access(d, IRP_MN_WRITE_CONFIG, 0x77, 0, &vendor, 2, &bytes)));
    access(d, IRP_MN_READ_CONFIG, 0, 0xFE, (UCHAR[8]){0}, 8, &bytes);
    CHECK_EQ("PNP-0F", bytes, 2);
}

/* From DISPATCH_LEVEL, where no request can be sent. */
static void by_interface(struct device *d)
{
    IO_STACK_LOCATION parameters;
    USHORT vendor = 0;
    UCHAR latency = 0x20;
    KIRQL irql;

    RtlZeroMemory(&parameters, sizeof(parameters));
    parameters.Parameters.QueryInterface.InterfaceType = &bus_interface_standard;
    parameters.Parameters.QueryInterface.Size = sizeof(d->bus);
    parameters.Parameters.QueryInterface.Version = 1;
    parameters.Parameters.QueryInterface.Interface = (PINTERFACE)&d->bus;
    CHECK_STATUS("PNP-08", ask_pnp(d, IRP_MN_QUERY_INTERFACE, &parameters, NULL), STATUS_SUCCESS);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    CHECK_EQ("PNP-08", d->bus.GetBusData(d->bus.Context, 0, &vendor, 0, 2), 2);
    CHECK_EQ("PNP-08", vendor, 0x1AF4);
    CHECK_EQ("PNP-08", d->bus.SetBusData(d->bus.Context, 0, &latency, 0x0D, 1), 1);
    latency = 0;
    d->bus.GetBusData(d->bus.Context, 0, &latency, 0x0D, 1);
    CHECK_EQ("PNP-08", latency, 0x20);
    KeLowerIrql(irql);
}

void use_configuration(struct device *d)
{
    by_requests(d);
    by_interface(d);
}
