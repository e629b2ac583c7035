/* SPDX-License-Identifier: MIT */
/*
 * Raw resources are numbers of the bus; translated ones are what processors
 * use. On this machine ports and memory are the same for both; an interrupt
 * line becomes the vector that it leads to, at that vector's IRQL, and a
 * message the vector that it names. Rules: PH-27, INT-01, INT-02.
 */
#include "pnp/resource.h"
#include "hal/hal.h"

static bool translate_line(CM_PARTIAL_RESOURCE_DESCRIPTOR *descriptor)
{
    ULONG vector = hal_vector_of_line(descriptor->u.Interrupt.Level);
    KAFFINITY active = KeQueryActiveProcessors(), wanted = descriptor->u.Interrupt.Affinity & active;
    if (vector == 0)
        return false;
    /* INT-01: Level is the IRQL at which the service routine is connected, */
    descriptor->u.Interrupt.Level = hal_vector_irql(vector);
    /* INT-01: Vector what it is connected to, */
    descriptor->u.Interrupt.Vector = vector;
    /* INT-01: and Affinity the processors that take it. */
    descriptor->u.Interrupt.Affinity = wanted != 0 ? wanted : active;
    return true;
}

static bool translate_message(CM_PARTIAL_RESOURCE_DESCRIPTOR *descriptor)
{
    ULONG vector = descriptor->u.MessageInterrupt.Raw.Vector;
    USHORT group = descriptor->u.MessageInterrupt.Raw.Group;
    KAFFINITY affinity = descriptor->u.MessageInterrupt.Raw.Affinity;
    /* INT-02: Translated has the IRQL where Raw counts the messages. */
    descriptor->u.MessageInterrupt.Translated.Level = hal_vector_irql(vector);
    descriptor->u.MessageInterrupt.Translated.Group = group;
    descriptor->u.MessageInterrupt.Translated.Vector = vector;
    descriptor->u.MessageInterrupt.Translated.Affinity = affinity;
    return vector >= HAL_VECTOR_FIRST && vector < HAL_VECTOR_END;
}

static bool translate_one(CM_PARTIAL_RESOURCE_DESCRIPTOR *descriptor)
{
    switch (descriptor->Type) {
    case CmResourceTypePort:
        return (ULONGLONG)descriptor->u.Port.Start.QuadPart + descriptor->u.Port.Length <= 0x10000;
    case CmResourceTypeInterrupt:
        return descriptor->Flags & CM_RESOURCE_INTERRUPT_MESSAGE ? translate_message(descriptor)
                                                                 : translate_line(descriptor);
    default:
        return true;
    }
}

static bool translate_all(CM_RESOURCE_LIST *list)
{
    CM_FULL_RESOURCE_DESCRIPTOR *full = list->List;
    for (ULONG i = 0; i < list->Count; i++) {
        for (ULONG j = 0; j < full->PartialResourceList.Count; j++)
            if (!translate_one(&full->PartialResourceList.PartialDescriptors[j]))
                return false;
        full = (CM_FULL_RESOURCE_DESCRIPTOR *)resource_next_full(full);
    }
    return true;
}

CM_RESOURCE_LIST *resource_translate(const CM_RESOURCE_LIST *raw, NTSTATUS *status)
{
    /* PH-27: the same shape and order. */
    CM_RESOURCE_LIST *list = resource_copy(raw, resource_list_bytes(raw));
    *status = list ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
    if (list && !translate_all(list)) {
        resource_free(list);
        list = NULL;
        *status = STATUS_INVALID_PARAMETER;
    }
    return list;
}
