/* SPDX-License-Identifier: MIT */
/* The final stage, as the requester sees it: IRP-80..94 and the pending contract at the service. */
#include <ntifs.h>
#include "target.h"

static UCHAR buffer[64];
static NTSTATUS answer;
static ULONG answer_information;
static BOOLEAN iosb_untouched_in_dispatch;

static NTSTATUS fill_and_complete(PDEVICE_OBJECT device, PIRP Irp, PIO_STACK_LOCATION location)
{
    if (Irp->AssociatedIrp.SystemBuffer != NULL && location->MajorFunction == IRP_MJ_READ)
        RtlFillMemory(Irp->AssociatedIrp.SystemBuffer, location->Parameters.Read.Length, 'A');
    return complete_with(Irp, answer, answer_information);
}

static NTSTATUS pend_and_complete(PDEVICE_OBJECT device, PIRP Irp, PIO_STACK_LOCATION location)
{
    IoMarkIrpPending(Irp);
    fill_and_complete(device, Irp, location);
    return STATUS_PENDING;
}

static NTSTATUS read_target(HANDLE handle, HANDLE event, PIO_STATUS_BLOCK iosb, ULONG length)
{
    RtlZeroMemory(buffer, sizeof(buffer));
    return ZwReadFile(handle, event, NULL, NULL, iosb, buffer, length, NULL, NULL);
}

/* IRP-82: deferred: the walk ends in dispatch, the final stage runs when the service has IoCallDriver's
 * return. */
static NTSTATUS complete_and_look(PDEVICE_OBJECT device, PIRP Irp, PIO_STACK_LOCATION location)
{
    PIO_STATUS_BLOCK iosb = Irp->UserIosb;

    complete_with(Irp, STATUS_SUCCESS, 3);
    iosb_untouched_in_dispatch = iosb->Information == 0x99;
    return STATUS_SUCCESS;
}

static VOID test_deferred(HANDLE handle)
{
    IO_STATUS_BLOCK iosb = {.Information = 0x99};

    target_handler = complete_and_look;
    CHECK_STATUS("IRP-82", read_target(handle, NULL, &iosb, 8), STATUS_SUCCESS);
    CHECK("IRP-82", (saw.flags & IRP_DEFER_IO_COMPLETION) != 0);
    CHECK("IRP-82", iosb_untouched_in_dispatch);
    CHECK_EQ("IRP-82", iosb.Information, 3);
}

/* IRP-83: pended: a kernel APC to the requester does the rest: not before its IRQL allows APCs. */
static VOID test_apc(void)
{
    IO_STATUS_BLOCK iosb = {.Information = 0x99};
    KEVENT event;
    KIRQL irql;
    PIRP Irp;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    target_handler = target_hold;
    Irp = IoBuildSynchronousFsdRequest(IRP_MJ_FLUSH_BUFFERS, target_device, NULL, 0, NULL, &event, &iosb);
    CHECK_STATUS("IRP-83", IoCallDriver(target_device, Irp), STATUS_PENDING);
    KeRaiseIrql(APC_LEVEL, &irql);
    complete_with(held, STATUS_SUCCESS, 12);
    CHECK_EQ("IRP-83", iosb.Information, 0x99);
    CHECK_EQ("IRP-83", KeReadStateEvent(&event), 0);
    KeLowerIrql(irql);
    CHECK_EQ("IRP-83", iosb.Information, 12);
    CHECK("IRP-83", KeReadStateEvent(&event) != 0);
}

