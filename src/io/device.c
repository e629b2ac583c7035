/* SPDX-License-Identifier: MIT */
/*
 * Device objects from IoCreateDevice to the last reference. Two counts: the
 * object manager's, of pointers, and DEVICE_OBJECT.ReferenceCount, of open
 * files (DO-39); a delete or an unload waits for the second. The database lock
 * guards lists, marks and the second count.
 */
#include "io/fast_io.h"
#include "ke/held.h"

struct ob_type *io_device_type;
KSPIN_LOCK io_database_lock;
static ULONG next_automatic_name, next_number;

const GENERIC_MAPPING io_file_mapping = {FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_GENERIC_EXECUTE,
                                         FILE_ALL_ACCESS};

static void delete_device(void *body)
{
    PDEVICE_OBJECT device = body;
    TRACE(TRACE_DEVICE_DELETED, device);
    if (device->DeviceObjectExtension && io_device_of(device)->device_node && io_device_node_freed)
        io_device_node_freed(device);
    if (seam_vf)
        ke_check_memory_free(device, (size_t)((char *)io_device_of(device) - (char *)device));
    if (unlikely(seam_vf != NULL) && seam_vf->memory_gone)
        seam_vf->memory_gone(device, (size_t)((char *)io_device_of(device) - (char *)device));
    io_remove_locks_forget(device, (size_t)((char *)io_device_of(device) - (char *)device));
    io_forget_power(device);
    mm_free(device->Vpb);
    mm_free(device->Timer);
    if (device->SecurityDescriptor)
        mm_pool_free(device->SecurityDescriptor, 0, delete_device);
    if (device->DriverObject)
        /* DO-09: the driver may go now. */
        ob_dereference(device->DriverObject);
}

static const struct ob_type_ops device_ops = {
    .name = "Device",
    .pool_tag = IO_TAG('D', 'e', 'v', 'i'),
    .mapping = {FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_GENERIC_EXECUTE, FILE_ALL_ACCESS},
    .valid_access = FILE_ALL_ACCESS,
    .dispatcher_offset = -1,
    .delete_ = delete_device,
    .parse = io_device_parse,
    .security = io_device_security,
};

NTSTATUS io_device_type_init(void)
{
    io_database_lock = 0;
    next_automatic_name = 0;
    next_number = 0;
    io_device_type = ob_type_create(&device_ops);
    return io_device_type ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

static bool has_volume(DEVICE_TYPE type)
{
    return type == FILE_DEVICE_DISK || type == FILE_DEVICE_CD_ROM || type == FILE_DEVICE_TAPE ||
           type == FILE_DEVICE_VIRTUAL_DISK;
}

static bool is_file_system(DEVICE_TYPE type)
{
    return type == FILE_DEVICE_DISK_FILE_SYSTEM || type == FILE_DEVICE_CD_ROM_FILE_SYSTEM ||
           type == FILE_DEVICE_TAPE_FILE_SYSTEM || type == FILE_DEVICE_FILE_SYSTEM ||
           type == FILE_DEVICE_NETWORK_FILE_SYSTEM;
}

PVPB io_vpb_create(PDEVICE_OBJECT device)
{
    PVPB vpb = mm_alloc(sizeof(*vpb), IO_TAG('V', 'p', 'b', ' '));
    if (!vpb)
        return NULL;
    vpb->Type = IO_TYPE_VPB;
    vpb->Size = sizeof(*vpb);
    vpb->RealDevice = device;
    return vpb;
}

static USHORT sector_size_of(DEVICE_TYPE type)
{
    switch (type) {
    case FILE_DEVICE_DISK:
    case FILE_DEVICE_VIRTUAL_DISK:
    case FILE_DEVICE_DISK_FILE_SYSTEM:
        return 512;
    case FILE_DEVICE_CD_ROM:
    case FILE_DEVICE_CD_ROM_FILE_SYSTEM:
        return 2048;
    default:
        return 0;
    }
}

static void init_extension(struct io_device *e, PDEVICE_OBJECT device)
{
    e->number = __atomic_add_fetch(&next_number, 1, __ATOMIC_RELAXED);
    e->public.Type = IO_TYPE_DEVICE_OBJECT_EXTENSION;
    e->public.DeviceObject = device;
    device->DeviceObjectExtension = &e->public;
}

/* Rules: DO-01..DO-04, SQ-08. The object is zeroed; AlignmentRequirement 0 is this processor's cache-derived
 * value (GAP-01). */
static void init_device(PDEVICE_OBJECT device, ULONG extension_size, DEVICE_TYPE type, ULONG characteristics,
                        bool named, bool exclusive)
{
    device->Type = IO_TYPE_DEVICE;
    /* DO-03: with the driver's part. */
    device->Size = (USHORT)(sizeof(DEVICE_OBJECT) + extension_size);
    /* DO-01: the driver's zeroed nonpaged part (DO-02: none, no pointer). */
    device->DeviceExtension = extension_size ? device + 1 : NULL;
    /* DO-05: the type, */
    device->DeviceType = type;
    /* DO-05: and beside it the characteristics. */
    device->Characteristics = characteristics;
    /* DO-02: alone it needs one location. */
    device->StackSize = 1;
    /* DO-02: not ready. */
    device->Flags = DO_DEVICE_INITIALIZING;
    if (exclusive)
        /* DO-52: one handle at a time. */
        device->Flags |= DO_EXCLUSIVE;
    if (named)
        /* DO-02, DO-06, DO-08: it can be found. */
        device->Flags |= DO_DEVICE_HAS_NAME;
    /* DO-04: what the medium usually has. */
    device->SectorSize = sector_size_of(type);
    KeInitializeEvent(&device->DeviceLock, SynchronizationEvent, TRUE);
    if (is_file_system(type))
        list_init(&device->Queue.ListEntry);
    else
        /* SQ-08: every other device can queue. */
        KeInitializeDeviceQueue(&device->DeviceQueue);
}

static NTSTATUS secure_device(PDEVICE_OBJECT device, bool named)
{
    /* DO-07: an unnamed object has no descriptor of its own. */
    if (!named)
        return STATUS_SUCCESS;
    return se_default_device_descriptor(device->DeviceType, device->Characteristics, true,
                                        &device->SecurityDescriptor);
}

static void link_device(PDRIVER_OBJECT driver, PDEVICE_OBJECT device)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&io_database_lock);
    device->NextDevice = driver->DeviceObject;
    /* DO-02: at the head. */
    driver->DeviceObject = device;
    io_device_of(device)->linked = true;
    if (io_driver_of(driver)->unload_pending)
        /* LC-09: also what is made meanwhile. */
        io_device_of(device)->flags |= IO_DEVICE_UNLOAD_PENDING;
    KeReleaseSpinLock(&io_database_lock, irql);
}

