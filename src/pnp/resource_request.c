/* SPDX-License-Identifier: MIT */
/*
 * Single descriptors: what a requirement asks for in the arbiter's terms, and
 * the descriptor of what was assigned. A message-signaled interrupt asks for
 * vectors: one, or with MSI a block of them that is aligned to its size,
 * because the device tells its messages apart by the low bits of the data.
 */
#include "pnp/resource.h"
#include "hal/hal.h"
#include "rtl/exports.h"

#define TOKEN        CM_RESOURCE_INTERRUPT_MESSAGE_TOKEN
#define MOST_VECTORS (HAL_VECTOR_END - HAL_VECTOR_FIRST)

static bool is_message(USHORT flags)
{
    return (flags & CM_RESOURCE_INTERRUPT_MESSAGE) != 0;
}

static ULONG message_count(const IO_RESOURCE_DESCRIPTOR *d)
{
    return d->u.Interrupt.MaximumVector - d->u.Interrupt.MinimumVector + 1;
}

static uint64_t round_up(uint64_t value)
{
    uint64_t power = 1;
    while (power < value)
        power *= 2;
    return power;
}

/* The processors take vectors in thirds: a driver's wish decides which is tried first. */
static void prefer_priority(const IO_RESOURCE_DESCRIPTOR *d, struct resource_request *request)
{
    const unsigned third = MOST_VECTORS / 3;
    ULONG priority = d->u.Interrupt.PriorityPolicy;
    if (!(d->Flags & CM_RESOURCE_INTERRUPT_POLICY_INCLUDED) || priority < IrqPriorityLow ||
        priority > IrqPriorityHigh)
        return;
    request->preferred_minimum = HAL_VECTOR_FIRST + (priority - IrqPriorityLow) * third;
    request->preferred_maximum = request->preferred_minimum + third - 1;
}

static bool read_messages(const IO_RESOURCE_DESCRIPTOR *d, struct resource_request *request)
{
    /* INT-14: an MSI descriptor's range counts its messages; an MSI-X descriptor is one message. */
    request->length = message_count(d);
    if (d->u.Interrupt.MaximumVector != TOKEN || request->length == 0 || request->length > MOST_VECTORS)
        return false;
    request->space = RESOURCE_VECTORS;
    request->alignment = round_up(request->length);
    request->minimum = HAL_VECTOR_FIRST;
    request->maximum = HAL_VECTOR_END - 1;
    request->shared = false;
    request->latched = true;
    prefer_priority(d, request);
    return true;
}

static bool read_line(const IO_RESOURCE_DESCRIPTOR *d, struct resource_request *request)
{
    request->space = RESOURCE_LINES;
    request->length = 1;
    request->minimum = d->u.Interrupt.MinimumVector;
    request->maximum = MIN(d->u.Interrupt.MaximumVector, HAL_LINES - 1);
    request->latched = (d->Flags & CM_RESOURCE_INTERRUPT_LEVEL_LATCHED_BITS) != 0;
    return true;
}

static bool read_range(const IO_RESOURCE_DESCRIPTOR *d, struct resource_request *request)
{
    request->space = d->Type == CmResourceTypePort ? RESOURCE_PORTS : RESOURCE_MEMORY;
    request->length = RtlIoDecodeMemIoResource((PIO_RESOURCE_DESCRIPTOR)d, &request->alignment,
                                               &request->minimum, &request->maximum);
    if (request->space == RESOURCE_PORTS)
        request->maximum = MIN(request->maximum, 0xFFFF);
    return true;
}

static void read_channel(const IO_RESOURCE_DESCRIPTOR *d, struct resource_request *request)
{
    request->space = RESOURCE_CHANNELS;
    request->length = 1;
    request->minimum = d->u.Dma.MinimumChannel;
    request->maximum = MIN(d->u.Dma.MaximumChannel, 7);
    if (d->Flags & CM_RESOURCE_DMA_V3)
        request->minimum = request->maximum = d->u.DmaV3.Channel;
}

static void read_bus(const IO_RESOURCE_DESCRIPTOR *d, struct resource_request *request)
{
    request->space = RESOURCE_BUSES;
    request->length = d->u.BusNumber.Length;
    request->minimum = d->u.BusNumber.MinBusNumber;
    request->maximum = MIN(d->u.BusNumber.MaxBusNumber, 0xFF);
}

static bool is_plain(UCHAR type)
{
    return type >= CmResourceTypeNonArbitrated || type == CmResourceTypeNull;
}

