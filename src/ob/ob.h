/* SPDX-License-Identifier: MIT */
/*
 * The object manager: typed, named, reference-counted objects, handle tables
 * and symbolic links. An object's body (what pointers point to) follows its
 * header. References are atomic; the namespace and each handle table have a
 * lock. A type's callbacks are called with no lock held.
 */
#ifndef OB_H
#define OB_H

#include "mm/mm.h"

struct ob_type;

/* Parse: a name continues behind this object ("\Device\X\file"): device objects open a file here.
 * rest: what follows, with its leading backslash, or empty. Returns the opened object referenced. */
struct ob_open_request {
    ACCESS_MASK desired_access;
    ULONG attributes; /* OBJ_... */
    KPROCESSOR_MODE mode;
    struct ob_type *wanted; /* NULL: any */
    void *context;          /* parse context: io's create parameters */
    const UNICODE_STRING *full_name;
    PVOID security_qos;
    PACCESS_STATE access_state;
    void *source_process, *target_process; /* of a duplication */
    UNICODE_STRING
    reparse; /* parse that returns STATUS_REPARSE puts the new absolute name here (mm_alloc; consumed) */
};

struct ob_type_ops {
    const char *name; /* "Device", "Driver", "File", "Event" ... */
    ULONG pool_tag;
    GENERIC_MAPPING mapping;
    ACCESS_MASK valid_access;
    bool case_sensitive;    /* names of this type compare exactly unless OBJ_CASE_INSENSITIVE is given */
    bool watchable;         /* ObRegisterCallbacks may hear of its handles */
    LONG dispatcher_offset; /* where the waitable DISPATCHER_HEADER is in the body; -1: not waitable (waits on
                               an event inside: give its offset) */
    void (*close)(void *body, LONG handles_before,
                  LONG process_handles_before); /* a handle is closed; 1 = the last */
    void (*delete_)(
        void *body); /* last reference gone, PASSIVE_LEVEL; the storage is freed after it returns */
    NTSTATUS (*parse)(void *body, const UNICODE_STRING *rest, struct ob_open_request *request, void **opened);
    NTSTATUS(*security)
    (void *body, int operation, SECURITY_INFORMATION *information, void *descriptor, ULONG *length);
    NTSTATUS(*open)
    (void *body, ACCESS_MASK granted, struct ob_open_request *request); /* may refuse a handle */
    ULONG(*query_name)
    (void *body, WCHAR *buffer,
     ULONG size); /* as ob_query_name, for names that a parse routine made (files, keys) */
};

enum ob_security_operation { OB_SECURITY_SET, OB_SECURITY_QUERY, OB_SECURITY_DELETE, OB_SECURITY_ASSIGN };

NTSTATUS ob_init(void);
void ob_fini(void);
struct ob_type *
ob_type_create(const struct ob_type_ops *ops); /* also makes \ObjectTypes\Name; never deleted */
extern struct ob_type *ob_directory_type, *ob_symbolic_link_type, *ob_event_type; /* ob's own */

/* Creation: body zeroed, one reference, no name. size is the body's. NULL when out of memory. */
void *ob_create(struct ob_type *type, size_t body_size);
/* Inserts under an absolute name (or relative to root, a directory body). OBJ_PERMANENT keeps it without
 * handles. STATUS_OBJECT_NAME_COLLISION / _PATH_NOT_FOUND / _NAME_INVALID. The namespace does not hold a
 * reference: an object that is not permanent leaves it when its handle count falls to zero (or by
 * ob_make_temporary). */
NTSTATUS ob_insert(void *body, const UNICODE_STRING *name, void *root, ULONG attributes);
void ob_make_temporary(void *body);
void ob_remove_name(void *body);

void ob_reference(void *body); /* = ObfReferenceObject */
void ob_dereference(
    void *body); /* = ObfDereferenceObject; the last one above PASSIVE_LEVEL is deferred to a worker */
void ob_dereference_deferred(void *body); /* the last one is always left to a worker */
bool ob_reference_if_live(void *body);    /* false when the count is already zero */
LONG ob_pointer_count(const void *body);
LONG ob_handle_count(const void *body);
struct ob_type *ob_type_of(const void *body);
void *ob_type_object(struct ob_type *type); /* what ObGetObjectType returns and IoFileObjectType points to */

/* Looks a name up, follows symbolic links, calls parse. *body is referenced. */
NTSTATUS ob_open_by_name(const OBJECT_ATTRIBUTES *attributes, struct ob_open_request *request, void **body);
NTSTATUS ob_walk(void *root, const UNICODE_STRING *name, struct ob_open_request *request, void **body);
/* Full name into a buffer of `size` bytes; returns Length in bytes needed. */
ULONG ob_query_name(const void *body, WCHAR *buffer, ULONG size);

/* Handles. Kernel handles have the high bits set, as on NT, and live in the system process's table. */
struct ob_handle_table;
struct ob_handle_table *ob_handle_table_create(void);
void ob_handle_table_close_all(
    struct ob_handle_table *table); /* CLEANUP and CLOSE of every handle, in order of value */
void ob_handle_table_destroy(struct ob_handle_table *table);
NTSTATUS ob_handle_create(void *body, ACCESS_MASK granted, ULONG attributes, struct ob_open_request *request,
                          HANDLE *handle);
/* *granted may be NULL. Body referenced. STATUS_INVALID_HANDLE, _OBJECT_TYPE_MISMATCH, _ACCESS_DENIED
 * (UserMode only). */
NTSTATUS ob_reference_by_handle(HANDLE handle, ACCESS_MASK desired, struct ob_type *type,
                                KPROCESSOR_MODE mode, void **body, ACCESS_MASK *granted);
NTSTATUS ob_handle_close(HANDLE handle, KPROCESSOR_MODE mode);

/* What the layers above register. */
extern struct ob_handle_table *(*ob_current_table)(
    void); /* ps: of the current process; NULL before: the system's */
extern void *(*ob_pseudo_handle)(
    HANDLE handle); /* ps: body for NtCurrentProcess (-1), NtCurrentThread (-2) */
extern void (*ob_defer)(void (*run)(void *context),
                        void *context); /* ex: run on a worker at PASSIVE_LEVEL; any IRQL */
/* se: the access check of an object's descriptor for the current subject. NULL before: everything is granted.
 */
extern NTSTATUS (*ob_access_check)(PSECURITY_DESCRIPTOR descriptor, ACCESS_MASK desired,
                                   const GENERIC_MAPPING *mapping, KPROCESSOR_MODE mode,
                                   ACCESS_MASK *granted);
struct ob_handle_table *ob_kernel_table(void);

/* Maps and checks access to an object for the caller. KernelMode is always granted. */
NTSTATUS ob_check_access(void *body, ACCESS_MASK desired, KPROCESSOR_MODE mode, ACCESS_MASK *granted);

#endif
