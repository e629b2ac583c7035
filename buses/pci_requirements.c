/* SPDX-License-Identifier: MIT */
/*
 * What a function decodes, as lists: where the firmware has put it (its boot
 * configuration), and where it could be. Interrupts are alternative lists, best
 * first: all messages that the registry allows, one message, the line. Messages
 * are asked for only if the device's key says MSISupported, which its INF
 * writes. Rules: PNP-0A, PNP-0B, INT-14.
 */
#include "pci_bus.h"
#include "rtl/exports.h"

#define TOKEN         CM_RESOURCE_INTERRUPT_MESSAGE_TOKEN
#define PORT_FLAGS    (CM_RESOURCE_PORT_IO | CM_RESOURCE_PORT_16_BIT_DECODE | CM_RESOURCE_PORT_POSITIVE_DECODE)
#define MESSAGE_FLAGS (CM_RESOURCE_INTERRUPT_LATCHED | CM_RESOURCE_INTERRUPT_MESSAGE)
#define MSI_MOST      16 /* messages that the system gives a device with the older capability */

static unsigned decoder_count(const struct pci_child *child)
{
    unsigned count = 0;
    for (unsigned i = 0; i < PCI_BARS; i++)
        count += child->decoders[i].present;
    return count;
}

static UCHAR type_of(const struct pci_decoder *decoder)
{
    return decoder->is_ports ? CmResourceTypePort : CmResourceTypeMemory;
}

static USHORT flags_of(const struct pci_decoder *decoder)
{
    if (decoder->is_ports)
        return PORT_FLAGS | CM_RESOURCE_PORT_BAR;
    return CM_RESOURCE_MEMORY_BAR |
           (decoder->prefetchable ? CM_RESOURCE_MEMORY_PREFETCHABLE : CM_RESOURCE_MEMORY_READ_WRITE);
}

static bool has_line(const struct pci_child *child)
{
    return child->pin != 0 && child->line < HAL_LINES;
}

/* ---- at boot ---- */

static void add_boot(CM_PARTIAL_RESOURCE_LIST *list, const struct pci_decoder *decoder)
{
    PCM_PARTIAL_RESOURCE_DESCRIPTOR d = list->PartialDescriptors + list->Count++;
    d->ShareDisposition = CmResourceShareDeviceExclusive;
    d->Flags = flags_of(decoder);
    RtlCmEncodeMemIoResource(d, type_of(decoder), decoder->size, decoder->boot);
}

static void add_boot_line(CM_PARTIAL_RESOURCE_LIST *list, const struct pci_child *child)
{
    PCM_PARTIAL_RESOURCE_DESCRIPTOR d = list->PartialDescriptors + list->Count++;
    d->Type = CmResourceTypeInterrupt;
    d->ShareDisposition = CmResourceShareShared;
    d->Flags = CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE;
    d->u.Interrupt.Level = child->line;
    d->u.Interrupt.Vector = child->line;
    d->u.Interrupt.Affinity = ~(KAFFINITY)0;
}

PCM_RESOURCE_LIST pci_boot_resources(const struct pci_child *child)
{
    unsigned count = decoder_count(child) + has_line(child);
    size_t bytes = offsetof(CM_RESOURCE_LIST, List[0].PartialResourceList.PartialDescriptors) +
                   count * sizeof(CM_PARTIAL_RESOURCE_DESCRIPTOR);
    if (!child->decodes || count == 0)
        return NULL;
    PCM_RESOURCE_LIST list = mm_pool_allocate(PagedPool, bytes, PCI_BUS_TAG, true, pci_boot_resources);
    if (!list)
        return NULL;
    CM_PARTIAL_RESOURCE_LIST *partial = &list->List[0].PartialResourceList;
    list->Count = 1;
    list->List[0].InterfaceType = PCIBus;
    partial->Version = partial->Revision = 1;
    for (unsigned i = 0; i < PCI_BARS; i++)
        if (child->decoders[i].present && child->decoders[i].boot != 0)
            add_boot(partial, &child->decoders[i]);
    if (has_line(child))
        add_boot_line(partial, child);
    return list;
}

/* ---- wanted ---- */

/* A value of the key to which the INF's section for the hardware writes. */
static ULONG message_property(const struct pci_child *child, const WCHAR *name, ULONG otherwise)
{
    struct pnp_node *node = pnp_node_of(child->self);
    WCHAR path[PNP_PATH_CHARS];
    ULONG type, value, length = sizeof(value);
    if (!node ||
        !pnp_enum_path(node, u"Device Parameters\\Interrupt Management\\MessageSignaledInterruptProperties",
                       path, countof(path)) ||
        !NT_SUCCESS(cm_query_value(path, name, &type, &value, &length)) || type != REG_DWORD)
        return otherwise;
    return value;
}

static ULONG power_of_two_below(ULONG value)
{
    ULONG power = 1;
    while (power * 2 <= value)
        power *= 2;
    return power;
}

