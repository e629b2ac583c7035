/* SPDX-License-Identifier: MIT */
/*
 * Interrupts from device models and between VPs. A request waits in the queue
 * of one VP, highest IRQL first, until that VP's IRQL lets it in. The same
 * request (function and context) is queued once: a line that is raised again
 * before it was served is one interrupt. Nothing is taken by who asks: a device
 * model may hold its lock.
 */
#include "ke/dispatch.h"
#include "ke/objects.h"

static bool is_queued(const struct vp *vp, ke_interrupt_fn fn, const void *context)
{
    for (unsigned i = 0; i < vp->interrupt_count; i++)
        if (vp->interrupts[i].fn == fn && vp->interrupts[i].context == context)
            return true;
    return false;
}

static void publish_first(struct vp *vp)
{
    KIRQL irql = vp->interrupt_count ? vp->interrupts[0].irql : 0;
    __atomic_store_n(&vp->interrupt_irql, irql, __ATOMIC_RELEASE);
}

static void insert(struct vp *vp, const struct interrupt_request *request)
{
    RL_ASSERT(vp->interrupt_count < INTERRUPTS_MAX);
    unsigned at = vp->interrupt_count++;
    for (; at > 0 && vp->interrupts[at - 1].irql < request->irql; at--)
        vp->interrupts[at] = vp->interrupts[at - 1];
    vp->interrupts[at] = *request;
    publish_first(vp);
}

void interrupt_request_on(struct vp *vp, KIRQL irql, ULONG vector, ke_interrupt_fn fn, void *context)
{
    rl_lock_acquire(&vp->interrupt_lock);
    if (!is_queued(vp, fn, context))
        insert(vp, &(struct interrupt_request){irql, vector, fn, context});
    rl_lock_release(&vp->interrupt_lock);
    vp_pend(vp, PEND_INTERRUPT);
    if (ke_on_vp() && vp == vp_current())
        return;
    carrier_attend(vp);
    vp_interrupt(vp);
}

static struct vp *nth_of(KAFFINITY processors, unsigned n)
{
    for (; n > 0; n--)
        processors &= processors - 1;
    return &ke_vps[__builtin_ctzll(processors)];
}

/* Drawn, on a VP: another pthread may not touch the machine's generator. */
static struct vp *choose_simulated(KAFFINITY processors)
{
    unsigned count = (unsigned)__builtin_popcountll(processors);
    return nth_of(processors, count > 1 && ke_on_vp() ? host_choose(count) : 0);
}

/* A VP whose IRQL is below, the current one first; else any: it is taken there as soon as it may be. */
static struct vp *choose_target(KAFFINITY processors, KIRQL irql)
{
    if (ke_simulated)
        return choose_simulated(processors);
    if (ke_on_vp() && ke_irql() < irql && (vp_current()->mask & processors))
        return vp_current();
    for (unsigned i = 0; i < ke_vp_count; i++)
        if ((ke_vps[i].mask & processors) && vp_is_free(&ke_vps[i]))
            return &ke_vps[i];
    for (unsigned i = 0; i < ke_vp_count; i++)
        if ((ke_vps[i].mask & processors) && vp_irql(&ke_vps[i]) < irql)
            return &ke_vps[i];
    return nth_of(processors, 0);
}

static KAFFINITY all_processors(void)
{
    return ~0ull >> (64 - ke_vp_count);
}

void ke_request_interrupt(KAFFINITY processors, KIRQL irql, ULONG vector, ke_interrupt_fn fn, void *context)
{
    processors &= all_processors();
    RL_ASSERT(processors != 0);
    interrupt_request_on(choose_target(processors, irql), irql, vector, fn, context);
}

static bool take_above(struct vp *vp, KIRQL irql, struct interrupt_request *request)
{
    rl_lock_acquire(&vp->interrupt_lock);
    bool found = vp->interrupt_count != 0 && vp->interrupts[0].irql > irql;
    if (found) {
        *request = vp->interrupts[0];
        vp->interrupt_count--;
        for (unsigned i = 0; i < vp->interrupt_count; i++)
            vp->interrupts[i] = vp->interrupts[i + 1];
        publish_first(vp);
    }
    if (vp->interrupt_count == 0)
        vp_unpend(vp, PEND_INTERRUPT);
    rl_lock_release(&vp->interrupt_lock);
    return found;
}

/*
 * At the VP's IRQL: everything above it. A service routine that returns at another IRQL is bug check 0xC8. A
 * line that is never lowered keeps us here, which is for the watchdog to end.
 */
void interrupts_deliver(struct vp *vp)
{
    KIRQL irql = vp_irql(vp);
    struct interrupt_request request;
    for (unsigned storm = 1; take_above(vp, irql, &request); storm++) {
        vp->storm = storm;
        vp->storm_vector = request.vector;
        vp->ke.interrupts++;
        if (unlikely(vp_pending(vp) & (PEND_STOP | PEND_WATCHDOG)))
            bugcheck_stop_here(vp);
        vp->ke.pcr.Irql = request.irql;
        request.fn(request.context);
        if (unlikely(ke_irql() != request.irql))
            bugcheck_sentence(IRQL_UNEXPECTED_VALUE, (ULONG64)ke_irql() << 16 | (ULONG64)request.irql << 8,
                              (uintptr_t)request.fn, 0, 0, "an interrupt routine returned at another IRQL");
        vp->ke.pcr.Irql = irql;
    }
    vp->storm = 0;
}
