/* SPDX-License-Identifier: MIT */
/*
 * The trace as a story: one line per event, indented by how deep in driver
 * routines it happens.
 *
 *   0.000012 vp0 t3  IRP #4 READ sent to \Device\Serial0 (serial)
 */
#include "rtl/rtl.h"
#include "trace/internal.h"
#include "vf/report.h"

#define LINE_BYTES 1024

static const char *service(const struct trace_event *event)
{
    return event->text ? event->text : "a driver";
}

static void add_loading(struct vf_text *text, const struct trace_event *event)
{
    switch (event->kind) {
    case TRACE_LOAD:
        vf_text_add(text, "driver %s loaded", service(event));
        break;
    case TRACE_UNLOAD:
        vf_text_add(text, "driver %s removed from memory", service(event));
        break;
    case TRACE_DRIVER_ENTRY:
        vf_text_add(text, "%s: DriverEntry called", service(event));
        break;
    case TRACE_DRIVER_ENTRY_RETURN:
        vf_text_add(text, "%s: DriverEntry returned ", service(event));
        trace_add_status(text, event->a);
        break;
    default:
        vf_text_add(text, "%s: Unload %s", service(event),
                    event->kind == TRACE_DRIVER_UNLOAD ? "called" : "returned");
        break;
    }
}

static void add_device_event(struct vf_text *text, const struct trace_event *event)
{
    trace_add_device(text, event->object);
    switch (event->kind) {
    case TRACE_DEVICE_CREATED:
        vf_text_add(text, " created");
        break;
    case TRACE_DEVICE_DELETED:
        vf_text_add(text, " deleted");
        break;
    case TRACE_DEVICE_IDLE:
        vf_text_add(text, " has no next packet");
        break;
    case TRACE_DEVICE_ATTACHED:
        vf_text_add(text, " attached to ");
        trace_add_device(text, (const void *)event->a);
        break;
    default:
        vf_text_add(text, " detached from ");
        trace_add_device(text, (const void *)event->a);
        break;
    }
}

static void add_outcome(struct vf_text *text, const struct trace_event *event, const char *verb)
{
    vf_text_add(text, " %s ", verb);
    trace_add_status(text, event->a);
    vf_text_add(text, ", Information %llu", (unsigned long long)event->b);
}

static void add_sending(struct vf_text *text, const struct trace_event *event)
{
    if (event->kind == TRACE_IRP_SENT) {
        vf_text_add(text, " ");
        trace_add_request(text, event->object);
        vf_text_add(text, " sent to ");
        trace_add_device(text, (const void *)event->a);
    } else if (event->kind == TRACE_IRP_PENDED) {
        vf_text_add(text, " pending in ");
        trace_add_device(text, (const void *)event->a);
    } else {
        vf_text_add(text, " dispatch routine of ");
        trace_add_device(text, (const void *)event->a);
        vf_text_add(text, " returned ");
        trace_add_status(text, event->b);
    }
}

static void add_completing(struct vf_text *text, const struct trace_event *event)
{
    if (event->kind == TRACE_IRP_COMPLETION_ROUTINE) {
        vf_text_add(text, " completion routine ");
        trace_add_routine(text, event->b);
        vf_text_add(text, " called for ");
        trace_add_device(text, (const void *)event->a);
        return;
    }
    vf_text_add(text, " completion routine returned ");
    trace_add_status(text, event->a);
    if ((NTSTATUS)event->a == STATUS_MORE_PROCESSING_REQUIRED)
        vf_text_add(text, ": the IRP stays with its driver");
}

static void add_starting(struct vf_text *text, const struct trace_event *event)
{
    if (event->kind == TRACE_IRP_QUEUED) {
        vf_text_add(text, " waits in the queue of ");
        trace_add_device(text, (const void *)event->a);
    } else if (event->kind == TRACE_START_IO) {
        vf_text_add(text, " StartIo ");
        trace_add_routine(text, event->b);
        vf_text_add(text, " called for ");
        trace_add_device(text, (const void *)event->a);
    } else {
        vf_text_add(text, " StartIo returned");
    }
}

