/* SPDX-License-Identifier: MIT */
/* ZwQueryKey, ZwEnumerateKey, ZwQueryValueKey, ZwEnumerateValueKey, and setting and deleting values. */
#include "cm/callbacks.h"
#include "cm/query.h"

/* What to look at in a key; the lock is held. */
struct question {
    ULONG index;
    UNICODE_STRING name;
    KEY_INFORMATION_CLASS key_class;
    KEY_VALUE_INFORMATION_CLASS value_class;
};

typedef NTSTATUS answer_fn(struct cm_reply *reply, struct cm_key *key, const struct question *question);

struct inquiry {
    struct cm_key_object *object;
    answer_fn *answer;
    const struct question *question;
    void *buffer;
    ULONG length, *result_length;
    KPROCESSOR_MODE mode;
};

static NTSTATUS inquire(void *argument)
{
    struct inquiry *inquiry = argument;
    struct cm_key *key;
    struct cm_reply reply;
    NTSTATUS status = cm_lock_key(inquiry->object, &key);
    if (NT_SUCCESS(status)) {
        status = inquiry->answer(&reply, key, inquiry->question);
        rl_lock_release(&cm_lock);
    }
    return NT_SUCCESS(status) ? cm_reply_give(&reply, inquiry->buffer, inquiry->length,
                                              inquiry->result_length, inquiry->mode)
                              : status;
}

static NTSTATUS ask(HANDLE handle, ACCESS_MASK access, struct inquiry *inquiry, struct cm_notice *notice)
{
    inquiry->mode = ke_previous_mode();
    NTSTATUS status = cm_reference_key(handle, access, inquiry->mode, &inquiry->object);
    if (!NT_SUCCESS(status))
        return status;
    status = cm_notified(notice, inquiry->object, inquire, inquiry);
    ob_dereference(inquiry->object);
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
    REG_QUERY_KEY_INFORMATION information = {NULL, KeyInformationClass, KeyInformation, Length, ResultLength};
    struct cm_notice notice = {.before = RegNtPreQueryKey,
                               .after = RegNtPostQueryKey,
                               .information = &information,
                               .contexts = &information.CallContext};
    struct inquiry inquiry = {NULL, answer_key, &question, KeyInformation, Length, ResultLength, KernelMode};
    return ask(KeyHandle, access, &inquiry, &notice);
}

EXPORT(ntoskrnl, ZwQueryKey, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
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
    REG_ENUMERATE_KEY_INFORMATION information = {NULL,           Index,  KeyInformationClass,
                                                 KeyInformation, Length, ResultLength};
    struct cm_notice notice = {.before = RegNtPreEnumerateKey,
                               .after = RegNtPostEnumerateKey,
                               .information = &information,
                               .contexts = &information.CallContext};
    struct inquiry inquiry = {NULL,   answer_child, &question, KeyInformation,
                              Length, ResultLength, KernelMode};
    return ask(KeyHandle, KEY_ENUMERATE_SUB_KEYS, &inquiry, &notice);
}

EXPORT(ntoskrnl, ZwEnumerateKey, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
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
    REG_QUERY_VALUE_KEY_INFORMATION information = {
        NULL, &question.name, KeyValueInformationClass, KeyValueInformation, Length, ResultLength};
    struct cm_notice notice = {.before = RegNtPreQueryValueKey,
                               .after = RegNtPostQueryValueKey,
                               .information = &information,
                               .contexts = &information.CallContext};
    struct inquiry inquiry = {NULL,   answer_value, &question, KeyValueInformation,
                              Length, ResultLength, KernelMode};
    status = ask(KeyHandle, KEY_QUERY_VALUE, &inquiry, &notice);
    if (question.name.Buffer)
        mm_free(question.name.Buffer);
    return status;
}