static void automatic_name(UNICODE_STRING *name, WCHAR *storage, size_t room)
{
    char text[32];
    int length = host_snprintf(text, sizeof(text), "\\Device\\%08x",
                               __atomic_add_fetch(&next_automatic_name, 1, __ATOMIC_RELAXED));
    rtl_wide_from_utf8(storage, room, text, (size_t)length);
    rtl_init_string(name, storage);
}

/*
 * A device object of the driver, with a zeroed nonpaged extension.
 * Owns: the I/O manager until IoDeleteDevice; the driver object gains a reference (DO-09).
 * IRQL: <= APC_LEVEL. Rules: DO-01..DO-09, DO-52.
 */
EXPORT(ntoskrnl, IoCreateDevice, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI IoCreateDevice(PDRIVER_OBJECT DriverObject, ULONG DeviceExtensionSize,
                              PUNICODE_STRING DeviceName, DEVICE_TYPE DeviceType, ULONG DeviceCharacteristics,
                              BOOLEAN Exclusive, PDEVICE_OBJECT *DeviceObject)
{
    UNICODE_STRING made;
    WCHAR storage[32];
    size_t extension = ALIGN_UP(DeviceExtensionSize, 16);
    *DeviceObject = NULL;
    /* DO-06: what IoCreateDeviceSecure leaves to the kernel. */
    if (DeviceCharacteristics & FILE_AUTOGENERATED_DEVICE_NAME) {
        automatic_name(&made, storage, countof(storage));
        DeviceName = &made;
    }
    bool named = DeviceName && DeviceName->Length;
    if (extension > 0xFFFF - sizeof(DEVICE_OBJECT) - sizeof(struct io_device))
        extension =
            MAX(extension, DeviceExtensionSize); /* Size wraps, as it does on NT; the memory is there */
    PDEVICE_OBJECT device =
        ob_create(io_device_type, sizeof(DEVICE_OBJECT) + extension + sizeof(struct io_device));
    if (!device)
        return STATUS_INSUFFICIENT_RESOURCES;
    init_extension((struct io_device *)((char *)(device + 1) + extension), device);
    init_device(device, DeviceExtensionSize, DeviceType, DeviceCharacteristics, named, Exclusive);
    NTSTATUS status = secure_device(device, named);
    if (NT_SUCCESS(status) && has_volume(DeviceType)) {
        /* DO-04: not mounted. */
        device->Vpb = io_vpb_create(device);
        if (!device->Vpb)
            status = STATUS_INSUFFICIENT_RESOURCES;
    }
    if (NT_SUCCESS(status) && named)
        /* DO-01: STATUS_OBJECT_NAME_COLLISION is the documented failure. */
        status = ob_insert(device, DeviceName, NULL, OBJ_PERMANENT | OBJ_CASE_INSENSITIVE);
    if (!NT_SUCCESS(status)) {
        ob_dereference(device);
        return status;
    }
    /* DO-09: for as long as the device exists. */
    ob_reference(DriverObject);
    /* DO-20: its owner for good. */
    device->DriverObject = DriverObject;
    link_device(DriverObject, device);
    TRACE(TRACE_DEVICE_CREATED, device, .a = (ULONG_PTR)DriverObject);
    *DeviceObject = device;
    return STATUS_SUCCESS;
}

static void unlink_locked(PDEVICE_OBJECT device)
{
    PDEVICE_OBJECT *at = &device->DriverObject->DeviceObject;
    while (*at && *at != device)
        at = &(*at)->NextDevice;
    if (*at)
        *at = device->NextDevice;
    io_device_of(device)->linked = false;
}

/* Whom to ask to detach itself, referenced: who stands on a device that only waits for that. Once. */
static PDEVICE_OBJECT ask_upper_locked(PDEVICE_OBJECT device)
{
    struct io_device *e = io_device_of(device);
    PDEVICE_OBJECT upper = device->AttachedDevice;
    if (!(e->flags & IO_DEVICE_DELETE_PENDING) || device->ReferenceCount || !upper || e->upper_asked)
        return NULL;
    e->upper_asked = true;
    ob_reference(upper);
    return upper;
}

/*
 * A reference or an attachment of the device went away: completes the delete (DO-38) or the unload (LC-14,
 * LC-15) that waited for it. Locks: releases the database lock.
 */
void io_complete_pending(PDEVICE_OBJECT device, KIRQL irql)
{
    struct io_device *e = io_device_of(device);
    struct io_driver *d = io_driver_of(device->DriverObject);
    bool idle = device->ReferenceCount == 0 && !device->AttachedDevice;
    bool delete_now = e->flags & IO_DEVICE_DELETE_PENDING && idle && !e->deleted;
    PDEVICE_OBJECT upper = delete_now ? NULL : ask_upper_locked(device);
    if (delete_now) {
        e->deleted = true;
        unlink_locked(device);
    }
    /* LC-14: the last reference of the last device. */
    bool unload_now = io_driver_may_unload_locked(d);
    if (unload_now)
        d->unload_queued = true;
    bool tell = delete_now && d->added && !d->public.DeviceObject && io_ops.driver_idle;
    KeReleaseSpinLock(&io_database_lock, irql);
    if (tell)
        io_ops.driver_idle();
    if (unload_now)
        /* LC-15: in a system thread. */
        io_driver_queue_unload(d);
    if (delete_now)
        /* DO-38: freed when the last pointer goes too. */
        ob_dereference(device);
    if (upper) {
        io_fast_detach(upper, device);
        ob_dereference(upper);
    }
}

/* Its stack is being started. The database lock is held. */
static bool is_starting_locked(PDEVICE_OBJECT device)
{
    while (io_device_of(device)->attached_to)
        device = io_device_of(device)->attached_to;
    return io_device_of(device)->flags & IO_DEVICE_START_PENDING;
}

void io_set_device_starting(PDEVICE_OBJECT pdo, bool starting)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&io_database_lock);
    if (starting)
        io_device_of(pdo)->flags |= IO_DEVICE_START_PENDING;
    else
        io_device_of(pdo)->flags &= ~(ULONG)IO_DEVICE_START_PENDING;
    KeReleaseSpinLock(&io_database_lock, irql);
}

