/* SPDX-License-Identifier: MIT */
/*
 * The I/O manager: driver objects, device objects, file objects, IRPs.
 * Private state wraps the public structure. The database lock (a KSPIN_LOCK at
 * DISPATCH_LEVEL) guards device lists, attachment and reference counts; the
 * cancel spin lock is NT's one global lock. No lock is held across a call into
 * a driver, except the cancel lock for a cancel routine, as on NT.
 */
#ifndef IO_H
#define IO_H

#include "ex/ex.h"
#include "ldr/ldr.h"
#include "rtl/rtl.h"
#include "cm/cm.h"
#include "io/services.h"

NTSTATUS io_init(void);
void io_fini(void);

extern struct ob_type *io_driver_type, *io_device_type, *io_file_type;
extern struct ob_type *io_port_type; /* IoCompletion */

/* ---- drivers ---- */
#define IO_SERVICE_NAME_BYTES 260 /* a service's name has at most 256 characters */

/* Loads an image under a service name; makes the service key if there is none; calls DriverEntry in a system
 * thread. On failure *error says why (one line) and *status_from_entry is DriverEntry's status if it ran. NT
 * context, PASSIVE. */
struct io_load_request {
    const char *file_name; /* base name as given, for messages; a path is kept in ImagePath */
    const char *path;      /* the file, for a debugger; NULL: the bytes came from nowhere */
    const void *bytes;
    size_t length;
    const char *service; /* base name without extension if NULL */
    bool checked_gates, deterministic;
};
struct io_load_result {
    PDRIVER_OBJECT driver;
    NTSTATUS status;
    bool entry_ran;
    unsigned devices_left; /* DriverEntry failed and left so many device objects; they were removed */
    ULONG error_control;   /* SV-03: 0 say nothing, 1 warn, 2 severe, 3 critical */
    struct ldr_error error;
};
NTSTATUS io_load_driver(const struct io_load_request *request, struct io_load_result *result);
/* Drivers loaded between the two are one phase: their Reinitialize routines run when it ends, and not after
 * each driver. Phases nest. STATUS_INVALID_DEVICE_STATE: none has begun. */
void io_load_phase_begin(void);
NTSTATUS io_load_phase_end(void);
/* LC-09..LC-14. STATUS_INVALID_DEVICE_REQUEST without an Unload routine; STATUS_PENDING: marked, runs when
 * references go. */
NTSTATUS io_unload_driver(PDRIVER_OBJECT driver);
PDRIVER_OBJECT io_find_driver(const char *service); /* referenced */
void io_for_each_driver(void (*visit)(PDRIVER_OBJECT, void *), void *context);
void io_for_each_device(PDRIVER_OBJECT driver, void (*visit)(PDEVICE_OBJECT, void *), void *context);
struct ldr_image *io_driver_image(PDRIVER_OBJECT driver);
const char *io_driver_service(PDRIVER_OBJECT driver);
/* Interrupts that are connected: whose routine, to which vector. While nobody connects or disconnects. */
void io_for_each_interrupt(void (*visit)(const void *routine, ULONG vector, void *context), void *context);
void io_for_each_irp(void (*visit)(PIRP, void *), void *context); /* outstanding, for `irps` and reports */

/* An entry of the error log. */
struct io_error {
    uint64_t time;               /* system time */
    char driver[64], device[96]; /* the service; the device's name or "" */
    ULONG bytes;                 /* of the packet, as it was asked for */
    const IO_ERROR_LOG_PACKET *packet;
};
/* Its insertion strings, one call each; *at begins as packet->StringOffset. NULL: it does not end in the
 * packet. */
const WCHAR *io_error_string(const struct io_error *error, size_t *at);
ULONG io_error_dump_bytes(const struct io_error *error); /* of DumpData that lie in the packet */

/* ---- what the PnP manager needs of drivers and devices ---- */
/* AddDevice was called, no device is left, and it can be unloaded. */
bool io_driver_is_idle(PDRIVER_OBJECT driver);
/* Its image can be found and loaded again; if not, it is never idle again. PASSIVE_LEVEL. */
bool io_driver_can_return(PDRIVER_OBJECT driver);
/* A driver of the system's own, without an image: its object, under \\Driver\\NAME; nobody unloads it. setup
 * fills the dispatch table. PASSIVE_LEVEL. */
NTSTATUS io_create_system_driver(const char *service, void (*setup)(PDRIVER_OBJECT driver),
                                 PDRIVER_OBJECT *driver);
