/* SPDX-License-Identifier: MIT */
/*
 * The references and lookups that drivers import. An OBJECT_TYPE pointer is a
 * pointer to our struct ob_type.
 */
#include "ob/handles.h"
#include "ob/security.h"
#include "ob/services.h"

/* IRQL: <= DISPATCH_LEVEL. Returns the new count. Rules: 0x18 when the object is already gone. */
EXPORT(ntoskrnl, ObfReferenceObject, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
LONG_PTR NTAPI ObfReferenceObject(PVOID Object)
{
    ob_reference(Object);
    return ob_pointer_count(Object);
}

EXPORT(ntoskrnl, ObfReferenceObjectWithTag, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
LONG_PTR NTAPI ObfReferenceObjectWithTag(PVOID Object, ULONG Tag)
{
    return ObfReferenceObject(Object);
}

/* IRQL: <= DISPATCH_LEVEL; the object is deleted at PASSIVE_LEVEL, later if need be. Returns the new count.
 */
EXPORT(ntoskrnl, ObfDereferenceObject, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
LONG_PTR NTAPI ObfDereferenceObject(PVOID Object)
{
    return ob_dereference_count(Object);
}

EXPORT(ntoskrnl, ObDereferenceObject, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
LONG_PTR NTAPI ObDereferenceObject(PVOID Object)
{
    return ob_dereference_count(Object);
}

EXPORT(ntoskrnl, ObfDereferenceObjectWithTag, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
LONG_PTR NTAPI ObfDereferenceObjectWithTag(PVOID Object, ULONG Tag)
{
    return ob_dereference_count(Object);
}

/* Never deletes the object in the caller's context: for callers that hold locks which deletion would take. */
EXPORT(ntoskrnl, ObDereferenceObjectDeferDelete, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI ObDereferenceObjectDeferDelete(PVOID Object)
{
    ob_dereference_deferred(Object);
}

EXPORT(ntoskrnl, ObDereferenceObjectDeferDeleteWithTag, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI ObDereferenceObjectDeferDeleteWithTag(PVOID Object, ULONG Tag)
{
    ob_dereference_deferred(Object);
}

/* FALSE when the object is already being deleted. */
EXPORT(ntoskrnl, ObReferenceObjectSafe, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
BOOLEAN NTAPI ObReferenceObjectSafe(PVOID Object)
{
    return ob_reference_if_live(Object);
}

/*
 * The type is compared for a user-mode caller only; a symbolic link type is refused from everybody, as
 * documented. IRQL: <= DISPATCH_LEVEL.
 */
EXPORT(ntoskrnl, ObReferenceObjectByPointer, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
NTSTATUS NTAPI ObReferenceObjectByPointer(PVOID Object, ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType,
                                          KPROCESSOR_MODE AccessMode)
{
    struct ob_type *wanted = (struct ob_type *)ObjectType;
    if (wanted != ob_type_of(Object) && (AccessMode != KernelMode || wanted == ob_symbolic_link_type))
        return STATUS_OBJECT_TYPE_MISMATCH;
    ob_reference(Object);
    return STATUS_SUCCESS;
}

EXPORT(ntoskrnl, ObReferenceObjectByPointerWithTag, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
NTSTATUS NTAPI ObReferenceObjectByPointerWithTag(PVOID Object, ACCESS_MASK DesiredAccess,
                                                 POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
                                                 ULONG Tag)
{
    return ObReferenceObjectByPointer(Object, DesiredAccess, ObjectType, AccessMode);
}

/* Access is compared with the handle's for UserMode only. The object comes back referenced, NULL on failure.
 */
EXPORT(ntoskrnl, ObReferenceObjectByHandle, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI ObReferenceObjectByHandle(HANDLE Handle, ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType,
                                         KPROCESSOR_MODE AccessMode, PVOID *Object,
                                         POBJECT_HANDLE_INFORMATION HandleInformation)
{
    OBJECT_HANDLE_INFORMATION information;
    NTSTATUS status = ob_reference_handle(Handle, DesiredAccess, (struct ob_type *)ObjectType, AccessMode,
                                          Object, &information);
    if (NT_SUCCESS(status) && HandleInformation)
        *HandleInformation = information;
    return status;
}

EXPORT(ntoskrnl, ObReferenceObjectByHandleWithTag, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI ObReferenceObjectByHandleWithTag(HANDLE Handle, ACCESS_MASK DesiredAccess,
                                                POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
                                                ULONG Tag, PVOID *Object,
                                                POBJECT_HANDLE_INFORMATION HandleInformation)
{
    return ObReferenceObjectByHandle(Handle, DesiredAccess, ObjectType, AccessMode, Object,
                                     HandleInformation);
}

/* Source: exported by every ntoskrnl, undocumented; the parameters are those of ntifs-era headers. */
EXPORT(ntoskrnl, ObReferenceObjectByName, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ObReferenceObjectByName(PUNICODE_STRING ObjectName, ULONG Attributes,
                                       PACCESS_STATE AccessState, ACCESS_MASK DesiredAccess,
                                       POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
                                       PVOID ParseContext, PVOID *Object)
{
    struct ob_captured captured;
    ACCESS_MASK granted;
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, ObjectName, Attributes & OBJ_VALID_ATTRIBUTES, NULL, NULL);
    struct ob_open_request request = {.desired_access = DesiredAccess,
                                      .mode = AccessMode,
                                      .wanted = (struct ob_type *)ObjectType,
                                      .context = ParseContext,
                                      .access_state = AccessState};
    *Object = NULL;
    if (!ObjectName)
        return STATUS_OBJECT_NAME_INVALID;
    NTSTATUS status = ob_capture_attributes(&attributes, KernelMode, &captured);
    if (NT_SUCCESS(status))
        status = ob_open_captured(&captured, &request, Object);
    ob_release_captured(&captured);
    if (!NT_SUCCESS(status))
        return status;
    status = ob_check_access(*Object, DesiredAccess,
                             (Attributes & OBJ_FORCE_ACCESS_CHECK) ? UserMode : AccessMode, &granted);
    if (!NT_SUCCESS(status)) {
        ob_dereference(*Object);
        *Object = NULL;
    }
    return status;
}

static ACCESS_MASK wanted_access(PACCESS_STATE state, ACCESS_MASK desired)
{
    return state ? desired | state->RemainingDesiredAccess | state->PreviouslyGrantedAccess : desired;
}

/* A handle to an object that the caller has a pointer to. IRQL: <= APC_LEVEL. The caller owns the handle. */
EXPORT(ntoskrnl, ObOpenObjectByPointer, PASSIVE_LEVEL, APC_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ObOpenObjectByPointer(PVOID Object, ULONG HandleAttributes, PACCESS_STATE PassedAccessState,
                                     ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType,
                                     KPROCESSOR_MODE AccessMode, PHANDLE Handle)
{
    struct ob_type *wanted = (struct ob_type *)ObjectType;
    ACCESS_MASK desired = wanted_access(PassedAccessState, DesiredAccess), granted;
    struct ob_open_request request = {.desired_access = desired,
                                      .attributes = HandleAttributes,
                                      .mode = AccessMode,
                                      .wanted = wanted,
                                      .access_state = PassedAccessState};
    if (HandleAttributes & ~(ULONG)OBJ_VALID_ATTRIBUTES)
        return STATUS_INVALID_PARAMETER;
    if ((HandleAttributes & OBJ_EXCLUSIVE) && (HandleAttributes & OBJ_INHERIT))
        return STATUS_INVALID_PARAMETER;
    if (wanted ? wanted != ob_type_of(Object) : AccessMode != KernelMode)
        return STATUS_OBJECT_TYPE_MISMATCH;
    NTSTATUS status = ob_check_access(
        Object, desired, (HandleAttributes & OBJ_FORCE_ACCESS_CHECK) ? UserMode : AccessMode, &granted);
    return NT_SUCCESS(status) ? ob_handle_create(Object, granted, HandleAttributes, &request, Handle)
                              : status;
}

/* Source: exported by every ntoskrnl, undocumented. */
EXPORT(ntoskrnl, ObOpenObjectByName, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI ObOpenObjectByName(POBJECT_ATTRIBUTES ObjectAttributes, POBJECT_TYPE ObjectType,
                                  KPROCESSOR_MODE AccessMode, PACCESS_STATE AccessState,
                                  ACCESS_MASK DesiredAccess, PVOID ParseContext, PHANDLE Handle)
{
    void *body;
    ACCESS_MASK granted, desired = wanted_access(AccessState, DesiredAccess);
    struct ob_open_request request = {.desired_access = desired,
                                      .mode = AccessMode,
                                      .wanted = (struct ob_type *)ObjectType,
                                      .context = ParseContext,
                                      .access_state = AccessState};
    NTSTATUS status = ob_open_by_name(ObjectAttributes, &request, &body);
    if (!NT_SUCCESS(status))
        return status;
    status = ob_check_access(body, desired,
                             (request.attributes & OBJ_FORCE_ACCESS_CHECK) ? UserMode : AccessMode, &granted);
    if (NT_SUCCESS(status))
        status = ob_handle_create(body, granted, request.attributes, &request, Handle);
    ob_dereference(body);
    return status;
}

EXPORT(ntoskrnl, ObGetObjectType, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
POBJECT_TYPE NTAPI ObGetObjectType(PVOID Object)
{
    return (POBJECT_TYPE)ob_type_of(Object);
}

EXPORT(ntoskrnl, ObMakeTemporaryObject, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
VOID NTAPI ObMakeTemporaryObject(PVOID Object)
{
    ob_make_temporary(Object);
}

NTSTATUS NTAPI NtMakeTemporaryObject(HANDLE Handle)
{
    void *body;
    NTSTATUS status = ob_reference_by_handle(Handle, DELETE, NULL, ke_previous_mode(), &body, NULL);
    if (!NT_SUCCESS(status))
        return status;
    ob_make_temporary(body);
    ob_dereference(body);
    return STATUS_SUCCESS;
}

EXPORT(ntoskrnl, ZwMakeTemporaryObject, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER)
NTSTATUS NTAPI ZwMakeTemporaryObject(HANDLE Handle)
{
    return ZW_CALL(NtMakeTemporaryObject(Handle));
}

typedef struct _OBJECT_HANDLE_FLAG_INFORMATION {
    BOOLEAN Inherit;
    BOOLEAN ProtectFromClose;
} OBJECT_HANDLE_FLAG_INFORMATION, *POBJECT_HANDLE_FLAG_INFORMATION;

/* Source: exported by every ntoskrnl, undocumented; the flags are those of ObjectHandleFlagInformation. */
EXPORT(ntoskrnl, ObSetHandleAttributes, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI ObSetHandleAttributes(HANDLE Handle, POBJECT_HANDLE_FLAG_INFORMATION HandleFlags,
                                     KPROCESSOR_MODE PreviousMode)
{
    ULONG attributes =
        (HandleFlags->Inherit ? OBJ_INHERIT : 0) | (HandleFlags->ProtectFromClose ? OBJ_PROTECT_CLOSE : 0);
    return ob_handle_set_attributes(Handle, attributes, PreviousMode);
}
