/* SPDX-License-Identifier: MIT */
/* ZwQueryKey, ZwEnumerateKey, ZwQueryValueKey, ZwEnumerateValueKey, and setting and deleting values. */
#include "cm/query.h"

/* What to look at in a key; the lock is held. */
struct question {
    ULONG index;
    UNICODE_STRING name;
    KEY_INFORMATION_CLASS key_class;
    KEY_VALUE_INFORMATION_CLASS value_class;
};

typedef NTSTATUS answer_fn(struct cm_reply *reply, struct cm_key *key, const struct question *question);

static NTSTATUS ask(HANDLE handle, ACCESS_MASK access, answer_fn *answer, const struct question *question,
                    void *buffer, ULONG length, ULONG *result_length)
{
    struct cm_key_object *object;
    struct cm_key *key;
    struct cm_reply reply;
    KPROCESSOR_MODE mode = ke_previous_mode();
    NTSTATUS status = cm_reference_key(handle, access, mode, &object);
    if (!NT_SUCCESS(status))
        return status;
    status = cm_lock_key(object, &key);
    if (NT_SUCCESS(status)) {
        status = answer(&reply, key, question);
        rl_lock_release(&cm_lock);
    }
    if (NT_SUCCESS(status))
        status = cm_reply_give(&reply, buffer, length, result_length, mode);
    ob_dereference(object);
    return status;
}

static NTSTATUS answer_key(struct cm_reply *reply, struct cm_key *key, const struct question *question)
{
    return cm_reply_key(reply, key, question->key_class);
}

NTSTATUS NTAPI NtQueryKey(HANDLE KeyHandle, KEY_INFORMATION_CLASS KeyInformationClass, PVOID KeyInformation,
                          ULONG Length, PULONG ResultLength)
{
    struct question question = {.key_class = KeyInformationClass};
    /* A key's own name may be asked for with any access. */
    ACCESS_MASK access = KeyInformationClass == KeyNameInformation ? 0 : KEY_QUERY_VALUE;
    return ask(KeyHandle, access, answer_key, &question, KeyInformation, Length, ResultLength);
}