/* IRP-81: paging I/O completes without an APC: block and event are there at APC_LEVEL already. */
static VOID test_paging(void)
{
    IO_STATUS_BLOCK iosb = {.Information = 0x99};
    KEVENT event;
    KIRQL irql;
    PIRP Irp;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    target_handler = target_hold;
    Irp = IoAllocateIrp(target_device->StackSize, FALSE);
    Irp->Flags = IRP_PAGING_IO | IRP_SYNCHRONOUS_PAGING_IO | IRP_NOCACHE;
    Irp->UserEvent = &event;
    Irp->UserIosb = &iosb;
    Irp->Tail.Overlay.Thread = PsGetCurrentThread();
    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_READ;
    KeRaiseIrql(APC_LEVEL, &irql);
    IoCallDriver(target_device, Irp);
    complete_with(held, STATUS_SUCCESS, 4096); /* frees the IRP too */
    CHECK_EQ("IRP-81", iosb.Information, 4096);
    CHECK("IRP-81", KeReadStateEvent(&event) != 0);
    KeLowerIrql(irql);
}

/* IRP-81: a synchronous paging IRP is freed: more of them than the machine can hold, one after the other. */
static VOID test_paging_freed(void)
{
    IO_STATUS_BLOCK iosb;
    KEVENT event;
    ULONG i;
    PIRP Irp;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    target_handler = target_succeed;
    for (i = 0; i < 100000; i++) {
        Irp = IoAllocateIrp(8, FALSE);
        if (Irp == NULL)
            break;
        Irp->Flags = IRP_PAGING_IO | IRP_SYNCHRONOUS_PAGING_IO | IRP_NOCACHE;
        Irp->UserEvent = &event;
        Irp->UserIosb = &iosb;
        IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_READ;
        IoCallDriver(target_device, Irp);
    }
    CHECK_EQ("IRP-81", i, 100000);
}

static BOOLEAN copied(ULONG count)
{
    ULONG i;

    for (i = 0; i < sizeof(buffer); i++)
        if (buffer[i] != (i < count ? 'A' : 0))
            return FALSE;
    return TRUE;
}

/* IRP-84: which statuses copy the system buffer out, and how much. */
static VOID test_copy_out(HANDLE handle)
{
    IO_STATUS_BLOCK iosb;

    target_device->Flags |= DO_BUFFERED_IO;
    target_handler = fill_and_complete;
    answer = STATUS_SUCCESS;
    answer_information = 10;
    CHECK_STATUS("IRP-84", read_target(handle, NULL, &iosb, 32), STATUS_SUCCESS);
    CHECK("IRP-84",
          (saw.flags & (IRP_BUFFERED_IO | IRP_INPUT_OPERATION)) == (IRP_BUFFERED_IO | IRP_INPUT_OPERATION));
    CHECK("IRP-84", copied(10)); /* Information bytes, not the length asked for */
    answer = STATUS_BUFFER_OVERFLOW;
    CHECK_STATUS("IRP-84", read_target(handle, NULL, &iosb, 32), STATUS_BUFFER_OVERFLOW);
    CHECK("IRP-84", copied(10)); /* a warning copies */
    answer = STATUS_UNSUCCESSFUL;
    CHECK_STATUS("IRP-84", read_target(handle, NULL, &iosb, 32), STATUS_UNSUCCESSFUL);
    CHECK("IRP-84", copied(0)); /* an error does not */
    answer = STATUS_VERIFY_REQUIRED;
    read_target(handle, NULL, &iosb, 32);
    CHECK("IRP-84", copied(0)); /* nor does this warning */
    target_device->Flags &= ~DO_BUFFERED_IO;
}

/* IRP-84: a fault in the copy is swallowed and becomes the request's status. */
static PVOID vanishing;
static NTSTATUS unmap_then_complete(PDEVICE_OBJECT device, PIRP Irp, PIO_STACK_LOCATION location)
{
    SIZE_T size = 0;

    ZwFreeVirtualMemory(ZwCurrentProcess(), &vanishing, &size, MEM_RELEASE);
    return complete_with(Irp, STATUS_SUCCESS, 16);
}

