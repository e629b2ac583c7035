/* SPDX-License-Identifier: MIT */
/*
 * Properties by key (the unified device property model): the system's own keys
 * are answered from what is known of the device or the interface; all others
 * are what drivers set. No state.
 */
#include "pnp/property.h"

#define DEVICE_FMTID                                                                                         \
    {                                                                                                        \
        0xA45C254E, 0xDF1C, 0x4EFD,                                                                          \
        {                                                                                                    \
            0x80, 0x20, 0x67, 0xD1, 0x46, 0xA8, 0x50, 0xE0                                                   \
        }                                                                                                    \
    }
#define STATUS_FMTID                                                                                         \
    {                                                                                                        \
        0x4340A6C5, 0x93FA, 0x4706,                                                                          \
        {                                                                                                    \
            0x97, 0x2C, 0x7B, 0x64, 0x80, 0x08, 0xA5, 0xA7                                                   \
        }                                                                                                    \
    }
static const GUID
    device_keys = DEVICE_FMTID,
    status_keys = STATUS_FMTID,
    instance_keys = {0x78C34FC8, 0x104A, 0x4ACA, {0x9E, 0xA4, 0x52, 0x4D, 0x52, 0x99, 0x6E, 0x57}},
    container_keys = {0x8C7ED206, 0x3F8A, 0x4827, {0xB3, 0xAB, 0xAE, 0x9E, 0x1F, 0xAE, 0xFC, 0x6C}},
    interface_keys = {0x026E516E, 0xB814, 0x414B, {0x83, 0xCD, 0x85, 0x6D, 0x6F, 0xEF, 0x48, 0x22}};

#define INSTANCE_ID_PID    256
#define PARENT_PID         8
#define PROBLEM_PID        3
#define FRIENDLY_PID       14
#define LOCATION_PATHS_PID 37
#define GUID_TEXT_BYTES    (39 * sizeof(WCHAR))

/* Of DEVPKEY_Device_..., which registry property says the same. */
static const struct {
    UCHAR pid;
    UCHAR property; /* DEVICE_REGISTRY_PROPERTY */
    USHORT type;
} device_properties[] = {
    {2, DevicePropertyDeviceDescription, DEVPROP_TYPE_STRING},
    {3, DevicePropertyHardwareID, DEVPROP_TYPE_STRING_LIST},
    {4, DevicePropertyCompatibleIDs, DEVPROP_TYPE_STRING_LIST},
    {9, DevicePropertyClassName, DEVPROP_TYPE_STRING},
    {10, DevicePropertyClassGuid, DEVPROP_TYPE_GUID},
    {11, DevicePropertyDriverKeyName, DEVPROP_TYPE_STRING},
    {13, DevicePropertyManufacturer, DEVPROP_TYPE_STRING},
    {FRIENDLY_PID, DevicePropertyFriendlyName, DEVPROP_TYPE_STRING},
    {15, DevicePropertyLocationInformation, DEVPROP_TYPE_STRING},
    {16, DevicePropertyPhysicalDeviceObjectName, DEVPROP_TYPE_STRING},
    {18, DevicePropertyUINumber, DEVPROP_TYPE_UINT32},
    {21, DevicePropertyBusTypeGuid, DEVPROP_TYPE_GUID},
    {22, DevicePropertyLegacyBusType, DEVPROP_TYPE_UINT32},
    {23, DevicePropertyBusNumber, DEVPROP_TYPE_UINT32},
    {24, DevicePropertyEnumeratorName, DEVPROP_TYPE_STRING},
    {30, DevicePropertyAddress, DEVPROP_TYPE_UINT32},
    {33, DevicePropertyRemovalPolicy, DEVPROP_TYPE_UINT32},
    {36, DevicePropertyInstallState, DEVPROP_TYPE_UINT32},
};

