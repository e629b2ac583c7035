/* SPDX-License-Identifier: MIT */
/*
 * Ringless: Windows kernel drivers in a Linux process. The embedding API.
 *
 * One machine lives in a process at a time. Functions return an NTSTATUS
 * (rgl_status): >= 0 is success; rgl_message() then has one line that explains
 * the last failure on this thread. Any thread may call, except that a machine
 * with a seed belongs to the thread that made it (another gets
 * RGL_STATUS_WRONG_THREAD). Callbacks, except those of a device model, never run on
 * an NT stack: rgl_poll delivers them on the thread that calls it. After fork() the child may only exec or
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

#define RGL_API __attribute__((visibility("default")))

typedef int32_t rgl_status; /* NTSTATUS */

#define RGL_STATUS_SUCCESS ((rgl_status)0x00000000)
#define RGL_STATUS_TIMEOUT ((rgl_status)0x00000102)
#define RGL_STATUS_PENDING ((rgl_status)0x00000103)
#define RGL_STATUS_BUG_CHECK                                                                                 \
    ((rgl_status)0xE0520001) /* the machine stopped: rgl_bug_check() has the report */
#define RGL_STATUS_NOT_AN_IMAGE ((rgl_status)0xE0520002) /* the bytes are no x86-64 driver */
#define RGL_STATUS_CANNOT_LOAD  ((rgl_status)0xE0520003) /* an image, but it cannot be loaded here */
#define RGL_STATUS_WRONG_THREAD ((rgl_status)0xE0520004)
#define RGL_STATUS_AFTER_FORK   ((rgl_status)0xE0520005)
#define RGL_STATUS_BUSY         ((rgl_status)0xE0520006) /* a machine lives already */
#define RGL_STATUS_HANG                                                                                      \
    ((rgl_status)0xE0520007) /* simulated: nothing can run any more and the request waits */

typedef struct rgl_machine rgl_machine;
typedef struct rgl_driver rgl_driver;
typedef struct rgl_file rgl_file;       /* an open handle of the API's user process */
typedef struct rgl_request rgl_request; /* one asynchronous request */
typedef struct rgl_event rgl_event;     /* a user-mode event object */

enum rgl_verify { RGL_VERIFY_NONE, RGL_VERIFY_STANDARD, RGL_VERIFY_ALL };

/* An entry of the error log: IO_ERROR_LOG_PACKET, and what the I/O manager adds. Valid during the callback.
 */
struct rgl_error {
    const char *driver, *device; /* the service; the device's name, or "" */
    uint32_t code;               /* ErrorCode: which message */
    uint32_t unique, final_status, sequence, control_code;
    uint16_t category;
    uint8_t major, retries;
    int64_t device_offset;
    const void *dump;
    size_t dump_length;
    const char *const *strings; /* insertion strings: %2 and up */
    unsigned string_count;
};

/* A WMI event that rgl_wmi_enable asked for. One call for each instance of it. Valid during the callback. */
struct rgl_wmi_event {
    const char *guid, *instance; /* "{...}"; the instance's name */
    bool is_item;                /* data is that of one item */
    uint32_t item;
    const void *data;
    size_t length;
};

struct rgl_config {
    size_t size;    /* sizeof(struct rgl_config) */
    bool simulated; /* deterministic: the seed decides every schedule, time is virtual */
    uint64_t seed;
    unsigned cpus; /* virtual processors; 0: 1 when simulated, else the host's cores */
    enum rgl_verify verify;
    uint64_t ram_bytes;        /* simulated RAM; 0: 64 MiB */
    int tick_signal;           /* real-time signal for preemption; 0: SIGRTMIN+4 */
    unsigned watchdog_seconds; /* 0: 10 */
    /* One line that a driver printed; delivered by rgl_poll and at the end of each call. NULL: discarded. */
    void (*debug_line)(void *context, const char *driver, const char *line);
    void *debug_context;
    /* Drivers' pool blocks with an inaccessible page behind them (unless verify is none). */
    unsigned special_pool_blocks; /* so many at a time, at most 30,000; 0: 8,192 */
    bool special_pool_underrun;   /* the inaccessible page next to a block is the one before it */
    bool special_pool_off;
    /* An entry that a driver wrote to the error log; delivered like debug_line, with debug_context. */
    void (*error_logged)(void *context, const struct rgl_error *error);
    /* An event of a driver's WMI provider; delivered like debug_line, with debug_context. */
    void (*wmi_event)(void *context, const struct rgl_wmi_event *event);
};
RGL_API void rgl_config_init(struct rgl_config *config); /* the defaults: real time, verify standard */

