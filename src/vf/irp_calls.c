/* SPDX-License-Identifier: MIT */
/*
 * What a driver may do with an IRP at the moment it calls the I/O manager:
 * send it, complete it, free it, make it new. What the pointers lead to is
 * looked at before it is believed; what the driver itself may have forgotten is
 * told from what a lower or an upper driver owns by the images involved.
 */
#include "vf/seams.h"
#include "nt/bugcodes.h"

#define C9               DRIVER_VERIFIER_IOMANAGER_VIOLATION
#define SL_INVOKE        (SL_INVOKE_ON_SUCCESS | SL_INVOKE_ON_ERROR | SL_INVOKE_ON_CANCEL)
#define LOCATION_OF(irp) ((const IO_STACK_LOCATION *)((irp) + 1))

/* What the rules below look at. */
struct deed {
    const struct vf_call *call;
    const IRP *irp;
    const IO_STACK_LOCATION *current, *next; /* NULL: none there */
    const DEVICE_OBJECT *target;
    ULONG64 image; /* base of the caller's; 0: none */
};

static bool find_c9(const struct deed *d, struct vf_finding *f, ULONG kind, ULONG64 p4, const char *what)
{
    vf_find(f, C9, kind, d->call->caller, (ULONG64)d->irp, p4, "%s %s", d->call->export->name, what);
    f->irp = d->irp;
    f->device = d->target;
    return true;
}

/* The numbered kinds of the first level have parameters of their own. */
static bool find_basic(const struct deed *d, struct vf_finding *f, ULONG kind, ULONG64 p2, const char *what)
{
    find_c9(d, f, kind, 0, what);
    f->p[1] = p2;
    f->p[2] = 0;
    return true;
}

static bool is_irp(const IRP *irp)
{
    return (io_irp_was_ours(irp) || vf_is_readable(irp, sizeof(*irp))) && irp->Type == IO_TYPE_IRP;
}

static bool is_device(const DEVICE_OBJECT *device)
{
    return vf_is_readable(device, sizeof(*device)) && device->Type == IO_TYPE_DEVICE &&
           vf_is_readable(device->DriverObject, sizeof(DRIVER_OBJECT)) &&
           device->DriverObject->Type == IO_TYPE_DRIVER;
}

/* The number and the pointer of the current location say the same, and it lies in the IRP. */
static bool is_consistent(const IRP *irp)
{
    int index = irp->CurrentLocation;
    return irp->StackCount >= 0 && index >= 0 && index <= irp->StackCount + 1 &&
           irp->Tail.Overlay.CurrentStackLocation == LOCATION_OF(irp) + index - 1 &&
           (io_irp_was_ours(irp) || irp->StackCount == 0 ||
            vf_is_readable(LOCATION_OF(irp), (size_t)irp->StackCount * sizeof(IO_STACK_LOCATION)));
}

static ULONG64 image_of(ULONG64 address)
{
    const struct arch_image *image = arch_image_find(address);
    return image != NULL ? image->base : 0;
}

static ULONG64 owner_of(const IO_STACK_LOCATION *location)
{
    DEVICE_OBJECT device;
    DRIVER_OBJECT driver;
    if (!vf_peek_device(location->DeviceObject, &device) ||
        !vf_peek(&driver, device.DriverObject, sizeof(driver)))
        return 0;
    return (ULONG64)driver.DriverStart;
}

static void describe(struct deed *d, const struct vf_call *call, const IRP *irp)
{
    int index = irp->CurrentLocation;
    *d = (struct deed){.call = call, .irp = irp, .image = image_of(call->caller)};
    d->current = index >= 1 && index <= irp->StackCount ? LOCATION_OF(irp) + index - 1 : NULL;
    d->next = index >= 2 ? LOCATION_OF(irp) + index - 2 : NULL;
}

/* The IRP is with a driver below, which said so by STATUS_PENDING, and the caller has one of the locations
 * above it but not that one. */
