/* SPDX-License-Identifier: MIT */
/*
 * Chrome's trace format, for Perfetto: a track per virtual processor (which
 * thread runs, DPCs) and one per thread (dispatch, completion, DriverEntry ...
 * as slices); IRPs are asynchronous spans, and flows that tie the slices they
 * pass through. The file is complete once trace_json_end has run.
 */
#include "rtl/rtl.h"
#include "trace/internal.h"
#include "vf/report.h"

#define EVENT_BYTES 1536
#define NAME_BYTES  256
#define PROCESSORS  1 /* process ids: groups of tracks */
#define THREADS     2
#define IRPS        3

static bool first;

/* One event; members follow through add_..., then close. */
struct json {
    struct vf_text text;
    char bytes[EVENT_BYTES];
};

static void add_string(struct vf_text *text, const char *string)
{
    vf_text_add(text, "\"");
    for (const char *c = string; *c && text->length + 16 < text->size; c++) {
        if (*c == '"' || *c == '\\')
            vf_text_add(text, "\\%c", *c);
        else if ((UCHAR)*c < ' ')
            vf_text_add(text, "\\u%04x", (UCHAR)*c);
        else
            vf_text_add(text, "%c", *c);
    }
    vf_text_add(text, "\"");
}

static void open_event(struct json *json, char phase, unsigned process, ULONG thread, uint64_t ns,
                       const char *name)
{
    vf_text_init(&json->text, json->bytes, sizeof(json->bytes) - 8);
    vf_text_add(&json->text, "%s{\"ph\":\"%c\",\"pid\":%u,\"tid\":%u,\"ts\":%llu.%03u", first ? "" : ",\n",
                phase, process, thread, (unsigned long long)(ns / 1000), (unsigned)(ns % 1000));
    if (name != NULL) {
        vf_text_add(&json->text, ",\"name\":");
        add_string(&json->text, name);
    }
    first = false;
}

static void close_event(struct json *json)
{
    json->bytes[json->text.length++] = '}';
    trace_put(json->bytes, json->text.length);
}

static unsigned process_of(const struct trace_track *track)
{
    return track->processor ? PROCESSORS : THREADS;
}

static void put_metadata(unsigned process, ULONG thread, const char *what, const char *name)
{
    struct json json;
    open_event(&json, 'M', process, thread, 0, what);
    vf_text_add(&json.text, ",\"args\":{\"name\":");
    add_string(&json.text, name);
    vf_text_add(&json.text, "}");
    close_event(&json);
}

static void announce(struct trace_track *track, const char *thread_name)
{
    char name[NAME_BYTES];
    struct vf_text text;
    if (track->announced)
        return;
    track->announced = true;
    vf_text_init(&text, name, sizeof(name));
    if (track->processor)
        vf_text_add(&text, "VP %u", track->id);
    else if (thread_name)
        vf_text_add(&text, "thread %u (%s)", track->id, thread_name);
    else
        vf_text_add(&text, track->id ? "thread %u" : "host", track->id);
    put_metadata(process_of(track), track->id, "thread_name", name);
}

/* ---- slices ---- */

static void put_begin(const struct trace_moment *moment, const char *name)
{
    struct json json;
    open_event(&json, 'B', process_of(moment->track), moment->track->id, moment->where.ns, name);
    if (moment->number)
        vf_text_add(&json.text, ",\"args\":{\"number\":%u}", moment->number);
    close_event(&json);
}

static void put_end(const struct trace_track *track, uint64_t ns, const char *result)
{
    struct json json;
    open_event(&json, 'E', process_of(track), track->id, ns, NULL);
    if (result) {
        vf_text_add(&json.text, ",\"args\":{\"returned\":");
        add_string(&json.text, result);
        vf_text_add(&json.text, "}");
    }
    close_event(&json);
}

/* What an event closes, and whatever an exception left open inside of it. */
static void put_ends(const struct trace_moment *moment)
{
    const struct trace_event *event = moment->event;
    char result[NAME_BYTES];
    struct vf_text text;
    vf_text_init(&text, result, sizeof(result));
    if (event->kind == TRACE_IRP_RETURNED)
        trace_add_status(&text, event->b);
    else if (event->kind == TRACE_IRP_COMPLETION_RETURN || event->kind == TRACE_DRIVER_ENTRY_RETURN)
        trace_add_status(&text, event->a);
    else if (event->kind == TRACE_INTERRUPT_RETURN)
        vf_text_add(&text, event->a ? "TRUE" : "FALSE");
    for (unsigned i = 0; i < moment->closed; i++)
        put_end(moment->track, moment->where.ns, i + 1 == moment->closed && text.length ? result : NULL);
}

