/* SPDX-License-Identifier: MIT */
/*
 * Properties that drivers set on devices and interfaces, in the registry as
 * Windows keeps them: key Properties\{fmtid}\PPPP, a value per locale whose
 * registry type holds the property's type. No state.
 */
#include "pnp/notify_private.h"

#define TYPE_MARK 0xFFFF0000u

bool pnp_locale_is_valid(LCID locale)
{
    if (locale == LOCALE_NEUTRAL)
        return true;
    return locale <= 0xFFFFF && (locale & 0x3FF) != 0 && locale != LOCALE_USER_DEFAULT &&
           locale != LOCALE_SYSTEM_DEFAULT;
}

static void hex(WCHAR *to, ULONG number, unsigned digits)
{
    for (unsigned i = digits; i-- > 0; number >>= 4)
        to[i] = u"0123456789ABCDEF"[number & 15];
    to[digits] = 0;
}

static bool property_key(const WCHAR *key, const DEVPROPKEY *property, WCHAR *path, size_t room)
{
    WCHAR guid[39], number[9];
    const WCHAR *const parts[] = {key, u"\\Properties\\", guid, u"\\", number};
    hex(number, property->pid, property->pid > 0xFFFF ? 8 : 4);
    return pnp_guid_text(&property->fmtid, guid) && pnp_join(path, room, parts, countof(parts));
}

static void locale_value(LCID locale, WCHAR name[9])
{
    name[0] = 0;
    if (locale != LOCALE_NEUTRAL)
        hex(name, locale, 8);
}

NTSTATUS pnp_property_get(const WCHAR *key, const DEVPROPKEY *property, LCID locale, ULONG size, void *data,
                          ULONG *required, DEVPROPTYPE *type)
{
    WCHAR path[PNP_INTERFACE_CHARS + 64], name[9];
    ULONG kind, length = size;
    locale_value(locale, name);
    if (!property_key(key, property, path, countof(path)))
        return STATUS_NAME_TOO_LONG;
    NTSTATUS status = cm_query_value(path, name, &kind, data, &length);
    *required = 0;
    if (NT_SUCCESS(status) || status == STATUS_BUFFER_TOO_SMALL) {
        *required = length;
        *type = kind & ~TYPE_MARK;
    }
    return status == STATUS_OBJECT_PATH_NOT_FOUND ? STATUS_OBJECT_NAME_NOT_FOUND : status;
}

/* Bytes of a value of a type that has a fixed size; 0: any. */
static ULONG size_of_type(DEVPROPTYPE type)
{
    static const unsigned char sizes[] = {
        [DEVPROP_TYPE_SBYTE] = 1,    [DEVPROP_TYPE_BYTE] = 1,        [DEVPROP_TYPE_INT16] = 2,
        [DEVPROP_TYPE_UINT16] = 2,   [DEVPROP_TYPE_INT32] = 4,       [DEVPROP_TYPE_UINT32] = 4,
        [DEVPROP_TYPE_INT64] = 8,    [DEVPROP_TYPE_UINT64] = 8,      [DEVPROP_TYPE_FLOAT] = 4,
        [DEVPROP_TYPE_DOUBLE] = 8,   [DEVPROP_TYPE_DECIMAL] = 16,    [DEVPROP_TYPE_GUID] = 16,
        [DEVPROP_TYPE_CURRENCY] = 8, [DEVPROP_TYPE_DATE] = 8,        [DEVPROP_TYPE_FILETIME] = 8,
        [DEVPROP_TYPE_BOOLEAN] = 1,  [DEVPROP_TYPE_DEVPROPKEY] = 20, [DEVPROP_TYPE_DEVPROPTYPE] = 4,
        [DEVPROP_TYPE_ERROR] = 4,    [DEVPROP_TYPE_NTSTATUS] = 4,
    };
    return type < countof(sizes) ? sizes[type] : 0;
}

static bool fits_type(DEVPROPTYPE type, ULONG size)
{
    ULONG base = type & DEVPROP_MASK_TYPE, modifier = type & DEVPROP_MASK_TYPEMOD, one = size_of_type(base);
    if (base > MAX_DEVPROP_TYPE || modifier > MAX_DEVPROP_TYPEMOD ||
        type & ~(DEVPROPTYPE)(DEVPROP_MASK_TYPE | DEVPROP_MASK_TYPEMOD))
        return false;
    if (modifier == DEVPROP_TYPEMOD_ARRAY)
        return one && size % one == 0;
    return !one || size == one;
}

NTSTATUS pnp_property_set(const WCHAR *key, const DEVPROPKEY *property, LCID locale, DEVPROPTYPE type,
                          ULONG size, const void *data)
{
    WCHAR path[PNP_INTERFACE_CHARS + 64], name[9];
    locale_value(locale, name);
    if (!property_key(key, property, path, countof(path)))
        return STATUS_NAME_TOO_LONG;
    if (!data || type == DEVPROP_TYPE_EMPTY)
        return cm_delete_value(path, name);
    if (!fits_type(type, size))
        return STATUS_INVALID_PARAMETER;
    return cm_set_value(path, name, TYPE_MARK | type, data, size);
}