/* Text of a GUID becomes the GUID, as these keys have it. */
static NTSTATUS answer_guid(struct pnp_answer *a, NTSTATUS status)
{
    UNICODE_STRING text;
    if (!NT_SUCCESS(status) || a->size != GUID_TEXT_BYTES)
        return status;
    rtl_init_string(&text, a->owned);
    GUID guid;
    status = RtlGUIDFromString(&text, &guid);
    __builtin_memcpy(a->owned, &guid, sizeof(guid));
    a->size = sizeof(guid);
    return status;
}

static NTSTATUS answer_path(struct pnp_answer *a, const struct pnp_node *node)
{
    a->data = a->owned = node && node->instance_path ? pnp_copy_text(node->instance_path) : NULL;
    a->size = a->data ? (ULONG)((rtl_wcslen(a->data) + 1) * sizeof(WCHAR)) : 0;
    return a->data ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND;
}

static NTSTATUS answer_ulong(struct pnp_answer *a, ULONG number)
{
    a->room.number = number;
    a->data = &a->room.number;
    a->size = sizeof(ULONG);
    return STATUS_SUCCESS;
}

static NTSTATUS answer_device_key(const struct pnp_node *node, ULONG pid, struct pnp_answer *a,
                                  DEVPROPTYPE *type)
{
    if (pid == LOCATION_PATHS_PID) {
        *type = DEVPROP_TYPE_STRING_LIST;
        return pnp_answer_location(node, a);
    }
    for (unsigned i = 0; i < countof(device_properties); i++)
        if (device_properties[i].pid == pid) {
            *type = device_properties[i].type;
            NTSTATUS status = pnp_answer(node, (DEVICE_REGISTRY_PROPERTY)device_properties[i].property, a);
            return *type == DEVPROP_TYPE_GUID ? answer_guid(a, status) : status;
        }
    return STATUS_NOT_FOUND;
}

/* A key of the system's; STATUS_NOT_FOUND: it is none. */
static NTSTATUS answer_key(const struct pnp_node *node, const DEVPROPKEY *key, struct pnp_answer *a,
                           DEVPROPTYPE *type)
{
    *a = (struct pnp_answer){0};
    if (pnp_same_guid(&key->fmtid, &device_keys))
        return answer_device_key(node, key->pid, a, type);
    if (pnp_same_guid(&key->fmtid, &container_keys) && key->pid == 2) {
        *type = DEVPROP_TYPE_GUID;
        return answer_guid(a, pnp_answer(node, DevicePropertyContainerID, a));
    }
    *type = DEVPROP_TYPE_STRING;
    if (pnp_same_guid(&key->fmtid, &instance_keys) && key->pid == INSTANCE_ID_PID)
        return answer_path(a, node);
    if (pnp_same_guid(&key->fmtid, &status_keys) && key->pid == PARENT_PID)
        return answer_path(a, node->parent);
    *type = DEVPROP_TYPE_UINT32;
    if (pnp_same_guid(&key->fmtid, &status_keys) && key->pid == PROBLEM_PID)
        return answer_ulong(a, node->problem);
    return STATUS_NOT_FOUND;
}

/*
 * A property of a device by key. STATUS_BUFFER_TOO_SMALL: RequiredSize says how much is needed.
 * STATUS_OBJECT_NAME_NOT_FOUND: it has none; STATUS_UNSUCCESSFUL: no locale; STATUS_INVALID_DEVICE_REQUEST:
 * no PDO. IRQL: <= APC_LEVEL.
 */
