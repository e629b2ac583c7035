/* SPDX-License-Identifier: MIT */
/*
 * The registry at the start of the machine, and the runtime's own way in: by
 * path, without handles. \Registry\Machine\Hardware is volatile, as on NT.
 */
#include "cm/callbacks.h"
#include "base/version.h"
#include "cm/store.h"
#include "rtl/rtl.h"

/* The part of an absolute path behind "\Registry"; false: not a path of the registry. */
static bool below_registry(const WCHAR *path, UNICODE_STRING *rest)
{
    UNICODE_STRING text, prefix;
    rtl_init_string(&text, path);
    rtl_init_string(&prefix, u"\\Registry");
    UNICODE_STRING head = {prefix.Length, prefix.Length, text.Buffer};
    if (text.Length < prefix.Length || !rtl_equal_nocase(&head, &prefix))
        return false;
    *rest = (UNICODE_STRING){(USHORT)(text.Length - prefix.Length), 0,
                             text.Buffer + prefix.Length / sizeof(WCHAR)};
    return rest->Length == 0 || rest->Buffer[0] == '\\';
}

NTSTATUS cm_lock_path(const WCHAR *path, struct cm_walk *walk, struct cm_key **key)
{
    UNICODE_STRING rest;
    if (!below_registry(path, &rest))
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    rl_lock_acquire(&cm_lock);
    NTSTATUS status = cm_walk_path(cm_root, &rest, walk, key);
    if (!NT_SUCCESS(status))
        rl_lock_release(&cm_lock);
    return status;
}

NTSTATUS cm_create_key(const WCHAR *path)
{
    struct cm_walk walk = {.create_all = true};
    struct cm_key *key;
    NTSTATUS status = cm_lock_path(path, &walk, &key);
    if (NT_SUCCESS(status))
        rl_lock_release(&cm_lock);
    return status;
}

bool cm_key_exists(const WCHAR *path)
{
    struct cm_walk walk = {0};
    struct cm_key *key;
    if (!NT_SUCCESS(cm_lock_path(path, &walk, &key)))
        return false;
    rl_lock_release(&cm_lock);
    return true;
}

NTSTATUS cm_set_value(const WCHAR *path, const WCHAR *name, ULONG type, const void *data, ULONG length)
{
    struct cm_walk walk = {.create_all = true};
    struct cm_key *key;
    UNICODE_STRING value_name;
    rtl_init_string(&value_name, name ? name : u"");
    NTSTATUS status = cm_lock_path(path, &walk, &key);
    if (!NT_SUCCESS(status))
        return status;
    status = cm_put_value(key, &value_name, type, data, length);
    rl_lock_release(&cm_lock);
    return status;
}

NTSTATUS cm_delete_value(const WCHAR *path, const WCHAR *name)
{
    struct cm_walk walk = {0};
    struct cm_key *key;
    UNICODE_STRING value_name;
    rtl_init_string(&value_name, name ? name : u"");
    NTSTATUS status = cm_lock_path(path, &walk, &key);
    if (!NT_SUCCESS(status))
        return status;
    struct cm_value *value = cm_find_value(key, &value_name);
    if (value)
        cm_remove_value(key, value);
    rl_lock_release(&cm_lock);
    return value ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND;
}

NTSTATUS cm_query_value(const WCHAR *path, const WCHAR *name, ULONG *type, void *data, ULONG *length)
{
    struct cm_walk walk = {0};
    struct cm_key *key;
    UNICODE_STRING value_name;
    rtl_init_string(&value_name, name ? name : u"");
    NTSTATUS status = cm_lock_path(path, &walk, &key);
    if (!NT_SUCCESS(status))
        return status;
    const struct cm_value *value = cm_find_value(key, &value_name);
    if (!value)
        status = STATUS_OBJECT_NAME_NOT_FOUND;
    else if (value->length > *length)
        status = STATUS_BUFFER_TOO_SMALL;
    else if (value->length)
        memcpy(data, value->data, value->length);
    if (value) {
        *length = value->length;
        *type = value->type;
    }
    rl_lock_release(&cm_lock);
    return status;
}

NTSTATUS cm_subkey_name(const WCHAR *path, ULONG index, WCHAR *name, size_t room_chars)
{
    struct cm_walk walk = {0};
    struct cm_key *key;
    NTSTATUS status = cm_lock_path(path, &walk, &key);
    if (!NT_SUCCESS(status))
        return status;
    const struct cm_key *child = cm_child_at(key, index);
    if (!child)
        status = STATUS_NO_MORE_ENTRIES;
    else if (child->name.Length / sizeof(WCHAR) >= room_chars)
        status = STATUS_BUFFER_TOO_SMALL;
    else {
        memcpy(name, child->name.Buffer, child->name.Length);
        name[child->name.Length / sizeof(WCHAR)] = 0;
    }
    rl_lock_release(&cm_lock);
    return status;
}

NTSTATUS cm_delete_tree(const WCHAR *path)
{
    struct cm_walk walk = {.as_link = true};
    struct cm_key *key;
    NTSTATUS status = cm_lock_path(path, &walk, &key);
    if (!NT_SUCCESS(status))
        return status;
    if (key->parent)
        cm_remove_tree(key);
    else
        status = STATUS_CANNOT_DELETE;
    rl_lock_release(&cm_lock);
    return status;
}

static NTSTATUS set_text(const WCHAR *path, const WCHAR *name, const WCHAR *text)
{
    return cm_set_value(path, name, REG_SZ, text, (ULONG)((rtl_wcslen(text) + 1) * sizeof(WCHAR)));
}

