/* SPDX-License-Identifier: MIT */
/* What may not lie in memory that is given back: a timer that is set, a DPC that is queued, a resource or a
 * lookaside list that was not deleted. */
#include "ke/held.h"
#include "nt/bugcodes.h"

struct search {
    uintptr_t base;
    size_t size;
    const void *found;
};

static void look_at_timer(PKTIMER timer, void *context)
{
    struct search *search = context;
    if ((uintptr_t)timer - search->base < search->size)
        search->found = timer;
}

static void look_at_dpc(PRKDPC dpc, void *context)
{
    struct search *search = context;
    if ((uintptr_t)dpc - search->base < search->size)
        search->found = dpc;
}

static const void *timer_in(const void *base, size_t size)
{
    struct search search = {(uintptr_t)base, size, NULL};
    ke_for_each_timer(look_at_timer, &search);
    return search.found;
}

static const void *dpc_in(const void *base, size_t size)
{
    struct search search = {(uintptr_t)base, size, NULL};
    ke_for_each_dpc(look_at_dpc, &search);
    return search.found;
}

static _Noreturn void stop(ULONG code, ULONG64 p1, const void *object, ULONG64 p3, ULONG64 p4,
                           const void *pool, const char *sentence)
{
    struct ke_bugcheck_info info = {.code = code,
                                    .p = {p1, (uintptr_t)object, p3, p4},
                                    .sentence = sentence,
                                    .pool = pool,
                                    .verifier = true};
    ke_bugcheck(&info);
}

void ke_check_memory_free(const void *base, size_t size)
{
    const void *timer = timer_in(base, size);
    const void *dpc = timer == NULL ? dpc_in(base, size) : NULL;
    if (timer != NULL)
        stop(TIMER_OR_DPC_INVALID, 0, timer, (uintptr_t)base, (uintptr_t)base + size, NULL,
             "memory is freed that contains a timer which is still set: KeCancelTimer is missing");
    if (dpc != NULL)
        stop(TIMER_OR_DPC_INVALID, 1, dpc, (uintptr_t)base, (uintptr_t)base + size, NULL,
             "memory is freed that contains a DPC which is still queued");
}

void ke_check_pool_free(const void *base, size_t size, ULONG pool_type)
{
    struct ke_held held;
    const void *timer = timer_in(base, size);
    /* DPC-18: no timer that is set may lie in pool that is freed. */
    if (timer != NULL)
        stop(DRIVER_VERIFIER_DETECTED_VIOLATION, 0x15, timer, pool_type, (uintptr_t)base, base,
             "a pool block is freed that contains a timer which is still set: KeCancelTimer is missing");
    ke_check_memory_free(base, size);
    if (!ke_held_in(base, size, &held))
        return;
    if (held.kind == KE_HELD_RESOURCE)
        stop(DRIVER_VERIFIER_DETECTED_VIOLATION, 0xD2, held.object, (uintptr_t)base, size, base,
             "a pool block is freed that contains an ERESOURCE: ExDeleteResourceLite is missing");
    stop(DRIVER_VERIFIER_DETECTED_VIOLATION, 0xCC, held.object, (uintptr_t)base, size, base,
         "a pool block is freed that contains a lookaside list which was not deleted");
}
