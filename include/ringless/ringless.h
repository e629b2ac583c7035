/* SPDX-License-Identifier: MIT */
/*
 * Ringless: Windows kernel drivers in a Linux process. The embedding API.
 *
 * One machine lives in a process at a time. Functions return an NTSTATUS
 * (rl_status): >= 0 is success; rl_message() then has one line that explains
 * the last failure on this thread. Any thread may call, except that a machine
 * with a seed belongs to the thread that made it (another gets
 * RL_STATUS_WRONG_THREAD). Callbacks never run on an NT stack: rl_poll delivers
 * them on the thread that calls it. After fork() the child may only exec or
 * exit. Names are UTF-8. Times are in the unit that their name says.
 */
#ifndef RINGLESS_H
#define RINGLESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RL_API __attribute__((visibility("default")))

typedef int32_t rl_status; /* NTSTATUS */

#define RL_STATUS_SUCCESS      ((rl_status)0x00000000)
#define RL_STATUS_TIMEOUT      ((rl_status)0x00000102)
#define RL_STATUS_PENDING      ((rl_status)0x00000103)
#define RL_STATUS_BUG_CHECK    ((rl_status)0xE0520001) /* the machine stopped: rl_bug_check() has the report */
#define RL_STATUS_NOT_AN_IMAGE ((rl_status)0xE0520002) /* the bytes are no x86-64 driver */
#define RL_STATUS_CANNOT_LOAD  ((rl_status)0xE0520003) /* an image, but it cannot be loaded here */
#define RL_STATUS_WRONG_THREAD ((rl_status)0xE0520004)
#define RL_STATUS_AFTER_FORK   ((rl_status)0xE0520005)
#define RL_STATUS_BUSY         ((rl_status)0xE0520006) /* a machine lives already */
#define RL_STATUS_HANG         ((rl_status)0xE0520007) /* simulated: nothing can run any more and the request waits */

typedef struct rl_machine rl_machine;
typedef struct rl_driver rl_driver;
typedef struct rl_file rl_file;       /* an open handle of the API's user process */
typedef struct rl_request rl_request; /* one asynchronous request */
typedef struct rl_event rl_event;     /* a user-mode event object */

enum rl_verify { RL_VERIFY_NONE, RL_VERIFY_STANDARD, RL_VERIFY_ALL };

struct rl_config {
    size_t size;               /* sizeof(struct rl_config) */
    bool simulated;            /* deterministic: the seed decides every schedule, time is virtual */
    uint64_t seed;
    unsigned cpus;             /* virtual processors; 0: 1 when simulated, else the host's cores */
    enum rl_verify verify;
    uint64_t ram_bytes;        /* simulated RAM; 0: 64 MiB */
    int tick_signal;           /* real-time signal for preemption; 0: SIGRTMIN+4 */
    unsigned watchdog_seconds; /* 0: 10 */
    /* One line that a driver printed; delivered by rl_poll and at the end of each call. NULL: discarded. */
    void (*debug_line)(void *context, const char *driver, const char *line);
    void *debug_context;
};
RL_API void rl_config_init(struct rl_config *config); /* the defaults: real time, verify standard */

RL_API rl_status rl_machine_create(const struct rl_config *config, rl_machine **machine);
/* Closes handles, unloads drivers in reverse order, stops. A driver without an Unload routine is dropped. */
RL_API void rl_machine_destroy(rl_machine *machine);
RL_API const char *rl_message(void);
RL_API const char *rl_status_name(rl_status status); /* "STATUS_SUCCESS"; "0xC0001234" when it has no name */
RL_API const char *rl_version(void);

/* ---- the machine's surroundings, before the first driver ---- */
RL_API rl_status rl_model_add(rl_machine *machine, const char *description); /* "ram,size=256M" */
RL_API rl_status rl_registry_load(rl_machine *machine, const void *text, size_t length); /* a .reg file */

/* ---- drivers ---- */
/* name: the file's base name ("hello.sys"); the service is called that without the extension.
 * *entry_status (may be NULL): what DriverEntry returned. The bytes are copied. */
RL_API rl_status rl_driver_load(rl_machine *machine, const char *name, const void *bytes, size_t length,
                                rl_driver **driver, rl_status *entry_status);
RL_API rl_status rl_driver_load_file(rl_machine *machine, const char *path, rl_driver **driver, rl_status *entry_status);
/* STATUS_INVALID_DEVICE_REQUEST: it has no Unload routine. RL_STATUS_PENDING: marked; runs when the last reference goes. */
RL_API rl_status rl_driver_unload(rl_machine *machine, const char *service);

/* ---- devices: what a user-mode administrator process does ---- */
enum rl_open_flags { RL_OPEN_READ = 1, RL_OPEN_WRITE = 2, RL_OPEN_EXCLUSIVE = 4, RL_OPEN_ASYNC = 8 };

struct rl_io {
    rl_status status;
    uint64_t information;
};

/* name: \Device\X, \DosDevices\X, \??\X or \\.\X, literally. Without READ or WRITE: both. */
RL_API rl_status rl_open(rl_machine *machine, const char *name, unsigned flags, rl_file **file, struct rl_io *io);
RL_API rl_status rl_close(rl_file *file);
/* Synchronous on any handle. The driver sees a copy of the buffer in the user range, unless the buffer came from
 * rl_user_alloc: then it is used in place. offset -1: the file's current position. */
