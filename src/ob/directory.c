/* SPDX-License-Identifier: MIT */
/*
 * Directories: hash buckets of names. The namespace lock guards every bucket
 * and every header's name; names are allocated and freed outside it. A name
 * does not reference its object (a permanent object references itself), but it
 * does reference its directory.
 */
#include "ob/object.h"
#include "rtl/rtl.h"

rl_lock ob_namespace_lock;
struct ob_directory *ob_root;
struct ob_type *ob_directory_type;

static const struct ob_type_ops directory_ops = {
    .name = "Directory",
    .pool_tag = 0x65726944, /* 'Dire' */
    .valid_access = DIRECTORY_ALL_ACCESS,
    .mapping = {STANDARD_RIGHTS_READ | DIRECTORY_QUERY | DIRECTORY_TRAVERSE,
                STANDARD_RIGHTS_WRITE | DIRECTORY_CREATE_OBJECT | DIRECTORY_CREATE_SUBDIRECTORY,
                STANDARD_RIGHTS_EXECUTE | DIRECTORY_QUERY | DIRECTORY_TRAVERSE, DIRECTORY_ALL_ACCESS},
    .dispatcher_offset = -1,
};

static unsigned bucket_of(const UNICODE_STRING *component)
{
    unsigned hash = 5381;
    for (unsigned i = 0; i < component->Length / sizeof(WCHAR); i++)
        hash = hash * 33 + rtl_upcase(component->Buffer[i]);
    return hash % OB_BUCKETS;
}

static bool same_name(const UNICODE_STRING *a, const UNICODE_STRING *b, bool nocase)
{
    if (nocase)
        return rtl_equal_nocase(a, b);
    return a->Length == b->Length && memcmp(a->Buffer, b->Buffer, a->Length) == 0;
}

struct ob_name *ob_directory_find(struct ob_directory *directory, const UNICODE_STRING *component,
                                  bool nocase)
{
    list_for_each(link, &directory->buckets[bucket_of(component)])
    {
        struct ob_name *name = container_of(link, struct ob_name, link);
        if (same_name(&name->text, component, nocase))
            return name;
    }
    return NULL;
}

struct ob_name *ob_name_create(const UNICODE_STRING *component)
{
    struct ob_name *name = mm_alloc(sizeof(*name) + component->Length + sizeof(WCHAR), OB_TAG_NAME);
    if (!name)
        return NULL;
    name->text = (UNICODE_STRING){component->Length, component->Length + sizeof(WCHAR), (WCHAR *)(name + 1)};
    memcpy(name->text.Buffer, component->Buffer, component->Length);
    return name;
}

void ob_name_free(struct ob_name *name)
{
    if (!name)
        return;
    if (name->parent)
        ob_dereference(name->parent);
    mm_free(name);
}

void ob_directory_link(struct ob_directory *directory, struct ob_name *name, struct ob_header *object)
{
    ob_reference(directory);
    name->parent = directory;
    name->object = object;
    object->name = name;
    list_insert_tail(&directory->buckets[bucket_of(&name->text)], &name->link);
}

struct ob_name *ob_directory_unlink(struct ob_header *object)
{
    struct ob_name *name = object->name;
    if (!name || !name->parent)
        return NULL;
    object->name = NULL;
    list_remove(&name->link);
    return name;
}

void ob_remove_name(void *body)
{
    struct ob_header *header = ob_header_of(body);
    if (!__atomic_load_n(&header->name, __ATOMIC_RELAXED))
        return;
    rl_lock_acquire(&ob_namespace_lock);
    struct ob_name *name = ob_directory_unlink(header);
    rl_lock_release(&ob_namespace_lock);
    ob_name_free(name);
}

void ob_check_temporary(struct ob_header *header)
{
    if (!__atomic_load_n(&header->name, __ATOMIC_RELAXED))
        return;
    struct ob_name *name = NULL;
    rl_lock_acquire(&ob_namespace_lock);
    if (!(header->flags & OB_PERMANENT) && __atomic_load_n(&header->handle_count, __ATOMIC_SEQ_CST) == 0)
        name = ob_directory_unlink(header);
    rl_lock_release(&ob_namespace_lock);
    ob_name_free(name);
}

void ob_make_temporary(void *body)
{
    struct ob_header *header = ob_header_of(body);
    ULONG flags = __atomic_fetch_and(&header->flags, ~(ULONG)OB_PERMANENT, __ATOMIC_SEQ_CST);
    ob_check_temporary(header);
    if (flags & OB_PERMANENT)
        ob_dereference(body);
}

struct ob_directory *ob_directory_create(void)
{
    struct ob_directory *directory = ob_create(ob_directory_type, sizeof(*directory));
    for (unsigned i = 0; directory && i < OB_BUCKETS; i++)
        list_init(&directory->buckets[i]);
    return directory;
}

NTSTATUS ob_directory_init(void)
{
    static const UNICODE_STRING backslash = {2, 2, (WCHAR *)u"\\"};
    ob_directory_type = ob_type_create(&directory_ops);
    struct ob_directory *root = ob_directory_type ? ob_directory_create() : NULL;
    struct ob_name *name = root ? ob_name_create(&backslash) : NULL;
    if (!name)
        return STATUS_INSUFFICIENT_RESOURCES;
    name->object = ob_header_of(root);
    ob_header_of(root)->name = name;
    ob_header_of(root)->flags = OB_PERMANENT; /* keeps the creator's reference */
    ob_root = root;
    return STATUS_SUCCESS;
}
