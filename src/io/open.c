/* SPDX-License-Identifier: MIT */
/*
 * Opening: the object manager's parse found a device (or a file to begin at);
 * access is checked, a file object is made and IRP_MJ_CREATE goes to the top of
 * the device's stack. Nothing stays behind when the create fails.
 */
#include "io/private.h"

#define IO_REPARSE_TAG_MOUNT_POINT_ 0xA0000003u
#define IO_REPARSE_TAG_SYMLINK_     0xA000000Cu

struct opening {
    PDEVICE_OBJECT device;
    PFILE_OBJECT related;
    PFILE_OBJECT file;
    const UNICODE_STRING *rest;
    struct ob_open_request *request;
    struct io_open *open;
    ACCESS_MASK granted;
    struct io_create_result result;
    ACCESS_STATE own_access_state;
    IO_SECURITY_CONTEXT security;
    KEVENT done;
};

static ACCESS_MASK map_generic(ACCESS_MASK access)
{
    const GENERIC_MAPPING *m = &io_file_mapping;
    if (access & GENERIC_READ)
        access |= m->GenericRead;
    if (access & GENERIC_WRITE)
        access |= m->GenericWrite;
    if (access & GENERIC_EXECUTE)
        access |= m->GenericExecute;
    if (access & (GENERIC_ALL | MAXIMUM_ALLOWED))
        access |= m->GenericAll;
    return access &
           ~(ACCESS_MASK)(GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE | GENERIC_ALL | MAXIMUM_ALLOWED);
}

/* The descriptor guards the device; with FILE_DEVICE_SECURE_OPEN its namespace too (DO-51). */
static bool descriptor_counts(const struct opening *o)
{
    if (!o->rest->Length && !o->related)
        return true;
    /* DO-24: of the device named, and of the top, which is why a filter copies them. */
    ULONG characteristics = o->device->Characteristics | IoGetAttachedDevice(o->device)->Characteristics;
    /* DO-51: a name behind the device. */
    return (characteristics & FILE_DEVICE_SECURE_OPEN) != 0;
}

static NTSTATUS check_access(struct opening *o)
{
    KPROCESSOR_MODE mode = o->open->check_access_always ? UserMode : o->request->mode;
    if (mode == KernelMode || !o->device->SecurityDescriptor || !descriptor_counts(o)) {
        o->granted = map_generic(o->request->desired_access);
        return STATUS_SUCCESS;
    }
    /* DO-53: what the device's descriptor lets this subject do. */
    return se_check(o->device->SecurityDescriptor, se_current_token(), o->request->desired_access,
                    &io_file_mapping, mode, &o->granted);
}

static ULONG file_flags(const struct opening *o)
{
    ULONG options = o->open->create_options, flags = 0;
    if (options & FILE_SYNCHRONOUS_IO_ALERT)
        flags |= FO_SYNCHRONOUS_IO | FO_ALERTABLE_IO;
    if (options & FILE_SYNCHRONOUS_IO_NONALERT)
        flags |= FO_SYNCHRONOUS_IO;
    if (options & FILE_NO_INTERMEDIATE_BUFFERING)
        flags |= FO_NO_INTERMEDIATE_BUFFERING;
    if (options & FILE_WRITE_THROUGH)
        flags |= FO_WRITE_THROUGH;
    if (options & FILE_SEQUENTIAL_ONLY)
        flags |= FO_SEQUENTIAL_ONLY;
    if (options & FILE_RANDOM_ACCESS)
        flags |= FO_RANDOM_ACCESS;
    if (options & FILE_DELETE_ON_CLOSE)
        flags |= FO_DELETE_ON_CLOSE;
    if (!(o->request->attributes & OBJ_CASE_INSENSITIVE))
        flags |= FO_OPENED_CASE_SENSITIVE;
    if (o->open->create_type == CreateFileTypeNamedPipe)
        flags |= FO_NAMED_PIPE;
    if (o->open->create_type == CreateFileTypeMailslot)
        flags |= FO_MAILSLOT;
    if (o->open->attach_only)
        flags |= FO_DIRECT_DEVICE_OPEN;
    return flags;
}

