/* SPDX-License-Identifier: MIT */
/*
 * Handles and names as a driver sees them: values, information, granted
 * access, counts, exclusive and permanent objects, links, directories, types.
 */
#include "../rltest.h"
#include <ntifs.h>

#define NAME(text) ((UNICODE_STRING){sizeof(text) - 2, sizeof(text), (PWCH)text})

typedef struct {
    UNICODE_STRING Name, TypeName;
} OBJECT_DIRECTORY_INFORMATION;

NTSYSAPI NTSTATUS NTAPI ZwQueryDirectoryObject(HANDLE, PVOID, ULONG, BOOLEAN, BOOLEAN, PULONG, PULONG);
NTKERNELAPI POBJECT_TYPE NTAPI ObGetObjectType(PVOID);

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
}

static ULONG handles_of(HANDLE handle, ULONG *pointers, ULONG *attributes)
{
    PUBLIC_OBJECT_BASIC_INFORMATION basic = {0};
    ULONG length = 0;
    CHECK_STATUS("OB-COUNT", ZwQueryObject(handle, ObjectBasicInformation, &basic, sizeof(basic), &length),
                 STATUS_SUCCESS);
    CHECK_EQ("OB-COUNT", length, sizeof(basic));
    if (pointers)
        *pointers = basic.PointerCount;
    if (attributes)
        *attributes = basic.Attributes;
    return basic.HandleCount;
}

