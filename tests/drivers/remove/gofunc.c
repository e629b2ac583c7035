/* SPDX-License-Identifier: MIT */
/*
 * A function or filter driver that handles stopping and going by the book, and
 * does otherwise when a play says so. Built under several names; its device is
 * \Device\NAME. It says what it is asked in the shared log (../pnp/testlog.h)
 * as NAME.MINOR; the questions of an enumeration only if asked to.
 *
 * Reads: answered with its name; held while it pauses (PH-11), kept for ever
 * after `slow=1`, failed when the device is gone (PH-13). RL_IOCTL(0) takes words:
 *
 *   fail=MINOR:STATUS   fails that PnP request the next time
 *   forget=MINOR        pends it and never completes it (PH-26)
 *   state=BITS          PNP_DEVICE_STATE, told by IoInvalidateDeviceState
 *   slow=0|1 release    reads wait; complete those that do
 *   lax=1               agrees to be stopped or removed with a special file on it (PH-14, PH-15)
 *   nofile=1            refuses special files (PH-28)
 *   relate=NAME         the device \Device\NAME goes with this one (PNP-07c)
 *   open=NAME shut      opens \Device\NAME from the kernel, and closes it
 *   page=NAME unpage    the same as a paging file
 *   try=NAME            when asked to be removed, it tries to open \Device\NAME and says the status
 *   keep=NAME poke      holds the PDO of \Device\NAME, deleted or not; sends it a PnP request
 *   lose                lets go of it
 *   rescan              IoInvalidateDeviceRelations for itself while it is asked to be removed
 *   eject               IoRequestDeviceEject for the device of `keep`, or for its own
 *   unload=NAME         ZwUnloadDriver, which PnP drivers refuse
 *   print=1             prints what it is asked, for the end of a run
 */
#include "../pnp/testlog.h"

NTKERNELAPI PDEVICE_OBJECT NTAPI IoGetDeviceAttachmentBaseRef(PDEVICE_OBJECT DeviceObject);

enum state { ADDED, STARTED, STOP_PENDING, STOPPED, REMOVE_PENDING, GONE };

struct extension {
    PDEVICE_OBJECT self, pdo, lower;
    IO_REMOVE_LOCK remove_lock;
    enum state state, former; /* former: where CANCEL_REMOVE leads back to */
    LIST_ENTRY reads;
    KSPIN_LOCK lock;
    IO_CSQ queue;
    ULONG fail_minor, fail_status, forget_minor; /* minor + 1 */
    ULONG bits, slow, lax, nofile, print;
    LONG files[4];
    BOOLEAN rescan, started_once;
    ULONG query_stops;
    PDEVICE_OBJECT related, kept;
    HANDLE opened, paged;
    char try_name[32];
};

static char me[40];

static NTSTATUS complete(PIRP irp, NTSTATUS status, ULONG_PTR information)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = information;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

/* ---- reads that wait ---- */

static VOID NTAPI insert(PIO_CSQ csq, PIRP irp)
{
    struct extension *e = CONTAINING_RECORD(csq, struct extension, queue);
    InsertTailList(&e->reads, &irp->Tail.Overlay.ListEntry);
}

static VOID NTAPI take_out(PIO_CSQ csq, PIRP irp)
{
    RemoveEntryList(&irp->Tail.Overlay.ListEntry);
}

/* The context is a file whose reads are wanted, or NULL. */
static PIRP NTAPI peek(PIO_CSQ csq, PIRP irp, PVOID context)
{
    struct extension *e = CONTAINING_RECORD(csq, struct extension, queue);
    PLIST_ENTRY at = irp ? irp->Tail.Overlay.ListEntry.Flink : e->reads.Flink;
    for (; at != &e->reads; at = at->Flink) {
        PIRP next = CONTAINING_RECORD(at, IRP, Tail.Overlay.ListEntry);
        if (!context || IoGetCurrentIrpStackLocation(next)->FileObject == context)
            return next;
    }
    return NULL;
}