NTSTATUS io_device_open_reference(PDEVICE_OBJECT device, bool relative)
{
    NTSTATUS status = STATUS_SUCCESS;
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&io_database_lock);
    if (io_device_of(device)->flags &
        (IO_DEVICE_UNLOAD_PENDING | IO_DEVICE_DELETE_PENDING | IO_DEVICE_REMOVE_PENDING))
        /* LC-09, DO-38: it goes away. */
        status = STATUS_NO_SUCH_DEVICE;
    else if (device->Flags & DO_DEVICE_INITIALIZING)
        /* DO-58: it is not there yet. */
        status = STATUS_NO_SUCH_DEVICE;
    else if (is_starting_locked(device))
        /* DO-57: not before START has completed. */
        status = STATUS_NO_SUCH_DEVICE;
    else if (device->Flags & DO_EXCLUSIVE && device->ReferenceCount && !relative)
        /* DO-52: somebody has it. */
        status = STATUS_ACCESS_DENIED;
    else
        /* DO-39: an open file. */
        device->ReferenceCount++;
    KeReleaseSpinLock(&io_database_lock, irql);
    return status;
}

void io_device_dereference(PDEVICE_OBJECT device)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&io_database_lock);
    /* DO-39: one open file less. */
    device->ReferenceCount--;
    bool tell = !device->ReferenceCount && io_device_of(device)->flags & IO_DEVICE_REMOVE_PENDING;
    io_complete_pending(device, irql);
    if (tell && io_ops.stack_closed)
        io_ops.stack_closed();
}