static void add_irp_event(struct vf_text *text, const struct trace_moment *moment)
{
    const struct trace_event *event = moment->event;
    trace_add_irp(text, moment->number);
    switch (event->kind) {
    case TRACE_IRP_ALLOCATED:
        vf_text_add(text, " allocated");
        break;
    case TRACE_IRP_FREED:
        vf_text_add(text, " freed");
        break;
    case TRACE_IRP_COMPLETE:
        add_outcome(text, event, "completed");
        break;
    case TRACE_IRP_FINISHED:
        add_outcome(text, event, "finished");
        break;
    case TRACE_IRP_CANCEL:
        vf_text_add(text, " canceled%s%s", event->text ? ": " : "", event->text ? event->text : "");
        break;
    case TRACE_IRP_COMPLETION_ROUTINE:
    case TRACE_IRP_COMPLETION_RETURN:
        add_completing(text, event);
        break;
    case TRACE_IRP_QUEUED ... TRACE_START_IO_RETURN:
        add_starting(text, event);
        break;
    default:
        add_sending(text, event);
        break;
    }
}

static void add_dpc_event(struct vf_text *text, const struct trace_moment *moment)
{
    const struct trace_event *event = moment->event;
    KDPC dpc;
    vf_text_add(text, "DPC #%u", moment->number);
    if (event->kind == TRACE_DPC_START) {
        vf_text_add(text, " ");
        trace_add_routine(text, event->a);
        vf_text_add(text, " runs");
    } else if (event->kind == TRACE_DPC_END) {
        vf_text_add(text, " done");
    } else {
        if (vf_peek(&dpc, event->object, sizeof(dpc))) {
            vf_text_add(text, " ");
            trace_add_routine(text, (uint64_t)dpc.DeferredRoutine);
        }
        vf_text_add(text, " queued to vp%u", (unsigned)event->a);
    }
}

static void add_thread(struct vf_text *text, const void *thread)
{
    struct trace_thread_facts facts;
    if (thread == NULL) {
        vf_text_add(text, "no thread");
        return;
    }
    trace_thread_facts(thread, &facts);
    if (facts.name)
        vf_text_add(text, "t%u (%s)", facts.id, facts.name);
    else
        vf_text_add(text, "t%u", facts.id);
}

/* What a dispatcher object is, from its header. */
static const char *object_words(const void *object)
{
    static const char *const words[] = {[0] = "a notification event",
                                        [1] = "a synchronization event",
                                        [2] = "a mutex",
                                        [3] = "a process",
                                        [4] = "a queue",
                                        [5] = "a semaphore",
                                        [6] = "a thread",
                                        [8] = "a timer",
                                        [9] = "a timer"};
    DISPATCHER_HEADER header;
    if (object == NULL)
        return "time";
    if (vf_is_host_address((ULONG64)object))
        return "work"; /* an object of the runtime's own */
    if (!vf_peek(&header, object, sizeof(header)) || header.Type >= countof(words) || !words[header.Type])
        return "an object";
    return words[header.Type];
}

static void add_thread_event(struct vf_text *text, const struct trace_event *event)
{
    switch (event->kind) {
    case TRACE_THREAD_SWITCH:
        vf_text_add(text, "switch from ");
        add_thread(text, (const void *)event->a);
        vf_text_add(text, " to ");
        add_thread(text, event->object);
        break;
    case TRACE_THREAD_WAIT:
        vf_text_add(text, "waits for %s", object_words(event->object));
        break;
    default:
        vf_text_add(text, "thread ");
        add_thread(text, event->object);
        vf_text_add(text, event->kind == TRACE_THREAD_CREATED ? " created" : " ended");
        break;
    }
}

/* A message on one line: its last newline is no part of the story. */
static void add_message(struct vf_text *text, const struct trace_event *event)
{
    char image[64];
    size_t length = event->text ? __builtin_strlen(event->text) : 0;
    while (length != 0 && (event->text[length - 1] == '\n' || event->text[length - 1] == '\r'))
        length--;
    vf_text_add(text, "%s prints: ",
                vf_image_of(trace_caller(event->a), image, sizeof(image)) ? image : "kernel code");
    for (size_t i = 0; i < length; i++)
        vf_text_add(text, "%c", (UCHAR)event->text[i] < ' ' ? ' ' : event->text[i]);
}

static void add_control(struct vf_text *text, const struct trace_event *event)
{
    static const char *const actions[] = {"", " KeepObject", " DeallocateObject",
                                          " DeallocateObjectKeepRegisters"};
    vf_text_add(text, "%s ", event->text);
    trace_add_routine(text, event->b);
    if (event->kind == TRACE_CONTROL_RETURN) {
        vf_text_add(text, " returned%s", event->a < countof(actions) ? actions[event->a] : "");
        return;
    }
    vf_text_add(text, " called for ");
    trace_add_device(text, event->object);
}

