/* SPDX-License-Identifier: MIT */
/*
 * From a path to a key. A link key (CurrentControlSet) stands for the absolute
 * path in its SymbolicLinkValue; how many are followed is bounded.
 */
#include "cm/store.h"
#include "rtl/rtl.h"

#define MAX_LINKS 32

static bool next_component(UNICODE_STRING *rest, UNICODE_STRING *component)
{
    unsigned count = rest->Length / sizeof(WCHAR), start = 0, at;
    while (start < count && rest->Buffer[start] == '\\')
        start++;
    for (at = start; at < count && rest->Buffer[at] != '\\'; at++)
        ;
    *component = (UNICODE_STRING){(USHORT)((at - start) * sizeof(WCHAR)), 0, rest->Buffer + start};
    rest->Buffer += at;
    rest->Length = (USHORT)((count - at) * sizeof(WCHAR));
    return component->Length != 0;
}

/* The text behind "\Registry" of a link's target. False: it is not one that can be followed. */
static bool link_target(const struct cm_key *link, UNICODE_STRING *target)
{
    UNICODE_STRING name, first;
    rtl_init_string(&name, u"SymbolicLinkValue");
    const struct cm_value *value = cm_find_value(link, &name);
    if (!value || value->type != REG_LINK || value->length > 0xFFFE)
        return false;
    *target = (UNICODE_STRING){(USHORT)(value->length & ~1u), 0, value->data};
    return next_component(target, &first) && rtl_equal_nocase(&first, &cm_root->name);
}

static NTSTATUS follow(struct cm_key *link, struct cm_key **key, unsigned *links);

static NTSTATUS descend(struct cm_key *from, UNICODE_STRING rest, bool follow_last, unsigned *links,
                        struct cm_key **key)
{
    UNICODE_STRING component;
    *key = from;
    while (next_component(&rest, &component)) {
        struct cm_key *child = cm_find_child(*key, &component);
        if (!child)
            return STATUS_OBJECT_NAME_NOT_FOUND;
        *key = child;
        if (child->is_link && (rest.Length || follow_last)) {
            NTSTATUS status = follow(child, key, links);
            if (!NT_SUCCESS(status))
                return status;
        }
    }
    return STATUS_SUCCESS;
}

static NTSTATUS follow(struct cm_key *link, struct cm_key **key, unsigned *links)
{
    UNICODE_STRING target;
    if (++*links > MAX_LINKS || !link_target(link, &target))
        return STATUS_OBJECT_NAME_NOT_FOUND;
    return descend(cm_root, target, true, links, key);
}

static NTSTATUS make_component(struct cm_key **key, const UNICODE_STRING *component, struct cm_walk *walk)
{
    struct cm_key *child;
    NTSTATUS status =
        cm_add_child(*key, component, walk->is_volatile || (walk->create_all && (*key)->is_volatile), &child);
    if (!NT_SUCCESS(status))
        return status;
    walk->created = true;
    *key = child;
    return STATUS_SUCCESS;
}

/* One component further: the child, what a link leads to, or a new key where that is wanted. */
static NTSTATUS step(struct cm_key **key, const UNICODE_STRING *component, bool last, struct cm_walk *walk,
                     unsigned *links)
{
    struct cm_key *child = cm_find_child(*key, component);
    if (!child) {
        if (walk->create_all || (walk->create && last))
            return make_component(key, component, walk);
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    *key = child;
    if (!child->is_link || (last && walk->as_link))
        return STATUS_SUCCESS;
    return follow(child, key, links);
}

static bool only_backslashes(const UNICODE_STRING *rest)
{
    for (unsigned i = 0; i < rest->Length / sizeof(WCHAR); i++)
        if (rest->Buffer[i] != '\\')
            return false;
    return true;
}

NTSTATUS cm_walk_path(struct cm_key *from, const UNICODE_STRING *path, struct cm_walk *walk,
                      struct cm_key **key)
{
    UNICODE_STRING rest = *path, component;
    unsigned links = 0;
    *key = from;
    walk->created = false;
    while (next_component(&rest, &component)) {
        if (component.Length > CM_MAX_KEY_NAME)
            return STATUS_INVALID_PARAMETER;
        NTSTATUS status = step(key, &component, only_backslashes(&rest), walk, &links);
        if (!NT_SUCCESS(status))
            return status;
    }
    return STATUS_SUCCESS;
}
