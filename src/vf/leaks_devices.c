/* SPDX-License-Identifier: MIT */
/*
 * Requests and hardware that a driver leaves: pending and sent IRPs,
 * interrupts, controllers, DMA.
 */
#include "vf/leaks_internal.h"

/* With a device of the driver. Those of its own making are told by see_irp. */
static void see_kept(PIRP irp, const void *routine, void *context)
{
    if (!vf_leak_is_image_s(context, io_irp_maker(irp)))
        vf_leak_add(context, (struct item){.object = irp, .owner = routine});
}

/* With a driver below, and a completion routine of this one is to be called. */
static void see_returning(PIRP irp, void *context)
{
    const IO_STACK_LOCATION *bottom = irp->Tail.Overlay.CurrentStackLocation;

    if (vf_leak_is_image_s(context, io_irp_maker(irp)))
        return;
    for (int i = 0; i <= irp->StackCount - irp->CurrentLocation; i++)
        if (vf_leak_is_image_s(context, (const void *)bottom[i].CompletionRoutine)) {
            vf_leak_add(context,
                        (struct item){.object = irp, .owner = (const void *)bottom[i].CompletionRoutine});
            return;
        }
}

static void see_controller(const CONTROLLER_OBJECT *controller, const void *caller, void *context)
{
    if (vf_leak_is_image_s(context, caller))
        vf_leak_add(context, (struct item){.object = controller, .owner = caller});
}

/* Windows NT had no routine that releases an adapter of HalGetAdapter. */
static void see_adapter(const struct hal_adapter_info *info, void *context)
{
    if (!info->permanent && vf_leak_is_image_s(context, info->caller))
        vf_leak_add(context, (struct item){.object = info->adapter, .owner = info->caller});
}

static void see_common_buffer(const struct hal_buffer_info *info, void *context)
{
    if (vf_leak_is_image_s(context, info->caller))
        vf_leak_add(context,
                    (struct item){.object = info->address, .size = info->length, .owner = info->caller});
}

enum { DMA_WAITING, DMA_LIST, DMA_CHANNEL, DMA_REGISTERS, DMA_KINDS };

struct dma_leaks {
    struct leak kinds[DMA_KINDS];
    bool calls; /* into the driver, later */
};

/* A list's channel and registers go with it, and a channel's registers with that. */
static void see_dma_request(const struct hal_request_info *info, void *context)
{
    struct dma_leaks *leaks = context;
    unsigned kind = info->waits     ? DMA_WAITING
                    : info->list    ? DMA_LIST
                    : info->channel ? DMA_CHANNEL
                                    : DMA_REGISTERS;

    leaks->calls |= vf_leak_is_image_s(&leaks->kinds[0], info->routine);
    if (vf_leak_is_image_s(&leaks->kinds[kind], info->caller))
        vf_leak_add(&leaks->kinds[kind], (struct item){.object = info->handle, .owner = info->caller});
}

static void see_interrupt(const void *routine, ULONG vector, void *context)
{
    if (vf_leak_is_image_s(context, routine))
        vf_leak_add(context, (struct item){.object = (const void *)(uintptr_t)vector, .owner = routine});
}

void vf_look_at_requests(struct going *going)
{
    struct leak kept = vf_leak_of(going, "pending IRP", "IoCompleteRequest"),
                returning = vf_leak_of(going, "sent IRP", "waiting for its completion routine");

    vf_each_irp_kept(going->driver, see_kept, &kept);
    io_for_each_irp(see_returning, &returning);
    going->stays |= vf_leak_report(going, &kept);
    going->stays |= vf_leak_report(going, &returning);
    vf_forget_irps_kept(going->driver);
}

/* Named by their vectors. */
void vf_look_at_interrupts(struct going *going)
{
    struct leak leak = vf_leak_of(going, "connected interrupt", "IoDisconnectInterrupt");
    io_for_each_interrupt(see_interrupt, &leak);
    going->stays |= vf_leak_report(going, &leak);
}

void vf_look_at_controllers(struct going *going)
{
    struct leak leak = vf_leak_of(going, "controller object", "IoDeleteController");
    io_for_each_controller(see_controller, &leak);
    vf_leak_report(going, &leak);
}

/* Requests first: what they have hangs on an adapter. */
void vf_look_at_dma(struct going *going)
{
    struct dma_leaks requests = {
        .kinds = {[DMA_WAITING] = vf_leak_of(going, "waiting DMA request",
                                             "CancelAdapterChannel or waiting for its routine"),
                  [DMA_LIST] = vf_leak_of(going, "scatter/gather list", "PutScatterGatherList"),
                  [DMA_CHANNEL] = vf_leak_of(going, "DMA adapter channel", "FreeAdapterChannel"),
                  [DMA_REGISTERS] = vf_leak_of(going, "map register allocation", "FreeMapRegisters")}};
    struct leak buffers = vf_leak_of(going, "DMA common buffer", "FreeCommonBuffer"),
                adapters = vf_leak_of(going, "DMA adapter", "PutDmaAdapter");

    hal_for_each_dma_request(see_dma_request, &requests);
    hal_for_each_common_buffer(see_common_buffer, &buffers);
    hal_for_each_adapter(see_adapter, &adapters);
    for (unsigned i = 0; i < DMA_KINDS; i++)
        vf_leak_report(going, &requests.kinds[i]);
    vf_leak_report(going, &buffers);
    vf_leak_report(going, &adapters);
    going->stays |= requests.calls;
}
