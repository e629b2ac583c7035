/* SPDX-License-Identifier: MIT */
/* RtlWriteRegistryValue and its kin: one operation on a key that a base and a path name. */
#include "cm/rtl_registry.h"
#include "rtl/rtl.h"

static const WCHAR *const bases[RTL_REGISTRY_MAXIMUM] = {
    [RTL_REGISTRY_ABSOLUTE] = u"",
    [RTL_REGISTRY_SERVICES] = u"\\Registry\\Machine\\System\\CurrentControlSet\\Services",
    [RTL_REGISTRY_CONTROL] = u"\\Registry\\Machine\\System\\CurrentControlSet\\Control",
    [RTL_REGISTRY_WINDOWS_NT] = u"\\Registry\\Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion",
    [RTL_REGISTRY_DEVICEMAP] = u"\\Registry\\Machine\\Hardware\\DeviceMap",
    [RTL_REGISTRY_USER] = u"\\Registry\\User\\.Default", /* the current user of a system process */
};

static NTSTATUS full_path(ULONG base, PCWSTR path, UNICODE_STRING *full)
{
    size_t head = rtl_wcslen(bases[base]), tail = path ? rtl_wcslen(path) : 0;
    bool separator = head && tail && path[0] != '\\';
    size_t bytes = (head + tail + separator) * sizeof(WCHAR);
    if (bytes > 0xFFFE)
        return STATUS_NAME_TOO_LONG;
    WCHAR *text = mm_alloc(bytes + sizeof(WCHAR), CM_TAG);
    if (!text)
        return STATUS_INSUFFICIENT_RESOURCES;
    memcpy(text, bases[base], head * sizeof(WCHAR));
    if (separator)
        text[head] = '\\';
    memcpy(text + head + separator, path ? path : u"", tail * sizeof(WCHAR));
    *full = (UNICODE_STRING){(USHORT)bytes, (USHORT)(bytes + sizeof(WCHAR)), text};
    return STATUS_SUCCESS;
}

NTSTATUS cm_rtl_open(ULONG relative_to, PCWSTR path, ACCESS_MASK access, bool create, HANDLE *key)
{
    ULONG base = relative_to & ~(RTL_REGISTRY_OPTIONAL | RTL_REGISTRY_HANDLE);
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING full;
    if (relative_to & RTL_REGISTRY_HANDLE) {
        *key = (HANDLE)path;
        return STATUS_SUCCESS;
    }
    if (base >= RTL_REGISTRY_MAXIMUM)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = full_path(base, path, &full);
    if (!NT_SUCCESS(status))
        return status;
    InitializeObjectAttributes(&attributes, &full, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    if (create)
        status = ZwCreateKey(key, access, &attributes, 0, NULL, REG_OPTION_NON_VOLATILE, NULL);
    else
        status = ZwOpenKey(key, access, &attributes);
    if (create && status == STATUS_CHILD_MUST_BE_VOLATILE)
        status = ZwCreateKey(key, access, &attributes, 0, NULL, REG_OPTION_VOLATILE, NULL);
    mm_free(full.Buffer);
    return status;
}

void cm_rtl_close(ULONG relative_to, HANDLE key)
{
    if (!(relative_to & RTL_REGISTRY_HANDLE))
        ZwClose(key);
}

/* Makes the last key of Path where it is missing. IRQL: PASSIVE_LEVEL. */
EXPORT(ntoskrnl, RtlWriteRegistryValue, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI RtlWriteRegistryValue(ULONG RelativeTo, PCWSTR Path, PCWSTR ValueName, ULONG ValueType,
                                     PVOID ValueData, ULONG ValueLength)
{
    HANDLE key;
    UNICODE_STRING name;
    rtl_init_string(&name, ValueName ? ValueName : u"");
    NTSTATUS status = cm_rtl_open(RelativeTo, Path, KEY_SET_VALUE, true, &key);
    if (!NT_SUCCESS(status))
        return status;
    status = ZwSetValueKey(key, &name, 0, ValueType, ValueData, ValueLength);
    cm_rtl_close(RelativeTo, key);
    return status;
}

EXPORT(ntoskrnl, RtlDeleteRegistryValue, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI RtlDeleteRegistryValue(ULONG RelativeTo, PCWSTR Path, PCWSTR ValueName)
{
    HANDLE key;
    UNICODE_STRING name;
    rtl_init_string(&name, ValueName ? ValueName : u"");
    NTSTATUS status = cm_rtl_open(RelativeTo, Path, KEY_SET_VALUE, false, &key);
    if (!NT_SUCCESS(status))
        return status;
    status = ZwDeleteValueKey(key, &name);
    cm_rtl_close(RelativeTo, key);
    return status;
}

/* With RTL_REGISTRY_HANDLE it closes the caller's handle, as documented. */
EXPORT(ntoskrnl, RtlCheckRegistryKey, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI RtlCheckRegistryKey(ULONG RelativeTo, PWSTR Path)
{
    HANDLE key;
    NTSTATUS status = cm_rtl_open(RelativeTo, Path, KEY_QUERY_VALUE, false, &key);
    return NT_SUCCESS(status) ? ZwClose(key) : status;
}

/* Creates the last key of the path only; the others must be there. */
EXPORT(ntoskrnl, RtlCreateRegistryKey, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI RtlCreateRegistryKey(ULONG RelativeTo, PWSTR Path)
{
    HANDLE key;
    NTSTATUS status = cm_rtl_open(RelativeTo, Path, KEY_READ, true, &key);
    if (NT_SUCCESS(status))
        cm_rtl_close(RelativeTo, key);
    return status;
}