/*
 * Deletes the device now, or when its last open file and its last attachment go.
 * IRQL: <= APC_LEVEL. Rules: DO-37, DO-38, DO-59.
 */
EXPORT(ntoskrnl, IoDeleteDevice, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
VOID NTAPI IoDeleteDevice(PDEVICE_OBJECT DeviceObject)
{
    struct io_device *e = io_device_of(DeviceObject);
    if (io_power_ops)
        io_power_ops->deleting(DeviceObject);
    /* DO-37: the one below would keep a pointer to it. */
    if (e->attached_to)
        io_irp_violation(0x201, NULL, "a device object was deleted that is still attached to one below");
    if (io_ops.device_going)
        io_ops.device_going(DeviceObject);
    if (io_ops.device_deleting)
        io_ops.device_deleting(DeviceObject);
    /* DO-59: no more shutdown requests. */
    io_shutdown_forget(DeviceObject);
    /* DO-38: no more timer calls. */
    io_timer_remove(DeviceObject);
    if (DeviceObject->Flags & DO_DEVICE_HAS_NAME)
        /* DO-38: nobody can open it any more. */
        ob_make_temporary(DeviceObject);
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&io_database_lock);
    /* DO-37: only once. */
    if (e->flags & IO_DEVICE_DELETE_PENDING) {
        KeReleaseSpinLock(&io_database_lock, irql);
        io_irp_violation(0x240, NULL, "IoDeleteDevice was called twice for a device object");
        return;
    }
    if (e->attached_to)
        io_detach_locked(e->attached_to); /* nobody may follow a pointer to it */
    /* DO-38: marked. */
    e->flags |= IO_DEVICE_DELETE_PENDING;
    io_complete_pending(DeviceObject, irql);
}

/* The driver is gone (LC-06, LC-13) and these would call into nothing. Returns how many there were. */
unsigned io_remove_devices_left(PDRIVER_OBJECT driver)
{
    unsigned count = 0;
    for (PDEVICE_OBJECT device; (device = driver->DeviceObject) != NULL; count++) {
        KIRQL irql = KeAcquireSpinLockRaiseToDpc(&io_database_lock);
        unlink_locked(device);
        KeReleaseSpinLock(&io_database_lock, irql);
        if (!(io_device_of(device)->flags & IO_DEVICE_DELETE_PENDING))
            IoDeleteDevice(device);
    }
    return count;
}

void io_for_each_device(PDRIVER_OBJECT driver, void (*visit)(PDEVICE_OBJECT, void *), void *context)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&io_database_lock);
    for (PDEVICE_OBJECT device = driver->DeviceObject; device; device = device->NextDevice)
        visit(device, context);
    KeReleaseSpinLock(&io_database_lock, irql);
}

/*
 * The driver's device objects, each referenced, into the caller's array; the actual number in any case.
 * IRQL: <= DISPATCH_LEVEL. STATUS_BUFFER_TOO_SMALL: the array got none.
 */
EXPORT(ntoskrnl, IoEnumerateDeviceObjectList, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
NTSTATUS NTAPI IoEnumerateDeviceObjectList(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT *DeviceObjectList,
                                           ULONG DeviceObjectListSize, PULONG ActualNumberDeviceObjects)
{
    ULONG count = 0, room = DeviceObjectList ? DeviceObjectListSize / (ULONG)sizeof(PDEVICE_OBJECT) : 0;
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&io_database_lock);
    for (PDEVICE_OBJECT device = DriverObject->DeviceObject; device; device = device->NextDevice)
        count++;
    if (count <= room) {
        ULONG at = 0;
        for (PDEVICE_OBJECT device = DriverObject->DeviceObject; device; device = device->NextDevice) {
            ob_reference(device);
            DeviceObjectList[at++] = device;
        }
    }
    KeReleaseSpinLock(&io_database_lock, irql);
    *ActualNumberDeviceObjects = count;
    return count <= room ? STATUS_SUCCESS : STATUS_BUFFER_TOO_SMALL;
}

void io_number_devices_from_one(PDEVICE_OBJECT root)
{
    io_device_of(root)->number = 0;
    next_number = 0;
}

ULONG io_device_number(const DEVICE_OBJECT *device)
{
    return io_device_of(device)->number;
}

PDEVICE_OBJECT io_lower_device(const DEVICE_OBJECT *device)
{
    return io_device_of(device)->attached_to;
}
