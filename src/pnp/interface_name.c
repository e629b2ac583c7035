/* SPDX-License-Identifier: MIT */
/*
 * Names of device interfaces: the symbolic link's, which tells the device, the
 * class and the reference string, and the registry keys that belong to it. No
 * state.
 */
#include "pnp/notify_private.h"

#define GUID_CHARS 38

bool pnp_guid_text(const GUID *guid, WCHAR text[39])
{
    UNICODE_STRING string;
    if (!NT_SUCCESS(RtlStringFromGUID(guid, &string)))
        return false;
    for (unsigned i = 0; i < GUID_CHARS; i++)
        text[i] =
            string.Buffer[i] >= 'A' && string.Buffer[i] <= 'F' ? string.Buffer[i] + 32 : string.Buffer[i];
    text[GUID_CHARS] = 0;
    RtlFreeUnicodeString(&string);
    return true;
}

/* \??\ \\?\ \\.\ all are four characters. */
static bool has_prefix(const WCHAR *text)
{
    return text[0] == '\\' && (text[1] == '\\' || text[1] == '?') && (text[2] == '?' || text[2] == '.') &&
           text[3] == '\\';
}

static bool take_class(struct pnp_link *link)
{
    UNICODE_STRING text = {GUID_CHARS * sizeof(WCHAR), GUID_CHARS * sizeof(WCHAR), (WCHAR *)link->guid};
    return NT_SUCCESS(RtlGUIDFromString(&text, &link->class));
}

bool pnp_link_parse(const UNICODE_STRING *name, struct pnp_link *link)
{
    size_t chars = name->Length / sizeof(WCHAR), end = 4;
    const WCHAR *text = name->Buffer;
    if (chars < 4 + 1 + 1 + GUID_CHARS || !has_prefix(text))
        return false;
    while (end < chars && text[end] != '\\')
        end++;
    if (end < 4 + 2 + GUID_CHARS || text[end - GUID_CHARS - 1] != '#')
        return false;
    link->device = text + 4;
    link->device_chars = end - GUID_CHARS - 1 - 4;
    link->guid = text + end - GUID_CHARS;
    link->reference = end < chars ? text + end + 1 : NULL;
    link->reference_chars = end < chars ? chars - end - 1 : 0;
    return take_class(link);
}

WCHAR *pnp_link_make(const WCHAR *instance_path, const GUID *class, const UNICODE_STRING *reference)
{
    size_t device = rtl_wcslen(instance_path);
    size_t more = reference && reference->Length ? reference->Length / sizeof(WCHAR) : 0;
    WCHAR guid[GUID_CHARS + 1];
    WCHAR *name = mm_alloc((4 + device + 1 + GUID_CHARS + 1 + more + 1) * sizeof(WCHAR), PNP_TAG), *at = name;
    if (!name || !pnp_guid_text(class, guid)) {
        mm_free(name);
        return NULL;
    }
    for (const WCHAR *p = u"\\??\\"; *p; p++)
        *at++ = *p;
    for (size_t i = 0; i < device; i++)
        *at++ = instance_path[i] == '\\' ? '#' : instance_path[i];
    *at++ = '#';
    for (unsigned i = 0; i < GUID_CHARS; i++)
        *at++ = guid[i];
    if (more)
        /* DO-56: an appended component of the name. */
        *at++ = '\\';
    for (size_t i = 0; i < more; i++)
        *at++ = reference->Buffer[i];
    *at = 0;
    return name;
}

bool pnp_class_key(const GUID *class, WCHAR *path, size_t room)
{
    WCHAR guid[GUID_CHARS + 1];
    const WCHAR *const parts[] = {PNP_DEVICE_CLASSES_KEY, guid};
    return pnp_guid_text(class, guid) && pnp_join(path, room, parts, countof(parts));
}

/* Text that is not terminated, behind what is there. */
static bool append(WCHAR *path, size_t room, const WCHAR *text, size_t chars)
{
    size_t at = rtl_wcslen(path);
    if (at + chars + 1 > room)
        return false;
    __builtin_memcpy(path + at, text, chars * sizeof(WCHAR));
    path[at + chars] = 0;
    return true;
}

/* ...\DeviceClasses\{guid}\##?#ROOT#TOASTER#0000#{guid}\#reference\subkey, as Windows has them. */
bool pnp_link_key(const struct pnp_link *link, bool instance, const WCHAR *subkey, WCHAR *path, size_t room)
{
    size_t chars = link->device_chars + 1 + GUID_CHARS;
    if (!pnp_class_key(&link->class, path, room) || !append(path, room, u"\\##?#", 5) ||
        !append(path, room, link->device, chars))
        return false;
    if (instance &&
        (!append(path, room, u"\\#", 2) || !append(path, room, link->reference, link->reference_chars)))
        return false;
    return !subkey || (append(path, room, u"\\", 1) && append(path, room, subkey, rtl_wcslen(subkey)));
}
