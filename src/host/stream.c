/* SPDX-License-Identifier: MIT */
/*
 * Byte streams. One sender puts bytes into a ring that the stream's pthread
 * empties; what the pthread reads it offers to `received`, and keeps what is
 * not taken. An eventfd wakes it. The sender's side makes no call but that.
 * What is sent to a pseudoterminal before anybody is there waits in the ring.
 */
#include "host/stream.h"
#include "host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

enum {
    RING_BYTES = 64 << 10,
    CHUNK_BYTES = 4096,        /* PIPE_BUF: so much never blocks where poll says that there is room */
    DISCONNECTED_POLL_MS = 50, /* how often to look whether a terminal program has come */
    DRAIN_MS = 500             /* how long the end waits for a reader that is slow */
};

struct host_stream {
    int in, out; /* -1: none */
    int wake;
    bool is_pty, connected, listening, started;
    bool stop; /* atomic */
    char *link;
    struct host_stream_events events;
    host_thread *thread;
    unsigned char held[CHUNK_BYTES]; /* read and not taken */
    size_t held_first, held_end;
    uint32_t sent, written; /* counts of the ring: by the sender, by the pthread */
    unsigned char ring[RING_BYTES];
};

static void say(char *message, size_t size, const char *what, const char *path)
{
    host_snprintf(message, size, "%s %s: %s", what, path, strerrordesc_np(errno));
}

static host_stream *create(int in, int out)
{
    host_stream *stream = host_alloc(sizeof(*stream));

    stream->in = in;
    stream->out = out;
    stream->connected = true;
    stream->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return stream;
}

host_stream *host_stream_file(const char *path, char *message, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

    if (fd < 0) {
        say(message, size, "cannot write", path);
        return NULL;
    }
    return create(-1, fd);
}

host_stream *host_stream_stdio(char *message, size_t size)
{
    int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);

    if (out < 0) {
        say(message, size, "cannot use", "standard output");
        return NULL;
    }
    return create(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3), out);
}

/* As a serial line: no echo, no line editing. Opened and closed once, so that the master reports a hang-up
 * until a terminal program comes. */
static bool prepare_slave(const char *path)
{
    struct termios modes;
    int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    bool ok = fd >= 0 && tcgetattr(fd, &modes) == 0;

    if (ok) {
        cfmakeraw(&modes);
        ok = tcsetattr(fd, TCSANOW, &modes) == 0;
    }
    if (fd >= 0)
        close(fd);
    return ok;
}

