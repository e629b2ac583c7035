/* SPDX-License-Identifier: MIT */
/*
 * What is at the other end of a serial line: backend=file:PATH (bytes sent are
 * written there), pty or pty:LINK (a pseudoterminal for a terminal program),
 * stdio, none. Bytes go out without waiting. With a seed a machine receives
 * nothing from a terminal, whose time is not the machine's.
 */
#ifndef MODEL_BACKEND_H
#define MODEL_BACKEND_H

#include "host/stream.h"
#include "models/model.h"

struct backend {
    host_stream *stream; /* NULL: none */
    char place[64];      /* where to connect to, "" if nowhere */
    bool terminal;       /* it comes and goes: events.connected says when */
};

/* text: the value of backend=, NULL: none. */
NTSTATUS backend_open(struct backend *backend, const char *text, char *message, size_t size);
NTSTATUS backend_start(struct backend *backend, const struct host_stream_events *events, char *message,
                       size_t size);
void backend_send(struct backend *backend, UCHAR byte);
void backend_resume(struct backend *backend); /* after events.received has left something */
void backend_stop(struct backend *backend);
void backend_close(struct backend *backend);

#endif
