/* SPDX-License-Identifier: MIT */
/*
 * A driver goes: what does it still hold? Asked in a system thread when Unload
 * has returned, or DriverEntry has failed, and the image is still there. Each
 * kind of thing is one violation, with the first of them by name. What could
 * still call the driver is stopped; if that is not possible, the image stays.
 */
#include "vf/leaks.h"
#include "vf/irps_left.h"
#include "base/lock.h"
#include "hal/hal.h"
#include "host/host.h"
#include "host/memory.h"
#include "ke/held.h"
#include "nt/bugcodes.h"

#define SHOWN   8
#define DETAILS 4096
#define TRIES   20 /* ms that a thread has to end in, which only has to leave its last routine */

struct item {
    const void *object;
    size_t size; /* pool */
    ULONG tag;
    bool paged;
    const void *owner;  /* code of the driver */
    const void *record; /* of ke/held.h */
};

struct leak {
    const void *base; /* of the image */
    size_t bytes;
    ULONG64 thunks; /* where the rewriter moved code of the image, a call among it perhaps */
    size_t thunk_bytes;
    const char *kind; /* "lookaside list" */
    const char *cure; /* "ExDeleteNPagedLookasideList" */
    ULONG code;
    ULONG64 p[4];
    unsigned count;
    size_t pool_bytes;
    enum ke_held_kind wanted;
    bool pool;
    struct item items[SHOWN];
};

static bool is_image_s(const struct leak *leak, const void *address)
{
    return (uintptr_t)address - (uintptr_t)leak->base < leak->bytes ||
           (uintptr_t)address - leak->thunks < leak->thunk_bytes;
}

static void add(struct leak *leak, struct item item)
{
    if (leak->count < SHOWN)
        leak->items[leak->count] = item;
    leak->count++;
}

/* ---- looking: under the locks of those who are asked ---- */

static void see_block(const struct mm_pool_block *block, void *context)
{
    struct leak *leak = context;
    if (!is_image_s(leak, block->caller))
        return;
    leak->pool_bytes += block->size;
    add(leak, (struct item){block->address, block->size, block->tag, block->paged, block->caller});
}

/* Sent, and not to come back to the driver's code by a routine that keeps nothing in memory (LC-16): whoever
 * completes it may free it. */
static bool is_on_its_way(const struct leak *leak, const IRP *irp)
{
    const IO_STACK_LOCATION *bottom = irp->Tail.Overlay.CurrentStackLocation;
    if (irp->CurrentLocation > irp->StackCount)
        return false;
    for (int i = 0; i <= irp->StackCount - irp->CurrentLocation; i++)
        if (is_image_s(leak, (const void *)bottom[i].CompletionRoutine))
            return false;
    return true;
}

static void see_irp(PIRP irp, void *context)
{
    const void *owner = io_irp_maker(irp);
    bool sent = irp->CurrentLocation != irp->StackCount + 1;
    bool of_a_thread = sent && !list_empty(&irp->ThreadListEntry); /* the I/O manager's then */
    if (!of_a_thread && is_image_s(context, owner) && !is_on_its_way(context, irp))
        add(context, (struct item){.object = irp, .owner = owner});
}

/* With a device of the driver. Those of its own making are told by see_irp. */
static void see_kept(PIRP irp, const void *routine, void *context)
{
    if (!is_image_s(context, io_irp_maker(irp)))
        add(context, (struct item){.object = irp, .owner = routine});
}

/* With a driver below, and a completion routine of this one is to be called. */
static void see_returning(PIRP irp, void *context)
{
    const IO_STACK_LOCATION *bottom = irp->Tail.Overlay.CurrentStackLocation;

    if (is_image_s(context, io_irp_maker(irp)))
        return;
    for (int i = 0; i <= irp->StackCount - irp->CurrentLocation; i++)
        if (is_image_s(context, (const void *)bottom[i].CompletionRoutine)) {
            add(context, (struct item){.object = irp, .owner = (const void *)bottom[i].CompletionRoutine});
            return;
        }
}