RGL_API rgl_status rgl_machine_create(const struct rgl_config *config, rgl_machine **machine);
/* Closes handles, unloads drivers in reverse order, stops. A driver without an Unload routine is dropped. No
 * thread may begin a call any more; if another one is inside a call that waits, nothing is closed or
 * unloaded, as when the power goes, and the call ends with STATUS_SYSTEM_SHUTDOWN. After a bug check nothing
 * is closed or unloaded either. Files, drivers and events of the machine are gone then; a request may still
 * be released. */
RGL_API void rgl_machine_destroy(rgl_machine *machine);
/* Shuts the machine down: closes handles, sends IRP_MJ_SHUTDOWN to the devices that registered for it (those
 * for the last chance afterwards), and at last SET_POWER for S5 to all started devices. No driver is
 * unloaded, then or by rgl_machine_destroy, which with rgl_registry_hive_write is all that is
 * left: other calls give STATUS_SYSTEM_SHUTDOWN from here on. */
RGL_API rgl_status rgl_shutdown(rgl_machine *machine);
RGL_API const char *rgl_message(void);
RGL_API const char *rgl_status_name(rgl_status status); /* "STATUS_SUCCESS"; NULL when it has no name */
RGL_API bool rgl_status_by_name(const char *name, rgl_status *status);
RGL_API const char *rgl_version(void);

/* ---- the machine's surroundings, before the first driver ---- */
/* A device model by its description: NAME[,key=value...], as `ringless help models` lists them. It can be
 * addressed by its name, or by what name= says. */
RGL_API rgl_status rgl_model_add(rgl_machine *machine, const char *description); /* "ram,size=256M" */
struct rgl_model_info {
    const char *name;
    const char *synopsis; /* "ram,size=BYTES: ..." */
};
RGL_API void rgl_for_each_model(void (*visit)(void *context, const struct rgl_model_info *), void *context);
/* Data that reaches a device from outside: a serial port receives it, a keyboard is typed on. */
RGL_API rgl_status rgl_model_input(rgl_machine *machine, const char *model, const void *data, size_t length);
struct rgl_model_instance {
    const char *name;
    const char *place; /* where a terminal program finds it, as /dev/pts/3; "": nowhere */
};
RGL_API void rgl_for_each_model_instance(rgl_machine *machine,
                                         void (*visit)(void *context, const struct rgl_model_instance *),
                                         void *context);

/* ---- device models of your own: examples/alarm.c is one ----
 *
 * A model is callbacks around your own state. One lock per device is held around each callback, so those of a
 * device never overlap and need no lock of yours; two devices' may. They run as hardware does: in the middle
 * of a driver's instruction, on a small kernel stack, at any IRQL, or on the machine's clock. So a callback
 * does what registers do, quickly: it may call rgl_device_interrupt, _timer_start, _timer_stop, _now_ns,
 * _memory_read and _memory_write, memcpy and the like, and no other function of this header or of the C
 * library. `input`, `stop` and `destroyed` are called by the thread that calls rgl_model_input or
 * rgl_machine_destroy; `stop` and `destroyed` without the lock, and all of C is theirs.
 * A thread of yours that touches the state takes rgl_device_lock, and must be gone when `stop` returns. With
 * a seed there may be no such thread.
 */
typedef struct rgl_device rgl_device;

