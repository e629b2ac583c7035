/* SPDX-License-Identifier: MIT */
/*
 * The interrupt controller's other side: vectors, as the processors see them.
 * A vector that is asked for is with one processor until its service has
 * ended; what asks meanwhile is remembered, once: for a latched one as an edge,
 * for a level as the state that its line then is in. So an interrupt that
 * nobody served comes again while its line is up, and an edge is never lost.
 * The lock is held for a few words only, and never across a call.
 */
#include "hal/internal.h"
#include "base/lock.h"

struct vector {
    struct hal_service service;
    bool connected;
    bool asserted;  /* the line is up */
    bool requested; /* a processor has it, and has not begun */
    bool serving;
    bool again; /* an edge has come while it was served */
};

static struct vector vectors[HAL_VECTOR_END - HAL_VECTOR_FIRST];
static rl_lock lock;

void hal_vectors_init(void)
{
    __builtin_memset(vectors, 0, sizeof(vectors));
}

static struct vector *find(ULONG number)
{
    return number >= HAL_VECTOR_FIRST && number < HAL_VECTOR_END ? &vectors[number - HAL_VECTOR_FIRST] : NULL;
}

static ULONG number_of(const struct vector *vector)
{
    return HAL_VECTOR_FIRST + (ULONG)(vector - vectors);
}

static void serve(void *context);

/* The one who set `requested` calls this without the lock. */
static void request(struct vector *vector, KAFFINITY processors)
{
    ULONG number = number_of(vector);

    ke_request_interrupt(processors, hal_vector_irql(number), number, serve, vector);
}

/* Locked: shall it be requested now? An event is not seen again at the end of the service; a level is. */
static bool ask(struct vector *vector, bool event)
{
    if (!vector->connected)
        /* REQ-14: without a service routine the device is not heard. */
        return false;
    if (vector->requested)
        /* INT-13: what comes before the service begins is served with it, once. */
        return false;
    if (vector->serving) {
        /* INT-13: and what comes during it is served once more, however often it came. */
        vector->again |= event;
        return false;
    }
    vector->requested = true;
    return true;
}

/* Locked: as when the controller is told of the end of the interrupt. */
static bool end(struct vector *vector)
{
    bool wanted = vector->again || (!vector->service.latched && vector->asserted);

    vector->serving = false;
    vector->again = false;
    return wanted && ask(vector, false);
}

void hal_vector_end(ULONG number)
{
    struct vector *vector = find(number);

    rl_lock_acquire(&lock);
    bool wanted = end(vector);
    KAFFINITY processors = vector->service.processors;
    rl_lock_release(&lock);
    if (wanted)
        request(vector, processors);
}

/* At the vector's IRQL on a processor. What comes at once again comes here. */
static void serve(void *context)
{
    struct vector *vector = context;

    rl_lock_acquire(&lock);
    struct hal_service service = vector->service;
    vector->requested = false;
    vector->serving = vector->connected;
    bool begun = vector->connected;
    rl_lock_release(&lock);
    if (!begun || !service.serve(service.context))
        return;
    rl_lock_acquire(&lock);
    bool wanted = end(vector);
    rl_lock_release(&lock);
    if (wanted)
        request(vector, 1ull << ke_vp()->number);
}

bool hal_vector_assert(ULONG number, bool asserted)
{
    struct vector *vector = find(number);

    rl_lock_acquire(&lock);
    bool rises = asserted && !vector->asserted;
    vector->asserted = asserted;
    bool wanted = rises && ask(vector, vector->service.latched);
    rl_lock_release(&lock);
    return wanted;
}

void hal_vector_request(ULONG number)
{
    struct vector *vector = find(number);

    request(vector, vector->service.processors);
}

NTSTATUS hal_vector_pulse(ULONG number)
{
    struct vector *vector = find(number);

    if (vector == NULL)
        return STATUS_INVALID_PARAMETER;
    rl_lock_acquire(&lock);
    bool connected = vector->connected, wanted = ask(vector, true);
    KAFFINITY processors = vector->service.processors;
    rl_lock_release(&lock);
    if (wanted)
        request(vector, processors);
    return connected ? STATUS_SUCCESS : STATUS_INVALID_DEVICE_STATE;
}

/* A driver's `int n`: its service runs behind the instruction, or when the IRQL lets it. */
bool hal_software_interrupt(unsigned number)
{
    return NT_SUCCESS(hal_vector_pulse(number));
}

/* A level that is up interrupts at once; an edge that came before is lost. */
NTSTATUS hal_vector_connect(ULONG number, const struct hal_service *service)
{
    struct vector *vector = find(number);

    if (vector == NULL || service->processors == 0)
        return STATUS_INVALID_PARAMETER;
    rl_lock_acquire(&lock);
    vector->service = *service;
    vector->connected = true;
    bool wanted = !service->latched && vector->asserted && ask(vector, false);
    rl_lock_release(&lock);
    if (wanted)
        request(vector, service->processors);
    return STATUS_SUCCESS;
}

void hal_vector_disconnect(ULONG number)
{
    rl_lock_acquire(&lock);
    find(number)->connected = false;
    rl_lock_release(&lock);
}

bool hal_vector_is_busy(ULONG number)
{
    return __atomic_load_n(&find(number)->serving, __ATOMIC_ACQUIRE);
}
