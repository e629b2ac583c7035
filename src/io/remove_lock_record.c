/* SPDX-License-Identifier: MIT */
/*
 * The verifier's record of a remove lock, as Windows keeps one beside each lock
 * of a driver: made when it is initialized, it goes with the device extension
 * or image that the lock lies in. Lock: records_lock (rl_lock at
 * DISPATCH_LEVEL), not held across a bug check.
 */
#include "io/remove_lock.h"
#include "rtl/debug.h"

enum { BUCKETS = 64 };

struct holder {
    struct holder *next;
    const void *tag;
    uint64_t since; /* interrupt time */
};

struct record {
    LIST_ENTRY link;
    PIO_REMOVE_LOCK lock;
    struct io_remove_lock_limits limits;
    struct holder *holders;
    ULONG count;
    bool incomplete; /* a holder could not be noted */
};

static rl_lock records_lock;
static LIST_ENTRY records[BUCKETS];

void io_remove_locks_reset(void)
{
    records_lock = (rl_lock){0};
    for (unsigned i = 0; i < BUCKETS; i++)
        list_init(&records[i]);
}

static LIST_ENTRY *bucket_of(const void *lock)
{
    return &records[((uintptr_t)lock >> 4) % BUCKETS];
}

static KIRQL enter(void)
{
    KIRQL irql = ke_raise_irql(DISPATCH_LEVEL);
    rl_lock_acquire(&records_lock);
    return irql;
}

static void leave(KIRQL irql)
{
    rl_lock_release(&records_lock);
    ke_lower_irql(irql);
}

static struct record *find_locked(const void *lock)
{
    list_for_each(it, bucket_of(lock))
    {
        struct record *r = container_of(it, struct record, link);
        if (r->lock == lock)
            return r;
    }
    return NULL;
}

static void free_record(struct record *r)
{
    while (r != NULL && r->holders != NULL) {
        struct holder *h = r->holders;
        r->holders = h->next;
        mm_free(h);
    }
    mm_free(r);
}

static void violation(ULONG kind, const void *p2, const void *p3, const char *sentence)
{
    struct ke_bugcheck_info info = {
        .code = DRIVER_VERIFIER_DETECTED_VIOLATION,
        .p = {kind, (ULONG_PTR)p2, (ULONG_PTR)p3, 0},
        .sentence = sentence,
        .verifier = true,
    };
    ke_bugcheck(&info);
}

/* Is it what the record is of, or does other memory lie there now? */
static bool is_alive(const struct record *r)
{
    const IO_REMOVE_LOCK_COMMON_BLOCK *common = &r->lock->Common;
    return common->Removed ? common->IoCount <= (LONG)r->count
                           : r->incomplete || common->IoCount == 1 + (LONG)r->count;
}

void io_remove_lock_initializing(PIO_REMOVE_LOCK lock, const struct io_remove_lock_limits *limits)
{
    if (!seam_vf)
        return;
    struct record *made = mm_alloc(sizeof(*made), IO_STATE_TAG);
    KIRQL irql = enter();
    struct record *former = find_locked(lock);
    bool alive = former != NULL && is_alive(former);
    if (former != NULL)
        list_remove(&former->link);
    if (made != NULL) {
        *made = (struct record){.lock = lock, .limits = *limits};
        list_insert_tail(bucket_of(lock), &made->link);
    }
    leave(irql);
    free_record(former);
    if (alive)
        /* RL-05: others may still use it. */
        violation(0xD7, former, lock, "a remove lock was initialized again");
}

static void say(const char *format, const void *lock, ULONG64 value)
{
    char text[160];
    host_snprintf(text, sizeof(text), format, lock, value);
    if (rtl_debug_sink)
        rtl_debug_sink(text, NULL);
}

void io_remove_lock_acquired(PIO_REMOVE_LOCK lock, const void *tag)
{
    if (!seam_vf)
        return;
    struct holder *made = mm_alloc(sizeof(*made), IO_STATE_TAG);
    KIRQL irql = enter();
    struct record *r = find_locked(lock);
    ULONG count = r != NULL ? ++r->count : 0, most = r != NULL ? r->limits.holders : 0;
    if (r != NULL && made == NULL)
        r->incomplete = true;
    if (r != NULL && made != NULL) {
        *made = (struct holder){.next = r->holders, .tag = tag, .since = host_interrupt_time()};
        r->holders = made;
    }
    leave(irql);
    if (r == NULL)
        mm_free(made);
    if (most != 0 && count > most)
        say("remove lock %p is held more often than its limit of %llu allows\n", lock, most);
}

static struct holder *take_holder(struct record *r, const void *tag)
{
    for (struct holder **at = &r->holders; *at != NULL; at = &(*at)->next)
        if ((*at)->tag == tag) {
            struct holder *found = *at;
            *at = found->next;
            return found;
        }
    return NULL;
}

static void judge_tag(PIO_REMOVE_LOCK lock, const void *tag, const void *held,
                      enum io_remove_lock_release kind)
{
    if (kind == IO_REMOVE_LOCK_RELEASE)
        /* RL-03: with the tag it was acquired with. */
        violation(0xD5, lock, tag, "IoReleaseRemoveLock was called with a tag that no acquisition has");
    else
        /* RL-04: one acquisition is the caller's. */
        violation(0xD6, lock, held,
                  "IoReleaseRemoveLockAndWait was called with a tag that no acquisition has");
}

void io_remove_lock_released(PIO_REMOVE_LOCK lock, const void *tag, enum io_remove_lock_release kind)
{
    struct holder *found = NULL;
    const void *held = NULL;
    LONGLONG limit = 0;
    if (!seam_vf)
        return;
    KIRQL irql = enter();
    struct record *r = find_locked(lock);
    bool known = r != NULL && !r->incomplete;
    if (r != NULL) {
        held = r->holders != NULL ? r->holders->tag : NULL;
        found = take_holder(r, tag);
        limit = r->limits.locked_100ns;
        r->count -= r->count != 0;
    }
    leave(irql);
    if (known && found == NULL)
        judge_tag(lock, tag, held, kind);
    if (found != NULL && limit != 0 && host_interrupt_time() - found->since > (uint64_t)limit)
        say("remove lock %p was held for longer than its limit of %llu minutes\n", lock,
            (ULONG64)limit / 600000000);
    mm_free(found);
}

/* What lies there goes: a device extension, an image. */
void io_remove_locks_forget(const void *start, size_t bytes)
{
    LIST_ENTRY gone;
    list_init(&gone);
    if (!seam_vf)
        return;
    KIRQL irql = enter();
    for (unsigned i = 0; i < BUCKETS; i++)
        list_for_each_safe(it, next, &records[i])
        {
            if ((uintptr_t)container_of(it, struct record, link)->lock - (uintptr_t)start >= bytes)
                continue;
            list_remove(it);
            list_insert_tail(&gone, it);
        }
    leave(irql);
    while (!list_empty(&gone))
        free_record(container_of(list_remove_head(&gone), struct record, link));
}