enum io_service_problem {
    IO_SERVICE_FINE,
    IO_SERVICE_KEY_BAD,   /* no key, or not a driver's */
    IO_SERVICE_DISABLED,  /* Start is 4 */
    IO_SERVICE_NO_IMAGE,  /* the file is missing or cannot be loaded */
    IO_SERVICE_ENTRY,     /* DriverEntry failed */
    IO_SERVICE_UNLOADING, /* it is loaded, and about to be unloaded */
};
/* The driver of a service, referenced: the loaded one, or as its key describes it (SV-02: not if Start is 4).
 * PASSIVE_LEVEL. */
NTSTATUS io_load_service(const char *service, PDRIVER_OBJECT *driver, enum io_service_problem *problem);
#define IO_BOOT_LAST 0xFFFFFFFFu
struct io_boot_info {
    ULONG start; /* 0 boot .. 4 disabled; 3 without a key; 0 also if its BootFlags want that (SV-12) */
    ULONG rank;  /* of its group, for boot and system start; IO_BOOT_LAST: none */
};
/* false: the service has no key. */
bool io_boot_read(const char *service, struct io_boot_info *info);
bool io_boot_depends(const char *service, const char *other); /* DependOnService, DependOnGroup (SV-07) */
/* Calls AddDevice in this system thread. STATUS_INVALID_DEVICE_REQUEST: the driver has none (REQ-07). */
NTSTATUS io_call_add_device(PDRIVER_OBJECT driver, PDEVICE_OBJECT pdo);
/* The PnP manager's record beside a device object. */
void *io_device_node(const DEVICE_OBJECT *device);
void io_set_device_node(PDEVICE_OBJECT device, void *node);
void io_set_device_starting(PDEVICE_OBJECT pdo, bool starting); /* nobody opens its stack meanwhile */
/* What of the descriptor is there replaces the same part of the device's. PASSIVE_LEVEL. */
NTSTATUS io_set_device_security(PDEVICE_OBJECT device, PSECURITY_DESCRIPTOR descriptor);
bool io_device_deleted(const DEVICE_OBJECT *device); /* IoDeleteDevice was called for it */
bool io_is_device(const void *object); /* a device object, of whatever driver; the memory is readable */
void io_number_devices_from_one(PDEVICE_OBJECT root); /* behind that one, which has number 0 */
/* While a device object with a node is freed: PASSIVE_LEVEL. NULL: nobody is told. */
extern void (*io_device_node_freed)(PDEVICE_OBJECT device);

/* ---- what the power manager keeps beside a device object ---- */
void *io_device_power(const DEVICE_OBJECT *device);
bool io_set_device_power(PDEVICE_OBJECT device, void *power);      /* false: it has one; <= DISPATCH_LEVEL */
UCHAR io_exchange_power_state(PDEVICE_OBJECT device, UCHAR state); /* returns the former */
UCHAR io_power_state(const DEVICE_OBJECT *device);
/* May be NULL. Told by IoDeleteDevice, before anything is undone; and while one that has such a record is
 * freed. */
struct io_power_ops {
    void (*deleting)(PDEVICE_OBJECT device);
    void (*freed)(PDEVICE_OBJECT device, void *power);
};
extern const struct io_power_ops *io_power_ops;

/* What the layers above give the I/O manager. Any member may be NULL. */
struct io_ops {
    /* The bytes of an image for ZwLoadDriver; the service's ImagePath (or SV-14's default). NULL: no such
     * file. */
    const void *(*open_image)(const WCHAR *image_path, size_t *length);
    void (*close_image)(const void *bytes);
    bool checked_gates, deterministic; /* how ZwLoadDriver loads */
    /* Unload returned (or DriverEntry failed) and left device objects; told before they are removed. */
    void (*devices_left)(PDRIVER_OBJECT driver, unsigned count);
    /* Unload returned (or DriverEntry failed): before its devices are looked at. True: the image has to stay.
     */
    bool (*driver_gone)(PDRIVER_OBJECT driver, bool unloaded);
    /* A stack that io_stack_close closed lost the last file of one of its devices. Up to DISPATCH_LEVEL. */
    void (*stack_closed)(void);
    /* IoDeleteDevice, before the device goes. */
    void (*device_going)(PDEVICE_OBJECT device);
    /* A thread that ends has waited so long for an IRP that it canceled, and gives it up. */
    void (*cancel_late)(PIRP irp, ULONG milliseconds);
    /* A driver whose AddDevice was called lost its last device. Up to DISPATCH_LEVEL. */
    void (*driver_idle)(void);
    /* A paging file is opened on a device (it may refuse), or was closed. PASSIVE_LEVEL. */
    NTSTATUS (*paging_file)(PDEVICE_OBJECT device, bool in_path);
    /* IoDeleteDevice, at its beginning. IRQL: <= APC_LEVEL. */
    void (*device_deleting)(PDEVICE_OBJECT device);
    /* DriverEntry succeeded. */
    void (*driver_entered)(PDRIVER_OBJECT driver);
    /* A driver wrote an error log entry. */
    void (*error_logged)(const struct io_error *error);
};
extern struct io_ops io_ops;

