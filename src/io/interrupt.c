/* SPDX-License-Identifier: MIT */
/*
 * Connecting interrupts. Objects that share a vector are chained in the order
 * of connecting. The chain and the vector's connection to the interrupt
 * controller change together under interrupts_lock, at DISPATCH_LEVEL; the
 * thread of a passive-level vector comes and goes under connecting, a mutex.
 */
#include "io/interrupt.h"

static struct io_vector vectors[HAL_VECTOR_END - HAL_VECTOR_FIRST];
static KSPIN_LOCK interrupts_lock;
static FAST_MUTEX connecting;

void io_interrupts_reset(void)
{
    __builtin_memset(vectors, 0, sizeof(vectors));
    for (ULONG i = 0; i < countof(vectors); i++)
        vectors[i].number = HAL_VECTOR_FIRST + i;
    interrupts_lock = 0;
    connecting = (FAST_MUTEX){.Count = 1};
    KeInitializeEvent(&connecting.Event, SynchronizationEvent, FALSE);
}

static struct io_vector *vector_of(const KINTERRUPT *interrupt)
{
    return &vectors[interrupt->vector - HAL_VECTOR_FIRST];
}

/* ---- locked ---- */

/* All or none share, in the same way: the controller and the walk know one mode for a vector. */
static bool may_share(const KINTERRUPT *one, const KINTERRUPT *other)
{
    return one->shared && other->shared && one->latched == other->latched && one->passive == other->passive;
}

static bool may_join(const struct io_vector *vector, const KINTERRUPT *interrupt)
{
    KAFFINITY processors = interrupt->processors;
    for (PKINTERRUPT it = vector->first; it; it = it->next) {
        if (!may_share(it, interrupt))
            return false;
        processors &= it->processors;
    }
    return processors != 0;
}

/* Masked while no routine wants it; on the processors that all of them want. */
static void update_controller(struct io_vector *vector)
{
    struct hal_service service = {.processors = 0, .context = vector};
    KAFFINITY processors = ~0ull;
    for (PKINTERRUPT it = vector->first; it; it = it->next) {
        if (!it->active)
            continue;
        processors &= it->processors;
        service.processors = processors;
        service.latched = it->latched;
        service.serve = it->passive ? io_interrupt_serve_passive : io_interrupt_serve;
    }
    if (service.processors != 0)
        hal_vector_connect(vector->number, &service);
    else
        hal_vector_disconnect(vector->number);
}

static PKINTERRUPT *end_of_chain(struct io_vector *vector)
{
    PKINTERRUPT *link = &vector->first;
    while (*link)
        link = &(*link)->next;
    return link;
}

static bool take_out(struct io_vector *vector, PKINTERRUPT interrupt)
{
    PKINTERRUPT *link = &vector->first;
    while (*link && *link != interrupt)
        link = &(*link)->next;
    if (!*link)
        return false;
    __atomic_store_n(link, interrupt->next, __ATOMIC_SEQ_CST);
    return true;
}

/* ---- connecting ---- */

/* The pointer is the driver's before the first interrupt can be. Rules: INT-05. */
static NTSTATUS join(PKINTERRUPT interrupt, PKINTERRUPT *out)
{
    struct io_vector *vector = vector_of(interrupt);
    NTSTATUS status = STATUS_INVALID_PARAMETER;
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&interrupts_lock);
    if (may_join(vector, interrupt)) {
        /* INT-05: the routine may run, and use it, before the driver sees the return. */
        *out = interrupt;
        __atomic_store_n(end_of_chain(vector), interrupt, __ATOMIC_SEQ_CST);
        update_controller(vector);
        status = STATUS_SUCCESS;
    }
    KeReleaseSpinLock(&interrupts_lock, irql);
    return status;
}

static void end_thread_of_empty(struct io_vector *vector)
{
    if (vector->passive && !vector->first)
        io_passive_service_destroy(vector);
}

static NTSTATUS connect(PKINTERRUPT interrupt, PKINTERRUPT *out)
{
    struct io_vector *vector = vector_of(interrupt);
    NTSTATUS status = STATUS_SUCCESS;
    ExAcquireFastMutex(&connecting);
    if (interrupt->passive && !vector->passive)
        status = io_passive_service_create(vector);
    if (NT_SUCCESS(status))
        status = join(interrupt, out);
    if (!NT_SUCCESS(status))
        end_thread_of_empty(vector);
    ExReleaseFastMutex(&connecting);
    return status;
}

static bool vector_exists(ULONG vector)
{
    return vector >= HAL_VECTOR_FIRST && vector < HAL_VECTOR_END;
}

static bool is_passive(const struct io_connect_request *r)
{
    return r->irql == PASSIVE_LEVEL && r->synchronize_irql == PASSIVE_LEVEL;
}

/* Rules: INT-04, INT-15. */
static bool irqls_are_sound(const struct io_connect_request *r)
{
    if (is_passive(r))
        /* INT-15: an event takes the lock's place. */
        return r->lock == NULL;
    return r->irql == hal_vector_irql(r->vector) && r->synchronize_irql >= r->irql &&
           r->synchronize_irql <= HIGH_LEVEL;
}

