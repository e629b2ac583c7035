/* SPDX-License-Identifier: MIT */
/* Handle table entries, as the object manager's files see them. */
#ifndef OB_HANDLES_H
#define OB_HANDLES_H

#include "ob/object.h"

#define OB_ENTRY_LOCKED 1ull
/* A kernel handle: the value in the system process's table with these bits set. */
#define OB_KERNEL_HANDLE_BITS 0xFFFFFFFF80000000ull
#define OBJ_PROTECT_CLOSE     0x00000001

NTSTATUS ob_handles_init(void);
void ob_handles_fini(void);
NTSTATUS ob_table_close(struct ob_handle_table *table, HANDLE handle, KPROCESSOR_MODE mode,
                        bool even_protected);

struct ob_handle_entry {
    uintptr_t object;    /* struct ob_header *, bit 0: locked; 0: free */
    ACCESS_MASK granted; /* entry locked; when free: the next free index, under the table's lock */
    ULONG attributes;    /* OBJ_PROTECT_CLOSE | OBJ_INHERIT */
};

struct ob_handle_entry *ob_table_entry(struct ob_handle_table *table,
                                       HANDLE handle);                         /* NULL: no such index */
struct ob_header *ob_entry_lock(struct ob_handle_entry *entry);                /* NULL: free */
void ob_entry_unlock(struct ob_handle_entry *entry, struct ob_header *object); /* NULL empties it */
HANDLE ob_table_insert(struct ob_handle_table *table, struct ob_header *object, ACCESS_MASK granted,
                       ULONG attributes); /* NULL: full */
void ob_table_free_entry(struct ob_handle_table *table, HANDLE handle);
HANDLE ob_table_next(struct ob_handle_table *table, HANDLE after); /* in order of value; NULL: no more */
ULONG ob_table_count(const struct ob_handle_table *table);

/* As ob_reference_by_handle, with the handle's attributes too. */
NTSTATUS ob_reference_handle(HANDLE handle, ACCESS_MASK desired, struct ob_type *type, KPROCESSOR_MODE mode,
                             void **body, OBJECT_HANDLE_INFORMATION *information);
/* The same in a table of the caller's choice (ZwDuplicateObject); handles without the kernel bits. */
NTSTATUS ob_table_reference(struct ob_handle_table *table, HANDLE handle, ACCESS_MASK desired,
                            struct ob_type *type, KPROCESSOR_MODE mode, void **body,
                            OBJECT_HANDLE_INFORMATION *information);
NTSTATUS ob_table_create_handle(struct ob_handle_table *table, void *body, ACCESS_MASK granted,
                                ULONG attributes, struct ob_open_request *request, HANDLE *handle);
NTSTATUS ob_handle_set_attributes(HANDLE handle, ULONG attributes, KPROCESSOR_MODE mode);

/* Which table a handle lives in for this caller; NULL: it may not use it. */
struct ob_handle_table *ob_table_for(HANDLE handle, KPROCESSOR_MODE mode);
static inline bool ob_is_kernel_handle_value(HANDLE handle)
{
    return (LONG64)handle < 0 && (LONG64)handle != -1 && (LONG64)handle != -2;
}

#endif