EXPORT(ntoskrnl, ZwQueryValueKey, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
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
    REG_ENUMERATE_VALUE_KEY_INFORMATION information = {
        NULL, Index, KeyValueInformationClass, KeyValueInformation, Length, ResultLength};
    struct cm_notice notice = {.before = RegNtPreEnumerateValueKey,
                               .after = RegNtPostEnumerateValueKey,
                               .information = &information,
                               .contexts = &information.CallContext};
    struct inquiry inquiry = {NULL,   answer_value_at, &question, KeyValueInformation,
                              Length, ResultLength,    KernelMode};
    return ask(KeyHandle, KEY_QUERY_VALUE, &inquiry, &notice);
}

EXPORT(ntoskrnl, ZwEnumerateValueKey, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
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

struct setting {
    struct cm_key_object *object;
    const UNICODE_STRING *name;
    ULONG type, length;
    const void *data;
};

static NTSTATUS put_in_key(void *argument)
{
    const struct setting *setting = argument;
    struct cm_key *key;
    NTSTATUS status = cm_lock_key(setting->object, &key);
    if (NT_SUCCESS(status)) {
        status = cm_put_value(key, setting->name, setting->type, setting->data, setting->length);
        rl_lock_release(&cm_lock);
    }
    return status;
}

static NTSTATUS set_in_key(HANDLE handle, UNICODE_STRING *name, ULONG title, ULONG type, void *data,
                           ULONG length)
{
    struct setting setting = {.name = name, .type = type, .length = length, .data = data};
    REG_SET_VALUE_KEY_INFORMATION information = {NULL, name, title, type, data, length};
    struct cm_notice notice = {.before = RegNtPreSetValueKey,
                               .after = RegNtPostSetValueKey,
                               .information = &information,
                               .contexts = &information.CallContext};
    NTSTATUS status = cm_reference_key(handle, KEY_SET_VALUE, ke_previous_mode(), &setting.object);
    if (!NT_SUCCESS(status))
        return status;
    status = cm_notified(&notice, setting.object, put_in_key, &setting);
    ob_dereference(setting.object);
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
        status = set_in_key(KeyHandle, &name, TitleIndex, Type, copy, DataSize);
    if (copy)
        mm_free(copy);
    if (name.Buffer)
        mm_free(name.Buffer);
    return status;
}

EXPORT(ntoskrnl, ZwSetValueKey, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwSetValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName, ULONG TitleIndex, ULONG Type,
                             PVOID Data, ULONG DataSize)
{
    return ZW_CALL(NtSetValueKey(KeyHandle, ValueName, TitleIndex, Type, Data, DataSize));
}

static NTSTATUS remove_value(void *argument)
{
    const struct setting *setting = argument;
    struct cm_key *key;
    NTSTATUS status = cm_lock_key(setting->object, &key);
    if (!NT_SUCCESS(status))
        return status;
    struct cm_value *value = cm_find_value(key, setting->name);
    if (value)
        cm_remove_value(key, value);
    else
        status = STATUS_OBJECT_NAME_NOT_FOUND;
    rl_lock_release(&cm_lock);
    return status;
}

static NTSTATUS remove_from_key(HANDLE handle, UNICODE_STRING *name, KPROCESSOR_MODE mode)
{
    struct setting setting = {.name = name};
    REG_DELETE_VALUE_KEY_INFORMATION information = {NULL, name};
    struct cm_notice notice = {.before = RegNtPreDeleteValueKey,
                               .after = RegNtPostDeleteValueKey,
                               .information = &information,
                               .contexts = &information.CallContext};
    NTSTATUS status = cm_reference_key(handle, KEY_SET_VALUE, mode, &setting.object);
    if (!NT_SUCCESS(status))
        return status;
    status = cm_notified(&notice, setting.object, remove_value, &setting);
    ob_dereference(setting.object);
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

EXPORT(ntoskrnl, ZwDeleteValueKey, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ZwDeleteValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName)
{
    return ZW_CALL(NtDeleteValueKey(KeyHandle, ValueName));
}