EXPORT(ntoskrnl, ZwQueryKey, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI ZwQueryKey(HANDLE KeyHandle, KEY_INFORMATION_CLASS KeyInformationClass, PVOID KeyInformation,
                          ULONG Length, PULONG ResultLength)
{
    return ZW_CALL(NtQueryKey(KeyHandle, KeyInformationClass, KeyInformation, Length, ResultLength));
}

static NTSTATUS answer_child(struct cm_reply *reply, struct cm_key *key, const struct question *question)
{
    const struct cm_key *child = cm_child_at(key, question->index);
    return child ? cm_reply_key(reply, child, question->key_class) : STATUS_NO_MORE_ENTRIES;
}

NTSTATUS NTAPI NtEnumerateKey(HANDLE KeyHandle, ULONG Index, KEY_INFORMATION_CLASS KeyInformationClass,
                              PVOID KeyInformation, ULONG Length, PULONG ResultLength)
{
    struct question question = {.index = Index, .key_class = KeyInformationClass};
    if (KeyInformationClass != KeyBasicInformation && KeyInformationClass != KeyNodeInformation &&
        KeyInformationClass != KeyFullInformation)
        return STATUS_INVALID_PARAMETER;
    return ask(KeyHandle, KEY_ENUMERATE_SUB_KEYS, answer_child, &question, KeyInformation, Length,
               ResultLength);
}

EXPORT(ntoskrnl, ZwEnumerateKey, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI ZwEnumerateKey(HANDLE KeyHandle, ULONG Index, KEY_INFORMATION_CLASS KeyInformationClass,
                              PVOID KeyInformation, ULONG Length, PULONG ResultLength)
{
    return ZW_CALL(
        NtEnumerateKey(KeyHandle, Index, KeyInformationClass, KeyInformation, Length, ResultLength));
}

static NTSTATUS answer_value(struct cm_reply *reply, struct cm_key *key, const struct question *question)
{
    const struct cm_value *value = cm_find_value(key, &question->name);
    return value ? cm_reply_value(reply, value, question->value_class) : STATUS_OBJECT_NAME_NOT_FOUND;
}

NTSTATUS NTAPI NtQueryValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName,
                               KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass,
                               PVOID KeyValueInformation, ULONG Length, PULONG ResultLength)
{
    struct question question = {.value_class = KeyValueInformationClass};
    if ((ULONG)KeyValueInformationClass > KeyValuePartialInformationAlign64)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status =
        ValueName ? ob_capture_string(ValueName, ke_previous_mode(), &question.name) : STATUS_SUCCESS;
    if (!NT_SUCCESS(status))
        return status == STATUS_OBJECT_NAME_INVALID ? STATUS_INVALID_PARAMETER : status;
    status =
        ask(KeyHandle, KEY_QUERY_VALUE, answer_value, &question, KeyValueInformation, Length, ResultLength);
    if (question.name.Buffer)
        mm_free(question.name.Buffer);
    return status;
}

EXPORT(ntoskrnl, ZwQueryValueKey, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI ZwQueryValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName,
                               KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass,
                               PVOID KeyValueInformation, ULONG Length, PULONG ResultLength)
{
    return ZW_CALL(NtQueryValueKey(KeyHandle, ValueName, KeyValueInformationClass, KeyValueInformation,
                                   Length, ResultLength));
}

static NTSTATUS answer_value_at(struct cm_reply *reply, struct cm_key *key, const struct question *question)
{
    const struct cm_value *value = cm_value_at(key, question->index);
    return value ? cm_reply_value(reply, value, question->value_class) : STATUS_NO_MORE_ENTRIES;
}

NTSTATUS NTAPI NtEnumerateValueKey(HANDLE KeyHandle, ULONG Index,
                                   KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass,
                                   PVOID KeyValueInformation, ULONG Length, PULONG ResultLength)
{
    struct question question = {.index = Index, .value_class = KeyValueInformationClass};
    if ((ULONG)KeyValueInformationClass > KeyValuePartialInformationAlign64)
        return STATUS_INVALID_PARAMETER;
    return ask(KeyHandle, KEY_QUERY_VALUE, answer_value_at, &question, KeyValueInformation, Length,
               ResultLength);
}

EXPORT(ntoskrnl, ZwEnumerateValueKey, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI ZwEnumerateValueKey(HANDLE KeyHandle, ULONG Index,
                                   KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass,
                                   PVOID KeyValueInformation, ULONG Length, PULONG ResultLength)
{
    return ZW_CALL(NtEnumerateValueKey(KeyHandle, Index, KeyValueInformationClass, KeyValueInformation,
                                       Length, ResultLength));
}

/* ---- changing values ---- */

static NTSTATUS capture_value_name(PUNICODE_STRING name, KPROCESSOR_MODE mode, UNICODE_STRING *captured)
{
    *captured = (UNICODE_STRING){0};
    NTSTATUS status = name ? ob_capture_string(name, mode, captured) : STATUS_SUCCESS;
    return status == STATUS_OBJECT_NAME_INVALID ? STATUS_INVALID_PARAMETER : status;
}

static NTSTATUS put_in_key(HANDLE handle, const UNICODE_STRING *name, ULONG type, const void *data,
                           ULONG length, KPROCESSOR_MODE mode)
{
    struct cm_key_object *object;
    struct cm_key *key;
    NTSTATUS status = cm_reference_key(handle, KEY_SET_VALUE, mode, &object);
    if (!NT_SUCCESS(status))
        return status;
    status = cm_lock_key(object, &key);
    if (NT_SUCCESS(status)) {
        status = cm_put_value(key, name, type, data, length);
        rl_lock_release(&cm_lock);
    }
    ob_dereference(object);
    return status;
}

NTSTATUS NTAPI NtSetValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName, ULONG TitleIndex, ULONG Type,
                             PVOID Data, ULONG DataSize)
{
    UNICODE_STRING name;
    KPROCESSOR_MODE mode = ke_previous_mode();
    NTSTATUS status = capture_value_name(ValueName, mode, &name);
    if (!NT_SUCCESS(status))
        return status;
    void *copy = DataSize ? mm_alloc(DataSize, CM_TAG) : NULL;
    if (DataSize && !copy)
        status = STATUS_INSUFFICIENT_RESOURCES;
    if (NT_SUCCESS(status) && DataSize)
        status = ob_copy_in(copy, Data, DataSize, mode);
    if (NT_SUCCESS(status))
        status = put_in_key(KeyHandle, &name, Type, copy, DataSize, mode);
    if (copy)
        mm_free(copy);
    if (name.Buffer)
        mm_free(name.Buffer);
    return status;
}

EXPORT(ntoskrnl, ZwSetValueKey, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI ZwSetValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName, ULONG TitleIndex, ULONG Type,
                             PVOID Data, ULONG DataSize)
{
    return ZW_CALL(NtSetValueKey(KeyHandle, ValueName, TitleIndex, Type, Data, DataSize));
}

static NTSTATUS remove_from_key(HANDLE handle, const UNICODE_STRING *name, KPROCESSOR_MODE mode)
{
    struct cm_key_object *object;
    struct cm_key *key;
    NTSTATUS status = cm_reference_key(handle, KEY_SET_VALUE, mode, &object);
    if (!NT_SUCCESS(status))
        return status;
    status = cm_lock_key(object, &key);
    if (NT_SUCCESS(status)) {
        struct cm_value *value = cm_find_value(key, name);
        if (value)
            cm_remove_value(key, value);
        else
            status = STATUS_OBJECT_NAME_NOT_FOUND;
        rl_lock_release(&cm_lock);
    }
    ob_dereference(object);
    return status;
}

NTSTATUS NTAPI NtDeleteValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName)
{
    UNICODE_STRING name;
    KPROCESSOR_MODE mode = ke_previous_mode();
    NTSTATUS status = capture_value_name(ValueName, mode, &name);
    if (NT_SUCCESS(status))
        status = remove_from_key(KeyHandle, &name, mode);
    if (name.Buffer)
        mm_free(name.Buffer);
    return status;
}

EXPORT(ntoskrnl, ZwDeleteValueKey, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI ZwDeleteValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName)
{
    return ZW_CALL(NtDeleteValueKey(KeyHandle, ValueName));
}
