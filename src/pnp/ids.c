/* SPDX-License-Identifier: MIT */
/*
 * Identifiers: what a bus driver returned is checked and copied (PH-22), and
 * made into the instance path that names the device in the registry. No state.
 */
#include "pnp/private.h"

WCHAR *pnp_copy_text(const WCHAR *text)
{
    size_t bytes = (rtl_wcslen(text) + 1) * sizeof(WCHAR);
    WCHAR *copy = mm_alloc(bytes + sizeof(WCHAR), PNP_TAG); /* doubly terminated: a list of one */
    if (copy)
        __builtin_memcpy(copy, text, bytes);
    return copy;
}

size_t pnp_multi_chars(const WCHAR *list)
{
    size_t at = 0;
    if (!list)
        return 0;
    while (list[at])
        at += rtl_wcslen(list + at) + 1;
    return at + 1;
}

bool pnp_same_text(const WCHAR *a, const WCHAR *b)
{
    while (*a && rtl_upcase(*a) == rtl_upcase(*b)) {
        a++;
        b++;
    }
    return *a == *b;
}

bool pnp_multi_has(const WCHAR *list, const WCHAR *text)
{
    for (; list && *list; list += rtl_wcslen(list) + 1)
        if (pnp_same_text(list, text))
            return true;
    return false;
}

/* ---- what drivers return ---- */

static bool is_list(BUS_QUERY_ID_TYPE type)
{
    return type == BusQueryHardwareIDs || type == BusQueryCompatibleIDs;
}

/* Parameter 4 of the bug check. */
static ULONG kind_of(BUS_QUERY_ID_TYPE type)
{
    switch (type) {
    case BusQueryDeviceID:
        return 1;
    case BusQueryHardwareIDs:
        return 3;
    case BusQueryCompatibleIDs:
        return 4;
    default:
        return 2;
    }
}

static _Noreturn void bad_id(PDEVICE_OBJECT pdo, BUS_QUERY_ID_TYPE type, const WCHAR *id)
{
    /* PH-22: nothing that is named like this can be kept in the registry. */
    pnp_fatal(
        3, pdo, (ULONG_PTR)id, kind_of(type),
        "a bus driver returned an identifier that has a character outside 0x20 to 0x7F or a comma, is longer "
        "than 199 characters, or is not terminated");
}

/* Characters that may be read from there: to the end of its pool block, or plenty. */
static size_t room_of(const WCHAR *id)
{
    void *block;
    size_t size;
    ULONG tag;
    if (!mm_pool_block_of(id, &block, &size, &tag))
        return 64 * 1024;
    return (size - (size_t)((const char *)id - (const char *)block)) / sizeof(WCHAR);
}

/* Of one identifier at `at`, its terminator not counted. */
static size_t check_one(PDEVICE_OBJECT pdo, BUS_QUERY_ID_TYPE type, const WCHAR *id, size_t at, size_t room)
{
    size_t length = 0;
    while (at + length < room && id[at + length]) {
        WCHAR c = id[at + length++];
        /* PH-22: which characters an identifier has. */
        if (c < 0x20 || c > 0x7F || c == ',')
            bad_id(pdo, type, id);
    }
    /* PH-22: shorter than MAX_DEVICE_ID_LEN, and terminated. */
    if (at + length >= room || length >= PNP_ID_CHARS)
        bad_id(pdo, type, id);
    return length;
}

/* Characters of all of it, with its terminators. */
static size_t check(PDEVICE_OBJECT pdo, BUS_QUERY_ID_TYPE type, const WCHAR *id)
{
    size_t room = room_of(id), at = 0, length;
    do {
        length = check_one(pdo, type, id, at, room);
        at += length + 1;
    } while (is_list(type) && length);
    return at;
}

/* The registry has no blanks in names of devices: as on Windows they become underscores. */
static void replace_blanks(WCHAR *id, size_t chars)
{
    for (size_t i = 0; i < chars; i++)
        if (id[i] == ' ')
            id[i] = '_';
}