struct rgl_device_model {
    size_t size;      /* sizeof(struct rgl_device_model) */
    const char *name; /* for model-input and messages; copied */
    void *context;    /* handed to every callback */
    /* Ports: offset counts from the first. Width: 1, 2 or 4 bytes. A callback that is NULL: nothing there. */
    uint16_t port, port_count;
    uint32_t (*port_read)(void *context, unsigned offset, unsigned width);
    void (*port_write)(void *context, unsigned offset, uint32_t value, unsigned width);
    /* Registers in physical memory: whole pages outside of RAM. Width: 1, 2, 4 or 8 bytes. */
    uint64_t memory, memory_length;
    uint64_t (*memory_read)(void *context, uint64_t offset, unsigned width);
    void (*memory_write)(void *context, uint64_t offset, uint64_t value, unsigned width);
    int line; /* interrupt line, 0 to 15 as on the ISA bus, 16 to 23 as on the PCI bus; -1: none */
    void (*timer)(void *context);
    /* model-input NAME DATA. NULL: it takes none. */
    rgl_status (*input)(void *context, const void *data, size_t length);
    void (*stop)(void *context);      /* the machine ends; drivers may still touch registers */
    void (*destroyed)(void *context); /* nothing will be called any more */
};
RGL_API void rgl_device_model_init(struct rgl_device_model *model); /* no ports, no memory, no line */
/* The device lives until the machine is destroyed. A second one on the same ports or memory:
 * STATUS_CONFLICTING_ADDRESSES; of the same name: STATUS_OBJECT_NAME_COLLISION. */
RGL_API rgl_status rgl_device_model_add(rgl_machine *machine, const struct rgl_device_model *model,
                                        rgl_device **device);
/* Raises or lowers the device's part in its line. Also without the lock, as the next four. */
RGL_API void rgl_device_interrupt(rgl_device *device, bool raised);
/* The machine's time, virtual with a seed: what the device's timer counts. */
RGL_API uint64_t rgl_device_now_ns(const rgl_device *device);
/* What a bus master does to RAM. False: the range is not all RAM, and nothing was copied. */
RGL_API bool rgl_device_memory_read(rgl_device *device, uint64_t physical, void *to, size_t length);
RGL_API bool rgl_device_memory_write(rgl_device *device, uint64_t physical, const void *from, size_t length);
/* With the lock held: in callbacks. The timer strikes once; starting it again replaces the former time. */
RGL_API void rgl_device_timer_start(rgl_device *device, uint64_t delay_ns);
RGL_API void rgl_device_timer_stop(rgl_device *device); /* it will not strike */
RGL_API void rgl_device_lock(rgl_device *device);       /* not in callbacks: they have it */
RGL_API void rgl_device_unlock(rgl_device *device);
/* One interrupt, as if a device had asked for it: on the line of a model, or on a line by its number ("4").
 * STATUS_INVALID_DEVICE_STATE: no driver has connected to the line. */
RGL_API rgl_status rgl_interrupt(rgl_machine *machine, const char *source);
RGL_API rgl_status rgl_registry_load(rgl_machine *machine, const void *text, size_t length); /* a .reg file */
/* A Windows registry hive. key: which key it is ("HKLM\\Software"); NULL: told by what is in it. */
RGL_API rgl_status rgl_registry_hive(rgl_machine *machine, const char *path, const char *key);
/* Writes a key with all below it as a hive. An existing file is changed to that; a new one begins as a copy
 * of the hive that was read as that key, else as an empty one. NULL: the first that was read, else
 * HKLM\System. */
RGL_API rgl_status rgl_registry_hive_write(rgl_machine *machine, const char *path, const char *key);
/* An INF that devices are installed by; of several that fit a device the best ranked is. Drivers' files are
 * looked for beside it. A mistake in it: STATUS_INVALID_PARAMETER, and rgl_message has file and line. */
RGL_API rgl_status rgl_inf_add(rgl_machine *machine, const char *path);

/* ---- drivers ---- */
/* name: the file's base name ("hello.sys"); the service is called that without the extension.
 * *entry_status (may be NULL): what DriverEntry returned. The bytes are copied.
 * *driver (may be NULL) is valid until the machine is destroyed. */
RGL_API rgl_status rgl_driver_load(rgl_machine *machine, const char *name, const void *bytes, size_t length,
                                   rgl_driver **driver, rgl_status *entry_status);
/* Drivers loaded between the two are loaded together, as at a boot: their Reinitialize routines are called at
 * the end, when all DriverEntry routines have run. Of a driver loaded outside they are called at once. */
RGL_API rgl_status rgl_load_begin(rgl_machine *machine);
RGL_API rgl_status rgl_load_end(rgl_machine *machine);
RGL_API rgl_status rgl_driver_load_file(rgl_machine *machine, const char *path, rgl_driver **driver,
                                        rgl_status *entry_status);
/* STATUS_INVALID_DEVICE_REQUEST: it has no Unload routine. RGL_STATUS_PENDING: marked; runs when the last
 * reference goes. Devices that it serves are removed first (a veto is the status, and nothing has changed);
 * they get their drivers again when one of that name is loaded. */
