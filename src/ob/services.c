/* SPDX-License-Identifier: MIT */
/*
 * The two shapes of most services: open a named object, create one. Access is
 * checked against the object's descriptor unless the caller is the kernel (and
 * did not ask for the check with OBJ_FORCE_ACCESS_CHECK).
 */
#include "ob/object.h"
#include "ob/security.h"
#include "ob/services.h"

NTSTATUS ob_open_captured(const struct ob_captured *captured, struct ob_open_request *request, void **body)
{
    void *root = NULL;
    request->full_name = &captured->name;
    request->attributes = captured->attributes;
    request->security_qos = captured->security_qos;
    if (captured->root) {
        NTSTATUS status = ob_reference_by_handle(captured->root, 0, NULL, request->mode, &root, NULL);
        if (!NT_SUCCESS(status))
            return status;
    }
    NTSTATUS status = ob_walk(root, &captured->name, request, body);
    if (root)
        ob_dereference(root);
    return status;
}

NTSTATUS ob_open_by_name(const OBJECT_ATTRIBUTES *attributes, struct ob_open_request *request, void **body)
{
    struct ob_captured captured;
    NTSTATUS status = ob_capture_attributes(attributes, request->mode, &captured);
    if (NT_SUCCESS(status))
        status = ob_open_captured(&captured, request, body);
    ob_release_captured(&captured);
    return status;
}

/* A handle to an object, after the access check; written to the caller, or closed again if that faults. */
NTSTATUS ob_give_handle(void *body, HANDLE *to, ACCESS_MASK desired, struct ob_open_request *request,
                        KPROCESSOR_MODE mode)
{
    ACCESS_MASK granted;
    HANDLE handle;
    KPROCESSOR_MODE check = (request->attributes & OBJ_FORCE_ACCESS_CHECK) ? UserMode : mode;
    NTSTATUS status = ob_check_access(body, desired, check, &granted);
    if (NT_SUCCESS(status))
        status = ob_handle_create(body, granted, request->attributes, request, &handle);
    if (!NT_SUCCESS(status))
        return status;
    status = ob_copy_out(to, &handle, sizeof(handle), mode);
    if (!NT_SUCCESS(status))
        ob_handle_close(handle, mode);
    return status;
}

static NTSTATUS open_captured_handle(const struct ob_captured *captured, HANDLE *handle, ACCESS_MASK desired,
                                     struct ob_type *type, KPROCESSOR_MODE mode)
{
    void *body;
    struct ob_open_request request = {.desired_access = desired, .mode = mode, .wanted = type};
    NTSTATUS status = ob_open_captured(captured, &request, &body);
    if (!NT_SUCCESS(status))
        return status;
    status = ob_give_handle(body, handle, desired, &request, mode);
    ob_dereference(body);
    return status;
}

NTSTATUS ob_open_service(HANDLE *handle, ACCESS_MASK desired, const OBJECT_ATTRIBUTES *attributes,
                         struct ob_type *type)
{
    struct ob_captured captured;
    KPROCESSOR_MODE mode = ke_previous_mode();
    if (!attributes)
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = ob_capture_attributes(attributes, mode, &captured);
    if (NT_SUCCESS(status) && !captured.has_name && !captured.root)
        status = STATUS_OBJECT_PATH_SYNTAX_BAD;
    if (NT_SUCCESS(status))
        status = open_captured_handle(&captured, handle, desired, type, mode);
    ob_release_captured(&captured);
    return status;
}

/* ---- creating ---- */

static NTSTATUS apply_descriptor(void *body, const struct ob_captured *captured, KPROCESSOR_MODE mode)
{
    PSECURITY_DESCRIPTOR descriptor;
    if (!captured->security_descriptor || !ob_security_ops.capture)
        return STATUS_SUCCESS;
    NTSTATUS status = ob_security_ops.capture(captured->security_descriptor, mode, &descriptor);
    if (NT_SUCCESS(status))
        ob_set_descriptor(body, descriptor);
    return status;
}

static NTSTATUS insert_captured(void *body, const struct ob_captured *captured, KPROCESSOR_MODE mode)
{
    void *root = NULL;
    if (captured->root) {
        NTSTATUS status = ob_reference_by_handle(captured->root, DIRECTORY_CREATE_OBJECT, ob_directory_type,
                                                 mode, &root, NULL);
        if (!NT_SUCCESS(status))
            return status;
    }
    NTSTATUS status = ob_insert(body, &captured->name, root, captured->attributes);
    if (root)
        ob_dereference(root);
    return status;
}

static NTSTATUS create_named(void *body, const struct ob_captured *captured, HANDLE *handle,
                             ACCESS_MASK desired, KPROCESSOR_MODE mode)
{
    struct ob_open_request request = {
        .desired_access = desired, .mode = mode, .attributes = captured->attributes};
    NTSTATUS status = apply_descriptor(body, captured, mode);
    if (NT_SUCCESS(status) && captured->name.Length)
        status = insert_captured(body, captured, mode);
    if (status == STATUS_OBJECT_NAME_COLLISION && (captured->attributes & OBJ_OPENIF)) {
        status = open_captured_handle(captured, handle, desired, ob_type_of(body), mode);
        return NT_SUCCESS(status) ? STATUS_OBJECT_NAME_EXISTS : status;
    }
    if (!NT_SUCCESS(status))
        return status;
    if (captured->attributes & OBJ_EXCLUSIVE)
        ob_header_of(body)->flags |= OB_EXCLUSIVE;
    /* The creator has the access it asks for. */
    request.attributes &= ~(ULONG)OBJ_FORCE_ACCESS_CHECK;
    ACCESS_MASK granted;
    HANDLE value;
    ob_check_access(body, desired, KernelMode, &granted);
    status = ob_handle_create(body, granted, request.attributes, &request, &value);
    if (!NT_SUCCESS(status)) {
        ob_make_temporary(body);
        return status;
    }
    status = ob_copy_out(handle, &value, sizeof(value), mode);
    if (!NT_SUCCESS(status)) {
        ob_make_temporary(body);
        ob_handle_close(value, mode);
    }
    return status;
}

NTSTATUS ob_create_service(void *body, HANDLE *handle, ACCESS_MASK desired,
                           const OBJECT_ATTRIBUTES *attributes)
{
    struct ob_captured captured;
    KPROCESSOR_MODE mode = ke_previous_mode();
    NTSTATUS status = ob_capture_attributes(attributes, mode, &captured);
    if (NT_SUCCESS(status))
        status = create_named(body, &captured, handle, desired, mode);
    ob_release_captured(&captured);
    ob_dereference(body);
    return status;
}
