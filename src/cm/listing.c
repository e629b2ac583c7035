/* SPDX-License-Identifier: MIT */
/* A key's children and values, copied into one block: for those who walk the whole tree without handles. */
#include "cm/store.h"
#include "rtl/rtl.h"

static bool is_kept(const struct cm_key *key)
{
    return !key->is_volatile && !key->is_link;
}

static size_t text_bytes(const UNICODE_STRING *text)
{
    return ALIGN_UP(text->Length + sizeof(WCHAR), 8);
}

static size_t bytes_needed(const struct cm_key *key)
{
    size_t bytes = sizeof(struct cm_listing) + key->child_count * sizeof(WCHAR *) +
                   key->value_count * sizeof(struct cm_listed_value);

    for (const LIST_ENTRY *at = key->children.Flink; at != &key->children; at = at->Flink)
        bytes += text_bytes(&container_of(at, struct cm_key, link)->name);
    for (const LIST_ENTRY *at = key->values.Flink; at != &key->values; at = at->Flink) {
        const struct cm_value *value = container_of(at, struct cm_value, link);
        bytes += text_bytes(&value->name) + ALIGN_UP(value->length, 8);
    }
    return bytes;
}

static const WCHAR *put_text(char **room, const UNICODE_STRING *text)
{
    WCHAR *to = (WCHAR *)*room;

    memcpy(to, text->Buffer, text->Length);
    to[text->Length / sizeof(WCHAR)] = 0;
    *room += text_bytes(text);
    return to;
}

static void fill(struct cm_listing *listing, const struct cm_key *key)
{
    listing->value = (struct cm_listed_value *)(listing + 1);
    listing->child = (const WCHAR **)(listing->value + key->value_count);
    char *room = (char *)(listing->child + key->child_count);

    for (const LIST_ENTRY *at = key->children.Flink; at != &key->children; at = at->Flink) {
        const struct cm_key *child = container_of(at, struct cm_key, link);
        if (is_kept(child))
            listing->child[listing->children++] = put_text(&room, &child->name);
    }
    for (const LIST_ENTRY *at = key->values.Flink; at != &key->values; at = at->Flink) {
        const struct cm_value *value = container_of(at, struct cm_value, link);
        listing->value[listing->values++] = (struct cm_listed_value){.name = put_text(&room, &value->name),
                                                                     .type = value->type,
                                                                     .length = value->length,
                                                                     .data = room};
        if (value->length != 0)
            memcpy(room, value->data, value->length);
        room += ALIGN_UP(value->length, 8);
    }
}

NTSTATUS cm_list_key(const WCHAR *path, struct cm_listing **listing)
{
    struct cm_walk walk = {0};
    struct cm_key *key;
    NTSTATUS status = cm_lock_path(path, &walk, &key);

    if (!NT_SUCCESS(status))
        return status;
    *listing = mm_alloc(bytes_needed(key), CM_TAG);
    if (*listing != NULL) {
        **listing = (struct cm_listing){0};
        fill(*listing, key);
    }
    rl_lock_release(&cm_lock);
    return *listing != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}
