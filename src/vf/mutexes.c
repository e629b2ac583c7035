/* SPDX-License-Identifier: MIT */
/*
 * What a thread owns besides spin locks: fast and guarded mutexes, and mutexes;
 * and the rules for those and for ERESOURCEs, which the graph of lock order
 * leaves out, as Driver Verifier's deadlock detection does. Kept in the thread.
 */
#include "vf/seams.h"
#include "vf/order.h"
#include "ex/ex.h"
#include "nt/bugcodes.h"

#define C4          DRIVER_VERIFIER_DETECTED_VIOLATION
#define MUTANT_TYPE 2
#define EVENT_TYPE  1 /* a synchronization event, as a fast mutex has one */

static int position_of(const struct ke_thread *thread, ULONG64 lock)
{
    for (int i = (int)MIN(thread->owned_count, countof(thread->owned)); i > 0; i--)
        if (thread->owned[i - 1].lock == lock)
            return i - 1;
    return -1;
}

void vf_mutex_acquired(struct ke_thread *thread, ULONG64 lock, ULONG64 where)
{
    if (thread->owned_count < countof(thread->owned)) {
        thread->owned[thread->owned_count].lock = lock;
        thread->owned[thread->owned_count].where = where;
    }
    thread->owned_count++;
}

static bool forget(struct ke_thread *thread, ULONG64 lock)
{
    int at = position_of(thread, lock);
    unsigned kept = MIN(thread->owned_count, countof(thread->owned));
    if (at < 0 && thread->owned_count <= countof(thread->owned))
        return false;
    for (unsigned i = (unsigned)at + 1; at >= 0 && i < kept; i++)
        thread->owned[i - 1] = thread->owned[i];
    thread->owned_count--;
    return true;
}

void vf_mutex_released(struct ke_thread *thread, ULONG64 lock)
{
    forget(thread, lock);
}

/* ---- fast and guarded mutexes: the same first fields ---- */

static bool is_made(ULONG64 mutex)
{
    FAST_MUTEX copy;
    return vf_peek(&copy, (const void *)mutex, sizeof(copy)) && copy.Event.Header.Type == EVENT_TYPE;
}

/* Normal kernel APCs must be off, or the thread may be interrupted by code that wants the same. */
static bool has_apcs_off(const struct vf_call *call)
{
    return call->irql >= APC_LEVEL || call->kernel_apc_disable != 0 || call->special_apc_disable != 0;
}

static bool check_unsafe(const struct vf_call *call, ULONG kind, struct vf_finding *f)
{
    if (has_apcs_off(call))
        return false;
    vf_find(f, C4, kind, call->irql, (ULONG64)(LONG64)call->kernel_apc_disable, call->arguments[0],
            "%s was called with APCs enabled: at APC_LEVEL, or inside a critical or guarded region only",
            call->export->name);
    return true;
}

static bool check_acquire(const struct vf_call *call, const struct ke_thread *thread, struct vf_finding *f)
{
    ULONG64 lock = call->arguments[0];
    int at = position_of(thread, lock);
    char words[VF_DESCRIPTION];
    if (unlikely(!is_made(lock))) {
        vf_find(f, C4, 0x1002, lock, 0, 0, "%s was called for a mutex that was never initialized",
                call->export->name);
        return true;
    }
    if (likely(at < 0))
        return false;
    vf_describe(thread->owned[at].where, words, sizeof(words));
    vf_find(f, MUTEX_ALREADY_OWNED, lock, (ULONG64)thread, 0, 0,
            "%s was called for a mutex that this thread owns already, since %s: it would wait for ever",
            call->export->name, words);
    return true;
}

