/* SPDX-License-Identifier: MIT */
/*
 * Registry callbacks: classes, structures, order by altitude, refusing and
 * replacing operations, contexts, and their end.
 */
#define NTDDI_VERSION 0x06010000
#include "../rltest.h"
#include <ntifs.h>

#define NAME(text) ((UNICODE_STRING){sizeof(text) - 2, sizeof(text), (PWCH)text})
#define CLASSES    64

NTKERNELAPI NTSTATUS NTAPI CmSetCallbackObjectContext(PVOID, PLARGE_INTEGER, PVOID, PVOID *);
NTKERNELAPI NTSTATUS NTAPI CmCallbackGetKeyObjectID(PLARGE_INTEGER, PVOID, PULONG_PTR, PCUNICODE_STRING *);

static ULONG calls[2][CLASSES], first = 9, cleaned, closes;
static LARGE_INTEGER cookies[2];
static NTSTATUS refuse;
static BOOLEAN replace, saw_context, saw_data, saw_pre, saw_name, got_id;
static PVOID mark = (PVOID)0x1234;

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
}

static void look(ULONG who, REG_NOTIFY_CLASS class, PVOID argument)
{
    if (class == RegNtPreSetValueKey) {
        PREG_SET_VALUE_KEY_INFORMATION set = argument;
        saw_data = set->Type == REG_DWORD && set->DataSize == 4 && *(ULONG *)set->Data == 7 &&
                   set->ValueName->Length == 2;
        set->CallContext = &calls[who];
        saw_context |= who == 1 && set->ObjectContext == mark;
    }
    if (class == RegNtPostSetValueKey) {
        PREG_POST_OPERATION_INFORMATION post = argument;
        saw_pre = post->CallContext == &calls[who] && post->PreInformation && post->Status == STATUS_SUCCESS;
    }
    if (class == RegNtPreOpenKeyEx) {
        PREG_OPEN_KEY_INFORMATION open = argument;
        UNICODE_STRING name = NAME(L"\\Registry\\Machine\\Software\\RlFilter");
        saw_name = RtlEqualUnicodeString(open->CompleteName, &name, TRUE) && open->RootObject != NULL &&
                   open->Reserved == (PVOID)1;
    }
    if (class == RegNtPostOpenKeyEx && who == 1) {
        PREG_POST_OPERATION_INFORMATION post = argument;
        PCUNICODE_STRING name = NULL;
        ULONG_PTR id = 0;
        UNICODE_STRING wanted = NAME(L"\\REGISTRY\\MACHINE\\SOFTWARE\\RlFilter");
        if (NT_SUCCESS(post->Status)) {
            CHECK_STATUS("SR-46", CmSetCallbackObjectContext(post->Object, &cookies[1], mark, NULL),
                         STATUS_SUCCESS);
            got_id = NT_SUCCESS(CmCallbackGetKeyObjectID(&cookies[1], post->Object, &id, &name)) && id &&
                     RtlEqualUnicodeString(name, &wanted, TRUE);
        } else
            CHECK("SR-46", post->Object == NULL);
    }
    if (class == RegNtPreKeyHandleClose)
        closes++;
    if (class == RegNtCallbackObjectContextCleanup)
        cleaned += ((PREG_CALLBACK_CONTEXT_CLEANUP_INFORMATION)argument)->ObjectContext == mark;
}

static NTSTATUS NTAPI callback(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    ULONG who = (ULONG)(ULONG_PTR)Context, class = (ULONG)(ULONG_PTR)Argument1;
    if (first == 9)
        first = who;
    calls[who][class]++;
    look(who, class, Argument2);
    if (who == 1 && class == RegNtPreDeleteValueKey && refuse)
        return refuse;
    if (who == 1 && class == RegNtPostQueryValueKey && replace) {
        ((PREG_POST_OPERATION_INFORMATION)Argument2)->ReturnStatus = STATUS_OBJECT_NAME_NOT_FOUND;
        return STATUS_CALLBACK_BYPASS;
    }
    return STATUS_SUCCESS;
}

