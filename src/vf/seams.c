/* SPDX-License-Identifier: MIT */
/*
 * The standard checks at the seams: what a driver's call of an export and its
 * return from a routine look like to the rules, and the stop when one is
 * broken. State per virtual processor, touched by its holder only: no lock.
 */
#include "vf/seams.h"
#include "vf/order.h"
#include "arch/machine.h"
#include "base/seams.h"
#include "nt/bugcodes.h"

#define VPS_MAX     64
#define EXPORTS_MAX 8192

static struct processor {
    struct vf_locks locks;
    unsigned dpc_depth;
} __attribute__((aligned(64))) processors[VPS_MAX];

static UCHAR special_of[EXPORTS_MAX]; /* enum vf_special, by position in the table of exports */

static struct processor *processor(void)
{
    return &processors[ke_vp()->number];
}

static enum vf_special special(const struct export_entry *x)
{
    /* What is called through a table of the HAL's is declared like an export and stands elsewhere. */
    return x >= __start_rl_exports && x < __stop_rl_exports ? special_of[x - __start_rl_exports] : 0;
}

void vf_stop_for(const struct vf_finding *f)
{
    struct ke_bugcheck_info info = {.code = f->code,
                                    .p = {f->p[0], f->p[1], f->p[2], f->p[3]},
                                    .sentence = f->sentence,
                                    .irp = f->irp,
                                    .device = f->device,
                                    .pool = f->pool,
                                    .verifier = true,
                                    .raise_address = f->blame};
    ke_bugcheck(&info);
}

void vf_accuse(const struct vf_finding *f)
{
    if (arch_image_find(f->blame) != NULL)
        vf_stop_for(f);
}

/* ---- exports ---- */

/* The return address; or, as an export may be a routine's last call, the driver routine that runs. */
static ULONG64 caller_of(const struct ke_thread *thread, const void *return_address)
{
    if (likely(arch_image_find((ULONG64)return_address) != NULL))
        return (ULONG64)return_address;
    ULONG64 routine = vf_routine(thread);
    return routine != 0 ? routine : (ULONG64)return_address;
}

static void describe_call(struct vf_call *call, const struct export_entry *x, const void *caller, KIRQL irql)
{
    const struct ke_thread *thread = ke_thread();
    const struct arch_record *record = thread->arch.records;
    *call = (struct vf_call){.export = x,
                             .caller = caller_of(thread, caller),
                             .irql = irql,
                             .in_dpc = processor()->dpc_depth != 0,
                             .kernel_apc_disable = thread->kernel_apc_disable,
                             .special_apc_disable = thread->special_apc_disable,
                             .locks_held = processor()->locks.count};
    for (unsigned i = 0; i < VF_ARGUMENTS; i++)
        call->arguments[i] = arch_gate_argument(record, i);
}

static bool is_spin_acquire(enum vf_special which)
{
    return which >= VF_LOCK_FIRST && which < VF_RELEASE;
}

static bool is_mutex_acquire(enum vf_special which)
{
    return which >= VF_MUTEX_FIRST && which < VF_LOCK_FIRST;
}

/* The driver's registers are gone when the export returns: what will be acquired is kept in the gate's
 * record. */
static void remember_lock(enum vf_special which, const struct vf_call *call)
{
    ke_thread()->arch.records->owner = (void *)call->arguments[which == VF_ACQUIRE_QUEUED ? 1 : 0];
}

static void recall_lock(enum vf_special which, struct vf_call *call)
{
    const void *kept = ke_thread()->arch.records->owner;
    KLOCK_QUEUE_HANDLE handle = {0};
    call->arguments[0] = (ULONG64)kept; /* the lock, or its queue handle */
    if (which != VF_ACQUIRE_QUEUED)
        return;
    vf_peek(&handle, kept, sizeof(handle));
    call->arguments[0] = (ULONG64)handle.LockQueue.Lock & ~7ull; /* the low bits are its state */
    call->arguments[1] = (ULONG64)kept;
}

static bool is_wait(enum vf_special which)
{
    return which == VF_WAIT_SINGLE || which == VF_WAIT_MULTIPLE;
}

/* A wait that is no test, for a mutex. */
static bool is_mutex_wait(enum vf_special which, const struct vf_call *call)
{
    return which == VF_WAIT_SINGLE && vf_is_mutant(call->arguments[0]);
}

static bool may_deadlock(enum vf_special which, const struct vf_call *call)
{
    return (is_spin_acquire(which) && which != VF_ACQUIRE_TRY) ||
           (is_mutex_wait(which, call) && call->arguments[4] == 0);
}

/* Of a last call no frame is left on the stack. */
static _Noreturn void stop_caller(const struct vf_call *call, struct vf_finding *f)
{
    if (f->blame == 0)
        f->blame = call->caller;
    vf_stop_for(f);
}

/* A block that goes back to a list may come back as something else. */
static void forget_entry(ULONG64 entry)
{
    void *block;
    size_t size;
    ULONG tag;
    if (!vf_order_is_empty() && mm_pool_block_of((const void *)entry, &block, &size, &tag))
        vf_order_forget((ULONG64)block, size);
}

