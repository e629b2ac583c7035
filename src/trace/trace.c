/* SPDX-License-Identifier: MIT */
/*
 * The sink of the trace: every event is numbered, formatted and put into a
 * buffer under one spin lock, so lines are whole and in order. When the buffer
 * is full, and for text after each line, the writer gets it at once: nothing is
 * lost, and a line is out before the next thing happens.
 */
#include "base/lock.h"
#include "host/host.h"
#include "trace/internal.h"

#define BUFFER_BYTES 65536
#define STOP_TRIES   1000
#define STOP_WAIT_NS 1000000

bool trace_verbose;

static rl_lock lock;
static enum trace_format format;
static void (*writer)(void *context, const char *bytes, size_t length);
static void *writer_context;
static uint64_t began_ns;
static int owner = -1; /* the processor that holds the lock: what it traces by itself is not traced again */
static char buffer[BUFFER_BYTES];
static size_t buffered;

void trace_flush(void)
{
    size_t length = buffered;
    buffered = 0;
    if (length != 0)
        writer(writer_context, buffer, length);
}

void trace_put(const char *bytes, size_t length)
{
    while (length != 0) {
        size_t room = BUFFER_BYTES - buffered, some = MIN(room, length);
        __builtin_memcpy(buffer + buffered, bytes, some);
        buffered += some;
        bytes += some;
        length -= some;
        if (buffered == BUFFER_BYTES)
            trace_flush();
    }
}

/* Which event a closing event closes; TRACE_KINDS: it closes nothing. */
static enum trace_kind opened_by(enum trace_kind kind)
{
    switch (kind) {
    case TRACE_DRIVER_ENTRY_RETURN:
        return TRACE_DRIVER_ENTRY;
    case TRACE_DRIVER_UNLOAD_RETURN:
        return TRACE_DRIVER_UNLOAD;
    case TRACE_IRP_RETURNED:
        return TRACE_IRP_SENT;
    case TRACE_IRP_COMPLETION_RETURN:
        return TRACE_IRP_COMPLETION_ROUTINE;
    case TRACE_START_IO_RETURN:
        return TRACE_START_IO;
    case TRACE_DPC_END:
        return TRACE_DPC_START;
    case TRACE_INTERRUPT_RETURN:
        return TRACE_INTERRUPT;
    case TRACE_CONTROL_RETURN:
        return TRACE_CONTROL;
    default:
        return TRACE_KINDS;
    }
}

static bool opens(enum trace_kind kind)
{
    return kind == TRACE_DRIVER_ENTRY || kind == TRACE_DRIVER_UNLOAD || kind == TRACE_IRP_SENT ||
           kind == TRACE_IRP_COMPLETION_ROUTINE || kind == TRACE_START_IO || kind == TRACE_DPC_START ||
           kind == TRACE_INTERRUPT || kind == TRACE_CONTROL;
}

/* A dispatch routine returned STATUS_PENDING: its frame is still open, the IRP may be anywhere. */
static ULONG number_from_frame(const struct trace_track *track, const void *irp)
{
    for (unsigned at = MIN(track->depth, TRACE_DEPTH); at > 0; at--)
        if (track->frames[at - 1].kind == TRACE_IRP_SENT && track->frames[at - 1].object == irp)
            return track->frames[at - 1].number;
    return 0;
}

static ULONG number_of(const struct trace_moment *moment)
{
    const struct trace_event *event = moment->event;
    ULONG number;
    switch (event->kind) {
    case TRACE_IRP_PENDED:
        number = number_from_frame(moment->track, event->object);
        return number ? number : trace_irp_number(event->object);
    case TRACE_IRP_ALLOCATED ... TRACE_IRP_RETURNED:
    case TRACE_IRP_COMPLETE ... TRACE_IRP_FREED:
        return moment->closed ? moment->frame.number : trace_irp_number(event->object);
    case TRACE_DPC_QUEUED ... TRACE_DPC_END:
        return moment->closed ? moment->frame.number : trace_object(TRACE_CLASS_DPC, event->object)->number;
    default:
        return 0;
    }
}

static void forget(const struct trace_event *event)
{
    struct trace_thread_facts facts;
    if (event->kind == TRACE_DEVICE_DELETED || event->kind == TRACE_IRP_FREED)
        trace_object_gone(event->object);
    if (event->kind == TRACE_THREAD_EXIT && event->object) {
        trace_thread_facts(event->object, &facts);
        trace_thread_gone(facts.id);
    }
}

static void write_event(const struct trace_event *event)
{
    struct trace_moment moment = {.event = event, .opens = opens(event->kind)};
    enum trace_kind opener = opened_by(event->kind);
    trace_where(&moment.where);
    moment.where.ns -= began_ns;
    moment.track = event->kind == TRACE_DPC_START && moment.where.vp >= 0
                       ? trace_vp_track((unsigned)moment.where.vp)
                       : trace_track_of(&moment.where);
    moment.closes = opener != TRACE_KINDS;
    if (moment.closes)
        moment.closed = trace_pop(moment.track, opener, event->object, &moment.frame);
    moment.number = number_of(&moment);
    if (format == TRACE_FORMAT_JSON)
        trace_json_event(&moment);
    else
        trace_text_event(&moment);
    if (moment.opens)
        trace_push(moment.track, event->kind, event->object, moment.number);
    forget(event);
    if (format == TRACE_FORMAT_TEXT)
        trace_flush();
}

/* A lock taken at the IRQL that it has changes nothing. */
static bool is_wanted(const struct trace_event *event)
{
    if (event->kind == TRACE_IRQL)
        return trace_verbose && event->a != event->b;
    return trace_verbose || (event->kind != TRACE_PORT && event->kind != TRACE_REGISTER);
}

static void NTAPI on_event(const struct trace_event *event)
{
    if (!is_wanted(event))
        return;
    int me = trace_vp();
    if (me >= 0 && __atomic_load_n(&owner, __ATOMIC_RELAXED) == me)
        return;
    rl_lock_acquire(&lock);
    __atomic_store_n(&owner, me, __ATOMIC_RELAXED);
    if (writer != NULL)
        write_event(event);
    __atomic_store_n(&owner, -1, __ATOMIC_RELAXED);
    rl_lock_release(&lock);
}

static const struct trace_ops ops = {.event = on_event};

NTSTATUS trace_start(enum trace_format wanted, bool verbose,
                     void (*write)(void *context, const char *bytes, size_t length), void *context)
{
    if (seam_trace != NULL)
        return STATUS_DEVICE_BUSY;
    format = wanted;
    trace_verbose = verbose;
    writer = write;
    writer_context = context;
    buffered = 0;
    began_ns = host_counter_ns();
    trace_objects_reset();
    trace_tracks_reset();
    if (format == TRACE_FORMAT_JSON)
        trace_json_begin();
    seam_trace = &ops;
    return STATUS_SUCCESS;
}

/* A machine that stopped in the middle of an event left the lock taken: what is whole is written all the
 * same. */
static void acquire_or_give_up(void)
{
    for (int i = 0; i < STOP_TRIES; i++) {
        uint32_t expected = 0, never = 0;
        if (__atomic_compare_exchange_n(&lock.word, &expected, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return;
        host_futex_wait(&never, 0, STOP_WAIT_NS);
    }
}

void trace_stop(void)
{
    if (seam_trace == NULL)
        return;
    seam_trace = NULL;
    acquire_or_give_up();
    if (format == TRACE_FORMAT_JSON)
        trace_json_end(host_counter_ns() - began_ns);
    trace_flush();
    writer = NULL;
    owner = -1;
    rl_lock_release(&lock);
}