static VOID test_copy_fault(HANDLE handle)
{
    IO_STATUS_BLOCK iosb;
    SIZE_T size = 4096;

    vanishing = NULL;
    CHECK_STATUS("IRP-84",
                 ZwAllocateVirtualMemory(ZwCurrentProcess(), &vanishing, 0, &size, MEM_COMMIT | MEM_RESERVE,
                                         PAGE_READWRITE),
                 STATUS_SUCCESS);
    target_device->Flags |= DO_BUFFERED_IO;
    target_handler = unmap_then_complete;
    CHECK("IRP-84", NT_ERROR(ZwReadFile(handle, NULL, NULL, NULL, &iosb, vanishing, 16, NULL, NULL)));
    target_device->Flags &= ~DO_BUFFERED_IO;
}

/* The same after STATUS_PENDING: the waiting service returns it. */
static NTSTATUS unmap_then_pend(PDEVICE_OBJECT device, PIRP Irp, PIO_STACK_LOCATION location)
{
    SIZE_T size = 0;

    ZwFreeVirtualMemory(ZwCurrentProcess(), &vanishing, &size, MEM_RELEASE);
    IoMarkIrpPending(Irp);
    complete_with(Irp, STATUS_SUCCESS, 16);
    return STATUS_PENDING;
}

static VOID test_copy_fault_after_pending(HANDLE handle)
{
    IO_STATUS_BLOCK iosb;
    SIZE_T size = 4096;

    vanishing = NULL;
    ZwAllocateVirtualMemory(ZwCurrentProcess(), &vanishing, 0, &size, MEM_COMMIT | MEM_RESERVE,
                            PAGE_READWRITE);
    target_device->Flags |= DO_BUFFERED_IO;
    target_handler = unmap_then_pend;
    CHECK_STATUS("IRP-84", ZwReadFile(handle, NULL, NULL, NULL, &iosb, vanishing, 16, NULL, NULL),
                 STATUS_ACCESS_VIOLATION);
    target_device->Flags &= ~DO_BUFFERED_IO;
}

/* IRP-80: the MDLs are freed: more of them than the machine has memory for, one after the other. */
static VOID test_mdls_freed(void)
{
    IO_STATUS_BLOCK iosb;
    KEVENT event;
    ULONG i;
    PIRP Irp;

    target_handler = target_succeed;
    for (i = 0; i < 1024; i++) {
        KeInitializeEvent(&event, NotificationEvent, FALSE);
        Irp = IoBuildSynchronousFsdRequest(IRP_MJ_FLUSH_BUFFERS, target_device, NULL, 0, NULL, &event, &iosb);
        if (IoAllocateMdl((PVOID)0x10000, 64 << 20, FALSE, FALSE, Irp) == NULL)
            break;
        IoCallDriver(target_device, Irp);
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
    }
    CHECK_EQ("IRP-80", i, 1024);
}

/* IRP-86: the request's reference to the file goes with the request: then the last handle closes the file. */
static VOID test_file_reference(HANDLE (*open)(void))
{
    LARGE_INTEGER zero = {.QuadPart = 0};
    IO_STATUS_BLOCK iosb;
    HANDLE handle;

    target_handler = target_succeed;
    handle = open();
    answer = STATUS_SUCCESS;
    target_handler = fill_and_complete;
    ZwReadFile(handle, NULL, NULL, NULL, &iosb, buffer, 8, &zero, NULL);
    target_handler = pend_and_complete;
    ZwReadFile(handle, NULL, NULL, NULL, &iosb, buffer, 8, &zero, NULL);
    target_handler = target_succeed;
    saw.calls[IRP_MJ_CLOSE] = 0;
    ZwClose(handle);
    CHECK_EQ("IRP-86", saw.calls[IRP_MJ_CLOSE], 1);
}

