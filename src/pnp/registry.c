/* SPDX-License-Identifier: MIT */
/* The registry's part of a device: its Enum key, and lists of names in other keys. No state of its own. */
#include "pnp/private.h"

#define CONFIGFLAG_DISABLED 0x1

/* The parts one after the other. */
bool pnp_join(WCHAR *to, size_t room, const WCHAR *const *parts, size_t count)
{
    size_t at = 0;
    for (size_t i = 0; i < count; i++)
        for (const WCHAR *p = parts[i]; *p; p++) {
            if (at + 1 >= room) {
                to[0] = 0;
                return false;
            }
            to[at++] = *p;
        }
    to[at] = 0;
    return true;
}

bool pnp_enum_path(const struct pnp_node *node, const WCHAR *subkey, WCHAR *path, size_t room_chars)
{
    if (!node->instance_path)
        return false;
    const WCHAR *const parts[] = {PNP_ENUM_KEY, node->instance_path, subkey ? u"\\" : u"",
                                  subkey ? subkey : u""};
    return pnp_join(path, room_chars, parts, countof(parts));
}

NTSTATUS pnp_enum_query(const struct pnp_node *node, const WCHAR *name, ULONG *type, void *data,
                        ULONG *length)
{
    WCHAR path[PNP_PATH_CHARS];
    if (!pnp_enum_path(node, NULL, path, countof(path)))
        return STATUS_OBJECT_NAME_NOT_FOUND;
    return cm_query_value(path, name, type, data, length);
}

NTSTATUS pnp_enum_set(const struct pnp_node *node, const WCHAR *name, ULONG type, const void *data,
                      ULONG length)
{
    WCHAR path[PNP_PATH_CHARS];
    if (!pnp_enum_path(node, NULL, path, countof(path)))
        return STATUS_OBJECT_NAME_NOT_FOUND;
    return cm_set_value(path, name, type, data, length);
}

WCHAR *pnp_read_list(const WCHAR *key, const WCHAR *name)
{
    ULONG type, length = 0;
    NTSTATUS status = cm_query_value(key, name, &type, NULL, &length);
    if ((status != STATUS_BUFFER_TOO_SMALL && status != STATUS_BUFFER_OVERFLOW) || !length)
        return NULL;
    WCHAR *text = mm_alloc(length + 2 * sizeof(WCHAR), PNP_TAG);
    if (!text)
        return NULL;
    status = cm_query_value(key, name, &type, text, &length);
    if (NT_SUCCESS(status) && (type == REG_SZ || type == REG_EXPAND_SZ || type == REG_MULTI_SZ) && text[0])
        return text;
    mm_free(text);
    return NULL;
}

WCHAR *pnp_enum_list(const struct pnp_node *node, const WCHAR *name)
{
    WCHAR path[PNP_PATH_CHARS];
    return pnp_enum_path(node, NULL, path, countof(path)) ? pnp_read_list(path, name) : NULL;
}

bool pnp_driver_key_path(const struct pnp_node *node, WCHAR *path, size_t room_chars)
{
    WCHAR *driver = pnp_enum_list(node, u"Driver");
    if (!driver)
        return false;
    const WCHAR *const parts[] = {PNP_CLASS_KEY, driver};
    bool fits = pnp_join(path, room_chars, parts, countof(parts));
    mm_free(driver);
    return fits;
}

static ULONG enum_number(const struct pnp_node *node, const WCHAR *name)
{
    ULONG type, value = 0, length = sizeof(value);
    if (!NT_SUCCESS(pnp_enum_query(node, name, &type, &value, &length)) || type != REG_DWORD)
        return 0;
    return value;
}

bool pnp_enum_disabled(const struct pnp_node *node)
{
    return enum_number(node, u"ConfigFlags") & CONFIGFLAG_DISABLED;
}

static void set_text(const struct pnp_node *node, const WCHAR *name, const WCHAR *text)
{
    if (text)
        pnp_enum_set(node, name, REG_SZ, text, (ULONG)((rtl_wcslen(text) + 1) * sizeof(WCHAR)));
}

static void set_list(const struct pnp_node *node, const WCHAR *name, const WCHAR *list)
{
    if (list)
        pnp_enum_set(node, name, REG_MULTI_SZ, list, (ULONG)(pnp_multi_chars(list) * sizeof(WCHAR)));
}

static void set_number(const struct pnp_node *node, const WCHAR *name, ULONG value)
{
    pnp_enum_set(node, name, REG_DWORD, &value, sizeof(value));
}

static bool has(const struct pnp_node *node, const WCHAR *name)
{
    ULONG type, length = 0;
    return pnp_enum_query(node, name, &type, NULL, &length) != STATUS_OBJECT_NAME_NOT_FOUND;
}

/* As CM_DEVCAP_... numbers them. */
static ULONG capability_bits(const DEVICE_CAPABILITIES *c)
{
    return (ULONG)(c->LockSupported | c->EjectSupported << 1 | c->Removable << 2 | c->DockDevice << 3 |
                   c->UniqueID << 4 | c->SilentInstall << 5 | c->RawDeviceOK << 6 |
                   c->SurpriseRemovalOK << 7 | c->HardwareDisabled << 8 | c->NonDynamic << 9 |
                   c->SecureDevice << 10);
}

static void set_container(const struct pnp_node *node)
{
    UNICODE_STRING text;
    if (!NT_SUCCESS(RtlStringFromGUID(&node->container_id, &text)))
        return;
    set_text(node, u"ContainerID", text.Buffer);
    RtlFreeUnicodeString(&text);
}

/* What an installation or a user has put there stays; what the bus says is brought up to date. */
void pnp_registry_write(struct pnp_node *node)
{
    set_list(node, u"HardwareID", node->hardware_ids);
    set_list(node, u"CompatibleIDs", node->compatible_ids);
    set_text(node, u"LocationInformation", node->location);
    set_number(node, u"Capabilities", capability_bits(&node->capabilities));
    if (node->capabilities.Address != (ULONG)-1)
        set_number(node, u"Address", node->capabilities.Address);
    if (node->capabilities.UINumber != (ULONG)-1)
        set_number(node, u"UINumber", node->capabilities.UINumber);
    set_container(node);
    if (!has(node, u"DeviceDesc"))
        set_text(node, u"DeviceDesc", node->description);
    if (!has(node, u"ConfigFlags"))
        set_number(node, u"ConfigFlags", 0);
}
