/* SPDX-License-Identifier: MIT */
/*
 * A value reaches the driver as the documentation's tables say: by a call (a
 * REG_MULTI_SZ string by string, a REG_EXPAND_SZ expanded, unless NOEXPAND), or
 * directly in the caller's buffer, its form depending on type and size.
 */
#include "cm/rtl_query.h"
#include "rtl/rtl.h"
#include "rtl/string_pool.h"

NTSTATUS cm_call_routine(const RTL_QUERY_REGISTRY_TABLE *entry, PVOID context, PWSTR name, ULONG type,
                         PVOID data, ULONG length)
{
    NTSTATUS status = STATUS_SUCCESS;
    uint64_t cookie = ke_callout_enter("registry query routine", (const void *)entry->QueryRoutine);
    /* SR-52: the routine sees name, type, data, length and both contexts, at PASSIVE_LEVEL. */
    status = entry->QueryRoutine(name, type, data, length, context, entry->EntryContext);
    ke_callout_leave("registry query routine", (const void *)entry->QueryRoutine, cookie);
    return status == STATUS_BUFFER_TOO_SMALL ? STATUS_SUCCESS : status;
}

/* ---- directly ---- */

static bool is_string(ULONG type)
{
    return type == REG_SZ || type == REG_EXPAND_SZ || type == REG_MULTI_SZ;
}

/* A string that lacks its terminator gets one. */
static NTSTATUS store_string(UNICODE_STRING *to, const void *data, ULONG length)
{
    ULONG chars = length / sizeof(WCHAR);
    bool terminated = chars && ((const WCHAR *)data)[chars - 1] == 0;
    ULONG needed = (chars + !terminated) * (ULONG)sizeof(WCHAR);
    if (needed > 0xFFFE)
        return STATUS_BUFFER_TOO_SMALL;
    if (!to->Buffer) {
        to->Buffer = rtl_string_allocate(needed, NULL);
        if (!to->Buffer)
            return STATUS_NO_MEMORY;
        to->MaximumLength = (USHORT)needed;
    } else if (to->MaximumLength < needed) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    memcpy(to->Buffer, data, chars * sizeof(WCHAR));
    to->Buffer[needed / sizeof(WCHAR) - 1] = 0;
    to->Length = (USHORT)(needed - sizeof(WCHAR));
    return STATUS_SUCCESS;
}

/* The buffer's first LONG says how large it is; negative: only the data is wanted. */
static NTSTATUS store_large(void *to, ULONG type, const void *data, ULONG length)
{
    LONG size = *(LONG *)to;
    if (size < 0) {
        if ((ULONG) - (int64_t)size < length)
            return STATUS_BUFFER_TOO_SMALL;
        memcpy(to, data, length);
        return STATUS_SUCCESS;
    }
    if ((uint64_t)size < (uint64_t)length + 2 * sizeof(ULONG))
        return STATUS_BUFFER_TOO_SMALL;
    ((ULONG *)to)[0] = length;
    ((ULONG *)to)[1] = type;
    memcpy((ULONG *)to + 2, data, length);
    return STATUS_SUCCESS;
}

static NTSTATUS store(const struct cm_delivery *delivery)
{
    void *to = delivery->entry->EntryContext;
    if (is_string(delivery->type))
        return store_string(to, delivery->data, delivery->length);
    if (delivery->length > sizeof(ULONG))
        return store_large(to, delivery->type, delivery->data, delivery->length);
    memcpy(to, delivery->data, delivery->length);
    return STATUS_SUCCESS;
}

static bool type_expected(const struct cm_delivery *delivery)
{
    ULONG flags = delivery->entry->Flags;
    if (delivery->is_default || !(flags & RTL_QUERY_REGISTRY_DIRECT) ||
        !(flags & RTL_QUERY_REGISTRY_TYPECHECK))
        return true;
    return delivery->entry->DefaultType >> RTL_QUERY_REGISTRY_TYPECHECK_SHIFT == delivery->type;
}

static NTSTATUS hand_over(const struct cm_delivery *delivery)
{
    if (delivery->entry->Flags & RTL_QUERY_REGISTRY_DIRECT)
        return store(delivery);
    return cm_call_routine(delivery->entry, delivery->context, delivery->name, delivery->type, delivery->data,
                           delivery->length);
}

/* ---- REG_MULTI_SZ ---- */