static NTSTATUS set_number(const WCHAR *path, const WCHAR *name, ULONG value)
{
    return cm_set_value(path, name, REG_DWORD, &value, sizeof(value));
}

static NTSTATUS make_keys(void)
{
    static const WCHAR *const paths[] = {
        u"\\Registry\\MACHINE\\SYSTEM\\ControlSet001\\Services",
        u"\\Registry\\MACHINE\\SYSTEM\\ControlSet001\\Control\\Class",
        u"\\Registry\\MACHINE\\SYSTEM\\ControlSet001\\Control\\DeviceClasses",
        u"\\Registry\\MACHINE\\SYSTEM\\ControlSet001\\Control\\Session Manager\\Memory Management",
        u"\\Registry\\MACHINE\\SYSTEM\\ControlSet001\\Enum",
        u"\\Registry\\MACHINE\\SYSTEM\\ControlSet001\\Hardware Profiles",
        u"\\Registry\\MACHINE\\SYSTEM\\Select",
        u"\\Registry\\MACHINE\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion",
        u"\\Registry\\USER\\.Default",
    };
    NTSTATUS status = STATUS_SUCCESS;
    for (unsigned i = 0; i < countof(paths) && NT_SUCCESS(status); i++)
        status = cm_create_key(paths[i]);
    return status;
}

NTSTATUS cm_select_control_set(ULONG number)
{
    static const UNICODE_STRING link_value = {34, 34, (WCHAR *)u"SymbolicLinkValue"};
    WCHAR target[] = u"\\Registry\\Machine\\System\\ControlSet000";
    struct cm_walk link_walk = {.create_all = true, .as_link = true};
    struct cm_key *link;
    if (number == 0 || number > 999)
        return STATUS_INVALID_PARAMETER;
    for (WCHAR *digit = target + countof(target) - 2; number; number /= 10)
        *digit-- = (WCHAR)(u'0' + number % 10);
    NTSTATUS status = cm_lock_path(u"\\Registry\\MACHINE\\SYSTEM\\CurrentControlSet", &link_walk, &link);
    if (!NT_SUCCESS(status))
        return status;
    status = cm_put_value(link, &link_value, REG_LINK, target, sizeof(target) - sizeof(WCHAR));
    link->is_link = true;
    rl_lock_release(&cm_lock);
    return status;
}

/* CurrentControlSet, and Hardware that is volatile from the top. */
static NTSTATUS make_special_keys(void)
{
    struct cm_walk hardware_walk = {.create_all = true, .is_volatile = true};
    struct cm_key *hardware;
    NTSTATUS status = cm_select_control_set(1);
    if (NT_SUCCESS(status))
        status = cm_lock_path(u"\\Registry\\MACHINE\\HARDWARE", &hardware_walk, &hardware);
    if (NT_SUCCESS(status))
        rl_lock_release(&cm_lock);
    return status;
}

static NTSTATUS describe_system(void)
{
    static const WCHAR version[] = u"\\Registry\\Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion";
    static const WCHAR select[] = u"\\Registry\\Machine\\System\\Select";
    NTSTATUS status = set_text(version, u"CurrentVersion", u"6.3");
    if (NT_SUCCESS(status))
        status = set_text(version, u"CurrentBuildNumber", u"19045");
    if (NT_SUCCESS(status))
        status = set_text(version, u"ProductName", u"Windows 10 Pro");
    if (NT_SUCCESS(status))
        status = set_text(version, u"SystemRoot", u"C:\\Windows");
    if (NT_SUCCESS(status))
        status = set_number(version, u"CurrentMajorVersionNumber", NT_VERSION_MAJOR);
    if (NT_SUCCESS(status))
        status = set_number(version, u"CurrentMinorVersionNumber", NT_VERSION_MINOR);
    if (NT_SUCCESS(status))
        status = set_number(select, u"Current", 1);
    if (NT_SUCCESS(status))
        status = set_number(select, u"Default", 1);
    return status;
}

static NTSTATUS describe_hardware(void)
{
    static const WCHAR system[] = u"\\Registry\\Machine\\Hardware\\Description\\System";
    static const WCHAR cpu[] = u"\\Registry\\Machine\\Hardware\\Description\\System\\CentralProcessor\\0";
    NTSTATUS status = set_text(system, u"Identifier", u"AT/AT COMPATIBLE");
    if (NT_SUCCESS(status))
        status = set_text(cpu, u"Identifier", u"Intel64 Family 6 Model 85 Stepping 7");
    if (NT_SUCCESS(status))
        status = set_text(cpu, u"ProcessorNameString", u"Ringless virtual processor");
    if (NT_SUCCESS(status))
        status = set_text(cpu, u"VendorIdentifier", u"GenuineIntel");
    if (NT_SUCCESS(status))
        status = set_number(cpu, u"~MHz", 2000);
    if (NT_SUCCESS(status))
        status = cm_create_key(u"\\Registry\\Machine\\Hardware\\DeviceMap");
    return NT_SUCCESS(status) ? cm_create_key(u"\\Registry\\Machine\\Hardware\\ResourceMap") : status;
}

NTSTATUS cm_init(void)
{
    NTSTATUS status = cm_key_type_init();
    if (NT_SUCCESS(status))
        status = make_keys();
    if (NT_SUCCESS(status))
        status = make_special_keys();
    if (NT_SUCCESS(status))
        status = describe_system();
    return NT_SUCCESS(status) ? describe_hardware() : status;
}

/* The machine ends: the keys go with the pool. */
void cm_fini(void)
{
    cm_callbacks_fini();
    cm_root = NULL;
    cm_key_type = NULL;
}