static void operations(HANDLE key)
{
    UNICODE_STRING value = NAME(L"v");
    UCHAR buffer[128];
    ULONG seven = 7, length;
    CHECK_STATUS("SR-46", ZwSetValueKey(key, &value, 0, REG_DWORD, &seven, 4), STATUS_SUCCESS);
    CHECK("SR-46", saw_data && saw_pre && saw_context);
    CHECK("SR-46", calls[0][RegNtPreSetValueKey] == 1 && calls[1][RegNtPostSetValueKey] == 1);
    refuse = STATUS_ACCESS_DENIED;
    CHECK_STATUS("SR-46", ZwDeleteValueKey(key, &value), STATUS_ACCESS_DENIED);
    CHECK("SR-46", calls[0][RegNtPreDeleteValueKey] == 0 && calls[1][RegNtPostDeleteValueKey] == 0);
    refuse = STATUS_CALLBACK_BYPASS;
    CHECK_STATUS("SR-46", ZwDeleteValueKey(key, &value), STATUS_SUCCESS);
    refuse = STATUS_SUCCESS;
    CHECK_STATUS("SR-46",
                 ZwQueryValueKey(key, &value, KeyValuePartialInformation, buffer, sizeof(buffer), &length),
                 STATUS_SUCCESS);
    replace = TRUE;
    CHECK_STATUS("SR-46",
                 ZwQueryValueKey(key, &value, KeyValuePartialInformation, buffer, sizeof(buffer), &length),
                 STATUS_OBJECT_NAME_NOT_FOUND);
    replace = FALSE;
    ZwEnumerateValueKey(key, 0, KeyValueBasicInformation, buffer, sizeof(buffer), &length);
    ZwEnumerateKey(key, 0, KeyBasicInformation, buffer, sizeof(buffer), &length);
    ZwQueryKey(key, KeyBasicInformation, buffer, sizeof(buffer), &length);
    ZwFlushKey(key);
    CHECK_STATUS("SR-46", ZwDeleteValueKey(key, &value), STATUS_SUCCESS);
    static const UCHAR each[] = {RegNtPreEnumerateKey,       RegNtPostEnumerateKey, RegNtPreEnumerateValueKey,
                                 RegNtPostEnumerateValueKey, RegNtPreQueryKey,      RegNtPostQueryKey,
                                 RegNtPreFlushKey,           RegNtPostFlushKey,     RegNtPostDeleteValueKey};
    for (ULONG i = 0; i < sizeof(each); i++)
        CHECK_EQ("SR-46", calls[0][each[i]], 1);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = NAME(L"\\Registry\\Machine\\Software\\RlFilter"),
                   missing = NAME(L"\\Registry\\Machine\\Software\\RlNone"), altitude = NAME(L"360000");
    OBJECT_ATTRIBUTES oa;
    HANDLE key, again;
    ULONG major = 0, minor = 0;
    LARGE_INTEGER wrong = {.QuadPart = 0x7777777}, other;
    DriverObject->DriverUnload = unload;
    CmGetCallbackVersion(&major, &minor);
    CHECK("SR-46", major == 1 && minor == 1);
    CHECK_STATUS("SR-46", CmUnRegisterCallback(wrong), STATUS_INVALID_PARAMETER);
    CHECK_STATUS("SR-46", CmRegisterCallback(callback, (PVOID)0, &cookies[0]), STATUS_SUCCESS);
    CHECK_STATUS("SR-46",
                 CmRegisterCallbackEx(callback, &altitude, DriverObject, (PVOID)1, &cookies[1], NULL),
                 STATUS_SUCCESS);
    CHECK_STATUS("SR-46", CmRegisterCallbackEx(callback, &altitude, DriverObject, (PVOID)1, &other, NULL),
                 STATUS_FLT_INSTANCE_ALTITUDE_COLLISION);
    InitializeObjectAttributes(&oa, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK_STATUS("SR-46", ZwCreateKey(&again, KEY_ALL_ACCESS, &oa, 0, NULL, 0, NULL), STATUS_SUCCESS);
    CHECK("SR-46", first == 1 && calls[0][RegNtPreCreateKeyEx] == 1 && calls[0][RegNtPostCreateKeyEx] == 1);
    CHECK_STATUS("SR-46", ZwOpenKey(&key, KEY_ALL_ACCESS, &oa), STATUS_SUCCESS);
    CHECK("SR-46", saw_name && got_id && calls[1][RegNtPostOpenKeyEx] == 1);
    oa.ObjectName = &missing;
    HANDLE none;
    CHECK_STATUS("SR-46", ZwOpenKey(&none, KEY_ALL_ACCESS, &oa), STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_EQ("SR-46", calls[1][RegNtPostOpenKeyEx], 2);
    operations(key);
    ZwClose(key);
    CHECK("SR-46", closes == 2 && calls[1][RegNtPostKeyHandleClose] == 1 && cleaned == 1);
    oa.ObjectName = &name;
    ZwOpenKey(&key, KEY_ALL_ACCESS, &oa);
    CHECK_STATUS("SR-46", CmUnRegisterCallback(cookies[1]), STATUS_SUCCESS);
    CHECK_EQ("SR-46", cleaned, 2);
    CHECK_STATUS("SR-46", ZwDeleteKey(key), STATUS_SUCCESS);
    CHECK("SR-46", calls[0][RegNtPostDeleteKey] == 1 && calls[1][RegNtPreDeleteKey] == 0);
    CHECK_STATUS("SR-46", CmUnRegisterCallback(cookies[0]), STATUS_SUCCESS);
    ZwClose(key);
    ZwClose(again);
    CHECK_EQ("SR-46", closes, 2);
    return STATUS_SUCCESS;
}
