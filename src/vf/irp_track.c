/* SPDX-License-Identifier: MIT */
/*
 * What becomes of an IRP while a dispatch routine has it, and whether the
 * routine's return value says so. Two records: a frame on the sender's stack
 * for what happens before the routine returns, on the same thread; and beside
 * the IRP, four bits for each of its lowest eight locations, for what another
 * thread does: two of enum vf_irp_state, two that count the location's uses, so
 * that a late return says nothing about the next use. No lock: a word that
 * carries the IRP's number changes by compare-and-swap, and who loses a race
 * with a free loses only a finding.
 */
#include "vf/seams.h"
#include "nt/bugcodes.h"

#define C9 DRIVER_VERIFIER_IOMANAGER_VIOLATION

#define STATUS_NEVER ((NTSTATUS)0xFFFFFFFF)
#define RESERVED_BIT 0x10000000u /* "N": no status has it */

static unsigned shift_of(int location)
{
    return (unsigned)(location - 1) * 4;
}

static unsigned bits_of(uint64_t word, int location)
{
    return (unsigned)(word >> shift_of(location)) & 15;
}

static uint64_t with_bits(uint64_t word, int location, unsigned bits)
{
    return (word & ~(15ull << shift_of(location))) | (uint64_t)bits << shift_of(location);
}

static enum vf_irp_state state_in(uint64_t word, int location)
{
    return (enum vf_irp_state)(bits_of(word, location) & 3);
}

static unsigned generation_in(uint64_t word, int location)
{
    return bits_of(word, location) >> 2;
}

/* NULL: the IRP is a driver's own memory, or freed, or too deep. */
static uint64_t *track_of(const IRP *irp, int location)
{
    return location >= 1 && location <= VF_TRACKED ? io_irp_track(irp) : NULL;
}

enum vf_irp_state vf_irp_state_of(const IRP *irp, int location)
{
    const uint64_t *track = track_of(irp, location);
    return track ? state_in(__atomic_load_n(track, __ATOMIC_RELAXED), location) : VF_IRP_WITH_ROUTINE;
}