static PKINTERRUPT create(const struct io_connect_request *r)
{
    PKINTERRUPT interrupt = mm_alloc(sizeof(*interrupt), IO_INTERRUPT_TAG);
    if (!interrupt)
        return NULL;
    *interrupt = (KINTERRUPT){.type = InterruptObject,
                              .routine = r->routine,
                              .by_message = r->by_message,
                              .message = r->message,
                              .context = r->context,
                              .lock = &interrupt->own_lock,
                              .vector = r->vector,
                              .irql = r->irql,
                              .synchronize_irql = r->synchronize_irql,
                              .latched = r->mode == Latched,
                              .shared = r->shared,
                              .passive = is_passive(r),
                              .active = true,
                              .processors = r->processors & KeQueryActiveProcessors()};
    if (r->lock)
        /* INT-04: the driver's own may serve several interrupts. */
        interrupt->lock = r->lock;
    KeInitializeEvent(&interrupt->event, SynchronizationEvent, TRUE);
    return interrupt;
}

NTSTATUS io_interrupt_connect(const struct io_connect_request *r)
{
    if (!r->out || !r->routine || (unsigned)r->mode > Latched || !irqls_are_sound(r))
        return STATUS_INVALID_PARAMETER;
    PKINTERRUPT interrupt = create(r);
    if (!interrupt)
        return STATUS_INSUFFICIENT_RESOURCES;
    NTSTATUS status = connect(interrupt, r->out);
    if (!NT_SUCCESS(status))
        mm_free(interrupt);
    return status;
}

/*
 * Connects the routine to a vector. FloatingSave changes nothing: what an interrupt finds in the vector
 * registers is saved on this platform in any case. Owns: *InterruptObject is the driver's until it
 * disconnects it. IRQL: PASSIVE_LEVEL. Rules: INT-03, INT-04, INT-05.
 */
EXPORT(ntoskrnl, IoConnectInterrupt, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER)
NTSTATUS NTAPI IoConnectInterrupt(PKINTERRUPT *Interrupt, PKSERVICE_ROUTINE ServiceRoutine,
                                  PVOID ServiceContext, PKSPIN_LOCK SpinLock, ULONG Vector, KIRQL Irql,
                                  KIRQL SynchronizeIrql, KINTERRUPT_MODE InterruptMode, BOOLEAN ShareVector,
                                  KAFFINITY ProcessorEnableMask, BOOLEAN FloatingSave)
{
    struct io_connect_request r = {
        Interrupt, ServiceRoutine,  ServiceContext, SpinLock,    Vector,
        Irql,      SynchronizeIrql, InterruptMode,  ShareVector, ProcessorEnableMask};
    if (!(ProcessorEnableMask & KeQueryActiveProcessors()))
        /* INT-03: there is no processor that could take it. */
        return STATUS_INVALID_PARAMETER;
    if (!vector_exists(Vector) || is_passive(&r))
        return STATUS_INVALID_PARAMETER;
    return io_interrupt_connect(&r);
}

static NTSTATUS connect_fully_specified(const IO_CONNECT_INTERRUPT_FULLY_SPECIFIED_PARAMETERS *p, bool group)
{
    struct io_connect_request r = {
        p->InterruptObject, p->ServiceRoutine, p->ServiceContext, p->SpinLock,           p->Vector, p->Irql,
        p->SynchronizeIrql, p->InterruptMode,  p->ShareVector,    p->ProcessorEnableMask};
    if (!p->PhysicalDeviceObject || (group && p->Group != 0))
        return STATUS_INVALID_PARAMETER;
    if (!(p->ProcessorEnableMask & KeQueryActiveProcessors()))
        return STATUS_INVALID_PARAMETER_10;
    if (!vector_exists(p->Vector))
        return STATUS_NOT_FOUND;
    return io_interrupt_connect(&r);
}

/*
 * The three ways to connect in one call. Parameters->Version changes only where a routine for messages was
 * replaced by the one for lines. IRQL: PASSIVE_LEVEL. Rules: INT-09, INT-11, INT-12, INT-15.
 */
EXPORT(ntoskrnl, IoConnectInterruptEx, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER)
NTSTATUS NTAPI IoConnectInterruptEx(PIO_CONNECT_INTERRUPT_PARAMETERS Parameters)
{
    switch (Parameters->Version) {
    case CONNECT_FULLY_SPECIFIED:
    case CONNECT_FULLY_SPECIFIED_GROUP:
        /* INT-12: the header's name leads to library code in the driver, and that here. */
        return connect_fully_specified(&Parameters->FullySpecified,
                                       Parameters->Version == CONNECT_FULLY_SPECIFIED_GROUP);
    case CONNECT_LINE_BASED:
        /* INT-09: by what the device was assigned. */
        return io_connect_lines(Parameters);
    case CONNECT_MESSAGE_BASED:
    case CONNECT_MESSAGE_BASED_PASSIVE:
        /* INT-11: and Version tells afterwards which routine it was. */
        return io_connect_messages(Parameters);
    default:
        /* INT-11: the form is told by Version alone. */
        return STATUS_INVALID_PARAMETER_1;
    }
}