static void see_held(const struct ke_held *held, void *context)
{
    struct leak *leak = context;
    if (held->kind == leak->wanted && is_image_s(leak, held->owner))
        add(leak, (struct item){.object = held->object, .owner = held->owner, .record = held});
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
    if ((unsigned)range->kind == (unsigned)leak->wanted && is_image_s(leak, range->caller))
        add(leak, (struct item){.object = range->base, .size = range->bytes, .owner = range->caller});
}

static void see_controller(const CONTROLLER_OBJECT *controller, const void *caller, void *context)
{
    if (is_image_s(context, caller))
        add(context, (struct item){.object = controller, .owner = caller});
}

/* Windows NT had no routine that releases an adapter of HalGetAdapter. */
static void see_adapter(const struct hal_adapter_info *info, void *context)
{
    if (!info->permanent && is_image_s(context, info->caller))
        add(context, (struct item){.object = info->adapter, .owner = info->caller});
}

static void see_common_buffer(const struct hal_buffer_info *info, void *context)
{
    if (is_image_s(context, info->caller))
        add(context, (struct item){.object = info->address, .size = info->length, .owner = info->caller});
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

    leaks->calls |= is_image_s(&leaks->kinds[0], info->routine);
    if (is_image_s(&leaks->kinds[kind], info->caller))
        add(&leaks->kinds[kind], (struct item){.object = info->handle, .owner = info->caller});
}

static void see_interrupt(const void *routine, ULONG vector, void *context)
{
    if (is_image_s(context, routine))
        add(context, (struct item){.object = (const void *)(uintptr_t)vector, .owner = routine});
}

/* It lies in the image, or in a pool block of the driver, or its DPC would call the driver. */
static void see_timer(PKTIMER timer, void *context)
{
    const void *routine = timer->Dpc ? (const void *)timer->Dpc->DeferredRoutine : NULL;
    struct mm_pool_history block;
    if (is_image_s(context, routine))
        add(context, (struct item){.object = timer, .owner = routine});
    else if (is_image_s(context, timer))
        add(context, (struct item){.object = timer, .owner = timer});
    else if (mm_pool_history(timer, &block) && block.allocated_by.count != 0 &&
             is_image_s(context, (const void *)block.allocated_by.frames[0]))
        add(context, (struct item){.object = timer, .owner = (const void *)block.allocated_by.frames[0]});
}

static void see_dpc(PRKDPC dpc, void *context)
{
    if (is_image_s(context, (const void *)dpc->DeferredRoutine))
        add(context, (struct item){.object = dpc, .owner = (const void *)dpc->DeferredRoutine});
}

static void see_thread(struct ps_thread *thread, void *context)
{
    if (!thread->terminating && is_image_s(context, (const void *)thread->start))
        add(context, (struct item){.object = thread, .owner = (const void *)thread->start});
}

static void see_threads(struct leak *leak)
{
    leak->count = 0;
    ps_for_each_thread(ps_system_process(), see_thread, leak);
    ps_for_each_thread(ps_api_process(), see_thread, leak);
}

/* ---- telling ---- */

static rl_lock details_lock;
static char details[DETAILS];

static void add_item(struct vf_text *text, const struct leak *leak, const struct item *item)
{
    char words[VF_DESCRIPTION];
    vf_text_add(text, "    ");
    if (leak->pool)
        vf_add_block(text, item->object, item->size, item->tag, item->paged);
    else
        vf_add_address(text, (ULONG64)item->object);
    if (!leak->pool && item->size != 0)
        vf_text_add(text, ", %llu bytes", (unsigned long long)item->size);
    vf_describe((ULONG64)item->owner, words, sizeof(words));
    vf_text_add(text, "\n      %s\n", words);
}