static void handles(void)
{
    HANDLE user, kernel, second;
    OBJECT_ATTRIBUTES oa;
    PVOID object = NULL;
    OBJECT_HANDLE_INFORMATION info;
    ULONG pointers = 0;
    CHECK_STATUS("OB-HANDLE", ZwCreateEvent(&user, EVENT_MODIFY_STATE, NULL, NotificationEvent, FALSE),
                 STATUS_SUCCESS);
    CHECK("OB-HANDLE", ((ULONG_PTR)user & 3) == 0 && (LONG_PTR)user > 0);
    InitializeObjectAttributes(&oa, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK_STATUS("OB-HANDLE", ZwCreateEvent(&kernel, EVENT_ALL_ACCESS, &oa, NotificationEvent, FALSE),
                 STATUS_SUCCESS);
    CHECK("OB-HANDLE",
          ((ULONG_PTR)kernel & 3) == 0 && ((ULONG_PTR)kernel & 0xFFFFFFFF80000000) == 0xFFFFFFFF80000000);
    CHECK_EQ("OB-COUNT", handles_of(kernel, &pointers, NULL), 1);
    CHECK_EQ("OB-COUNT", pointers, 2); /* the handle's, and the query's own */
    CHECK_STATUS(
        "OB-HANDLE",
        ObReferenceObjectByHandle(user, EVENT_ALL_ACCESS, *ExEventObjectType, UserMode, &object, NULL),
        STATUS_ACCESS_DENIED);
    CHECK("OB-HANDLE", object == NULL);
    CHECK_STATUS(
        "OB-HANDLE",
        ObReferenceObjectByHandle(user, EVENT_ALL_ACCESS, *ExEventObjectType, KernelMode, &object, &info),
        STATUS_SUCCESS);
    CHECK("OB-HANDLE", info.HandleAttributes == 0 && info.GrantedAccess == EVENT_MODIFY_STATE);
    ObDereferenceObject(object);
    CHECK_STATUS("OB-HANDLE",
                 ObReferenceObjectByHandle(user, 0, *IoFileObjectType, KernelMode, &object, NULL),
                 STATUS_OBJECT_TYPE_MISMATCH);
    CHECK_STATUS("OB-HANDLE", ObReferenceObjectByHandle(kernel, 0, NULL, UserMode, &object, NULL),
                 STATUS_INVALID_HANDLE);
    CHECK_STATUS("OB-HANDLE", ObReferenceObjectByHandle(NULL, 0, NULL, KernelMode, &object, NULL),
                 STATUS_INVALID_HANDLE);
    CHECK_STATUS("OB-HANDLE", ObReferenceObjectByHandle((HANDLE)0x7FFF0, 0, NULL, KernelMode, &object, NULL),
                 STATUS_INVALID_HANDLE);
    CHECK_STATUS("OB-HANDLE",
                 ObReferenceObjectByHandle(ZwCurrentProcess(), 0, *PsProcessType, KernelMode, &object, NULL),
                 STATUS_SUCCESS);
    CHECK("OB-HANDLE", object == PsGetCurrentProcess());
    ObDereferenceObject(object);
    CHECK_STATUS("OB-HANDLE",
                 ObReferenceObjectByHandle(ZwCurrentThread(), 0, *PsProcessType, KernelMode, &object, NULL),
                 STATUS_OBJECT_TYPE_MISMATCH);
    ObReferenceObjectByHandle(kernel, 0, NULL, KernelMode, &object, NULL);
    CHECK("OB-HANDLE", ObGetObjectType(object) == *ExEventObjectType);
    CHECK_STATUS("OB-HANDLE",
                 ObOpenObjectByPointer(object, OBJ_KERNEL_HANDLE, NULL, GENERIC_READ, *ExEventObjectType,
                                       KernelMode, &second),
                 STATUS_SUCCESS);
    CHECK_EQ("OB-COUNT", handles_of(second, &pointers, NULL), 2);
    CHECK_EQ("OB-COUNT", pointers, 4);
    ObReferenceObjectByHandle(second, 0, NULL, KernelMode, &object, &info);
    CHECK_EQ("OB-HANDLE", info.GrantedAccess, STANDARD_RIGHTS_READ | EVENT_QUERY_STATE);
    ObDereferenceObject(object);
    ZwClose(second);
    CHECK_STATUS(
        "OB-HANDLE",
        ObOpenObjectByPointer(object, OBJ_KERNEL_HANDLE, NULL, MAXIMUM_ALLOWED, NULL, KernelMode, &second),
        STATUS_SUCCESS);
    PVOID same;
    ObReferenceObjectByHandle(second, 0, NULL, KernelMode, &same, &info);
    CHECK("OB-HANDLE", same == object && info.GrantedAccess == EVENT_ALL_ACCESS);
    ObDereferenceObject(same);
    ZwClose(second);
    CHECK_STATUS("OB-HANDLE",
                 ObOpenObjectByPointer(object, 0, NULL, 0, *IoFileObjectType, KernelMode, &second),
                 STATUS_OBJECT_TYPE_MISMATCH);
    CHECK_STATUS("OB-HANDLE", ObReferenceObjectByPointer(object, 0, *IoFileObjectType, UserMode),
                 STATUS_OBJECT_TYPE_MISMATCH);
    CHECK_STATUS("OB-HANDLE", ObReferenceObjectByPointer(object, 0, NULL, UserMode),
                 STATUS_OBJECT_TYPE_MISMATCH);
    CHECK_STATUS("OB-HANDLE", ObReferenceObjectByPointer(object, 0, NULL, KernelMode), STATUS_SUCCESS);
    ObDereferenceObject(object);
    ObDereferenceObject(object);
    CHECK_STATUS("OB-HANDLE", ZwClose(kernel), STATUS_SUCCESS);
    CHECK_STATUS("OB-HANDLE", ZwClose(user), STATUS_SUCCESS);
    CHECK_STATUS("OB-HANDLE", ZwClose(user), STATUS_INVALID_HANDLE);
    CHECK_STATUS("OB-HANDLE", ZwClose(NULL), STATUS_INVALID_HANDLE);
}

static void names(void)
{
    UNICODE_STRING name = NAME(L"\\BaseNamedObjects\\RlOb"), other_case = NAME(L"\\BaseNamedObjects\\RLOB"),
                   bad = NAME(L"RlOb"), no_path = NAME(L"\\NoSuch\\RlOb"),
                   empty = NAME(L"\\BaseNamedObjects\\");
    OBJECT_ATTRIBUTES oa;
    HANDLE event, second;
    ULONG pointers = 0, attributes = 0, length = 0;
    PVOID object;
    union {
        OBJECT_NAME_INFORMATION name;
        PUBLIC_OBJECT_TYPE_INFORMATION type;
        UCHAR bytes[512];
    } u;
    InitializeObjectAttributes(&oa, &name, OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK_STATUS("OB-NAME", ZwCreateEvent(&event, EVENT_ALL_ACCESS, &oa, NotificationEvent, FALSE),
                 STATUS_SUCCESS);
    CHECK_EQ("OB-COUNT", handles_of(event, &pointers, &attributes), 1);
    CHECK_EQ("OB-COUNT", pointers, 3); /* and the name's */
    CHECK_STATUS("OB-NAME", ZwCreateEvent(&second, EVENT_ALL_ACCESS, &oa, NotificationEvent, FALSE),
                 STATUS_OBJECT_NAME_COLLISION);
    oa.Attributes |= OBJ_OPENIF;
    CHECK_STATUS("OB-NAME", ZwCreateEvent(&second, EVENT_ALL_ACCESS, &oa, NotificationEvent, FALSE),
                 STATUS_OBJECT_NAME_EXISTS);
    CHECK_EQ("OB-COUNT", handles_of(second, NULL, NULL), 2);
    ZwClose(second);
    oa.ObjectName = &other_case;
    oa.Attributes = OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE;
    CHECK_STATUS("OB-NAME", ZwOpenEvent(&second, EVENT_ALL_ACCESS, &oa), STATUS_SUCCESS);
    ZwClose(second);
    oa.ObjectName = &bad;
    CHECK_STATUS("OB-NAME", ZwOpenEvent(&second, EVENT_ALL_ACCESS, &oa), STATUS_OBJECT_PATH_SYNTAX_BAD);
    oa.ObjectName = &no_path;
    CHECK_STATUS("OB-NAME", ZwOpenEvent(&second, EVENT_ALL_ACCESS, &oa), STATUS_OBJECT_PATH_NOT_FOUND);
    CHECK_STATUS("OB-NAME", ZwCreateEvent(&second, EVENT_ALL_ACCESS, &oa, NotificationEvent, FALSE),
                 STATUS_OBJECT_PATH_NOT_FOUND);
    oa.ObjectName = &empty;
    CHECK_STATUS("OB-NAME", ZwOpenEvent(&second, EVENT_ALL_ACCESS, &oa), STATUS_OBJECT_NAME_INVALID);
    oa.ObjectName = &name;
    oa.Length = 1;
    CHECK_STATUS("OB-NAME", ZwOpenEvent(&second, EVENT_ALL_ACCESS, &oa), STATUS_INVALID_PARAMETER);
    ObReferenceObjectByHandle(event, 0, NULL, KernelMode, &object, NULL);
    CHECK_STATUS("OB-NAME", ObQueryNameString(object, &u.name, sizeof(u), &length), STATUS_SUCCESS);
    CHECK("OB-NAME",
          RtlEqualUnicodeString(&u.name.Name, &name, FALSE) && u.name.Name.Buffer == (PWCH)(&u.name + 1));
    CHECK_EQ("OB-NAME", length, sizeof(OBJECT_NAME_INFORMATION) + name.Length + sizeof(WCHAR));
    CHECK_EQ("OB-NAME", u.name.Name.MaximumLength, name.Length + sizeof(WCHAR));
    CHECK_STATUS("OB-NAME", ObQueryNameString(object, NULL, 0, &length), STATUS_INFO_LENGTH_MISMATCH);
    CHECK_EQ("OB-NAME", length, sizeof(OBJECT_NAME_INFORMATION) + name.Length + sizeof(WCHAR));
    CHECK_STATUS("OB-NAME", ZwQueryObject(event, ObjectTypeInformation, &u, sizeof(u), &length),
                 STATUS_SUCCESS);
    UNICODE_STRING type = NAME(L"Event");
    CHECK("OB-NAME", RtlEqualUnicodeString(&u.type.TypeName, &type, FALSE));
    CHECK_STATUS("OB-NAME", ZwQueryObject(event, ObjectTypeInformation, &u, 4, &length),
                 STATUS_INFO_LENGTH_MISMATCH);
    ObDereferenceObject(object);
    CHECK_STATUS("OB-NAME", ObQueryNameString(PsGetCurrentThread(), &u.name, sizeof(u), &length),
                 STATUS_SUCCESS);
    CHECK("OB-NAME",
          u.name.Name.Length == 0 && u.name.Name.Buffer == NULL && length == sizeof(OBJECT_NAME_INFORMATION));
    ZwClose(event);
    oa.Length = sizeof(oa);
    CHECK_STATUS("OB-NAME", ZwOpenEvent(&second, EVENT_ALL_ACCESS, &oa), STATUS_OBJECT_NAME_NOT_FOUND);
    oa.Attributes = OBJ_KERNEL_HANDLE | OBJ_PERMANENT;
    CHECK_STATUS("OB-PERM", ZwCreateEvent(&event, EVENT_ALL_ACCESS, &oa, NotificationEvent, FALSE),
                 STATUS_SUCCESS);
    handles_of(event, &pointers, &attributes);
    CHECK("OB-PERM", pointers == 3 && attributes & OBJ_PERMANENT);
    ZwClose(event);
    oa.Attributes = OBJ_KERNEL_HANDLE;
    CHECK_STATUS("OB-PERM", ZwOpenEvent(&event, EVENT_ALL_ACCESS, &oa), STATUS_SUCCESS);
    CHECK_STATUS("OB-PERM", ZwMakeTemporaryObject(event), STATUS_SUCCESS);
    ZwClose(event);
    CHECK_STATUS("OB-PERM", ZwOpenEvent(&event, EVENT_ALL_ACCESS, &oa), STATUS_OBJECT_NAME_NOT_FOUND);
}

static void directories(void)
{
    UNICODE_STRING name = NAME(L"\\RlDir"), child = NAME(L"Child"), link_name = NAME(L"Link"),
                   target = NAME(L"\\RlDir\\Child"), through = NAME(L"\\RlDir\\Link");
    OBJECT_ATTRIBUTES oa;
    HANDLE directory, event, link, opened;
    union {
        OBJECT_DIRECTORY_INFORMATION entry[4];
        UCHAR bytes[512];
    } u;
    ULONG context = 0, length = 0;
    InitializeObjectAttributes(&oa, &name, OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK_STATUS("OB-DIR", ZwCreateDirectoryObject(&directory, DIRECTORY_ALL_ACCESS, &oa), STATUS_SUCCESS);
    CHECK_STATUS("OB-DIR", ZwQueryDirectoryObject(directory, &u, sizeof(u), FALSE, TRUE, &context, &length),
                 STATUS_NO_MORE_ENTRIES);
    InitializeObjectAttributes(&oa, &child, OBJ_KERNEL_HANDLE, directory, NULL);
    CHECK_STATUS("OB-DIR", ZwCreateEvent(&event, EVENT_ALL_ACCESS, &oa, NotificationEvent, FALSE),
                 STATUS_SUCCESS);
    InitializeObjectAttributes(&oa, &link_name, OBJ_KERNEL_HANDLE, directory, NULL);
    CHECK_STATUS("OB-DIR", ZwCreateSymbolicLinkObject(&link, SYMBOLIC_LINK_ALL_ACCESS, &oa, &target),
                 STATUS_SUCCESS);
    CHECK_STATUS("OB-DIR", ZwQueryDirectoryObject(directory, &u, sizeof(u), FALSE, TRUE, &context, &length),
                 STATUS_SUCCESS);
    CHECK_EQ("OB-DIR", context, 2);
    CHECK_STATUS("OB-DIR", ZwQueryDirectoryObject(directory, &u, sizeof(u), TRUE, TRUE, &context, &length),
                 STATUS_SUCCESS);
    CHECK_EQ("OB-DIR", context, 1);
    CHECK("OB-DIR", u.entry[1].Name.Buffer == NULL && u.entry[1].Name.Length == 0);
    CHECK_STATUS("OB-DIR", ZwQueryDirectoryObject(directory, &u, 8, TRUE, TRUE, &context, &length),
                 STATUS_BUFFER_TOO_SMALL);
    WCHAR text[32];
    UNICODE_STRING got = {0, sizeof(text), text}, small = {0, 4, text};
    CHECK_STATUS("OB-LINK", ZwQuerySymbolicLinkObject(link, &got, &length), STATUS_SUCCESS);
    CHECK("OB-LINK", RtlEqualUnicodeString(&got, &target, FALSE) && length == target.MaximumLength);
    CHECK_STATUS("OB-LINK", ZwQuerySymbolicLinkObject(link, &small, &length), STATUS_BUFFER_TOO_SMALL);
    CHECK_EQ("OB-LINK", length, target.MaximumLength);
    InitializeObjectAttributes(&oa, &through, OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK_STATUS("OB-LINK", ZwOpenEvent(&opened, EVENT_ALL_ACCESS, &oa), STATUS_SUCCESS);
    ZwClose(opened);
    CHECK_STATUS("OB-LINK", ZwOpenSymbolicLinkObject(&opened, GENERIC_READ, &oa), STATUS_SUCCESS);
    ZwClose(opened);
    CHECK_STATUS("OB-LINK", ZwOpenDirectoryObject(&opened, DIRECTORY_QUERY, &oa),
                 STATUS_OBJECT_TYPE_MISMATCH);
    ZwClose(link);
    ZwClose(event);
    ZwClose(directory);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    handles();
    names();
    directories();
    DriverObject->DriverUnload = unload;
    return STATUS_SUCCESS;
}