/* IRP-85: the system buffer is freed: four times the machine's memory goes through without running out. */
static VOID test_buffer_freed(HANDLE handle)
{
    ULONG length = 256 * 1024, i;
    PVOID big = ExAllocatePoolWithTag(NonPagedPool, length, 'tseT');
    IO_STATUS_BLOCK iosb;
    NTSTATUS status = STATUS_SUCCESS;

    target_device->Flags |= DO_BUFFERED_IO;
    target_handler = fill_and_complete;
    answer = STATUS_SUCCESS;
    answer_information = 0;
    for (i = 0; i < 1024 && status == STATUS_SUCCESS; i++)
        status = ZwReadFile(handle, NULL, NULL, NULL, &iosb, big, length, NULL, NULL);
    CHECK_STATUS("IRP-85", status, STATUS_SUCCESS);
    CHECK("IRP-85", (saw.flags & IRP_DEALLOCATE_BUFFER) != 0);
    ExFreePoolWithTag(big, 'tseT');
    target_device->Flags &= ~DO_BUFFERED_IO;
}

static VOID make_event(HANDLE *handle, PKEVENT *event)
{
    ZwCreateEvent(handle, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE);
    ObReferenceObjectByHandle(*handle, EVENT_ALL_ACCESS, *ExEventObjectType, KernelMode, (PVOID *)event,
                              NULL);
}

static VOID close_event(HANDLE handle, PKEVENT event)
{
    ObDereferenceObject(event);
    ZwClose(handle);
}

/* IRP-86..88: what is told to whom, by status, pending and kind of handle. */
static VOID test_notification(HANDLE sync, HANDLE async)
{
    IO_STATUS_BLOCK iosb;
    LARGE_INTEGER zero = {.QuadPart = 0};
    PKEVENT event;
    HANDLE handle;
    NTSTATUS status;

    make_event(&handle, &event);
    target_handler = pend_and_complete;
    answer = STATUS_SUCCESS;
    answer_information = 6;
    RtlFillMemory(&iosb, sizeof(iosb), 0x99);
    status = ZwReadFile(async, handle, NULL, NULL, &iosb, buffer, 8, &zero, NULL);
    CHECK_STATUS("IRP-86", status, STATUS_PENDING);
    ZwWaitForSingleObject(handle, FALSE, NULL);
    CHECK_STATUS("IRP-86", iosb.Status, STATUS_SUCCESS);
    CHECK_EQ("IRP-86", iosb.Information, 6);
    CHECK("IRP-86", saw.user_event == event);

    /* An error that was pended on an asynchronous handle is told as well. */
    answer = STATUS_DEVICE_NOT_READY;
    RtlFillMemory(&iosb, sizeof(iosb), 0x99);
    KeClearEvent(event);
    status = ZwReadFile(async, handle, NULL, NULL, &iosb, buffer, 8, &zero, NULL);
    CHECK_STATUS("IRP-86", status, STATUS_PENDING);
    CHECK("IRP-86", KeReadStateEvent(event) != 0);
    CHECK_STATUS("IRP-86", iosb.Status, STATUS_DEVICE_NOT_READY);

    /* IRP-87: an immediate error: only the service's return value. */
    target_handler = fill_and_complete;
    RtlFillMemory(&iosb, sizeof(iosb), 0x99);
    KeClearEvent(event);
    status = ZwReadFile(async, handle, NULL, NULL, &iosb, buffer, 8, &zero, NULL);
    CHECK_STATUS("IRP-87", status, STATUS_DEVICE_NOT_READY);
    CHECK_EQ("IRP-87", iosb.Information, 0x9999999999999999ull);
    CHECK_EQ("IRP-87", KeReadStateEvent(event), 0);

    /* IRP-88: a pended error on a synchronous handle: the block is written. */
    target_handler = pend_and_complete;
    RtlFillMemory(&iosb, sizeof(iosb), 0x99);
    status = read_target(sync, NULL, &iosb, 8);
    CHECK_STATUS("IRP-88", status, STATUS_DEVICE_NOT_READY);
    CHECK_STATUS("IRP-88", iosb.Status, STATUS_DEVICE_NOT_READY);
    CHECK_EQ("IRP-88", iosb.Information, 6);

    /* IRP-86: the status is kept in a synchronous file object, and its event is set. */
    answer = STATUS_SUCCESS;
    read_target(sync, NULL, &iosb, 8);
    CHECK("IRP-86", KeReadStateEvent(&saw.file->Event) != 0);
    CHECK_STATUS("IRP-86", saw.file->FinalStatus, STATUS_SUCCESS);
    close_event(handle, event);
}

