/* SPDX-License-Identifier: MIT */
/*
 * File objects: CLEANUP when the last handle closes, CLOSE when the last
 * reference goes. Both run at PASSIVE_LEVEL and cannot fail. A file object
 * whose create failed has no DeviceObject and gets neither.
 */
#include "io/fast_io.h"
#include "ps/routines.h"

struct ob_type *io_file_type;

/* An IRP of the I/O manager's own on a file: sent, waited for, freed here (IRP-81). */
static void send_and_wait(PFILE_OBJECT file, UCHAR major, UCHAR minor)
{
    PDEVICE_OBJECT device = IoGetRelatedDeviceObject(file);
    IO_STATUS_BLOCK iosb = {0};
    KEVENT event;
    KeInitializeEvent(&event, SynchronizationEvent, FALSE);
    PIRP irp = io_allocate_irp_must_succeed(device->StackSize);
    irp->Flags = IRP_CLOSE_OPERATION | IRP_SYNCHRONOUS_API;
    irp->UserEvent = &event;
    irp->UserIosb = &iosb;
    irp->RequestorMode = KernelMode;
    irp->Tail.Overlay.OriginalFileObject = file;
    io_queue_irp_to_thread(irp);
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);
    next->MajorFunction = major;
    next->MinorFunction = minor;
    next->FileObject = file;
    if (IofCallDriver(device, irp) == STATUS_PENDING)
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
    io_dequeue_irp(irp);
    IoFreeIrp(irp);
}

/* Rules: MJ-12, DI-07, DO-60. In the process that closes the last handle. */
void io_cleanup_file(PFILE_OBJECT file)
{
    file->Flags |= FO_CLEANUP_COMPLETE;
    /* The end of a process: a service that a driver's fast routine never returned to has its turn for ever.
     */
    if (file->Flags & FO_SYNCHRONOUS_IO && likely(!ps_current()->terminating))
        io_lock_file(file, KernelMode);
    KeClearEvent(&file->Event);
    /* MJ-12, DI-07, CAN-13: the driver lets go of what waits for this file; in the process that closed it. */
    send_and_wait(file, IRP_MJ_CLEANUP, 0);
    if (file->Flags & FO_SYNCHRONOUS_IO)
        io_unlock_file(file);
}

static void unlock_all(PFILE_OBJECT file)
{
    if (!io_fast_unlock_all(file, IoGetRelatedDeviceObject(file), IoGetCurrentProcess()))
        send_and_wait(file, IRP_MJ_LOCK_CONTROL, IRP_MN_UNLOCK_ALL);
}

static void close_file(void *body, LONG handles_before, LONG process_handles_before)
{
    PFILE_OBJECT file = body;
    if (!file->DeviceObject || file->Flags & FO_FILE_OPEN_CANCELLED)
        return;
    if (process_handles_before == 1 && handles_before != 1 && file->LockOperation)
        /* MJ-11: a process's locks go with its last handle. */
        unlock_all(file);
    if (handles_before == 1)
        /* DO-60: the last handle. */
        io_cleanup_file(file);
}

static void free_completion_context(PFILE_OBJECT file)
{
    PIO_COMPLETION_CONTEXT context = file->CompletionContext;
    if (!context)
        return;
    ob_dereference(context->Port);
    mm_free(context);
}

/* Rules: MJ-02, DI-06, DO-60. The object manager calls it at PASSIVE_LEVEL, in any process. */
static void delete_file(void *body)
{
    PFILE_OBJECT file = body;
    PDEVICE_OBJECT device = file->DeviceObject;
    if (device && !(file->Flags & FO_FILE_OPEN_CANCELLED)) {
        if (!(file->Flags & FO_CLEANUP_COMPLETE))
            io_cleanup_file(file); /* opened, but never had a handle */
        /* MJ-02, DI-06: nobody can send anything for it any more. */
        send_and_wait(file, IRP_MJ_CLOSE, 0);
    }
    if (((struct io_file *)file)->paging)
        /* PNP-16: the device has it no more. */
        io_ops.paging_file(device, false);
    if (file->FileName.Buffer)
        mm_pool_free(file->FileName.Buffer, 0, delete_file);
    free_completion_context(file);
    if (device)
        io_device_dereference(device);
}

