/* SPDX-License-Identifier: MIT */
/* What the I/O manager's own files share. */
#ifndef IO_PRIVATE_H
#define IO_PRIVATE_H

#include "io/io.h"
#include "host/host.h"
#include "ex/routines.h"
#include "io/routines.h"
#include "ke/routines.h"
#include "mm/routines.h"
#include "se/routines.h"
#include "io/services.h"
#include "ob/security.h"
#include "ob/services.h"
#include "nt/fastio.h"

#define IO_TAG(a, b, c, d) ((ULONG)(a) | (ULONG)(b) << 8 | (ULONG)(c) << 16 | (ULONG)(d) << 24)
#define IO_BUFFER_TAG      IO_TAG('I', 'o', 'S', 'B')
#define IO_NAME_TAG        IO_TAG('I', 'o', 'N', 'm')
#define IO_STATE_TAG       IO_TAG('I', 'o', 'S', 't')

/* ---- IRPs ---- */

enum io_irp_state { IO_IRP_FREE, IO_IRP_LIVE };

/* Before each IRP that the runtime allocates. */
struct io_irp {
    ULONG64 margin; /* never read: where IoMarkIrpPending writes beyond the former slot's last location
                       (IRP-73) */
    struct io_irp *next_free;
    ULONG number;
    UCHAR state;                     /* enum io_irp_state */
    UCHAR size_class : 4, built : 4; /* built: by IoBuild... or IoMakeAssociatedIrp */
    BOOLEAN deferred;                /* IRP-82: walked, left to the issuing service */
    BOOLEAN borrowed;                /* the file is referenced by the service that waits, not by the IRP */
    PVOID auxiliary;                 /* IRP-93: AuxiliaryBuffer of a reparse, which the APC would overlay */
    const IRP *self;   /* set with the slab, never changed: what makes an address in the arena an IRP */
    uint64_t track;    /* the verifier's: number << 32 | what became of the first eight locations */
    const void *maker; /* where a driver allocated it; known to the verifier only */
    uint64_t unused;
    IRP irp[];
};
struct io_irp *NTAPI
io_irp_of(const IRP *irp); /* NULL: not one of ours (IoInitializeIrp on a driver's memory) */
void io_irp_fini(void);
void io_count_transfer(ULONG irp_flags, ULONG_PTR information);

/* Requests for the runtime itself: waits until there is memory (close must not fail). */
PIRP io_allocate_irp_must_succeed(CCHAR stack_size);
void io_queue_irp_to_thread(PIRP irp);
void io_dequeue_irp(PIRP irp);
void io_thread_exiting(struct ps_thread *thread);
void io_cancel_own_requests(void);
void io_frames_abandoned(struct ps_thread *thread);

/* irp_final.c: what happens after the walk. */
void NTAPI io_finish_irp(PIRP irp, CCHAR boost);
NTSTATUS io_final_stage(PIRP irp, PFILE_OBJECT file); /* in the requester's context, APC_LEVEL or below */

NTSTATUS NTAPI io_invalid_device_request(PDEVICE_OBJECT DeviceObject, PIRP Irp);
void NTAPI io_irp_violation(ULONG subcode, const IRP *irp, const char *sentence);
_Noreturn void NTAPI io_irp_bugcheck(ULONG code, const IRP *irp, const void *device, ULONG64 p2, ULONG64 p3,
                                     ULONG64 p4, const char *sentence);

/* ---- devices ---- */

#define IO_DEVICE_UNLOAD_PENDING 0x1
#define IO_DEVICE_DELETE_PENDING 0x2
#define IO_DEVICE_REMOVE_PENDING 0x4
#define IO_DEVICE_START_PENDING  0x10

/* What DEVICE_OBJECT.DeviceObjectExtension points to; behind the driver's own extension. Database lock. */
struct io_device {
    DEVOBJ_EXTENSION public;
    ULONG flags;                               /* IO_DEVICE_... */
    PDEVICE_OBJECT attached_to;                /* the device below */
    ULONG number;                              /* 1.. in creation order */
    void *device_node;                         /* PnP's */
    void *power;                               /* the power manager's */
    UCHAR power_state;                         /* DEVICE_POWER_STATE, as the driver last said */
    BOOLEAN deferred_start_io, non_cancelable; /* IoSetStartIoAttributes */
    LONG start_count;                          /* who is in StartIo, and who asked for more meanwhile */
    PIRP start_handed; /* the first IRP of an idle device, for who is in StartIo's loop */
    BOOLEAN start_cancelable, start_by_key;
    ULONG start_key;
    bool linked;      /* in the driver's list */
    bool deleted;     /* the list's reference was given up */
    bool upper_asked; /* to detach itself, as this one is to be deleted */
};
static inline struct io_device *io_device_of(const DEVICE_OBJECT *device)
{
    return (struct io_device *)device->DeviceObjectExtension;
}

