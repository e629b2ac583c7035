/* SPDX-License-Identifier: MIT */
/* The information classes of keys and values. */
#include "cm/query.h"

NTSTATUS cm_reply_start(struct cm_reply *reply, ULONG size, ULONG fixed)
{
    *reply = (struct cm_reply){mm_alloc(MAX(size, fixed), CM_TAG), size, fixed};
    return reply->bytes ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

void cm_reply_put(struct cm_reply *reply, ULONG offset, const void *data, ULONG length)
{
    if (length)
        memcpy(reply->bytes + offset, data, length);
}

NTSTATUS cm_reply_give(struct cm_reply *reply, void *buffer, ULONG length, ULONG *result_length,
                       KPROCESSOR_MODE mode)
{
    NTSTATUS status = STATUS_SUCCESS;
    if (length < reply->fixed)
        status = STATUS_BUFFER_TOO_SMALL;
    else if (length < reply->size)
        status = STATUS_BUFFER_OVERFLOW;
    NTSTATUS copied = ob_copy_out(result_length, &reply->size, sizeof(*result_length), mode);
    if (NT_SUCCESS(copied) && status != STATUS_BUFFER_TOO_SMALL)
        copied = ob_copy_out(buffer, reply->bytes, MIN(length, reply->size), mode);
    mm_free(reply->bytes);
    return NT_SUCCESS(copied) ? status : copied;
}

/* ---- keys ---- */

static NTSTATUS reply_basic(struct cm_reply *reply, const struct cm_key *key)
{
    ULONG fixed = offsetof(KEY_BASIC_INFORMATION, Name);
    NTSTATUS status = cm_reply_start(reply, fixed + key->name.Length, fixed);
    if (!NT_SUCCESS(status))
        return status;
    KEY_BASIC_INFORMATION *info = (void *)reply->bytes;
    info->LastWriteTime = key->last_write;
    info->NameLength = key->name.Length;
    cm_reply_put(reply, fixed, key->name.Buffer, key->name.Length);
    return STATUS_SUCCESS;
}

static NTSTATUS reply_node(struct cm_reply *reply, const struct cm_key *key)
{
    ULONG fixed = offsetof(KEY_NODE_INFORMATION, Name);
    ULONG class_at = (ULONG)ALIGN_UP(fixed + key->name.Length, 4);
    ULONG size = key->class_name.Length ? class_at + key->class_name.Length : fixed + key->name.Length;
    NTSTATUS status = cm_reply_start(reply, size, fixed);
    if (!NT_SUCCESS(status))
        return status;
    KEY_NODE_INFORMATION *info = (void *)reply->bytes;
    info->LastWriteTime = key->last_write;
    info->ClassOffset = key->class_name.Length ? class_at : 0xFFFFFFFF;
    info->ClassLength = key->class_name.Length;
    info->NameLength = key->name.Length;
    cm_reply_put(reply, fixed, key->name.Buffer, key->name.Length);
    cm_reply_put(reply, class_at, key->class_name.Buffer, key->class_name.Length);
    return STATUS_SUCCESS;
}

static void measure_content(const struct cm_key *key, KEY_FULL_INFORMATION *full)
{
    full->SubKeys = key->child_count;
    full->Values = key->value_count;
    list_for_each(link, &key->children)
    {
        const struct cm_key *child = container_of(link, struct cm_key, link);
        full->MaxNameLen = MAX(full->MaxNameLen, child->name.Length);
        full->MaxClassLen = MAX(full->MaxClassLen, child->class_name.Length);
    }
    list_for_each(link, &key->values)
    {
        const struct cm_value *value = container_of(link, struct cm_value, link);
        full->MaxValueNameLen = MAX(full->MaxValueNameLen, value->name.Length);
        full->MaxValueDataLen = MAX(full->MaxValueDataLen, value->length);
    }
}

static NTSTATUS reply_full(struct cm_reply *reply, const struct cm_key *key)
{
    ULONG fixed = offsetof(KEY_FULL_INFORMATION, Class);
    NTSTATUS status = cm_reply_start(reply, fixed + key->class_name.Length, fixed);
    if (!NT_SUCCESS(status))
        return status;
    KEY_FULL_INFORMATION *info = (void *)reply->bytes;
    info->LastWriteTime = key->last_write;
    info->ClassOffset = key->class_name.Length ? fixed : 0xFFFFFFFF;
    info->ClassLength = key->class_name.Length;
    measure_content(key, info);
    cm_reply_put(reply, fixed, key->class_name.Buffer, key->class_name.Length);
    return STATUS_SUCCESS;
}

static NTSTATUS reply_name(struct cm_reply *reply, const struct cm_key *key)
{
    ULONG fixed = offsetof(KEY_NAME_INFORMATION, Name), length = cm_full_name(key, NULL, 0);
    NTSTATUS status = cm_reply_start(reply, fixed + length, fixed);
    if (!NT_SUCCESS(status))
        return status;
    ((KEY_NAME_INFORMATION *)(void *)reply->bytes)->NameLength = length;
    cm_full_name(key, (WCHAR *)(void *)(reply->bytes + fixed), length);
    return STATUS_SUCCESS;
}

static NTSTATUS reply_cached(struct cm_reply *reply, const struct cm_key *key)
{
    KEY_FULL_INFORMATION full = {0};
    measure_content(key, &full);
    KEY_CACHED_INFORMATION info = {.LastWriteTime = key->last_write,
                                   .SubKeys = full.SubKeys,
                                   .MaxNameLen = full.MaxNameLen,
                                   .Values = full.Values,
                                   .MaxValueNameLen = full.MaxValueNameLen,
                                   .MaxValueDataLen = full.MaxValueDataLen,
                                   .NameLength = key->name.Length};
    NTSTATUS status = cm_reply_start(reply, sizeof(info), sizeof(info));
    if (NT_SUCCESS(status))
        cm_reply_put(reply, 0, &info, sizeof(info));
    return status;
}

NTSTATUS cm_reply_key(struct cm_reply *reply, const struct cm_key *key, KEY_INFORMATION_CLASS class)
{
    switch (class) {
    case KeyBasicInformation:
        return reply_basic(reply, key);
    case KeyNodeInformation:
        return reply_node(reply, key);
    case KeyFullInformation:
        return reply_full(reply, key);
    case KeyNameInformation:
        return reply_name(reply, key);
    case KeyCachedInformation:
        return reply_cached(reply, key);
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

/* ---- values ---- */

static NTSTATUS reply_value_basic(struct cm_reply *reply, const struct cm_value *value)
{
    ULONG fixed = offsetof(KEY_VALUE_BASIC_INFORMATION, Name);
    NTSTATUS status = cm_reply_start(reply, fixed + value->name.Length, fixed);
    if (!NT_SUCCESS(status))
        return status;
    KEY_VALUE_BASIC_INFORMATION *info = (void *)reply->bytes;
    info->Type = value->type;
    info->NameLength = value->name.Length;
    cm_reply_put(reply, fixed, value->name.Buffer, value->name.Length);
    return STATUS_SUCCESS;
}

static NTSTATUS reply_value_full(struct cm_reply *reply, const struct cm_value *value, ULONG alignment)
{
    ULONG fixed = offsetof(KEY_VALUE_FULL_INFORMATION, Name);
    ULONG data_at = (ULONG)ALIGN_UP(fixed + value->name.Length, alignment);
    NTSTATUS status = cm_reply_start(reply, data_at + value->length, fixed);
    if (!NT_SUCCESS(status))
        return status;
    KEY_VALUE_FULL_INFORMATION *info = (void *)reply->bytes;
    info->Type = value->type;
    info->DataOffset = data_at;
    info->DataLength = value->length;
    info->NameLength = value->name.Length;
    cm_reply_put(reply, fixed, value->name.Buffer, value->name.Length);
    cm_reply_put(reply, data_at, value->data, value->length);
    return STATUS_SUCCESS;
}

static NTSTATUS reply_value_partial(struct cm_reply *reply, const struct cm_value *value)
{
    ULONG fixed = offsetof(KEY_VALUE_PARTIAL_INFORMATION, Data);
    NTSTATUS status = cm_reply_start(reply, fixed + value->length, fixed);
    if (!NT_SUCCESS(status))
        return status;
    KEY_VALUE_PARTIAL_INFORMATION *info = (void *)reply->bytes;
    info->Type = value->type;
    info->DataLength = value->length;
    cm_reply_put(reply, fixed, value->data, value->length);
    return STATUS_SUCCESS;
}

static NTSTATUS reply_value_partial_64(struct cm_reply *reply, const struct cm_value *value)
{
    ULONG fixed = offsetof(KEY_VALUE_PARTIAL_INFORMATION_ALIGN64, Data);
    NTSTATUS status = cm_reply_start(reply, fixed + value->length, fixed);
    if (!NT_SUCCESS(status))
        return status;
    KEY_VALUE_PARTIAL_INFORMATION_ALIGN64 *info = (void *)reply->bytes;
    info->Type = value->type;
    info->DataLength = value->length;
    cm_reply_put(reply, fixed, value->data, value->length);
    return STATUS_SUCCESS;
}

NTSTATUS cm_reply_value(struct cm_reply *reply, const struct cm_value *value,
                        KEY_VALUE_INFORMATION_CLASS class)
{
    switch (class) {
    case KeyValueBasicInformation:
        return reply_value_basic(reply, value);
    case KeyValueFullInformation:
        return reply_value_full(reply, value, sizeof(ULONG));
    case KeyValueFullInformationAlign64:
        return reply_value_full(reply, value, sizeof(ULONG64));
    case KeyValuePartialInformation:
        return reply_value_partial(reply, value);
    case KeyValuePartialInformationAlign64:
        return reply_value_partial_64(reply, value);
    default:
        return STATUS_INVALID_PARAMETER;
    }
}