static void add_other(struct vf_text *text, const struct trace_event *event)
{
    const char *name = rtl_bugcheck_name((ULONG)event->a);
    switch (event->kind) {
    case TRACE_TIMER_EXPIRED:
        vf_text_add(text, "timer #%u expired", trace_object(TRACE_CLASS_TIMER, event->object)->number);
        break;
    case TRACE_CONTROL:
    case TRACE_CONTROL_RETURN:
        add_control(text, event);
        break;
    case TRACE_INTERRUPT:
        vf_text_add(text, "interrupt, vector 0x%02llx: ISR ", (unsigned long long)event->a);
        trace_add_routine(text, event->b);
        vf_text_add(text, " called");
        break;
    case TRACE_INTERRUPT_RETURN:
        vf_text_add(text, "ISR ");
        trace_add_routine(text, event->b);
        vf_text_add(text, event->a ? " returned TRUE: it was its device" : " returned FALSE: not its device");
        break;
    case TRACE_IRQL:
        vf_text_add(text, "IRQL %u (%s) to %u (%s)", (unsigned)event->a, vf_irql_name((KIRQL)event->a),
                    (unsigned)event->b, vf_irql_name((KIRQL)event->b));
        break;
    case TRACE_PORT:
        vf_text_add(text, event->c ? "port 0x%llX: 0x%02llX written" : "port 0x%llX: 0x%02llX read",
                    (unsigned long long)event->a, (unsigned long long)event->b);
        break;
    case TRACE_REGISTER:
        vf_text_add(text,
                    event->c & 1 ? "register 0x%llX: 0x%0*llX written" : "register 0x%llX: 0x%0*llX read",
                    (unsigned long long)event->a, (int)(event->c & ~1ull), (unsigned long long)event->b);
        break;
    case TRACE_EXCEPTION:
        vf_text_add(text, "exception ");
        trace_add_status(text, event->a);
        vf_text_add(text, " at ");
        trace_add_routine(text, event->b);
        break;
    case TRACE_BUGCHECK:
        vf_text_add(text, "bug check 0x%08X %s", (ULONG)event->a, name ? name : "");
        break;
    default:
        add_message(text, event);
        break;
    }
}

static void add_prefix(struct vf_text *text, const struct trace_moment *moment)
{
    const struct trace_where *where = &moment->where;
    unsigned depth = MIN(moment->track->depth, 12u);
    vf_text_add(text, "%3llu.%06u ", (unsigned long long)(where->ns / 1000000000),
                (unsigned)(where->ns / 1000 % 1000000));
    if (where->vp >= 0)
        vf_text_add(text, "vp%d t%u  ", where->vp, where->thread);
    else
        vf_text_add(text, "host  ");
    vf_text_add(text, "%*s", (int)depth * 2, "");
}

/* Allocation, a return that only repeats "pending", and one that says nothing are noise to who reads a
 * request's way. */
static bool is_noise(const struct trace_event *event)
{
    return !trace_verbose &&
           (event->kind == TRACE_IRP_ALLOCATED || event->kind == TRACE_IRP_FREED ||
            event->kind == TRACE_START_IO_RETURN || (event->kind == TRACE_CONTROL_RETURN && event->a == 0) ||
            (event->kind == TRACE_IRP_RETURNED && (NTSTATUS)event->b == STATUS_PENDING));
}

void trace_add_words(struct vf_text *text, const struct trace_moment *moment)
{
    const struct trace_event *event = moment->event;
    switch (event->kind) {
    case TRACE_LOAD ... TRACE_DRIVER_UNLOAD_RETURN:
        add_loading(text, event);
        break;
    case TRACE_DEVICE_CREATED ... TRACE_DEVICE_DETACHED:
        add_device_event(text, event);
        break;
    case TRACE_IRP_ALLOCATED ... TRACE_IRP_FREED:
        add_irp_event(text, moment);
        break;
    case TRACE_DPC_QUEUED ... TRACE_DPC_END:
        add_dpc_event(text, moment);
        break;
    case TRACE_THREAD_CREATED ... TRACE_THREAD_WAIT:
        add_thread_event(text, event);
        break;
    default:
        add_other(text, event);
        break;
    }
}

void trace_text_event(const struct trace_moment *moment)
{
    char line[LINE_BYTES];
    struct vf_text text;
    if (is_noise(moment->event))
        return;
    vf_text_init(&text, line, sizeof(line) - 1);
    add_prefix(&text, moment);
    trace_add_words(&text, moment);
    line[text.length] = '\n';
    trace_put(line, text.length + 1);
}
