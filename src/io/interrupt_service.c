/* SPDX-License-Identifier: MIT */
/*
 * Calling interrupt service routines: of one vector, in the order in which they
 * were connected, each at its own IRQL with its interrupt spin lock; those of
 * passive-level interrupts in a thread, with their event. One service of a
 * vector at a time is the interrupt controller's promise (src/hal/vector.c).
 */
#include "io/interrupt.h"

static BOOLEAN call_message_routine(PKINTERRUPT interrupt)
{
    PKMESSAGE_SERVICE_ROUTINE routine = (PKMESSAGE_SERVICE_ROUTINE)(void *)interrupt->routine;
    /* SR-09: with the number of the message, by which one routine tells all of them apart. */
    return routine(interrupt, interrupt->context, interrupt->message);
}

static BOOLEAN call_routine(PKINTERRUPT interrupt)
{
    struct arch_try barrier;
    BOOLEAN claimed = FALSE;
    PKSERVICE_ROUTINE routine = interrupt->routine;
    ULONG vector = interrupt->vector;
    TRACE(TRACE_INTERRUPT, interrupt, .a = vector, .b = (uintptr_t)routine);
    struct ke_request interrupted = ke_request_begin(NULL, NULL);
    uint64_t cookie = ke_callout_enter("ISR", routine);
    ke_vp()->isr = routine;
    if (ARCH_TRY(&barrier)) {
        if (interrupt->by_message)
            claimed = call_message_routine(interrupt);
        else
            /* SR-08: with the object and the context that it was connected with. */
            claimed = routine(interrupt, interrupt->context);
        arch_try_pop(&barrier);
    }
    ke_callout_leave("ISR", routine, cookie);
    ke_request_end(interrupted);
    TRACE(TRACE_INTERRUPT_RETURN, interrupt, .a = claimed, .b = (uintptr_t)routine);
    return claimed;
}

static void check_irql(PKINTERRUPT interrupt, KIRQL irql)
{
    KIRQL now = ke_irql();
    if (likely(now == irql))
        return;
    struct ke_bugcheck_info info = {
        .code = IRQL_UNEXPECTED_VALUE,
        .p = {(ULONG64)now << 16 | (ULONG64)irql << 8, (uintptr_t)interrupt->routine},
        .sentence = "an interrupt service routine returned at another IRQL",
        .raise_address = (uintptr_t)interrupt->routine,
    };
    ke_bugcheck(&info);
}

/* Rules: SR-08, INT-04, INT-07. */
static BOOLEAN call_at_dirql(PKINTERRUPT interrupt)
{
    KIRQL before = ke_irql();
    /* INT-04: the highest IRQL of all that share the lock. */
    ke_raise_irql(interrupt->synchronize_irql);
    /* INT-07: the routine cannot run on another processor, nor what synchronizes with it. */
    io_interrupt_lock(interrupt);
    BOOLEAN claimed = call_routine(interrupt);
    check_irql(interrupt, interrupt->synchronize_irql);
    io_interrupt_unlock(interrupt);
    if (before != interrupt->synchronize_irql)
        ke_lower_irql(before);
    return claimed;
}

/* Rules: INT-15. */
static BOOLEAN call_at_passive(PKINTERRUPT interrupt)
{
    /* INT-15: an event stands for the lock. */
    KeWaitForSingleObject(&interrupt->event, Executive, KernelMode, FALSE, NULL);
    BOOLEAN claimed = call_routine(interrupt);
    check_irql(interrupt, PASSIVE_LEVEL);
    KeSetEvent(&interrupt->event, IO_NO_INCREMENT, FALSE);
    return claimed;
}

static PKINTERRUPT next_active(PKINTERRUPT const *link)
{
    PKINTERRUPT interrupt = __atomic_load_n(link, __ATOMIC_ACQUIRE);
    while (interrupt && !__atomic_load_n(&interrupt->active, __ATOMIC_ACQUIRE))
        interrupt = __atomic_load_n(&interrupt->next, __ATOMIC_ACQUIRE);
    return interrupt;
}

/*
 * Once through the chain. A level that was claimed is looked at again by the controller: if another device
 * holds it up too, it comes again. An edge does not, so all are asked.
 */
static bool walk(struct io_vector *vector, bool *again)
{
    unsigned asked = 0;
    bool claimed = false, latched = false;
    for (PKINTERRUPT it = next_active(&vector->first); it; it = next_active(&it->next)) {
        asked++;
        latched = it->latched;
        /* INT-06: FALSE: not its device's; the next is asked. */
        bool mine = it->passive ? call_at_passive(it) : call_at_dirql(it);
        claimed |= mine;
        if (mine && !latched)
            break;
    }
    *again = claimed && latched && asked > 1;
    return claimed;
}

/* An edge of one device is hidden by another that holds the line: the chain is walked until nobody claims. */
static void walk_all(struct io_vector *vector)
{
    bool again = true;
    __atomic_add_fetch(&vector->walks, 1, __ATOMIC_SEQ_CST);
    while (again)
        walk(vector, &again);
}

bool io_interrupt_serve(void *context)
{
    walk_all(context);
    return true;
}

/* ---- passive-level interrupts ---- */

static void NTAPI wake_thread(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
    struct io_passive_service *passive = DeferredContext;
    KeSetEvent(&passive->wake, IO_NO_INCREMENT, FALSE);
}

/* Until the thread has done its work, the controller holds the vector back. */
bool io_interrupt_serve_passive(void *context)
{
    struct io_vector *vector = context;
    KeInsertQueueDpc(&vector->passive->dpc, NULL, NULL);
    return false;
}

static void passive_main(void *context)
{
    struct io_vector *vector = context;
    struct io_passive_service *passive = vector->passive;
    KeSetPriorityThread((PKTHREAD)ke_thread(), HIGH_PRIORITY - 1);
    for (;;) {
        KeWaitForSingleObject(&passive->wake, Executive, KernelMode, FALSE, NULL);
        if (passive->stopping)
            ke_thread_exit(STATUS_SUCCESS);
        walk_all(vector);
        hal_vector_end(vector->number);
        ke_sched_point();
    }
}

NTSTATUS io_passive_service_create(struct io_vector *vector)
{
    struct io_passive_service *passive = mm_alloc(sizeof(*passive), IO_INTERRUPT_TAG);
    if (!passive)
        return STATUS_INSUFFICIENT_RESOURCES;
    KeInitializeEvent(&passive->wake, SynchronizationEvent, FALSE);
    KeInitializeDpc(&passive->dpc, wake_thread, passive);
    passive->stopping = false;
    vector->passive = passive;
    NTSTATUS status = ps_create_system_thread(&passive->thread, passive_main, vector, "passive interrupt");
    if (!NT_SUCCESS(status)) {
        vector->passive = NULL;
        mm_free(passive);
    }
    return status;
}

void io_passive_service_destroy(struct io_vector *vector)
{
    struct io_passive_service *passive = vector->passive;
    vector->passive = NULL;
    passive->stopping = true;
    KeSetEvent(&passive->wake, IO_NO_INCREMENT, FALSE);
    KeWaitForSingleObject(passive->thread, Executive, KernelMode, FALSE, NULL);
    ob_dereference(passive->thread);
    mm_free(passive);
}
