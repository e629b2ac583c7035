/* SPDX-License-Identifier: MIT */
/*
 * Memory that a driver leaves: pool blocks and IRPs, mappings and views, and
 * what is registered or initialized (ke/held.h).
 */
#include "vf/leaks_internal.h"
#include "host/memory.h"

static void see_block(const struct mm_pool_block *block, void *context)
{
    struct leak *leak = context;
    if (!vf_leak_is_image_s(leak, block->caller))
        return;
    leak->pool_bytes += block->size;
    vf_leak_add(leak, (struct item){block->address, block->size, block->tag, block->paged, block->caller});
}

/* Sent, and not to come back to the driver's code by a routine that keeps nothing in memory (LC-16): whoever
 * completes it may free it. */
static bool is_on_its_way(const struct leak *leak, const IRP *irp)
{
    const IO_STACK_LOCATION *bottom = irp->Tail.Overlay.CurrentStackLocation;
    if (irp->CurrentLocation > irp->StackCount)
        return false;
    for (int i = 0; i <= irp->StackCount - irp->CurrentLocation; i++)
        if (vf_leak_is_image_s(leak, (const void *)bottom[i].CompletionRoutine))
            return false;
    return true;
}

static void see_irp(PIRP irp, void *context)
{
    const void *owner = io_irp_maker(irp);
    bool sent = irp->CurrentLocation != irp->StackCount + 1;
    bool of_a_thread = sent && !list_empty(&irp->ThreadListEntry); /* the I/O manager's then */
    if (!of_a_thread && vf_leak_is_image_s(context, owner) && !is_on_its_way(context, irp))
        vf_leak_add(context, (struct item){.object = irp, .owner = owner});
}

static void see_held(const struct ke_held *held, void *context)
{
    struct leak *leak = context;
    if (held->kind == leak->wanted && vf_leak_is_image_s(leak, held->owner))
        vf_leak_add(leak, (struct item){.object = held->object, .owner = held->owner, .record = held});
}

/* A view in the user range is its process's, whoever mapped it: it goes with the process. */
static bool is_process_s(const struct mm_range_info *range)
{
    return range->kind == MM_RANGE_VIEW && (uintptr_t)range->base <= HMEM_USER_HIGHEST;
}

static void see_range(const struct mm_range_info *range, void *context)
{
    struct leak *leak = context;
    if (is_process_s(range))
        return;
    if ((unsigned)range->kind == (unsigned)leak->wanted && vf_leak_is_image_s(leak, range->caller))
        vf_leak_add(leak, (struct item){.object = range->base, .size = range->bytes, .owner = range->caller});
}

/* Pool and what the I/O manager allocates from it for drivers: 0xC4/62. */
void vf_look_at_pool(struct going *going)
{
    struct leak blocks = vf_leak_of(going, "pool block", "ExFreePool"),
                irps = vf_leak_of(going, "IRP", "IoFreeIrp");
    blocks.pool = true;
    mm_pool_for_each_block(see_block, &blocks);
    io_for_each_irp(see_irp, &irps);
    blocks.code = irps.code = DRIVER_VERIFIER_DETECTED_VIOLATION;
    blocks.p[0] = irps.p[0] = 0x62;
    blocks.p[1] = irps.p[1] = (ULONG64)going->driver->DriverName.Buffer;
    blocks.p[3] = blocks.count;
    irps.p[3] = irps.count;
    /* DV-05: nothing of the driver stays allocated. */
    vf_leak_report(going, &blocks);
    going->stays |= vf_leak_report(going, &irps);
}

void vf_look_at_ranges(struct going *going)
{
    static const struct {
        enum mm_range_kind kind;
        const char *name, *cure;
    } kinds[] = {
        {MM_RANGE_MDL, "MDL mapping", "MmUnmapLockedPages"},
        {MM_RANGE_MDL_USER, "user-mode MDL mapping", "MmUnmapLockedPages"},
        {MM_RANGE_RESERVED, "reserved mapping range", "MmFreeMappingAddress"},
        {MM_RANGE_IO_SPACE, "I/O space mapping", "MmUnmapIoSpace"},
        {MM_RANGE_CONTIGUOUS, "contiguous memory range", "MmFreeContiguousMemory"},
        {MM_RANGE_NONCACHED, "noncached memory range", "MmFreeNonCachedMemory"},
        {MM_RANGE_VIEW, "section view", "MmUnmapViewInSystemSpace"},
    };
    for (unsigned i = 0; i < countof(kinds); i++) {
        struct leak leak = vf_leak_of(going, kinds[i].name, kinds[i].cure);
        leak.wanted = (enum ke_held_kind)kinds[i].kind;
        mm_for_each_range(see_range, &leak);
        vf_leak_report(going, &leak);
    }
}