/* ---- disconnecting ---- */

/* Until no walk can see what was taken out: one that began before is over when the next begins. */
static void wait_for_walk(struct io_vector *vector)
{
    LARGE_INTEGER soon = {.QuadPart = -1000};
    uint32_t walks = __atomic_load_n(&vector->walks, __ATOMIC_SEQ_CST);
    while (hal_vector_is_busy(vector->number) && __atomic_load_n(&vector->walks, __ATOMIC_SEQ_CST) == walks)
        KeDelayExecutionThread(KernelMode, FALSE, &soon);
}

/* When it returns, the routine does not run and will not. Rules: INT-17. */
void io_interrupt_disconnect(PKINTERRUPT interrupt)
{
    struct io_vector *vector = vector_of(interrupt);
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&interrupts_lock);
    bool found = take_out(vector, interrupt);
    /* INT-17: a line without routines is masked. */
    update_controller(vector);
    KeReleaseSpinLock(&interrupts_lock, irql);
    if (!found)
        return;
    /* INT-17: the memory behind the routine's context may go now. */
    wait_for_walk(vector);
    ExAcquireFastMutex(&connecting);
    end_thread_of_empty(vector);
    ExReleaseFastMutex(&connecting);
    mm_free(interrupt);
}

/* IRQL: PASSIVE_LEVEL. Rules: INT-17. */
EXPORT(ntoskrnl, IoDisconnectInterrupt, PASSIVE_LEVEL, PASSIVE_LEVEL, X_BLOCKS | X_CALLS_DRIVER)
VOID NTAPI IoDisconnectInterrupt(PKINTERRUPT Interrupt)
{
    io_disconnect_all(CONNECT_FULLY_SPECIFIED, Interrupt);
}

/* All interrupts that the connecting call returned. IRQL: PASSIVE_LEVEL. Rules: INT-09, INT-17. */
EXPORT(ntoskrnl, IoDisconnectInterruptEx, PASSIVE_LEVEL, PASSIVE_LEVEL, X_BLOCKS | X_CALLS_DRIVER)
VOID NTAPI IoDisconnectInterruptEx(PIO_DISCONNECT_INTERRUPT_PARAMETERS Parameters)
{
    io_disconnect_all(Parameters->Version, Parameters->ConnectionContext.Generic);
}

/* ---- soft connections ---- */

void io_interrupt_set_active(PKINTERRUPT interrupt, bool active)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&interrupts_lock);
    /* INT-16: whatever it was. */
    __atomic_store_n(&interrupt->active, active, __ATOMIC_SEQ_CST);
    update_controller(vector_of(interrupt));
    KeReleaseSpinLock(&interrupts_lock, irql);
}

static void activate(PKINTERRUPT interrupt)
{
    io_interrupt_set_active(interrupt, true);
}

static void deactivate(PKINTERRUPT interrupt)
{
    io_interrupt_set_active(interrupt, false);
}

/* The routine is called again; nothing, if it was. IRQL: <= DISPATCH_LEVEL. Rules: INT-16. */
EXPORT(ntoskrnl, IoReportInterruptActive, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
VOID NTAPI IoReportInterruptActive(PIO_REPORT_INTERRUPT_ACTIVE_STATE_PARAMETERS Parameters)
{
    io_for_each_connected(Parameters->Version, Parameters->ConnectionContext.Generic, activate);
}

/* The routine is not called any more, and stays connected. IRQL: <= DISPATCH_LEVEL. Rules: INT-16. */
EXPORT(ntoskrnl, IoReportInterruptInactive, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
VOID NTAPI IoReportInterruptInactive(PIO_REPORT_INTERRUPT_ACTIVE_STATE_PARAMETERS Parameters)
{
    io_for_each_connected(Parameters->Version, Parameters->ConnectionContext.Generic, deactivate);
}

/* ---- asking ---- */

static bool is_connected(const KINTERRUPT *interrupt)
{
    for (ULONG i = 0; i < countof(vectors); i++)
        for (PKINTERRUPT it = vectors[i].first; it; it = it->next)
            if (it == interrupt)
                return true;
    return false;
}

/* The processors on which the routine may be called, of group 0. IRQL: any. */
EXPORT(ntoskrnl, IoGetAffinityInterrupt, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
NTSTATUS NTAPI IoGetAffinityInterrupt(PKINTERRUPT Interrupt, PGROUP_AFFINITY GroupAffinity)
{
    if (!is_connected(Interrupt) || !GroupAffinity)
        return STATUS_INVALID_PARAMETER;
    *GroupAffinity = (GROUP_AFFINITY){.Mask = Interrupt->processors};
    return STATUS_SUCCESS;
}

void io_for_each_interrupt(void (*visit)(const void *routine, ULONG vector, void *context), void *context)
{
    for (ULONG i = 0; i < countof(vectors); i++)
        for (PKINTERRUPT it = vectors[i].first; it; it = it->next)
            visit((const void *)it->routine, it->vector, context);
}
