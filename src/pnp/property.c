/* SPDX-License-Identifier: MIT */
/*
 * What the system knows of a device, as IoGetDeviceProperty gives it: from the
 * node for what the bus said, from the Enum key for what an installation put
 * there. No state.
 */
#include "pnp/property.h"

#define CONFIGFLAG_REINSTALL      0x20
#define CONFIGFLAG_FAILED_INSTALL 0x40
#define CONFIGFLAG_FINISH_INSTALL 0x400

static NTSTATUS answer_number(struct pnp_answer *a, ULONG number)
{
    a->room.number = number;
    a->data = &a->room.number;
    a->size = sizeof(a->room.number);
    return STATUS_SUCCESS;
}

static NTSTATUS answer_text(struct pnp_answer *a, const WCHAR *text, size_t chars)
{
    WCHAR *copy = mm_alloc((chars + 1) * sizeof(WCHAR), PNP_TAG);
    if (!copy)
        return STATUS_INSUFFICIENT_RESOURCES;
    __builtin_memcpy(copy, text, chars * sizeof(WCHAR));
    copy[chars] = 0;
    a->data = a->owned = copy;
    a->size = (ULONG)((chars + 1) * sizeof(WCHAR));
    return STATUS_SUCCESS;
}

/* Of "@oem1.inf,%name%;Text" the text. */
static const WCHAR *plain_text(const WCHAR *text)
{
    const WCHAR *plain = text;
    for (const WCHAR *at = text; text[0] == '@' && *at; at++)
        if (*at == ';')
            plain = at + 1;
    return plain;
}

static NTSTATUS answer_value(struct pnp_answer *a, const struct pnp_node *node, const WCHAR *name)
{
    WCHAR *text = pnp_enum_list(node, name);
    if (!text)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    const WCHAR *plain = plain_text(text);
    NTSTATUS status = answer_text(a, plain, rtl_wcslen(plain));
    mm_free(text);
    return status;
}

static NTSTATUS answer_list(struct pnp_answer *a, const struct pnp_node *node, const WCHAR *name)
{
    WCHAR *list = pnp_enum_list(node, name);
    if (!list)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    a->data = a->owned = list;
    a->size = (ULONG)(pnp_multi_chars(list) * sizeof(WCHAR));
    return STATUS_SUCCESS;
}

static NTSTATUS answer_class(struct pnp_answer *a, const struct pnp_node *node)
{
    NTSTATUS status = answer_value(a, node, u"Class");
    WCHAR path[PNP_PATH_CHARS], *guid = NULL, *class = NULL;
    if (status != STATUS_OBJECT_NAME_NOT_FOUND || !(guid = pnp_enum_list(node, u"ClassGUID")))
        return status;
    const WCHAR *const parts[] = {PNP_CLASS_KEY, guid};
    if (pnp_join(path, countof(path), parts, countof(parts)))
        class = pnp_read_list(path, u"Class");
    if (class)
        status = answer_text(a, class, rtl_wcslen(class));
    mm_free(class);
    mm_free(guid);
    return status;
}

static NTSTATUS answer_enumerator(struct pnp_answer *a, const struct pnp_node *node)
{
    size_t chars = 0;
    while (node->instance_path[chars] && node->instance_path[chars] != '\\')
        chars++;
    return answer_text(a, node->instance_path, chars);
}

static NTSTATUS answer_name(struct pnp_answer *a, const struct pnp_node *node)
{
    WCHAR name[128];
    ULONG bytes = node->pdo ? ob_query_name(node->pdo, name, sizeof(name)) : 0;
    if (bytes > sizeof(name))
        return STATUS_INSUFFICIENT_RESOURCES;
    return answer_text(a, name, bytes / sizeof(WCHAR));
}

static NTSTATUS answer_container(struct pnp_answer *a, const struct pnp_node *node)
{
    static const GUID none;
    WCHAR text[39];
    if (__builtin_memcmp(&node->container_id, &none, sizeof(none)) == 0)
        return answer_value(a, node, u"ContainerID");
    return pnp_guid_text(&node->container_id, text) ? answer_text(a, text, 38)
                                                    : STATUS_INSUFFICIENT_RESOURCES;
}

static NTSTATUS answer_bus(struct pnp_answer *a, const struct pnp_node *node,
                           DEVICE_REGISTRY_PROPERTY property)
{
    if (!node->has_bus_information)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    if (property == DevicePropertyLegacyBusType)
        return answer_number(a, (ULONG)node->bus.LegacyBusType);
    if (property == DevicePropertyBusNumber)
        return answer_number(a, node->bus.BusNumber);
    a->data = &node->bus.BusTypeGuid;
    a->size = sizeof(node->bus.BusTypeGuid);
    return STATUS_SUCCESS;
}

static NTSTATUS answer_block(struct pnp_answer *a, const void *block, ULONG size)
{
    if (!block)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    a->data = block;
    a->size = size;
    return STATUS_SUCCESS;
}