static bool is_queued_below(const struct deed *d)
{
    int index = d->irp->CurrentLocation;
    if (d->current == NULL || d->image == 0 || vf_irp_state_of(d->irp, index) != VF_IRP_PENDED ||
        owner_of(d->current) == d->image)
        return false;
    for (int above = index + 1; above <= d->irp->StackCount; above++)
        if (owner_of(LOCATION_OF(d->irp) + above - 1) == d->image)
            return true;
    return false;
}

static bool holds_spin_lock(const struct deed *d, const struct vf_locks *locks, struct vf_finding *f)
{
    char where[VF_DESCRIPTION], what[VF_DESCRIPTION + 120];
    struct vf_text text;
    if (likely(locks->count == 0))
        return false;
    const struct vf_lock *held = &locks->held[MIN(locks->count, VF_LOCKS) - 1];
    vf_text_init(&text, what, sizeof(what));
    vf_text_add(&text, "was called while %s is held",
                held->lock == VF_CANCEL_LOCK ? "the cancel spin lock" : "a spin lock");
    if (held->caller != 0) {
        vf_describe(held->caller, where, sizeof(where));
        vf_text_add(&text, ", since %s", where);
    }
    vf_text_add(&text, ": other drivers run from here, and it may deadlock (rule SpinLockSafe)");
    find_c9(d, f, 0x200, held->lock, what);
    return true;
}

/* ---- sending ---- */

/* A copy of the whole location brings the upper driver's routine with it. A location that was skipped is the
 * caller's own, and then the current one is not. */
static bool check_copy(const struct deed *d, struct vf_finding *f)
{
    const IO_STACK_LOCATION *current = d->current, *next = d->next;
    if (current == NULL || next == NULL || current->DeviceObject == NULL ||
        current->DeviceObject != next->DeviceObject || current->MajorFunction != next->MajorFunction)
        return false;
    if (vf_irp_holder(d->irp, d->irp->CurrentLocation - 1) != NULL)
        return false;
    /* IRP-27: the routine of the driver above, which would be called for this driver, too. */
    if (next->Control & SL_INVOKE && next->CompletionRoutine == current->CompletionRoutine &&
        next->Context == current->Context && image_of((ULONG64)next->CompletionRoutine) != d->image)
        return find_c9(
            d, f, 0x207, 0,
            "was called with a stack location that was copied by hand, the upper driver's completion "
            "routine included; IoCopyCurrentIrpStackLocationToNext leaves it out");
    /* IRP-27: a mark that belongs to the location it was copied from. */
    if (next->Control & (SL_PENDING_RETURNED | SL_ERROR_RETURNED))
        return find_c9(d, f, 0x206, 0,
                       "was called with a stack location that was copied by hand, its Control not cleared; "
                       "IoCopyCurrentIrpStackLocationToNext clears it");
    return false;
}

static bool is_pageable(const void *routine)
{
    const struct ldr_image *image = ldr_find(routine);
    if (image == NULL)
        return false;
    ULONG64 at = (ULONG64)routine - (ULONG64)image->base;
    for (ULONG i = 0; i < image->section_count; i++) {
        const IMAGE_SECTION_HEADER *section = &image->sections[i];
        if (at - section->VirtualAddress < section->Misc.VirtualSize)
            return __builtin_memcmp(section->Name, "PAGE", 4) == 0;
    }
    return false;
}

static bool check_routine(const struct deed *d, struct vf_finding *f)
{
    if (d->next == NULL || !(d->next->Control & SL_INVOKE) ||
        !is_pageable((const void *)d->next->CompletionRoutine))
        return false;
    return find_c9(
        d, f, 0x227, (ULONG64)d->next->CompletionRoutine,
        "was called with a completion routine in pageable code: it may be called at DISPATCH_LEVEL");
}