static NTSTATUS make_file(struct opening *o)
{
    PFILE_OBJECT file = io_create_file_object(o->device);
    if (!file)
        return STATUS_INSUFFICIENT_RESOURCES;
    o->file = file;
    file->Flags |= file_flags(o);
    /* DO-50: where a relative name begins. */
    file->RelatedFileObject = o->related;
    if (!o->rest->Length)
        return STATUS_SUCCESS;
    file->FileName.Buffer =
        mm_pool_allocate(PagedPool, o->rest->Length + sizeof(WCHAR), IO_NAME_TAG, true, make_file);
    if (!file->FileName.Buffer)
        return STATUS_INSUFFICIENT_RESOURCES;
    __builtin_memcpy(file->FileName.Buffer, o->rest->Buffer, o->rest->Length);
    file->FileName.MaximumLength = (USHORT)(o->rest->Length + sizeof(WCHAR));
    /* DO-50, DR-05: what follows the device's name. */
    file->FileName.Length = o->rest->Length;
    return STATUS_SUCCESS;
}

static void fill_security(struct opening *o)
{
    PACCESS_STATE state = o->request->access_state;
    if (!state) {
        state = &o->own_access_state;
        state->OriginalDesiredAccess = o->request->desired_access;
        state->PreviouslyGrantedAccess = o->granted;
        state->SubjectSecurityContext.PrimaryToken = se_current_token();
        state->SecurityDescriptor = NULL;
    }
    o->security.SecurityQos = o->request->security_qos;
    o->security.AccessState = state;
    o->security.DesiredAccess = o->granted;
    o->security.FullCreateOptions = o->open->create_options;
}

static UCHAR create_major(CREATE_FILE_TYPE type)
{
    if (type == CreateFileTypeNamedPipe)
        /* MJ-01: with its own parameters. */
        return IRP_MJ_CREATE_NAMED_PIPE;
    if (type == CreateFileTypeMailslot)
        /* MJ-13: with its own parameters. */
        return IRP_MJ_CREATE_MAILSLOT;
    return IRP_MJ_CREATE;
}

static void fill_location(struct opening *o, PIO_STACK_LOCATION next)
{
    struct io_open *open = o->open;
    next->MajorFunction = create_major(open->create_type);
    next->FileObject = o->file;
    next->Flags = (UCHAR)open->options;
    if (o->file->Flags & FO_OPENED_CASE_SENSITIVE)
        next->Flags |= SL_CASE_SENSITIVE;
    if (open->check_access_always)
        next->Flags |= SL_FORCE_ACCESS_CHECK;
    next->Parameters.Create.SecurityContext = &o->security;
    /* MJ-00: disposition in the high 8 bits, options in the low 24. */
    next->Parameters.Create.Options =
        open->disposition << 24 | (open->create_options & FILE_VALID_OPTION_FLAGS);
    next->Parameters.Create.ShareAccess = (USHORT)open->share_access;
    if (open->create_type != CreateFileTypeNone) {
        next->Parameters.CreatePipe.Parameters = open->extra;
        return;
    }
    next->Parameters.Create.FileAttributes = (USHORT)open->file_attributes;
    /* MJ-00: of what the system buffer holds. */
    next->Parameters.Create.EaLength = open->ea_length;
}

static PIRP make_create(struct opening *o, PDEVICE_OBJECT top)
{
    PIRP irp = IoAllocateIrp(top->StackSize, TRUE);
    if (!irp)
        return NULL;
    irp->Flags = IRP_CREATE_OPERATION | IRP_SYNCHRONOUS_API | IRP_DEFER_IO_COMPLETION;
    irp->RequestorMode = o->request->mode;
    irp->UserIosb = &o->result.iosb;
    irp->UserEvent = &o->done;
    irp->Overlay.AllocationSize = o->open->allocation_size;
    irp->AssociatedIrp.SystemBuffer = o->open->ea;
    irp->Tail.Overlay.OriginalFileObject = o->file;
    fill_security(o);
    fill_location(o, IoGetNextIrpStackLocation(irp));
    return irp;
}