static VOID NTAPI acquire(PIO_CSQ csq, PKIRQL irql)
{
    KeAcquireSpinLock(&CONTAINING_RECORD(csq, struct extension, queue)->lock, irql);
}

static VOID NTAPI release(PIO_CSQ csq, KIRQL irql)
{
    KeReleaseSpinLock(&CONTAINING_RECORD(csq, struct extension, queue)->lock, irql);
}

static VOID NTAPI canceled(PIO_CSQ csq, PIRP irp)
{
    complete(irp, STATUS_CANCELLED, 0);
}

static NTSTATUS answer_read(PIRP irp)
{
    ULONG length = IoGetCurrentIrpStackLocation(irp)->Parameters.Read.Length;
    if (length > strlen(me))
        length = (ULONG)strlen(me);
    memcpy(irp->AssociatedIrp.SystemBuffer, me, length);
    return complete(irp, STATUS_SUCCESS, length);
}

/* Completes what waits: answered, or with a failure. */
static void end_reads(struct extension *e, NTSTATUS failure, PFILE_OBJECT file)
{
    PIRP irp;
    while ((irp = IoCsqRemoveNextIrp(&e->queue, file)) != NULL) {
        if (NT_SUCCESS(failure))
            answer_read(irp);
        else
            complete(irp, failure, 0);
    }
}

static NTSTATUS NTAPI dispatch_read(PDEVICE_OBJECT device, PIRP irp)
{
    struct extension *e = device->DeviceExtension;
    if (e->state == GONE)
        return complete(irp, STATUS_NO_SUCH_DEVICE, 0);
    if (e->state != STOP_PENDING && e->state != STOPPED && !e->slow)
        return answer_read(irp);
    say("%s.held", me);
    IoCsqInsertIrp(&e->queue, irp, NULL);
    return STATUS_PENDING;
}

/* ---- PnP ---- */