/* 0 when the MDL is gone: freed, with its pages still locked. */
static ULONG64 pages_of(const void *mdl)
{
    MDL copy;

    if (!vf_peek(&copy, mdl, sizeof(copy)))
        return 0;
    return ADDRESS_AND_SIZE_TO_SPAN_PAGES(copy.ByteOffset, copy.ByteCount);
}

/* The kinds that have a code of their own. */
static void name_held(struct leak *leak)
{
    const struct item *first = &leak->items[0];

    if (leak->wanted == KE_HELD_PROVIDER) {
        leak->code = DRIVER_VERIFIER_DETECTED_VIOLATION;
        __builtin_memcpy(
            leak->p, (ULONG64[]){0xDD, (ULONG64)first->owner, (ULONG64)leak->base, (ULONG64)first->object},
            sizeof(leak->p));
    } else if (leak->wanted == KE_HELD_WMI) {
        leak->code = DRIVER_VERIFIER_DETECTED_VIOLATION;
        __builtin_memcpy(leak->p, (ULONG64[]){0xDA, (ULONG64)leak->base, (ULONG64)first->object, 0},
                         sizeof(leak->p));
    } else if (leak->wanted == KE_HELD_LOCKED_PAGES) {
        leak->code = DRIVER_LEFT_LOCKED_PAGES_IN_PROCESS;
        __builtin_memcpy(
            leak->p, (ULONG64[]){(ULONG64)first->record, 0, (ULONG64)first->object, pages_of(first->object)},
            sizeof(leak->p));
    }
}

void vf_look_at_held(struct going *going)
{
    static const struct {
        const char *name, *cure;
        bool calls; /* into the driver, later */
    } kinds[KE_HELD_KINDS] = {
        [KE_HELD_LOOKASIDE] = {"lookaside list", "ExDeleteNPagedLookasideList or its like"},
        [KE_HELD_RESOURCE] = {"ERESOURCE", "ExDeleteResourceLite"},
        [KE_HELD_EX_TIMER] = {"ExAllocateTimer timer", "ExDeleteTimer", true},
        [KE_HELD_WORK_ITEM] = {"work item", "IoFreeWorkItem", true},
        [KE_HELD_LINK] = {"symbolic link", "IoDeleteSymbolicLink"},
        [KE_HELD_HANDLE] = {"open handle", "ZwClose"},
        [KE_HELD_CALLBACK] = {"registered callback", "ExUnregisterCallback", true},
        [KE_HELD_PROCESS_NOTIFY] = {"process notify routine", "PsSetCreateProcessNotifyRoutine with Remove",
                                    true},
        [KE_HELD_THREAD_NOTIFY] = {"thread notify routine", "PsRemoveCreateThreadNotifyRoutine", true},
        [KE_HELD_IMAGE_NOTIFY] = {"image notify routine", "PsRemoveLoadImageNotifyRoutine", true},
        [KE_HELD_REGISTRY_CALLBACK] = {"registry callback", "CmUnRegisterCallback", true},
        [KE_HELD_OBJECT_CALLBACK] = {"object callback registration", "ObUnRegisterCallbacks", true},
        [KE_HELD_BUGCHECK_CALLBACK] = {"bug check callback", "KeDeregisterBugCheckCallback", true},
        [KE_HELD_PROVIDER] = {"event provider", "EtwUnregister"},
        [KE_HELD_LOCKED_PAGES] = {"locked MDL", "MmUnlockPages"},
        [KE_HELD_PNP_NOTIFICATION] = {"PnP notification", "IoUnregisterPlugPlayNotificationEx", true},
        [KE_HELD_WMI] = {"WMI registration", "IoWMIRegistrationControl with WMIREG_ACTION_DEREGISTER", true},
        [KE_HELD_WMI_NOTIFY] = {"WMI notification callback", "ObDereferenceObject on the data block object",
                                true},
    };
    for (unsigned kind = 0; kind < KE_HELD_KINDS; kind++) {
        struct leak leak = vf_leak_of(going, kinds[kind].name, kinds[kind].cure);
        leak.wanted = (enum ke_held_kind)kind;
        ke_for_each_held(see_held, &leak);
        if (leak.count != 0)
            name_held(&leak);
        if (vf_leak_report(going, &leak))
            going->stays |= kinds[kind].calls;
    }
    struct leak all = vf_leak_of(going, NULL, NULL);
    ke_forget_held(all.base, all.bytes);
    ke_forget_held((const void *)(uintptr_t)all.thunks, all.thunk_bytes);
}