RGL_API rgl_status rgl_driver_unload(rgl_machine *machine, const char *service);

/* ---- Plug and Play. A device's `id` is its instance path, or a hardware or compatible id of it (then the
 * first such device). These wait for what is under way in the device tree and for the drivers' answers; a
 * driver's veto or failure is the status. STATUS_NO_SUCH_DEVICE: there is none of that name. ---- */
#define RGL_INSTANCE_ROOM 400
/*
 * The drivers (files) and devices (hardware ids) that a machine starts with. Drivers whose service keys say
 * Start 0, 1 or 2 are loaded as Windows would boot: boot-start ones by their groups, the devices that need no
 * others, all other devices with the drivers they need, system-start drivers by their groups, auto-start ones
 * by their dependencies. The rest follows in the order given. Each is told of, a device when all is done; a
 * callback that returns false ends it.
 */
struct rgl_boot {
    const char *const *drivers, *const *devices;
    unsigned driver_count, device_count;
    bool (*driver_loaded)(void *context, const char *path, rgl_status status);
    bool (*device_added)(void *context, const char *hardware_id, const char *instance, rgl_status status);
    void *context;
};
RGL_API rgl_status rgl_boot(rgl_machine *machine, const struct rgl_boot *boot);
/* A device of the root bus: its drivers are found and loaded, called at AddDevice, and started. The status is
 * what AddDevice or START_DEVICE returned; the device stays in the tree in any case. instance, unless NULL,
 * has RGL_INSTANCE_ROOM bytes and gets the instance path ("ROOT\\TOASTER\\0000"). */
RGL_API rgl_status rgl_pnp_add(rgl_machine *machine, const char *hardware_id, char *instance);
/* Starts a stopped device again; finds drivers anew for one that was removed or that had a problem. */
RGL_API rgl_status rgl_pnp_start(rgl_machine *machine, const char *id);
/* QUERY_STOP, then STOP; a veto: CANCEL_STOP. rgl_pnp_start goes on. Started devices only; others:
 * STATUS_INVALID_DEVICE_STATE, as of the functions below on a device without drivers. */
RGL_API rgl_status rgl_pnp_stop(rgl_machine *machine, const char *id);
/* QUERY_REMOVE and then CANCEL_REMOVE, to the device's descendants and removal relations too: could it be
 * removed? STATUS_PLUGPLAY_QUERY_VETOED: the drivers agree, but files are open. */
RGL_API rgl_status rgl_pnp_query_remove(rgl_machine *machine, const char *id);
/* QUERY_REMOVE to all of them, then REMOVE, children first. The device stays in the tree while its bus lists
 * it; rgl_pnp_start gives it its drivers again. A WDM driver whose last device is gone is unloaded. */
RGL_API rgl_status rgl_pnp_remove(rgl_machine *machine, const char *id);
/* As if it were pulled out: SURPRISE_REMOVAL at once, REMOVE when the last file on its stack is closed. */
RGL_API rgl_status rgl_pnp_surprise_remove(rgl_machine *machine, const char *id);
/* Asked and removed with its ejection relations, then EJECT to its bus driver if it can be ejected.
 * STATUS_NOT_SUPPORTED: it can neither be ejected nor pulled out. A failed EJECT: it is started again. */
RGL_API rgl_status rgl_pnp_eject(rgl_machine *machine, const char *id);
/* All devices, children first, those added last first; who refuses goes like a device that was pulled out.
 * Drivers stay loaded. */
RGL_API rgl_status rgl_pnp_remove_all(rgl_machine *machine);

/* ---- power ---- */
/* A SET_POWER to device state Dd (0 to 3) for the device's stack, behind those under way; the IRP's status.
 */
RGL_API rgl_status rgl_device_power(rgl_machine *machine, const char *id, unsigned d);
/* The system goes to Ss (0 to 5): QUERY_POWER, then SET_POWER to all started devices, children first; back to
 * S0 parents first and without a query. A driver's veto is the status, and the system stays. 5 is
 * rgl_shutdown. */
