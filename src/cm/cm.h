/* SPDX-License-Identifier: MIT */
/* The registry in memory: keys are Ob objects under \Registry; one lock. */
#ifndef CM_H
#define CM_H

#include "ob/ob.h"

NTSTATUS
cm_init(void); /* makes \Registry\Machine\{System\CurrentControlSet\{Services,Control,Enum},Hardware,Software}
                  and \Registry\User */
void cm_fini(void);
/* Conveniences for the runtime; path absolute ("\\Registry\\Machine\\..."); missing keys are created by the
 * setters. */
NTSTATUS cm_set_value(const WCHAR *path, const WCHAR *name, ULONG type, const void *data, ULONG length);
NTSTATUS cm_query_value(const WCHAR *path, const WCHAR *name, ULONG *type, void *data,
                        ULONG *length /* in: room, out: size */);
NTSTATUS cm_create_key(const WCHAR *path);
NTSTATUS cm_delete_value(const WCHAR *path, const WCHAR *name);
NTSTATUS cm_delete_tree(const WCHAR *path);
bool cm_key_exists(const WCHAR *path);
#define CM_NAME_CHARS 257 /* of a key's name, with its terminator */
/* The index-th key below, in the order of names. STATUS_NO_MORE_ENTRIES. */
NTSTATUS cm_subkey_name(const WCHAR *path, ULONG index, WCHAR *name, size_t room_chars);
/* Which control set CurrentControlSet leads to: 1 to 999. */
NTSTATUS cm_select_control_set(ULONG number);
/* What a key has, but for volatile keys and links, in one block of pool that the caller frees. */
struct cm_listed_value {
    const WCHAR *name;
    ULONG type, length;
    const void *data;
};
struct cm_listing {
    ULONG children, values;
    const WCHAR **child;
    struct cm_listed_value *value;
};
NTSTATUS cm_list_key(const WCHAR *path, struct cm_listing **listing);
/* .reg text (REGEDIT4 / Windows Registry Editor 5.00, UTF-8 or UTF-16LE). line: the first bad line. */
NTSTATUS cm_load_reg_text(const void *bytes, size_t length, unsigned *line, char *message,
                          size_t message_size);

#endif
