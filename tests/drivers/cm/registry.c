/* SPDX-License-Identifier: MIT */
/*
 * The registry services: what each class needs and returns in buffers of every
 * size, the order of enumeration, volatile keys, links, and keys that are gone.
 */
#include "../rltest.h"
#include <ntifs.h>

#define NAME(text) ((UNICODE_STRING){sizeof(text) - 2, sizeof(text), (PWCH)text})

static HANDLE root;

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
}

static NTSTATUS make(HANDLE parent, PCWSTR text, ULONG options, HANDLE *key, ULONG *disposition)
{
    UNICODE_STRING name;
    OBJECT_ATTRIBUTES oa;
    RtlInitUnicodeString(&name, text);
    InitializeObjectAttributes(&oa, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, parent, NULL);
    *key = NULL;
    return ZwCreateKey(key, KEY_ALL_ACCESS, &oa, 0, NULL, options, disposition);
}

static NTSTATUS open(HANDLE parent, PCWSTR text, HANDLE *key)
{
    UNICODE_STRING name;
    OBJECT_ATTRIBUTES oa;
    RtlInitUnicodeString(&name, text);
    InitializeObjectAttributes(&oa, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, parent, NULL);
    *key = NULL;
    return ZwOpenKey(key, KEY_ALL_ACCESS, &oa);
}