static NTSTATUS NTAPI back(PDEVICE_OBJECT DeviceObject, PIRP irp, PVOID event)
{
    if (irp->PendingReturned)
        KeSetEvent(event, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS down_and_back(struct extension *e, PIRP irp)
{
    KEVENT event;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(irp);
    IoSetCompletionRoutine(irp, back, &event, TRUE, TRUE, TRUE);
    NTSTATUS status = IoCallDriver(e->lower, irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
        status = irp->IoStatus.Status;
    }
    return status;
}

static NTSTATUS pass(struct extension *e, PIRP irp)
{
    IoSkipCurrentIrpStackLocation(irp);
    return IoCallDriver(e->lower, irp);
}

static NTSTATUS succeed_and_pass(struct extension *e, PIRP irp)
{
    irp->IoStatus.Status = STATUS_SUCCESS;
    return pass(e, irp);
}

/* Minors that are handled on the way up: the new state, and what waited goes on. */
static NTSTATUS resume(struct extension *e, PIRP irp, enum state state)
{
    NTSTATUS status = down_and_back(e, irp);
    if (NT_SUCCESS(status)) {
        e->state = state;
        if (state == STARTED && !e->slow)
            end_reads(e, STATUS_SUCCESS, NULL);
    }
    return complete(irp, status, irp->IoStatus.Information);
}

static PDEVICE_OBJECT base_of(const char *name);
static HANDLE open_device(const char *name, ULONG options, NTSTATUS *status);

static NTSTATUS query_remove(struct extension *e, PIRP irp)
{
    if (!e->lax && (e->files[1] || e->files[2] || e->files[3]))
        return complete(irp, STATUS_DEVICE_BUSY, 0);
    if (e->try_name[0]) {
        NTSTATUS status;
        HANDLE file = open_device(e->try_name, 0, &status);
        if (file)
            ZwClose(file);
        say("%s.tried:%08lx", me, (ULONG)status);
    }
    if (e->rescan)
        IoInvalidateDeviceRelations(e->pdo, BusRelations);
    e->former = e->state;
    e->state = REMOVE_PENDING;
    return succeed_and_pass(e, irp);
}

static NTSTATUS surprise(struct extension *e, PIRP irp)
{
    e->state = GONE;
    end_reads(e, STATUS_NO_SUCH_DEVICE, NULL);
    return succeed_and_pass(e, irp);
}

static NTSTATUS remove_device(struct extension *e, PIRP irp)
{
    PDEVICE_OBJECT self = e->self;
    e->state = GONE;
    end_reads(e, STATUS_NO_SUCH_DEVICE, NULL);
    IoReleaseRemoveLockAndWait(&e->remove_lock, irp);
    if (e->opened)
        ZwClose(e->opened);
    if (e->paged)
        ZwClose(e->paged);
    if (e->related)
        ObDereferenceObject(e->related);
    if (e->kept)
        ObDereferenceObject(e->kept);
    NTSTATUS status = succeed_and_pass(e, irp);
    IoDetachDevice(e->lower);
    IoDeleteDevice(self);
    return status;
}

static NTSTATUS relations(struct extension *e, PIRP irp)
{
    PDEVICE_RELATIONS list;
    if (IoGetCurrentIrpStackLocation(irp)->Parameters.QueryDeviceRelations.Type != RemovalRelations ||
        !e->related)
        return pass(e, irp);
    list = ExAllocatePoolWithTag(PagedPool, sizeof(*list), 'FonG');
    list->Count = 1;
    list->Objects[0] = e->related;
    ObReferenceObject(e->related);
    irp->IoStatus.Information = (ULONG_PTR)list;
    return succeed_and_pass(e, irp);
}

static NTSTATUS usage(struct extension *e, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    BOOLEAN in_path = location->Parameters.UsageNotification.InPath;
    ULONG type = location->Parameters.UsageNotification.Type;
    CHECK("PNP-16", type >= DeviceUsageTypePaging && type <= DeviceUsageTypeDumpFile);
    if (in_path && e->nofile)
        return complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    if (!in_path)
        e->self->Flags |= DO_POWER_PAGABLE;
    NTSTATUS status = down_and_back(e, irp);
    say("%s.%s%lu", me, in_path ? "files" : "nofiles", type);
    if (NT_SUCCESS(status) && in_path)
        e->self->Flags &= ~(ULONG)DO_POWER_PAGABLE;
    if (NT_SUCCESS(status))
        IoAdjustPagingPathCount(&e->files[type], in_path);
    return complete(irp, status, irp->IoStatus.Information);
}

static NTSTATUS state(struct extension *e, PIRP irp)
{
    if (!e->bits)
        return pass(e, irp);
    irp->IoStatus.Information |= e->bits;
    return succeed_and_pass(e, irp);
}

static NTSTATUS query_stop(struct extension *e, PIRP irp)
{
    if (!e->lax && (e->files[1] || e->files[2] || e->files[3]))
        return complete(irp, STATUS_DEVICE_BUSY, 0);
    e->state = STOP_PENDING;
    e->query_stops++;
    return succeed_and_pass(e, irp);
}

static NTSTATUS handle(struct extension *e, PIRP irp, UCHAR minor)
{
    switch (minor) {
    case IRP_MN_START_DEVICE:
        if (e->state == STOPPED && !e->started_once)
            CHECK("PS-19", e->query_stops == 1);
        e->started_once = TRUE;
        return resume(e, irp, STARTED);
    case IRP_MN_CANCEL_STOP_DEVICE:
        return resume(e, irp, STARTED);
    case IRP_MN_CANCEL_REMOVE_DEVICE:
        return resume(e, irp, e->state == REMOVE_PENDING ? e->former : e->state);
    case IRP_MN_QUERY_STOP_DEVICE:
        return query_stop(e, irp);
    case IRP_MN_STOP_DEVICE:
        e->state = STOPPED;
        return succeed_and_pass(e, irp);
    case IRP_MN_QUERY_REMOVE_DEVICE:
        return query_remove(e, irp);
    case IRP_MN_SURPRISE_REMOVAL:
        return surprise(e, irp);
    case IRP_MN_QUERY_DEVICE_RELATIONS:
        return relations(e, irp);
    case IRP_MN_DEVICE_USAGE_NOTIFICATION:
        return usage(e, irp);
    case IRP_MN_QUERY_PNP_DEVICE_STATE:
        return state(e, irp);
    default:
        return pass(e, irp);
    }
}

static BOOLEAN is_step(UCHAR minor)
{
    return minor <= IRP_MN_CANCEL_STOP_DEVICE || minor == IRP_MN_SURPRISE_REMOVAL;
}

static NTSTATUS NTAPI dispatch_pnp(PDEVICE_OBJECT device, PIRP irp)
{
    struct extension *e = device->DeviceExtension;
    UCHAR minor = IoGetCurrentIrpStackLocation(irp)->MinorFunction;
    NTSTATUS status = IoAcquireRemoveLock(&e->remove_lock, irp);
    if (!NT_SUCCESS(status))
        return complete(irp, status, 0);
    if (is_step(minor))
        say("%s.%s", me, minor_name(minor));
    if (is_step(minor) && e->print)
        DbgPrint("%s.%s\n", me, minor_name(minor));
    if (minor == IRP_MN_REMOVE_DEVICE)
        return remove_device(e, irp);
    if (e->forget_minor == (ULONG)minor + 1) {
        IoMarkIrpPending(irp);
        return STATUS_PENDING;
    }
    if (e->fail_minor == (ULONG)minor + 1) {
        e->fail_minor = 0;
        status = complete(irp, (NTSTATUS)e->fail_status, 0);
    } else {
        status = handle(e, irp, minor);
    }
    IoReleaseRemoveLock(&e->remove_lock, irp);
    return status;
}

static NTSTATUS NTAPI dispatch_power(PDEVICE_OBJECT device, PIRP irp)
{
    struct extension *e = device->DeviceExtension;
    PoStartNextPowerIrp(irp);
    IoSkipCurrentIrpStackLocation(irp);
    return PoCallDriver(e->lower, irp);
}

static NTSTATUS NTAPI dispatch_system_control(PDEVICE_OBJECT device, PIRP irp)
{
    return pass(device->DeviceExtension, irp);
}

static NTSTATUS NTAPI dispatch_create(PDEVICE_OBJECT device, PIRP irp)
{
    struct extension *e = device->DeviceExtension;
    return complete(irp, e->state >= REMOVE_PENDING ? STATUS_DELETE_PENDING : STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI dispatch_cleanup(PDEVICE_OBJECT device, PIRP irp)
{
    end_reads(device->DeviceExtension, STATUS_CANCELLED, IoGetCurrentIrpStackLocation(irp)->FileObject);
    return complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI dispatch_close(PDEVICE_OBJECT device, PIRP irp)
{
    say("%s.close", me);
    return complete(irp, STATUS_SUCCESS, 0);
}

/* ---- the commands ---- */

static void device_name(const char *name, UNICODE_STRING *to, WCHAR *room)
{
    static const char prefix[] = "\\Device\\";
    ULONG at = 0;
    for (ULONG i = 0; prefix[i]; i++)
        room[at++] = prefix[i];
    for (ULONG i = 0; name[i]; i++)
        room[at++] = (UCHAR)name[i];
    room[at] = 0;
    RtlInitUnicodeString(to, room);
}

static HANDLE open_device(const char *name, ULONG options, NTSTATUS *status)
{
    UNICODE_STRING text;
    WCHAR room[64];
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK iosb;
    HANDLE file = NULL;
    device_name(name, &text, room);
    InitializeObjectAttributes(&attributes, &text, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, NULL);
    *status =
        IoCreateFile(&file, GENERIC_READ, &attributes, &iosb, NULL, 0, FILE_SHARE_READ | FILE_SHARE_WRITE,
                     FILE_OPEN, 0, NULL, 0, CreateFileTypeNone, NULL, options);
    return NT_SUCCESS(*status) ? file : NULL;
}

static PDEVICE_OBJECT base_of(const char *name)
{
    UNICODE_STRING text;
    WCHAR room[64];
    PFILE_OBJECT file;
    PDEVICE_OBJECT device, base = NULL;
    device_name(name, &text, room);
    if (!NT_SUCCESS(IoGetDeviceObjectPointer(&text, FILE_READ_DATA, &file, &device)))
        return NULL;
    base = IoGetDeviceAttachmentBaseRef(device);
    ObDereferenceObject(file);
    return base;
}

/* A request to a device that may be deleted already: its driver answers. */
static NTSTATUS poke(PDEVICE_OBJECT device)
{
    KEVENT event;
    IO_STATUS_BLOCK iosb;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    PIRP irp = IoBuildSynchronousFsdRequest(IRP_MJ_PNP, device, NULL, 0, NULL, &event, &iosb);
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    IoGetNextIrpStackLocation(irp)->MinorFunction = IRP_MN_QUERY_BUS_INFORMATION;
    NTSTATUS status = IoCallDriver(device, irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
        status = iosb.Status;
    }
    if (NT_SUCCESS(status))
        ExFreePool((PVOID)iosb.Information);
    return status;
}

static ULONG number(const char *text, const char **end)
{
    ULONG value = 0;
    BOOLEAN hex = text[0] == '0' && text[1] == 'x';
    for (text += hex ? 2 : 0;; text++) {
        ULONG digit;
        if (*text >= '0' && *text <= '9')
            digit = (ULONG)(*text - '0');
        else if (hex && (*text | 32) >= 'a' && (*text | 32) <= 'f')
            digit = (ULONG)((*text | 32) - 'a' + 10);
        else
            break;
        value = value * (hex ? 16 : 10) + digit;
    }
    if (end)
        *end = text;
    return value;
}

static void request_eject(struct extension *e)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"IoRequestDeviceEject");
    VOID(NTAPI * eject)(PDEVICE_OBJECT);
    *(PVOID *)&eject = MmGetSystemRoutineAddress(&name);
    if (eject)
        eject(e->kept ? e->kept : e->pdo);
}

static NTSTATUS unload_service(const char *name)
{
    static const char key[] = "\\Registry\\Machine\\System\\CurrentControlSet\\Services\\";
    UNICODE_STRING text;
    WCHAR room[120];
    ULONG at = 0;
    for (ULONG i = 0; key[i]; i++)
        room[at++] = key[i];
    for (ULONG i = 0; name[i]; i++)
        room[at++] = (UCHAR)name[i];
    room[at] = 0;
    RtlInitUnicodeString(&text, room);
    return ZwUnloadDriver(&text);
}

static NTSTATUS without_value(struct extension *e, const char *word)
{
    if (!strcmp(word, "release"))
        end_reads(e, STATUS_SUCCESS, NULL);
    else if (!strcmp(word, "eject"))
        request_eject(e);
    else if (!strcmp(word, "rescan"))
        e->rescan = TRUE;
    else if (!strcmp(word, "poke"))
        say("%s.poked:%08lx", me, (ULONG)poke(e->kept));
    else if (!strcmp(word, "lose")) {
        ObDereferenceObject(e->kept);
        e->kept = NULL;
    } else if (!strcmp(word, "shut")) {
        ZwClose(e->opened);
        e->opened = NULL;
    } else if (!strcmp(word, "unpage")) {
        ZwClose(e->paged);
        e->paged = NULL;
    } else
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

static NTSTATUS with_text(struct extension *e, const char *word, const char *value)
{
    NTSTATUS status = STATUS_SUCCESS;
    if (!strcmp(word, "relate"))
        e->related = base_of(value);
    else if (!strcmp(word, "keep"))
        e->kept = base_of(value);
    else if (!strcmp(word, "open"))
        e->opened = open_device(value, 0, &status);
    else if (!strcmp(word, "page"))
        e->paged = open_device(value, SL_OPEN_PAGING_FILE, &status);
    else if (!strcmp(word, "unload"))
        status = unload_service(value);
    else if (!strcmp(word, "try"))
        strncpy(e->try_name, value, sizeof(e->try_name) - 1);
    else
        return STATUS_INVALID_PARAMETER;
    return status;
}

static NTSTATUS with_value(struct extension *e, const char *word, const char *value)
{
    const char *end;
    ULONG n = number(value, &end);
    if (!strcmp(word, "slow"))
        e->slow = n;
    else if (!strcmp(word, "lax"))
        e->lax = n;
    else if (!strcmp(word, "print"))
        e->print = n;
    else if (!strcmp(word, "nofile"))
        e->nofile = n;
    else if (!strcmp(word, "forget"))
        e->forget_minor = n + 1;
    else if (!strcmp(word, "state")) {
        e->bits = n;
        IoInvalidateDeviceState(e->pdo);
    } else if (!strcmp(word, "fail")) {
        e->fail_minor = n + 1;
        e->fail_status = *end == ':' ? number(end + 1, NULL) : (ULONG)STATUS_UNSUCCESSFUL;
    } else
        return with_text(e, word, value);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI dispatch_control(PDEVICE_OBJECT device, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    ULONG length = location->Parameters.DeviceIoControl.InputBufferLength;
    char text[100];
    if (location->Parameters.DeviceIoControl.IoControlCode != RL_IOCTL(0) || length >= sizeof(text))
        return complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    memcpy(text, irp->AssociatedIrp.SystemBuffer, length);
    text[length] = 0;
    char *equals = strchr(text, '=');
    if (equals)
        *equals = 0;
    NTSTATUS status = equals ? with_value(device->DeviceExtension, text, equals + 1)
                             : without_value(device->DeviceExtension, text);
    if (status == STATUS_INVALID_PARAMETER) /* not for a filter, but for who is below */
        return pass(device->DeviceExtension, irp);
    return complete(irp, status, 0);
}

/* ---- the driver ---- */

static NTSTATUS set_up(struct extension *e)
{
    IoInitializeRemoveLock(&e->remove_lock, 'FonG', 0, 0);
    InitializeListHead(&e->reads);
    KeInitializeSpinLock(&e->lock);
    return IoCsqInitialize(&e->queue, insert, take_out, peek, acquire, release, canceled);
}

static NTSTATUS NTAPI add_device(PDRIVER_OBJECT driver, PDEVICE_OBJECT pdo)
{
    UNICODE_STRING name;
    WCHAR room[64];
    PDEVICE_OBJECT device;
    say("%s.add", me);
    device_name(me, &name, room);
    NTSTATUS status = IoCreateDevice(driver, sizeof(struct extension), &name, FILE_DEVICE_UNKNOWN,
                                     FILE_DEVICE_SECURE_OPEN, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    struct extension *e = device->DeviceExtension;
    e->self = device;
    e->pdo = pdo;
    set_up(e);
    e->lower = IoAttachDeviceToDeviceStack(device, pdo);
    if (!e->lower) {
        IoDeleteDevice(device);
        return STATUS_NO_SUCH_DEVICE;
    }
    device->DeviceType = e->lower->DeviceType;
    device->Flags |= DO_BUFFERED_IO | DO_POWER_PAGABLE;
    device->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT driver)
{
    CHECK("LC-11", driver->DeviceObject == NULL && KeGetCurrentIrql() == PASSIVE_LEVEL);
    say("%s.unload", me);
    testlog_close();
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
    service_name(path, me, sizeof(me));
    testlog_open();
    driver->MajorFunction[IRP_MJ_CREATE] = dispatch_create;
    driver->MajorFunction[IRP_MJ_CLEANUP] = dispatch_cleanup;
    driver->MajorFunction[IRP_MJ_CLOSE] = dispatch_close;
    driver->MajorFunction[IRP_MJ_READ] = dispatch_read;
    driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = dispatch_control;
    driver->MajorFunction[IRP_MJ_PNP] = dispatch_pnp;
    driver->MajorFunction[IRP_MJ_POWER] = dispatch_power;
    driver->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = dispatch_system_control;
    driver->DriverExtension->AddDevice = add_device;
    driver->DriverUnload = unload;
    return STATUS_SUCCESS;
}
