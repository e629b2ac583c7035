/* SPDX-License-Identifier: MIT */
/*
 * The virtual processors: their KPCRs, their idle threads, and how code finds
 * out which one it runs on. The array lives from ke_init to ke_fini; its
 * addresses are what GS may hold, which is how ke_on_vp tells a pthread with a
 * VP from any other.
 */
#include "ke/vp.h"
#include "ke/dispatch.h"
#include "host/memory.h"

struct vp *ke_vps;
unsigned ke_vp_count;
struct ke_config ke_settings;
uint32_t ke_stopped;
bool ke_simulated;

enum { IDLE_STACK_PAGES = 24 }; /* the gates take a quarter */

static struct {
    struct ke_thread thread;
    void *stack;
} * idles;

bool ke_on_vp(void)
{
    uintptr_t offset = (uintptr_t)arch_get_gs() - (uintptr_t)ke_vps;
    return offset < ke_vp_count * sizeof *ke_vps;
}

unsigned ke_cpus(void)
{
    return ke_vp_count;
}

void vp_interrupt(struct vp *vp)
{
    struct carrier *carrier = __atomic_load_n(&vp->carrier, __ATOMIC_ACQUIRE);
    if (!ke_simulated && carrier != NULL)
        host_signal_thread(carrier->tid);
}

static void init_kpcr(struct vp *vp)
{
    KPCR *pcr = &vp->ke.pcr;
    pcr->Self = pcr;
    pcr->Used_Self = pcr;
    pcr->CurrentPrcb = &pcr->Prcb;
    pcr->Irql = DISPATCH_LEVEL;
    pcr->MajorVersion = 1;
    pcr->MinorVersion = 1;
    pcr->StallScaleFactor = 1000;
    pcr->Prcb.MxCsr = 0x1F80;
    pcr->Prcb.Number = vp->ke.number;
    pcr->Prcb.LegacyNumber = (UCHAR)vp->ke.number;
    pcr->Prcb.IdleThread = (PKTHREAD)vp->ke.idle;
}

static NTSTATUS init_idle(struct vp *vp)
{
    struct ke_thread *idle = &idles[vp->ke.number].thread;
    void *stack = hmem_reserve(HMEM_STACK, IDLE_STACK_PAGES, 1, 1);
    if (stack == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    idles[vp->ke.number].stack = stack;
    if (!NT_SUCCESS(hmem_commit(stack, IDLE_STACK_PAGES, HMEM_RW)))
        return STATUS_INSUFFICIENT_RESOURCES;
    ke_thread_init(idle, stack, IDLE_STACK_PAGES * PAGE_SIZE, NULL, NULL, NULL);
    idle->name = "idle";
    idle->id = 0;
    idle->priority = idle->base_priority = -1;
    idle->affinity = idle->user_affinity = vp->mask;
    idle->state = KE_RUNNING;
    idle->last_vp = vp->ke.number;
    char *low = idle->arch.stack_low;
    arch_context_init(&idle->context, low, (size_t)((char *)idle->arch.stack_high - low), idle_main, vp);
    vp->ke.idle = idle;
    return STATUS_SUCCESS;
}

static NTSTATUS init_vp(struct vp *vp, unsigned number)
{
    vp->ke.number = number;
    vp->mask = 1ull << number;
    vp->ke.pending = ke_simulated ? PEND_SIMULATED : 0;
    NTSTATUS status = init_idle(vp);
    if (!NT_SUCCESS(status))
        return status;
    init_kpcr(vp);
    vp_set_current(vp, vp->ke.idle);
    return STATUS_SUCCESS;
}

/* In the system range, so that a seed reproduces the addresses that a driver may see. */
static void *system_pages(size_t bytes)
{
    size_t pages = ALIGN_UP(bytes, PAGE_SIZE) / PAGE_SIZE;
    void *p = hmem_reserve(HMEM_SYSTEM, pages, 1, 1);
    if (p != NULL && NT_SUCCESS(hmem_commit(p, pages, HMEM_RW)))
        return p;
    if (p != NULL)
        hmem_release(p, pages);
    return NULL;
}

static void release_pages(void *p, size_t bytes)
{
    if (p != NULL)
        hmem_release(p, ALIGN_UP(bytes, PAGE_SIZE) / PAGE_SIZE);
}

NTSTATUS vps_init(unsigned count)
{
    ke_simulated = host_simulated();
    ke_stopped = 0;
    host_locks_abandoned(false);
    idles = system_pages(count * sizeof *idles);
    ke_vps = system_pages(count * sizeof *ke_vps);
    if (idles == NULL || ke_vps == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    ke_vp_count = count;
    for (unsigned i = 0; i < count; i++) {
        NTSTATUS status = init_vp(&ke_vps[i], i);
        if (!NT_SUCCESS(status))
            return status;
    }
    return STATUS_SUCCESS;
}

void vps_fini(void)
{
    for (unsigned i = 0; i < ke_vp_count; i++)
        release_pages(idles[i].stack, IDLE_STACK_PAGES * PAGE_SIZE);
    release_pages(idles, ke_vp_count * sizeof *idles);
    release_pages(ke_vps, ke_vp_count * sizeof *ke_vps);
    idles = NULL;
    ke_vps = NULL;
    ke_vp_count = 0;
}