/* False: the IRP has gone, or the location is used anew. *before: the state it had. */
static bool change_state(const IRP *irp, uint32_t number, int location, int generation,
                         enum vf_irp_state state, enum vf_irp_state *before)
{
    uint64_t *track = track_of(irp, location);
    if (track == NULL)
        return false;
    uint64_t word = __atomic_load_n(track, __ATOMIC_RELAXED), changed;
    do {
        if (word >> 32 != number ||
            (generation >= 0 && generation_in(word, location) != (unsigned)generation))
            return false;
        *before = state_in(word, location);
        changed = with_bits(word, location, generation_in(word, location) << 2 | state);
    } while (!__atomic_compare_exchange_n(track, &word, changed, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return true;
}

/* ---- frames ---- */

static bool is_of(const struct vf_sent *sent, const IRP *irp, ULONG number)
{
    return sent->irp == irp && sent->number == number;
}

const struct vf_sent *vf_irp_holder(const IRP *irp, int location)
{
    ULONG number = io_irp_number(irp);
    for (const struct vf_sent *sent = ke_sent(ke_thread()); sent != NULL; sent = sent->above)
        if (is_of(sent, irp, number) && sent->location == location && !sent->left)
            return sent;
    return NULL;
}

/* The event of a request that its sender will wait on; the services of the runtime reset theirs. */
static bool has_set_event(const IRP *irp, const struct vf_sent *sent)
{
    KEVENT event;
    return sent->location == irp->StackCount && irp->UserEvent != NULL &&
           !(irp->Flags & IRP_SYNCHRONOUS_API) && vf_peek(&event, irp->UserEvent, sizeof(event)) &&
           event.Header.SignalState > 0;
}

/* Those above that gave this IRP away by this send. A location that is skipped is the sender's, too. */
static void note_forwarded(const struct vf_sent *sent)
{
    for (struct vf_sent *it = sent->above; it != NULL; it = it->above) {
        if (!is_of(it, sent->irp, sent->number) || it->left || it->location < sent->location)
            continue;
        it->forwarded = true;
        if (it->location == sent->location)
            it->generation = sent->generation;
    }
}

void NTAPI vf_irp_sent(struct vf_sent *sent, const void *pointer, const void *device, const void *routine)
{
    const IRP *irp = pointer;
    struct ke_thread *thread = ke_thread();
    *sent = (struct vf_sent){.above = ke_sent(thread),
                             .irp = irp,
                             .device = device,
                             .routine = routine,
                             .number = io_irp_number(irp),
                             .location = irp->CurrentLocation};
    uint64_t *track = track_of(irp, sent->location);
    if (track != NULL) {
        uint64_t word = __atomic_load_n(track, __ATOMIC_RELAXED);
        sent->generation = (generation_in(word, sent->location) + 1) & 3;
        __atomic_store_n(track, with_bits(word, sent->location, (unsigned)sent->generation << 2),
                         __ATOMIC_RELAXED);
    }
    sent->event_was_set = has_set_event(irp, sent);
    vf_manager_sent(sent);
    note_forwarded(sent);
    thread->arch.kept = (struct arch_kept *)sent;
}

/* ---- what the routine returned ---- */

static void accuse(const struct vf_sent *sent, ULONG kind, ULONG64 p4, const char *what)
{
    struct vf_finding f;
    char who[VF_DESCRIPTION];
    vf_describe((ULONG64)sent->routine, who, sizeof(who));
    vf_find(&f, C9, kind, (ULONG64)sent->routine, (ULONG64)sent->irp, p4, "the dispatch routine %s %s", who,
            what);
    f.irp = sent->irp;
    f.device = sent->device;
    f.blame = (ULONG64)sent->routine;
    vf_accuse(&f);
}

static void add_status(struct vf_text *text, NTSTATUS status)
{
    const char *name = rtl_status_name(status);
    if (name != NULL)
        vf_text_add(text, "%s", name);
    else
        vf_text_add(text, "0x%08X", (ULONG)status);
}

static void accuse_of_status(const struct vf_sent *sent, ULONG kind, NTSTATUS status, ULONG64 p4,
                             const char *format)
{
    char what[240], name[48];
    struct vf_text text;
    vf_text_init(&text, name, sizeof(name));
    add_status(&text, status);
    vf_text_init(&text, what, sizeof(what));
    vf_text_add(&text, "returned %s%s", name, format);
    accuse(sent, kind, p4, what);
}

static void accuse_of_no_mark(const struct vf_sent *sent)
{
    accuse(sent, 0x23D, (ULONG)STATUS_PENDING,
           "returned STATUS_PENDING without having called IoMarkIrpPending");
}

static void accuse_of_mark(const struct vf_sent *sent, NTSTATUS status)
{
    accuse_of_status(sent, 0x23E, status, (ULONG)status,
                     ", but had marked the IRP pending: it must return STATUS_PENDING then");
}

static void check_returnable(const struct vf_sent *sent, NTSTATUS status)
{
    /* IRP-45: nobody means -1. */
    if (unlikely(status == STATUS_NEVER))
        accuse_of_status(sent, 0x225, status, (ULONG)status,
                         ", which is no status: an uninitialized variable, as a rule");
    /* IRP-45: a bit that no status has. */
    if (unlikely((ULONG)status & RESERVED_BIT))
        accuse_of_status(sent, 0x21B, status, (ULONG)status,
                         ", which is no status: an uninitialized variable, as a rule");
}

/* The IRP was completed before the routine returned, on this thread. */
static void check_completed(const struct vf_sent *sent, NTSTATUS status)
{
    char words[160];
    struct vf_text text;
    /* IRP-45: who marks it returns STATUS_PENDING, completed or not. */
    if (unlikely(sent->marked && status != STATUS_PENDING))
        accuse_of_mark(sent, status);
    /* IRP-45: and who does not, does not. */
    if (unlikely(!sent->marked && status == STATUS_PENDING))
        accuse_of_no_mark(sent);
    /* IRP-45: one answer, not two. */
    if (unlikely(status != sent->status && status != STATUS_PENDING)) {
        vf_text_init(&text, words, sizeof(words));
        vf_text_add(&text, ", but completed the IRP with ");
        add_status(&text, sent->status);
        vf_text_add(&text, " in IoStatus.Status");
        accuse_of_status(sent, 0x224, status, (ULONG)sent->status, words);
    }
}

static bool is_marked(const struct vf_sent *sent)
{
    const IO_STACK_LOCATION *first = (const IO_STACK_LOCATION *)((const IRP *)sent->irp + 1);
    UCHAR control = __atomic_load_n(&first[sent->location - 1].Control, __ATOMIC_ACQUIRE);
    return control & SL_PENDING_RETURNED;
}

/* Read in this order: a completion on another processor says first that it left, and then wipes the mark. */
static bool is_kept(const struct vf_sent *sent, const uint64_t *track)
{
    uint64_t word = __atomic_load_n(track, __ATOMIC_ACQUIRE);
    enum vf_irp_state state = state_in(word, sent->location);
    return word >> 32 == sent->number && generation_in(word, sent->location) == sent->generation &&
           (state == VF_IRP_WITH_ROUTINE || state == VF_IRP_PENDED);
}

static void check_pended(const struct vf_sent *sent, const uint64_t *track)
{
    enum vf_irp_state before, pended;
    bool marked = is_marked(sent);
    /* IRP-45: whose location it is marks it; a completion routine may do it later, if the IRP went down. */
    if (unlikely(!marked && !sent->forwarded && is_kept(sent, track)))
        accuse_of_no_mark(sent);
    if (!change_state(sent->irp, sent->number, sent->location, sent->generation, VF_IRP_PENDED, &before))
        return;
    if (before == VF_IRP_WITH_ROUTINE || before == VF_IRP_PENDED)
        return;
    change_state(sent->irp, sent->number, sent->location, sent->generation, before,
                 &pended); /* it was that */
    /* IRP-45: it was completed on another processor meanwhile. */
    if (unlikely(before == VF_IRP_LEFT))
        accuse_of_no_mark(sent);
}

/* The IRP was not completed on this thread. */
static void check_kept(const struct vf_sent *sent, NTSTATUS status)
{
    const uint64_t *track = track_of(sent->irp, sent->location);
    if (track == NULL)
        return;
    if (status == STATUS_PENDING) {
        check_pended(sent, track);
        return;
    }
    bool marked = is_marked(sent);
    if (!is_kept(sent, track))
        return;
    if (marked)
        accuse_of_mark(sent, status);
    /* IRP-45: somebody else has it still, and nobody will tell the sender. */
    accuse_of_status(sent, 0x226, status, 0,
                     sent->forwarded
                         ? ", but the IRP is still pending below: STATUS_PENDING is missing, or a wait"
                         : ", but neither completed the IRP, nor sent it on, nor returned STATUS_PENDING");
}

/* The event told its waiter before the request was done. */
static void check_event(const struct vf_sent *sent, NTSTATUS status)
{
    struct vf_finding f;
    const struct arch_record *record = ke_thread()->arch.records;
    if (likely(!sent->event_was_set) || status != STATUS_PENDING || record == NULL)
        return;
    vf_find(&f, C9, 0x307, record->rip, (ULONG64)sent->irp, 0,
            "a driver sent a request whose event was set already, and it is pending: the driver's wait ends "
            "before "
            "the request does");
    f.irp = sent->irp;
    f.device = sent->device;
    f.blame = record->rip;
    vf_accuse(&f);
}

void NTAPI vf_irp_returned(struct vf_sent *sent, int32_t status)
{
    ke_thread()->arch.kept = (struct arch_kept *)sent->above;
    check_returnable(sent, status);
    if (sent->left)
        check_completed(sent, status);
    else
        check_kept(sent, status);
    check_event(sent, status);
    if (unlikely(sent->major == IRP_MJ_PNP))
        vf_pnp_returned(sent, status);
}

/* ---- completion ---- */

/* Its dispatch routine returned STATUS_PENDING, long ago. */
static void accuse_pender(const IRP *irp, const IO_STACK_LOCATION *location)
{
    DEVICE_OBJECT device;
    DRIVER_OBJECT driver;
    if (!vf_peek_device(location->DeviceObject, &device) ||
        location->MajorFunction > IRP_MJ_MAXIMUM_FUNCTION ||
        !vf_peek(&driver, device.DriverObject, sizeof(driver)))
        return;
    struct vf_sent sent = {.irp = irp,
                           .device = location->DeviceObject,
                           .routine = (const void *)driver.MajorFunction[location->MajorFunction]};
    accuse(&sent, 0x23D, (ULONG)STATUS_PENDING,
           "returned STATUS_PENDING, but when the IRP was completed nobody had called IoMarkIrpPending");
}

void NTAPI vf_irp_left(const void *pointer, const void *left, bool marked)
{
    const IRP *irp = pointer;
    const IO_STACK_LOCATION *location = left;
    ULONG number = io_irp_number(irp);
    int index = (int)(location - (const IO_STACK_LOCATION *)(irp + 1)) + 1;
    enum vf_irp_state before = VF_IRP_WITH_ROUTINE;
    bool here = false;
    for (struct vf_sent *sent = ke_sent(ke_thread()); sent != NULL; sent = sent->above) {
        if (!is_of(sent, irp, number) || sent->location != index || sent->left)
            continue;
        sent->left = here = true;
        sent->marked = marked;
        sent->status = irp->IoStatus.Status;
    }
    change_state(irp, number, index, -1, marked ? VF_IRP_LEFT_MARKED : VF_IRP_LEFT, &before);
    /* IRP-45: whoever is to be told of the completion by the mark waits for ever. */
    if (unlikely(before == VF_IRP_PENDED && !marked && !here))
        accuse_pender(irp, location);
}

static void accuse_routine(const IRP *irp, const void *routine, ULONG kind, const char *what)
{
    struct vf_finding f;
    char who[VF_DESCRIPTION];
    vf_describe((ULONG64)routine, who, sizeof(who));
    vf_find(&f, C9, kind, (ULONG64)routine, (ULONG64)irp, 0, "the completion routine %s %s", who, what);
    f.irp = irp;
    f.blame = (ULONG64)routine;
    vf_accuse(&f);
}

static bool has_gone(const IRP *irp, ULONG number)
{
    return number != 0 && (io_irp_track(irp) == NULL || io_irp_number(irp) != number);
}

static bool is_unmarked(const IRP *irp)
{
    return irp->CurrentLocation <= irp->StackCount &&
           !(irp->Tail.Overlay.CurrentStackLocation->Control & SL_PENDING_RETURNED);
}

void NTAPI vf_irp_passed(const void *pointer, uint32_t number, const void *routine, bool pended)
{
    const IRP *irp = pointer;
    /* IRP-70: who frees it stops it. */
    if (unlikely(has_gone(irp, number)))
        accuse_routine(
            irp, routine, 0x20A,
            "freed its IRP and did not return STATUS_MORE_PROCESSING_REQUIRED: the I/O manager would go "
            "on with it");
    /* IRP-69: what was pended below is pended above. */
    else if (unlikely(pended && is_unmarked(irp)))
        accuse_routine(
            irp, routine, 0x228,
            "found PendingReturned set and did not call IoMarkIrpPending: who sent the IRP to its driver is "
            "not told");
}

/* ---- the final stage ---- */

/* The stack pointer of the driver code that this thread was in last; 0: none. */
static ULONG64 driver_stack(const struct ke_thread *thread)
{
    const struct arch_record *record = thread->arch.records;
    while (record != NULL && record->type != ARCH_RECORD_GATE && record->type != ARCH_RECORD_TRAP)
        record = record->previous;
    return record != NULL ? record->rsp : 0;
}

static bool is_unwound(const void *address)
{
    const struct ke_thread *thread = ke_thread();
    return address >= thread->arch.stack_low && address < thread->arch.stack_high &&
           (ULONG64)address < driver_stack(thread);
}

static void check_on_stack(const IRP *irp, ULONG kind, const void *address, const char *what)
{
    struct vf_finding f;
    if (address == NULL || !is_unwound(address))
        return;
    vf_find(&f, C9, kind, (ULONG64)address, 0, 0,
            "a request's %s lies on a stack whose routine has returned: who sent it must wait for its end",
            what);
    f.irp = irp;
    f.blame = (ULONG64)io_irp_maker(irp);
    vf_stop_for(&f);
}

/* On the requester's thread. What a driver gave a builder must live until now. */
void NTAPI vf_irp_finishing(const void *pointer)
{
    const IRP *irp = pointer;
    if (!io_irp_is_built(irp))
        return;
    check_on_stack(irp, 0x0C, irp->UserIosb, "I/O status block");
    check_on_stack(irp, 0x0D, irp->UserEvent, "event");
}
