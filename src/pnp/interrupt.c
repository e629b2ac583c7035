/* SPDX-License-Identifier: MIT */
/*
 * Which interrupts a device was started with, for those who connect by its PDO:
 * in the order of its resources, and of an MSI descriptor one for each message.
 * The lists belong to the PnP thread; a driver that connects is between
 * START_DEVICE and its end, or still in START_DEVICE, and they stay as they are.
 * Rules: INT-09, INT-10, INT-14.
 */
#include "pnp/resource.h"
#include "hal/hal.h"

static bool is_interrupt(const CM_PARTIAL_RESOURCE_DESCRIPTOR *d)
{
    return d->Type == CmResourceTypeInterrupt;
}

static bool is_message(const CM_PARTIAL_RESOURCE_DESCRIPTOR *d)
{
    return (d->Flags & CM_RESOURCE_INTERRUPT_MESSAGE) != 0;
}

static ULONG count_of(const CM_PARTIAL_RESOURCE_DESCRIPTOR *raw)
{
    /* INT-14: the raw descriptor of MSI tells how many there are. */
    return is_message(raw) ? MAX(raw->u.MessageInterrupt.Raw.MessageCount, 1) : 1;
}

static void describe(const CM_PARTIAL_RESOURCE_DESCRIPTOR *translated, ULONG message,
                     struct io_assigned_interrupt *interrupt)
{
    ULONG vector = is_message(translated) ? translated->u.MessageInterrupt.Translated.Vector + message
                                          : translated->u.Interrupt.Vector;
    interrupt->vector = vector;
    interrupt->irql = hal_vector_irql(vector);
    interrupt->processors = translated->u.Interrupt.Affinity;
    interrupt->latched = (translated->Flags & CM_RESOURCE_INTERRUPT_LATCHED) != 0;
    interrupt->shared = translated->ShareDisposition == CmResourceShareShared;
    interrupt->message = is_message(translated);
}

static bool find(const CM_PARTIAL_RESOURCE_LIST *raw, const CM_PARTIAL_RESOURCE_LIST *translated, ULONG index,
                 struct io_assigned_interrupt *interrupt)
{
    for (ULONG i = 0; i < raw->Count; i++) {
        const CM_PARTIAL_RESOURCE_DESCRIPTOR *d = raw->PartialDescriptors + i;
        if (!is_interrupt(d))
            continue;
        if (index < count_of(d)) {
            describe(translated->PartialDescriptors + i, index, interrupt);
            return true;
        }
        index -= count_of(d);
    }
    return false;
}

bool resource_assigned_interrupt(PDEVICE_OBJECT pdo, ULONG index, struct io_assigned_interrupt *interrupt)
{
    const struct pnp_node *node = pnp_node_of(pdo);
    if (!node || !node->raw_resources)
        return false;
    return find(&node->raw_resources->List[0].PartialResourceList,
                &node->translated_resources->List[0].PartialResourceList, index, interrupt);
}
