/* SPDX-License-Identifier: MIT */
/*
 * The clock of a real machine: one pthread that sleeps until the next timer is
 * due, and ticks while VPs are in use. A tick ends quanta, asks again for what
 * a VP has pending and has not taken, brings KUSER_SHARED_DATA up to date and
 * lets the watchdog look. It runs no NT code: it asks a VP to. Device models'
 * timers run here, as hardware does: beside the processors. In a simulated
 * machine it is the watchdog's only.
 */
#include "ke/dispatch.h"
#include "ke/objects.h"

enum { TICK_MS_MAX = 10, RETRY_NS = 1000000, IDLE_TICKS = 20 };

static host_thread *thread;
static uint32_t word; /* futex: changes when there is a reason to look again */
static uint32_t stopping;
static uint32_t active;       /* ticks are on */
static uint64_t sleeps_until; /* interrupt time */
static uint64_t seen_calls;
static unsigned quiet_ticks;
struct ke_device_clock ke_device_clock;

static void wake(void)
{
    __atomic_add_fetch(&word, 1, __ATOMIC_SEQ_CST);
    host_futex_wake(&word, 1);
}

void clock_note_activity(void)
{
    if (likely(__atomic_load_n(&active, __ATOMIC_RELAXED)))
        return;
    __atomic_store_n(&active, 1, __ATOMIC_SEQ_CST);
    clock_update_page();
    wake();
}

void clock_timer_changed(uint64_t due)
{
    if (!ke_simulated && due < __atomic_load_n(&sleeps_until, __ATOMIC_SEQ_CST))
        wake();
}

void ke_device_timer_set(uint64_t due_ns)
{
    clock_timer_changed(due_ns / 100);
}

uint64_t clock_device_due_ns(void)
{
    return ke_device_clock.next_due_ns != NULL ? ke_device_clock.next_due_ns() : ~0ull;
}

static struct vp *vp_for_expiry(void)
{
    for (unsigned i = 0; i < ke_vp_count; i++)
        if (vp_is_free(&ke_vps[i]))
            return &ke_vps[i];
    for (unsigned i = 0; i < ke_vp_count; i++)
        if (vp_irql(&ke_vps[i]) < DISPATCH_LEVEL)
            return &ke_vps[i];
    return &ke_vps[0];
}

static void ask(struct vp *vp, uint32_t pending)
{
    vp_pend(vp, pending);
    carrier_attend_locked(vp);
    struct carrier *carrier = __atomic_load_n(&vp->carrier, __ATOMIC_ACQUIRE);
    if (carrier != NULL)
        dispatch_signal_later(carrier->tid);
}

enum { RELIEF_TICKS = 2 };

/* Locked: the running thread of this VP has used a tick up. If a helper is on its way to a free VP, what is
 * ready is left to it for a while. */
static void tick_vp(struct vp *vp, bool relief)
{
    struct ke_thread *current = vp->ke.current;
    if (vp_is_free(vp) || current == vp->ke.idle)
        return;
    if (vp->dpc_depth != 0)
        ask(vp, PEND_DPC);
    if (dispatch_summary == 0 || 31 - __builtin_clz(dispatch_summary) < current->priority)
        return;
    if (--current->quantum > (relief ? -RELIEF_TICKS : 0))
        return;
    vp->quantum_end = true;
    ask(vp, PEND_PREEMPT);
}

static bool has_unserved(void)
{
    bool unserved = false;
    for (unsigned i = 0; i < ke_vp_count; i++) {
        struct vp *vp = &ke_vps[i];
        if (vp_pending(vp) == 0)
            continue;
        unserved = true;
        ask(vp, 0);
    }
    return unserved;
}

static void look_for_activity(void)
{
    uint64_t calls = 0;
    bool taken = false;
    for (unsigned i = 0; i < ke_vp_count; i++) {
        calls += ke_vps[i].calls;
        taken |= !vp_is_free(&ke_vps[i]);
    }
    quiet_ticks = taken || calls != seen_calls ? 0 : quiet_ticks + 1;
    seen_calls = calls;
    if (quiet_ticks > IDLE_TICKS)
        __atomic_store_n(&active, 0, __ATOMIC_SEQ_CST);
}

/* How long to sleep: to the next timer, a tick, or the next try. 0: nothing is to come. */
static uint64_t time_to_sleep(uint64_t now, bool unserved)
{
    uint64_t due = timers_next_due();
    uint64_t ns = due == ~0ull ? ~0ull : due <= now ? RETRY_NS : (due - now) * 100;
    if (__atomic_load_n(&active, __ATOMIC_SEQ_CST))
        ns = MIN(ns, (uint64_t)MIN(ke_settings.quantum_ms, TICK_MS_MAX) * 1000000);
    if (unserved)
        ns = MIN(ns, RETRY_NS);
    uint64_t device_due_ns = clock_device_due_ns(), now_ns = host_counter_ns();
    if (device_due_ns != ~0ull)
        ns = MIN(ns, device_due_ns <= now_ns ? 1 : device_due_ns - now_ns);
    return ns;
}

static uint64_t turn(uint64_t *next_tick_ns)
{
    /* Who starts a device's timer from here on, without the lock, finds that it has to wake us. */
    __atomic_store_n(&sleeps_until, ~0ull, __ATOMIC_SEQ_CST);
    if (clock_device_due_ns() <= host_counter_ns())
        ke_device_clock.run_due();
    uint64_t now = host_interrupt_time(), now_ns = host_monotonic_ns();
    dispatcher_acquire();
    if (timers_next_due() <= now)
        ask(vp_for_expiry(), PEND_TIMER);
    if (now_ns >= *next_tick_ns) {
        *next_tick_ns = now_ns + (uint64_t)ke_settings.quantum_ms * 1000000;
        bool relief = dispatch_summary != 0 && carrier_relief();
        for (unsigned i = 0; i < ke_vp_count; i++)
            tick_vp(&ke_vps[i], relief);
        look_for_activity();
        watchdog_check(now_ns);
    }
    uint64_t ns = time_to_sleep(now, has_unserved());
    __atomic_store_n(&sleeps_until, ns == ~0ull ? ~0ull : now + ns / 100, __ATOMIC_SEQ_CST);
    dispatcher_release();
    clock_update_page();
    return ns;
}

static void real_main(void *unused)
{
    uint64_t next_tick_ns = 0;
    (void)unused;
    while (!__atomic_load_n(&stopping, __ATOMIC_ACQUIRE)) {
        uint32_t seen = __atomic_load_n(&word, __ATOMIC_SEQ_CST);
        uint64_t ns = turn(&next_tick_ns);
        host_futex_wait(&word, seen, ns == ~0ull ? 0 : MAX(ns, 1000));
    }
}

static void simulated_main(void *unused)
{
    (void)unused;
    while (!__atomic_load_n(&stopping, __ATOMIC_ACQUIRE)) {
        host_futex_wait(&word, 0, 250000000);
        if (simulated_in_call())
            watchdog_check(host_monotonic_ns());
    }
}

NTSTATUS clock_init(void)
{
    stopping = active = word = 0;
    sleeps_until = 0;
    quiet_ticks = 0;
    thread = host_thread_create("ringless-clock", ke_simulated ? simulated_main : real_main, NULL);
    return thread != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

void clock_fini(void)
{
    if (thread == NULL)
        return;
    __atomic_store_n(&stopping, 1, __ATOMIC_SEQ_CST);
    wake();
    host_thread_join(thread);
    thread = NULL;
}