static bool check_release(const struct vf_call *call, struct ke_thread *thread, struct vf_finding *f)
{
    ULONG64 lock = call->arguments[0];
    FAST_MUTEX copy = {0};
    if (likely(forget(thread, lock)))
        return false;
    bool others = vf_peek(&copy, (const void *)lock, sizeof(copy)) && copy.Count <= 0 && copy.Owner != NULL &&
                  copy.Owner != (PVOID)thread;
    if (others)
        vf_find(f, C4, 0x1004, lock, (ULONG64)copy.Owner, (ULONG64)thread,
                "%s was called for a mutex that another thread owns", call->export->name);
    else
        vf_find(f, C4, 0x1007, lock, 0, 0, "%s was called for a mutex that nobody has acquired",
                call->export->name);
    return true;
}

/* ---- ERESOURCEs ---- */

/* System threads get no normal kernel APCs from anybody but their own driver. */
static bool check_region(const struct vf_call *call, const struct ke_thread *thread, ULONG kind,
                         struct vf_finding *f)
{
    if (has_apcs_off(call) || thread->host == NULL)
        return false;
    vf_find(f, C4, kind, call->irql, (ULONG64)(LONG64)call->kernel_apc_disable, call->arguments[0],
            "%s was called outside of a critical region: normal kernel APCs must be disabled around it",
            call->export->name);
    return true;
}

static bool check_upgrade(const struct vf_call *call, bool wait, struct vf_finding *f)
{
    PERESOURCE resource = (PERESOURCE)call->arguments[0];
    if (!wait || !vf_is_readable(resource, sizeof(*resource)) || !ExIsResourceAcquiredSharedLite(resource) ||
        ExIsResourceAcquiredExclusiveLite(resource))
        return false;
    vf_find(f, C4, 0x1000, call->arguments[0], 0, 0,
            "%s was called for a resource that this thread owns shared: it would wait for itself for ever",
            call->export->name);
    return true;
}

/* ---- any lock ---- */

static bool is_held(const struct vf_locks *locks, const struct ke_thread *thread, ULONG64 from, size_t length,
                    ULONG64 *lock)
{
    for (unsigned i = 0; i < MIN(locks->count, VF_LOCKS); i++)
        if ((*lock = locks->held[i].lock) - from < length)
            return true;
    for (unsigned i = 0; i < MIN(thread->owned_count, countof(thread->owned)); i++)
        if ((*lock = thread->owned[i].lock) - from < length)
            return true;
    return false;
}

static bool check_initialize(const struct vf_call *call, const struct vf_locks *locks,
                             const struct ke_thread *thread, struct vf_finding *f)
{
    ULONG64 lock;
    vf_order_forget(call->arguments[0], sizeof(void *));
    if (likely(!is_held(locks, thread, call->arguments[0], 1, &lock)))
        return false;
    vf_find(f, C4, 0x1005, lock, 0, 0, "%s was called for a lock that is held", call->export->name);
    return true;
}

/* A block of pool goes, and with it what the graph knows of its locks. */
bool vf_check_freed_locks(const struct vf_call *call, const struct vf_locks *locks, struct vf_finding *f)
{
    struct ke_thread *thread = ke_thread();
    void *block;
    ULONG64 lock;
    size_t size;
    ULONG tag;
    if (likely(locks->count == 0 && thread->owned_count == 0 && vf_order_is_empty()))
        return false;
    if (!mm_pool_block_of((const void *)call->arguments[0], &block, &size, &tag))
        return false;
    vf_order_forget((ULONG64)block, size);
    if (likely(!is_held(locks, thread, (ULONG64)block, size, &lock)))
        return false;
    vf_find(f, C4, 0x100B, lock, (ULONG64)thread, 0, "%s was called for memory with a lock that is held",
            call->export->name);
    return true;
}