static void put_instant(const struct trace_moment *moment, const char *name)
{
    struct json json;
    open_event(&json, 'i', process_of(moment->track), moment->track->id, moment->where.ns, name);
    vf_text_add(&json.text, ",\"s\":\"%c\"", moment->event->kind == TRACE_BUGCHECK ? 'g' : 't');
    close_event(&json);
}

/* ---- IRPs ---- */

static void put_span(const struct trace_moment *moment, char phase, const char *name, const char *what)
{
    struct json json;
    open_event(&json, phase, IRPS, 0, moment->where.ns, name);
    vf_text_add(&json.text, ",\"cat\":\"irp\",\"id\":%u", moment->number);
    if (what) {
        vf_text_add(&json.text, ",\"args\":{\"event\":");
        add_string(&json.text, what);
        vf_text_add(&json.text, "}");
    }
    close_event(&json);
}

static void put_flow(const struct trace_moment *moment, char phase)
{
    struct json json;
    open_event(&json, phase, process_of(moment->track), moment->track->id, moment->where.ns, "IRP");
    vf_text_add(&json.text, ",\"cat\":\"irp-flow\",\"id\":%u%s", moment->number,
                phase == 'f' ? ",\"bp\":\"e\"" : "");
    close_event(&json);
}

static void sent(const struct trace_moment *moment)
{
    char name[NAME_BYTES];
    struct vf_text text;
    bool top = trace_irp_is_first_send(moment->event->object);
    vf_text_init(&text, name, sizeof(name));
    trace_add_request(&text, moment->event->object);
    vf_text_add(&text, " ");
    trace_add_device(&text, (const void *)moment->event->a);
    put_begin(moment, name);
    put_flow(moment, top ? 's' : 't');
}

static void outcome(const struct trace_moment *moment, const char *verb, struct vf_text *text)
{
    vf_text_add(text, "%s ", verb);
    trace_add_status(text, moment->event->a);
    vf_text_add(text, ", Information %llu", (unsigned long long)moment->event->b);
}

static void completion_routine(const struct trace_moment *moment)
{
    char name[NAME_BYTES];
    struct vf_text text;
    vf_text_init(&text, name, sizeof(name));
    vf_text_add(&text, "completion ");
    trace_add_routine(&text, moment->event->b);
    put_begin(moment, name);
    put_flow(moment, 't');
}

static void start_io(const struct trace_moment *moment)
{
    char name[NAME_BYTES];
    struct vf_text text;
    vf_text_init(&text, name, sizeof(name));
    vf_text_add(&text, "StartIo ");
    trace_add_routine(&text, moment->event->b);
    put_begin(moment, name);
    put_flow(moment, 't');
}

static void irp_event(const struct trace_moment *moment)
{
    char name[32], what[NAME_BYTES];
    struct vf_text irp, text;
    vf_text_init(&irp, name, sizeof(name));
    vf_text_init(&text, what, sizeof(what));
    trace_add_irp(&irp, moment->number);
    switch (moment->event->kind) {
    case TRACE_IRP_ALLOCATED:
        put_span(moment, 'b', name, NULL);
        break;
    case TRACE_IRP_FREED:
        put_span(moment, 'e', name, NULL);
        break;
    case TRACE_IRP_SENT:
        sent(moment);
        vf_text_add(&text, "sent to ");
        trace_add_device(&text, (const void *)moment->event->a);
        put_span(moment, 'n', name, what);
        break;
    case TRACE_IRP_PENDED:
        put_span(moment, 'n', name, "pending");
        break;
    case TRACE_IRP_COMPLETE:
        outcome(moment, "completed", &text);
        put_instant(moment, what);
        put_flow(moment, 't');
        put_span(moment, 'n', name, what);
        break;
    case TRACE_IRP_COMPLETION_ROUTINE:
        completion_routine(moment);
        break;
    case TRACE_IRP_FINISHED:
        outcome(moment, "finished", &text);
        put_flow(moment, 'f');
        put_span(moment, 'n', name, what);
        break;
    case TRACE_IRP_CANCEL:
        put_span(moment, 'n', name, "canceled");
        break;
    case TRACE_IRP_QUEUED:
        put_span(moment, 'n', name, "queued to the device");
        break;
    case TRACE_START_IO:
        start_io(moment);
        break;
    default:
        put_ends(moment);
        break;
    }
}