static void check_mutexes(enum vf_special which, const struct vf_call *call)
{
    struct vf_finding f;
    const struct ke_thread *thread = ke_thread();
    if (vf_check_mutex(which, call, &processor()->locks, &f))
        stop_caller(call, &f);
    if (which == VF_PUSH_ENTRY)
        forget_entry(call->arguments[1]);
    if (which == VF_END_THREAD && vf_find_kept_mutex(thread, call->caller, &f))
        stop_caller(call, &f);
}

static __attribute__((noinline)) void check_enter(const struct export_entry *x, const void *caller,
                                                  KIRQL irql)
{
    struct vf_call call;
    struct vf_finding f;
    enum vf_special which = special(x);
    describe_call(&call, x, caller, irql);
    if (is_wait(which) && ke_thread()->wait_next)
        call.irql =
            ke_thread()->wait_irql; /* KeSetEvent(..., TRUE) and its like raised it for this very wait */
    vf_name_lock(which, &call);
    if (vf_check_call(which, &call, &f))
        stop_caller(&call, &f);
    if (which >= VF_SEND_IRP && which <= VF_NEXT_PACKET &&
        vf_check_irp(which, &call, &processor()->locks, &f))
        stop_caller(&call, &f);
    if ((which == VF_DETACH_DEVICE && vf_check_detach(&call, &f)) ||
        (which == VF_DELETE_DEVICE && vf_check_delete(&call, &f)))
        stop_caller(&call, &f);
    if (which > VF_DELETE_DEVICE && which < VF_LOCK_FIRST)
        check_mutexes(which, &call);
    if (which == VF_FREE && vf_check_freed_locks(&call, &processor()->locks, &f))
        stop_caller(&call, &f);
    if (which == VF_SIGNAL_WAIT_1)
        vf_mutex_released(ke_thread(), call.arguments[0]);
    if (which >= VF_RELEASE && vf_released(which, &call, &processor()->locks, &f))
        stop_caller(&call, &f);
    if (which >= VF_LOCK_FIRST && which < VF_RELEASE && irql >= DISPATCH_LEVEL &&
        vf_check_acquire(which, &call, &processor()->locks, &f))
        stop_caller(&call, &f);
    if (may_deadlock(which, &call) && vf_check_order(&call, &processor()->locks, &f))
        stop_caller(&call, &f);
    if (is_spin_acquire(which) || is_mutex_acquire(which) || is_mutex_wait(which, &call))
        remember_lock(which, &call);
    else if (which == VF_WAIT_SINGLE)
        ke_thread()->arch.records->owner = NULL;
}

static void export_enter(const struct export_entry *x, const void *caller)
{
    KIRQL irql = ke_irql();
    if (unlikely(irql < x->min_irql || irql > x->max_irql || special(x) != VF_ORDINARY))
        check_enter(x, caller, irql);
}

static bool was_acquired(enum vf_special which, const struct arch_record *record)
{
    ULONG64 result = arch_gate_result(record);
    if (which == VF_WAIT_SINGLE)
        return record->owner != NULL &&
               ((NTSTATUS)result == STATUS_SUCCESS || (NTSTATUS)result == STATUS_ABANDONED);
    return (which != VF_ACQUIRE_TRY && which != VF_MUTEX_TRY) || (BOOLEAN)result;
}

static bool acquires(enum vf_special which)
{
    return is_spin_acquire(which) || is_mutex_acquire(which) || which == VF_WAIT_SINGLE;
}

static __attribute__((noinline)) void check_leave(const struct export_entry *x, const void *caller,
                                                  KIRQL before)
{
    struct vf_call call;
    struct vf_finding f;
    enum vf_special which = special(x);
    describe_call(&call, x, caller, before);
    /* A wait returns to the IRQL of the KeSetEvent(..., TRUE) before it. */
    if (!is_wait(which) && vf_check_irql_kept(&call, ke_irql(), &f))
        stop_caller(&call, &f);
    if (!acquires(which) || !was_acquired(which, ke_thread()->arch.records))
        return;
    recall_lock(which, &call);
    if (is_spin_acquire(which))
        vf_acquired(which, &call, &processor()->locks);
    else
        vf_mutex_acquired(ke_thread(), call.arguments[0], call.caller);
}

static void export_leave(const struct export_entry *x, const void *caller, KIRQL before)
{
    if (unlikely((ke_irql() != before && !(x->flags & X_RAISES_IRQL)) || acquires(special(x))))
        check_leave(x, caller, before);
}

/* ---- driver routines ---- */

static struct vf_state state_now(void)
{
    const struct ke_thread *thread = ke_thread();
    return (struct vf_state){
        .irql = ke_irql(),
        .locks_held = (UCHAR)MIN(processor()->locks.count, 255),
        .interrupts = machine_ops.interrupt_flag == NULL || machine_ops.interrupt_flag(),
        .kernel_apc_disable = thread->kernel_apc_disable,
        .special_apc_disable = thread->special_apc_disable,
    };
}

_Static_assert(sizeof(struct vf_state) == sizeof(uint64_t), "a state fits in a cookie");

