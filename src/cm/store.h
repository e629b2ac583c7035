/* SPDX-License-Identifier: MIT */
/*
 * The registry's storage: a tree of keys with values, under one lock. Key
 * objects (what handles are for) each refer to one key; a deleted key leaves
 * the tree at once and lives on, empty, until its last object goes.
 */
#ifndef CM_STORE_H
#define CM_STORE_H

#include <string.h>
#include "base/lock.h"
#include "cm/cm.h"
#include "nt/cm.h"
#include "ob/services.h"
#include "cm/routines.h"

#define CM_TAG            0x31334d43 /* 'CM31' */
#define CM_MAX_KEY_NAME   512        /* bytes */
#define CM_MAX_VALUE_NAME 32766      /* bytes */

struct cm_value {
    LIST_ENTRY link;
    ULONG type, length;
    void *data;          /* owned; NULL when length is 0 */
    UNICODE_STRING name; /* storage follows */
};

struct cm_key {
    LIST_ENTRY link; /* in the parent's children, sorted by name */
    struct cm_key *parent;
    LIST_ENTRY children, values;
    ULONG child_count, value_count;
    LONG references; /* by objects, and one by the tree */
    bool deleted, is_volatile, is_link;
    LARGE_INTEGER last_write;
    UNICODE_STRING class_name; /* Buffer owned */
    UNICODE_STRING name;       /* storage follows */
};

/* What a Key handle stands for. */
struct cm_key_object {
    struct cm_key *key;
    UNICODE_STRING *name; /* what CmCallbackGetKeyObjectID gave out, or NULL */
};

extern rl_lock cm_lock; /* guards the whole tree; pool may be called under it, nothing else */
extern struct cm_key *cm_root;
extern struct ob_type *cm_key_type;

/* All of these: the lock is held. */
struct cm_key *cm_find_child(const struct cm_key *key, const UNICODE_STRING *name);
struct cm_key *cm_child_at(const struct cm_key *key, ULONG index);
struct cm_value *cm_find_value(const struct cm_key *key, const UNICODE_STRING *name);
struct cm_value *cm_value_at(const struct cm_key *key, ULONG index);
NTSTATUS cm_add_child(struct cm_key *parent, const UNICODE_STRING *name, bool is_volatile,
                      struct cm_key **child);
NTSTATUS cm_put_value(struct cm_key *key, const UNICODE_STRING *name, ULONG type, const void *data,
                      ULONG length);
void cm_remove_value(struct cm_key *key, struct cm_value *value);
NTSTATUS cm_remove_key(struct cm_key *key); /* STATUS_CANNOT_DELETE with children */
void cm_remove_tree(struct cm_key *key);
void cm_key_release(struct cm_key *key);
ULONG cm_full_name(const struct cm_key *key, WCHAR *buffer, ULONG size); /* bytes needed */
void cm_touch(struct cm_key *key);                                       /* it was written to now */

/* path.c: lock held. `path` continues below `from`; links on the way are followed, the last one unless
 * as_link. */
struct cm_walk {
    bool as_link;
    bool create; /* the last component, and only it; create_all: every missing one */
    bool create_all;
    bool is_volatile;
    bool created; /* out */
};
NTSTATUS cm_walk_path(struct cm_key *from, const UNICODE_STRING *path, struct cm_walk *walk,
                      struct cm_key **key);

/* init.c: by absolute path; takes the lock on success. */
NTSTATUS cm_lock_path(const WCHAR *path, struct cm_walk *walk, struct cm_key **key);

/* key_object.c */
NTSTATUS cm_key_type_init(void);
struct cm_create { /* parse context of NtCreateKey */
    ULONG options;
    UNICODE_STRING class_name;
    ULONG disposition; /* out */
};
/* A key handle to a referenced object; the key in it may be deleted: see cm_lock_key. */
NTSTATUS cm_reference_key(HANDLE handle, ACCESS_MASK access, KPROCESSOR_MODE mode,
                          struct cm_key_object **object);
/* Takes the lock; STATUS_KEY_DELETED (lock not taken) when the key is gone. */
NTSTATUS cm_lock_key(struct cm_key_object *object, struct cm_key **key);

#endif
