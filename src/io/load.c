/* SPDX-License-Identifier: MIT */
/*
 * Loading: the service key, the image, the driver object, DriverEntry in a
 * system thread, and the undoing of all of it when DriverEntry fails. No lock
 * is held across DriverEntry.
 */
#include "io/service_key.h"

struct entry_call {
    struct io_driver *driver;
    const struct io_service *service;
    struct io_load_result *result;
};

/* RegistryPath as DriverEntry sees it: memory of its own that goes when DriverEntry returns (SV-13). */
PUNICODE_STRING io_registry_path_create(const WCHAR *path)
{
    size_t bytes = (rtl_wcslen(path) + 1) * sizeof(WCHAR);
    PUNICODE_STRING s = mm_alloc(sizeof(*s) + bytes, IO_NAME_TAG);
    if (!s)
        return NULL;
    __builtin_memcpy(s + 1, path, bytes);
    rtl_init_string(s, (WCHAR *)(s + 1));
    return s;
}

/* Wiped first, so that a driver that kept the pointer does not find the path by luck. */
void io_registry_path_drop(PUNICODE_STRING s)
{
    __builtin_memset(s->Buffer, 0, s->Length);
    mm_free(s);
}

static void run_entry(void *context)
{
    struct entry_call *call = context;
    PUNICODE_STRING registry_path = io_registry_path_create(call->service->path);
    if (!registry_path) {
        call->result->status = STATUS_INSUFFICIENT_RESOURCES;
        return;
    }
    call->result->entry_ran = true;
    call->result->status = io_driver_run_entry(call->driver, registry_path);
    /* SV-13: a driver that wants it later has copied it. */
    io_registry_path_drop(registry_path);
    if (NT_SUCCESS(call->result->status)) {
        io_driver_initialized(&call->driver->public);
        call->driver->entered = true;
        io_run_reinitialize();
    }
}

/* No Unload; driver object and image are released (LC-06). */
static void undo_entry(struct io_driver *d, struct io_load_result *result)
{
    io_forget_reinitialize(&d->public);
    if (result->entry_ran)
        io_driver_gone(d, false);
    result->devices_left = io_remove_devices_left(&d->public);
    /* LC-06: the object goes, and the image with it. */
    io_driver_withdraw(d);
}

static NTSTATUS start_image(const struct io_service *s, struct ldr_image *image,
                            struct io_load_result *result)
{
    struct io_driver *d;
    if (!image->entry) {
        /* REQ-01: nothing to call. */
        result->status = STATUS_INVALID_IMAGE_FORMAT;
        io_image_release(image);
        return result->status;
    }
    result->status = io_driver_create(s->name, s->type == TYPE_FILE_SYSTEM_DRIVER,
                                      (PDRIVER_INITIALIZE)image->entry, image, &d);
    if (!NT_SUCCESS(result->status)) {
        io_image_release(image);
        if (result->status == STATUS_OBJECT_NAME_COLLISION)
            result->status = STATUS_IMAGE_ALREADY_LOADED;
        return result->status;
    }
    struct entry_call call = {d, s, result};
    ob_reference(d); /* once it is initialized another thread may unload it */
    NTSTATUS status = io_in_system_thread(run_entry, &call, "driver load");
    if (!NT_SUCCESS(status))
        result->status = status;
    if (!NT_SUCCESS(result->status)) {
        undo_entry(d, result);
    } else {
        /* LC-03: nothing of it is needed again. */
        ldr_discard_init(image);
        result->driver = &d->public;
    }
    ob_dereference(d);
    return result->status;
}

static NTSTATUS load_image(const struct io_service *s, const struct io_load_request *request,
                           struct io_load_result *result)
{
    struct ldr_load_options options = {
        .name = request->file_name,
        .path = request->path,
        .checked_gates = request->checked_gates,
        .deterministic = request->deterministic,
        .find_export_driver = io_export_driver_find,
    };
    struct ldr_image *image = io_export_driver_adopt(request->file_name);
    if (image)
        return start_image(s, image, result);
    image = ldr_load(request->bytes, request->length, &options, &result->error);
    if (!image) {
        result->status = result->error.result == LDR_NOT_AN_IMAGE ? STATUS_INVALID_IMAGE_FORMAT
                                                                  : STATUS_DRIVER_UNABLE_TO_LOAD;
        return result->status;
    }
    TRACE(TRACE_LOAD, image, .text = s->name);
    ps_notify_image(image->name, image->base, image->size);
    return start_image(s, image, result);
}

/* A boot or system start driver that was marked critical may not fail (SV-03). */
static void judge_failure(const struct io_service *s, const struct io_load_result *result)
{
    if (s->start > START_SYSTEM || s->error_control != ERROR_CRITICAL)
        return;
    struct ke_bugcheck_info info = {
        .code = CRITICAL_SERVICE_FAILED,
        .p = {0, 0, (ULONG64)(LONG64)result->status, 0},
        .sentence = "a boot or system start driver whose ErrorControl is critical could not be loaded",
    };
    /* SV-03: there is no way on. */
    ke_bugcheck(&info);
}