static bool read_type(const IO_RESOURCE_DESCRIPTOR *d, struct resource_request *request)
{
    switch (d->Type) {
    case CmResourceTypePort:
    case CmResourceTypeMemory:
    case CmResourceTypeMemoryLarge:
        return read_range(d, request);
    case CmResourceTypeInterrupt:
        return is_message(d->Flags) ? read_messages(d, request) : read_line(d, request);
    case CmResourceTypeDma:
        read_channel(d, request);
        return true;
    case CmResourceTypeBusNumber:
        read_bus(d, request);
        return true;
    default:
        request->space = RESOURCE_NONE;
        return is_plain(d->Type);
    }
}

bool resource_request_of(const IO_RESOURCE_DESCRIPTOR *d, struct resource_request *request)
{
    *request =
        (struct resource_request){.alignment = 1, .shared = d->ShareDisposition == CmResourceShareShared};
    if (!read_type(d, request))
        return false;
    if (request->alignment == 0)
        request->alignment = 1;
    return request->space == RESOURCE_NONE || request->length != 0;
}

/* ---- what was assigned ---- */

static KAFFINITY affinity_of(const IO_RESOURCE_DESCRIPTOR *d)
{
    KAFFINITY active = KeQueryActiveProcessors();
    if (!(d->Flags & CM_RESOURCE_INTERRUPT_POLICY_INCLUDED))
        return active;
    if (d->u.Interrupt.AffinityPolicy == IrqPolicySpecifiedProcessors &&
        (d->u.Interrupt.TargetedProcessors & active) != 0)
        return d->u.Interrupt.TargetedProcessors & active;
    if (d->u.Interrupt.AffinityPolicy == IrqPolicyOneCloseProcessor)
        return active & -active;
    return active;
}

static void assign_interrupt(const IO_RESOURCE_DESCRIPTOR *d, uint64_t first,
                             CM_PARTIAL_RESOURCE_DESCRIPTOR *out)
{
    out->Flags &= (USHORT)~CM_RESOURCE_INTERRUPT_POLICY_INCLUDED;
    if (is_message(d->Flags)) {
        /* INT-14: of MSI one descriptor with a count; of MSI-X one a message. */
        out->u.MessageInterrupt.Raw.MessageCount = (USHORT)message_count(d);
        out->u.MessageInterrupt.Raw.Vector = (ULONG)first;
        out->u.MessageInterrupt.Raw.Affinity = affinity_of(d);
        return;
    }
    out->u.Interrupt.Level = (USHORT)first;
    out->u.Interrupt.Vector = (ULONG)first;
    out->u.Interrupt.Affinity =
        d->Flags & CM_RESOURCE_INTERRUPT_POLICY_INCLUDED ? affinity_of(d) : ~(KAFFINITY)0;
}

static void assign_channel(const IO_RESOURCE_DESCRIPTOR *d, uint64_t first,
                           CM_PARTIAL_RESOURCE_DESCRIPTOR *out)
{
    out->u.Dma.Channel = (ULONG)first;
    if (!(d->Flags & CM_RESOURCE_DMA_V3))
        return;
    out->u.DmaV3.RequestLine = d->u.DmaV3.RequestLine;
    out->u.DmaV3.TransferWidth = (UCHAR)d->u.DmaV3.TransferWidth;
}

void resource_assigned(const IO_RESOURCE_DESCRIPTOR *d, uint64_t first, CM_PARTIAL_RESOURCE_DESCRIPTOR *out)
{
    *out = (CM_PARTIAL_RESOURCE_DESCRIPTOR){
        .Type = d->Type, .ShareDisposition = d->ShareDisposition, .Flags = d->Flags};
    switch (d->Type) {
    case CmResourceTypePort:
    case CmResourceTypeMemory:
    case CmResourceTypeMemoryLarge: /* in the form in which it was asked for */
        out->u.Generic.Start.QuadPart = (LONGLONG)first;
        out->u.Generic.Length = d->u.Generic.Length;
        break;
    case CmResourceTypeInterrupt:
        assign_interrupt(d, first, out);
        break;
    case CmResourceTypeDma:
        assign_channel(d, first, out);
        break;
    case CmResourceTypeBusNumber:
        out->u.BusNumber.Start = (ULONG)first;
        out->u.BusNumber.Length = d->u.BusNumber.Length;
        break;
    case CmResourceTypeConnection:
        out->u.Connection.Class = d->u.Connection.Class;
        out->u.Connection.Type = d->u.Connection.Type;
        out->u.Connection.IdLowPart = d->u.Connection.IdLowPart;
        out->u.Connection.IdHighPart = d->u.Connection.IdHighPart;
        break;
    default:
        __builtin_memcpy(out->u.DevicePrivate.Data, d->u.DevicePrivate.Data,
                         sizeof(out->u.DevicePrivate.Data));
        break;
    }
}

