/* SPDX-License-Identifier: MIT */
/*
 * Interrupts from device models and between VPs. A request waits in the queue
 * of one VP, highest IRQL first, until that VP's IRQL lets it in. The same
 * request (function and context) is queued once: a line that is raised again
 * before it was served is one interrupt.
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
    if (ke_on_vp() && vp == vp_current()) {
        irql_service();
        return;
    }
    carrier_attend(vp);
    vp_interrupt(vp);
}

/* A VP whose IRQL is below, the current one first; else any: it is taken there as soon as it may be. */
static struct vp *choose_target(KIRQL irql)
{
    if (ke_simulated)
        return &ke_vps[host_choose(ke_vp_count)];
    if (ke_on_vp() && ke_irql() < irql)
        return vp_current();
    for (unsigned i = 0; i < ke_vp_count; i++)
        if (vp_is_free(&ke_vps[i]))
            return &ke_vps[i];
    for (unsigned i = 0; i < ke_vp_count; i++)
        if (vp_irql(&ke_vps[i]) < irql)
            return &ke_vps[i];
    return &ke_vps[0];
}

void ke_request_interrupt(KIRQL irql, ULONG vector, ke_interrupt_fn fn, void *context)
{
    interrupt_request_on(choose_target(irql), irql, vector, fn, context);
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

/* At the VP's IRQL: everything above it. A service routine that returns at another IRQL is bug check 0xC8. */
void interrupts_deliver(struct vp *vp)
{
    KIRQL irql = vp_irql(vp);
    struct interrupt_request request;
    while (take_above(vp, irql, &request)) {
        vp->ke.pcr.Irql = request.irql;
        TRACE(TRACE_INTERRUPT, NULL, .a = request.vector);
        request.fn(request.context);
        if (unlikely(ke_irql() != request.irql))
            bugcheck_sentence(IRQL_UNEXPECTED_VALUE, (ULONG64)ke_irql() << 16 | (ULONG64)request.irql << 8,
                              (uintptr_t)request.fn, 0, 0, "an interrupt routine returned at another IRQL");
        vp->ke.pcr.Irql = irql;
    }
}