/* What the PnP manager tells of a device, by its physical device object. Any member may be NULL. */
struct io_assigned_interrupt {
    ULONG vector;
    KIRQL irql;
    KAFFINITY processors;
    bool latched, shared, message; /* a message of MSI is one of its own */
};
struct io_device_ops {
    /* The index-th interrupt that the device was started with; false: it has no more. */
    bool (*assigned_interrupt)(PDEVICE_OBJECT pdo, ULONG index, struct io_assigned_interrupt *interrupt);
    /* By the bus's own routine. false: the bus has none, and the HAL's is to be used. PASSIVE_LEVEL. */
    bool (*bus_dma_adapter)(PDEVICE_OBJECT pdo, PDEVICE_DESCRIPTION description, PULONG registers,
                            PDMA_ADAPTER *adapter);
};
extern struct io_device_ops io_device_ops;

/* ---- system services used by the embedding API (previous mode decides about probing) ---- */
/* The Nt* services are exports of this component: NtCreateFile, NtReadFile, NtWriteFile,
 * NtDeviceIoControlFile, NtFsControlFile, NtFlushBuffersFile, NtQueryInformationFile, NtSetInformationFile,
 * NtCancelIoFile, NtClose (ob) ... with their Zw twins; io/services.h has the prototypes. */

/* Internal device control from the embedding API: RequestorMode KernelMode, IRP_MJ_INTERNAL_DEVICE_CONTROL.
 */
NTSTATUS io_internal_device_control(HANDLE file, HANDLE event, PIO_STATUS_BLOCK iosb, ULONG code, PVOID in,
                                    ULONG in_length, PVOID out, ULONG out_length);

/* The error log, oldest first; the log's lock is held. */
/* While the machine stands: the last `count`, oldest first; NULL to count only. 0: none, or the log is being
 * written. */
unsigned io_last_errors(unsigned count, void (*visit)(const struct io_error *error, void *context),
                        void *context);
void io_for_each_error(void (*visit)(const struct io_error *error, void *context), void *context);
/* IRP_MJ_SHUTDOWN to the devices that registered for it: before (false) or after (true) file systems are
 * flushed. */
void io_send_shutdown(bool last);

/* Controller objects that drivers have made and not deleted; caller: who made it. A lock is held: visit must
 * not allocate. */
void io_for_each_controller(void (*visit)(const CONTROLLER_OBJECT *controller, const void *caller,
                                          void *context),
                            void *context);

/* IRP number for trace and report: 1.. in allocation order since machine start. */
ULONG NTAPI io_irp_number(const IRP *irp);
/* Beside an IRP of ours that is in use, for the verifier: its number << 32 and 32 bits of its own; else NULL.
 */
uint64_t *io_irp_track(const IRP *irp);
bool io_irp_is_built(const IRP *irp); /* by IoMakeAssociatedIrp or IoBuild...Request: not for reuse */
const void *
io_irp_maker(const IRP *irp); /* under the verifier: where a driver allocated it; or an address of ours */
bool io_irp_was_ours(const void *pointer); /* an IRP of IoAllocateIrp, in use or freed */
/* Device number: 1.. in creation order; and the device it is attached to, or NULL. */
ULONG io_device_number(const DEVICE_OBJECT *device);
PDEVICE_OBJECT io_lower_device(const DEVICE_OBJECT *device);
/* Stacks, from their lowest device up (stack.c). */
ULONG io_stack_files(PDEVICE_OBJECT pdo);             /* open on any of its devices */
bool io_stack_close(PDEVICE_OBJECT pdo, bool forced); /* no more opens; false: files are open, not forced */
void io_stack_open(PDEVICE_OBJECT pdo);               /* takes that back */
bool io_stack_has_driver(PDEVICE_OBJECT pdo, PDRIVER_OBJECT driver);

/* IRP-94: bytes and requests since machine start. */
struct io_transfers {
    uint64_t read_operations, write_operations, other_operations;
    uint64_t read_bytes, write_bytes, other_bytes;
};
void io_transfer_counts(struct io_transfers *totals);

#endif