/* ---- back again ---- */

bool resource_claim_of(const CM_PARTIAL_RESOURCE_DESCRIPTOR *d, struct resource_claim *claim)
{
    IO_RESOURCE_DESCRIPTOR fixed;
    struct resource_request request;
    resource_fixed(d, &fixed);
    if (!resource_request_of(&fixed, &request) || request.space == RESOURCE_NONE)
        return false;
    claim->space = request.space;
    claim->first = request.minimum;
    if (request.space == RESOURCE_VECTORS)
        claim->first = d->u.MessageInterrupt.Raw.Vector;
    claim->last = claim->first + request.length - 1;
    claim->shared = request.shared;
    claim->latched = request.latched;
    return true;
}

static void fix_interrupt(const CM_PARTIAL_RESOURCE_DESCRIPTOR *d, IO_RESOURCE_DESCRIPTOR *out)
{
    if (is_message(d->Flags)) {
        out->u.Interrupt.MaximumVector = TOKEN;
        out->u.Interrupt.MinimumVector = TOKEN - MAX(d->u.MessageInterrupt.Raw.MessageCount, 1) + 1;
        return;
    }
    out->u.Interrupt.MinimumVector = out->u.Interrupt.MaximumVector = d->u.Interrupt.Vector;
}

static void fix_range(const CM_PARTIAL_RESOURCE_DESCRIPTOR *d, IO_RESOURCE_DESCRIPTOR *out)
{
    ULONGLONG start, length = RtlCmDecodeMemIoResource((PCM_PARTIAL_RESOURCE_DESCRIPTOR)d, &start);
    out->u.Generic.Length = d->u.Generic.Length;
    out->u.Generic.Alignment = d->Type == CmResourceTypeMemoryLarge ? 0 : 1;
    out->u.Generic.MinimumAddress.QuadPart = (LONGLONG)start;
    out->u.Generic.MaximumAddress.QuadPart = (LONGLONG)(start + length - 1);
}

static void fix_channel(const CM_PARTIAL_RESOURCE_DESCRIPTOR *d, IO_RESOURCE_DESCRIPTOR *out)
{
    out->u.Dma.MinimumChannel = out->u.Dma.MaximumChannel = d->u.Dma.Channel;
    if (!(d->Flags & CM_RESOURCE_DMA_V3))
        return;
    out->u.DmaV3.RequestLine = d->u.DmaV3.RequestLine;
    out->u.DmaV3.Reserved = 0;
    out->u.DmaV3.Channel = d->u.DmaV3.Channel;
    out->u.DmaV3.TransferWidth = d->u.DmaV3.TransferWidth;
}

void resource_fixed(const CM_PARTIAL_RESOURCE_DESCRIPTOR *d, IO_RESOURCE_DESCRIPTOR *out)
{
    *out =
        (IO_RESOURCE_DESCRIPTOR){.Type = d->Type, .ShareDisposition = d->ShareDisposition, .Flags = d->Flags};
    switch (d->Type) {
    case CmResourceTypePort:
    case CmResourceTypeMemory:
    case CmResourceTypeMemoryLarge:
        fix_range(d, out);
        break;
    case CmResourceTypeInterrupt:
        fix_interrupt(d, out);
        break;
    case CmResourceTypeDma:
        fix_channel(d, out);
        break;
    case CmResourceTypeBusNumber:
        out->u.BusNumber.Length = d->u.BusNumber.Length;
        out->u.BusNumber.MinBusNumber = d->u.BusNumber.Start;
        out->u.BusNumber.MaxBusNumber = d->u.BusNumber.Start + d->u.BusNumber.Length - 1;
        break;
    case CmResourceTypeConnection:
        out->u.Connection.Class = d->u.Connection.Class;
        out->u.Connection.Type = d->u.Connection.Type;
        out->u.Connection.IdLowPart = d->u.Connection.IdLowPart;
        out->u.Connection.IdHighPart = d->u.Connection.IdHighPart;
        break;
    default:
        __builtin_memcpy(out->u.DevicePrivate.Data, d->u.DevicePrivate.Data,
                         sizeof(out->u.DevicePrivate.Data));
        break;
    }
}
