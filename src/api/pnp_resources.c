/* SPDX-License-Identifier: MIT */
/* Resource lists as text: "memory 0xfeb00000-0xfeb00fff; interrupt 11 (vector 0xb1, level)". No state. */
#include "api/pnp.h"
#include "host/host.h"
#include "nt/io_pnp.h"

struct out {
    char *text;
    size_t room, at;
};

static void add(struct out *out, const char *format, uint64_t a, uint64_t b)
{
    if (out->at < out->room)
        out->at += (size_t)host_snprintf(out->text + out->at, out->room - out->at, format, a, b);
    out->at = MIN(out->at, out->room - 1);
}

static void add_range(struct out *out, const CM_PARTIAL_RESOURCE_DESCRIPTOR *d)
{
    uint64_t start = (uint64_t)d->u.Generic.Start.QuadPart, length = d->u.Generic.Length;

    if (d->Type == CmResourceTypeMemoryLarge)
        length <<= d->Flags & 0x0400 ? 16 : d->Flags & 0x0200 ? 8 : 0;
    add(out, "0x%llx-0x%llx", start, start + (length ? length - 1 : 0));
}

static void add_interrupt(struct out *out, const CM_PARTIAL_RESOURCE_DESCRIPTOR *raw,
                          const CM_PARTIAL_RESOURCE_DESCRIPTOR *translated)
{
    if (raw->Flags & CM_RESOURCE_INTERRUPT_MESSAGE) {
        add(out, "messages %llu", raw->u.MessageInterrupt.Raw.MessageCount, 0);
        if (translated)
            add(out, " (vector 0x%llx)", translated->u.MessageInterrupt.Translated.Vector, 0);
        return;
    }
    add(out, "interrupt %llu", raw->u.Interrupt.Vector, 0);
    if (translated)
        add(out, " (vector 0x%llx, IRQL %llu)", translated->u.Interrupt.Vector,
            translated->u.Interrupt.Level);
}

static void add_one(struct out *out, const CM_PARTIAL_RESOURCE_DESCRIPTOR *raw,
                    const CM_PARTIAL_RESOURCE_DESCRIPTOR *translated)
{
    if (out->at)
        add(out, "; ", 0, 0);
    switch (raw->Type) {
    case CmResourceTypePort:
        add(out, "port ", 0, 0);
        add_range(out, raw);
        break;
    case CmResourceTypeMemory:
    case CmResourceTypeMemoryLarge:
        add(out, "memory ", 0, 0);
        add_range(out, raw);
        break;
    case CmResourceTypeInterrupt:
        add_interrupt(out, raw, translated);
        break;
    case CmResourceTypeDma:
        add(out, "DMA channel %llu", raw->u.Dma.Channel, 0);
        break;
    case CmResourceTypeBusNumber:
        add(out, "bus %llu", raw->u.BusNumber.Start, 0);
        break;
    default:
        add(out, "type %llu", raw->Type, 0);
    }
}

void api_pnp_resources(char *text, size_t room, const CM_RESOURCE_LIST *raw,
                       const CM_RESOURCE_LIST *translated)
{
    struct out out = {text, room, 0};
    const CM_FULL_RESOURCE_DESCRIPTOR *r = raw ? raw->List : NULL, *t = translated ? translated->List : NULL;

    text[0] = '\0';
    for (ULONG i = 0; raw && i < raw->Count; i++) {
        ULONG count = r->PartialResourceList.Count;
        for (ULONG j = 0; j < count; j++)
            add_one(&out, &r->PartialResourceList.PartialDescriptors[j],
                    t ? &t->PartialResourceList.PartialDescriptors[j] : NULL);
        r = (const void *)(r->PartialResourceList.PartialDescriptors + count);
        /* PH-27: the same shape and order. */
        t = t ? (const void *)(t->PartialResourceList.PartialDescriptors + count) : NULL;
    }
}
