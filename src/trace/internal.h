/* SPDX-License-Identifier: MIT */
/*
 * What the files of the trace share. Everything here is guarded by the trace's
 * one lock: an event is looked at, numbered, written and forgotten under it.
 */
#ifndef TRACE_INTERNAL_H
#define TRACE_INTERNAL_H

#include "base/seams.h"
#include "nt/nt.h"
#include "trace/trace.h"
#include "vf/peek.h"

/* ---- where an event happens: live.c ---- */

struct trace_where {
    uint64_t ns;
    int vp; /* -1: on the host side */
    ULONG thread;
    const char *thread_name; /* or NULL */
    bool idle;               /* the processor's idle thread */
};
void trace_where(struct trace_where *where);
int trace_vp(void);                      /* the processor held, -1: none */
uint64_t trace_caller(uint64_t address); /* of a driver's call: behind a gate, the driver's own address */
struct trace_thread_facts {
    ULONG id;
    const char *name;
    bool idle;
};
void trace_thread_facts(const void *thread, struct trace_thread_facts *facts);

/* ---- objects, numbered as they appear: objects.c ---- */

enum trace_class { TRACE_CLASS_DEVICE, TRACE_CLASS_DPC, TRACE_CLASS_TIMER, TRACE_CLASS_IRP, TRACE_CLASSES };
#define TRACE_NAME 96

struct trace_object {
    const void *object; /* NULL: free; TRACE_GONE: was used */
    ULONG number;       /* 1.. per class */
    UCHAR class;
    char name[TRACE_NAME]; /* "" if it has none */
};
struct trace_object *trace_object(enum trace_class class, const void *object); /* never NULL; makes it */
void trace_object_gone(const void *object);
void trace_objects_reset(void);
/* "\Device\Serial0 (serial)", "device #3 (serial)"; NULL pointer: "no device". */
void trace_add_device(struct vf_text *text, const void *device);
ULONG trace_irp_number(const void *irp);
void trace_add_irp(struct vf_text *text, ULONG number); /* "IRP #4" */
/* "serial.sys!SerialDpc+0x12"; an address of the runtime has no place that a reader could use. */
void trace_add_routine(struct vf_text *text, uint64_t address);
void trace_add_status(struct vf_text *text, uint64_t status);
/* "READ", "DEVICE_CONTROL 0x222004" of the current location. */
void trace_add_request(struct vf_text *text, const void *irp);
bool trace_irp_is_first_send(const void *irp);

/* ---- what is open on a processor or a thread: tracks.c ---- */

#define TRACE_DEPTH 24
struct trace_frame {
    enum trace_kind kind; /* of the event that opened it */
    const void *object;
    ULONG number; /* of the IRP or DPC */
};
struct trace_track {
    bool used, announced, running; /* running: the slice of the thread that runs here is open (processors) */
    bool processor, ended;
    ULONG id;
    unsigned depth; /* may exceed what is kept */
    struct trace_frame frames[TRACE_DEPTH];
};
struct trace_track *trace_track_of(const struct trace_where *where);
struct trace_track *trace_vp_track(unsigned vp);
struct trace_track *trace_thread_track(ULONG id);
void trace_push(struct trace_track *track, enum trace_kind kind, const void *object, ULONG number);
/* Closes the frame that the event closes, and any that an exception left open above it. How many; *frame: the
 * last. */
unsigned trace_pop(struct trace_track *track, enum trace_kind kind, const void *object,
                   struct trace_frame *frame);
void trace_thread_gone(ULONG id);
void trace_tracks_reset(void);
void trace_for_each_track(void (*visit)(struct trace_track *track));

/* ---- the two formats ---- */

struct trace_moment {
    const struct trace_event *event;
    struct trace_where where;
    struct trace_track *track;
    struct trace_frame frame; /* of an event that closes one: what was open */
    unsigned closed;          /* how many frames it closes; 0: it closes none that was known */
    bool opens, closes;
    ULONG number; /* of the IRP or DPC, 0: not one */
};
extern bool trace_verbose;
void trace_text_event(const struct trace_moment *moment);
void trace_add_words(struct vf_text *text, const struct trace_moment *moment); /* a line without its prefix */
void trace_json_begin(void);
void trace_json_event(const struct trace_moment *moment);
void trace_json_end(uint64_t ns);

/* To the buffer, the writer's when it is full. */
void trace_put(const char *bytes, size_t length);
void trace_flush(void);

#endif