NTSTATUS io_load_from_path(const struct io_service *s, struct io_load_result *result)
{
    char file_name[IO_SERVICE_NAME_BYTES + 4];
    size_t length, base = rtl_wcslen(s->image_path);
    const void *bytes = io_ops.open_image ? io_ops.open_image(s->image_path, &length) : NULL;
    if (!bytes) {
        result->status = STATUS_OBJECT_NAME_NOT_FOUND;
        return result->status;
    }
    while (base && s->image_path[base - 1] != '\\')
        base--;
    rtl_utf8_from_wide(file_name, sizeof(file_name), s->image_path + base, rtl_wcslen(s->image_path + base));
    struct io_load_request request = {
        .file_name = file_name,
        .bytes = bytes,
        .length = length,
        .checked_gates = io_ops.checked_gates,
        .deterministic = io_ops.deterministic,
    };
    load_image(s, &request, result);
    if (io_ops.close_image)
        io_ops.close_image(bytes);
    return result->status;
}

void io_service_name_of_file(const char *file_name, char *name, size_t room)
{
    size_t length = __builtin_strlen(file_name);
    for (size_t i = length; i-- > 1;)
        if (file_name[i] == '.') {
            length = i;
            break;
        }
    length = MIN(length, room - 1);
    __builtin_memcpy(name, file_name, length);
    name[length] = 0;
}

static void service_name_of(const struct io_load_request *request, char *name, size_t room)
{
    if (request->service)
        host_snprintf(name, room, "%s", request->service);
    else
        io_service_name_of_file(request->file_name, name, room);
}

/* Rules: LC-01..LC-06, SV-01..SV-03, SV-13, SV-14, REQ-01. */
NTSTATUS io_load_driver(const struct io_load_request *request, struct io_load_result *result)
{
    struct io_service s;
    char name[IO_SERVICE_NAME_BYTES];
    *result = (struct io_load_result){.status = STATUS_UNSUCCESSFUL};
    service_name_of(request, name, sizeof(name));
    io_service_name(&s, name);
    result->status = io_service_install(&s, request->file_name);
    if (!NT_SUCCESS(result->status))
        return result->status;
    io_service_read(&s);
    result->error_control = s.error_control;
    result->status = io_service_check(&s);
    if (!NT_SUCCESS(result->status)) {
        host_snprintf(result->error.text, sizeof(result->error.text),
                      "%s: the service key does not let it start", s.name);
        return result->status;
    }
    load_image(&s, request, result);
    if (!NT_SUCCESS(result->status) && io_service_use_last_known_good(&s))
        io_load_from_path(&s, result);
    if (!NT_SUCCESS(result->status))
        judge_failure(&s, result);
    return result->status;
}

/*
 * Loads the driver that a service key describes. IRQL: PASSIVE_LEVEL. Rules: LC-01, SV-01, SV-02, SV-14.
 */
NTSTATUS NTAPI NtLoadDriver(PUNICODE_STRING DriverServiceName)
{
    struct io_service s;
    struct io_load_result result = {0};
    UNICODE_STRING path;
    NTSTATUS status = ob_capture_string(DriverServiceName, ke_previous_mode(), &path);
    if (!NT_SUCCESS(status))
        return status;
    status = io_service_of_path(&s, &path);
    mm_free(path.Buffer);
    if (!NT_SUCCESS(status))
        return status;
    io_service_read(&s);
    status = io_service_check(&s);
    if (!NT_SUCCESS(status))
        return status;
    PDRIVER_OBJECT there = io_find_driver(s.name);
    if (there) {
        ob_dereference(there);
        return STATUS_IMAGE_ALREADY_LOADED;
    }
    return io_load_from_path(&s, &result);
}

EXPORT(ntoskrnl, ZwLoadDriver, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwLoadDriver(PUNICODE_STRING DriverServiceName)
{
    return ZW_CALL(NtLoadDriver(DriverServiceName));
}

/*
 * Asks the driver of a service key to go. STATUS_SUCCESS also when it goes only later, with its last
 * reference. IRQL: PASSIVE_LEVEL. Rules: LC-09, LC-10, LC-14.
 */
NTSTATUS NTAPI NtUnloadDriver(PUNICODE_STRING DriverServiceName)
{
    struct io_service s;
    UNICODE_STRING path;
    NTSTATUS status = ob_capture_string(DriverServiceName, ke_previous_mode(), &path);
    if (!NT_SUCCESS(status))
        return status;
    status = io_service_of_path(&s, &path);
    mm_free(path.Buffer);
    if (!NT_SUCCESS(status))
        return status;
    PDRIVER_OBJECT driver = io_find_driver(s.name);
    if (!driver)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    /* LC-11: PnP drivers go with their devices. */
    if (driver->DriverExtension->AddDevice)
        status = STATUS_INVALID_DEVICE_REQUEST;
    else
        status = io_unload_driver(driver);
    ob_dereference(driver);
    return status == STATUS_PENDING ? STATUS_SUCCESS : status;
}

EXPORT(ntoskrnl, ZwUnloadDriver, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwUnloadDriver(PUNICODE_STRING DriverServiceName)
{
    return ZW_CALL(NtUnloadDriver(DriverServiceName));
}