extern KSPIN_LOCK io_database_lock;
/* DO-39. Refuses a device that goes away or is not ready (DO-58). */
NTSTATUS io_device_open_reference(PDEVICE_OBJECT device, bool relative);
void io_device_dereference(
    PDEVICE_OBJECT device); /* DO-38, LC-14: the last one completes a delete or an unload */
void io_complete_pending(PDEVICE_OBJECT device,
                         KIRQL irql); /* a reference or attachment went; releases the database lock */
unsigned io_remove_devices_left(PDRIVER_OBJECT driver);
NTSTATUS io_attach(PDEVICE_OBJECT source, PDEVICE_OBJECT target, PDEVICE_OBJECT *lower);
void io_detach_locked(PDEVICE_OBJECT lower);
PVPB io_vpb_create(PDEVICE_OBJECT device);

NTSTATUS io_device_security(void *body, int operation, SECURITY_INFORMATION *information, void *descriptor,
                            ULONG *length);
extern const GENERIC_MAPPING io_file_mapping;

/* ---- drivers ---- */

struct io_driver_extension_block {
    LIST_ENTRY link;
    PVOID id;
    PVOID reserved;
    UCHAR data[] __attribute__((aligned(16)));
};

struct io_driver {
    DRIVER_OBJECT public;
    DRIVER_EXTENSION extension;
    UNICODE_STRING hardware_database;
    LIST_ENTRY link;              /* all drivers; io_drivers_lock */
    LIST_ENTRY client_extensions; /* database lock */
    struct ldr_image *image;
    char service[IO_SERVICE_NAME_BYTES];
    bool unload_pending, unload_queued, unloaded; /* database lock */
    bool entered;                                 /* DriverEntry succeeded */
    bool added;                                   /* AddDevice was called: it goes with its last device */
    bool image_stays; /* something that it left behind may call it: it goes with the machine */
    struct ex_work unload_work;
};
static inline struct io_driver *io_driver_of(PDRIVER_OBJECT driver)
{
    return (struct io_driver *)driver;
}

NTSTATUS io_driver_type_init(void);
NTSTATUS io_device_type_init(void);
NTSTATUS io_file_type_init(void);
NTSTATUS io_driver_create(const char *service, bool file_system, PDRIVER_INITIALIZE entry,
                          struct ldr_image *image, struct io_driver **driver);
void io_driver_initialized(PDRIVER_OBJECT driver); /* LC-04, LC-05 */
void io_driver_withdraw(
    struct io_driver *driver); /* leaves the namespace and the list; gives up the creator's reference */
NTSTATUS io_driver_run_entry(struct io_driver *driver, const UNICODE_STRING *registry_path);
bool io_driver_may_unload_locked(struct io_driver *driver);
void io_driver_gone(struct io_driver *driver, bool unloaded); /* tells the verifier */
void io_driver_queue_unload(struct io_driver *driver);
void io_run_reinitialize(void);
void io_forget_reinitialize(PDRIVER_OBJECT driver);
/* Images: those of drivers, and of the export drivers that they import from. */
struct ldr_image *io_export_driver_find(const char *module, struct ldr_error *error);
struct ldr_image *io_export_driver_adopt(const char *file_name);
void io_image_release(struct ldr_image *image);
/* Runs fn in a system thread and waits; directly if this is one. */
NTSTATUS io_in_system_thread(void (*fn)(void *), void *context, const char *name);

/* ---- files ---- */

NTSTATUS io_lock_file(PFILE_OBJECT file, KPROCESSOR_MODE mode); /* IRP-92 */
void io_unlock_file(PFILE_OBJECT file);
NTSTATUS io_file_parse(void *body, const UNICODE_STRING *rest, struct ob_open_request *request,
                       void **opened);
NTSTATUS io_device_parse(void *body, const UNICODE_STRING *rest, struct ob_open_request *request,
                         void **opened);
void io_cleanup_file(PFILE_OBJECT file);
PFILE_OBJECT io_create_file_object(PDEVICE_OBJECT device);
/* What a file object is the beginning of. */
struct io_file {
    FILE_OBJECT public;
    bool paging; /* the device was told that a paging file is on it */
};