/* Roles are short literals of many files: compared by their text. */
static bool is_dpc(const char *role, KIRQL irql)
{
    return role[0] == 'D' && role[1] == 'P' && role[2] == 'C' && role[3] == '\0' && irql >= DISPATCH_LEVEL;
}

static bool is_thread(const char *role)
{
    return role[0] == 's' && role[1] == 'y' && role[2] == 's'; /* "system thread" */
}

static bool is_cancel(const char *role)
{
    return role[0] == 'c' && role[1] == 'a' && role[2] == 'n';
}

/* IoCancelIrp has taken it while its caller held what it held. */
static void lend_cancel_lock(void)
{
    static const struct export_entry cancel = {.name = "IoCancelIrp"};
    const struct arch_record *record = ke_thread()->arch.records;
    struct vf_call call = {.export = &cancel, .arguments = {VF_CANCEL_LOCK}};
    struct vf_finding f;
    if (record != NULL)
        call.caller = caller_of(ke_thread(), (const void *)record->rip);
    if (unlikely(vf_check_order(&call, &processor()->locks, &f)))
        stop_caller(&call, &f);
    vf_lend_cancel_lock(&processor()->locks);
}

static void NTAPI callout_enter(const char *role, const void *routine, uint64_t *cookie)
{
    struct vf_state state = state_now();
    __builtin_memcpy(cookie, &state, sizeof(state));
    processor()->dpc_depth += is_dpc(role, state.irql);
    if (unlikely(is_cancel(role)) && arch_image_find((ULONG64)routine) != NULL)
        lend_cancel_lock(); /* a routine of the runtime releases it unseen */
}

static void NTAPI callout_leave(const char *role, const void *routine, uint64_t cookie)
{
    struct vf_state before, after;
    struct vf_finding f;
    __builtin_memcpy(&before, &cookie, sizeof(before));
    processor()->dpc_depth -= is_dpc(role, before.irql);
    if (unlikely(is_cancel(role)) && vf_take_back_cancel_lock(&processor()->locks))
        return;
    after = state_now();
    if (unlikely(is_thread(role)) && vf_find_kept_mutex(ke_thread(), (ULONG64)routine, &f))
        vf_stop_for(&f);
    if (unlikely(__builtin_memcmp(&before, &after, sizeof(before)) != 0) &&
        vf_check_callout(role, (ULONG64)routine, &before, &after, &processor()->locks, &f))
        vf_stop_for(&f);
}

/* ---- requests ---- */

/* What the bug check reference lists behind the kind; 0x200 and up are the reports of enhanced I/O
 * verification. */
static void fill_parameters(struct vf_finding *f, const IRP *copy)
{
    const struct arch_record *record = ke_thread()->arch.records;
    ULONG64 caller =
        record && record->type == ARCH_RECORD_GATE ? caller_of(ke_thread(), (const void *)record->rip) : 0;
    f->p[1] = (ULONG64)f->irp;
    f->blame = caller;
    if (f->code != DRIVER_VERIFIER_IOMANAGER_VIOLATION)
        return;
    if (f->p[0] == 0x06 || f->p[0] == 0x07) {
        f->p[1] = f->p[0] == 0x06 ? (ULONG)copy->IoStatus.Status : (ULONG64)copy->CancelRoutine;
        f->p[2] = (ULONG64)f->irp;
    } else if (f->p[0] >= 0x200) {
        f->p[1] = caller;
        f->p[2] = (ULONG64)f->irp;
        f->p[3] = (ULONG64)f->device;
    }
}

static void NTAPI irp_violation(ULONG code, ULONG subcode, const void *irp, const char *sentence)
{
    IRP copy = {0};
    IO_STACK_LOCATION location;
    struct vf_finding f;
    bool located = vf_peek_irp(irp, &copy) && vf_peek_location(irp, &copy, &location);
    vf_find(&f, code, subcode, 0, 0, 0, "%s", sentence);
    f.irp = irp;
    f.device = located ? location.DeviceObject : NULL;
    fill_parameters(&f, &copy);
    vf_stop_for(&f);
}

static void memory_gone(const void *from, size_t length)
{
    vf_order_forget((ULONG64)from, length);
}

static const struct vf_ops ops = {
    .export_enter = export_enter,
    .export_leave = export_leave,
    .callout_enter = callout_enter,
    .callout_leave = callout_leave,
    .irp_violation = irp_violation,
    .memory_gone = memory_gone,
    .irp_sent = vf_irp_sent,
    .irp_returned = vf_irp_returned,
    .irp_left = vf_irp_left,
    .irp_passed = vf_irp_passed,
    .irp_finishing = vf_irp_finishing,
};

void vf_seams_start(void)
{
    size_t count = (size_t)(__stop_rl_exports - __start_rl_exports);
    RL_ASSERT(count <= EXPORTS_MAX);
    __builtin_memset(processors, 0, sizeof(processors));
    vf_order_reset();
    for (size_t i = 0; i < count; i++)
        special_of[i] = (UCHAR)vf_special_of(__start_rl_exports[i].name);
    seam_vf = &ops;
}

void vf_seams_stop(void)
{
    seam_vf = NULL;
}