static void say_circle(const struct vf_call *call, const struct vf_circle *circle, struct vf_finding *f)
{
    char held[VF_DESCRIPTION], before[VF_DESCRIPTION], since[VF_DESCRIPTION];
    struct vf_text text;
    vf_describe(circle->held.where, held, sizeof(held));
    vf_describe(circle->before_where, before, sizeof(before));
    vf_describe(circle->before_held_where, since, sizeof(since));
    vf_find(f, C4, 0x1001, call->arguments[0], circle->held.lock, 0, "%s", "");
    vf_text_init(&text, f->sentence, sizeof(f->sentence));
    vf_text_add(&text, "%s asks for a lock in the wrong order: it holds another, since %s; but before, ",
                call->export->name, circle->held.where != 0 ? held : "its cancel routine was called");
    vf_text_add(&text, "%s was acquired at %s by who held this one, since %s",
                circle->steps == 1 ? "that other" : "a third", before, since);
    if (circle->steps > 1)
        vf_text_add(&text, " (and so on: %u locks in a circle)", circle->steps + 1);
}

bool vf_check_order(const struct vf_call *call, const struct vf_locks *locks, struct vf_finding *f)
{
    const struct ke_thread *thread = ke_thread();
    struct vf_hold held[VF_LOCKS + countof(thread->owned)];
    struct vf_circle circle;
    unsigned count = 0;
    if (likely(locks->count == 0 && thread->owned_count == 0))
        return false;
    for (unsigned i = 0; i < MIN(locks->count, VF_LOCKS); i++)
        held[count++] = (struct vf_hold){locks->held[i].lock, locks->held[i].caller};
    for (unsigned i = 0; i < MIN(thread->owned_count, countof(thread->owned)); i++)
        held[count++] = (struct vf_hold){thread->owned[i].lock, thread->owned[i].where};
    if (!vf_order_ask(call->arguments[0], call->caller, held, count, &circle))
        return false;
    say_circle(call, &circle, f);
    return true;
}

/* ---- the calls ---- */

bool vf_is_mutant(ULONG64 object)
{
    DISPATCHER_HEADER header;
    return vf_peek(&header, (const void *)object, sizeof(header)) && header.Type == MUTANT_TYPE;
}

bool vf_check_mutex(enum vf_special special, const struct vf_call *call, const struct vf_locks *locks,
                    struct vf_finding *f)
{
    struct ke_thread *thread = ke_thread();
    switch (special) {
    case VF_MUTEX_UNSAFE_ACQUIRE:
        return check_unsafe(call, 0x39, f) || check_acquire(call, thread, f) ||
               vf_check_order(call, locks, f);
    case VF_MUTEX_ACQUIRE:
        return check_acquire(call, thread, f) || vf_check_order(call, locks, f);
    case VF_MUTEX_UNSAFE_RELEASE:
        return check_unsafe(call, 0x3A, f) || check_release(call, thread, f);
    case VF_MUTEX_RELEASE:
        return check_release(call, thread, f);
    case VF_RESOURCE_EXCLUSIVE:
        return check_region(call, thread, 0x37, f) || check_upgrade(call, (BOOLEAN)call->arguments[1], f);
    case VF_RESOURCE_SHARED:
        return check_region(call, thread, 0x37, f);
    case VF_RESOURCE_REGION:
        return check_upgrade(call, true, f);
    case VF_RESOURCE_RELEASE:
        return check_region(call, thread, 0x38, f);
    case VF_INITIALIZE_LOCK:
        return check_initialize(call, locks, thread, f);
    default:
        return false;
    }
}

bool vf_find_kept_mutex(const struct ke_thread *thread, ULONG64 routine, struct vf_finding *f)
{
    char who[VF_DESCRIPTION], where[VF_DESCRIPTION];
    if (likely(thread->owned_count == 0) ||
        vf_is_mutant(thread->owned[0].lock)) /* whose own bug check is 0x39 */
        return false;
    vf_describe(routine, who, sizeof(who));
    vf_describe(thread->owned[0].where, where, sizeof(where));
    vf_find(f, C4, 0x100A, (ULONG64)thread, thread->owned[0].lock, 0,
            "a thread of %s ended owning a mutex, since %s", who, where);
    f->blame = thread->owned[0].where;
    return true;
}
