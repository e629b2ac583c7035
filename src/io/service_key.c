/* SPDX-License-Identifier: MIT */
/*
 * Service keys in the registry: \Registry\Machine\System\CurrentControlSet\Services\NAME.
 * No lock of its own; the registry has one.
 */
#include "io/service_key.h"

#define SERVICES  u"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\"
#define LAST_GOOD u"\\Registry\\Machine\\System\\LastKnownGood\\Services\\"

static void append(WCHAR *to, size_t room, const WCHAR *text)
{
    size_t at = rtl_wcslen(to);
    while (*text && at + 1 < room)
        to[at++] = *text++;
    to[at] = 0;
}

static ULONG read_ulong(const WCHAR *path, const WCHAR *name, ULONG otherwise)
{
    ULONG type, value, length = sizeof(value);
    if (!NT_SUCCESS(cm_query_value(path, name, &type, &value, &length)) || length != sizeof(value))
        return otherwise;
    return value;
}

static void read_image_path(struct io_service *s)
{
    ULONG type, length = sizeof(s->image_path) - sizeof(WCHAR);
    __builtin_memset(s->image_path, 0, sizeof(s->image_path));
    if (NT_SUCCESS(cm_query_value(s->path, u"ImagePath", &type, s->image_path, &length)) &&
        length > sizeof(WCHAR))
        return;
    WCHAR wide[IO_SERVICE_NAME_BYTES];
    rtl_wide_from_utf8(wide, countof(wide), s->name, __builtin_strlen(s->name));
    s->image_path[0] = 0;
    /* SV-14: where drivers are by default. */
    append(s->image_path, countof(s->image_path), u"\\SystemRoot\\System32\\drivers\\");
    append(s->image_path, countof(s->image_path), wide);
    append(s->image_path, countof(s->image_path), u".sys");
}

void io_service_read(struct io_service *s)
{
    /* SV-01: what kind of driver. */
    s->type = read_ulong(s->path, u"Type", TYPE_KERNEL_DRIVER);
    /* SV-02: when it starts. */
    s->start = read_ulong(s->path, u"Start", START_DEMAND);
    /* SV-03: what its failing means. */
    s->error_control = read_ulong(s->path, u"ErrorControl", ERROR_NORMAL);
    read_image_path(s);
}

static void set_path(struct io_service *s, const WCHAR *root, const char *name)
{
    WCHAR wide[IO_SERVICE_NAME_BYTES];
    host_snprintf(s->name, sizeof(s->name), "%s", name);
    rtl_wide_from_utf8(wide, countof(wide), s->name, __builtin_strlen(s->name));
    s->path[0] = 0;
    /* LC-01: the key that names the service. */
    append(s->path, countof(s->path), root);
    append(s->path, countof(s->path), wide);
}

void io_service_name(struct io_service *s, const char *name)
{
    set_path(s, SERVICES, name);
}

/* A service that nobody installed becomes a demand-start kernel driver. */
NTSTATUS io_service_install(struct io_service *s, const char *file_name)
{
    static const ULONG type = TYPE_KERNEL_DRIVER, start = START_DEMAND, error_control = ERROR_NORMAL;
    if (cm_key_exists(s->path))
        return STATUS_SUCCESS;
    WCHAR image_path[IO_SERVICE_NAME_BYTES + 8] = u"\\??\\", wide[IO_SERVICE_NAME_BYTES];
    rtl_wide_from_utf8(wide, countof(wide), file_name, __builtin_strlen(file_name));
    append(image_path, countof(image_path), wide);
    NTSTATUS status = cm_set_value(s->path, u"Type", REG_DWORD, &type, sizeof(type));
    if (NT_SUCCESS(status))
        status = cm_set_value(s->path, u"Start", REG_DWORD, &start, sizeof(start));
    if (NT_SUCCESS(status))
        status = cm_set_value(s->path, u"ErrorControl", REG_DWORD, &error_control, sizeof(error_control));
    if (NT_SUCCESS(status))
        status = cm_set_value(s->path, u"ImagePath", REG_EXPAND_SZ, image_path,
                              (ULONG)((rtl_wcslen(image_path) + 1) * sizeof(WCHAR)));
    return status;
}

NTSTATUS io_service_check(const struct io_service *s)
{
    if (s->type != TYPE_KERNEL_DRIVER && s->type != TYPE_FILE_SYSTEM_DRIVER)
        /* SV-01: other types are not drivers. */
        return STATUS_DRIVER_UNABLE_TO_LOAD;
    if (s->start == START_DISABLED)
        /* LC-07, SV-02: never loaded. */
        return STATUS_PLUGPLAY_NO_DEVICE;
    return STATUS_SUCCESS;
}

/* The last component of a service key's path, as our own name of the service. */
NTSTATUS io_service_of_path(struct io_service *s, const UNICODE_STRING *path)
{
    WCHAR text[192];
    char name[IO_SERVICE_NAME_BYTES];
    size_t count = path->Length / sizeof(WCHAR), from = count;
    if (!count || count >= countof(text))
        return STATUS_INVALID_PARAMETER;
    __builtin_memcpy(text, path->Buffer, count * sizeof(WCHAR));
    text[count] = 0;
    while (from && text[from - 1] != '\\')
        from--;
    if (from == count)
        return STATUS_INVALID_PARAMETER;
    rtl_utf8_from_wide(name, sizeof(name), text + from, count - from);
    set_path(s, SERVICES, name);
    __builtin_memcpy(s->path, text, (count + 1) * sizeof(WCHAR));
    return cm_key_exists(s->path) ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND;
}

/* Severe and critical (SV-03): once more with the last configuration that worked, if one is recorded. */
bool io_service_use_last_known_good(struct io_service *s)
{
    struct io_service good;
    if (s->start > START_SYSTEM || s->error_control < ERROR_SEVERE)
        return false;
    set_path(&good, LAST_GOOD, s->name);
    if (!cm_key_exists(good.path))
        return false;
    io_service_read(&good);
    if (rtl_wcslen(good.image_path) == 0 || !io_ops.open_image)
        return false;
    /* SV-03: its settings instead. */
    __builtin_memcpy(s->image_path, good.image_path, sizeof(s->image_path));
    return true;
}
