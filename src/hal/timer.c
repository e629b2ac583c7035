/* SPDX-License-Identifier: MIT */
/*
 * Devices' own time. The machine's clock runs what is due, one after another:
 * in a real machine on its own pthread, in a simulated one wherever the virtual
 * time passes. Timers due together run in the order in which they were started.
 */
#include "hal/internal.h"
#include "base/lock.h"
#include "host/host.h"

/* The least delay: a device that starts its timer anew in the timer's routine lets time pass. */
#define LEAST_NS 100

static LIST_ENTRY timers = {&timers, &timers}; /* by due_ns */
static rl_lock lock;
static uint64_t next_due = ~0ull; /* also read without the lock */
static struct hal_timer *running;
static int runner; /* tid */

static struct hal_timer *timer_of(LIST_ENTRY *link)
{
    return container_of(link, struct hal_timer, link);
}

/* Locked. */
static void publish_next(void)
{
    uint64_t due = list_empty(&timers) ? ~0ull : timer_of(timers.Flink)->due_ns;

    __atomic_store_n(&next_due, due, __ATOMIC_SEQ_CST);
}

/* Locked. */
static void disarm(struct hal_timer *timer)
{
    if (!timer->armed)
        return;
    timer->armed = false;
    list_remove(&timer->link);
}

/* Locked. */
static void arm(struct hal_timer *timer, uint64_t due_ns)
{
    LIST_ENTRY *before = timers.Blink;

    while (before != &timers && timer_of(before)->due_ns > due_ns)
        before = before->Blink;
    timer->due_ns = due_ns;
    timer->armed = true;
    list_insert_head(before, &timer->link);
}

uint64_t hal_now_ns(void)
{
    return host_counter_ns();
}

void hal_timer_init(struct hal_timer *timer, void (*fn)(void *context), void *context)
{
    *timer = (struct hal_timer){.fn = fn, .context = context};
}

void hal_timer_start(struct hal_timer *timer, uint64_t delay_ns)
{
    uint64_t now = hal_now_ns(), due_ns = now + MAX(delay_ns, LEAST_NS);

    rl_lock_acquire(&lock);
    disarm(timer);
    arm(timer, due_ns < now ? ~0ull - 1 : due_ns);
    publish_next();
    rl_lock_release(&lock);
    ke_device_timer_set(due_ns);
}

/* Waits for a routine that another thread runs: hold no lock that it takes. */
void hal_timer_stop(struct hal_timer *timer)
{
    rl_lock_acquire(&lock);
    disarm(timer);
    publish_next();
    while (running == timer && runner != host_tid()) {
        rl_lock_release(&lock);
        host_yield();
        rl_lock_acquire(&lock);
        disarm(timer);
        publish_next();
    }
    rl_lock_release(&lock);
}

static uint64_t next_due_ns(void)
{
    return __atomic_load_n(&next_due, __ATOMIC_SEQ_CST);
}

/* Locked: the first that is due, out of the list. */
static struct hal_timer *take_due(void)
{
    struct hal_timer *first = list_empty(&timers) ? NULL : timer_of(timers.Flink);

    if (first == NULL || first->due_ns > hal_now_ns())
        return NULL;
    disarm(first);
    publish_next();
    return first;
}

static void run_due(void)
{
    rl_lock_acquire(&lock);
    runner = host_tid();
    while ((running = take_due()) != NULL) {
        rl_lock_release(&lock);
        running->fn(running->context);
        rl_lock_acquire(&lock);
    }
    rl_lock_release(&lock);
}

/* The clock of the machine that is there keeps them; of a former one nothing is left. */
void hal_timers_init(void)
{
    rl_lock_acquire(&lock);
    list_init(&timers);
    publish_next();
    rl_lock_release(&lock);
    ke_device_clock.next_due_ns = next_due_ns;
    ke_device_clock.run_due = run_due;
}
