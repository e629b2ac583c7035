/* SPDX-License-Identifier: MIT */
/*
 * What system services share: capturing a user's parameters, and the two
 * shapes that most of them have, opening and creating a named object. Used by
 * every component that has Nt and Zw services.
 */
#ifndef OB_SERVICES_H
#define OB_SERVICES_H

#include <string.h>
#include "ob/ob.h"
#include "ob/routines.h"

/*
 * The Zw form of a service: the Nt form with the previous mode KernelMode.
 *     return ZW_CALL(NtClose(Handle));
 */
#define ZW_CALL(call)                                                                                        \
    ({                                                                                                       \
        KPROCESSOR_MODE before_ = ke_thread()->previous_mode;                                                \
        ke_thread()->previous_mode = KernelMode;                                                             \
        NTSTATUS status_ = (call);                                                                           \
        ke_thread()->previous_mode = before_;                                                                \
        status_;                                                                                             \
    })

/* Copies between the caller's memory and ours. UserMode: the range is checked and a fault is a status. */
NTSTATUS ob_copy_in(void *to, const void *from, size_t length, KPROCESSOR_MODE mode);
NTSTATUS ob_copy_out(void *to, const void *from, size_t length, KPROCESSOR_MODE mode);

/* OBJECT_ATTRIBUTES as the service uses them. For a kernel caller the name is the caller's. */
struct ob_captured {
    HANDLE root;
    ULONG attributes;
    UNICODE_STRING name; /* Buffer NULL: none */
    bool has_name;
    PVOID security_descriptor, security_qos; /* not captured */
    WCHAR *storage;                          /* owned; freed by ob_release_captured */
};
NTSTATUS ob_capture_attributes(const OBJECT_ATTRIBUTES *attributes, KPROCESSOR_MODE mode,
                               struct ob_captured *captured);
NTSTATUS ob_capture_string(const UNICODE_STRING *string, KPROCESSOR_MODE mode,
                           UNICODE_STRING *captured); /* free Buffer with mm_free */
void ob_release_captured(struct ob_captured *captured);

/* Name (and root handle) to a referenced object. */
NTSTATUS ob_open_captured(const struct ob_captured *captured, struct ob_open_request *request, void **body);

/* A handle to an object after the access check, written to the caller (or closed again if that faults). */
NTSTATUS ob_give_handle(void *body, HANDLE *to, ACCESS_MASK desired, struct ob_open_request *request,
                        KPROCESSOR_MODE mode);

/* Opens a named object of a type and writes a handle to the caller. */
NTSTATUS ob_open_service(HANDLE *handle, ACCESS_MASK desired, const OBJECT_ATTRIBUTES *attributes,
                         struct ob_type *type);
/*
 * Gives a new object its name and a handle. Consumes the body's reference. A name that exists: with
 * OBJ_OPENIF the existing object gets the handle and the status is STATUS_OBJECT_NAME_EXISTS, else
 * STATUS_OBJECT_NAME_COLLISION.
 */
NTSTATUS ob_create_service(void *body, HANDLE *handle, ACCESS_MASK desired,
                           const OBJECT_ATTRIBUTES *attributes);

#endif
