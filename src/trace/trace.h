/* SPDX-License-Identifier: MIT */
/*
 * The event trace: a sink of the seam (base/seams.h) that turns events into
 * lines of text, or into Chrome's trace format. Formatting happens where the
 * event happens, without waiting; writing goes through a buffer.
 */
#ifndef TRACE_H
#define TRACE_H

#include "io/io.h"

enum trace_format { TRACE_FORMAT_TEXT, TRACE_FORMAT_JSON };

/* Host side. write is called with finished bytes, from any thread that traces; it must not wait on the NT
 * side. */
NTSTATUS trace_start(enum trace_format format, bool verbose,
                     void (*write)(void *context, const char *bytes, size_t length), void *context);
void trace_stop(void); /* writes what is buffered */

#endif