static NTSTATUS hand_over_strings(const struct cm_delivery *delivery)
{
    const WCHAR *at = delivery->data, *end = at + delivery->length / sizeof(WCHAR);
    NTSTATUS status = STATUS_SUCCESS;
    if (delivery->entry->Flags & RTL_QUERY_REGISTRY_DIRECT)
        return STATUS_INVALID_PARAMETER; /* documented: NOEXPAND must be given */
    while (NT_SUCCESS(status) && at < end && *at) {
        const WCHAR *stop = at;
        while (stop < end && *stop)
            stop++;
        struct cm_delivery one = *delivery;
        one.type = REG_SZ;
        one.data = (void *)at;
        one.length = (ULONG)((stop - at + 1) *
                             (ptrdiff_t)sizeof(WCHAR)); /* two terminators of room follow every value read */
        status = hand_over(&one);
        at = stop + 1;
    }
    return status;
}

/* ---- REG_EXPAND_SZ ---- */

struct expansion {
    WCHAR *text; /* NULL while measuring */
    ULONG chars;
};

static void put(struct expansion *to, const WCHAR *from, ULONG chars)
{
    if (to->text)
        memcpy(to->text + to->chars, from, chars * sizeof(WCHAR));
    to->chars += chars;
}

static bool same_variable(const WCHAR *a, ULONG chars, const WCHAR *b, ULONG b_chars)
{
    UNICODE_STRING x = {(USHORT)(chars * sizeof(WCHAR)), 0, (WCHAR *)a},
                   y = {(USHORT)(b_chars * sizeof(WCHAR)), 0, (WCHAR *)b};
    return rtl_equal_nocase(&x, &y);
}

/* The value of a variable: from the block "NAME=value" that the caller gave, else the system's own. NULL:
 * unknown. */
static const WCHAR *find_variable(const WCHAR *environment, const WCHAR *name, ULONG chars)
{
    static const WCHAR system[] = u"SystemRoot=C:\\Windows\0windir=C:\\Windows\0SystemDrive=C:\0";
    for (const WCHAR *at = environment ? environment : system; *at; at += rtl_wcslen(at) + 1) {
        ULONG name_chars = 0;
        while (at[name_chars] && at[name_chars] != '=')
            name_chars++;
        if (at[name_chars] && same_variable(at, name_chars, name, chars))
            return at + name_chars + 1;
    }
    return NULL;
}

/* %NAME% becomes its value; an unknown one stays as it is. */
static void expand(struct expansion *to, const WCHAR *from, ULONG chars, const WCHAR *environment)
{
    for (ULONG at = 0; at < chars;) {
        ULONG stop = at + 1;
        while (from[at] == '%' && stop < chars && from[stop] != '%')
            stop++;
        const WCHAR *value = NULL;
        if (from[at] == '%' && stop < chars)
            value = find_variable(environment, from + at + 1, stop - at - 1);
        if (value) {
            put(to, value, (ULONG)rtl_wcslen(value));
            at = stop + 1;
        } else {
            put(to, from + at++, 1);
        }
    }
}

static NTSTATUS hand_over_expanded(const struct cm_delivery *delivery)
{
    struct cm_delivery expanded = *delivery;
    struct expansion to = {0};
    ULONG chars = delivery->length / sizeof(WCHAR);
    expand(&to, delivery->data, chars, delivery->environment);
    to.text = mm_alloc((to.chars + 1) * sizeof(WCHAR), CM_TAG);
    if (!to.text)
        return STATUS_INSUFFICIENT_RESOURCES;
    expanded.type = REG_SZ;
    expanded.data = to.text;
    expanded.length = to.chars * (ULONG)sizeof(WCHAR);
    to.chars = 0;
    expand(&to, delivery->data, chars, delivery->environment);
    NTSTATUS status = hand_over(&expanded);
    mm_free(to.text);
    return status;
}

NTSTATUS cm_deliver(const struct cm_delivery *delivery)
{
    if (!type_expected(delivery))
        return STATUS_OBJECT_TYPE_MISMATCH;
    if (delivery->entry->Flags & RTL_QUERY_REGISTRY_NOEXPAND)
        return hand_over(delivery);
    if (delivery->type == REG_MULTI_SZ)
        return hand_over_strings(delivery);
    if (delivery->type == REG_EXPAND_SZ)
        return hand_over_expanded(delivery);
    return hand_over(delivery);
}