/* How many messages to ask for: 0, the device has none or its INF does not allow them. */
static ULONG wanted_messages(const struct pci_child *child)
{
    ULONG limit = message_property(child, u"MessageNumberLimit", ~0u);
    if (message_property(child, u"MSISupported", 0) != 1)
        return 0;
    if (limit == 0)
        limit = 1;
    if (child->msix_at)
        return MIN(child->msix_messages, limit);
    return child->msi_at ? power_of_two_below(MIN(MIN(child->msi_messages, limit), MSI_MOST)) : 0;
}

static void add_decoders(const struct pci_child *child, PIO_RESOURCE_LIST list)
{
    for (unsigned i = 0; i < PCI_BARS; i++) {
        const struct pci_decoder *decoder = &child->decoders[i];
        PIO_RESOURCE_DESCRIPTOR d = list->Descriptors + list->Count;
        ULONGLONG highest = decoder->is_ports ? 0xFFFF : decoder->is_64bit ? ~0ull : 0xFFFFFFFF;
        if (!decoder->present)
            continue;
        d->ShareDisposition = CmResourceShareDeviceExclusive;
        d->Flags = flags_of(decoder);
        RtlIoEncodeMemIoResource(d, type_of(decoder), decoder->size, decoder->size, 0, highest);
        list->Count++;
    }
}

static void add_interrupt(PIO_RESOURCE_LIST list, USHORT flags, ULONG low, ULONG high)
{
    PIO_RESOURCE_DESCRIPTOR d = list->Descriptors + list->Count++;
    bool message = (flags & CM_RESOURCE_INTERRUPT_MESSAGE) != 0;
    d->Type = CmResourceTypeInterrupt;
    d->ShareDisposition = message ? CmResourceShareDeviceExclusive : CmResourceShareShared;
    d->Flags = flags;
    d->u.Interrupt.MinimumVector = low;
    d->u.Interrupt.MaximumVector = high;
}

/* Of the newer capability one descriptor a message, of the older one for all. Rules: INT-14. */
static ULONG descriptors_for(const struct pci_child *child, ULONG messages)
{
    return child->msix_at ? messages : 1;
}

static void add_messages(const struct pci_child *child, PIO_RESOURCE_LIST list, ULONG messages)
{
    for (ULONG i = 0; i < messages && child->msix_at; i++)
        add_interrupt(list, MESSAGE_FLAGS, TOKEN, TOKEN);
    if (!child->msix_at)
        add_interrupt(list, MESSAGE_FLAGS, TOKEN - messages + 1, TOKEN);
}

struct builder {
    const struct pci_child *child;
    PIO_RESOURCE_REQUIREMENTS_LIST list; /* NULL: only measured */
    PIO_RESOURCE_LIST at;
    size_t bytes;
    ULONG alternatives;
};

/* With so many messages; 0: with the line, if there is one. */
static void add_alternative(struct builder *builder, ULONG messages)
{
    const struct pci_child *child = builder->child;
    ULONG interrupts = messages ? descriptors_for(child, messages) : has_line(child);
    ULONG count = decoder_count(child) + interrupts;
    builder->alternatives++;
    builder->bytes += offsetof(IO_RESOURCE_LIST, Descriptors) + count * sizeof(IO_RESOURCE_DESCRIPTOR);
    if (!builder->list)
        return;
    builder->at->Version = builder->at->Revision = 1;
    add_decoders(child, builder->at);
    if (messages)
        add_messages(child, builder->at, messages);
    else if (interrupts)
        add_interrupt(builder->at, CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE, child->line, child->line);
    builder->at = (PIO_RESOURCE_LIST)(builder->at->Descriptors + builder->at->Count);
}

/* The best first. */
static void build(struct builder *builder)
{
    ULONG messages = wanted_messages(builder->child);
    builder->bytes = offsetof(IO_RESOURCE_REQUIREMENTS_LIST, List);
    builder->alternatives = 0;
    if (messages)
        add_alternative(builder, messages);
    if (messages > 1)
        add_alternative(builder, 1);
    if (!messages || has_line(builder->child))
        add_alternative(builder, 0);
}

PIO_RESOURCE_REQUIREMENTS_LIST pci_requirements(const struct pci_child *child)
{
    struct builder builder = {.child = child};
    build(&builder);
    if (decoder_count(child) == 0 && !has_line(child) && builder.alternatives == 1 && !wanted_messages(child))
        return NULL;
    size_t bytes = MAX(builder.bytes, sizeof(IO_RESOURCE_REQUIREMENTS_LIST));
    builder.list = mm_pool_allocate(PagedPool, bytes, PCI_BUS_TAG, true, pci_requirements);
    if (!builder.list)
        return NULL;
    builder.list->ListSize = (ULONG)bytes;
    builder.list->InterfaceType = PCIBus;
    builder.list->SlotNumber = (ULONG)child->device | (ULONG)child->function << 5;
    builder.at = builder.list->List;
    build(&builder);
    builder.list->AlternativeLists = builder.alternatives;
    return builder.list;
}
