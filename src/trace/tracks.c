/* SPDX-License-Identifier: MIT */
/*
 * What is open where: the routines that a thread is inside of, and, at DISPATCH
 * level, the DPCs that a processor is inside of. An event that closes a routine
 * may name an object that is gone; what it was is known from here.
 */
#include "trace/internal.h"

#define VPS     64
#define THREADS 512

static struct trace_track vps[VPS], threads[THREADS], nowhere;

struct trace_track *trace_vp_track(unsigned vp)
{
    struct trace_track *track = &vps[vp % VPS];
    track->used = track->processor = true;
    track->id = vp;
    return track;
}

struct trace_track *trace_thread_track(ULONG id)
{
    struct trace_track *place = NULL;
    for (unsigned step = 0; step < THREADS; step++) {
        struct trace_track *track = &threads[(id + step) % THREADS];
        if (track->used && !track->ended && track->id == id)
            return track;
        if (place == NULL && (!track->used || track->ended))
            place = track;
        if (!track->used)
            break;
    }
    if (place == NULL)
        place = &nowhere; /* so many threads at once */
    *place = (struct trace_track){.used = true, .id = id};
    return place;
}

struct trace_track *trace_track_of(const struct trace_where *where)
{
    if (where->vp >= 0 && vps[where->vp % VPS].depth != 0)
        return &vps[where->vp % VPS];
    if (where->vp >= 0 && where->idle)
        return trace_vp_track((unsigned)where->vp);
    return trace_thread_track(where->thread);
}

void trace_push(struct trace_track *track, enum trace_kind kind, const void *object, ULONG number)
{
    if (track->depth < TRACE_DEPTH)
        track->frames[track->depth] = (struct trace_frame){kind, object, number};
    track->depth++;
}

static bool matches(const struct trace_frame *frame, enum trace_kind kind, const void *object)
{
    return frame->kind == kind && frame->object == object;
}

unsigned trace_pop(struct trace_track *track, enum trace_kind kind, const void *object,
                   struct trace_frame *frame)
{
    if (track->depth > TRACE_DEPTH) {
        track->depth--;
        return 1;
    }
    for (unsigned at = track->depth; at > 0; at--) {
        if (!matches(&track->frames[at - 1], kind, object))
            continue;
        unsigned closed = track->depth - (at - 1);
        *frame = track->frames[at - 1];
        track->depth = at - 1;
        return closed;
    }
    return 0;
}

void trace_thread_gone(ULONG id)
{
    struct trace_track *track = trace_thread_track(id);
    track->depth = 0;
    track->ended = true;
}

void trace_tracks_reset(void)
{
    __builtin_memset(vps, 0, sizeof(vps));
    __builtin_memset(threads, 0, sizeof(threads));
    __builtin_memset(&nowhere, 0, sizeof(nowhere));
}

void trace_for_each_track(void (*visit)(struct trace_track *track))
{
    for (unsigned i = 0; i < VPS; i++)
        if (vps[i].used)
            visit(&vps[i]);
    for (unsigned i = 0; i < THREADS; i++)
        if (threads[i].used)
            visit(&threads[i]);
}