/* The parse context of an open: what NtCreateFile was asked for, and what came of it. */
#define IO_OPEN_PACKET_TYPE 0x4F50
struct io_open {
    CSHORT type;
    bool attach_only;         /* IO_ATTACH_DEVICE: stay on the device, no mount */
    bool check_access_always; /* IO_FORCE_ACCESS_CHECK */
    ULONG disposition, create_options, options, file_attributes, share_access;
    PVOID ea;
    ULONG ea_length;
    LARGE_INTEGER allocation_size;
    CREATE_FILE_TYPE create_type;
    PVOID extra; /* NAMED_PIPE_/MAILSLOT_CREATE_PARAMETERS */
    PFILE_OBJECT related;
    ULONG_PTR information; /* of the create */
    ACCESS_MASK granted;
    NTSTATUS final_status;
    bool parsed;
};

/* What a create IRP's UserIosb points to. */
struct io_create_result {
    IO_STATUS_BLOCK iosb;
    PVOID auxiliary; /* IRP-93 */
};

/* ---- requests on files (request.c) ---- */

struct io_request {
    HANDLE handle;
    ACCESS_MASK granted;
    KPROCESSOR_MODE mode;
    PFILE_OBJECT file;     /* referenced; the IRP takes the reference over */
    PDEVICE_OBJECT device; /* top of its stack */
    PKEVENT event;         /* the caller's, referenced, or NULL */
    PIO_APC_ROUTINE apc;
    PVOID apc_context;
    PIO_STATUS_BLOCK iosb;
    bool synchronous; /* the file's lock is held */
    bool wait;        /* the service itself waits (IRP-91) */
    PIRP irp;
    PIO_STACK_LOCATION next;
    LARGE_INTEGER offset; /* read, write: where it begins */
    bool positioned;      /* IRP-92: advance CurrentByteOffset */
    KEVENT own_event;
    IO_STATUS_BLOCK own_iosb;
};
NTSTATUS io_request_open(struct io_request *r, HANDLE handle, ACCESS_MASK access, HANDLE event,
                         PIO_APC_ROUTINE apc, PVOID apc_context, PIO_STATUS_BLOCK iosb);
NTSTATUS io_request_allocate(struct io_request *r, UCHAR major); /* on failure the request is abandoned */
NTSTATUS io_request_send(struct io_request *r);
NTSTATUS io_request_abandon(struct io_request *r, NTSTATUS status); /* nothing was sent */
void io_request_unlock(struct io_request *r);

/* Buffers of a request. UserMode addresses are probed. On failure nothing of the IRP is changed but what
 * abandon frees. */
NTSTATUS io_probe_read(const void *p, SIZE_T length, ULONG alignment, KPROCESSOR_MODE mode);
NTSTATUS io_probe_write(void *p, SIZE_T length, ULONG alignment, KPROCESSOR_MODE mode);
NTSTATUS io_buffer_in(PIRP irp, const void *from, ULONG length, ULONG room,
                      KPROCESSOR_MODE mode);              /* SystemBuffer with a copy */
NTSTATUS io_buffer_out(PIRP irp, void *to, ULONG length); /* SystemBuffer for an answer */
NTSTATUS io_lock_buffer(PIRP irp, void *buffer, ULONG length, LOCK_OPERATION operation, KPROCESSOR_MODE mode);
/* Data of a read-like (into == true) or write-like request by the device's flags (BUF-01..06). */
NTSTATUS io_transfer_buffer(struct io_request *r, void *buffer, ULONG length, bool into);

/* ---- the rest ---- */
void io_cancel_reset(void);
void io_device_security_reset(void);
void io_reinitialize_reset(void);
void io_shutdown_reset(void);
void io_error_log_reset(void);
void io_controllers_reset(void);
void io_remove_locks_reset(void);
void io_export_drivers_reset(void);
void io_interrupts_reset(void);
NTSTATUS io_port_init(void);
void io_port_queue(void *port, PIRP irp);
NTSTATUS io_set_completion_port(PFILE_OBJECT file, HANDLE port, PVOID key, KPROCESSOR_MODE mode);
void io_timer_remove(PDEVICE_OBJECT device);
void io_remove_locks_forget(const void *start, size_t bytes);
void io_shutdown_forget(PDEVICE_OBJECT device);
void io_forget_power(PDEVICE_OBJECT device);
void io_call_cancel_routine(PIRP irp,
                            PDRIVER_CANCEL routine); /* the cancel lock is held; the routine releases it */

#endif