/* ---- threads on processors ---- */

static void switch_threads(const struct trace_moment *moment)
{
    struct trace_thread_facts facts;
    struct trace_track *vp;
    char name[NAME_BYTES];
    if (moment->where.vp < 0 || moment->event->object == NULL)
        return;
    vp = trace_vp_track((unsigned)moment->where.vp);
    announce(vp, NULL);
    if (vp->running)
        put_end(vp, moment->where.ns, NULL);
    trace_thread_facts(moment->event->object, &facts);
    vp->running = !facts.idle;
    if (facts.idle)
        return;
    struct vf_text text;
    struct trace_moment on_vp = {.event = moment->event, .where = moment->where, .track = vp};
    vf_text_init(&text, name, sizeof(name));
    vf_text_add(&text, facts.name ? "t%u %s" : "t%u", facts.id, facts.name);
    put_begin(&on_vp, name);
}

/* ---- the rest ---- */

static void irql_counter(const struct trace_moment *moment)
{
    struct json json;
    char name[32];
    struct vf_text text;
    if (moment->where.vp < 0)
        return;
    vf_text_init(&text, name, sizeof(name));
    vf_text_add(&text, "IRQL of VP %d", moment->where.vp);
    open_event(&json, 'C', PROCESSORS, (ULONG)moment->where.vp, moment->where.ns, name);
    vf_text_add(&json.text, ",\"args\":{\"irql\":%u}", (unsigned)moment->event->b);
    close_event(&json);
}

static void named_slice(const struct trace_moment *moment)
{
    const struct trace_event *event = moment->event;
    char name[NAME_BYTES];
    struct vf_text text;
    vf_text_init(&text, name, sizeof(name));
    if (event->kind == TRACE_DPC_START) {
        vf_text_add(&text, "DPC ");
        trace_add_routine(&text, event->a);
    } else if (event->kind == TRACE_INTERRUPT) {
        vf_text_add(&text, "ISR ");
        trace_add_routine(&text, event->b);
    } else if (event->kind == TRACE_CONTROL) {
        vf_text_add(&text, "%s ", event->text);
        trace_add_routine(&text, event->b);
    } else {
        vf_text_add(&text, "%s %s", event->kind == TRACE_DRIVER_ENTRY ? "DriverEntry" : "Unload",
                    event->text ? event->text : "");
    }
    put_begin(moment, name);
}

/* Everything that has no length: its line of the text trace is its name. */
static void instant(const struct trace_moment *moment)
{
    char name[NAME_BYTES];
    struct vf_text text;
    vf_text_init(&text, name, sizeof(name));
    trace_add_words(&text, moment);
    put_instant(moment, name);
}

void trace_json_event(const struct trace_moment *moment)
{
    announce(moment->track, moment->where.thread_name);
    switch (moment->event->kind) {
    case TRACE_IRP_ALLOCATED ... TRACE_IRP_FREED:
        irp_event(moment);
        break;
    case TRACE_DRIVER_ENTRY:
    case TRACE_DRIVER_UNLOAD:
    case TRACE_DPC_START:
    case TRACE_INTERRUPT:
    case TRACE_CONTROL:
        named_slice(moment);
        break;
    case TRACE_DRIVER_ENTRY_RETURN:
    case TRACE_DRIVER_UNLOAD_RETURN:
    case TRACE_DPC_END:
    case TRACE_INTERRUPT_RETURN:
    case TRACE_CONTROL_RETURN:
        put_ends(moment);
        break;
    case TRACE_THREAD_SWITCH:
        switch_threads(moment);
        break;
    case TRACE_IRQL:
        irql_counter(moment);
        break;
    default:
        instant(moment);
        break;
    }
}

void trace_json_begin(void)
{
    static const char head[] = "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n";
    first = true;
    trace_put(head, sizeof(head) - 1);
    put_metadata(PROCESSORS, 0, "process_name", "virtual processors");
    put_metadata(THREADS, 0, "process_name", "NT threads");
    put_metadata(IRPS, 0, "process_name", "IRPs");
}

static uint64_t end_ns;

static void close_track(struct trace_track *track)
{
    for (unsigned i = 0; i < track->depth + track->running; i++)
        put_end(track, end_ns, NULL);
}

void trace_json_end(uint64_t ns)
{
    static const char tail[] = "\n]}\n";
    end_ns = ns;
    trace_for_each_track(close_track);
    trace_put(tail, sizeof(tail) - 1);
}