RL_API rl_status rl_read(rl_file *file, void *buffer, size_t length, int64_t offset, struct rl_io *io);
RL_API rl_status rl_write(rl_file *file, const void *data, size_t length, int64_t offset, struct rl_io *io);
RL_API rl_status rl_flush(rl_file *file, struct rl_io *io);
RL_API rl_status rl_ioctl(rl_file *file, uint32_t code, const void *in, size_t in_length, void *out, size_t out_length,
                          struct rl_io *io);
RL_API rl_status rl_internal_ioctl(rl_file *file, uint32_t code, const void *in, size_t in_length, void *out,
                                   size_t out_length, struct rl_io *io);
RL_API rl_status rl_cancel(rl_file *file); /* CancelIo: every pending request of this handle */

RL_API void *rl_user_alloc(rl_machine *machine, size_t length); /* NULL: the user range or RAM is exhausted */
RL_API void rl_user_free(rl_machine *machine, void *buffer);

/* ---- asynchronous requests, on handles opened with RL_OPEN_ASYNC ---- */
enum rl_operation { RL_OP_READ, RL_OP_WRITE, RL_OP_IOCTL, RL_OP_FLUSH };
struct rl_operation_args {
    enum rl_operation operation;
    uint32_t code;
    const void *in; /* write data or ioctl input: copied at the start */
    size_t in_length;
    void *out; /* filled when the completion is delivered */
    size_t out_length;
    int64_t offset;
    void (*done)(void *context, const struct rl_io *io); /* from rl_poll or rl_request_wait; may be NULL */
    void *context;
};
/* The immediate status: RL_STATUS_PENDING, or the final one (done is delivered all the same). */
RL_API rl_status rl_submit(rl_file *file, const struct rl_operation_args *args, rl_request **request);
RL_API rl_status rl_request_wait(rl_request *request, int64_t timeout_ms /* -1: for ever */, struct rl_io *io);
RL_API void rl_request_release(rl_request *request); /* the request goes on; its result is discarded */
RL_API int rl_completion_fd(rl_machine *machine);    /* an eventfd, readable when rl_poll has something to deliver */
RL_API unsigned rl_poll(rl_machine *machine);        /* delivers completions and debug lines; how many completions */

/* ---- user-mode events: pass the handle's value inside an ioctl's input ---- */
RL_API rl_status rl_event_create(rl_machine *machine, bool manual_reset, bool signaled, rl_event **event);
RL_API uint64_t rl_event_handle(const rl_event *event);
RL_API rl_status rl_event_wait(rl_event *event, int64_t timeout_ms);
RL_API rl_status rl_event_set(rl_event *event, bool signaled);
RL_API void rl_event_close(rl_event *event);

/* ---- time ---- */
RL_API rl_status rl_advance(rl_machine *machine, uint64_t ms); /* simulated: moves the clock; real: waits */
RL_API rl_status rl_idle(rl_machine *machine, uint64_t ms);    /* the NT side runs until nothing is ready, or so long */

/* ---- what is there ---- */
RL_API void rl_for_each_driver(rl_machine *machine,
                               void (*visit)(void *context, const char *service, const char *image, uint64_t base,
                                             uint64_t size, unsigned devices),
                               void *context);
RL_API void rl_for_each_device(rl_machine *machine,
                               void (*visit)(void *context, const char *service, const char *name, unsigned stack_size,
                                             unsigned open_handles, uint32_t device_type),
                               void *context);
RL_API void rl_for_each_irp(rl_machine *machine,
                            void (*visit)(void *context, unsigned number, const char *major, const char *device, bool pending),
                            void *context);
RL_API void rl_for_each_pool_tag(rl_machine *machine,
                                 void (*visit)(void *context, const char *tag, uint64_t blocks, uint64_t bytes), void *context);
RL_API void rl_for_each_export(void (*visit)(void *context, const char *module, const char *name, unsigned min_irql,
                                             unsigned max_irql, bool data),
                               void *context);

/* A file's inspection as JSON, without a machine; free() it. NULL: no driver image, rl_message says why. */
RL_API char *rl_inspect(const char *name, const void *bytes, size_t length);

/* ---- traces ---- */
enum rl_trace_format { RL_TRACE_TEXT, RL_TRACE_JSON };
/* Text goes to fd as it happens, JSON (Chrome trace format) is whole after rl_trace_stop. verbose adds IRQL changes. */
RL_API rl_status rl_trace_start(rl_machine *machine, int fd, enum rl_trace_format format, bool verbose);
RL_API void rl_trace_stop(rl_machine *machine);

/* ---- bug checks and verifier violations ---- */
struct rl_report {
    uint32_t code; /* 0xC4 ... */
    uint64_t parameters[4];
    bool verifier; /* a rule of the verifier rather than a crash */
    const char *name; /* "IRQL_NOT_LESS_OR_EQUAL" */
    const char *sentence;
    const char *text; /* the whole report, several lines */
};
RL_API const struct rl_report *rl_bug_check(rl_machine *machine); /* what stopped this machine, or NULL */
RL_API unsigned rl_violations(rl_machine *machine); /* violations that did not stop it */
RL_API const struct rl_report *rl_violation(rl_machine *machine, unsigned index);

#ifdef __cplusplus
}
#endif

#endif