static int open_master(char *place, size_t size)
{
    int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

    if (fd >= 0 && grantpt(fd) == 0 && unlockpt(fd) == 0 && ptsname_r(fd, place, size) == 0 &&
        prepare_slave(place) && fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* A link of a former run is replaced; anything else in its place is not. */
static bool place_link(const char *place, const char *path)
{
    struct stat status;

    if (lstat(path, &status) == 0 && S_ISLNK(status.st_mode))
        unlink(path);
    return symlink(place, path) == 0;
}

host_stream *host_stream_pty(const char *link, char *place, size_t place_size, char *message, size_t size)
{
    int fd = open_master(place, place_size);
    host_stream *stream;

    if (fd < 0) {
        say(message, size, "cannot open", "a pseudoterminal");
        return NULL;
    }
    if (link != NULL && !place_link(place, link)) {
        say(message, size, "cannot make", link);
        close(fd);
        return NULL;
    }
    stream = create(fd, fd);
    stream->is_pty = true;
    stream->connected = false;
    stream->link = link != NULL ? strdup(link) : NULL;
    return stream;
}

static uint32_t ring_used(const host_stream *stream)
{
    return __atomic_load_n(&stream->sent, __ATOMIC_ACQUIRE) - stream->written;
}

/* False: nobody takes bytes any more. */
static bool write_some(host_stream *stream)
{
    uint32_t at = stream->written % RING_BYTES;
    size_t length = MIN(MIN(ring_used(stream), RING_BYTES - at), CHUNK_BYTES);
    ssize_t done = write(stream->out, stream->ring + at, length);

    if (done > 0)
        __atomic_store_n(&stream->written, stream->written + (uint32_t)done, __ATOMIC_RELEASE);
    return done >= 0 || errno == EAGAIN || errno == EINTR;
}

static void offer(host_stream *stream)
{
    if (stream->held_first != stream->held_end)
        stream->held_first += stream->events.received(
            stream->events.context, stream->held + stream->held_first, stream->held_end - stream->held_first);
}

/* False: the input has ended. */
static bool read_some(host_stream *stream)
{
    ssize_t done = read(stream->in, stream->held, sizeof(stream->held));

    if (done < 0 && (errno == EAGAIN || errno == EINTR || (stream->is_pty && errno == EIO)))
        return true;
    stream->held_first = 0;
    stream->held_end = done > 0 ? (size_t)done : 0;
    offer(stream);
    return done > 0;
}

static void set_connected(host_stream *stream, bool connected)
{
    if (stream->connected == connected)
        return;
    stream->connected = connected;
    if (stream->events.connected != NULL)
        stream->events.connected(stream->events.context, connected);
}

static void forget_wakes(host_stream *stream)
{
    uint64_t count;

    while (read(stream->wake, &count, sizeof(count)) > 0)
        ;
}

/* One round: waits until there is something to do, and does it. False: the end, and nothing is left to send.
 * A pseudoterminal without a program at the other end always polls as hung up, so it is looked at from time
 * to time only. */
static bool turn(host_stream *stream, int timeout_ms)
{
    bool reads = stream->listening && stream->held_first == stream->held_end && stream->in >= 0;
    bool writes = stream->out >= 0 && stream->connected && ring_used(stream) != 0;
    bool watches = stream->is_pty && stream->connected;
    struct pollfd polled[3] = {
        {stream->wake, POLLIN, 0},
        {reads && stream->connected ? stream->in
         : watches                  ? stream->in
                                    : -1,
         reads ? POLLIN : 0, 0},
        {writes ? stream->out : -1, POLLOUT, 0},
    };

    if (stream->is_pty && !stream->connected && timeout_ms < 0)
        timeout_ms = DISCONNECTED_POLL_MS;
    if (poll(polled, countof(polled), timeout_ms) == 0 && timeout_ms == DRAIN_MS)
        return false;
    forget_wakes(stream);
    offer(stream);
    if (stream->is_pty) {
        struct pollfd end = {stream->in, 0, 0};
        set_connected(stream, poll(&end, 1, 0) == 0 || !(end.revents & POLLHUP));
    }
    if (polled[1].revents & POLLIN && !read_some(stream))
        stream->in = stream->is_pty ? stream->in : (close(stream->in), -1);
    if (polled[2].revents & (POLLOUT | POLLERR) && !write_some(stream))
        stream->written = __atomic_load_n(&stream->sent, __ATOMIC_ACQUIRE);
    return true;
}

static void stream_main(void *arg)
{
    host_stream *stream = arg;

    while (!__atomic_load_n(&stream->stop, __ATOMIC_ACQUIRE))
        turn(stream, -1);
    stream->listening = false;
    while (ring_used(stream) != 0 && stream->connected && turn(stream, DRAIN_MS))
        ;
}

bool host_stream_start(host_stream *stream, const struct host_stream_events *events, bool listen)
{
    stream->events = *events;
    stream->listening = listen;
    stream->thread = host_thread_create("rl-stream", stream_main, stream);
    stream->started = stream->thread != NULL;
    return stream->started;
}

void host_stream_send(host_stream *stream, const void *bytes, size_t length)
{
    const unsigned char *from = bytes;
    uint32_t sent = stream->sent;
    uint32_t room = RING_BYTES - (sent - __atomic_load_n(&stream->written, __ATOMIC_ACQUIRE));

    for (size_t i = 0; i < length && i < room; i++)
        stream->ring[sent++ % RING_BYTES] = from[i];
    __atomic_store_n(&stream->sent, sent, __ATOMIC_RELEASE);
    host_eventfd_signal(stream->wake);
}

void host_stream_resume(host_stream *stream)
{
    host_eventfd_signal(stream->wake);
}

void host_stream_stop(host_stream *stream)
{
    if (!stream->started)
        return;
    __atomic_store_n(&stream->stop, true, __ATOMIC_RELEASE);
    host_eventfd_signal(stream->wake);
    host_thread_join(stream->thread);
    stream->started = false;
}

void host_stream_destroy(host_stream *stream)
{
    if (stream->link != NULL)
        unlink(stream->link);
    free(stream->link);
    if (stream->in >= 0)
        close(stream->in);
    if (stream->out >= 0 && stream->out != stream->in)
        close(stream->out);
    if (stream->wake >= 0)
        close(stream->wake);
    host_free(stream);
}

static void *read_whole(int fd, size_t *length, size_t limit)
{
    struct stat status;
    unsigned char *bytes;
    ssize_t done;

    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || (uint64_t)status.st_size > limit) {
        errno = EFBIG;
        return NULL;
    }
    bytes = host_alloc((size_t)status.st_size + 1);
    for (*length = 0; *length < (size_t)status.st_size; *length += (size_t)done) {
        done = read(fd, bytes + *length, (size_t)status.st_size - *length);
        if (done <= 0)
            break;
    }
    return bytes;
}

void *host_read_file(const char *path, size_t *length, size_t limit, char *message, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    void *bytes = fd >= 0 ? read_whole(fd, length, limit) : NULL;

    if (bytes == NULL)
        say(message, size, "cannot read", path);
    if (fd >= 0)
        close(fd);
    return bytes;
}