RGL_API rgl_status rgl_system_power(rgl_machine *machine, unsigned s);
/* The same with what else distinguishes transitions; for 5 these begin where rgl_shutdown does. */
enum rgl_power_flags {
    RGL_POWER_FORCED = 1, /* no query */
    RGL_POWER_IDLE = 2,   /* only if no driver keeps the system busy: else STATUS_DEVICE_BUSY */
    RGL_POWER_HYBRID = 4, /* 4: sleep, with memory also on disk */
    RGL_POWER_FAST = 8,   /* 4: the shutdown before a fast startup */
    RGL_POWER_LOST = 16,  /* 0: memory was lost meanwhile and comes from disk */
    RGL_POWER_RESET = 32, /* 5: to start again */
    RGL_POWER_OFF = 64    /* 5: to stay off */
};
RGL_API rgl_status rgl_system_power_as(rgl_machine *machine, unsigned s, unsigned flags);
/* A directed transition of a device that registered for it with PoFxRegisterDevice (version 3). */
RGL_API rgl_status rgl_directed_power(rgl_machine *machine, const char *id, bool down);
/* A power setting's new value; guid as "{5d3e9a59-e9d5-4b00-a6bd-ff34ff516548}". */
RGL_API rgl_status rgl_power_setting(rgl_machine *machine, const char *guid, const void *value,
                                     size_t length);

/* ---- devices: what a user-mode administrator process does ---- */
/* A driver may terminate that process. The calls of this part then give STATUS_PROCESS_IS_TERMINATING, but
 * for rgl_close, which frees the file, and for what is left to be done with a request. */
enum rgl_open_flags { RGL_OPEN_READ = 1, RGL_OPEN_WRITE = 2, RGL_OPEN_EXCLUSIVE = 4, RGL_OPEN_ASYNC = 8 };

struct rgl_io {
    rgl_status status;
    uint64_t information;
};

/* name: \Device\X, \DosDevices\X, \??\X or \\.\X, literally. Without READ or WRITE: both. */
RGL_API rgl_status rgl_open(rgl_machine *machine, const char *name, unsigned flags, rgl_file **file,
                            struct rgl_io *io);
RGL_API rgl_status rgl_close(rgl_file *file);
/* Synchronous on any handle. The driver sees a copy of the buffer in the user range, unless the buffer came
 * from rgl_user_alloc: then it is used in place. offset -1: the file's current position. */
RGL_API rgl_status rgl_read(rgl_file *file, void *buffer, size_t length, int64_t offset, struct rgl_io *io);
RGL_API rgl_status rgl_write(rgl_file *file, const void *data, size_t length, int64_t offset,
                             struct rgl_io *io);
RGL_API rgl_status rgl_flush(rgl_file *file, struct rgl_io *io);
RGL_API rgl_status rgl_ioctl(rgl_file *file, uint32_t code, const void *in, size_t in_length, void *out,
                             size_t out_length, struct rgl_io *io);
RGL_API rgl_status rgl_internal_ioctl(rgl_file *file, uint32_t code, const void *in, size_t in_length,
                                      void *out, size_t out_length, struct rgl_io *io);
RGL_API rgl_status
rgl_cancel(rgl_file *file); /* CancelIo: the pending requests of this handle that the calling thread sent */

RGL_API void *rgl_user_alloc(rgl_machine *machine,
                             size_t length); /* NULL: the user range or RAM is exhausted */
RGL_API void rgl_user_free(rgl_machine *machine, void *buffer);

/* ---- asynchronous requests, on handles opened with RGL_OPEN_ASYNC ---- */
enum rgl_operation { RGL_OP_READ, RGL_OP_WRITE, RGL_OP_IOCTL, RGL_OP_FLUSH };
struct rgl_operation_args {
    enum rgl_operation operation;
    uint32_t code;
    const void *in; /* write data or ioctl input: copied at the start */
    size_t in_length;
    void *out; /* filled when the completion is delivered */
    size_t out_length;
    int64_t offset;
    void (*done)(void *context, const struct rgl_io *io); /* from rgl_poll or rgl_request_wait; may be NULL */
    void *context;
};
/* The immediate status: RGL_STATUS_PENDING, or the final one (done is delivered all the same). */
RGL_API rgl_status rgl_submit(rgl_file *file, const struct rgl_operation_args *args, rgl_request **request);
RGL_API rgl_status rgl_request_wait(rgl_request *request, int64_t timeout_ms /* -1: for ever */,
                                    struct rgl_io *io);
