/* SPDX-License-Identifier: MIT */
/*
 * The choice of a backend by its description.
 */
#include "models/backend.h"
#include "host/host.h"
#include "nt/status.h"

static bool begins(const char *text, const char *word)
{
    return __builtin_strncmp(text, word, __builtin_strlen(word)) == 0;
}

static NTSTATUS opened(const struct backend *backend)
{
    return backend->stream != NULL ? STATUS_SUCCESS : STATUS_DEVICE_CONFIGURATION_ERROR;
}

static NTSTATUS open_pty(struct backend *backend, const char *link, char *message, size_t size)
{
    backend->terminal = true;
    backend->stream = host_stream_pty(link, backend->place, sizeof(backend->place), message, size);
    return opened(backend);
}

NTSTATUS backend_open(struct backend *backend, const char *text, char *message, size_t size)
{
    *backend = (struct backend){0};
    if (text == NULL || __builtin_strcmp(text, "none") == 0)
        return STATUS_SUCCESS;
    if (__builtin_strcmp(text, "pty") == 0)
        return open_pty(backend, NULL, message, size);
    if (begins(text, "pty:") && text[4] != '\0')
        return open_pty(backend, text + 4, message, size);
    if (begins(text, "file:") && text[5] != '\0') {
        backend->stream = host_stream_file(text + 5, message, size);
        return opened(backend);
    }
    if (__builtin_strcmp(text, "stdio") == 0) {
        backend->stream = host_stream_stdio(message, size);
        return opened(backend);
    }
    host_snprintf(message, size, "a backend is file:PATH, pty, pty:LINK, stdio or none, not '%s'", text);
    return STATUS_INVALID_PARAMETER;
}

NTSTATUS backend_start(struct backend *backend, const struct host_stream_events *events, char *message,
                       size_t size)
{
    if (backend->stream == NULL || host_stream_start(backend->stream, events, !host_simulated()))
        return STATUS_SUCCESS;
    host_snprintf(message, size, "the host gives no thread for the backend");
    return STATUS_INSUFFICIENT_RESOURCES;
}

void backend_send(struct backend *backend, UCHAR byte)
{
    if (backend->stream != NULL)
        host_stream_send(backend->stream, &byte, 1);
}

void backend_resume(struct backend *backend)
{
    if (backend->stream != NULL)
        host_stream_resume(backend->stream);
}

void backend_stop(struct backend *backend)
{
    if (backend->stream != NULL)
        host_stream_stop(backend->stream);
}

void backend_close(struct backend *backend)
{
    if (backend->stream != NULL)
        host_stream_destroy(backend->stream);
    backend->stream = NULL;
}
