/* SPDX-License-Identifier: MIT */
/*
 * What would still run of a driver: timers, DPCs, threads.
 */
#include "vf/leaks_internal.h"

#define TRIES 20 /* ms that a thread has to end in, which only has to leave its last routine */

/* It lies in the image, or in a pool block of the driver, or its DPC would call the driver. */
static void see_timer(PKTIMER timer, void *context)
{
    const void *routine = timer->Dpc ? (const void *)timer->Dpc->DeferredRoutine : NULL;
    struct mm_pool_history block;
    if (vf_leak_is_image_s(context, routine))
        vf_leak_add(context, (struct item){.object = timer, .owner = routine});
    else if (vf_leak_is_image_s(context, timer))
        vf_leak_add(context, (struct item){.object = timer, .owner = timer});
    else if (mm_pool_history(timer, &block) && block.allocated_by.count != 0 &&
             vf_leak_is_image_s(context, (const void *)block.allocated_by.frames[0]))
        vf_leak_add(context,
                    (struct item){.object = timer, .owner = (const void *)block.allocated_by.frames[0]});
}

static void see_dpc(PRKDPC dpc, void *context)
{
    if (vf_leak_is_image_s(context, (const void *)dpc->DeferredRoutine))
        vf_leak_add(context, (struct item){.object = dpc, .owner = (const void *)dpc->DeferredRoutine});
}

static void see_thread(struct ps_thread *thread, void *context)
{
    if (!thread->terminating && vf_leak_is_image_s(context, (const void *)thread->start))
        vf_leak_add(context, (struct item){.object = thread, .owner = (const void *)thread->start});
}

static void see_threads(struct leak *leak)
{
    leak->count = 0;
    ps_for_each_thread(ps_system_process(), see_thread, leak);
    ps_for_each_thread(ps_api_process(), see_thread, leak);
}

/* Reported, and taken out of their queues. */
void vf_look_at_timers(struct going *going)
{
    struct leak timers = vf_leak_of(going, "timer that is set", "KeCancelTimer"),
                dpcs = vf_leak_of(going, "queued DPC", "KeFlushQueuedDpcs");
    ULONG64 low = (ULONG64)timers.base, high = low + timers.bytes;
    ke_for_each_timer(see_timer, &timers);
    ke_for_each_dpc(see_dpc, &dpcs);
    timers.code = dpcs.code = TIMER_OR_DPC_INVALID;
    __builtin_memcpy(timers.p, (ULONG64[]){0, (ULONG64)timers.items[0].object, low, high}, sizeof(timers.p));
    __builtin_memcpy(dpcs.p, (ULONG64[]){1, (ULONG64)dpcs.items[0].object, low, high}, sizeof(dpcs.p));
    /* DPC-18: what is still set or queued would run in a driver that is gone. */
    vf_leak_report(going, &timers);
    vf_leak_report(going, &dpcs);
    for (unsigned i = 0; i < MIN(timers.count, SHOWN); i++)
        KeCancelTimer((PKTIMER)(uintptr_t)timers.items[i].object);
    for (unsigned i = 0; i < MIN(dpcs.count, SHOWN); i++)
        KeRemoveQueueDpc((PRKDPC)(uintptr_t)dpcs.items[i].object);
    going->stays |= timers.count > SHOWN || dpcs.count > SHOWN;
}

/* One that has said good-bye to Unload may still be on its way out. */
void vf_look_at_threads(struct going *going)
{
    struct leak leak = vf_leak_of(going, "thread", "KeWaitForSingleObject on it");
    LARGE_INTEGER millisecond = {.QuadPart = -10000};
    see_threads(&leak);
    for (unsigned i = 0; i < TRIES && leak.count != 0; i++) {
        KeDelayExecutionThread(KernelMode, FALSE, &millisecond);
        see_threads(&leak);
    }
    going->stays |= vf_leak_report(going, &leak);
}
