/* SPDX-License-Identifier: MIT */
/*
 * What the object manager's own files share: the header before every body,
 * directory entries, and the namespace lock. Rank: the namespace lock is taken
 * before nothing else; neither it nor a table's lock is held when a type's
 * callback, the pool or the dispatcher is called.
 */
#ifndef OB_OBJECT_H
#define OB_OBJECT_H

#include <string.h>
#include "base/lock.h"
#include "ob/ob.h"

#define OB_TAG_OBJECT  0x6a624f52 /* 'RObj' */
#define OB_TAG_NAME    0x6d4e624f /* 'ObNm' */
#define OB_TAG_HANDLE  0x6c64484f /* 'OHdl' */
#define OB_TAG_CAPTURE 0x7061434f /* 'OCap' */

enum ob_flags {
    OB_PERMANENT = 1, /* holds one reference */
    OB_EXCLUSIVE = 2, /* exclusive_table is the only one that may have handles */
    OB_DEFER_DELETE = 4,
};

struct ob_directory;

/* A name in a directory; guarded by ob_namespace_lock. */
struct ob_name {
    LIST_ENTRY link;
    struct ob_directory *parent; /* NULL: the root's own name. Referenced */
    struct ob_header *object;
    UNICODE_STRING text; /* one component; storage follows */
};

struct ob_header {
    LONG pointer_count; /* atomic */
    LONG handle_count;  /* atomic */
    struct ob_type *type;
    ULONG flags; /* enum ob_flags; atomic */
    ULONG reserved;
    struct ob_name *name; /* ob_namespace_lock */
    struct ob_handle_table *exclusive_table;
    struct ob_header *next_dead;
    PSECURITY_DESCRIPTOR security; /* self-relative, in pool; ob_security_lock */
    void *reserved2;
    char body[] __attribute__((aligned(16)));
};
_Static_assert(offsetof(struct ob_header, body) % 16 == 0, "bodies are 16-byte aligned");

struct ob_type {
    /* As on NT, first: a list of the type's objects, empty outside of checked builds, so it points to the
     * type itself. Drivers depend on it unknowingly: headers that import IoFileObjectType as data of another
     * module make
     * `*IoFileObjectType` read one level too deep, which gives the type again. */
    LIST_ENTRY type_list;
    struct ob_type_ops ops;
    ULONG index; /* 2.. as on NT, where 0 and 1 are reserved */
    LONG objects, handles, peak_objects, peak_handles;
    UNICODE_STRING name;
    WCHAR name_text[32];
};

#define OB_BUCKETS 37
struct ob_directory {
    LIST_ENTRY buckets[OB_BUCKETS];
};

struct ob_symbolic_link {
    LARGE_INTEGER create_time;
    UNICODE_STRING target; /* storage in pool */
};

static inline struct ob_header *ob_header_of(const void *body)
{
    return container_of((char *)body, struct ob_header, body);
}

extern rl_lock ob_namespace_lock;
extern struct ob_directory *ob_root;
extern struct ob_type *ob_type_type;

NTSTATUS ob_type_init(void);
NTSTATUS ob_type_name_it(struct ob_type *type); /* \ObjectTypes\Name */

/* directory.c: the lock is held by the caller of the first three. */
struct ob_name *ob_directory_find(struct ob_directory *directory, const UNICODE_STRING *component,
                                  bool nocase);
void ob_directory_link(struct ob_directory *directory, struct ob_name *name, struct ob_header *object);
struct ob_name *
ob_directory_unlink(struct ob_header *object); /* free it with ob_name_free after the lock is released */
struct ob_name *ob_name_create(const UNICODE_STRING *component);
void ob_name_free(struct ob_name *name);
NTSTATUS ob_directory_init(void); /* the type and the root */
NTSTATUS ob_symbolic_link_init(void);
NTSTATUS ob_event_init(void);
NTSTATUS ob_make_directory(const WCHAR *path);
NTSTATUS ob_make_link(const WCHAR *path, const WCHAR *target);
/* lookup.c: `component` of a path; advances past it and its leading backslash. False: malformed. */
bool ob_next_component(UNICODE_STRING *rest, UNICODE_STRING *component);
bool ob_type_ignores_case(const struct ob_type *type, ULONG attributes);
/* Does the namespace hold it, or somebody's handle? Removes the name of a temporary object without handles.
 */
void ob_check_temporary(struct ob_header *header);

LONG ob_dereference_count(void *body); /* the count after */
struct ob_directory *ob_directory_create(void);
void ob_objects_fini(void);

/* handle_table.c */
LONG ob_table_handles_of(struct ob_handle_table *table, const struct ob_header *header);

#endif
