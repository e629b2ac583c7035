/* SPDX-License-Identifier: MIT */
/* Keys and values through handles: creation, links, enumeration, buffer rules, deletion. */
#include <string.h>
#include "cm/store.h"
#include "world.h"
#include "cm/routines.h"
#include "ob/routines.h"

NTSTATUS NTAPI NtQueryValueKey(HANDLE, PUNICODE_STRING, KEY_VALUE_INFORMATION_CLASS, PVOID, ULONG, PULONG);

#define SERVICES u"\\Registry\\Machine\\System\\CurrentControlSet\\Services"

static NTSTATUS create(const WCHAR *path, HANDLE root, ULONG options, HANDLE *key, ULONG *disposition)
{
    UNICODE_STRING name = world_string(path);
    OBJECT_ATTRIBUTES attributes = world_attributes(&name, OBJ_CASE_INSENSITIVE);
    attributes.RootDirectory = root;
    return ZwCreateKey(key, KEY_ALL_ACCESS, &attributes, 0, NULL, options, disposition);
}

static NTSTATUS open(const WCHAR *path, HANDLE root, HANDLE *key)
{
    UNICODE_STRING name = world_string(path);
    OBJECT_ATTRIBUTES attributes = world_attributes(&name, OBJ_CASE_INSENSITIVE);
    attributes.RootDirectory = root;
    return ZwOpenKey(key, KEY_ALL_ACCESS, &attributes);
}

static HANDLE service(void)
{
    HANDLE key = NULL;
    assert_status(create(SERVICES u"\\svc", NULL, 0, &key, NULL), STATUS_SUCCESS);
    return key;
}