static NTSTATUS answer_translated(struct pnp_answer *a, const struct pnp_node *node)
{
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;
    if (!node->boot)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    CM_RESOURCE_LIST *list = resource_translate(node->boot, &status);
    if (!list)
        return status;
    a->size = (ULONG)resource_list_bytes(list);
    a->data = a->owned = mm_alloc(a->size, PNP_TAG);
    if (a->owned)
        __builtin_memcpy(a->owned, list, a->size);
    resource_free(list);
    return a->owned ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

static ULONG config_flags(const struct pnp_node *node)
{
    ULONG type, flags = 0, length = sizeof(flags);
    return NT_SUCCESS(pnp_enum_query(node, u"ConfigFlags", &type, &flags, &length)) && type == REG_DWORD
               ? flags
               : 0;
}

static ULONG install_state(const struct pnp_node *node)
{
    ULONG flags = config_flags(node);
    if (flags & CONFIGFLAG_REINSTALL)
        return InstallStateNeedsReinstall;
    if (flags & CONFIGFLAG_FAILED_INSTALL)
        return InstallStateFailedInstall;
    return flags & CONFIGFLAG_FINISH_INSTALL ? InstallStateFinishInstall : InstallStateInstalled;
}

static ULONG removal_policy(const struct pnp_node *node)
{
    ULONG type, policy, length = sizeof(policy);
    if (NT_SUCCESS(pnp_enum_query(node, u"RemovalPolicy", &type, &policy, &length)) && type == REG_DWORD &&
        policy >= RemovalPolicyExpectNoRemoval && policy <= RemovalPolicyExpectSurpriseRemoval)
        return policy;
    if (!node->capabilities.Removable && !node->capabilities.EjectSupported)
        return RemovalPolicyExpectNoRemoval;
    return node->capabilities.SurpriseRemovalOK ? RemovalPolicyExpectSurpriseRemoval
                                                : RemovalPolicyExpectOrderlyRemoval;
}

NTSTATUS pnp_answer(const struct pnp_node *node, DEVICE_REGISTRY_PROPERTY property, struct pnp_answer *a)
{
    *a = (struct pnp_answer){0};
    switch (property) {
    case DevicePropertyDeviceDescription:
        return answer_value(a, node, u"DeviceDesc");
    case DevicePropertyHardwareID:
        return answer_list(a, node, u"HardwareID");
    case DevicePropertyCompatibleIDs:
        return answer_list(a, node, u"CompatibleIDs");
    case DevicePropertyBootConfiguration:
        return answer_block(a, node->boot, node->boot ? (ULONG)resource_list_bytes(node->boot) : 0);
    case DevicePropertyBootConfigurationTranslated:
        return answer_translated(a, node);
    case DevicePropertyClassName:
        return answer_class(a, node);
    case DevicePropertyClassGuid:
        return answer_value(a, node, u"ClassGUID");
    case DevicePropertyDriverKeyName:
        return answer_value(a, node, u"Driver");
    case DevicePropertyManufacturer:
        return answer_value(a, node, u"Mfg");
    case DevicePropertyFriendlyName:
        return answer_value(a, node, u"FriendlyName");
    case DevicePropertyLocationInformation:
        return answer_value(a, node, u"LocationInformation");
    case DevicePropertyPhysicalDeviceObjectName:
        return answer_name(a, node);
    case DevicePropertyBusTypeGuid:
    case DevicePropertyLegacyBusType:
    case DevicePropertyBusNumber:
        return answer_bus(a, node, property);
    case DevicePropertyEnumeratorName:
        return answer_enumerator(a, node);
    case DevicePropertyAddress:
        return answer_number(a, node->capabilities.Address);
    case DevicePropertyUINumber:
        return answer_number(a, node->capabilities.UINumber);
    case DevicePropertyInstallState:
        return answer_number(a, install_state(node));
    case DevicePropertyRemovalPolicy:
        return answer_number(a, removal_policy(node));
    case DevicePropertyResourceRequirements:
        return answer_block(a, node->requirements, node->requirements ? node->requirements->ListSize : 0);
    case DevicePropertyAllocatedResources:
        return answer_block(a, node->raw_resources, node->raw_bytes);
    case DevicePropertyContainerID:
        return answer_container(a, node);
    }
    return STATUS_INVALID_PARAMETER_2;
}

NTSTATUS pnp_answer_give(struct pnp_answer *a, NTSTATUS status, ULONG room, void *buffer, ULONG *size)
{
    *size = NT_SUCCESS(status) ? a->size : 0;
    if (NT_SUCCESS(status) && a->size > room)
        status = STATUS_BUFFER_TOO_SMALL;
    if (NT_SUCCESS(status))
        __builtin_memcpy(buffer, a->data, a->size);
    mm_free(a->owned);
    return status;
}

/*
 * A property of a device. STATUS_BUFFER_TOO_SMALL: ResultLength says how much is needed.
 * STATUS_OBJECT_NAME_NOT_FOUND: the device has none; STATUS_INVALID_PARAMETER_2: there is no such property;
 * STATUS_INVALID_DEVICE_REQUEST: no PDO. IRQL: PASSIVE_LEVEL.
 */
EXPORT(ntoskrnl, IoGetDeviceProperty, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI IoGetDeviceProperty(PDEVICE_OBJECT DeviceObject, DEVICE_REGISTRY_PROPERTY DeviceProperty,
                                   ULONG BufferLength, PVOID PropertyBuffer, PULONG ResultLength)
{
    struct pnp_answer answer;
    struct pnp_node *node = pnp_node_of(DeviceObject);
    if (!node || !node->instance_path)
        return STATUS_INVALID_DEVICE_REQUEST;
    NTSTATUS status = pnp_answer(node, DeviceProperty, &answer);
    return pnp_answer_give(&answer, status, BufferLength, PropertyBuffer, ResultLength);
}