/* The driver finished it before it returned: take the result out and dispose of the IRP. */
static void take_result(struct opening *o, PIRP irp, NTSTATUS returned)
{
    struct io_irp *slot = io_irp_of(irp);
    if (slot->state != IO_IRP_LIVE || !slot->deferred)
        io_irp_bugcheck(
            MULTIPLE_IRP_COMPLETE_REQUESTS, irp, o->device, 0, 0, 0,
            "a dispatch routine for IRP_MJ_CREATE returned a status other than STATUS_PENDING without having "
            "completed the IRP, or had marked it pending");
    struct io_create_result result = {irp->IoStatus, slot->auxiliary};
    KIRQL irql = ke_raise_irql(APC_LEVEL);
    io_final_stage(irp, o->file);
    ke_lower_irql(irql);
    o->result = result;
}

/* Rules: MJ-00, DI-08: in the requester's thread at PASSIVE_LEVEL. */
static NTSTATUS send_create(struct opening *o)
{
    PDEVICE_OBJECT top = IoGetRelatedDeviceObject(o->file);
    KeInitializeEvent(&o->done, SynchronizationEvent, FALSE);
    PIRP irp = make_create(o, top);
    if (!irp)
        return STATUS_INSUFFICIENT_RESOURCES;
    io_queue_irp_to_thread(irp);
    /* MJ-00, DO-50: to the top of the stack. */
    NTSTATUS status = IofCallDriver(top, irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(&o->done, Executive, KernelMode, FALSE, NULL);
    } else {
        take_result(o, irp, status);
    }
    return o->result.iosb.Status;
}

static NTSTATUS set_reparse(struct ob_open_request *request, const WCHAR *a, size_t a_bytes, const WCHAR *b,
                            size_t b_bytes)
{
    WCHAR *name = mm_alloc(a_bytes + b_bytes + sizeof(WCHAR), IO_NAME_TAG);
    if (!name)
        return STATUS_INSUFFICIENT_RESOURCES;
    __builtin_memcpy(name, a, a_bytes);
    if (b_bytes)
        __builtin_memcpy((char *)name + a_bytes, b, b_bytes);
    request->reparse.Buffer = name;
    request->reparse.Length = (USHORT)(a_bytes + b_bytes);
    request->reparse.MaximumLength = (USHORT)(a_bytes + b_bytes + sizeof(WCHAR));
    return STATUS_REPARSE;
}

/* A mount point's or symbolic link's data: tag, length, unparsed bytes, substitute name offset and length,
 * ... */
struct reparse_data {
    ULONG tag;
    USHORT data_length, unparsed_bytes;
    USHORT substitute_offset, substitute_length, print_offset, print_length;
    WCHAR path[];
};

/* Rules: IRP-93. */
static NTSTATUS reparse(struct opening *o)
{
    const UNICODE_STRING *name = &o->file->FileName;
    struct reparse_data *data = o->result.auxiliary;
    ULONG tag = (ULONG)o->result.iosb.Information;
    if (tag == IO_REPARSE)
        /* IRP-93: the driver put the new name into the file object. */
        return set_reparse(o->request, name->Buffer, name->Length, NULL, 0);
    if ((tag != IO_REPARSE_TAG_MOUNT_POINT_ && tag != IO_REPARSE_TAG_SYMLINK_) || !data || data->tag != tag)
        return STATUS_IO_REPARSE_TAG_NOT_HANDLED;
    size_t header =
        tag == IO_REPARSE_TAG_SYMLINK_ ? sizeof(ULONG) : 0; /* a symbolic link has flags before its path */
    const char *path = (const char *)data->path + header + data->substitute_offset;
    size_t unparsed = MIN(data->unparsed_bytes, name->Length);
    /* IRP-93: the name it leads to, and what was not looked at yet. */
    return set_reparse(o->request, (const WCHAR *)path, data->substitute_length,
                       (const WCHAR *)((const char *)name->Buffer + name->Length - unparsed), unparsed);
}

