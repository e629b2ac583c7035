/* SPDX-License-Identifier: MIT */
/*
 * The embedding API's inside. Everything here runs on the host side of the
 * boundary, on the caller's own stack with the C library at hand, except the
 * functions passed to api_call, which run on an NT stack: those use the
 * runtime alone.
 */
#ifndef API_H
#define API_H

#include "ke/routines.h"
#include "ob/routines.h"
#include "io/io.h"
#include "ringless/ringless.h"

struct rgl_machine {
    struct rgl_config config;
    bool alive;
    bool closing;   /* rgl_machine_destroy is at work in the thread `closer`: others may not begin a call */
    bool shut_down; /* rgl_shutdown ran: only rgl_machine_destroy is left */
    uint64_t closer;
    uint64_t owner;             /* the thread that made a simulated machine */
    struct rgl_file *files;     /* guarded by api_lock, as the next */
    uint64_t saver;             /* this thread writes the registry down: it may call after a shutdown */
    unsigned hives;             /* that were read: src/api/hive.c knows where from */
    struct rgl_driver *drivers; /* told to the embedder; they end with the machine */
};
extern struct rgl_machine api_machine;

struct rgl_driver {
    struct rgl_driver *next;
    char service[IO_SERVICE_NAME_BYTES];
};

struct rgl_file {
    struct rgl_file *next;
    HANDLE handle;
    bool async;
};

/* ---- call.c ---- */
/* Runs fn(arg) on the NT side with that previous mode; delivers debug lines afterwards. A bug check meanwhile
 * gives RGL_STATUS_BUG_CHECK. */
rgl_status api_call(NTSTATUS (*fn)(void *), void *arg, KPROCESSOR_MODE mode);
rgl_status api_fail(rgl_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));
rgl_status api_ok(rgl_status status);  /* clears the message of a success, makes one for a failure without */
bool api_may_call(rgl_status *status); /* this thread, this process, a live machine */
bool api_thread_init(void);            /* once a process; false: it is a forked child */
void api_new_machine(void);            /* from now on threads may enter */
/* Around everything that touches the machine's memory on the host side. Nests. False: it may not, and status
 * says why. */
bool api_enter(rgl_status *status);
void api_leave(void);
bool api_others_left(unsigned tries_ms); /* no other thread is inside; waits so long for that */
/* Ends the calls of all other threads (STATUS_SYSTEM_SHUTDOWN) and takes the caller out of the machine. */
void api_expel_threads(void);
/* Guards what several host threads share: lists of files and requests, the start of the completion port.
 * Never held across a callback. */
void api_lock(void);
void api_unlock(void);

LARGE_INTEGER api_timeout(int64_t ms); /* relative, in the unit of waits */

/* Inside api_enter. A piece of the calling thread's user-range scratch memory; valid until the next
 * api_scratch_reset. NULL: exhausted. */
void *api_scratch(size_t bytes);
void api_scratch_reset(void);
HANDLE api_scratch_event(void); /* an auto-reset event of the calling thread */

/* ---- debug.c ---- */
void api_debug_init(void);
void api_debug_fini(void);
unsigned api_debug_deliver(void);
/* A line of the runtime's own, as if a driver of that name had printed it. NT stacks too. */
void api_debug_line(const char *from, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- wmi.c ---- */
void api_wmi_deliver(const void *wnode, size_t bytes); /* an event, to the embedder */

/* ---- machine.c ---- */
rgl_status api_shut_down(rgl_machine *machine, POWER_ACTION action);

/* ---- boot.c ---- */
NTSTATUS api_boot(const struct rgl_config *config);
void api_shutdown(void);

/* ---- text.c: growing text, host side ---- */
struct text {
    char *bytes;
    size_t length, room;
};
void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_add_json(struct text *text, const char *string); /* quoted and escaped */

/* image_file.c: where ZwLoadDriver finds files. */
void api_image_files_init(bool simulated);
void api_image_folder(const char *path);   /* of this file */
void api_image_offer(const char *path);    /* this file, wherever it is, for who asks for its name */
void api_image_loaded(const char *path);   /* the same, instead of what was offered before under its name */
void api_image_withdraw(const char *name); /* no file of that name is offered any more */
/* malloc'd; NULL: no such file. On a pthread of its own or the caller's, never on an NT stack. */
unsigned char *api_read_file(const char *path, size_t *length);

#endif
