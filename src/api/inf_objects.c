/* SPDX-License-Identifier: MIT */
/*
 * What an installation gives a device besides keys: interfaces and
 * properties, by the same routines that drivers call. NT side.
 */
#include <string.h>
#include "api/inf.h"
#include "pnp/notify_private.h"
#include "pnp/routines.h"
#include "rtl/rtl.h"

#define TAG_SETUP 0x70746553 /* "Setp" */
#define GUID_ROOM 40

static bool guid_of(const char *text, GUID *guid)
{
    WCHAR wide[GUID_ROOM];
    UNICODE_STRING string;

    rtl_wide_from_utf8(wide, countof(wide), text, MIN(strlen(text), (size_t)GUID_ROOM - 2));
    rtl_init_string(&string, wide);
    return NT_SUCCESS(RtlGUIDFromString(&string, guid));
}

/* ---- interfaces ---- */

static NTSTATUS link_of(struct pnp_node *node, const struct inf_interface *interface, UNICODE_STRING *link)
{
    WCHAR reference[256];
    UNICODE_STRING string;
    GUID guid;

    if (node == NULL || node->pdo == NULL || !guid_of(interface->guid, &guid))
        return STATUS_INVALID_PARAMETER;
    rtl_wide_from_utf8(reference, countof(reference), interface->reference, strlen(interface->reference));
    rtl_init_string(&string, reference);
    return IoRegisterDeviceInterface(node->pdo, &guid, string.Length != 0 ? &string : NULL, link);
}

NTSTATUS api_inf_register_interface(struct pnp_node *node, const struct inf_interface *interface)
{
    UNICODE_STRING link;
    NTSTATUS status = link_of(node, interface, &link);

    if (NT_SUCCESS(status))
        RtlFreeUnicodeString(&link);
    return status;
}

NTSTATUS api_inf_interface_key(struct pnp_node *node, const struct inf_interface *interface, WCHAR *path,
                               size_t room_chars)
{
    UNICODE_STRING name;
    struct pnp_link link;
    NTSTATUS status = link_of(node, interface, &name);

    if (!NT_SUCCESS(status))
        return status;
    if (!pnp_link_parse(&name, &link) || !pnp_link_key(&link, true, u"Device Parameters", path, room_chars))
        status = STATUS_NAME_TOO_LONG;
    RtlFreeUnicodeString(&name);
    return status;
}

/* ---- properties ---- */

/* "{guid} pid" */
static bool key_of(const char *text, DEVPROPKEY *key)
{
    key->pid = 0;
    if (strlen(text) < GUID_ROOM || !guid_of(text, &key->fmtid))
        return false;
    for (text += GUID_ROOM - 1; *text >= '0' && *text <= '9'; text++)
        key->pid = key->pid * 10 + (ULONG)(*text - '0');
    return *text == '\0';
}

static bool has_property(struct pnp_node *node, const DEVPROPKEY *key, ULONG *size, DEVPROPTYPE *type)
{
    NTSTATUS status = IoGetDevicePropertyData(node->pdo, key, 0, 0, 0, NULL, size, type);

    return NT_SUCCESS(status) || status == STATUS_BUFFER_TOO_SMALL;
}

static NTSTATUS put(struct pnp_node *node, const DEVPROPKEY *key, ULONG type, ULONG length, void *data)
{
    return IoSetDevicePropertyData(node->pdo, key, 0, PLUGPLAY_PROPERTY_PERSISTENT, type, length, data);
}

static NTSTATUS combine(struct pnp_node *node, const DEVPROPKEY *key, const struct inf_step *step)
{
    ULONG size, value, given;
    DEVPROPTYPE type;
    NTSTATUS status = IoGetDevicePropertyData(node->pdo, key, 0, 0, sizeof(value), &value, &size, &type);

    if (!NT_SUCCESS(status) || size != sizeof(value) || step->length != sizeof(given))
        return put(node, key, step->type, step->length, (void *)step->data);
    memcpy(&given, step->data, sizeof(given));
    value = step->conditions & INF_OR ? value | given : value & given;
    return put(node, key, step->type, sizeof(value), &value);
}

static bool holds(const WCHAR *list, const WCHAR *end, const WCHAR *text)
{
    UNICODE_STRING a, b;

    rtl_init_string(&b, text);
    for (; list < end && *list != 0; list += a.Length / sizeof(WCHAR) + 1) {
        rtl_init_string(&a, list);
        if (rtl_equal_nocase(&a, &b))
            return true;
    }
    return false;
}

/* Behind a list of strings those that it does not have yet. */
static NTSTATUS append(struct pnp_node *node, const DEVPROPKEY *key, const struct inf_step *step, ULONG size)
{
    DEVPROPTYPE type;
    char *list = mm_alloc(size + step->length, TAG_SETUP);
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;

    if (list != NULL)
        status = IoGetDevicePropertyData(node->pdo, key, 0, 0, size, list, &size, &type);
    if (NT_SUCCESS(status) && size >= sizeof(WCHAR)) {
        WCHAR *first = (WCHAR *)list, *to = first + size / sizeof(WCHAR) - 1;
        for (const WCHAR *from = step->data; *from != 0; from += rtl_wcslen(from) + 1) {
            size_t chars = rtl_wcslen(from) + 1;
            if (holds(first, to, from))
                continue;
            memcpy(to, from, chars * sizeof(WCHAR));
            to += chars;
        }
        *to++ = 0;
        status = put(node, key, step->type, (ULONG)((char *)to - list), list);
    }
    if (list != NULL)
        mm_free(list);
    return status;
}

NTSTATUS api_inf_set_property(struct pnp_node *node, const struct inf_step *step)
{
    DEVPROPKEY key;
    DEVPROPTYPE type = 0;
    ULONG size = 0;

    if (node == NULL || node->pdo == NULL || !key_of(step->name, &key))
        return STATUS_INVALID_PARAMETER;
    bool there = has_property(node, &key, &size, &type);
    if ((there && (step->conditions & INF_NO_CLOBBER)) || (!there && (step->conditions & INF_ONLY_EXISTING)))
        return STATUS_SUCCESS;
    if (there && (step->conditions & (INF_OR | INF_AND)))
        return combine(node, &key, step);
    if (there && (step->conditions & INF_APPEND) && type == step->type)
        return append(node, &key, step, size);
    return put(node, &key, step->type, step->length, (void *)step->data);
}