/* The first sender of a request whose end an APC tells. */
static bool check_apc(const struct deed *d, struct vf_finding *f)
{
    if (d->call->irql < APC_LEVEL || d->irp->CurrentLocation != d->irp->StackCount + 1 ||
        !io_irp_is_built(d->irp) || d->irp->UserEvent == NULL)
        return false;
    return find_c9(
        d, f, 0x302, d->call->irql,
        "was called at APC_LEVEL or above with a request that ends in an APC: a wait for it here would "
        "not end");
}

static bool check_cancel_routine(const struct deed *d, struct vf_finding *f)
{
    /* IRP-29, CAN-11: the lower drivers set their own. */
    if (likely(d->irp->CancelRoutine == NULL))
        return false;
    return find_c9(
        d, f, 0x203, (ULONG64)d->irp->CancelRoutine,
        "was called with a cancel routine still set in the IRP: IoSetCancelRoutine(Irp, NULL) first");
}

static struct vf_manager_call manager_call(const struct deed *d)
{
    return (struct vf_manager_call){d->call->caller, d->image, d->call->export->name,
                                    d->irp,          d->next,  d->target};
}

/* The locations of Plug and Play, power and WMI requests. */
static bool check_manager_send(const struct deed *d, struct vf_finding *f)
{
    struct vf_manager_call call = manager_call(d);
    return d->next != NULL && vf_check_manager_send(&call, f);
}

static bool check_targets(const struct deed *d, struct vf_finding *f)
{
    if (d->target == NULL)
        return find_c9(d, f, 0x204, 0, "was called with NULL for the device object");
    if (!is_device(d->target))
        return find_basic(d, f, 0x04, (ULONG64)d->target,
                          "was called with something that is not a device object");
    return false;
}

static bool check_send(const struct vf_call *call, const struct vf_locks *locks, struct vf_finding *f)
{
    const IRP *irp = (const IRP *)call->arguments[1];
    struct deed d = {.call = call, .irp = irp, .target = (const DEVICE_OBJECT *)call->arguments[0]};
    if (unlikely(!is_irp(irp)))
        return find_basic(&d, f, 0x03, (ULONG64)irp, "was called with something that is not an IRP");
    if (unlikely(irp->CurrentLocation <= 1))
        return false; /* IofCallDriver says that none is left */
    if (unlikely(!is_consistent(irp)))
        return find_c9(&d, f, 0x212, 0, "was called with an IRP whose current stack location is not in it");
    describe(&d, call, irp);
    d.target = (const DEVICE_OBJECT *)call->arguments[0];
    if (check_targets(&d, f))
        return true;
    if (is_queued_below(&d))
        return find_c9(
            &d, f, 0x205, 0,
            "was called for an IRP that a driver below still has: it returned STATUS_PENDING for it");
    return check_cancel_routine(&d, f) || check_copy(&d, f) || check_routine(&d, f) || check_apc(&d, f) ||
           check_manager_send(&d, f) || holds_spin_lock(&d, locks, f);
}

/* ---- completing ---- */

/* Who set it is not who completes: then it was set while the IRP was below. */
static bool check_foreign_cancel(const struct deed *d, struct vf_finding *f)
{
    ULONG64 setter = image_of((ULONG64)d->irp->CancelRoutine);
    if (likely(d->irp->CancelRoutine == NULL) || setter == 0 || setter == d->image)
        return false;
    /* IRP-29: it belongs to a driver above, which had given the IRP away. */
    find_c9(d, f, 0x229, 0,
            "was called for an IRP in which a driver above had set a cancel routine while this one had it");
    f->blame = (ULONG64)d->irp->CancelRoutine;
    return true;
}

