/* SPDX-License-Identifier: MIT */
/* Driver and device objects: what creation sets, names, stacks, deletion and unloading that wait, opens and
 * their ends. */
#include "io_test.h"
#include "io/routines.h"

static UCHAR last_major;
static NTSTATUS create_status;
static IO_STACK_LOCATION create_location;
static WCHAR create_name[32];
static USHORT create_name_length;

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT device, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    (void)device;
    last_major = location->MajorFunction;
    NTSTATUS status = STATUS_SUCCESS;
    if (last_major == IRP_MJ_CREATE) {
        create_location = *location;
        create_name_length = location->FileObject->FileName.Length;
        if (create_name_length)
            __builtin_memcpy(create_name, location->FileObject->FileName.Buffer,
                             MIN(create_name_length, sizeof(create_name)));
        status = create_status;
    }
    io_log("%x", last_major);
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = last_major == IRP_MJ_CREATE ? FILE_OPENED : 0;
    IofCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

static PDRIVER_OBJECT make_driver(const char *name)
{
    PDRIVER_OBJECT driver = io_test_driver(name);
    for (unsigned i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        driver->MajorFunction[i] = dispatch;
    driver->Flags |= DRVO_INITIALIZED;
    create_status = STATUS_SUCCESS;
    return driver;
}

NT_TEST(new_driver)
{
    PDRIVER_OBJECT driver = io_test_driver("thing");
    UNICODE_STRING name = io_string(u"\\Driver\\thing"), key = io_string(u"thing");
    CHECK(driver->Type == IO_TYPE_DRIVER && driver->Size == sizeof(DRIVER_OBJECT));
    CHECK(RtlEqualUnicodeString(&driver->DriverName, &name, FALSE));
    CHECK(RtlEqualUnicodeString(&driver->DriverExtension->ServiceKeyName, &key, FALSE));
    CHECK(driver->DriverExtension->DriverObject == driver && !driver->DriverExtension->AddDevice);
    CHECK(!driver->DriverStartIo && !driver->DriverUnload && !driver->DeviceObject &&
          driver->HardwareDatabase->Length);
    for (unsigned i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        CHECK(driver->MajorFunction[i] == io_invalid_device_request);
    struct io_driver *again;
    CHECK_STATUS(io_driver_create("THING", false, NULL, NULL, &again), STATUS_OBJECT_NAME_COLLISION);
    PDRIVER_OBJECT found = io_find_driver("Thing");
    CHECK(found == driver);
    ob_dereference(found);
}

NT_TEST(after_entry)
{
    PDRIVER_OBJECT driver = io_test_driver("entry");
    PDEVICE_OBJECT device;
    CHECK_STATUS(IoCreateDevice(driver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device), STATUS_SUCCESS);
    driver->MajorFunction[3] = NULL;
    io_driver_initialized(driver);
    CHECK(!(device->Flags & DO_DEVICE_INITIALIZING) && driver->MajorFunction[3] == io_invalid_device_request);
    CHECK(driver->Flags & DRVO_INITIALIZED);
}

NT_TEST(client_extensions)
{
    PDRIVER_OBJECT driver = io_test_driver("blocks");
    PVOID block, other;
    CHECK(IoGetDriverObjectExtension(driver, driver) == NULL);
    CHECK_STATUS(IoAllocateDriverObjectExtension(driver, driver, 100, &block), STATUS_SUCCESS);
    CHECK(IoGetDriverObjectExtension(driver, driver) == block && *(ULONG64 *)block == 0);
    CHECK_STATUS(IoAllocateDriverObjectExtension(driver, driver, 100, &other), STATUS_OBJECT_NAME_COLLISION);
    CHECK(other == NULL);
    CHECK_STATUS(IoAllocateDriverObjectExtension(driver, &block, 8, &other), STATUS_SUCCESS);
    CHECK(IoGetDriverObjectExtension(driver, &block) == other);
}

NT_TEST(new_device)
{
    PDRIVER_OBJECT driver = io_test_driver("devices");
    UNICODE_STRING name = io_string(u"\\Device\\One");
    PDEVICE_OBJECT one, two;
    LONG references = ob_pointer_count(driver);
    CHECK_STATUS(IoCreateDevice(driver, 40, &name, FILE_DEVICE_DISK, FILE_DEVICE_SECURE_OPEN, TRUE, &one),
                 STATUS_SUCCESS);
    CHECK(one->Type == IO_TYPE_DEVICE && one->Size == sizeof(DEVICE_OBJECT) + 40 && one->StackSize == 1);
    CHECK(one->Flags == (DO_DEVICE_INITIALIZING | DO_EXCLUSIVE | DO_DEVICE_HAS_NAME));
    CHECK(one->DeviceExtension == one + 1 && one->DriverObject == driver && driver->DeviceObject == one);
    CHECK(one->Characteristics == FILE_DEVICE_SECURE_OPEN && one->SectorSize == 512);
    CHECK(one->Vpb && !(one->Vpb->Flags & VPB_MOUNTED) && one->Vpb->RealDevice == one);
    CHECK(one->SecurityDescriptor != NULL && one->DeviceObjectExtension->DeviceObject == one);
    CHECK(ob_pointer_count(driver) == references + 1);
    CHECK_STATUS(IoCreateDevice(driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &two),
                 STATUS_OBJECT_NAME_COLLISION);
    CHECK(two == NULL && driver->DeviceObject == one && ob_pointer_count(driver) == references + 1);
    CHECK_STATUS(IoCreateDevice(driver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &two), STATUS_SUCCESS);
    CHECK(!two->DeviceExtension && !two->Vpb && two->Flags == DO_DEVICE_INITIALIZING &&
          !two->SecurityDescriptor);
    CHECK(driver->DeviceObject == two && two->NextDevice == one && !two->SectorSize);
    IoDeleteDevice(one);
    CHECK(driver->DeviceObject == two && !two->NextDevice && ob_pointer_count(driver) == references + 1);
    CHECK_STATUS(IoCreateDevice(driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &one), STATUS_SUCCESS);
    IoDeleteDevice(one);
    IoDeleteDevice(two);
    CHECK(!driver->DeviceObject && ob_pointer_count(driver) == references);
}

NT_TEST(stacks)
{
    PDRIVER_OBJECT driver = make_driver("stacks");
    PDEVICE_OBJECT a = io_test_device(driver, NULL, 0), b = io_test_device(driver, NULL, 0),
                   c = io_test_device(driver, NULL, 0);
    PDEVICE_OBJECT lower = NULL;
    a->AlignmentRequirement = 7;
    a->SectorSize = 512;
    CHECK(IoAttachDeviceToDeviceStack(b, a) == a);
    CHECK(b->StackSize == 2 && b->AlignmentRequirement == 7 && b->SectorSize == 512 &&
          a->AttachedDevice == b);
    CHECK_STATUS(IoAttachDeviceToDeviceStackSafe(c, a, &lower), STATUS_SUCCESS);
    CHECK(lower == b && c->StackSize == 3); /* the top, not the target */
    CHECK(IoGetAttachedDevice(a) == c);
    LONG references = ob_pointer_count(c);
    CHECK(IoGetAttachedDeviceReference(a) == c && ob_pointer_count(c) == references + 1);
    ob_dereference(c);
    CHECK(IoGetLowerDeviceObject(c) == b);
    ob_dereference(b);
    CHECK(IoGetLowerDeviceObject(a) == NULL);
    CHECK(IoGetDeviceAttachmentBaseRef(c) == a);
    ob_dereference(a);
    IoDetachDevice(b);
    CHECK(!b->AttachedDevice && IoGetLowerDeviceObject(c) == NULL && IoGetAttachedDevice(a) == b);
    b->Flags |= DO_DEVICE_INITIALIZING;
    CHECK(IoAttachDeviceToDeviceStack(c, a) == NULL);
    b->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    IoDeleteDevice(a); /* waits for b */
    CHECK(a->AttachedDevice == b);
    IoDetachDevice(a);
    CHECK(driver->DeviceObject == c && c->NextDevice == b && !b->NextDevice);
}

NT_TEST(open_and_close)
{
    PDRIVER_OBJECT driver = make_driver("open");
    PDEVICE_OBJECT device = io_test_device(driver, u"\\Device\\Open", 0);
    HANDLE h, second;
    CHECK_STATUS(io_test_open(u"\\Device\\Open", FILE_SYNCHRONOUS_IO_NONALERT, &h), STATUS_SUCCESS);
    CHECK(io_logged("0") && device->ReferenceCount == 1 && create_name_length == 0);
    CHECK(create_location.Parameters.Create.Options == (FILE_OPEN << 24 | FILE_SYNCHRONOUS_IO_NONALERT));
    CHECK(create_location.Parameters.Create.ShareAccess == (FILE_SHARE_READ | FILE_SHARE_WRITE));
    ob_handle_close(h, UserMode);
    CHECK(io_logged("12 2") && device->ReferenceCount == 0);
    CHECK_STATUS(io_test_open(u"\\Device\\Open\\tail\\x", 0, &h), STATUS_SUCCESS);
    CHECK(create_name_length == 14 && create_name[0] == '\\' && create_name[1] == 't');
    PFILE_OBJECT file;
    CHECK_STATUS(ob_reference_by_handle(h, 0, io_file_type, UserMode, (void **)&file, NULL), STATUS_SUCCESS);
    ob_handle_close(h, UserMode);
    CHECK(io_logged("0 12")); /* DO-60: CLOSE waits for the reference */
    ob_dereference(file);
    CHECK(io_logged("2"));
    create_status = STATUS_DEVICE_NOT_READY;
    CHECK_STATUS(io_test_open(u"\\Device\\Open", 0, &h), STATUS_DEVICE_NOT_READY);
    CHECK(io_logged("0") && device->ReferenceCount == 0);
    create_status = STATUS_SUCCESS;
    device->Flags |= DO_EXCLUSIVE;
    CHECK_STATUS(io_test_open(u"\\Device\\Open", 0, &h), STATUS_SUCCESS);
    CHECK_STATUS(io_test_open(u"\\Device\\Open\\x", 0, &second), STATUS_ACCESS_DENIED);
    ob_handle_close(h, UserMode);
    device->Flags |= DO_DEVICE_INITIALIZING;
    CHECK_STATUS(io_test_open(u"\\Device\\Open", 0, &h), STATUS_NO_SUCH_DEVICE);
    CHECK_STATUS(io_test_open(u"\\Device\\Absent", 0, &h), STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_STATUS(
        io_test_open(u"\\Device\\Open", FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT, &h),
        STATUS_INVALID_PARAMETER);
}

NT_TEST(links_and_pointers)
{
    PDRIVER_OBJECT driver = make_driver("links");
    PDEVICE_OBJECT lower = io_test_device(driver, u"\\Device\\Linked", 0),
                   upper = io_test_device(driver, NULL, 0), device;
    UNICODE_STRING link = io_string(u"\\DosDevices\\Linked1"), name = io_string(u"\\Device\\Linked");
    PFILE_OBJECT file;
    HANDLE h;
    CHECK_STATUS(IoCreateSymbolicLink(&link, &name), STATUS_SUCCESS);
    CHECK_STATUS(IoCreateSymbolicLink(&link, &name), STATUS_OBJECT_NAME_COLLISION);
    CHECK_STATUS(io_test_open(u"\\??\\Linked1", 0, &h), STATUS_SUCCESS);
    ob_handle_close(h, UserMode);
    CHECK_STATUS(IoAttachDevice(upper, &name, &device), STATUS_SUCCESS);
    CHECK(device == lower);
    CHECK(io_logged("0 12 2 0 12 2")); /* the second open's end went through the new top */
    CHECK_STATUS(IoGetDeviceObjectPointer(&link, FILE_READ_DATA, &file, &device), STATUS_SUCCESS);
    CHECK(device == upper && io_logged("0 12"));
    ob_dereference(file);
    CHECK(io_logged("2"));
    CHECK_STATUS(IoDeleteSymbolicLink(&link), STATUS_SUCCESS);
    CHECK_STATUS(io_test_open(u"\\??\\Linked1", 0, &h), STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_STATUS(IoDeleteSymbolicLink(&link), STATUS_OBJECT_NAME_NOT_FOUND);
}

static VOID NTAPI unload(PDRIVER_OBJECT driver)
{
    io_log("unload");
    while (driver->DeviceObject)
        IoDeleteDevice(driver->DeviceObject);
}

static unsigned left_behind;
static void devices_left(PDRIVER_OBJECT driver, unsigned count)
{
    (void)driver;
    left_behind = count;
}

static VOID NTAPI careless_unload(PDRIVER_OBJECT driver)
{
    (void)driver;
}

NT_TEST(unloading)
{
    PDRIVER_OBJECT driver = make_driver("unload");
    PDEVICE_OBJECT device = io_test_device(driver, u"\\Device\\Unload", 0);
    HANDLE h, second;
    CHECK_STATUS(io_unload_driver(driver), STATUS_INVALID_DEVICE_REQUEST);
    driver->DriverUnload = unload;
    CHECK_STATUS(io_test_open(u"\\Device\\Unload", 0, &h), STATUS_SUCCESS);
    CHECK_STATUS(io_unload_driver(driver), STATUS_PENDING);
    CHECK_STATUS(io_test_open(u"\\Device\\Unload", 0, &second), STATUS_NO_SUCH_DEVICE);
    PDEVICE_OBJECT other = io_test_device(make_driver("other"), NULL, 0);
    CHECK(IoAttachDeviceToDeviceStack(other, device) == NULL);
    io_test_device(driver, u"\\Device\\Late", 0); /* LC-09: what is made meanwhile goes too */
    CHECK_STATUS(io_test_open(u"\\Device\\Late", 0, &second), STATUS_NO_SUCH_DEVICE);
    CHECK(io_logged("0"));
    ob_handle_close(h, UserMode);
    ex_drain_work();
    CHECK(io_logged("12 2 unload") && io_find_driver("unload") == NULL);

    driver = make_driver("again");
    io_test_device(driver, u"\\Device\\Again", 0);
    driver->DriverUnload = unload;
    CHECK_STATUS(io_unload_driver(driver), STATUS_SUCCESS);
    CHECK(io_logged("unload") && io_find_driver("again") == NULL);

    driver = make_driver("attached");
    device = io_test_device(driver, NULL, 0);
    driver->DriverUnload = unload;
    CHECK(IoAttachDeviceToDeviceStack(other, device) == device);
    CHECK_STATUS(io_unload_driver(driver), STATUS_PENDING);
    IoDetachDevice(device);
    ex_drain_work();
    CHECK(io_logged("unload"));

    driver = make_driver("careless");
    io_test_device(driver, NULL, 0);
    io_test_device(driver, u"\\Device\\Careless", 0);
    driver->DriverUnload = careless_unload;
    io_ops.devices_left = devices_left;
    CHECK_STATUS(io_unload_driver(driver), STATUS_SUCCESS);
    CHECK(left_behind == 2 && io_find_driver("careless") == NULL);
    io_ops.devices_left = NULL;
}

NT_TEST(delete_waits)
{
    PDRIVER_OBJECT driver = make_driver("delete");
    PDEVICE_OBJECT device = io_test_device(driver, u"\\Device\\Delete", 0);
    HANDLE h, second;
    CHECK_STATUS(io_test_open(u"\\Device\\Delete", 0, &h), STATUS_SUCCESS);
    IoDeleteDevice(device);
    CHECK(driver->DeviceObject == device);
    CHECK_STATUS(io_test_open(u"\\Device\\Delete", 0, &second), STATUS_OBJECT_NAME_NOT_FOUND);
    ob_handle_close(h, UserMode);
    CHECK(io_logged("0 12 2") && !driver->DeviceObject);
}

/* DO-51, DO-24: whom the descriptor keeps out, of the device and of its namespace. */
NT_TEST(descriptors)
{
    PDRIVER_OBJECT driver = make_driver("secure");
    PDEVICE_OBJECT device = io_test_device(driver, u"\\Device\\Secure", 0),
                   filter = io_test_device(driver, NULL, 0);
    HANDLE h;
    PFILE_OBJECT file;
    UNICODE_STRING name = io_string(u"\\Device\\Secure");
    mm_free(device->SecurityDescriptor);
    CHECK_STATUS(se_from_sddl(u"D:P", &device->SecurityDescriptor), STATUS_SUCCESS);
    CHECK_STATUS(io_test_open(u"\\Device\\Secure", 0, &h), STATUS_ACCESS_DENIED);
    CHECK_STATUS(io_test_open(u"\\Device\\Secure\\name", 0, &h), STATUS_SUCCESS);
    ob_handle_close(h, UserMode);
    CHECK(IoAttachDeviceToDeviceStack(filter, device) == device);
    filter->Characteristics |= FILE_DEVICE_SECURE_OPEN;
    CHECK_STATUS(io_test_open(u"\\Device\\Secure\\name", 0, &h), STATUS_ACCESS_DENIED);
    CHECK(device->ReferenceCount == 0);
    CHECK_STATUS(IoGetDeviceObjectPointer(&name, FILE_READ_DATA, &file, &filter),
                 STATUS_SUCCESS); /* the kernel may */
    ob_dereference(file);
    mm_free(device->SecurityDescriptor);
    CHECK_STATUS(se_from_sddl(u"D:P(A;;GA;;;SY)(A;;GR;;;BA)", &device->SecurityDescriptor),
                 STATUS_SUCCESS);                                                 /* DO-54 */
    CHECK_STATUS(io_test_open(u"\\Device\\Secure", 0, &h), STATUS_ACCESS_DENIED); /* asks to write too */
    mm_free(device->SecurityDescriptor);
    CHECK_STATUS(se_from_sddl(u"D:P(A;;GA;;;SY)(A;;GA;;;BA)", &device->SecurityDescriptor), STATUS_SUCCESS);
    CHECK_STATUS(io_test_open(u"\\Device\\Secure", 0, &h), STATUS_SUCCESS);
    ob_handle_close(h, UserMode);
}

static NTSTATUS NTAPI reparsing(PDEVICE_OBJECT device, PIRP irp)
{
    PFILE_OBJECT file = IoGetCurrentIrpStackLocation(irp)->FileObject;
    if (IoGetCurrentIrpStackLocation(irp)->MajorFunction != IRP_MJ_CREATE || !file->FileName.Length)
        return dispatch(device, irp);
    static const WCHAR elsewhere[] = u"\\Device\\Elsewhere";
    struct {
        ULONG tag;
        USHORT length, unparsed, substitute_offset, substitute_length, print_offset, print_length;
        WCHAR path[20];
    } *data = mm_pool_allocate(PagedPool, sizeof(*data), IO_NAME_TAG, true, reparsing);
    data->tag = 0xA0000003; /* a mount point */
    data->unparsed = 4 * sizeof(WCHAR);
    data->substitute_length = sizeof(elsewhere) - sizeof(WCHAR);
    __builtin_memcpy(data->path, elsewhere, sizeof(elsewhere));
    irp->Tail.Overlay.AuxiliaryBuffer = (PCHAR)data;
    irp->IoStatus.Information = data->tag;
    irp->IoStatus.Status = STATUS_REPARSE;
    IofCompleteRequest(irp, IO_NO_INCREMENT);
    return STATUS_REPARSE;
}

NT_TEST(mount_points)
{
    PDRIVER_OBJECT driver = make_driver("mount"), other = make_driver("elsewhere");
    PDEVICE_OBJECT first = io_test_device(driver, u"\\Device\\First", 0),
                   second = io_test_device(other, u"\\Device\\Elsewhere", 0);
    HANDLE h;
    driver->MajorFunction[IRP_MJ_CREATE] = reparsing;
    CHECK_STATUS(io_test_open(u"\\Device\\First\\dir\\abc", 0, &h), STATUS_SUCCESS); /* IRP-93 */
    CHECK(first->ReferenceCount == 0 && second->ReferenceCount == 1);
    CHECK(create_name_length == 8 && create_name[0] == '\\' && create_name[1] == 'a');
    ob_handle_close(h, UserMode);
}

static PIRP held_create;

static NTSTATUS NTAPI pending_create(PDEVICE_OBJECT device, PIRP irp)
{
    if (IoGetCurrentIrpStackLocation(irp)->MajorFunction != IRP_MJ_CREATE)
        return dispatch(device, irp);
    IoMarkIrpPending(irp);
    held_create = irp;
    return STATUS_PENDING;
}

static void complete_create(void *context)
{
    LARGE_INTEGER interval = {.QuadPart = -100000};
    while (!held_create)
        KeDelayExecutionThread(KernelMode, FALSE, &interval);
    held_create->IoStatus.Status = *(NTSTATUS *)context;
    held_create->IoStatus.Information = FILE_CREATED;
    IofCompleteRequest(held_create, IO_NO_INCREMENT);
    ke_thread_exit(STATUS_SUCCESS);
}

NT_TEST(creates_that_pend)
{
    PDRIVER_OBJECT driver = make_driver("slow");
    PDEVICE_OBJECT device = io_test_device(driver, u"\\Device\\Slow", 0);
    driver->MajorFunction[IRP_MJ_CREATE] = pending_create;
    NTSTATUS results[] = {STATUS_SUCCESS, STATUS_DEVICE_NOT_READY};
    for (unsigned i = 0; i < countof(results); i++) {
        struct ps_thread *thread;
        HANDLE h;
        held_create = NULL;
        CHECK_STATUS(ps_create_system_thread(&thread, complete_create, &results[i], "completer"),
                     STATUS_SUCCESS);
        CHECK_STATUS(io_test_open(u"\\Device\\Slow", 0, &h), results[i]);
        CHECK(device->ReferenceCount == (NT_SUCCESS(results[i]) ? 1 : 0));
        if (NT_SUCCESS(results[i]))
            ob_handle_close(h, UserMode);
        KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL);
        ob_dereference(thread);
    }
    CHECK(io_logged("12 2"));
}

static VOID NTAPI reinitialize(PDRIVER_OBJECT driver, PVOID context, ULONG count)
{
    io_log("%s%u", (const char *)context, (unsigned)count);
    if (count == 1)
        IoRegisterDriverReinitialization(driver, reinitialize, (PVOID) "again");
}

/* LC-08. */
NT_TEST(reinitialization)
{
    PDRIVER_OBJECT driver = make_driver("reinit"), other = make_driver("other");
    io_driver_of(driver)->entered = true;
    IoRegisterDriverReinitialization(driver, reinitialize, (PVOID) "a");
    IoRegisterDriverReinitialization(other, reinitialize, (PVOID) "o");
    IoRegisterDriverReinitialization(driver, reinitialize, (PVOID) "b");
    io_run_reinitialize();
    CHECK(io_logged("a1 b2 again3"));
    io_forget_reinitialize(other);
    io_run_reinitialize();
    CHECK(io_logged(""));
}

static void release_later(void *lock)
{
    LARGE_INTEGER interval = {.QuadPart = -100000};
    KeDelayExecutionThread(KernelMode, FALSE, &interval);
    io_log("released");
    IoReleaseRemoveLockEx(lock, NULL, sizeof(IO_REMOVE_LOCK));
    ke_thread_exit(STATUS_SUCCESS);
}

static NAMED_PIPE_CREATE_PARAMETERS pipe_seen;
static MAILSLOT_CREATE_PARAMETERS mailslot_seen;

static NTSTATUS NTAPI look_at_parameters(PDEVICE_OBJECT device, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    if (location->MajorFunction == IRP_MJ_CREATE_NAMED_PIPE)
        pipe_seen = *location->Parameters.CreatePipe.Parameters;
    else
        mailslot_seen = *location->Parameters.CreateMailslot.Parameters;
    return dispatch(device, irp);
}

/* MJ-01, MJ-13: what only a pipe or a mailslot has goes to its file system. */
NT_TEST(pipes_and_mailslots)
{
    PDRIVER_OBJECT driver = make_driver("npfs");
    UNICODE_STRING name = io_string(u"\\Device\\Npfs\\p");
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK iosb;
    HANDLE h;
    LARGE_INTEGER timeout = {.QuadPart = -5000};
    driver->MajorFunction[IRP_MJ_CREATE_NAMED_PIPE] = look_at_parameters;
    driver->MajorFunction[IRP_MJ_CREATE_MAILSLOT] = look_at_parameters;
    io_test_device(driver, u"\\Device\\Npfs", 0);
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK_STATUS(ZW_CALL(NtCreateNamedPipeFile(&h, GENERIC_READ, &attributes, &iosb, FILE_SHARE_READ,
                                               FILE_CREATE, 0, 1, 1, 0, 3, 100, 200, &timeout)),
                 STATUS_SUCCESS);
    ob_handle_close(h, KernelMode);
    CHECK(pipe_seen.NamedPipeType == 1 && pipe_seen.ReadMode == 1 && pipe_seen.CompletionMode == 0);
    CHECK(pipe_seen.MaximumInstances == 3 && pipe_seen.InboundQuota == 100 && pipe_seen.OutboundQuota == 200);
    CHECK(pipe_seen.TimeoutSpecified && pipe_seen.DefaultTimeout.QuadPart == -5000);
    CHECK_STATUS(ZW_CALL(NtCreateMailslotFile(&h, GENERIC_READ, &attributes, &iosb, 0, 1000, 64, &timeout)),
                 STATUS_SUCCESS);
    ob_handle_close(h, KernelMode);
    CHECK(mailslot_seen.MailslotQuota == 1000 && mailslot_seen.MaximumMessageSize == 64);
    CHECK(mailslot_seen.TimeoutSpecified && mailslot_seen.ReadTimeout.QuadPart == -5000);
}

NT_TEST(remove_lock)
{
    IO_REMOVE_LOCK lock;
    struct ps_thread *thread;
    __builtin_memset(&lock, 0xCC, sizeof(lock));
    IoInitializeRemoveLockEx(&lock, 0, 0, 0, sizeof(lock));
    CHECK_STATUS(IoAcquireRemoveLockEx(&lock, NULL, "", 0, sizeof(lock)), STATUS_SUCCESS);
    CHECK_STATUS(IoAcquireRemoveLockEx(&lock, NULL, "", 0, sizeof(lock)), STATUS_SUCCESS);
    CHECK_STATUS(ps_create_system_thread(&thread, release_later, &lock, "releaser"), STATUS_SUCCESS);
    IoReleaseRemoveLockAndWaitEx(&lock, NULL, sizeof(lock)); /* waits for the other one */
    io_log("removed");
    CHECK(io_logged("released removed"));
    CHECK_STATUS(IoAcquireRemoveLockEx(&lock, NULL, "", 0, sizeof(lock)), STATUS_DELETE_PENDING);
    KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL);
    ob_dereference(thread);
}

int run_object_tests(void)
{
    const struct CMUnitTest tests[] = {
        IO_TEST(new_driver),
        IO_TEST(after_entry),
        IO_TEST(client_extensions),
        IO_TEST(new_device),
        IO_TEST(stacks),
        IO_TEST(unloading),
        IO_TEST(open_and_close),
        IO_TEST(links_and_pointers),
        IO_TEST(remove_lock),
        IO_TEST(delete_waits),
        IO_TEST(creates_that_pend),
        IO_TEST(reinitialization),
        IO_TEST(descriptors),
        IO_TEST(mount_points),
        IO_TEST(pipes_and_mailslots),
    };
    return cmocka_run_group_tests_name("io: objects", tests, NULL, NULL);
}
