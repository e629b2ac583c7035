/* SPDX-License-Identifier: MIT */
/* Services on files: buffers by flag and method, inline and pending ends, events, packets, positions, what is
 * answered here. */
#include "io_test.h"
#include "ob/routines.h"

#define IOCTL(method) CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, method, FILE_ANY_ACCESS)

static PDRIVER_OBJECT driver;
static PDEVICE_OBJECT device;
static struct {
    bool pend;
    NTSTATUS status;
    ULONG_PTR information;
    PIRP irp;
    IRP seen; /* the IRP as dispatch found it */
    IO_STACK_LOCATION location;
    UCHAR data[16]; /* of the system buffer or the MDL */
    bool answer;
} d;
static KEVENT pended; /* the driver holds d.irp */

static UCHAR *data_of(PIRP irp)
{
    if (irp->AssociatedIrp.SystemBuffer)
        return irp->AssociatedIrp.SystemBuffer;
    return irp->MdlAddress ? MmGetMdlVirtualAddress(irp->MdlAddress) : NULL;
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT for_device, PIRP irp)
{
    UCHAR *data = data_of(irp);
    UCHAR major = IoGetCurrentIrpStackLocation(irp)->MajorFunction;
    (void)for_device;
    if (major == IRP_MJ_CREATE || major == IRP_MJ_CLEANUP || major == IRP_MJ_CLOSE) {
        irp->IoStatus.Status = STATUS_SUCCESS;
        IofCompleteRequest(irp, IO_NO_INCREMENT);
        return STATUS_SUCCESS;
    }
    d.seen = *irp;
    d.location = *IoGetCurrentIrpStackLocation(irp);
    if (data)
        __builtin_memcpy(d.data, data, sizeof(d.data));
    if (data && d.answer)
        __builtin_memcpy(data, "answer", 6);
    if (d.pend) {
        IoMarkIrpPending(irp);
        d.irp = irp;
        KeSetEvent(&pended, IO_NO_INCREMENT, FALSE);
        return STATUS_PENDING;
    }
    NTSTATUS status = d.status;
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = d.information;
    IofCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

static CCHAR boost;

static void complete_held(void)
{
    d.irp->IoStatus.Status = d.status;
    d.irp->IoStatus.Information = d.information;
    IofCompleteRequest(d.irp, boost);
}

static char *buffer;
static IO_STATUS_BLOCK *iosb;
static LARGE_INTEGER *offset;

static HANDLE open_device(ULONG flags, ULONG options)
{
    HANDLE handle = NULL;
    __builtin_memset(&d, 0, sizeof(d));
    KeInitializeEvent(&pended, SynchronizationEvent, FALSE);
    driver = io_test_driver("request");
    for (unsigned i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        driver->MajorFunction[i] = dispatch;
    device = io_test_device(driver, u"\\Device\\Request", flags);
    buffer = io_user(2 * PAGE_SIZE);
    iosb = (IO_STATUS_BLOCK *)(buffer + PAGE_SIZE);
    offset = (LARGE_INTEGER *)(iosb + 1);
    iosb->Status = 0x1234;
    CHECK_STATUS(io_test_open(u"\\Device\\Request", options, &handle), STATUS_SUCCESS);
    return handle;
}

NT_TEST(buffered_write)
{
    HANDLE h = open_device(DO_BUFFERED_IO, FILE_SYNCHRONOUS_IO_NONALERT);
    __builtin_memcpy(buffer, "hello world 1234", 16);
    d.information = 5;
    CHECK_STATUS(NtWriteFile(h, NULL, NULL, NULL, iosb, buffer, 16, NULL, NULL), STATUS_SUCCESS);
    CHECK(d.location.MajorFunction == IRP_MJ_WRITE && d.location.Parameters.Write.Length == 16);
    CHECK(__builtin_memcmp(d.data, "hello world 1234", 16) == 0 && !d.seen.MdlAddress);
    CHECK(d.seen.RequestorMode == UserMode && d.location.FileObject != NULL);
    CHECK(iosb->Status == STATUS_SUCCESS && iosb->Information == 5);
    CHECK_STATUS(NtWriteFile(h, NULL, NULL, NULL, iosb, buffer, 0, NULL, NULL), STATUS_SUCCESS);
    CHECK(!d.seen.AssociatedIrp.SystemBuffer);
    CHECK_STATUS(ob_handle_close(h, UserMode), STATUS_SUCCESS);
}

NT_TEST(buffered_read)
{
    HANDLE h = open_device(DO_BUFFERED_IO, FILE_SYNCHRONOUS_IO_NONALERT);
    __builtin_memset(buffer, 'x', 16);
    d.answer = true;
    d.information = 3;
    CHECK_STATUS(NtReadFile(h, NULL, NULL, NULL, iosb, buffer, 16, NULL, NULL), STATUS_SUCCESS);
    CHECK(__builtin_memcmp(buffer, "ansxxx", 6) == 0); /* Information bytes, no more */
    d.status = STATUS_BUFFER_OVERFLOW;
    d.information = 6;
    CHECK_STATUS(NtReadFile(h, NULL, NULL, NULL, iosb, buffer, 16, NULL, NULL), STATUS_BUFFER_OVERFLOW);
    CHECK(__builtin_memcmp(buffer, "answer", 6) == 0); /* warnings copy too */
    __builtin_memset(buffer, 'x', 16);
    d.status = STATUS_UNSUCCESSFUL;
    iosb->Status = 0x1234;
    CHECK_STATUS(NtReadFile(h, NULL, NULL, NULL, iosb, buffer, 16, NULL, NULL), STATUS_UNSUCCESSFUL);
    CHECK(buffer[0] == 'x' && iosb->Status == 0x1234); /* IRP-84, IRP-87 */
    d.status = STATUS_VERIFY_REQUIRED;
    CHECK_STATUS(NtReadFile(h, NULL, NULL, NULL, iosb, buffer, 16, NULL, NULL), STATUS_VERIFY_REQUIRED);
    CHECK(buffer[0] == 'x');
    CHECK_STATUS(NtReadFile(h, NULL, NULL, NULL, iosb, (PVOID)1, 16, NULL, NULL), STATUS_ACCESS_VIOLATION);
    ob_handle_close(h, UserMode);
}

NT_TEST(direct_and_neither)
{
    HANDLE h = open_device(DO_DIRECT_IO, FILE_SYNCHRONOUS_IO_NONALERT);
    CHECK_STATUS(NtReadFile(h, NULL, NULL, NULL, iosb, buffer, 16, NULL, NULL), STATUS_SUCCESS);
    CHECK(d.seen.MdlAddress && !d.seen.AssociatedIrp.SystemBuffer && !d.seen.UserBuffer);
    PVOID block;
    size_t size;
    ULONG tag;
    CHECK(!mm_pool_block_of(d.seen.MdlAddress, &block, &size, &tag)); /* IRP-80 */
    CHECK_STATUS(NtReadFile(h, NULL, NULL, NULL, iosb, buffer, 0, NULL, NULL), STATUS_SUCCESS);
    CHECK(!d.seen.MdlAddress);
    CHECK_STATUS(NtWriteFile(h, NULL, NULL, NULL, iosb, (PVOID)0x50000000, 16, NULL, NULL),
                 STATUS_ACCESS_VIOLATION);
    device->Flags |= DO_BUFFERED_IO;
    CHECK_STATUS(NtReadFile(h, NULL, NULL, NULL, iosb, buffer, 16, NULL, NULL), STATUS_SUCCESS);
    CHECK(d.seen.AssociatedIrp.SystemBuffer && !d.seen.MdlAddress); /* BUF-05 */
    device->Flags &= ~(ULONG)(DO_BUFFERED_IO | DO_DIRECT_IO);
    CHECK_STATUS(NtReadFile(h, NULL, NULL, NULL, iosb, buffer, 16, NULL, NULL), STATUS_SUCCESS);
    CHECK(d.seen.UserBuffer == buffer && !d.seen.MdlAddress && !d.seen.AssociatedIrp.SystemBuffer);
    ob_handle_close(h, UserMode);
}

NT_TEST(control_methods)
{
    HANDLE h = open_device(0, FILE_SYNCHRONOUS_IO_NONALERT);
    char *out = buffer + 64;
    __builtin_memcpy(buffer, "input-input-input", 17);
    d.answer = true;
    d.information = 6;
    CHECK_STATUS(
        NtDeviceIoControlFile(h, NULL, NULL, NULL, iosb, IOCTL(METHOD_BUFFERED), buffer, 16, out, 32),
        STATUS_SUCCESS);
    CHECK(d.location.Parameters.DeviceIoControl.InputBufferLength == 16 &&
          d.location.Parameters.DeviceIoControl.OutputBufferLength == 32 &&
          d.location.Parameters.DeviceIoControl.IoControlCode == IOCTL(METHOD_BUFFERED));
    CHECK(__builtin_memcmp(d.data, "input-", 6) == 0 && __builtin_memcmp(out, "answer", 6) == 0);
    CHECK_STATUS(
        NtDeviceIoControlFile(h, NULL, NULL, NULL, iosb, IOCTL(METHOD_OUT_DIRECT), buffer, 16, out, 32),
        STATUS_SUCCESS);
    CHECK(d.seen.AssociatedIrp.SystemBuffer && d.seen.MdlAddress);
    CHECK_STATUS(NtDeviceIoControlFile(h, NULL, NULL, NULL, iosb, IOCTL(METHOD_NEITHER), buffer, 16, out, 32),
                 STATUS_SUCCESS);
    CHECK(d.seen.UserBuffer == out && d.location.Parameters.DeviceIoControl.Type3InputBuffer == buffer);
    CHECK(!d.seen.AssociatedIrp.SystemBuffer && !d.seen.MdlAddress);
    d.information = 0;
    CHECK_STATUS(NtDeviceIoControlFile(h, NULL, NULL, NULL, iosb, IOCTL(METHOD_BUFFERED), NULL, 0, NULL, 0),
                 STATUS_SUCCESS);
    CHECK(!d.seen.AssociatedIrp.SystemBuffer);
    CHECK_STATUS(
        NtDeviceIoControlFile(h, NULL, NULL, NULL, iosb, IOCTL(METHOD_BUFFERED), (PVOID)8, 16, NULL, 0),
        STATUS_ACCESS_VIOLATION);
    CHECK_STATUS(io_internal_device_control(h, NULL, iosb, IOCTL(METHOD_BUFFERED), buffer, 16, out, 32),
                 STATUS_SUCCESS);
    CHECK(d.location.MajorFunction == IRP_MJ_INTERNAL_DEVICE_CONTROL && d.seen.RequestorMode == KernelMode);
    CHECK_STATUS(NtFsControlFile(h, NULL, NULL, NULL, iosb, IOCTL(METHOD_BUFFERED), buffer, 16, out, 32),
                 STATUS_SUCCESS);
    CHECK(d.location.MajorFunction == IRP_MJ_FILE_SYSTEM_CONTROL &&
          d.location.MinorFunction == IRP_MN_USER_FS_REQUEST);
    ob_handle_close(h, UserMode);
}

static HANDLE make_event(PKEVENT *event)
{
    HANDLE *handle = (HANDLE *)(offset + 1);
    CHECK_STATUS(NtCreateEvent(handle, EVENT_ALL_ACCESS, NULL, NotificationEvent, TRUE), STATUS_SUCCESS);
    CHECK_STATUS(ob_reference_by_handle(*handle, 0, ob_event_type, UserMode, (void **)event, NULL),
                 STATUS_SUCCESS);
    return *handle;
}

NT_TEST(asynchronous_end)
{
    PKEVENT event;
    HANDLE h = open_device(DO_BUFFERED_IO, 0), e = make_event(&event);
    LONG references = ob_pointer_count(event);
    d.pend = d.answer = true;
    offset->QuadPart = 0;
    CHECK_STATUS(NtReadFile(h, e, NULL, NULL, iosb, buffer, 16, offset, NULL), STATUS_PENDING);
    CHECK(KeReadStateEvent(event) == 0 && ob_pointer_count(event) == references + 1);
    CHECK(iosb->Status == 0x1234);
    d.information = 6;
    complete_held();
    CHECK(KeReadStateEvent(event) && iosb->Status == STATUS_SUCCESS && iosb->Information == 6);
    CHECK(__builtin_memcmp(buffer, "answer", 6) == 0);
    CHECK(ob_pointer_count(event) == references);
    d.status = STATUS_UNSUCCESSFUL; /* IRP-86: after STATUS_PENDING errors are told too */
    CHECK_STATUS(NtReadFile(h, e, NULL, NULL, iosb, buffer, 16, offset, NULL), STATUS_PENDING);
    complete_held();
    CHECK(KeReadStateEvent(event) && iosb->Status == STATUS_UNSUCCESSFUL);
    CHECK_STATUS(NtReadFile(h, NULL, NULL, NULL, iosb, buffer, 16, NULL, NULL), STATUS_INVALID_PARAMETER);
    ob_dereference(event);
    ob_handle_close(e, UserMode);
    ob_handle_close(h, UserMode);
}

static void complete_later(void *context)
{
    (void)context;
    KeWaitForSingleObject(&pended, Executive, KernelMode, FALSE, NULL);
    complete_held();
    ke_thread_exit(STATUS_SUCCESS);
}

static struct ps_thread *start_completer(void)
{
    struct ps_thread *thread;
    CHECK_STATUS(ps_create_system_thread(&thread, complete_later, NULL, "completer"), STATUS_SUCCESS);
    return thread;
}

NT_TEST(synchronous_wait)
{
    HANDLE h = open_device(DO_BUFFERED_IO, FILE_SYNCHRONOUS_IO_NONALERT);
    d.pend = d.answer = true;
    d.information = 6;
    struct ps_thread *t = start_completer();
    CHECK_STATUS(NtReadFile(h, NULL, NULL, NULL, iosb, buffer, 16, NULL, NULL), STATUS_SUCCESS);
    CHECK(__builtin_memcmp(buffer, "answer", 6) == 0 && iosb->Information == 6);
    KeWaitForSingleObject(t, Executive, KernelMode, FALSE, NULL);
    ob_dereference(t);
    d.status = STATUS_DEVICE_NOT_READY;
    t = start_completer();
    CHECK_STATUS(NtReadFile(h, NULL, NULL, NULL, iosb, buffer, 16, NULL, NULL), STATUS_DEVICE_NOT_READY);
    ob_dereference(t);
    ob_handle_close(h, UserMode);
}

NT_TEST(pended_error_on_a_synchronous_file)
{
    HANDLE h = open_device(DO_BUFFERED_IO, FILE_SYNCHRONOUS_IO_NONALERT);
    d.pend = true;
    d.status = STATUS_DEVICE_NOT_READY;
    d.information = 6;
    struct ps_thread *t = start_completer();
    CHECK_STATUS(NtReadFile(h, NULL, NULL, NULL, iosb, buffer, 16, NULL, NULL), STATUS_DEVICE_NOT_READY);
    CHECK(iosb->Status == STATUS_DEVICE_NOT_READY && iosb->Information == 6); /* IRP-88 */
    ob_dereference(t);
    ob_handle_close(h, UserMode);
}

static NTSTATUS NTAPI unmap_and_succeed(PDEVICE_OBJECT for_device, PIRP irp)
{
    (void)for_device;
    mm_user_free(irp->UserBuffer);
    irp->IoStatus.Status = STATUS_SUCCESS;
    irp->IoStatus.Information = 16;
    IofCompleteRequest(irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

NT_TEST(answer_to_memory_that_went)
{
    HANDLE h = open_device(DO_BUFFERED_IO, FILE_SYNCHRONOUS_IO_NONALERT);
    driver->MajorFunction[IRP_MJ_READ] = unmap_and_succeed;
    void *vanishing = io_user(PAGE_SIZE);
    CHECK(NT_ERROR(NtReadFile(h, NULL, NULL, NULL, iosb, vanishing, 16, NULL, NULL))); /* IRP-84 */
    ob_handle_close(h, UserMode);
}

NT_TEST(late_answer_to_memory_that_went)
{
    HANDLE h = open_device(DO_BUFFERED_IO, 0);
    void *vanishing = io_user(PAGE_SIZE);
    d.pend = true;
    d.information = 16;
    offset->QuadPart = 0;
    CHECK_STATUS(NtReadFile(h, NULL, NULL, NULL, iosb, vanishing, 16, offset, NULL), STATUS_PENDING);
    mm_user_free(vanishing);
    complete_held();
    CHECK(NT_ERROR(iosb->Status)); /* IRP-84 */
    ob_handle_close(h, UserMode);
}

NT_TEST(service_waits_on_asynchronous_file)
{
    HANDLE h = open_device(DO_BUFFERED_IO, 0);
    d.pend = true;
    struct ps_thread *t = start_completer();
    CHECK_STATUS(NtFlushBuffersFile(h, iosb), STATUS_SUCCESS);
    CHECK(d.location.MajorFunction == IRP_MJ_FLUSH_BUFFERS && d.seen.Flags & IRP_SYNCHRONOUS_API);
    CHECK(iosb->Status == STATUS_SUCCESS);
    ob_dereference(t);
    d.status = STATUS_DEVICE_NOT_READY;
    t = start_completer();
    CHECK_STATUS(NtFlushBuffersFile(h, iosb), STATUS_DEVICE_NOT_READY);
    CHECK(iosb->Status == STATUS_DEVICE_NOT_READY); /* IRP-88 */
    ob_dereference(t);
    ob_handle_close(h, UserMode);
}

NT_TEST(position)
{
    HANDLE h = open_device(DO_BUFFERED_IO, FILE_SYNCHRONOUS_IO_NONALERT);
    FILE_POSITION_INFORMATION *position = (void *)buffer;
    d.information = 10;
    CHECK_STATUS(NtReadFile(h, NULL, NULL, NULL, iosb, buffer, 16, NULL, NULL), STATUS_SUCCESS);
    CHECK_STATUS(NtReadFile(h, NULL, NULL, NULL, iosb, buffer, 16, NULL, NULL), STATUS_SUCCESS);
    CHECK(d.location.Parameters.Read.ByteOffset.QuadPart == 10);
    offset->QuadPart = 100;
    CHECK_STATUS(NtReadFile(h, NULL, NULL, NULL, iosb, buffer, 16, offset, NULL), STATUS_SUCCESS);
    CHECK(d.location.Parameters.Read.ByteOffset.QuadPart == 100);
    CHECK_STATUS(NtQueryInformationFile(h, iosb, position, 8, FilePositionInformation), STATUS_SUCCESS);
    CHECK(position->CurrentByteOffset.QuadPart == 110);
    position->CurrentByteOffset.QuadPart = 7;
    CHECK_STATUS(NtSetInformationFile(h, iosb, position, 8, FilePositionInformation), STATUS_SUCCESS);
    CHECK_STATUS(NtReadFile(h, NULL, NULL, NULL, iosb, buffer, 16, NULL, NULL), STATUS_SUCCESS);
    CHECK(d.location.Parameters.Read.ByteOffset.QuadPart == 7);
    ob_handle_close(h, UserMode);
}

NT_TEST(answered_by_the_manager)
{
    HANDLE h = open_device(0, FILE_SYNCHRONOUS_IO_NONALERT);
    ULONG *value = (ULONG *)buffer;
    FILE_FS_DEVICE_INFORMATION *fs = (void *)buffer;
    device->AlignmentRequirement = 3;
    CHECK_STATUS(NtQueryInformationFile(h, iosb, value, 4, FileAlignmentInformation), STATUS_SUCCESS);
    CHECK(*value == 3);
    CHECK_STATUS(NtQueryInformationFile(h, iosb, value, 4, FileModeInformation), STATUS_SUCCESS);
    CHECK(*value == FILE_SYNCHRONOUS_IO_NONALERT);
    *value = FILE_SYNCHRONOUS_IO_ALERT | FILE_SEQUENTIAL_ONLY;
    CHECK_STATUS(NtSetInformationFile(h, iosb, value, 4, FileModeInformation), STATUS_SUCCESS);
    *value = 0;
    CHECK_STATUS(NtQueryInformationFile(h, iosb, value, 4, FileModeInformation), STATUS_SUCCESS);
    CHECK(*value == (FILE_SYNCHRONOUS_IO_ALERT | FILE_SEQUENTIAL_ONLY));
    *value = 0; /* a synchronous file stays one */
    CHECK_STATUS(NtSetInformationFile(h, iosb, value, 4, FileModeInformation), STATUS_INVALID_PARAMETER);
    CHECK_STATUS(NtQueryInformationFile(h, iosb, value, 4, FileAccessInformation), STATUS_SUCCESS);
    CHECK(*value == (FILE_GENERIC_READ | FILE_GENERIC_WRITE));
    CHECK_STATUS(NtQueryInformationFile(h, iosb, value, 2, FileModeInformation), STATUS_INFO_LENGTH_MISMATCH);
    CHECK_STATUS(NtQueryInformationFile(h, iosb, value, 4, FileMaximumInformation),
                 STATUS_INVALID_INFO_CLASS);
    CHECK_STATUS(NtQueryVolumeInformationFile(h, iosb, fs, 8, FileFsDeviceInformation), STATUS_SUCCESS);
    CHECK(fs->DeviceType == FILE_DEVICE_UNKNOWN);
    CHECK(d.location.MajorFunction == 0); /* the driver saw none of it */
    d.answer = true;
    d.information = 6;
    CHECK_STATUS(NtQueryInformationFile(h, iosb, buffer, 40, FileBasicInformation), STATUS_SUCCESS);
    CHECK(d.location.MajorFunction == IRP_MJ_QUERY_INFORMATION && d.seen.AssociatedIrp.SystemBuffer);
    CHECK(__builtin_memcmp(buffer, "answer", 6) == 0);
    ob_handle_close(h, UserMode);
}

NT_TEST(completion_port)
{
    HANDLE h = open_device(DO_BUFFERED_IO, 0), *port = (HANDLE *)(offset + 1);
    FILE_COMPLETION_INFORMATION *information = (void *)(port + 1);
    PVOID *key = (PVOID *)(information + 1), *context = key + 1;
    CHECK_STATUS(NtCreateIoCompletion(port, GENERIC_ALL, NULL, 1), STATUS_SUCCESS);
    *information = (FILE_COMPLETION_INFORMATION){*port, (PVOID)55};
    CHECK_STATUS(NtSetInformationFile(h, iosb, information, sizeof(*information), FileCompletionInformation),
                 STATUS_SUCCESS);
    offset->QuadPart = 0;
    d.information = 6;
    CHECK_STATUS(NtReadFile(h, NULL, NULL, (PVOID)77, iosb, buffer, 16, offset, NULL), STATUS_SUCCESS);
    CHECK_STATUS(NtRemoveIoCompletion(*port, key, context, iosb, NULL), STATUS_SUCCESS);
    CHECK(*key == (PVOID)55 && *context == (PVOID)77 && iosb->Information == 6);
    CHECK_STATUS(NtReadFile(h, NULL, NULL, NULL, iosb, buffer, 16, offset, NULL), STATUS_SUCCESS);
    d.status = STATUS_UNSUCCESSFUL;
    CHECK_STATUS(NtReadFile(h, NULL, NULL, (PVOID)77, iosb, buffer, 16, offset, NULL), STATUS_UNSUCCESSFUL);
    offset->QuadPart = 0;
    CHECK_STATUS(NtRemoveIoCompletion(*port, key, context, iosb, offset), STATUS_TIMEOUT);
    ob_handle_close(h, UserMode);
    ob_handle_close(*port, UserMode);
}

static VOID NTAPI cancel_held(PDEVICE_OBJECT for_device, PIRP irp)
{
    (void)for_device;
    IoReleaseCancelSpinLock(irp->CancelIrql);
    irp->IoStatus.Status = STATUS_CANCELLED;
    irp->IoStatus.Information = 0;
    IofCompleteRequest(irp, IO_NO_INCREMENT);
}

static PVOID apc_context;
static PIO_STATUS_BLOCK apc_iosb;
static VOID NTAPI apc_routine(PVOID context, PIO_STATUS_BLOCK status, ULONG reserved)
{
    (void)reserved;
    CHECK(ke_irql() == PASSIVE_LEVEL);
    apc_context = context;
    apc_iosb = status;
}

/* IRP-90: the routine gets its context and the block; the IRP is gone by then. */
NT_TEST(apc_at_the_end)
{
    HANDLE h = open_device(DO_BUFFERED_IO, 0);
    d.pend = true;
    offset->QuadPart = 0;
    CHECK_STATUS(ZW_CALL(NtReadFile(h, NULL, apc_routine, (PVOID)77, iosb, buffer, 16, offset, NULL)),
                 STATUS_PENDING);
    complete_held();
    CHECK(apc_context == (PVOID)77 && apc_iosb == iosb && iosb->Status == STATUS_SUCCESS);
    CHECK(io_irp_of(d.irp)->state == IO_IRP_FREE);
    ob_handle_close(h, UserMode);
}

NT_TEST(cancel_io)
{
    HANDLE h = open_device(DO_BUFFERED_IO, 0);
    d.pend = true;
    offset->QuadPart = 0;
    CHECK_STATUS(NtReadFile(h, NULL, NULL, NULL, iosb, buffer, 16, offset, NULL), STATUS_PENDING);
    IoSetCancelRoutine(d.irp, cancel_held);
    CHECK_STATUS(NtCancelIoFile(h, iosb + 4), STATUS_SUCCESS);
    CHECK(iosb->Status == STATUS_CANCELLED && list_empty(&ps_current()->irps));
    ob_handle_close(h, UserMode);
}

/* MJ-07, MJ-08, MJ-0B, MJ-0C, MJ-11, MJ-19, MJ-1A. */
NT_TEST(file_system_services)
{
    HANDLE h = open_device(DO_BUFFERED_IO, FILE_SYNCHRONOUS_IO_NONALERT);
    UNICODE_STRING *pattern = (UNICODE_STRING *)(offset + 2);
    FILE_FULL_EA_INFORMATION *ea = (void *)buffer;
    PIO_STACK_LOCATION at = &d.location;
    SID *sid = (SID *)(buffer + 512);
    __builtin_memset(buffer, 0, PAGE_SIZE);
    CHECK_STATUS(NtSetVolumeInformationFile(h, iosb, buffer, 64, FileFsLabelInformation), STATUS_SUCCESS);
    CHECK(at->MajorFunction == IRP_MJ_SET_VOLUME_INFORMATION && d.seen.AssociatedIrp.SystemBuffer);
    CHECK(at->Parameters.SetVolume.Length == 64 &&
          at->Parameters.SetVolume.FsInformationClass == FileFsLabelInformation);
    CHECK_STATUS(NtSetVolumeInformationFile(h, iosb, buffer, 64, FileFsSizeInformation),
                 STATUS_INVALID_INFO_CLASS);
    CHECK_STATUS(NtQueryVolumeInformationFile(h, iosb, buffer, 64, FileFsSizeInformation), STATUS_SUCCESS);
    CHECK(at->MajorFunction == IRP_MJ_QUERY_VOLUME_INFORMATION && d.seen.AssociatedIrp.SystemBuffer);
    rtl_init_string(pattern, (WCHAR *)__builtin_memcpy(buffer + 1024, u"*.x", 8));
    CHECK_STATUS(NtQueryDirectoryFile(h, NULL, NULL, NULL, iosb, buffer, 128, FileNamesInformation, TRUE,
                                      pattern, FALSE),
                 STATUS_SUCCESS);
    CHECK(at->MajorFunction == IRP_MJ_DIRECTORY_CONTROL && at->MinorFunction == IRP_MN_QUERY_DIRECTORY);
    CHECK(at->Flags == SL_RETURN_SINGLE_ENTRY && d.seen.AssociatedIrp.SystemBuffer);
    CHECK(at->Parameters.QueryDirectory.FileName && at->Parameters.QueryDirectory.FileName != pattern);
    CHECK_STATUS(NtNotifyChangeDirectoryFile(h, NULL, NULL, NULL, iosb, buffer, 128, 1, TRUE),
                 STATUS_SUCCESS);
    CHECK(at->MinorFunction == IRP_MN_NOTIFY_CHANGE_DIRECTORY && at->Flags == SL_WATCH_TREE);
    CHECK_STATUS(NtNotifyChangeDirectoryFile(h, NULL, NULL, NULL, iosb, buffer, 128, 0, TRUE),
                 STATUS_INVALID_PARAMETER);
    CHECK_STATUS(NtLockFile(h, NULL, NULL, NULL, iosb, offset, offset, 7, TRUE, FALSE), STATUS_SUCCESS);
    CHECK(at->MajorFunction == IRP_MJ_LOCK_CONTROL && at->MinorFunction == IRP_MN_LOCK &&
          at->Flags == SL_FAIL_IMMEDIATELY);
    CHECK(at->Parameters.LockControl.Key == 7 && at->FileObject->LockOperation);
    CHECK(at->Parameters.LockControl.Length && at->Parameters.LockControl.Length != offset);
    CHECK_STATUS(NtUnlockFile(h, iosb, offset, offset, 7), STATUS_SUCCESS);
    CHECK(at->MinorFunction == IRP_MN_UNLOCK_SINGLE);
    CHECK_STATUS(NtSetEaFile(h, iosb, ea, 4), STATUS_EA_LIST_INCONSISTENT);
    ea->EaNameLength = 1;
    CHECK_STATUS(NtSetEaFile(h, iosb, ea, 32), STATUS_SUCCESS);
    CHECK(at->MajorFunction == IRP_MJ_SET_EA && at->Parameters.SetEa.Length == 32 &&
          d.seen.AssociatedIrp.SystemBuffer);
    CHECK_STATUS(NtQueryEaFile(h, iosb, buffer, 64, FALSE, buffer + 256, 16, NULL, TRUE), STATUS_SUCCESS);
    CHECK(at->MajorFunction == IRP_MJ_QUERY_EA && at->Flags == SL_RESTART_SCAN &&
          at->Parameters.QueryEa.EaListLength == 16);
    CHECK(at->Parameters.QueryEa.EaList && d.seen.AssociatedIrp.SystemBuffer);
    sid->Revision = 1;
    sid->SubAuthorityCount = 1;
    CHECK_STATUS(NtQueryQuotaInformationFile(h, iosb, buffer, 64, TRUE, NULL, 0, sid, FALSE), STATUS_SUCCESS);
    CHECK(at->MajorFunction == IRP_MJ_QUERY_QUOTA && at->Parameters.QueryQuota.Length == 64);
    CHECK(at->Parameters.QueryQuota.StartSid && at->Parameters.QueryQuota.StartSid != sid);
    CHECK_STATUS(NtQueryQuotaInformationFile(h, iosb, buffer, 64, TRUE, buffer + 512, 24, NULL, FALSE),
                 STATUS_SUCCESS);
    CHECK(at->Parameters.QueryQuota.SidListLength == 24 && at->Parameters.QueryQuota.SidList);
    CHECK(d.seen.AssociatedIrp.SystemBuffer != NULL);
    CHECK_STATUS(NtSetQuotaInformationFile(h, iosb, buffer, 48), STATUS_SUCCESS);
    CHECK(at->MajorFunction == IRP_MJ_SET_QUOTA && at->Parameters.SetQuota.Length == 48 &&
          d.seen.AssociatedIrp.SystemBuffer);
    HANDLE other;
    PFILE_OBJECT file = at->FileObject;
    CHECK_STATUS(ob_handle_create(file, FILE_READ_DATA, OBJ_KERNEL_HANDLE, NULL, &other), STATUS_SUCCESS);
    ob_handle_close(h, UserMode); /* the process's last handle, not the file's */
    CHECK(at->MajorFunction == IRP_MJ_LOCK_CONTROL && at->MinorFunction == IRP_MN_UNLOCK_ALL);
    ob_handle_close(other, KernelMode);
}

/* MJ-14, MJ-15: of a name behind the device. */
NT_TEST(security_of_a_name)
{
    HANDLE h = open_device(0, FILE_SYNCHRONOUS_IO_NONALERT), named;
    PFILE_OBJECT file;
    PSECURITY_DESCRIPTOR descriptor, old = device->SecurityDescriptor;
    CHECK_STATUS(se_from_sddl(u"D:P(A;;GA;;;SY)", &descriptor), STATUS_SUCCESS);
    CHECK_STATUS(io_test_open(u"\\Device\\Request\\name", 0, &named), STATUS_SUCCESS);
    CHECK_STATUS(ob_reference_by_handle(named, 0, io_file_type, UserMode, (void **)&file, NULL),
                 STATUS_SUCCESS);
    CHECK_STATUS(ob_set_security(file, DACL_SECURITY_INFORMATION, descriptor, KernelMode), STATUS_SUCCESS);
    CHECK(d.location.MajorFunction == IRP_MJ_SET_SECURITY && d.location.FileObject == file);
    CHECK(d.location.Parameters.SetSecurity.SecurityInformation == DACL_SECURITY_INFORMATION);
    CHECK(d.location.Parameters.SetSecurity.SecurityDescriptor != NULL && device->SecurityDescriptor == old);
    ob_dereference(file);
    CHECK_STATUS(ob_reference_by_handle(h, 0, io_file_type, UserMode, (void **)&file, NULL), STATUS_SUCCESS);
    d.location.MajorFunction = 0;
    CHECK_STATUS(ob_set_security(file, DACL_SECURITY_INFORMATION, descriptor, KernelMode), STATUS_SUCCESS);
    CHECK(d.location.MajorFunction == 0 && device->SecurityDescriptor != old);
    ob_dereference(file);
    mm_free(descriptor);
    ob_handle_close(named, UserMode);
    ob_handle_close(h, UserMode);
}

static IO_STATUS_BLOCK exit_iosb;
static KEVENT exit_event;
static bool exit_cancelable;

static void leave_a_request(void *context)
{
    PIRP irp =
        IoBuildSynchronousFsdRequest(IRP_MJ_FLUSH_BUFFERS, device, NULL, 0, NULL, &exit_event, &exit_iosb);
    (void)context;
    CHECK_STATUS(IofCallDriver(device, irp), STATUS_PENDING);
    if (exit_cancelable)
        IoSetCancelRoutine(irp, cancel_held);
    ke_thread_exit(STATUS_SUCCESS);
}

static void run_and_join(void (*body)(void *))
{
    struct ps_thread *t;
    CHECK_STATUS(ps_create_system_thread(&t, body, NULL, "leaver"), STATUS_SUCCESS);
    KeWaitForSingleObject(t, Executive, KernelMode, FALSE, NULL);
    ob_dereference(t);
}

static unsigned timeouts;
static void count_timeout(const struct io_error *error, void *context)
{
    (void)context;
    timeouts += error->packet->ErrorCode == IO_DRIVER_CANCEL_TIMEOUT && error->driver[0] == 'r' &&
                error->packet->MajorFunctionCode == IRP_MJ_FLUSH_BUFFERS;
}

/* IRP-10, CAN-14: a thread that ends cancels its requests; one that cannot be canceled is given up after five
 * minutes. */
NT_TEST(thread_ends_with_requests)
{
    HANDLE h = open_device(0, FILE_SYNCHRONOUS_IO_NONALERT);
    KeInitializeEvent(&exit_event, NotificationEvent, FALSE);
    d.pend = exit_cancelable = true;
    run_and_join(leave_a_request);
    CHECK(KeReadStateEvent(&exit_event) && exit_iosb.Status == STATUS_CANCELLED);
    timeouts = 0;
    io_for_each_error(count_timeout, NULL);
    CHECK(timeouts == 0);
    exit_cancelable = false;
    uint64_t before = host_interrupt_time();
    run_and_join(leave_a_request);
    CHECK(host_interrupt_time() - before >= 3000000000ull && d.irp->Cancel && !d.irp->Tail.Overlay.Thread);
    io_for_each_error(count_timeout, NULL);
    CHECK(timeouts == 1);
    exit_iosb.Status = 0x1234;
    d.irp->IoStatus.Status = STATUS_SUCCESS;
    IofCompleteRequest(d.irp, IO_NO_INCREMENT); /* IRP-83: nobody is told */
    CHECK(exit_iosb.Status == 0x1234 && io_irp_of(d.irp)->state == IO_IRP_FREE);
    ob_handle_close(h, UserMode);
}

static struct {
    BOOLEAN done;
    PVOID in, out;
    LONGLONG offset;
    unsigned calls;
} fast;

static BOOLEAN NTAPI fast_control(PFILE_OBJECT file, BOOLEAN wait, PVOID in, ULONG in_length, PVOID out,
                                  ULONG out_length, ULONG code, PIO_STATUS_BLOCK result, PDEVICE_OBJECT of)
{
    CHECK(file->DeviceObject == device && of == device && wait && code == IOCTL(METHOD_BUFFERED));
    CHECK(in_length == 16 && out_length == 32);
    fast.calls++;
    fast.in = in;
    fast.out = out;
    result->Status = STATUS_SUCCESS;
    result->Information = 99;
    return fast.done;
}

static BOOLEAN NTAPI fast_read(PFILE_OBJECT file, PLARGE_INTEGER where, ULONG length, BOOLEAN wait, ULONG key,
                               PVOID to, PIO_STATUS_BLOCK result, PDEVICE_OBJECT of)
{
    CHECK(file && length == 16 && wait && to == buffer && of == device && key == 0);
    fast.calls++;
    fast.offset = where->QuadPart;
    result->Status = STATUS_SUCCESS;
    result->Information = 12;
    return fast.done;
}

/* FI-02..FI-05. */
NT_TEST(fast_io)
{
    static FAST_IO_DISPATCH table;
    HANDLE h = open_device(DO_BUFFERED_IO, FILE_SYNCHRONOUS_IO_NONALERT);
    char *out = buffer + 64;
    __builtin_memset(&fast, 0, sizeof(fast));
    table.FastIoDeviceControl = fast_control;
    table.FastIoRead = fast_read;
    table.SizeOfFastIoDispatch = offsetof(FAST_IO_DISPATCH, FastIoRead);
    driver->FastIoDispatch = &table;
    fast.done = TRUE;
    CHECK_STATUS(
        NtDeviceIoControlFile(h, NULL, NULL, NULL, iosb, IOCTL(METHOD_BUFFERED), buffer, 16, out, 32),
        STATUS_SUCCESS);
    CHECK(fast.calls == 0 && d.location.MajorFunction == IRP_MJ_DEVICE_CONTROL);
    table.SizeOfFastIoDispatch = sizeof(table);
    d.location.MajorFunction = 0;
    CHECK_STATUS(
        NtDeviceIoControlFile(h, NULL, NULL, NULL, iosb, IOCTL(METHOD_BUFFERED), buffer, 16, out, 32),
        STATUS_SUCCESS);
    CHECK(fast.calls == 1 && d.location.MajorFunction == 0 && iosb->Information == 99);
    CHECK(fast.in == buffer && fast.out == out); /* the caller's own */
    fast.done = FALSE;
    CHECK_STATUS(
        NtDeviceIoControlFile(h, NULL, NULL, NULL, iosb, IOCTL(METHOD_BUFFERED), buffer, 16, out, 32),
        STATUS_SUCCESS);
    CHECK(fast.calls == 2 && d.location.MajorFunction == IRP_MJ_DEVICE_CONTROL && iosb->Information == 0);
    fast.done = TRUE;
    CHECK_STATUS(NtReadFile(h, NULL, NULL, NULL, iosb, buffer, 16, NULL, NULL), STATUS_SUCCESS);
    CHECK(fast.calls == 2); /* not cached */
    d.location.FileObject->PrivateCacheMap = &table;
    offset->QuadPart = 5;
    CHECK_STATUS(NtReadFile(h, NULL, NULL, NULL, iosb, buffer, 16, offset, NULL), STATUS_SUCCESS);
    CHECK(fast.calls == 3 && fast.offset == 5 && iosb->Information == 12);
    d.location.FileObject->PrivateCacheMap = NULL;
    ob_handle_close(h, UserMode);
}

/* IRP-77: whoever waits for the request runs with the completer's boost. */
NT_TEST(boost_reaches_the_waiter)
{
    HANDLE h = open_device(DO_BUFFERED_IO, FILE_SYNCHRONOUS_IO_NONALERT);
    struct ke_thread *me = ke_thread();
    d.pend = true;
    struct ps_thread *t = start_completer();
    t->tcb.priority = t->tcb.base_priority = 1; /* it runs when this thread waits */
    boost = 6;
    CHECK_STATUS(NtReadFile(h, NULL, NULL, NULL, iosb, buffer, 16, NULL, NULL), STATUS_SUCCESS);
    CHECK_STATUS(me->priority, me->base_priority + 6);
    boost = IO_NO_INCREMENT;
    ob_dereference(t);
    ob_handle_close(h, UserMode);
}

static NTSTATUS NTAPI marks_and_succeeds(PDEVICE_OBJECT for_device, PIRP irp)
{
    (void)for_device;
    IoMarkIrpPending(irp);
    irp->IoStatus.Status = STATUS_SUCCESS;
    IofCompleteRequest(irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

NT_BUGCHECK_TEST(marked_but_not_pending, MULTIPLE_IRP_COMPLETE_REQUESTS)
{
    HANDLE h = open_device(DO_BUFFERED_IO, FILE_SYNCHRONOUS_IO_NONALERT);
    driver->MajorFunction[IRP_MJ_WRITE] = marks_and_succeeds;
    NtWriteFile(h, NULL, NULL, NULL, iosb, buffer, 1, NULL, NULL);
}

NT_TEST(threaded_requests_of_drivers)
{
    HANDLE h = open_device(DO_BUFFERED_IO, FILE_SYNCHRONOUS_IO_NONALERT);
    KEVENT event;
    IO_STATUS_BLOCK status = {.Information = 99};
    char in[16] = "driver's data!!", out[16] = "";
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    d.information = 6;
    d.answer = true;
    PIRP irp = IoBuildDeviceIoControlRequest(IOCTL(METHOD_BUFFERED), device, in, 16, out, 16, FALSE, &event,
                                             &status);
    CHECK(irp->RequestorMode == KernelMode && !list_empty(&irp->ThreadListEntry));
    CHECK_STATUS(IofCallDriver(device, irp), STATUS_SUCCESS);
    CHECK(KeReadStateEvent(&event) && status.Information == 6 && __builtin_memcmp(out, "answer", 6) == 0);
    CHECK(__builtin_memcmp(d.data, "driver's data!", 14) == 0 && list_empty(&ps_current()->irps));
    KeClearEvent(&event);
    d.status = STATUS_UNSUCCESSFUL;
    status.Information = 99;
    irp = IoBuildSynchronousFsdRequest(IRP_MJ_WRITE, device, in, 16, NULL, &event, &status);
    CHECK_STATUS(IofCallDriver(device, irp), STATUS_UNSUCCESSFUL);
    CHECK(!KeReadStateEvent(&event) && status.Information == 99); /* IRP-87 */
    d.pend = true;
    irp = IoBuildSynchronousFsdRequest(IRP_MJ_READ, device, out, 16, NULL, &event, &status);
    CHECK_STATUS(IofCallDriver(device, irp), STATUS_PENDING);
    complete_held();
    CHECK(KeReadStateEvent(&event) && status.Status == STATUS_UNSUCCESSFUL);
    ob_handle_close(h, UserMode);
}

int run_request_tests(void)
{
    const struct CMUnitTest tests[] = {
        IO_TEST(buffered_write),
        IO_TEST(buffered_read),
        IO_TEST(direct_and_neither),
        IO_TEST(control_methods),
        IO_TEST(asynchronous_end),
        IO_TEST(synchronous_wait),
        IO_TEST(pended_error_on_a_synchronous_file),
        IO_TEST(answer_to_memory_that_went),
        IO_TEST(late_answer_to_memory_that_went),
        IO_TEST(service_waits_on_asynchronous_file),
        IO_TEST(position),
        IO_TEST(answered_by_the_manager),
        IO_TEST(completion_port),
        IO_TEST(apc_at_the_end),
        IO_TEST(cancel_io),
        IO_TEST(file_system_services),
        IO_TEST(security_of_a_name),
        IO_TEST(boost_reaches_the_waiter),
        IO_TEST(fast_io),
        IO_TEST(thread_ends_with_requests),
        IO_TEST(marked_but_not_pending),
        IO_TEST(threaded_requests_of_drivers),
    };
    return cmocka_run_group_tests_name("io: requests", tests, NULL, NULL);
}
