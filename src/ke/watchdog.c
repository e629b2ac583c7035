/* SPDX-License-Identifier: MIT */
/*
 * The watchdog: a thread that runs and has neither waited nor returned for the
 * configured time is taken for lost in an endless loop, as is a DPC. It is
 * interrupted where it is and the machine stops with a report of that place.
 * Code that cannot be interrupted (the runtime itself) for as long again ends
 * the process with a message.
 */
#include "ke/dispatch.h"
#include "ke/objects.h"

static uint64_t limit_ns(void)
{
    return (uint64_t)ke_settings.watchdog_s * 1000000000ull;
}

static bool is_busy(const struct vp *vp)
{
    if (!ke_simulated && vp_is_free(vp))
        return false;
    return vp->ke.current != vp->ke.idle || vp->idle_busy;
}

static void accuse(struct vp *vp)
{
    if (!(vp_pending(vp) & PEND_WATCHDOG))
        vp->interrupted_rip = 0; /* known only if driver code is interrupted from now on */
    vp_pend(vp, PEND_WATCHDOG);
    struct carrier *carrier = __atomic_load_n(&vp->carrier, __ATOMIC_ACQUIRE);
    if (carrier != NULL)
        host_signal_thread(carrier->tid);
}

static void check_vp(struct vp *vp, uint64_t now_ns)
{
    struct ke_thread *thread = vp->ke.current;
    uint64_t progress = thread->progress + __atomic_load_n(&vp->dpc_done, __ATOMIC_RELAXED);
    if (progress != thread->watched_progress || thread->watched_since_ns == 0) {
        thread->watched_progress = progress;
        thread->watched_since_ns = now_ns;
        return;
    }
    uint64_t stuck_ns = now_ns - thread->watched_since_ns;
    if (stuck_ns > 2 * limit_ns())
        host_panic("the watchdog cannot interrupt thread %u (%s) on processor %u", thread->id,
                   thread->name != NULL ? thread->name : "a driver's", vp->ke.number);
    if (stuck_ns > limit_ns())
        accuse(vp);
}

void watchdog_check(uint64_t now_ns)
{
    if (__atomic_load_n(&ke_stopped, __ATOMIC_ACQUIRE) || ke_settings.watchdog_s == 0)
        return;
    for (unsigned i = 0; i < ke_vp_count; i++)
        if (is_busy(&ke_vps[i]))
            check_vp(&ke_vps[i], now_ns);
}
