/* SPDX-License-Identifier: MIT */
/* ZwQueryObject, ZwSetInformationObject: what a handle and its object are. */
#include "ob/handles.h"
#include "ob/services.h"

struct object_query {
    void *body;
    OBJECT_HANDLE_INFORMATION handle;
    void *buffer; /* the caller's */
    ULONG length;
    ULONG needed; /* set by each */
    KPROCESSOR_MODE mode;
};

/* A name structure made in pool, its strings rebased to where the caller will see them. */
static NTSTATUS give_string(struct object_query *query, const UNICODE_STRING *text, ULONG header_size)
{
    query->needed = header_size + (text->Length ? text->Length + (ULONG)sizeof(WCHAR) : 0);
    if (query->length < query->needed)
        return STATUS_INFO_LENGTH_MISMATCH;
    char *copy = mm_alloc(query->needed, OB_TAG_CAPTURE);
    if (!copy)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (text->Length) {
        memcpy(copy + header_size, text->Buffer, text->Length);
        *(UNICODE_STRING *)copy = (UNICODE_STRING){text->Length, (USHORT)(text->Length + sizeof(WCHAR)),
                                                   (WCHAR *)((char *)query->buffer + header_size)};
    }
    NTSTATUS status = ob_copy_out(query->buffer, copy, query->needed, query->mode);
    mm_free(copy);
    return status;
}

static NTSTATUS query_name(struct object_query *query)
{
    WCHAR *text = mm_alloc(0x10000, OB_TAG_CAPTURE);
    if (!text)
        return STATUS_INSUFFICIENT_RESOURCES;
    UNICODE_STRING name = {(USHORT)ob_query_name(query->body, text, 0xFFFE), 0xFFFE, text};
    NTSTATUS status = give_string(query, &name, sizeof(OBJECT_NAME_INFORMATION));
    mm_free(text);
    return status;
}

static NTSTATUS query_type(struct object_query *query)
{
    return give_string(query, &ob_type_of(query->body)->name, sizeof(PUBLIC_OBJECT_TYPE_INFORMATION));
}

static ULONG object_attributes(const struct ob_header *header, ULONG handle_attributes)
{
    ULONG attributes = handle_attributes & OBJ_INHERIT;
    if (header->flags & OB_PERMANENT)
        attributes |= OBJ_PERMANENT;
    if (header->flags & OB_EXCLUSIVE)
        attributes |= OBJ_EXCLUSIVE;
    return attributes;
}

/* As NT counts: this query's own reference is one, and so is a name's (here it is none, unless permanent). */
static ULONG pointer_count(const struct ob_header *header)
{
    bool uncounted_name = header->name && !(header->flags & OB_PERMANENT);
    return (ULONG)ob_pointer_count(header->body) + uncounted_name;
}

static NTSTATUS query_basic(struct object_query *query)
{
    struct ob_header *header = ob_header_of(query->body);
    PUBLIC_OBJECT_BASIC_INFORMATION basic = {
        .Attributes = object_attributes(header, query->handle.HandleAttributes),
        .GrantedAccess = query->handle.GrantedAccess,
        .HandleCount = (ULONG)ob_handle_count(query->body),
        .PointerCount = pointer_count(header),
    };
    query->needed = sizeof(basic);
    if (query->length != sizeof(basic))
        return STATUS_INFO_LENGTH_MISMATCH;
    return ob_copy_out(query->buffer, &basic, sizeof(basic), query->mode);
}

static NTSTATUS query_flags(struct object_query *query)
{
    BOOLEAN flags[2] = {(query->handle.HandleAttributes & OBJ_INHERIT) != 0,
                        (query->handle.HandleAttributes & OBJ_PROTECT_CLOSE) != 0};
    query->needed = sizeof(flags);
    if (query->length < sizeof(flags))
        return STATUS_INFO_LENGTH_MISMATCH;
    return ob_copy_out(query->buffer, flags, sizeof(flags), query->mode);
}

static NTSTATUS query_class(struct object_query *query, OBJECT_INFORMATION_CLASS class)
{
    switch (class) {
    case ObjectBasicInformation:
        return query_basic(query);
    case ObjectNameInformation:
        return query_name(query);
    case ObjectTypeInformation:
        return query_type(query);
    case ObjectHandleFlagInformation:
        return query_flags(query);
    default:
        return STATUS_INVALID_INFO_CLASS;
    }
}

NTSTATUS NTAPI NtQueryObject(HANDLE Handle, OBJECT_INFORMATION_CLASS ObjectInformationClass,
                             PVOID ObjectInformation, ULONG ObjectInformationLength, PULONG ReturnLength)
{
    struct object_query query = {
        .buffer = ObjectInformation, .length = ObjectInformationLength, .mode = ke_previous_mode()};
    NTSTATUS status = ob_reference_handle(Handle, 0, NULL, query.mode, &query.body, &query.handle);
    if (!NT_SUCCESS(status))
        return status;
    status = query_class(&query, ObjectInformationClass);
    ob_dereference(query.body);
    if (ReturnLength) {
        NTSTATUS copied = ob_copy_out(ReturnLength, &query.needed, sizeof(query.needed), query.mode);
        if (!NT_SUCCESS(copied))
            return copied;
    }
    return status;
}

EXPORT(ntoskrnl, ZwQueryObject, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI ZwQueryObject(HANDLE Handle, OBJECT_INFORMATION_CLASS ObjectInformationClass,
                             PVOID ObjectInformation, ULONG ObjectInformationLength, PULONG ReturnLength)
{
    return ZW_CALL(NtQueryObject(Handle, ObjectInformationClass, ObjectInformation, ObjectInformationLength,
                                 ReturnLength));
}

/* ObjectHandleFlagInformation is the class that can be set: { BOOLEAN Inherit, ProtectFromClose }. */
NTSTATUS NTAPI NtSetInformationObject(HANDLE Handle, OBJECT_INFORMATION_CLASS ObjectInformationClass,
                                      PVOID ObjectInformation, ULONG ObjectInformationLength)
{
    BOOLEAN flags[2];
    KPROCESSOR_MODE mode = ke_previous_mode();
    if (ObjectInformationClass != ObjectHandleFlagInformation)
        return STATUS_INVALID_INFO_CLASS;
    if (ObjectInformationLength != sizeof(flags))
        return STATUS_INFO_LENGTH_MISMATCH;
    NTSTATUS status = ob_copy_in(flags, ObjectInformation, sizeof(flags), mode);
    if (!NT_SUCCESS(status))
        return status;
    ULONG attributes = (flags[0] ? OBJ_INHERIT : 0) | (flags[1] ? OBJ_PROTECT_CLOSE : 0);
    return ob_handle_set_attributes(Handle, attributes, mode);
}

EXPORT(ntoskrnl, ZwSetInformationObject, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI ZwSetInformationObject(HANDLE Handle, OBJECT_INFORMATION_CLASS ObjectInformationClass,
                                      PVOID ObjectInformation, ULONG ObjectInformationLength)
{
    return ZW_CALL(
        NtSetInformationObject(Handle, ObjectInformationClass, ObjectInformation, ObjectInformationLength));
}