static void keys_are_created_one_at_a_time(void **state)
{
    HANDLE key, child;
    ULONG disposition;
    assert_status(create(SERVICES u"\\a\\b", NULL, 0, &key, NULL), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_status(create(SERVICES u"\\a", NULL, 0, &key, &disposition), STATUS_SUCCESS);
    assert_int_equal(disposition, REG_CREATED_NEW_KEY);
    assert_status(create(u"Parameters", key, 0, &child, &disposition), STATUS_SUCCESS);
    assert_status(create(u"PARAMETERS", key, 0, &child, &disposition), STATUS_SUCCESS);
    assert_int_equal(disposition, REG_OPENED_EXISTING_KEY);
    assert_status(open(SERVICES u"\\A\\parameters", NULL, &child), STATUS_SUCCESS);
    assert_status(open(SERVICES u"\\nobody", NULL, &child), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_status(open(SERVICES u"\\nobody\\x", NULL, &child), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_status(open(u"\\Parameters", key, &child), STATUS_OBJECT_PATH_SYNTAX_BAD);
    assert_status(create(SERVICES u"\\z", NULL, 0x8000, &child, NULL), STATUS_INVALID_PARAMETER);
}

static void the_current_control_set_is_a_link(void **state)
{
    struct {
        OBJECT_NAME_INFORMATION info;
        WCHAR text[128];
    } room;
    ULONG length;
    void *body;
    HANDLE key = service(), same, link;
    UNICODE_STRING name = world_string(u"\\Registry\\Machine\\System\\CurrentControlSet"),
                   value = world_string(u"SymbolicLinkValue");
    OBJECT_ATTRIBUTES attributes = world_attributes(&name, OBJ_CASE_INSENSITIVE);
    assert_status(open(u"\\Registry\\Machine\\System\\ControlSet001\\Services\\svc", NULL, &same),
                  STATUS_SUCCESS);
    ob_reference_by_handle(key, 0, NULL, KernelMode, &body, NULL);
    assert_status(ObQueryNameString(body, &room.info, sizeof(room), &length), STATUS_SUCCESS);
    assert_memory_equal(room.text, u"\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\svc",
                        room.info.Name.Length);
    assert_status(ZwQueryValueKey(key, &value, KeyValuePartialInformation, &room, sizeof(room), &length),
                  STATUS_OBJECT_NAME_NOT_FOUND);
    assert_status(ZwOpenKeyEx(&link, KEY_READ, &attributes, REG_OPTION_OPEN_LINK), STATUS_SUCCESS);
    assert_status(ZwQueryValueKey(link, &value, KeyValuePartialInformation, &room, sizeof(room), &length),
                  STATUS_SUCCESS);
    assert_status(ZwOpenKeyEx(&link, KEY_READ, &attributes, 1), STATUS_INVALID_PARAMETER);
}

static void link_loops_end(void **state)
{
    HANDLE link, key;
    UNICODE_STRING value = world_string(u"SymbolicLinkValue");
    WCHAR target[] = SERVICES u"\\Loop\\deeper";
    assert_status(create(SERVICES u"\\Loop", NULL, REG_OPTION_CREATE_LINK, &link, NULL), STATUS_SUCCESS);
    assert_status(ZwSetValueKey(link, &value, 0, REG_LINK, target, sizeof(target) - 2), STATUS_SUCCESS);
    assert_status(open(SERVICES u"\\Loop\\x", NULL, &key), STATUS_OBJECT_NAME_NOT_FOUND);
}

static void values_follow_the_buffer_rules(void **state)
{
    HANDLE key = service();
    UNICODE_STRING name = world_string(u"Data");
    UCHAR data[6] = {1, 2, 3, 4, 5, 6}, buffer[64];
    KEY_VALUE_PARTIAL_INFORMATION *partial = (void *)buffer;
    KEY_VALUE_FULL_INFORMATION *full = (void *)buffer;
    KEY_VALUE_BASIC_INFORMATION *basic = (void *)buffer;
    ULONG length;
    assert_status(ZwSetValueKey(key, &name, 0, REG_BINARY, data, sizeof(data)), STATUS_SUCCESS);
    assert_status(ZwQueryValueKey(key, &name, KeyValuePartialInformation, buffer, sizeof(buffer), &length),
                  STATUS_SUCCESS);
    assert_int_equal(length, 18);
    assert_int_equal(partial->Type, REG_BINARY);
    assert_int_equal(partial->DataLength, 6);
    assert_memory_equal(partial->Data, data, 6);
    memset(buffer, 0xEE, sizeof(buffer));
    assert_status(ZwQueryValueKey(key, &name, KeyValuePartialInformation, buffer, 14, &length),
                  STATUS_BUFFER_OVERFLOW);
    assert_int_equal(length, 18);
    assert_int_equal(partial->DataLength, 6);
    assert_int_equal(partial->Data[1], 2);
    assert_int_equal(partial->Data[2], 0xEE);
    memset(buffer, 0xEE, sizeof(buffer));
    assert_status(ZwQueryValueKey(key, &name, KeyValuePartialInformation, buffer, 11, &length),
                  STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(length, 18);
    assert_int_equal(buffer[0], 0xEE);
    assert_status(ZwQueryValueKey(key, &name, KeyValuePartialInformation, NULL, 0, &length),
                  STATUS_BUFFER_TOO_SMALL);
    assert_status(ZwQueryValueKey(key, &name, KeyValueFullInformation, buffer, sizeof(buffer), &length),
                  STATUS_SUCCESS);
    assert_int_equal(full->NameLength, 8);
    assert_int_equal(full->DataOffset, 28);
    assert_memory_equal(buffer + full->DataOffset, data, 6);
    assert_status(
        ZwQueryValueKey(key, &name, KeyValueFullInformationAlign64, buffer, sizeof(buffer), &length),
        STATUS_SUCCESS);
    assert_int_equal(full->DataOffset, 32);
    assert_status(ZwQueryValueKey(key, &name, KeyValueBasicInformation, buffer, sizeof(buffer), &length),
                  STATUS_SUCCESS);
    assert_memory_equal(basic->Name, u"Data", 8);
    assert_int_equal(length, 20);
    assert_status(
        ZwQueryValueKey(key, &name, KeyValuePartialInformationAlign64, buffer, sizeof(buffer), &length),
        STATUS_SUCCESS);
    assert_int_equal(length, 14);
    assert_status(
        ZwQueryValueKey(key, &name, (KEY_VALUE_INFORMATION_CLASS)9, buffer, sizeof(buffer), &length),
        STATUS_INVALID_PARAMETER);
    name = world_string(u"none");
    assert_status(ZwQueryValueKey(key, &name, KeyValuePartialInformation, buffer, sizeof(buffer), &length),
                  STATUS_OBJECT_NAME_NOT_FOUND);
}

static void setting_replaces(void **state)
{
    HANDLE key = service();
    UNICODE_STRING name = world_string(u"V"), other_case = world_string(u"v");
    KEY_VALUE_PARTIAL_INFORMATION partial;
    ULONG number = 7, length;
    assert_status(ZwSetValueKey(key, &name, 0, REG_BINARY, "abcdef", 6), STATUS_SUCCESS);
    assert_status(ZwSetValueKey(key, &other_case, 0, REG_DWORD, &number, 4), STATUS_SUCCESS);
    assert_status(ZwQueryValueKey(key, &name, KeyValuePartialInformation, &partial, sizeof(partial), &length),
                  STATUS_SUCCESS);
    assert_int_equal(partial.Type, REG_DWORD);
    assert_int_equal(*(ULONG *)partial.Data, 7);
    assert_status(ZwSetValueKey(key, NULL, 0, REG_DWORD, &number, 4), STATUS_SUCCESS); /* the unnamed value */
    assert_status(ZwEnumerateValueKey(key, 1, KeyValueBasicInformation, &partial, sizeof(partial), &length),
                  STATUS_SUCCESS);
    assert_status(ZwEnumerateValueKey(key, 2, KeyValueBasicInformation, &partial, sizeof(partial), &length),
                  STATUS_NO_MORE_ENTRIES);
    assert_status(ZwDeleteValueKey(key, &name), STATUS_SUCCESS);
    assert_status(ZwDeleteValueKey(key, &name), STATUS_OBJECT_NAME_NOT_FOUND);
}

static void subkeys_are_enumerated_in_order(void **state)
{
    HANDLE key = service(), child;
    struct {
        KEY_BASIC_INFORMATION info;
        WCHAR more[16];
    } room;
    KEY_FULL_INFORMATION full;
    ULONG length;
    assert_status(create(u"beta", key, 0, &child, NULL), STATUS_SUCCESS);
    assert_status(create(u"Alpha1", key, 0, &child, NULL), STATUS_SUCCESS);
    assert_status(ZwEnumerateKey(key, 0, KeyBasicInformation, &room, sizeof(room), &length), STATUS_SUCCESS);
    assert_int_equal(length, offsetof(KEY_BASIC_INFORMATION, Name) + 12);
    assert_memory_equal(room.info.Name, u"Alpha1", 12);
    assert_status(ZwEnumerateKey(key, 1, KeyBasicInformation, &room, sizeof(room), &length), STATUS_SUCCESS);
    assert_memory_equal(room.info.Name, u"beta", 8);
    assert_status(ZwEnumerateKey(key, 2, KeyBasicInformation, &room, sizeof(room), &length),
                  STATUS_NO_MORE_ENTRIES);
    assert_status(ZwEnumerateKey(key, 0, KeyNameInformation, &room, sizeof(room), &length),
                  STATUS_INVALID_PARAMETER);
    assert_status(ZwEnumerateKey(key, 0, KeyBasicInformation, &room, 20, &length), STATUS_BUFFER_OVERFLOW);
    assert_status(ZwEnumerateKey(key, 0, KeyBasicInformation, &room, 15, &length), STATUS_BUFFER_TOO_SMALL);
    assert_status(ZwQueryKey(key, KeyFullInformation, &full, sizeof(full), &length), STATUS_SUCCESS);
    assert_int_equal(full.SubKeys, 2);
    assert_int_equal(full.MaxNameLen, 12);
    assert_int_equal(full.ClassLength, 0);
}

static void keys_with_children_stay(void **state)
{
    HANDLE key = service(), child, again;
    ULONG length;
    UNICODE_STRING name = world_string(u"V");
    assert_status(create(u"child", key, 0, &child, NULL), STATUS_SUCCESS);
    assert_status(ZwDeleteKey(key), STATUS_CANNOT_DELETE);
    assert_status(ZwDeleteKey(child), STATUS_SUCCESS);
    assert_status(ZwDeleteKey(child), STATUS_KEY_DELETED);
    assert_status(ZwSetValueKey(child, &name, 0, REG_NONE, NULL, 0), STATUS_KEY_DELETED);
    assert_status(ZwQueryKey(child, KeyBasicInformation, NULL, 0, &length), STATUS_KEY_DELETED);
    assert_status(ZwFlushKey(child), STATUS_KEY_DELETED);
    assert_status(ZwFlushKey(key), STATUS_SUCCESS);
    assert_status(open(u"child", key, &again), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_status(create(u"child", key, 0, &again, NULL), STATUS_SUCCESS);
    assert_status(ZwClose(child), STATUS_SUCCESS);
}

static void volatile_parents_have_volatile_children(void **state)
{
    HANDLE key;
    assert_status(create(u"\\Registry\\Machine\\Hardware\\DeviceMap\\X", NULL, 0, &key, NULL),
                  STATUS_CHILD_MUST_BE_VOLATILE);
    assert_status(
        create(u"\\Registry\\Machine\\Hardware\\DeviceMap\\X", NULL, REG_OPTION_VOLATILE, &key, NULL),
        STATUS_SUCCESS);
}

static void users_need_the_access(void **state)
{
    HANDLE key;
    KEY_VALUE_PARTIAL_INFORMATION partial;
    ULONG length;
    UNICODE_STRING path = world_string(SERVICES), name = world_string(u"V");
    OBJECT_ATTRIBUTES attributes = world_attributes(&path, OBJ_CASE_INSENSITIVE);
    assert_status(ZwOpenKey(&key, KEY_SET_VALUE, &attributes), STATUS_SUCCESS);
    world_user_high = UINTPTR_MAX;
    world_set_mode(UserMode);
    assert_status(NtQueryValueKey(key, &name, KeyValuePartialInformation, &partial, sizeof(partial), &length),
                  STATUS_ACCESS_DENIED);
    world_set_mode(KernelMode);
    assert_status(ZwQueryValueKey(key, &name, KeyValuePartialInformation, &partial, sizeof(partial), &length),
                  STATUS_OBJECT_NAME_NOT_FOUND);
}

static void classes_are_kept(void **state)
{
    struct {
        KEY_NODE_INFORMATION info;
        WCHAR more[32];
    } room;
    HANDLE key;
    ULONG length;
    UNICODE_STRING name = world_string(SERVICES u"\\classy"), class_name = world_string(u"Cls");
    OBJECT_ATTRIBUTES attributes = world_attributes(&name, OBJ_CASE_INSENSITIVE);
    assert_status(ZwCreateKey(&key, KEY_ALL_ACCESS, &attributes, 0, &class_name, 0, NULL), STATUS_SUCCESS);
    assert_status(ZwQueryKey(key, KeyNodeInformation, &room, sizeof(room), &length), STATUS_SUCCESS);
    assert_int_equal(room.info.ClassLength, 6);
    assert_memory_equal((char *)&room + room.info.ClassOffset, u"Cls", 6);
    assert_memory_equal(room.info.Name, u"classy", 12);
}

static void deleting_trees_frees_them(void **state)
{
    ULONG type, number = 1, length = 4;
    assert_status(cm_create_key(SERVICES u"\\warm"), STATUS_SUCCESS);
    assert_status(cm_delete_tree(SERVICES u"\\warm"), STATUS_SUCCESS);
    long blocks = world_live_blocks;
    assert_status(cm_set_value(SERVICES u"\\deep\\er\\still", u"n", REG_DWORD, &number, 4), STATUS_SUCCESS);
    assert_status(cm_query_value(SERVICES u"\\deep\\er\\still", u"N", &type, &number, &length),
                  STATUS_SUCCESS);
    assert_true(cm_key_exists(SERVICES u"\\deep\\er"));
    assert_status(cm_delete_tree(SERVICES u"\\deep"), STATUS_SUCCESS);
    assert_false(cm_key_exists(SERVICES u"\\deep"));
    assert_int_equal(world_live_blocks, blocks);
    assert_status(cm_create_key(u"\\Elsewhere\\x"), STATUS_OBJECT_PATH_SYNTAX_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keys_are_created_one_at_a_time, world_start, world_stop),
        cmocka_unit_test_setup_teardown(the_current_control_set_is_a_link, world_start, world_stop),
        cmocka_unit_test_setup_teardown(link_loops_end, world_start, world_stop),
        cmocka_unit_test_setup_teardown(values_follow_the_buffer_rules, world_start, world_stop),
        cmocka_unit_test_setup_teardown(setting_replaces, world_start, world_stop),
        cmocka_unit_test_setup_teardown(subkeys_are_enumerated_in_order, world_start, world_stop),
        cmocka_unit_test_setup_teardown(keys_with_children_stay, world_start, world_stop),
        cmocka_unit_test_setup_teardown(volatile_parents_have_volatile_children, world_start, world_stop),
        cmocka_unit_test_setup_teardown(users_need_the_access, world_start, world_stop),
        cmocka_unit_test_setup_teardown(classes_are_kept, world_start, world_stop),
        cmocka_unit_test_setup_teardown(deleting_trees_frees_them, world_start, world_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
