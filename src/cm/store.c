/* SPDX-License-Identifier: MIT */
/* Keys and values: looking up, adding, removing. The lock is held throughout; see store.h. */
#include "cm/store.h"
#include "host/host.h"
#include "rtl/rtl.h"

rl_lock cm_lock;
struct cm_key *cm_root;

static int compare_names(const UNICODE_STRING *a, const UNICODE_STRING *b)
{
    unsigned count = MIN(a->Length, b->Length) / sizeof(WCHAR);
    for (unsigned i = 0; i < count; i++) {
        int difference = (int)rtl_upcase(a->Buffer[i]) - (int)rtl_upcase(b->Buffer[i]);
        if (difference)
            return difference;
    }
    return (int)a->Length - (int)b->Length;
}

struct cm_key *cm_find_child(const struct cm_key *key, const UNICODE_STRING *name)
{
    list_for_each(link, &key->children)
    {
        struct cm_key *child = container_of(link, struct cm_key, link);
        if (compare_names(&child->name, name) == 0)
            return child;
    }
    return NULL;
}

struct cm_key *cm_child_at(const struct cm_key *key, ULONG index)
{
    if (index >= key->child_count)
        return NULL;
    LIST_ENTRY *link = key->children.Flink;
    while (index--)
        link = link->Flink;
    return container_of(link, struct cm_key, link);
}

struct cm_value *cm_find_value(const struct cm_key *key, const UNICODE_STRING *name)
{
    list_for_each(link, &key->values)
    {
        struct cm_value *value = container_of(link, struct cm_value, link);
        if (compare_names(&value->name, name) == 0)
            return value;
    }
    return NULL;
}

struct cm_value *cm_value_at(const struct cm_key *key, ULONG index)
{
    if (index >= key->value_count)
        return NULL;
    LIST_ENTRY *link = key->values.Flink;
    while (index--)
        link = link->Flink;
    return container_of(link, struct cm_value, link);
}

void cm_touch(struct cm_key *key)
{
    key->last_write.QuadPart = (LONGLONG)host_system_time();
}

static struct cm_key *make_key(const UNICODE_STRING *name)
{
    struct cm_key *key = mm_alloc(sizeof(*key) + name->Length + sizeof(WCHAR), CM_TAG);
    if (!key)
        return NULL;
    list_init(&key->children);
    list_init(&key->values);
    key->references = 1;
    cm_touch(key);
    key->name = (UNICODE_STRING){name->Length, (USHORT)(name->Length + sizeof(WCHAR)), (WCHAR *)(key + 1)};
    memcpy(key->name.Buffer, name->Buffer, name->Length);
    return key;
}

static void insert_sorted(struct cm_key *parent, struct cm_key *child)
{
    LIST_ENTRY *before = parent->children.Flink;
    while (before != &parent->children &&
           compare_names(&container_of(before, struct cm_key, link)->name, &child->name) < 0)
        before = before->Flink;
    list_insert_tail(before, &child->link);
}

NTSTATUS cm_add_child(struct cm_key *parent, const UNICODE_STRING *name, bool is_volatile,
                      struct cm_key **child)
{
    if (name->Length == 0 || name->Length > CM_MAX_KEY_NAME)
        return STATUS_INVALID_PARAMETER;
    if (parent && parent->is_volatile && !is_volatile)
        return STATUS_CHILD_MUST_BE_VOLATILE;
    struct cm_key *key = make_key(name);
    if (!key)
        return STATUS_INSUFFICIENT_RESOURCES;
    key->parent = parent;
    key->is_volatile = is_volatile;
    if (parent) {
        insert_sorted(parent, key);
        parent->child_count++;
        cm_touch(parent);
    }
    *child = key;
    return STATUS_SUCCESS;
}

static struct cm_value *add_value(struct cm_key *key, const UNICODE_STRING *name)
{
    struct cm_value *value = mm_alloc(sizeof(*value) + name->Length + sizeof(WCHAR), CM_TAG);
    if (!value)
        return NULL;
    value->name =
        (UNICODE_STRING){name->Length, (USHORT)(name->Length + sizeof(WCHAR)), (WCHAR *)(value + 1)};
    if (name->Length) /* the unnamed value's Buffer may be NULL */
        memcpy(value->name.Buffer, name->Buffer, name->Length);
    list_insert_tail(&key->values, &value->link);
    key->value_count++;
    return value;
}

NTSTATUS cm_put_value(struct cm_key *key, const UNICODE_STRING *name, ULONG type, const void *data,
                      ULONG length)
{
    if (name->Length > CM_MAX_VALUE_NAME || name->Length % sizeof(WCHAR))
        return STATUS_INVALID_PARAMETER;
    void *copy = length ? mm_alloc(length, CM_TAG) : NULL;
    if (length && !copy)
        return STATUS_INSUFFICIENT_RESOURCES;
    struct cm_value *value = cm_find_value(key, name);
    if (!value)
        value = add_value(key, name);
    if (!value) {
        if (copy)
            mm_free(copy);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    if (length)
        memcpy(copy, data, length);
    if (value->data)
        mm_free(value->data);
    value->type = type;
    value->length = length;
    value->data = copy;
    cm_touch(key);
    return STATUS_SUCCESS;
}

static void free_value(struct cm_key *key, struct cm_value *value)
{
    list_remove(&value->link);
    key->value_count--;
    if (value->data)
        mm_free(value->data);
    mm_free(value);
}

void cm_remove_value(struct cm_key *key, struct cm_value *value)
{
    free_value(key, value);
    cm_touch(key);
}

void cm_key_release(struct cm_key *key)
{
    if (--key->references > 0)
        return;
    while (!list_empty(&key->values))
        free_value(key, container_of(key->values.Flink, struct cm_value, link));
    if (key->class_name.Buffer)
        mm_free(key->class_name.Buffer);
    mm_free(key);
}

static void unlink_key(struct cm_key *key)
{
    struct cm_key *parent = key->parent;
    list_remove(&key->link);
    parent->child_count--;
    key->parent = NULL;
    key->deleted = true;
    while (!list_empty(&key->values))
        free_value(key, container_of(key->values.Flink, struct cm_value, link));
    cm_key_release(key);
    cm_touch(parent);
}

NTSTATUS cm_remove_key(struct cm_key *key)
{
    if (key->child_count || !key->parent)
        return STATUS_CANNOT_DELETE;
    unlink_key(key);
    return STATUS_SUCCESS;
}

/* Without recursion: the tree may be deep. */
void cm_remove_tree(struct cm_key *top)
{
    struct cm_key *key = top;
    for (;;) {
        while (key->child_count)
            key = container_of(key->children.Flink, struct cm_key, link);
        struct cm_key *parent = key->parent;
        bool finished = key == top;
        unlink_key(key);
        if (finished)
            return;
        key = parent;
    }
}

ULONG cm_full_name(const struct cm_key *key, WCHAR *buffer, ULONG size)
{
    ULONG length = 0;
    for (const struct cm_key *at = key; at; at = at->parent)
        length += sizeof(WCHAR) + at->name.Length;
    if (length > size)
        return length;
    char *end = (char *)buffer + length;
    for (const struct cm_key *at = key; at; at = at->parent) {
        end -= at->name.Length;
        memcpy(end, at->name.Buffer, at->name.Length);
        end -= sizeof(WCHAR);
        *(WCHAR *)(void *)end = '\\';
    }
    return length;
}
