/* SPDX-License-Identifier: MIT */
/*
 * Driver objects: what the I/O manager makes before DriverEntry, what it sets
 * right after it, the blocks that drivers hang on it, and what goes when the
 * last reference goes (each device object holds one). Locks: drivers_lock
 * guards the list of drivers, the database lock the extension blocks.
 */
#include "io/private.h"

struct ob_type *io_driver_type;
static rl_lock drivers_lock;
static LIST_ENTRY drivers = {&drivers, &drivers};

/* Storage of the strings: name, service key name, hardware database path. */
struct driver_strings {
    WCHAR name[IO_SERVICE_NAME_BYTES + 32];
    WCHAR service[IO_SERVICE_NAME_BYTES];
    WCHAR hardware[64];
};

static void delete_driver(void *body)
{
    struct io_driver *d = body;
    while (!list_empty(&d->client_extensions))
        /* LC-13: every block goes with the object. */
        mm_free(
            container_of(list_remove_head(&d->client_extensions), struct io_driver_extension_block, link));
    mm_free(d->public.DriverName.Buffer); /* the block of all strings */
    if (d->image && !d->image_stays)
        io_image_release(d->image);
}

static const struct ob_type_ops driver_ops = {
    .name = "Driver",
    .pool_tag = IO_TAG('D', 'r', 'i', 'v'),
    .mapping = {STANDARD_RIGHTS_READ, STANDARD_RIGHTS_WRITE, STANDARD_RIGHTS_EXECUTE, STANDARD_RIGHTS_ALL},
    .valid_access = STANDARD_RIGHTS_ALL,
    .dispatcher_offset = -1,
    .delete_ = delete_driver,
};