static void record(const struct leak *leak, const char *when)
{
    struct vf_text text;
    char sentence[256], bytes[48] = "";
    struct ke_bugcheck_info info = {.code = leak->code,
                                    .p = {leak->p[0], leak->p[1], leak->p[2], leak->p[3]},
                                    .sentence = sentence,
                                    .details = details,
                                    .verifier = true,
                                    .raise_address = (ULONG64)leak->items[0].owner};
    if (leak->pool)
        host_snprintf(bytes, sizeof(bytes), " (%llu byte%s)", (unsigned long long)leak->pool_bytes,
                      leak->pool_bytes == 1 ? "" : "s");
    host_snprintf(sentence, sizeof(sentence), "%s and the driver left %u %s%s%s behind: %s is missing", when,
                  leak->count, leak->kind, leak->count == 1 ? "" : "s", bytes, leak->cure);
    rl_lock_acquire(&details_lock);
    vf_text_init(&text, details, sizeof(details));
    vf_text_add(&text, "  left behind:\n");
    for (unsigned i = 0; i < MIN(leak->count, SHOWN); i++)
        add_item(&text, leak, &leak->items[i]);
    if (leak->count > SHOWN)
        vf_text_add(&text, "    and %u more\n", leak->count - SHOWN);
    vf_record(&info);
    rl_lock_release(&details_lock);
}

/* ---- one kind after the other ---- */

struct going {
    PDRIVER_OBJECT driver;
    const char *when;
    bool stays; /* something may still call into the image */
};

static struct leak leak_of(const struct going *going, const char *kind, const char *cure)
{
    const struct arch_image *image = arch_image_find((ULONG64)going->driver->DriverStart);

    return (struct leak){.base = going->driver->DriverStart,
                         .bytes = going->driver->DriverSize,
                         .thunks = image != NULL ? image->thunk_base : 0,
                         .thunk_bytes = image != NULL ? image->thunk_size : 0,
                         .kind = kind,
                         .cure = cure,
                         .code = DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS};
}

static bool report(const struct going *going, struct leak *leak)
{
    if (leak->count == 0)
        return false;
    if (leak->code == DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS) {
        leak->p[0] = (ULONG64)leak->items[0].object;
        leak->p[2] = (ULONG64)leak->items[0].owner;
    }
    record(leak, going->when);
    return true;
}

/* Pool and what the I/O manager allocates from it for drivers: 0xC4/62. */
static void look_at_pool(struct going *going)
{
    struct leak blocks = leak_of(going, "pool block", "ExFreePool"),
                irps = leak_of(going, "IRP", "IoFreeIrp");
    blocks.pool = true;
    mm_pool_for_each_block(see_block, &blocks);
    io_for_each_irp(see_irp, &irps);
    blocks.code = irps.code = DRIVER_VERIFIER_DETECTED_VIOLATION;
    blocks.p[0] = irps.p[0] = 0x62;
    blocks.p[1] = irps.p[1] = (ULONG64)going->driver->DriverName.Buffer;
    blocks.p[3] = blocks.count;
    irps.p[3] = irps.count;
    /* DV-05: nothing of the driver stays allocated. */
    report(going, &blocks);
    going->stays |= report(going, &irps);
}

static void look_at_requests(struct going *going)
{
    struct leak kept = leak_of(going, "pending IRP", "IoCompleteRequest"),
                returning = leak_of(going, "sent IRP", "waiting for its completion routine");

    vf_each_irp_kept(going->driver, see_kept, &kept);
    io_for_each_irp(see_returning, &returning);
    going->stays |= report(going, &kept);
    going->stays |= report(going, &returning);
    vf_forget_irps_kept(going->driver);
}

static void look_at_ranges(struct going *going)
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
        struct leak leak = leak_of(going, kinds[i].name, kinds[i].cure);
        leak.wanted = (enum ke_held_kind)kinds[i].kind;
        mm_for_each_range(see_range, &leak);
        report(going, &leak);
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

static void look_at_held(struct going *going)
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
        struct leak leak = leak_of(going, kinds[kind].name, kinds[kind].cure);
        leak.wanted = (enum ke_held_kind)kind;
        ke_for_each_held(see_held, &leak);
        if (leak.count != 0)
            name_held(&leak);
        if (report(going, &leak))
            going->stays |= kinds[kind].calls;
    }
    struct leak all = leak_of(going, NULL, NULL);
    ke_forget_held(all.base, all.bytes);
    ke_forget_held((const void *)(uintptr_t)all.thunks, all.thunk_bytes);
}