RGL_API void rgl_request_release(rgl_request *request); /* the request goes on; its result is discarded */
RGL_API int
rgl_completion_fd(rgl_machine *machine); /* an eventfd, readable when rgl_poll has something to deliver */
RGL_API unsigned
rgl_poll(rgl_machine *machine); /* delivers completions and debug lines; how many completions */

/* ---- user-mode events: pass the handle's value inside an ioctl's input ---- */
RGL_API rgl_status rgl_event_create(rgl_machine *machine, bool manual_reset, bool signaled,
                                    rgl_event **event);
RGL_API uint64_t rgl_event_handle(const rgl_event *event);
RGL_API rgl_status rgl_event_wait(rgl_event *event, int64_t timeout_ms);
RGL_API rgl_status rgl_event_set(rgl_event *event, bool signaled);
RGL_API void rgl_event_close(rgl_event *event);

/* ---- time ---- */
RGL_API rgl_status rgl_advance(rgl_machine *machine,
                               uint64_t ms); /* simulated: moves the clock; real: waits */
RGL_API rgl_status rgl_idle(rgl_machine *machine,
                            uint64_t ms); /* the NT side runs until nothing is ready, or so long */

/* ---- what is there: visits hold no lock of the machine, strings live as long as the call ---- */
struct rgl_driver_info {
    const char *service, *image;
    uint64_t base, size;
    unsigned devices;
    bool has_unload;
};
struct rgl_device_info {
    const char *service, *name; /* name: "" if it has none */
    unsigned id, lower;         /* numbers in creation order; lower: the device it is attached to, 0: none */
    unsigned stack_size, open_handles;
    uint32_t device_type, flags;
};
struct rgl_devnode_device {
    const char *service, *name; /* name: "" if it has none */
    unsigned id;                /* as rgl_device_info numbers them */
};
struct rgl_devnode_info {
    const char *instance_path;                       /* "" until the bus driver has said what it is */
    const char *hardware_id, *description, *service; /* "": none */
    const char *state;                               /* "started", "removed" ... */
    const char *power;                               /* "D0".. as its drivers last reported; "": never */
    const char *resources; /* "memory 0xfeb00000-0xfeb00fff; interrupt 11 (vector 0xb1, IRQL 8)"; "": none */
    uint32_t flags;        /* PNP_DEVICE_STATE bits that its drivers report */
    const char *needs; /* instance paths of devices that must be on before it, separated by "; "; "": none */
    unsigned depth;    /* 1: a child of the root bus */
    bool raw;          /* started without a function driver */
    bool not_disableable; /* it is needed for the machine to run, or a device below it is */
    unsigned problem;     /* the device manager's problem code; 0: none */
    const char *problem_text;
    rgl_status problem_status;
    unsigned stack_count; /* device objects, from the top of the stack down to the bus driver's */
    const struct rgl_devnode_device *stack;
};
struct rgl_irp_info {
    unsigned number;
    const char *major, *service, *device; /* where it is now; service "" when it is with the I/O manager */
    bool cancelable;
};
struct rgl_pool_info {
    char tag[5];
    uint64_t blocks, bytes;
};
struct rgl_export_info {
    const char *module, *name;
    unsigned min_irql, max_irql;
    bool data;
};
RGL_API void rgl_for_each_driver(rgl_machine *machine,
                                 void (*visit)(void *context, const struct rgl_driver_info *), void *context);
RGL_API void rgl_for_each_device(rgl_machine *machine,
                                 void (*visit)(void *context, const struct rgl_device_info *), void *context);
RGL_API void rgl_for_each_irp(rgl_machine *machine, void (*visit)(void *context, const struct rgl_irp_info *),
                              void *context);
RGL_API void rgl_for_each_pool_tag(rgl_machine *machine,
                                   void (*visit)(void *context, const struct rgl_pool_info *), void *context);
/* The device tree, parents before children, without its root. */
RGL_API void rgl_for_each_devnode(rgl_machine *machine,
                                  void (*visit)(void *context, const struct rgl_devnode_info *),
                                  void *context);
/* The enabled device interfaces of a class, "{...}": names that rgl_open takes. STATUS_INVALID_PARAMETER: no
 * GUID in braces. */
RGL_API rgl_status rgl_for_each_interface(rgl_machine *machine, const char *class_guid,
                                          void (*visit)(void *context, const char *name), void *context);
