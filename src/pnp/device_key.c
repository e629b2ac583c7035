/* SPDX-License-Identifier: MIT */
/* Handles to the registry keys where drivers keep what belongs to a device or an interface. No state. */
#include "cm/routines.h"
#include "pnp/notify_private.h"

#define PROFILE_ENUM                                                                                         \
    u"\\Registry\\Machine\\System\\CurrentControlSet\\Hardware "                                             \
    u"Profiles\\Current\\System\\CurrentControlSet\\Enum\\"
#define PROFILE_CLASS                                                                                        \
    u"\\Registry\\Machine\\System\\CurrentControlSet\\Hardware "                                             \
    u"Profiles\\Current\\System\\CurrentControlSet\\Control\\Class\\"

/* Makes the key if it is not there; it is not volatile. */
static NTSTATUS open_key(const WCHAR *path, ACCESS_MASK access, PHANDLE handle)
{
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING name;
    NTSTATUS status = cm_create_key(path);
    if (!NT_SUCCESS(status))
        return status;
    rtl_init_string(&name, path);
    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, NULL);
    return ZwOpenKey(handle, access, &attributes);
}

static NTSTATUS hardware_path(const struct pnp_node *node, bool profile, WCHAR *path, size_t room)
{
    const WCHAR *const parts[] = {profile ? PROFILE_ENUM : PNP_ENUM_KEY, node->instance_path,
                                  u"\\Device Parameters"};
    return pnp_join(path, room, parts, countof(parts)) ? STATUS_SUCCESS : STATUS_NAME_TOO_LONG;
}

static NTSTATUS software_path(const struct pnp_node *node, bool profile, WCHAR *path, size_t room)
{
    WCHAR *driver = pnp_enum_list(node, u"Driver");
    if (!driver)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    const WCHAR *const parts[] = {profile ? PROFILE_CLASS : PNP_CLASS_KEY, driver};
    bool fits = pnp_join(path, room, parts, countof(parts));
    mm_free(driver);
    return fits ? STATUS_SUCCESS : STATUS_NAME_TOO_LONG;
}

/*
 * The hardware key or the software key of a device. STATUS_INVALID_PARAMETER: no PDO, or not one of both;
 * STATUS_OBJECT_NAME_NOT_FOUND: nothing was installed that has a software key. Owns: the caller, the handle.
 * IRQL: PASSIVE_LEVEL.
 */
EXPORT(ntoskrnl, IoOpenDeviceRegistryKey, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI IoOpenDeviceRegistryKey(PDEVICE_OBJECT DeviceObject, ULONG DevInstKeyType,
                                       ACCESS_MASK DesiredAccess, PHANDLE DeviceRegKey)
{
    WCHAR path[PNP_PATH_CHARS];
    struct pnp_node *node = pnp_node_of(DeviceObject);
    bool profile = DevInstKeyType & PLUGPLAY_REGKEY_CURRENT_HWPROFILE;
    ULONG which = DevInstKeyType & ~(ULONG)PLUGPLAY_REGKEY_CURRENT_HWPROFILE;
    if (!node || !node->instance_path || (which != PLUGPLAY_REGKEY_DEVICE && which != PLUGPLAY_REGKEY_DRIVER))
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = which == PLUGPLAY_REGKEY_DEVICE ? hardware_path(node, profile, path, countof(path))
                                                      : software_path(node, profile, path, countof(path));
    return NT_SUCCESS(status) ? open_key(path, DesiredAccess, DeviceRegKey) : status;
}

/*
 * The key of an interface for what drivers keep with it. STATUS_INVALID_PARAMETER: no name of an interface;
 * STATUS_OBJECT_NAME_NOT_FOUND: nobody registered it. Owns: the caller, the handle. IRQL: PASSIVE_LEVEL.
 */
EXPORT(ntoskrnl, IoOpenDeviceInterfaceRegistryKey, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI IoOpenDeviceInterfaceRegistryKey(PUNICODE_STRING SymbolicLinkName, ACCESS_MASK DesiredAccess,
                                                PHANDLE DeviceInterfaceRegKey)
{
    WCHAR path[PNP_INTERFACE_CHARS];
    struct pnp_link link;
    if (!pnp_link_parse(SymbolicLinkName, &link) ||
        !pnp_link_key(&link, true, u"Device Parameters", path, countof(path)))
        return STATUS_INVALID_PARAMETER;
    if (!pnp_interface_known(&link))
        return STATUS_OBJECT_NAME_NOT_FOUND;
    return open_key(path, DesiredAccess, DeviceInterfaceRegKey);
}