NTSTATUS io_driver_type_init(void)
{
    drivers_lock = (rl_lock){0};
    list_init(&drivers);
    io_driver_type = ob_type_create(&driver_ops);
    return io_driver_type ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

static void append(WCHAR *to, size_t room, const WCHAR *text)
{
    size_t at = rtl_wcslen(to);
    while (*text && at + 1 < room)
        to[at++] = *text++;
    to[at] = 0;
}

static void set_strings(struct io_driver *d, struct driver_strings *s, bool file_system)
{
    rtl_wide_from_utf8(s->service, countof(s->service), d->service, __builtin_strlen(d->service));
    /* LC-02: the directory says what kind of driver it is. */
    append(s->name, countof(s->name), file_system ? u"\\FileSystem\\" : u"\\Driver\\");
    append(s->name, countof(s->name), s->service);
    append(s->hardware, countof(s->hardware), u"\\REGISTRY\\MACHINE\\HARDWARE\\DESCRIPTION\\SYSTEM");
    rtl_init_string(&d->public.DriverName, s->name);
    rtl_init_string(&d->extension.ServiceKeyName, s->service);
    rtl_init_string(&d->hardware_database, s->hardware);
}

static void set_defaults(struct io_driver *d, PDRIVER_INITIALIZE entry)
{
    PDRIVER_OBJECT o = &d->public;
    o->Type = IO_TYPE_DRIVER;
    o->Size = sizeof(DRIVER_OBJECT);
    o->Flags = DRVO_LEGACY_DRIVER;
    o->DriverExtension = &d->extension;
    d->extension.DriverObject = o;
    /* LC-02: where the machine is described. */
    o->HardwareDatabase = &d->hardware_database;
    /* LC-02: the entry point (SR-01). */
    o->DriverInit = entry;
    for (unsigned i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        /* LC-02, REQ-02: what the driver leaves alone is refused. */
        o->MajorFunction[i] = io_invalid_device_request;
}

/*
 * A driver object under its name. Owns: *driver has the reference that io_driver_withdraw gives up; the image
 * is the object's from here on, unless this fails. Rules: LC-02, SV-14.
 */
NTSTATUS io_driver_create(const char *service, bool file_system, PDRIVER_INITIALIZE entry,
                          struct ldr_image *image, struct io_driver **driver)
{
    struct io_driver *d = ob_create(io_driver_type, sizeof(*d));
    if (!d)
        return STATUS_INSUFFICIENT_RESOURCES;
    list_init(&d->client_extensions);
    list_init(&d->link);
    struct driver_strings *strings = mm_alloc(sizeof(*strings), IO_NAME_TAG);
    if (!strings) {
        ob_dereference(d);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    host_snprintf(d->service, sizeof(d->service), "%s", service);
    set_strings(d, strings, file_system);
    set_defaults(d, entry);
    NTSTATUS status = ob_insert(d, &d->public.DriverName, NULL, OBJ_PERMANENT | OBJ_CASE_INSENSITIVE);
    if (!NT_SUCCESS(status)) {
        ob_dereference(d);
        return status;
    }
    d->image = image;
    if (image) {
        image->driver_object = &d->public;
        d->public.DriverStart = image->base;
        d->public.DriverSize = (ULONG)image->size;
        d->public.DriverSection = image->loader_data;
    }
    rl_lock_acquire(&drivers_lock);
    list_insert_tail(&drivers, &d->link);
    rl_lock_release(&drivers_lock);
    *driver = d;
    return STATUS_SUCCESS;
}

void io_driver_withdraw(struct io_driver *d)
{
    rl_lock_acquire(&drivers_lock);
    list_remove(&d->link);
    list_init(&d->link);
    rl_lock_release(&drivers_lock);
    ob_make_temporary(d);
    ob_dereference(d);
}

/* Right after a DriverEntry that succeeded. Rules: LC-04, LC-05. */
void io_driver_initialized(PDRIVER_OBJECT driver)
{
    for (PDEVICE_OBJECT device = driver->DeviceObject; device; device = device->NextDevice)
        /* LC-04: devices made in DriverEntry are ready now. */
        device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    for (unsigned i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        if (!driver->MajorFunction[i])
            /* LC-05: no slot stays empty. */
            driver->MajorFunction[i] = io_invalid_device_request;
    if (driver->DriverExtension->AddDevice)
        driver->Flags &= ~(ULONG)DRVO_LEGACY_DRIVER;
    driver->Flags |= DRVO_INITIALIZED;
    if (io_ops.driver_entered)
        io_ops.driver_entered(driver);
}

/* Rules: SR-01, LC-03, REQ-12. In a system thread at PASSIVE_LEVEL. */
NTSTATUS io_driver_run_entry(struct io_driver *d, const UNICODE_STRING *registry_path)
{
    PDRIVER_OBJECT o = &d->public;
    TRACE(TRACE_DRIVER_ENTRY, o, .text = d->service);
    uint64_t cookie = ke_callout_enter("DriverEntry", o->DriverInit);
    /* SR-01: with the path of its service key. */
    NTSTATUS status = o->DriverInit(o, (PUNICODE_STRING)(uintptr_t)registry_path);
    ke_callout_leave("DriverEntry", o->DriverInit, cookie);
    TRACE(TRACE_DRIVER_ENTRY_RETURN, o, .a = (ULONG64)(LONG64)status, .text = d->service);
    return status;
}

static struct io_driver_extension_block *find_block(struct io_driver *d, PVOID id)
{
    list_for_each(it, &d->client_extensions)
    {
        struct io_driver_extension_block *block = container_of(it, struct io_driver_extension_block, link);
        if (block->id == id)
            return block;
    }
    return NULL;
}

/*
 * A zeroed nonpaged block of the driver object under ClientIdentificationAddress; the I/O manager frees it.
 * IRQL: <= DISPATCH_LEVEL. Rules: LC-18.
 */
EXPORT(ntoskrnl, IoAllocateDriverObjectExtension, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
NTSTATUS NTAPI IoAllocateDriverObjectExtension(PDRIVER_OBJECT DriverObject, PVOID ClientIdentificationAddress,
                                               ULONG DriverObjectExtensionSize, PVOID *DriverObjectExtension)
{
    struct io_driver *d = io_driver_of(DriverObject);
    *DriverObjectExtension = NULL;
    struct io_driver_extension_block *block =
        mm_alloc(sizeof(*block) + DriverObjectExtensionSize, IO_STATE_TAG);
    if (!block)
        return STATUS_INSUFFICIENT_RESOURCES;
    block->id = ClientIdentificationAddress;
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&io_database_lock);
    bool taken = find_block(d, ClientIdentificationAddress) != NULL;
    if (!taken)
        list_insert_tail(&d->client_extensions, &block->link);
    KeReleaseSpinLock(&io_database_lock, irql);
    if (taken) {
        mm_free(block);
        /* LC-18: one block for each id. */
        return STATUS_OBJECT_NAME_COLLISION;
    }
    /* LC-18: the caller's part. */
    *DriverObjectExtension = block->data;
    return STATUS_SUCCESS;
}

/* The block under that id, or NULL. IRQL: <= DISPATCH_LEVEL. Rules: LC-18. */
EXPORT(ntoskrnl, IoGetDriverObjectExtension, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
PVOID NTAPI IoGetDriverObjectExtension(PDRIVER_OBJECT DriverObject, PVOID ClientIdentificationAddress)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&io_database_lock);
    struct io_driver_extension_block *block =
        find_block(io_driver_of(DriverObject), ClientIdentificationAddress);
    KeReleaseSpinLock(&io_database_lock, irql);
    return block ? block->data : NULL;
}

static bool same_service(const char *a, const char *b)
{
    for (; *a && *b; a++, b++)
        if (rtl_upcase((WCHAR)(UCHAR)*a) != rtl_upcase((WCHAR)(UCHAR)*b))
            return false;
    return *a == *b;
}

PDRIVER_OBJECT io_find_driver(const char *service)
{
    PDRIVER_OBJECT found = NULL;
    rl_lock_acquire(&drivers_lock);
    list_for_each(it, &drivers)
    {
        struct io_driver *d = container_of(it, struct io_driver, link);
        if (same_service(d->service, service) && ob_reference_if_live(d)) {
            found = &d->public;
            break;
        }
    }
    rl_lock_release(&drivers_lock);
    return found;
}

/* At DISPATCH_LEVEL: visit may take the database lock, and whoever holds a runtime lock may not be switched
 * out. */
void io_for_each_driver(void (*visit)(PDRIVER_OBJECT, void *), void *context)
{
    KIRQL irql = ke_raise_irql(DISPATCH_LEVEL);
    rl_lock_acquire(&drivers_lock);
    list_for_each(it, &drivers) visit(&container_of(it, struct io_driver, link)->public, context);
    rl_lock_release(&drivers_lock);
    ke_lower_irql(irql);
}

struct ldr_image *io_driver_image(PDRIVER_OBJECT driver)
{
    return io_driver_of(driver)->image;
}

const char *io_driver_service(PDRIVER_OBJECT driver)
{
    return io_driver_of(driver)->service;
}