EXPORT(ntoskrnl, IoGetDevicePropertyData, PASSIVE_LEVEL, APC_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI IoGetDevicePropertyData(PDEVICE_OBJECT Pdo, const DEVPROPKEY *PropertyKey, LCID Lcid,
                                       ULONG Flags, ULONG Size, PVOID Data, PULONG RequiredSize,
                                       PDEVPROPTYPE Type)
{
    struct pnp_node *node = pnp_node_of(Pdo);
    struct pnp_answer answer;
    WCHAR path[PNP_PATH_CHARS];
    if (!node || !pnp_enum_path(node, NULL, path, countof(path)))
        return STATUS_INVALID_DEVICE_REQUEST;
    if (!pnp_locale_is_valid(Lcid))
        return STATUS_UNSUCCESSFUL;
    NTSTATUS status = answer_key(node, PropertyKey, &answer, Type);
    if (status == STATUS_NOT_FOUND)
        return pnp_property_get(path, PropertyKey, Lcid, Size, Data, RequiredSize, Type);
    return pnp_answer_give(&answer, status, Size, Data, RequiredSize);
}

static NTSTATUS set_friendly_name(const struct pnp_node *node, DEVPROPTYPE type, ULONG size, const void *data)
{
    WCHAR path[PNP_PATH_CHARS];
    if (data && type == DEVPROP_TYPE_STRING)
        return pnp_enum_set(node, u"FriendlyName", REG_SZ, data, size);
    if (data || !pnp_enum_path(node, NULL, path, countof(path)))
        return STATUS_INVALID_PARAMETER;
    return cm_delete_value(path, u"FriendlyName");
}

/*
 * Sets a property of a device; Data NULL: deletes it. Every property persists. STATUS_ACCESS_DENIED: the
 * system's own; STATUS_INVALID_PARAMETER: no such type, or not that type's size; else as above. IRQL: <=
 * APC_LEVEL.
 */
EXPORT(ntoskrnl, IoSetDevicePropertyData, PASSIVE_LEVEL, APC_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI IoSetDevicePropertyData(PDEVICE_OBJECT Pdo, const DEVPROPKEY *PropertyKey, LCID Lcid,
                                       ULONG Flags, DEVPROPTYPE Type, ULONG Size, PVOID Data)
{
    struct pnp_node *node = pnp_node_of(Pdo);
    struct pnp_answer answer;
    DEVPROPTYPE type;
    WCHAR path[PNP_PATH_CHARS];
    if (!node || !pnp_enum_path(node, NULL, path, countof(path)))
        return STATUS_INVALID_DEVICE_REQUEST;
    if (!pnp_locale_is_valid(Lcid))
        return STATUS_UNSUCCESSFUL;
    if (pnp_same_guid(&PropertyKey->fmtid, &device_keys) && PropertyKey->pid == FRIENDLY_PID)
        return set_friendly_name(node, Type, Size, Data);
    NTSTATUS status = answer_key(node, PropertyKey, &answer, &type);
    mm_free(answer.owned);
    if (status != STATUS_NOT_FOUND)
        return STATUS_ACCESS_DENIED;
    return pnp_property_set(path, PropertyKey, Lcid, Type, Size, Data);
}

/* ---- interfaces ---- */

static bool is_enabled(const UNICODE_STRING *name)
{
    bool enabled = false;
    pnp_interfaces_lock();
    const struct pnp_interface *interface = pnp_interface_find(name);
    if (interface)
        enabled = interface->enabled;
    pnp_interfaces_unlock();
    return enabled;
}

/* DEVPKEY_DeviceInterface_Enabled, _ClassGuid, _ReferenceString; STATUS_NOT_FOUND: none of these. */
static NTSTATUS answer_interface_key(const UNICODE_STRING *name, struct pnp_link *link, const DEVPROPKEY *key,
                                     struct pnp_answer *a, DEVPROPTYPE *type)
{
    *a = (struct pnp_answer){0};
    if (!pnp_same_guid(&key->fmtid, &interface_keys))
        return STATUS_NOT_FOUND;
    switch (key->pid) {
    case 3:
        *type = DEVPROP_TYPE_BOOLEAN;
        a->room.yes = is_enabled(name) ? DEVPROP_TRUE : DEVPROP_FALSE;
        a->data = &a->room.yes;
        a->size = sizeof(a->room.yes);
        return STATUS_SUCCESS;
    case 4:
        *type = DEVPROP_TYPE_GUID;
        a->data = &link->class;
        a->size = sizeof(link->class);
        return STATUS_SUCCESS;
    case 5:
        *type = DEVPROP_TYPE_STRING;
        a->size = (ULONG)((link->reference_chars + 1) * sizeof(WCHAR));
        a->data = a->owned = mm_alloc(a->size, PNP_TAG);
        if (!a->owned)
            return STATUS_INSUFFICIENT_RESOURCES;
        __builtin_memset(a->owned, 0, a->size);
        __builtin_memcpy(a->owned, link->reference, link->reference_chars * sizeof(WCHAR));
        return STATUS_SUCCESS;
    }
    return STATUS_NOT_FOUND;
}

/* Its link taken apart and its key. STATUS_OBJECT_NAME_NOT_FOUND: nobody registered it. */
static NTSTATUS interface_key(const UNICODE_STRING *name, struct pnp_link *link, WCHAR *path, size_t room)
{
    if (!pnp_link_parse(name, link) || !pnp_link_key(link, true, NULL, path, room))
        return STATUS_INVALID_PARAMETER;
    return pnp_interface_known(link) ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND;
}

/*
 * The same of an interface. STATUS_INVALID_PARAMETER: no name of one. IRQL: PASSIVE_LEVEL.
 */
EXPORT(ntoskrnl, IoGetDeviceInterfacePropertyData, PASSIVE_LEVEL, PASSIVE_LEVEL, X_BLOCKS)
NTSTATUS NTAPI IoGetDeviceInterfacePropertyData(PUNICODE_STRING SymbolicLinkName,
                                                const DEVPROPKEY *PropertyKey, LCID Lcid, ULONG Flags,
                                                ULONG Size, PVOID Data, PULONG RequiredSize,
                                                PDEVPROPTYPE Type)
{
    WCHAR path[PNP_INTERFACE_CHARS];
    struct pnp_link link;
    struct pnp_answer answer;
    NTSTATUS status = interface_key(SymbolicLinkName, &link, path, countof(path));
    if (!NT_SUCCESS(status))
        return status;
    if (!pnp_locale_is_valid(Lcid))
        return STATUS_UNSUCCESSFUL;
    status = answer_interface_key(SymbolicLinkName, &link, PropertyKey, &answer, Type);
    if (status == STATUS_NOT_FOUND)
        return pnp_property_get(path, PropertyKey, Lcid, Size, Data, RequiredSize, Type);
    return pnp_answer_give(&answer, status, Size, Data, RequiredSize);
}

/* IRQL: <= APC_LEVEL. STATUS_NOT_IMPLEMENTED: a property that only the system sets. */
EXPORT(ntoskrnl, IoSetDeviceInterfacePropertyData, PASSIVE_LEVEL, APC_LEVEL, X_BLOCKS)
NTSTATUS NTAPI IoSetDeviceInterfacePropertyData(PUNICODE_STRING SymbolicLinkName,
                                                const DEVPROPKEY *PropertyKey, LCID Lcid, ULONG Flags,
                                                DEVPROPTYPE Type, ULONG Size, PVOID Data)
{
    WCHAR path[PNP_INTERFACE_CHARS];
    struct pnp_link link;
    struct pnp_answer answer;
    DEVPROPTYPE type;
    NTSTATUS status = interface_key(SymbolicLinkName, &link, path, countof(path));
    if (!NT_SUCCESS(status))
        return status;
    if (!pnp_locale_is_valid(Lcid))
        return STATUS_UNSUCCESSFUL;
    status = answer_interface_key(SymbolicLinkName, &link, PropertyKey, &answer, &type);
    mm_free(answer.owned);
    if (status != STATUS_NOT_FOUND)
        return STATUS_NOT_IMPLEMENTED;
    return pnp_property_set(path, PropertyKey, Lcid, Type, Size, Data);
}