static NTSTATUS file_security(void *body, int operation, SECURITY_INFORMATION *information, void *descriptor,
                              ULONG *length);

static const struct ob_type_ops file_ops = {
    .name = "File",
    .pool_tag = IO_TAG('F', 'i', 'l', 'e'),
    .mapping = {FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_GENERIC_EXECUTE, FILE_ALL_ACCESS},
    .valid_access = FILE_ALL_ACCESS,
    .dispatcher_offset = offsetof(FILE_OBJECT, Event),
    .close = close_file,
    .delete_ = delete_file,
    .parse = io_file_parse,
    .security = file_security,
};

NTSTATUS io_file_type_init(void)
{
    io_file_type = ob_type_create(&file_ops);
    return io_file_type ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

/* A file object on a device that the caller has referenced (io_device_open_reference). One reference, no
 * handle. */
PFILE_OBJECT io_create_file_object(PDEVICE_OBJECT device)
{
    PFILE_OBJECT file = ob_create(io_file_type, sizeof(struct io_file));
    if (!file)
        return NULL;
    file->Type = IO_TYPE_FILE;
    file->Size = sizeof(FILE_OBJECT);
    file->DeviceObject = device;
    KeInitializeEvent(&file->Lock, SynchronizationEvent, FALSE);
    KeInitializeEvent(&file->Event, NotificationEvent, FALSE);
    list_init(&file->IrpList);
    return file;
}

/*
 * The top of the stack that requests on a file go to. IRQL: <= DISPATCH_LEVEL. Rules: DO-50.
 */
EXPORT(ntoskrnl, IoGetRelatedDeviceObject, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
PDEVICE_OBJECT NTAPI IoGetRelatedDeviceObject(PFILE_OBJECT FileObject)
{
    PDEVICE_OBJECT device = FileObject->DeviceObject;
    PVPB vpb = FileObject->Vpb;
    if (vpb && vpb->DeviceObject)
        device = vpb->DeviceObject; /* mounted: the file system's */
    else if (!(FileObject->Flags & FO_DIRECT_DEVICE_OPEN) && device->Vpb && device->Vpb->DeviceObject)
        device = device->Vpb->DeviceObject;
    /* DO-50: requests begin at the top. */
    return device->AttachedDevice ? IoGetAttachedDevice(device) : device;
}

static PFILE_OBJECT create_stream(PFILE_OBJECT file, PDEVICE_OBJECT device)
{
    PDEVICE_OBJECT of = file ? file->DeviceObject : device;
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&io_database_lock);
    of->ReferenceCount++;
    KeReleaseSpinLock(&io_database_lock, irql);
    PFILE_OBJECT stream = io_create_file_object(of);
    if (!stream) {
        io_device_dereference(of);
        arch_raise_status(STATUS_INSUFFICIENT_RESOURCES);
    }
    if (file)
        stream->Vpb = file->Vpb;
    stream->Flags |= FO_STREAM_FILE;
    return stream;
}

/*
 * A file object without a create, for a file system's own streams. Its handle is closed at once, so CLEANUP
 * is sent. IRQL: PASSIVE_LEVEL. Raises STATUS_INSUFFICIENT_RESOURCES.
 */
EXPORT(ntoskrnl, IoCreateStreamFileObject, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_RAISES | X_BLOCKS)
PFILE_OBJECT NTAPI IoCreateStreamFileObject(PFILE_OBJECT FileObject, PDEVICE_OBJECT DeviceObject)
{
    PFILE_OBJECT stream = create_stream(FileObject, DeviceObject);
    io_cleanup_file(stream);
    return stream;
}

/* The same without CLEANUP. IRQL: PASSIVE_LEVEL. */
EXPORT(ntoskrnl, IoCreateStreamFileObjectLite, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
PFILE_OBJECT NTAPI IoCreateStreamFileObjectLite(PFILE_OBJECT FileObject, PDEVICE_OBJECT DeviceObject)
{
    PFILE_OBJECT stream = create_stream(FileObject, DeviceObject);
    stream->Flags |= FO_CLEANUP_COMPLETE;
    return stream;
}

/*
 * Ends a create that succeeded below, for a driver above that fails it: CLEANUP and CLOSE, and nothing later.
 * IRQL: PASSIVE_LEVEL.
 */
EXPORT(ntoskrnl, IoCancelFileOpen, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
VOID NTAPI IoCancelFileOpen(PDEVICE_OBJECT DeviceObject, PFILE_OBJECT FileObject)
{
    UCHAR majors[] = {IRP_MJ_CLEANUP, IRP_MJ_CLOSE};
    for (unsigned i = 0; i < countof(majors); i++) {
        IO_STATUS_BLOCK iosb = {0};
        KEVENT event;
        KeInitializeEvent(&event, SynchronizationEvent, FALSE);
        PIRP irp = io_allocate_irp_must_succeed(DeviceObject->StackSize);
        irp->Flags = IRP_CLOSE_OPERATION | IRP_SYNCHRONOUS_API;
        irp->UserEvent = &event;
        irp->UserIosb = &iosb;
        irp->Tail.Overlay.OriginalFileObject = FileObject;
        io_queue_irp_to_thread(irp);
        PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);
        next->MajorFunction = majors[i];
        next->FileObject = FileObject;
        if (IofCallDriver(DeviceObject, irp) == STATUS_PENDING)
            KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
        io_dequeue_irp(irp);
        IoFreeIrp(irp);
    }
    FileObject->Flags |= FO_FILE_OPEN_CANCELLED | FO_CLEANUP_COMPLETE;
}

/* ---- security: see also device_security.c ---- */

struct security_request {
    PFILE_OBJECT file;
    int operation;
    SECURITY_INFORMATION information;
    void *descriptor;
    ULONG *length;
};

static void prepare_security(PIRP irp, const struct security_request *s)
{
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);
    if (s->operation == OB_SECURITY_QUERY) {
        /* MJ-14: into the caller's buffer. */
        next->MajorFunction = IRP_MJ_QUERY_SECURITY;
        next->Parameters.QuerySecurity.SecurityInformation = s->information;
        next->Parameters.QuerySecurity.Length = *s->length;
        irp->UserBuffer = s->descriptor;
    } else {
        /* MJ-15: the parts to replace. */
        next->MajorFunction = IRP_MJ_SET_SECURITY;
        next->Parameters.SetSecurity.SecurityInformation = s->information;
        next->Parameters.SetSecurity.SecurityDescriptor = s->descriptor;
    }
    next->FileObject = s->file;
}

static NTSTATUS ask_driver(const struct security_request *s)
{
    PDEVICE_OBJECT device = IoGetRelatedDeviceObject(s->file);
    IO_STATUS_BLOCK iosb = {0};
    KEVENT event;
    KeInitializeEvent(&event, SynchronizationEvent, FALSE);
    PIRP irp = IoAllocateIrp(device->StackSize, FALSE);
    if (!irp)
        return STATUS_INSUFFICIENT_RESOURCES;
    irp->Flags = IRP_SYNCHRONOUS_API;
    irp->UserEvent = &event;
    irp->UserIosb = &iosb;
    irp->RequestorMode = ke_previous_mode();
    irp->Tail.Overlay.OriginalFileObject = s->file;
    ob_reference(s->file);
    prepare_security(irp, s);
    io_queue_irp_to_thread(irp);
    NTSTATUS status = IofCallDriver(device, irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
        status = iosb.Status;
    }
    if (s->operation == OB_SECURITY_QUERY && (NT_SUCCESS(status) || status == STATUS_BUFFER_OVERFLOW))
        *s->length = (ULONG)iosb.Information;
    return status == STATUS_BUFFER_OVERFLOW ? STATUS_BUFFER_TOO_SMALL : status;
}

/* Rules: MJ-14, MJ-15. */
static NTSTATUS file_security(void *body, int operation, SECURITY_INFORMATION *information, void *descriptor,
                              ULONG *length)
{
    PFILE_OBJECT file = body;
    struct security_request s = {file, operation, *information, descriptor, length};
    if (!file->FileName.Length)
        /* MJ-14: the device itself was opened: its object has the descriptor. */
        return io_device_security(file->DeviceObject, operation, information, descriptor, length);
    return ask_driver(&s);
}