WCHAR *pnp_take_id(PDEVICE_OBJECT pdo, BUS_QUERY_ID_TYPE type, ULONG_PTR information)
{
    WCHAR *id = (WCHAR *)information;
    if (!id)
        return NULL;
    size_t chars = check(pdo, type, id);
    WCHAR *copy = mm_alloc((chars + 1) * sizeof(WCHAR), PNP_TAG);
    if (copy) {
        __builtin_memcpy(copy, id, chars * sizeof(WCHAR));
        replace_blanks(copy, chars);
    }
    /* PNP-13a, PNP-13b, PNP-13c, PNP-13d: the driver allocated it, the PnP manager frees it. */
    mm_pool_free(id, 0, pnp_take_id);
    if (copy && !*copy) {
        mm_free(copy);
        return NULL;
    }
    return copy;
}

/* ---- the instance path ---- */

static uint32_t hash_of(const WCHAR *text)
{
    uint32_t hash = 2166136261u;
    for (; *text; text++)
        hash = (hash ^ (uint32_t)rtl_upcase(*text)) * 16777619u;
    return hash;
}

static unsigned depth_of(const struct pnp_node *node)
{
    unsigned depth = 0;
    for (; node->parent; node = node->parent)
        depth++;
    return depth;
}

static bool path_taken(const struct pnp_node *node, const WCHAR *path)
{
    list_for_each(it, &node->parent->children)
    {
        const struct pnp_node *other = container_of(it, struct pnp_node, sibling);
        if (other != node && other->instance_path && pnp_same_text(other->instance_path, path))
            return true;
    }
    return false;
}

static void join_path(const struct pnp_node *node, const char *prefix, const WCHAR *instance, WCHAR *path,
                      size_t room)
{
    WCHAR wide[40];
    rtl_wide_from_utf8(wide, countof(wide), prefix, __builtin_strlen(prefix));
    const WCHAR *const parts[] = {node->device_id, u"\\", wide, instance};
    pnp_join(path, room, parts, countof(parts));
    for (WCHAR *p = path; *p; p++)
        *p = rtl_upcase(*p);
}

/* A number that no other child of the parent has, for a device without an instance identifier. */
static void make_instance(struct pnp_node *node, const char *prefix, WCHAR *path, size_t room)
{
    WCHAR wide[8];
    char text[8];
    for (unsigned i = 0; i < 10000; i++) {
        int length = host_snprintf(text, sizeof(text), "%04u", i);
        rtl_wide_from_utf8(wide, countof(wide), text, (size_t)length);
        join_path(node, prefix, wide, path, room);
        if (!path_taken(node, path))
            break;
    }
    node->instance_id = pnp_copy_text(wide);
}

/* Rules: PNP-13d, PH-22, PH-20. */
NTSTATUS pnp_make_instance_path(struct pnp_node *node)
{
    WCHAR path[2 * PNP_ID_CHARS + 16];
    char prefix[40] = "";
    bool unique = node->capabilities.UniqueID || !node->parent->parent;
    size_t chars = rtl_wcslen(node->device_id) + (node->instance_id ? rtl_wcslen(node->instance_id) : 4);
    size_t limit = PNP_ID_CHARS - (unique ? 1 : PNP_ID_REGION);
    /* PH-22: both together, with room for the parent's part where that is needed. */
    if (chars >= limit)
        bad_id(node->pdo, BusQueryInstanceID, node->instance_id ? node->instance_id : node->device_id);
    if (!unique)
        /* PNP-13d: an identifier that is unique on its bus alone gets the bus's own in front. */
        host_snprintf(prefix, sizeof(prefix), "%u&%x&", depth_of(node), hash_of(node->parent->instance_path));
    if (node->instance_id)
        join_path(node, prefix, node->instance_id, path, countof(path));
    else
        /* PNP-13d: the PnP manager numbers them. */
        make_instance(node, prefix, path, countof(path));
    node->instance_path = pnp_copy_text(path);
    return node->instance_path && node->instance_id ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

/* Rules: PH-20. */
void pnp_check_duplicate(struct pnp_node *node)
{
    list_for_each(it, &node->parent->children)
    {
        const struct pnp_node *other = container_of(it, struct pnp_node, sibling);
        if (other == node || !other->present || !other->instance_path)
            continue;
        if (pnp_same_text(other->instance_path, node->instance_path))
            /* PH-20: two of its children would share one key. */
            pnp_fatal(1, node->pdo, (ULONG_PTR)other->pdo, 0,
                      "a bus driver listed two PDOs with the same device and instance identifiers");
    }
}