RGL_API void rgl_for_each_export(void (*visit)(void *context, const struct rgl_export_info *), void *context);

/* ---- WMI: blocks that drivers provide. A GUID is text, with or without braces. ---- */
struct rgl_wmi_block_info {
    const char *guid, *service, *mof; /* service: ""; mof: the MOF resource's name: "" if there is none */
    unsigned device;                  /* the provider's number, as in rgl_device_info; 0: a callback */
    unsigned instances;
    bool dynamic_names, event_only, expensive, events_enabled, collection_enabled;
    uint32_t flags; /* WMIREG_FLAG_... */
};
struct rgl_wmi_instance {
    const char *name; /* "": it has none */
    const void *data;
    size_t length;
};
RGL_API rgl_status rgl_for_each_wmi_block(rgl_machine *machine,
                                          void (*visit)(void *context, const struct rgl_wmi_block_info *),
                                          void *context);
/* The nth instance's name, 0 for the first, over all providers. */
RGL_API rgl_status rgl_wmi_instance_name(rgl_machine *machine, const char *guid, unsigned index, char *name,
                                         size_t size);
/* All instances, or the one of that name. STATUS_WMI_GUID_NOT_FOUND, STATUS_WMI_INSTANCE_NOT_FOUND. */
RGL_API rgl_status rgl_wmi_query(rgl_machine *machine, const char *guid, const char *instance,
                                 void (*visit)(void *context, const struct rgl_wmi_instance *),
                                 void *context);
RGL_API rgl_status rgl_wmi_set(rgl_machine *machine, const char *guid, const char *instance, const void *data,
                               size_t length);
RGL_API rgl_status rgl_wmi_set_item(rgl_machine *machine, const char *guid, const char *instance,
                                    uint32_t item, const void *data, size_t length);
/* visit is told of the output, if the method succeeds. */
RGL_API rgl_status rgl_wmi_execute(rgl_machine *machine, const char *guid, const char *instance,
                                   uint32_t method, const void *data, size_t length,
                                   void (*visit)(void *context, const struct rgl_wmi_instance *),
                                   void *context);
/* Events (they come by rgl_config.wmi_event) or the collection of an expensive block. */
enum rgl_wmi_use { RGL_WMI_EVENTS, RGL_WMI_COLLECTION };
RGL_API rgl_status rgl_wmi_enable(rgl_machine *machine, const char *guid, enum rgl_wmi_use use, bool enable);

/* What a file is and needs, without a machine: text for people or one JSON object; free() it.
 * NULL: no driver image; rgl_message says why. */
enum rgl_inspect_format { RGL_INSPECT_TEXT, RGL_INSPECT_JSON };
RGL_API char *rgl_inspect(const char *name, const void *bytes, size_t length, enum rgl_inspect_format format);
/* What an INF would install, for all devices that it is for or for the one of that hardware id (not NULL).
 * Needs no machine; free() it. NULL: rgl_message says why. */
RGL_API char *rgl_inf_describe(const char *path, const char *hardware_id, enum rgl_inspect_format format);

/* ---- traces ---- */
enum rgl_trace_format { RGL_TRACE_TEXT, RGL_TRACE_JSON };
/* Text goes to fd as it happens, JSON (Chrome trace format) is whole after rgl_trace_stop. verbose adds
 * IRQL changes and port accesses. */
RGL_API rgl_status rgl_trace_start(rgl_machine *machine, int fd, enum rgl_trace_format format, bool verbose);
RGL_API void rgl_trace_stop(rgl_machine *machine);

/* ---- bug checks and verifier violations ---- */
struct rgl_report {
    uint32_t code; /* 0xC4 ... */
    uint64_t parameters[4];
    bool verifier;    /* a rule of the verifier rather than a crash */
    const char *name; /* "IRQL_NOT_LESS_OR_EQUAL" */
    const char *sentence;
    const char *text; /* the whole report, several lines */
};
/* What stopped this machine, or NULL. A report is valid until the thread asks for the next of its kind. */
RGL_API const struct rgl_report *rgl_bug_check(rgl_machine *machine);
RGL_API unsigned rgl_violations(rgl_machine *machine); /* violations that did not stop it */
RGL_API const struct rgl_report *rgl_violation(rgl_machine *machine, unsigned index);

#ifdef __cplusplus
}
#endif

#endif
