/* SPDX-License-Identifier: MIT */
/*
 * What the PnP manager needs of drivers and devices: the driver of a service,
 * loaded if need be; drivers of the system's own; AddDevice; and the record
 * that it keeps beside a device object. No lock is held across driver code.
 */
#include "io/service_key.h"

void (*io_device_node_freed)(PDEVICE_OBJECT device);

NTSTATUS io_create_system_driver(const char *service, void (*setup)(PDRIVER_OBJECT driver),
                                 PDRIVER_OBJECT *driver)
{
    struct io_driver *d;
    NTSTATUS status = io_driver_create(service, false, NULL, NULL, &d);
    if (!NT_SUCCESS(status))
        return status;
    d->public.Flags = DRVO_BUILTIN_DRIVER | DRVO_INITIALIZED;
    d->entered = true;
    setup(&d->public);
    *driver = &d->public;
    return STATUS_SUCCESS;
}

static bool is_unloading(PDRIVER_OBJECT driver)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&io_database_lock);
    bool unloading = io_driver_of(driver)->unload_pending;
    KeReleaseSpinLock(&io_database_lock, irql);
    return unloading;
}

static enum io_service_problem problem_of(const struct io_load_result *result)
{
    if (NT_SUCCESS(result->status))
        return IO_SERVICE_FINE;
    return result->entry_ran ? IO_SERVICE_ENTRY : IO_SERVICE_NO_IMAGE;
}

static NTSTATUS load_by_key(const char *service, PDRIVER_OBJECT *driver, enum io_service_problem *problem)
{
    struct io_service *s = mm_alloc(sizeof(*s), IO_STATE_TAG);
    struct io_load_result *result = mm_alloc(sizeof(*result), IO_STATE_TAG);
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;
    *problem = IO_SERVICE_KEY_BAD;
    if (s && result) {
        io_service_name(s, service);
        status = STATUS_OBJECT_NAME_NOT_FOUND;
    }
    if (s && result && cm_key_exists(s->path)) {
        io_service_read(s);
        status = io_service_check(s);
        if (!NT_SUCCESS(status))
            *problem = s->start == START_DISABLED ? IO_SERVICE_DISABLED : IO_SERVICE_KEY_BAD;
        else {
            status = io_load_from_path(s, result);
            *problem = problem_of(result);
            *driver = result->driver;
        }
    }
    mm_free(s);
    mm_free(result);
    return status;
}

NTSTATUS io_load_service(const char *service, PDRIVER_OBJECT *driver, enum io_service_problem *problem)
{
    *driver = io_find_driver(service);
    *problem = IO_SERVICE_FINE;
    if (!*driver) {
        NTSTATUS status = load_by_key(service, driver, problem);
        if (NT_SUCCESS(status))
            ob_reference(*driver);
        return status;
    }
    if (!is_unloading(*driver))
        return STATUS_SUCCESS;
    ob_dereference(*driver);
    *driver = NULL;
    *problem = IO_SERVICE_UNLOADING;
    return STATUS_DELETE_PENDING;
}

/* A driver that is loaded once serves every device whose stack it belongs to. Rules: SR-04, REQ-07. */
NTSTATUS io_call_add_device(PDRIVER_OBJECT driver, PDEVICE_OBJECT pdo)
{
    PDRIVER_ADD_DEVICE add = driver->DriverExtension->AddDevice;
    if (!add)
        /* REQ-07: a legacy driver can be no part of a device's stack. */
        return STATUS_INVALID_DEVICE_REQUEST;
    io_driver_of(driver)->added = true;
    uint64_t cookie = ke_callout_enter("AddDevice", add);
    /* SR-04: in a system thread at PASSIVE_LEVEL, with the PDO. */
    NTSTATUS status = add(driver, pdo);
    ke_callout_leave("AddDevice", add, cookie);
    return status;
}

void *io_device_node(const DEVICE_OBJECT *device)
{
    return io_device_of(device)->device_node;
}

void io_set_device_node(PDEVICE_OBJECT device, void *node)
{
    io_device_of(device)->device_node = node;
}

bool io_device_deleted(const DEVICE_OBJECT *device)
{
    return io_device_of(device)->flags & IO_DEVICE_DELETE_PENDING;
}

bool io_is_device(const void *object)
{
    const DEVICE_OBJECT *device = object;
    if ((uintptr_t)object % _Alignof(DEVICE_OBJECT) != 0)
        return false;
    return device && device->Type == IO_TYPE_DEVICE && device->DeviceObjectExtension &&
           device->DeviceObjectExtension->DeviceObject == device;
}

bool io_driver_is_idle(PDRIVER_OBJECT driver)
{
    struct io_driver *d = io_driver_of(driver);
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&io_database_lock);
    /* LC-11: no device is left, and somebody can be called. */
    bool is_idle = d->added && !driver->DeviceObject && driver->DriverUnload && !d->unload_pending;
    KeReleaseSpinLock(&io_database_lock, irql);
    return is_idle;
}

bool io_driver_can_return(PDRIVER_OBJECT driver)
{
    struct io_driver *d = io_driver_of(driver);
    struct io_service *s = mm_alloc(sizeof(*s), IO_STATE_TAG);
    const void *bytes = NULL;
    size_t length;
    if (s && d->image && io_ops.open_image) {
        io_service_name(s, d->service);
        io_service_read(s);
        bytes = io_ops.open_image(s->image_path, &length);
    }
    if (bytes && io_ops.close_image)
        io_ops.close_image(bytes);
    mm_free(s);
    if (!bytes)
        d->added = false;
    return bytes != NULL;
}
