/* SPDX-License-Identifier: MIT */
/*
 * What the registry says of a stack's device objects, applied when the drivers
 * have been added and before START: security, characteristics, type,
 * exclusiveness. The device's own values come before its class's. No state.
 */
#include "se/routines.h"
#include "se/se.h"
#include "pnp/notify_private.h"

#define PROPAGATED                                                                                           \
    (FILE_REMOVABLE_MEDIA | FILE_READ_ONLY_DEVICE | FILE_FLOPPY_DISKETTE | FILE_WRITE_ONCE_MEDIA |           \
     FILE_DEVICE_SECURE_OPEN)

/* A value of a key in pool: a self-relative descriptor, or its text, which becomes one. NULL: none. */
static PSECURITY_DESCRIPTOR read_descriptor(const WCHAR *key)
{
    ULONG type, length = 0;
    PSECURITY_DESCRIPTOR descriptor = NULL;
    if (cm_query_value(key, u"Security", &type, NULL, &length) != STATUS_BUFFER_TOO_SMALL)
        return NULL;
    WCHAR *data = mm_alloc(length + sizeof(WCHAR), PNP_TAG);
    if (!data)
        return NULL;
    data[length / sizeof(WCHAR)] = 0;
    bool there = NT_SUCCESS(cm_query_value(key, u"Security", &type, data, &length));
    if (there && type == REG_BINARY && RtlValidRelativeSecurityDescriptor(data, length, 0))
        return data;
    if (there && type == REG_SZ)
        se_from_sddl(data, &descriptor);
    mm_free(data);
    return descriptor;
}

static PSECURITY_DESCRIPTOR class_descriptor(const struct pnp_node *node)
{
    WCHAR path[PNP_PATH_CHARS], *guid = pnp_enum_list(node, u"ClassGUID");
    const WCHAR *parts[] = {PNP_CLASS_KEY, guid ? guid : u"", u"\\Properties"};
    PSECURITY_DESCRIPTOR descriptor = NULL;
    if (guid && pnp_join(path, countof(path), parts, 3))
        descriptor = read_descriptor(path);
    if (guid && !descriptor && pnp_join(path, countof(path), parts, 2))
        descriptor = read_descriptor(path);
    mm_free(guid);
    return descriptor;
}

/* Rules: DO-53. */
static PSECURITY_DESCRIPTOR find_descriptor(const struct pnp_node *node)
{
    WCHAR path[PNP_PATH_CHARS];
    PSECURITY_DESCRIPTOR descriptor = NULL;
    if (pnp_enum_path(node, NULL, path, countof(path)))
        /* DO-53: first what is said of this device, */
        descriptor = read_descriptor(path);
    if (!descriptor)
        /* DO-53: then of its class; the default of each object stays otherwise. */
        descriptor = class_descriptor(node);
    return descriptor;
}

static bool number(const struct pnp_node *node, const WCHAR *name, ULONG *value)
{
    ULONG type, length = sizeof(*value);
    return NT_SUCCESS(pnp_enum_query(node, name, &type, value, &length)) && type == REG_DWORD;
}

static void apply_numbers(const struct pnp_node *node)
{
    ULONG value;
    if (number(node, u"DeviceType", &value))
        node->pdo->DeviceType = value;
    if (number(node, u"Exclusive", &value) && value)
        /* DO-52: of a WDM device the PDO is the named object. */
        node->pdo->Flags |= DO_EXCLUSIVE;
    if (!number(node, u"DeviceCharacteristics", &value))
        return;
    for (PDEVICE_OBJECT device = node->pdo; device; device = device->AttachedDevice)
        device->Characteristics |= value & PROPAGATED;
}

/* Rules: DO-53, DO-57. */
void pnp_prepare_stack(struct pnp_node *node)
{
    PSECURITY_DESCRIPTOR descriptor = find_descriptor(node);
    for (PDEVICE_OBJECT device = node->pdo; device && descriptor; device = device->AttachedDevice)
        /* DO-53: to every object of the stack. */
        io_set_device_security(device, descriptor);
    mm_free(descriptor);
    apply_numbers(node);
    /* DO-57: nobody opens it before START has completed. */
    io_set_device_starting(node->pdo, true);
}
