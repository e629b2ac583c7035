/* SPDX-License-Identifier: MIT */
/*
 * Spin locks that drivers hold on one virtual processor: a lock is bound to it,
 * since its holder stays at DISPATCH_LEVEL. Locks that the runtime takes by
 * itself are not counted; but a cancel routine gets the cancel spin lock lent.
 */
#include "vf/rules.h"
#include "host/host.h"
#include "nt/bugcodes.h"

#define C4                  DRIVER_VERIFIER_DETECTED_VIOLATION
#define RULE_SPIN_LOCK      0x40009
#define RULE_RELEASE        0x4000B
#define RULE_QUEUED         0x40006
#define RULE_QUEUED_RELEASE 0x40007
#define RULE_RELEASE_IRQL   0x20015

static bool is_queued(enum vf_special special)
{
    return special == VF_ACQUIRE_QUEUED || special == VF_RELEASE_QUEUED || special == VF_RELEASE_QUEUED_LOWER;
}

static const struct vf_lock *find_lock(const struct vf_locks *locks, ULONG64 lock)
{
    for (unsigned i = 0; i < MIN(locks->count, VF_LOCKS); i++)
        if (locks->held[i].lock == lock)
            return &locks->held[i];
    return NULL;
}

void vf_name_lock(enum vf_special special, struct vf_call *call)
{
    if (special == VF_RELEASE_CANCEL)
        call->arguments[1] = call->arguments[0];
    if (special == VF_RELEASE_CANCEL || special == VF_ACQUIRE_CANCEL)
        call->arguments[0] = VF_CANCEL_LOCK;
}

/* Since when: "hello.sys!HelloRead+0x12". */
static void describe_holder(const struct vf_lock *held, char *words, size_t size)
{
    if (held->caller == 0)
        host_snprintf(words, size, "its cancel routine was called");
    else
        vf_describe(held->caller, words, size);
}

bool vf_check_acquire(enum vf_special special, const struct vf_call *call, const struct vf_locks *locks,
                      struct vf_finding *f)
{
    const struct vf_lock *held = find_lock(locks, call->arguments[0]);
    char words[VF_DESCRIPTION];
    if (held == NULL || special == VF_ACQUIRE_TRY || (special == VF_ACQUIRE_SHARED && held->shared))
        return false;
    describe_holder(held, words, sizeof(words));
    vf_find(
        f, C4, is_queued(special) ? RULE_QUEUED : RULE_SPIN_LOCK, call->caller, call->arguments[0],
        held->caller,
        "%s was called for a spin lock that this processor holds already, since %s: it would wait for ever",
        call->export->name, words);
    return true;
}

void vf_acquired(enum vf_special special, const struct vf_call *call, struct vf_locks *locks)
{
    bool queued = is_queued(special);
    if (locks->count < VF_LOCKS)
        locks->held[locks->count] = (struct vf_lock){.lock = call->arguments[0],
                                                     .key = call->arguments[queued ? 1 : 0],
                                                     .caller = call->caller,
                                                     .queued = queued,
                                                     .shared = special == VF_ACQUIRE_SHARED};
    locks->count++;
}

void vf_lend_cancel_lock(struct vf_locks *locks)
{
    struct vf_call call = {.arguments = {VF_CANCEL_LOCK}};
    vf_acquired(VF_ACQUIRE_CANCEL, &call, locks);
}

static bool forget(struct vf_locks *locks, ULONG64 key)
{
    unsigned kept = MIN(locks->count, VF_LOCKS);
    for (unsigned i = kept; i > 0; i--) {
        if (locks->held[i - 1].key != key)
            continue;
        for (unsigned j = i; j < kept; j++)
            locks->held[j - 1] = locks->held[j];
        locks->count--;
        return true;
    }
    if (locks->count <= VF_LOCKS)
        return false;
    locks->count--; /* one of those that there was no room for */
    return true;
}

/* The IRQL that a release goes to; false: it stays. A queued lock's handle remembers it. */
static bool returns_to(enum vf_special special, const struct vf_call *call, KIRQL *irql)
{
    KLOCK_QUEUE_HANDLE handle;
    if (special == VF_RELEASE_LOWER || special == VF_RELEASE_CANCEL)
        *irql = (KIRQL)call->arguments[1];
    else if (special == VF_RELEASE_QUEUED_LOWER &&
             vf_peek(&handle, (const void *)call->arguments[0], sizeof(handle)))
        *irql = handle.OldIrql;
    else
        return false;
    return true;
}

static bool check_lowering(enum vf_special special, const struct vf_call *call, const struct vf_locks *locks,
                           struct vf_finding *f)
{
    char words[VF_DESCRIPTION];
    KIRQL wanted;
    if (locks->count == 0 || !returns_to(special, call, &wanted) || wanted >= DISPATCH_LEVEL)
        return false;
    const struct vf_lock *held = &locks->held[MIN(locks->count, VF_LOCKS) - 1];
    describe_holder(held, words, sizeof(words));
    vf_find(f, C4, RULE_RELEASE_IRQL, call->caller, call->arguments[0], held->lock,
            "%s was asked to return to IRQL %u while another spin lock is held, since %s", call->export->name,
            wanted, words);
    return true;
}

/* What a queued lock's release needs is in its handle, and what an ordinary one's does not is in the lock. */
static bool check_kind(const struct vf_call *call, const struct vf_locks *locks, struct vf_finding *f)
{
    const struct vf_lock *held = find_lock(locks, call->arguments[0]);
    char words[VF_DESCRIPTION];
    if (held == NULL || !held->queued || held->key == call->arguments[0])
        return false;
    describe_holder(held, words, sizeof(words));
    vf_find(f, C4, 0x1009, call->arguments[0], 0, 0,
            "%s was called for a spin lock that was acquired as a queued one, at %s", call->export->name,
            words);
    return true;
}

bool vf_released(enum vf_special special, const struct vf_call *call, struct vf_locks *locks,
                 struct vf_finding *f)
{
    if (!is_queued(special) && check_kind(call, locks, f))
        return true;
    if (!forget(locks, call->arguments[0])) {
        vf_find(f, C4, is_queued(special) ? RULE_QUEUED_RELEASE : RULE_RELEASE, call->caller,
                call->arguments[0], 0, "%s was called for a spin lock that this processor does not hold",
                call->export->name);
        return true;
    }
    return check_lowering(special, call, locks, f);
}

bool vf_take_back_cancel_lock(struct vf_locks *locks)
{
    return find_lock(locks, VF_CANCEL_LOCK) != NULL && forget(locks, VF_CANCEL_LOCK);
}
