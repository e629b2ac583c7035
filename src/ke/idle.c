/* SPDX-License-Identifier: MIT */
/*
 * The idle thread of a VP: current when nothing else is. It runs the VP's
 * DPCs, picks what became ready, and otherwise gives the VP up (real) or lets
 * the scheduler of the simulation go on. It never leaves its VP, and is the
 * only context that runs on several pthreads without having been queued.
 */
#include "ke/dispatch.h"
#include "ke/objects.h"

static bool has_work(const struct vp *vp)
{
    return (vp_pending(vp) & PEND_IDLE_WORK) || vp->dpc_depth != 0;
}

static void do_work(struct vp *vp)
{
    uint32_t pending = vp_pending(vp);
    if (pending & (PEND_STOP | PEND_WATCHDOG))
        bugcheck_stop_here(vp);
    if (pending & PEND_INTERRUPT)
        interrupts_deliver(vp);
    if (vp_pending(vp) & PEND_TIMER)
        timers_expire();
    dpc_drain(vp);
}

/* One turn, locked on entry and exit. */
static void turn(struct vp *vp)
{
    vp->ke.pcr.Irql = DISPATCH_LEVEL;
    if (has_work(vp)) {
        vp->idle_busy = true;
        vp->ke.idle->progress++; /* what it does now is not what the watchdog saw it do before */
        dispatcher_release();
        do_work(vp);
        dispatcher_acquire();
        vp->idle_busy = false;
        return;
    }
    vp_unpend(vp, PEND_PREEMPT | PEND_APC);
    struct ke_thread *next = dispatch_pick(vp);
    if (next != NULL) {
        if (!ke_simulated && dispatch_summary != 0)
            carrier_summon(~0ull);
        dispatch_switch(vp, vp->ke.idle, next);
    } else if (ke_simulated) {
        dispatcher_release();
        simulated_idle(vp);
        dispatcher_acquire();
    } else {
        carrier_go_home(vp, HOME_PARK);
    }
}

void idle_main(void *arg)
{
    for (;;)
        turn(arg);
}