/* Named by their vectors. */
static void look_at_interrupts(struct going *going)
{
    struct leak leak = leak_of(going, "connected interrupt", "IoDisconnectInterrupt");
    io_for_each_interrupt(see_interrupt, &leak);
    going->stays |= report(going, &leak);
}

static void look_at_controllers(struct going *going)
{
    struct leak leak = leak_of(going, "controller object", "IoDeleteController");
    io_for_each_controller(see_controller, &leak);
    report(going, &leak);
}

/* Requests first: what they have hangs on an adapter. */
static void look_at_dma(struct going *going)
{
    struct dma_leaks requests = {
        .kinds = {[DMA_WAITING] = leak_of(going, "waiting DMA request",
                                          "CancelAdapterChannel or waiting for its routine"),
                  [DMA_LIST] = leak_of(going, "scatter/gather list", "PutScatterGatherList"),
                  [DMA_CHANNEL] = leak_of(going, "DMA adapter channel", "FreeAdapterChannel"),
                  [DMA_REGISTERS] = leak_of(going, "map register allocation", "FreeMapRegisters")}};
    struct leak buffers = leak_of(going, "DMA common buffer", "FreeCommonBuffer"),
                adapters = leak_of(going, "DMA adapter", "PutDmaAdapter");

    hal_for_each_dma_request(see_dma_request, &requests);
    hal_for_each_common_buffer(see_common_buffer, &buffers);
    hal_for_each_adapter(see_adapter, &adapters);
    for (unsigned i = 0; i < DMA_KINDS; i++)
        report(going, &requests.kinds[i]);
    report(going, &buffers);
    report(going, &adapters);
    going->stays |= requests.calls;
}

/* Reported, and taken out of their queues. */
static void look_at_timers(struct going *going)
{
    struct leak timers = leak_of(going, "timer that is set", "KeCancelTimer"),
                dpcs = leak_of(going, "queued DPC", "KeFlushQueuedDpcs");
    ULONG64 low = (ULONG64)timers.base, high = low + timers.bytes;
    ke_for_each_timer(see_timer, &timers);
    ke_for_each_dpc(see_dpc, &dpcs);
    timers.code = dpcs.code = TIMER_OR_DPC_INVALID;
    __builtin_memcpy(timers.p, (ULONG64[]){0, (ULONG64)timers.items[0].object, low, high}, sizeof(timers.p));
    __builtin_memcpy(dpcs.p, (ULONG64[]){1, (ULONG64)dpcs.items[0].object, low, high}, sizeof(dpcs.p));
    /* DPC-18: what is still set or queued would run in a driver that is gone. */
    report(going, &timers);
    report(going, &dpcs);
    for (unsigned i = 0; i < MIN(timers.count, SHOWN); i++)
        KeCancelTimer((PKTIMER)(uintptr_t)timers.items[i].object);
    for (unsigned i = 0; i < MIN(dpcs.count, SHOWN); i++)
        KeRemoveQueueDpc((PRKDPC)(uintptr_t)dpcs.items[i].object);
    going->stays |= timers.count > SHOWN || dpcs.count > SHOWN;
}

/* One that has said good-bye to Unload may still be on its way out. */
static void look_at_threads(struct going *going)
{
    struct leak leak = leak_of(going, "thread", "KeWaitForSingleObject on it");
    LARGE_INTEGER millisecond = {.QuadPart = -10000};
    see_threads(&leak);
    for (unsigned i = 0; i < TRIES && leak.count != 0; i++) {
        KeDelayExecutionThread(KernelMode, FALSE, &millisecond);
        see_threads(&leak);
    }
    going->stays |= report(going, &leak);
}

bool vf_driver_gone(PDRIVER_OBJECT driver, bool unloaded)
{
    struct going going = {.driver = driver, .when = unloaded ? "Unload returned" : "DriverEntry failed"};
    look_at_timers(&going);
    look_at_threads(&going);
    look_at_requests(&going);
    look_at_pool(&going);
    look_at_ranges(&going);
    look_at_interrupts(&going);
    look_at_controllers(&going);
    look_at_dma(&going);
    look_at_held(&going);
    return going.stays;
}