static void keys(void)
{
    HANDLE a, b, c, gone;
    ULONG disposition = 0, length = 0;
    CHECK_STATUS("CM-KEY", make(root, L"A", 0, &a, &disposition), STATUS_SUCCESS);
    CHECK_EQ("CM-KEY", disposition, REG_CREATED_NEW_KEY);
    CHECK_STATUS("CM-KEY", make(root, L"a", 0, &b, &disposition), STATUS_SUCCESS);
    CHECK_EQ("CM-KEY", disposition, REG_OPENED_EXISTING_KEY);
    ZwClose(b);
    CHECK_STATUS("CM-KEY", make(root, L"No\\Such", 0, &b, NULL), STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_STATUS("CM-KEY", open(root, L"Nothing", &b), STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_STATUS("CM-KEY", open(root, L"\\A", &b), STATUS_OBJECT_PATH_SYNTAX_BAD);
    CHECK_STATUS("CM-KEY", open(root, L"", &b), STATUS_SUCCESS);
    ZwClose(b);
    CHECK_STATUS("CM-KEY", make(a, L"Volatile", REG_OPTION_VOLATILE, &b, NULL), STATUS_SUCCESS);
    CHECK_STATUS("CM-KEY", make(b, L"Stable", 0, &c, NULL), STATUS_CHILD_MUST_BE_VOLATILE);
    CHECK_STATUS("CM-KEY", make(b, L"Inner", REG_OPTION_VOLATILE, &c, NULL), STATUS_SUCCESS);
    CHECK_STATUS("CM-KEY", ZwDeleteKey(b), STATUS_CANNOT_DELETE);
    CHECK_STATUS("CM-KEY", ZwDeleteKey(c), STATUS_SUCCESS);
    CHECK_STATUS("CM-KEY", ZwDeleteKey(c), STATUS_KEY_DELETED);
    UCHAR buffer[256];
    CHECK_STATUS("CM-KEY", ZwQueryKey(c, KeyBasicInformation, buffer, sizeof(buffer), &length),
                 STATUS_KEY_DELETED);
    CHECK_STATUS("CM-KEY", make(c, L"Below", 0, &gone, NULL), STATUS_KEY_DELETED);
    UNICODE_STRING value = NAME(L"v");
    CHECK_STATUS("CM-KEY", ZwSetValueKey(c, &value, 0, REG_SZ, NULL, 0), STATUS_KEY_DELETED);
    CHECK_STATUS("CM-KEY", ZwEnumerateKey(c, 0, KeyBasicInformation, buffer, sizeof(buffer), &length),
                 STATUS_KEY_DELETED);
    ZwClose(c);
    CHECK_STATUS("CM-KEY", open(b, L"Inner", &c), STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_STATUS("CM-KEY", ZwDeleteKey(b), STATUS_SUCCESS);
    ZwClose(b);
    CHECK_STATUS("CM-KEY", ZwDeleteKey(a), STATUS_SUCCESS);
    ZwClose(a);
}

static void enumeration(void)
{
    static const PCWSTR names[] = {L"delta", L"Alpha", L"charlie", L"Bravo"},
                        sorted[] = {L"Alpha", L"Bravo", L"charlie", L"delta"};
    HANDLE keys[4];
    union {
        KEY_BASIC_INFORMATION basic;
        KEY_FULL_INFORMATION full;
        KEY_NODE_INFORMATION node;
        UCHAR bytes[256];
    } u;
    ULONG length;
    for (ULONG i = 0; i < 4; i++)
        CHECK_STATUS("CM-ENUM", make(root, names[i], 0, &keys[i], NULL), STATUS_SUCCESS);
    for (ULONG i = 0; i < 4; i++) {
        UNICODE_STRING wanted, got;
        RtlInitUnicodeString(&wanted, sorted[i]);
        CHECK_STATUS("CM-ENUM", ZwEnumerateKey(root, i, KeyBasicInformation, &u, sizeof(u), &length),
                     STATUS_SUCCESS);
        got = (UNICODE_STRING){(USHORT)u.basic.NameLength, (USHORT)u.basic.NameLength, u.basic.Name};
        CHECK("CM-ENUM", RtlEqualUnicodeString(&wanted, &got, FALSE));
        CHECK_EQ("CM-ENUM", length, FIELD_OFFSET(KEY_BASIC_INFORMATION, Name) + wanted.Length);
    }
    CHECK_STATUS("CM-ENUM", ZwEnumerateKey(root, 4, KeyBasicInformation, &u, sizeof(u), &length),
                 STATUS_NO_MORE_ENTRIES);
    length = 0;
    CHECK_STATUS("CM-ENUM", ZwEnumerateKey(root, 0, KeyBasicInformation, &u, 0, &length),
                 STATUS_BUFFER_TOO_SMALL);
    CHECK_EQ("CM-ENUM", length, FIELD_OFFSET(KEY_BASIC_INFORMATION, Name) + 10);
    CHECK_STATUS("CM-ENUM",
                 ZwEnumerateKey(root, 0, KeyBasicInformation, &u,
                                FIELD_OFFSET(KEY_BASIC_INFORMATION, Name) + 4, &length),
                 STATUS_BUFFER_OVERFLOW);
    CHECK("CM-ENUM", u.basic.NameLength == 10 && u.basic.Name[1] == 'l');
    CHECK_STATUS("CM-ENUM", ZwQueryKey(root, KeyFullInformation, &u, sizeof(u), &length), STATUS_SUCCESS);
    CHECK("CM-ENUM",
          u.full.SubKeys == 4 && u.full.MaxNameLen == 14 && u.full.Values == 0 && u.full.ClassLength == 0);
    CHECK_EQ("CM-ENUM", u.full.ClassOffset, 0xFFFFFFFF);
    CHECK_STATUS("CM-ENUM", ZwQueryKey(root, KeyNodeInformation, &u, sizeof(u), &length), STATUS_SUCCESS);
    CHECK("CM-ENUM", u.node.NameLength == 8 && u.node.ClassLength == 0);
    CHECK_STATUS("CM-ENUM", ZwQueryKey(root, (KEY_INFORMATION_CLASS)77, &u, sizeof(u), &length),
                 STATUS_INVALID_PARAMETER);
    CHECK_STATUS("CM-ENUM", ZwQueryKey(root, KeyNameInformation, &u, sizeof(u), &length), STATUS_SUCCESS);
    CHECK("CM-ENUM", *(ULONG *)u.bytes > 10 && *(WCHAR *)(u.bytes + 4) == '\\');
    for (ULONG i = 0; i < 4; i++) {
        ZwDeleteKey(keys[i]);
        ZwClose(keys[i]);
    }
}

static void values(void)
{
    union {
        KEY_VALUE_BASIC_INFORMATION basic;
        KEY_VALUE_FULL_INFORMATION full;
        KEY_VALUE_PARTIAL_INFORMATION partial;
        UCHAR bytes[256];
    } u;
    UNICODE_STRING one = NAME(L"One"), upper = NAME(L"ONE"), none = NAME(L""), missing = NAME(L"Missing");
    ULONG number = 0x12345678, length = 0;
    CHECK_STATUS("CM-VALUE", ZwSetValueKey(root, &one, 0, REG_DWORD, &number, 4), STATUS_SUCCESS);
    CHECK_STATUS("CM-VALUE",
                 ZwQueryValueKey(root, &upper, KeyValuePartialInformation, &u, sizeof(u), &length),
                 STATUS_SUCCESS);
    CHECK("CM-VALUE",
          u.partial.Type == REG_DWORD && u.partial.DataLength == 4 && *(ULONG *)u.partial.Data == number);
    CHECK_EQ("CM-VALUE", length, FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION, Data) + 4);
    CHECK_STATUS("CM-VALUE", ZwQueryValueKey(root, &one, KeyValuePartialInformation, &u, 0, &length),
                 STATUS_BUFFER_TOO_SMALL);
    CHECK_EQ("CM-VALUE", length, FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION, Data) + 4);
    RtlZeroMemory(&u, sizeof(u));
    CHECK_STATUS("CM-VALUE",
                 ZwQueryValueKey(root, &one, KeyValuePartialInformation, &u,
                                 FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION, Data) + 2, &length),
                 STATUS_BUFFER_OVERFLOW);
    CHECK("CM-VALUE", u.partial.DataLength == 4 && u.partial.Data[1] == 0x56 && u.partial.Data[2] == 0);
    CHECK_STATUS("CM-VALUE", ZwQueryValueKey(root, &one, KeyValueFullInformation, &u, sizeof(u), &length),
                 STATUS_SUCCESS);
    CHECK("CM-VALUE", u.full.NameLength == 6 && u.full.DataLength == 4 && u.full.Name[0] == 'O' &&
                          *(ULONG *)(u.bytes + u.full.DataOffset) == number);
    CHECK_EQ("CM-VALUE", length, u.full.DataOffset + 4);
    CHECK_STATUS("CM-VALUE", ZwQueryValueKey(root, &one, KeyValueBasicInformation, &u, sizeof(u), &length),
                 STATUS_SUCCESS);
    CHECK("CM-VALUE",
          u.basic.NameLength == 6 && length == FIELD_OFFSET(KEY_VALUE_BASIC_INFORMATION, Name) + 6);
    CHECK_STATUS("CM-VALUE",
                 ZwQueryValueKey(root, &missing, KeyValueBasicInformation, &u, sizeof(u), &length),
                 STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_STATUS("CM-VALUE",
                 ZwQueryValueKey(root, &one, (KEY_VALUE_INFORMATION_CLASS)99, &u, sizeof(u), &length),
                 STATUS_INVALID_PARAMETER);
    CHECK_STATUS("CM-VALUE", ZwQueryValueKey(root, &none, KeyValuePartialInformation, &u, sizeof(u), &length),
                 STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_STATUS("CM-VALUE", ZwSetValueKey(root, &none, 0, REG_SZ, L"def", 8), STATUS_SUCCESS);
    CHECK_STATUS("CM-VALUE", ZwQueryValueKey(root, &none, KeyValuePartialInformation, &u, sizeof(u), &length),
                 STATUS_SUCCESS);
    CHECK("CM-VALUE", u.partial.DataLength == 8);
    CHECK_STATUS("CM-VALUE", ZwEnumerateValueKey(root, 1, KeyValueBasicInformation, &u, sizeof(u), &length),
                 STATUS_SUCCESS);
    CHECK_EQ("CM-VALUE", u.basic.NameLength, 0);
    CHECK_STATUS("CM-VALUE", ZwEnumerateValueKey(root, 2, KeyValueBasicInformation, &u, sizeof(u), &length),
                 STATUS_NO_MORE_ENTRIES);
    CHECK_STATUS("CM-VALUE", ZwDeleteValueKey(root, &none), STATUS_SUCCESS);
    CHECK_STATUS("CM-VALUE", ZwDeleteValueKey(root, &none), STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_STATUS("CM-VALUE", ZwDeleteValueKey(root, &one), STATUS_SUCCESS);
}

static void links(void)
{
    static const WCHAR target_path[] = L"\\Registry\\Machine\\Software\\RlCm\\Target";
    HANDLE target, link, through;
    UNICODE_STRING value = NAME(L"SymbolicLinkValue"), name = NAME(L"Link");
    OBJECT_ATTRIBUTES oa;
    CHECK_STATUS("CM-LINK", make(root, L"Target", 0, &target, NULL), STATUS_SUCCESS);
    CHECK_STATUS("CM-LINK", make(root, L"Link", REG_OPTION_CREATE_LINK | REG_OPTION_VOLATILE, &link, NULL),
                 STATUS_SUCCESS);
    CHECK_STATUS("CM-LINK",
                 ZwSetValueKey(link, &value, 0, REG_LINK, (PVOID)target_path, sizeof(target_path) - 2),
                 STATUS_SUCCESS);
    CHECK_STATUS("CM-LINK", make(root, L"Link\\Child", REG_OPTION_VOLATILE, &through, NULL), STATUS_SUCCESS);
    ZwDeleteKey(through);
    ZwClose(through);
    CHECK_STATUS("CM-LINK", open(root, L"Link", &through), STATUS_SUCCESS);
    CHECK_STATUS("CM-LINK", ZwDeleteKey(through), STATUS_SUCCESS);
    ZwClose(through);
    CHECK_STATUS("CM-LINK", open(root, L"Link", &through), STATUS_OBJECT_NAME_NOT_FOUND);
    InitializeObjectAttributes(&oa, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE | OBJ_OPENLINK, root,
                               NULL);
    CHECK_STATUS("CM-LINK", ZwOpenKey(&through, KEY_ALL_ACCESS, &oa), STATUS_SUCCESS);
    CHECK_STATUS("CM-LINK", ZwDeleteKey(through), STATUS_SUCCESS);
    ZwClose(through);
    ZwClose(link);
    ZwClose(target);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    CHECK_STATUS("CM-KEY", make(NULL, L"\\Registry\\Machine\\Software\\RlCm", 0, &root, NULL),
                 STATUS_SUCCESS);
    keys();
    enumeration();
    values();
    links();
    ZwDeleteKey(root);
    ZwClose(root);
    DriverObject->DriverUnload = unload;
    return STATUS_SUCCESS;
}