/* IRP-90: the APC routine gets its context and the block. */
static PVOID apc_context;
static PIO_STATUS_BLOCK apc_iosb;
static ULONG apc_calls;
static VOID NTAPI apc_routine(PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, ULONG Reserved)
{
    apc_calls++;
    apc_context = ApcContext;
    apc_iosb = IoStatusBlock;
}

static VOID test_user_apc(HANDLE async)
{
    IO_STATUS_BLOCK iosb;
    LARGE_INTEGER zero = {.QuadPart = 0};

    target_handler = pend_and_complete;
    answer = STATUS_SUCCESS;
    apc_calls = 0;
    ZwReadFile(async, NULL, apc_routine, (PVOID)0x1234, &iosb, buffer, 8, &zero, NULL);
    CHECK_EQ("IRP-90", apc_calls, 1);
    CHECK("IRP-90", apc_context == (PVOID)0x1234 && apc_iosb == &iosb);
    /* An immediate error brings no APC. */
    target_handler = fill_and_complete;
    answer = STATUS_UNSUCCESSFUL;
    ZwReadFile(async, NULL, apc_routine, (PVOID)0x1234, &iosb, buffer, 8, &zero, NULL);
    CHECK_EQ("IRP-90", apc_calls, 1);
}

/* IRP-91: who waits in the service itself. */
static VOID test_synchronous_api(HANDLE async)
{
    FILE_BASIC_INFORMATION basic;
    IO_STATUS_BLOCK iosb;
    LARGE_INTEGER zero = {.QuadPart = 0};

    target_handler = pend_and_complete;
    answer = STATUS_SUCCESS;
    answer_information = sizeof(basic);
    CHECK_STATUS("IRP-91", ZwQueryInformationFile(async, &iosb, &basic, sizeof(basic), FileBasicInformation),
                 STATUS_SUCCESS);
    CHECK("IRP-91", (saw.flags & IRP_SYNCHRONOUS_API) != 0);
    CHECK_EQ("IRP-91", iosb.Information, sizeof(basic));
    answer_information = 0;
    CHECK_STATUS("IRP-91", ZwFlushBuffersFile(async, &iosb), STATUS_SUCCESS);
    CHECK_EQ("IRP-91", saw.major, IRP_MJ_FLUSH_BUFFERS);
    CHECK("IRP-91", (saw.flags & IRP_SYNCHRONOUS_API) != 0);
    ZwReadFile(async, NULL, NULL, NULL, &iosb, buffer, 8, &zero, NULL);
    CHECK_EQ("IRP-91", saw.flags & IRP_SYNCHRONOUS_API, 0);
}

/* IRP-92: a synchronous file has a position, which reads and writes advance by Information. */
static VOID test_position(HANDLE sync)
{
    LARGE_INTEGER where = {.QuadPart = 1000};
    IO_STATUS_BLOCK iosb;

    target_handler = fill_and_complete;
    answer = STATUS_SUCCESS;
    answer_information = 5;
    ZwReadFile(sync, NULL, NULL, NULL, &iosb, buffer, 8, &where, NULL);
    CHECK_EQ("IRP-92", saw.location.Parameters.Read.ByteOffset.QuadPart, 1000);
    CHECK_EQ("IRP-92", saw.file->CurrentByteOffset.QuadPart, 1005);
    read_target(sync, NULL, &iosb, 8);
    CHECK_EQ("IRP-92", saw.location.Parameters.Read.ByteOffset.QuadPart, 1005);
    CHECK_EQ("IRP-92", saw.file->CurrentByteOffset.QuadPart, 1010);
    CHECK("IRP-92", (saw.file->Flags & FO_SYNCHRONOUS_IO) != 0);
}

