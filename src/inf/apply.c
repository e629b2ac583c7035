/* SPDX-License-Identifier: MIT */
/*
 * Carries a plan's steps out, one by one and in order, through the caller's
 * operations. What a step does to a value depends on the one that is there:
 * it is read, changed and written here. Runs on NT stacks: nothing of the C
 * library, little stack.
 */
#include "inf/plan.h"
#include "nt/cm.h"
#include "rtl/rtl.h"

struct value {
    ULONG type, length;
    void *data; /* allocated, with room for `spare` bytes more; NULL: none */
};

struct application {
    const struct inf_ops *ops;
    const struct inf_step *step;
    const char *unless; /* asked last */
    bool existed;       /* the key named by unless, before its steps */
    WCHAR *path, *name; /* INF_PATH_CHARS each */
};

/* ---- the value that is there ---- */

static NTSTATUS read_value(const struct application *a, ULONG spare, struct value *value)
{
    const struct inf_ops *ops = a->ops;

    *value = (struct value){0};
    NTSTATUS status = ops->query(ops->context, a->path, a->name, &value->type, NULL, &value->length);
    if (status == STATUS_OBJECT_NAME_NOT_FOUND || status == STATUS_OBJECT_PATH_NOT_FOUND)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    if (status != STATUS_BUFFER_TOO_SMALL && !NT_SUCCESS(status))
        return status;
    value->data = ops->allocate(value->length + spare + 1);
    if (value->data == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (status == STATUS_BUFFER_TOO_SMALL)
        status = ops->query(ops->context, a->path, a->name, &value->type, value->data, &value->length);
    if (!NT_SUCCESS(status))
        ops->release(value->data);
    return status;
}

static bool value_exists(const struct application *a)
{
    struct value value = {0};
    NTSTATUS status = a->ops->query(a->ops->context, a->path, a->name, &value.type, NULL, &value.length);

    return NT_SUCCESS(status) || status == STATUS_BUFFER_TOO_SMALL;
}

static NTSTATUS write_value(const struct application *a, ULONG type, const void *data, ULONG length)
{
    return a->ops->set(a->ops->context, a->path, a->name, type, data, length);
}

/* ---- lists of strings ---- */

static size_t string_chars(const WCHAR *at, const WCHAR *end)
{
    size_t length = 0;

    while (at + length < end && at[length] != 0)
        length++;
    return length;
}

static bool same_string(const WCHAR *a, size_t a_chars, const WCHAR *b, size_t b_chars)
{
    UNICODE_STRING x = {(USHORT)(a_chars * 2), 0, (WCHAR *)a}, y = {(USHORT)(b_chars * 2), 0, (WCHAR *)b};

    return a_chars == b_chars && a_chars < 0x7FFF && rtl_equal_nocase(&x, &y);
}

static bool has_string(const WCHAR *list, const WCHAR *end, const WCHAR *string, size_t chars)
{
    for (size_t length; list < end && *list != 0; list += length + 1) {
        length = string_chars(list, end);
        if (same_string(list, length, string, chars))
            return true;
    }
    return false;
}

/* Where the list's own strings end: at the zero that closes it. Strings without a zero get one. */
static WCHAR *end_of_list(WCHAR *list, WCHAR *end)
{
    while (list < end && *list != 0) {
        list += string_chars(list, end);
        if (list == end)
            *list = 0;
        list++;
    }
    return list;
}

static NTSTATUS append_strings(struct application *a)
{
    const struct inf_step *step = a->step;
    struct value old;
    NTSTATUS status = read_value(a, step->length + 4 * sizeof(WCHAR), &old);

    if (status == STATUS_OBJECT_NAME_NOT_FOUND)
        return write_value(a, step->type, step->data, step->length);
    if (!NT_SUCCESS(status))
        return status;
    if (old.type != REG_MULTI_SZ && old.type != REG_SZ)
        old.length = 0;
    WCHAR *list = old.data, *to = end_of_list(list, list + old.length / sizeof(WCHAR));
    const WCHAR *from = step->data, *end = from + step->length / sizeof(WCHAR);
    for (size_t length; from < end && *from != 0; from += length + 1) {
        length = string_chars(from, end);
        *to = 0;
        if (has_string(list, to, from, length))
            continue;
        __builtin_memcpy(to, from, length * sizeof(WCHAR));
        to += length;
        *to++ = 0;
    }
    *to++ = 0;
    status = write_value(a, REG_MULTI_SZ, list, (ULONG)((char *)to - (char *)list));
    a->ops->release(old.data);
    return status;
}

static NTSTATUS delete_string(struct application *a)
{
    const WCHAR *gone = a->step->data;
    size_t gone_chars = a->step->length / sizeof(WCHAR) - 1;
    struct value old;
    NTSTATUS status = read_value(a, 2 * sizeof(WCHAR), &old);

    if (!NT_SUCCESS(status))
        return status == STATUS_OBJECT_NAME_NOT_FOUND ? STATUS_SUCCESS : status;
    WCHAR *list = old.data, *to = list, *end = list + old.length / sizeof(WCHAR);
    for (size_t length; old.type == REG_MULTI_SZ && list < end && *list != 0; list += length + 1) {
        length = string_chars(list, end);
        if (same_string(list, length, gone, gone_chars))
            continue;
        __builtin_memmove(to, list, length * sizeof(WCHAR));
        to += length;
        *to++ = 0;
    }
    *to++ = 0;
    if (old.type == REG_MULTI_SZ)
        status = write_value(a, REG_MULTI_SZ, old.data, (ULONG)((char *)to - (char *)old.data));
    a->ops->release(old.data);
    return status;
}

/* ---- bits ---- */

static NTSTATUS change_bits(struct application *a)
{
    const UCHAR *bits = a->step->data; /* the byte's index (32 bits), the mask, whether to set */
    struct value old;
    ULONG index;
    NTSTATUS status = read_value(a, 0, &old);

    if (!NT_SUCCESS(status))
        return status == STATUS_OBJECT_NAME_NOT_FOUND ? STATUS_SUCCESS : status;
    __builtin_memcpy(&index, bits, sizeof(index));
    if (old.type == REG_BINARY && index < old.length) {
        UCHAR *byte = (UCHAR *)old.data + index;
        *byte = bits[5] ? *byte | bits[4] : *byte & (UCHAR)~bits[4];
        status = write_value(a, REG_BINARY, old.data, old.length);
    }
    a->ops->release(old.data);
    return status;
}

/* ---- steps ---- */

static NTSTATUS set_descriptor(struct application *a)
{
    void *descriptor;
    ULONG length;
    NTSTATUS status = a->ops->sddl(a->ops->context, a->step->data, &descriptor, &length);

    if (!NT_SUCCESS(status))
        return status;
    status = write_value(a, REG_BINARY, descriptor, length);
    a->ops->release(descriptor);
    return status;
}

static NTSTATUS set_value(struct application *a)
{
    unsigned conditions = a->step->conditions;

    if ((conditions & INF_NO_CLOBBER) && value_exists(a))
        return STATUS_SUCCESS;
    if ((conditions & INF_ONLY_EXISTING) && !value_exists(a))
        return STATUS_SUCCESS;
    if (conditions & INF_SDDL)
        return set_descriptor(a);
    if (conditions & INF_APPEND)
        return append_strings(a);
    return write_value(a, a->step->type, a->step->data, a->step->length);
}

static NTSTATUS gone_is_fine(NTSTATUS status)
{
    return status == STATUS_OBJECT_NAME_NOT_FOUND || status == STATUS_OBJECT_PATH_NOT_FOUND ? STATUS_SUCCESS
                                                                                            : status;
}

/* The key's absolute path and the value's name, as the operations want them. */
static NTSTATUS find_place(struct application *a)
{
    const struct inf_step *step = a->step;
    size_t used = 0, name_bytes = __builtin_strlen(step->name), path_bytes = __builtin_strlen(step->path);

    a->path[0] = 0;
    if (step->key != INF_KEY_ABSOLUTE) {
        NTSTATUS status = a->ops->base(a->ops->context, step, a->path, INF_PATH_CHARS);
        if (!NT_SUCCESS(status))
            return status;
        used = rtl_wcslen(a->path);
        if (path_bytes != 0 && used + 1 < INF_PATH_CHARS)
            a->path[used++] = '\\';
    }
    if (used + path_bytes >= INF_PATH_CHARS || name_bytes >= INF_PATH_CHARS)
        return STATUS_NAME_TOO_LONG;
    rtl_wide_from_utf8(a->path + used, INF_PATH_CHARS - used, step->path, path_bytes);
    rtl_wide_from_utf8(a->name, INF_PATH_CHARS, step->name, name_bytes);
    return STATUS_SUCCESS;
}

static NTSTATUS carry_out(struct application *a)
{
    const struct inf_ops *ops = a->ops;

    switch (a->step->action) {
    case INF_SET:
        return set_value(a);
    case INF_CREATE_KEY:
        return ops->create_key(ops->context, a->path);
    case INF_DELETE_VALUE:
        return gone_is_fine(ops->delete_value(ops->context, a->path, a->name));
    case INF_DELETE_KEY:
        return gone_is_fine(ops->delete_tree(ops->context, a->path));
    case INF_DELETE_STRING:
        return delete_string(a);
    case INF_BITS:
        return change_bits(a);
    case INF_INTERFACE:
        return ops->interface(ops->context, a->step);
    case INF_PROPERTY:
        return ops->property(ops->context, a->step);
    }
    return STATUS_INVALID_PARAMETER;
}

/* A class is installed once: then its key was there before. */
static bool is_left_out(struct application *a)
{
    const char *key = a->step->unless;

    if (key == NULL)
        return false;
    if (key != a->unless) {
        rtl_wide_from_utf8(a->path, INF_PATH_CHARS, key, __builtin_strlen(key));
        a->existed = a->ops->key_exists(a->ops->context, a->path);
        a->unless = key;
    }
    return a->existed;
}

NTSTATUS inf_apply(const struct inf_step *steps, const struct inf_ops *ops, const struct inf_step **failed)
{
    WCHAR *room = ops->allocate(2 * INF_PATH_CHARS * sizeof(WCHAR));
    struct application a = {.ops = ops, .path = room, .name = room + INF_PATH_CHARS};
    NTSTATUS status = room != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;

    *failed = steps;
    for (a.step = steps; a.step != NULL && NT_SUCCESS(status); a.step = a.step->next) {
        *failed = a.step;
        if (is_left_out(&a))
            continue;
        status = a.step->action == INF_INTERFACE || a.step->action == INF_PROPERTY ? STATUS_SUCCESS
                                                                                   : find_place(&a);
        if (NT_SUCCESS(status))
            status = carry_out(&a);
    }
    if (NT_SUCCESS(status))
        *failed = NULL;
    if (room != NULL)
        ops->release(room);
    return status;
}
