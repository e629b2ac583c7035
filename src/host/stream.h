/* SPDX-License-Identifier: MIT */
/*
 * Byte streams between a device model and Linux: a file, a pseudoterminal, or
 * standard input and output. A pthread of its own moves the bytes, so who sends
 * never waits.
 */
#ifndef HOST_STREAM_H
#define HOST_STREAM_H

#include "base/base.h"

typedef struct host_stream host_stream;

struct host_stream_events {
    /* Bytes arrived; returns how many it takes. The rest is offered again after host_stream_resume. */
    size_t (*received)(void *context, const unsigned char *bytes, size_t length);
    /* A terminal program opened or closed the other end. NULL: does not matter. */
    void (*connected)(void *context, bool connected);
    void *context;
};

/* NULL: message has one line. A file is made, or emptied. */
host_stream *host_stream_file(const char *path, char *message, size_t size);
/* The slave's path is in place afterwards; link, if not NULL, becomes a symbolic link to it until the end. */
host_stream *host_stream_pty(const char *link, char *place, size_t place_size, char *message, size_t size);
host_stream *host_stream_stdio(char *message, size_t size);
/* Starts the pthread: events come from it. listen: receive as well. False: it could not. */
bool host_stream_start(host_stream *stream, const struct host_stream_events *events, bool listen);
/* Never waits; may be called on an NT stack, by one thread at a time. What finds no room is lost. */
void host_stream_send(host_stream *stream, const void *bytes, size_t length);
/* There is room again for what `received` left. */
void host_stream_resume(host_stream *stream);
/* Sends what is left, as far as somebody takes it, and ends the pthread: no more events come. */
void host_stream_stop(host_stream *stream);
void host_stream_destroy(host_stream *stream); /* stopped, or never started */

/* The whole of a file, from host_alloc; NULL: message has one line. */
void *host_read_file(const char *path, size_t *length, size_t limit, char *message, size_t size);

#endif