/* IRP-93: STATUS_REPARSE of a create restarts the open under the name that the driver put into the file
 * object. */
static ULONG reparses;
static NTSTATUS reparse(PDEVICE_OBJECT device, PIRP Irp, PIO_STACK_LOCATION location)
{
    static const WCHAR to[] = L"\\Device\\Control";
    PFILE_OBJECT file = location->FileObject;

    if (location->MajorFunction != IRP_MJ_CREATE || file->FileName.Length == 0)
        return complete_with(Irp, STATUS_SUCCESS, 0);
    reparses++;
    ExFreePool(file->FileName.Buffer);
    file->FileName.Buffer = ExAllocatePoolWithTag(PagedPool, sizeof(to), 'mNoI');
    file->FileName.MaximumLength = sizeof(to);
    file->FileName.Length = sizeof(to) - sizeof(WCHAR);
    RtlCopyMemory(file->FileName.Buffer, to, sizeof(to));
    return complete_with(Irp, STATUS_REPARSE, IO_REPARSE);
}

static VOID test_reparse(void)
{
    IO_STATUS_BLOCK iosb;
    HANDLE handle = NULL;
    PFILE_OBJECT file;

    reparses = 0;
    target_handler = reparse;
    CHECK_STATUS("IRP-93",
                 open_name(L"\\Device\\Target\\elsewhere", FILE_SYNCHRONOUS_IO_NONALERT, &handle, &iosb),
                 STATUS_SUCCESS);
    CHECK_EQ("IRP-93", reparses, 1);
    CHECK_STATUS("IRP-93",
                 ObReferenceObjectByHandle(handle, 0, *IoFileObjectType, KernelMode, (PVOID *)&file, NULL),
                 STATUS_SUCCESS);
    CHECK("IRP-93", file->DeviceObject == control_device);
    ObDereferenceObject(file);
    ZwClose(handle);
}

/* IRP-80: the pages are unlocked right after the walk, the MDL is freed later, in the final stage. */
static USHORT flags_before, flags_after;
static NTSTATUS complete_direct(PDEVICE_OBJECT device, PIRP Irp, PIO_STACK_LOCATION location)
{
    PMDL mdl = Irp->MdlAddress;

    flags_before = (USHORT)mdl->MdlFlags;
    complete_with(Irp, STATUS_SUCCESS, 8);
    flags_after = (USHORT)mdl->MdlFlags; /* deferred: the MDL is there until the dispatch routine returns */
    return STATUS_SUCCESS;
}

static VOID test_mdl(HANDLE sync)
{
    IO_STATUS_BLOCK iosb;

    target_device->Flags |= DO_DIRECT_IO;
    target_handler = complete_direct;
    CHECK_STATUS("IRP-80", read_target(sync, NULL, &iosb, 8), STATUS_SUCCESS);
    CHECK("IRP-80", (flags_before & MDL_PAGES_LOCKED) != 0);
    CHECK_EQ("IRP-80", flags_after & MDL_PAGES_LOCKED, 0);
    target_device->Flags &= ~DO_DIRECT_IO;
}

static VOID run_tests(PIRP Irp)
{
    HANDLE sync, async;

    target_handler = target_succeed;
    sync = open_target();
    async = open_target_async();
    test_deferred(sync);
    test_apc();
    test_paging();
    test_paging_freed();
    test_copy_out(sync);
    test_copy_fault(sync);
    test_copy_fault_after_pending(sync);
    test_buffer_freed(sync);
    test_mdls_freed();
    test_file_reference(open_target);
    test_file_reference(open_target_async);
    test_notification(sync, async);
    test_user_apc(async);
    test_synchronous_api(async);
    test_position(sync);
    test_reparse();
    test_mdl(sync);
    target_handler = target_succeed;
    ZwClose(sync);
    ZwClose(async);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    return target_create(DriverObject);
}