/* Nobody was opened: the file object goes without CLEANUP and CLOSE. */
static NTSTATUS undo(struct opening *o, NTSTATUS status)
{
    if (o->result.auxiliary)
        mm_pool_free(o->result.auxiliary, 0, undo);
    if (o->file) {
        o->file->DeviceObject = NULL;
        ob_dereference(o->file);
    }
    io_device_dereference(o->device);
    return status;
}

/* The system's own use of the device: it may refuse, and the file is closed again. Rules: PNP-16, PH-28. */
static NTSTATUS announce_paging_file(struct opening *o)
{
    if (!(o->open->options & SL_OPEN_PAGING_FILE) || !io_ops.paging_file)
        return STATUS_SUCCESS;
    /* PNP-16: its drivers are told before anybody relies on it. */
    NTSTATUS status = io_ops.paging_file(o->device, true);
    if (NT_SUCCESS(status))
        ((struct io_file *)o->file)->paging = true;
    else
        ob_dereference(o->file); /* CLEANUP and CLOSE, as of one that nobody wants any more */
    return status;
}

static NTSTATUS open_referenced(struct opening *o)
{
    NTSTATUS status = check_access(o);
    if (NT_SUCCESS(status))
        status = make_file(o);
    if (NT_SUCCESS(status))
        status = send_create(o);
    if (status == STATUS_REPARSE)
        return undo(o, reparse(o));
    if (!NT_SUCCESS(status))
        /* MJ-00: a failed create is never closed. */
        return undo(o, status);
    NTSTATUS refused = announce_paging_file(o);
    if (!NT_SUCCESS(refused))
        return refused;
    o->file->RelatedFileObject = NULL; /* valid during the create only */
    o->open->granted = o->granted;
    o->open->final_status = status;
    /* MJ-00: FILE_OPENED and so on. */
    o->open->information = o->result.iosb.Information;
    return status;
}

static NTSTATUS open_device(PDEVICE_OBJECT device, PFILE_OBJECT related, const UNICODE_STRING *rest,
                            struct ob_open_request *request, struct io_open *open, void **opened)
{
    struct opening o = {.device = device, .related = related, .rest = rest, .request = request, .open = open};
    open->parsed = true;
    NTSTATUS status = io_device_open_reference(device, related != NULL);
    if (!NT_SUCCESS(status))
        return status;
    status = open_referenced(&o);
    if (NT_SUCCESS(status) && status != STATUS_REPARSE)
        *opened = o.file;
    return status;
}

static struct io_open *open_of(struct ob_open_request *request)
{
    struct io_open *open = request->context;
    return open && open->type == IO_OPEN_PACKET_TYPE ? open : NULL;
}

/* Rules: DO-50. Without an open packet only the device object itself can be had. */
NTSTATUS io_device_parse(void *body, const UNICODE_STRING *rest, struct ob_open_request *request,
                         void **opened)
{
    struct io_open *open = open_of(request);
    if (open)
        return open_device(body, NULL, rest, request, open, opened);
    if (rest->Length || (request->wanted && request->wanted != io_device_type))
        return STATUS_OBJECT_TYPE_MISMATCH;
    ob_reference(body);
    *opened = body;
    return STATUS_SUCCESS;
}

/* Rules: DO-50. A name relative to an open file. */
NTSTATUS io_file_parse(void *body, const UNICODE_STRING *rest, struct ob_open_request *request, void **opened)
{
    PFILE_OBJECT related = body;
    struct io_open *open = open_of(request);
    if (!open)
        return STATUS_OBJECT_TYPE_MISMATCH;
    return open_device(related->DeviceObject, related, rest, request, open, opened);
}