static bool check_complete(const struct vf_call *call, const struct vf_locks *locks, struct vf_finding *f)
{
    const IRP *irp = (const IRP *)call->arguments[0];
    struct deed d = {.call = call, .irp = irp};
    if (io_irp_was_ours(irp) && io_irp_track(irp) == NULL)
        return false; /* freed: IofCompleteRequest says so */
    if (unlikely(!is_irp(irp))) {
        find_c9(&d, f, 0x200, 0, "was called with something that is not an IRP");
        return true;
    }
    if (unlikely(irp->CurrentLocation > irp->StackCount + 1))
        return false; /* completed before: the same */
    if (unlikely(!is_consistent(irp)))
        return find_c9(&d, f, 0x212, 0, "was called with an IRP whose current stack location is not in it");
    describe(&d, call, irp);
    if (is_queued_below(&d))
        /* IRP-78: it is not the caller's any more. */
        return find_c9(
            &d, f, 0x209, 0,
            "was called for an IRP that a driver below still has: it returned STATUS_PENDING for it");
    struct vf_manager_call completion = manager_call(&d);
    if (check_foreign_cancel(&d, f) || vf_check_manager_complete(&completion, f))
        return true;
    /* IRP-61, IRP-78, SQ-36: completion routines run from here. */
    return holds_spin_lock(&d, locks, f);
}

/* ---- freeing and making new ---- */

static bool is_in_use(const struct deed *d)
{
    return d->current != NULL && (vf_irp_state_of(d->irp, d->irp->CurrentLocation) == VF_IRP_PENDED ||
                                  vf_irp_holder(d->irp, d->irp->CurrentLocation) != NULL);
}

static bool check_free(const struct vf_call *call, struct vf_finding *f)
{
    const IRP *irp = (const IRP *)call->arguments[0];
    struct deed d = {.call = call, .irp = irp};
    if (unlikely(!is_irp(irp)))
        return find_basic(&d, f, 0x01, (ULONG64)irp,
                          io_irp_was_ours(irp) ? "was called for an IRP that was freed before"
                                               : "was called with something that is not an IRP");
    if (!is_consistent(irp) || (irp->ThreadListEntry.Flink && !list_empty(&irp->ThreadListEntry)))
        return false; /* IoFreeIrp says so of the second; the first may be an IRP that is built no further */
    describe(&d, call, irp);
    if (is_in_use(&d))
        return find_c9(
            &d, f, 0x20B, 0,
            "was called for an IRP that is still in use: the driver it was sent to has not completed it");
    return false;
}

static bool check_reuse(const struct vf_call *call, struct vf_finding *f)
{
    const IRP *irp = (const IRP *)call->arguments[0];
    struct deed d = {.call = call, .irp = irp};
    if (io_irp_track(irp) == NULL)
        return false; /* raw memory is what IoInitializeIrp is for */
    if (io_irp_is_built(irp))
        return find_c9(
            &d, f, 0x311, 0,
            "was called for an IRP of IoMakeAssociatedIrp or an IoBuild...Request routine: only those of "
            "IoAllocateIrp may be used again");
    if (!is_consistent(irp))
        return false;
    describe(&d, call, irp);
    if (is_in_use(&d))
        return find_c9(
            &d, f, 0x310, 0,
            "was called for an IRP that is still in use: the driver it was sent to has not completed it");
    return false;
}

/* With the cancel spin lock alone it may be called, as long as the packets are not cancelable. */
static bool check_next_packet(const struct vf_call *call, const struct vf_locks *locks, struct vf_finding *f)
{
    struct deed d = {.call = call};
    if (locks->count == 1 && locks->held[0].lock == VF_CANCEL_LOCK)
        return false;
    /* SQ-36: StartIo runs from here. */
    return holds_spin_lock(&d, locks, f);
}

bool vf_check_irp(enum vf_special special, const struct vf_call *call, const struct vf_locks *locks,
                  struct vf_finding *f)
{
    switch (special) {
    case VF_SEND_IRP:
        return check_send(call, locks, f);
    case VF_COMPLETE_IRP:
        return check_complete(call, locks, f);
    case VF_FREE_IRP:
        return check_free(call, f);
    case VF_REUSE_IRP:
        return check_reuse(call, f);
    case VF_NEXT_PACKET:
        return check_next_packet(call, locks, f);
    default:
        return false;
    }
}
