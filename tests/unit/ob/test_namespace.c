/* SPDX-License-Identifier: MIT */
/* Names: directories, links, case, lifetimes, full names, listings. */
#include <string.h>
#include "world.h"
#include "rtl/rtl.h"
#include "ob/routines.h"

static struct ob_type *device_like, *event_like;
static WCHAR seen_rest[64];

static NTSTATUS parse(void *body, const UNICODE_STRING *rest, struct ob_open_request *request, void **opened)
{
    memcpy(seen_rest, rest->Buffer, rest->Length);
    seen_rest[rest->Length / 2] = 0;
    ob_reference(body);
    *opened = body;
    return STATUS_SUCCESS;
}

static int start(void **state)
{
    struct ob_type_ops device = {
        .name = "Dev", .dispatcher_offset = -1, .parse = parse, .valid_access = 0xFFFF};
    struct ob_type_ops event = {
        .name = "Evt", .dispatcher_offset = -1, .case_sensitive = true, .valid_access = 0xFFFF};
    if (world_start(state))
        return -1;
    device_like = ob_type_create(&device);
    event_like = ob_type_create(&event);
    return 0;
}

static void *insert(struct ob_type *type, const WCHAR *path, ULONG attributes, NTSTATUS expected)
{
    UNICODE_STRING name = world_string(path);
    void *body = ob_create(type, 16);
    assert_status(ob_insert(body, &name, NULL, attributes), expected);
    return body;
}

static NTSTATUS find(const WCHAR *path, struct ob_type *wanted, ULONG flags, void **body)
{
    UNICODE_STRING name = world_string(path);
    OBJECT_ATTRIBUTES attributes = world_attributes(&name, flags);
    struct ob_open_request request = {.wanted = wanted};
    return ob_open_by_name(&attributes, &request, body);
}

static void assert_finds(const WCHAR *path, void *expected)
{
    void *body = NULL;
    assert_status(find(path, NULL, 0, &body), STATUS_SUCCESS);
    assert_ptr_equal(body, expected);
    ob_dereference(body);
}

static void names_lead_to_objects(void **state)
{
    void *body = insert(device_like, u"\\Device\\X", OBJ_PERMANENT, STATUS_SUCCESS);
    assert_finds(u"\\Device\\X", body);
    assert_finds(u"\\Device\\X\\rest\\of it", body);
    assert_memory_equal(seen_rest, u"\\rest\\of it", 22);
    insert(device_like, u"\\Device\\x", 0, STATUS_OBJECT_NAME_COLLISION);
}

static void bad_names_are_told_apart(void **state)
{
    void *body;
    assert_status(find(u"\\Device\\none", NULL, 0, &body), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_status(find(u"\\Nowhere\\none", NULL, 0, &body), STATUS_OBJECT_PATH_NOT_FOUND);
    assert_status(find(u"Device\\none", NULL, 0, &body), STATUS_OBJECT_PATH_SYNTAX_BAD);
    assert_status(find(u"\\Device\\\\none", NULL, 0, &body), STATUS_OBJECT_NAME_INVALID);
    assert_status(find(u"", NULL, 0, &body), STATUS_OBJECT_NAME_INVALID);
    insert(event_like, u"\\Nowhere\\x", 0, STATUS_OBJECT_PATH_NOT_FOUND);
    insert(event_like, u"\\Device\\", 0, STATUS_OBJECT_NAME_INVALID);
    insert(event_like, u"x", 0, STATUS_OBJECT_PATH_SYNTAX_BAD);
    void *event = insert(event_like, u"\\KernelObjects\\e", 0, STATUS_SUCCESS);
    assert_status(find(u"\\KernelObjects\\e\\f", NULL, 0, &body), STATUS_OBJECT_TYPE_MISMATCH);
    assert_status(find(u"\\KernelObjects\\e", device_like, 0, &body), STATUS_OBJECT_TYPE_MISMATCH);
    ob_dereference(event);
    assert_status(find(u"\\KernelObjects\\e", NULL, 0, &body), STATUS_OBJECT_NAME_NOT_FOUND);
}

static void case_matters_where_the_type_says_so(void **state)
{
    void *body, *device = insert(device_like, u"\\Device\\Mixed", OBJ_PERMANENT, STATUS_SUCCESS);
    void *event = insert(event_like, u"\\KernelObjects\\Mixed", OBJ_PERMANENT, STATUS_SUCCESS);
    assert_finds(u"\\dEvIcE\\mIxEd", device);
    assert_status(find(u"\\KernelObjects\\mixed", event_like, 0, &body), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_status(find(u"\\KernelObjects\\mixed", event_like, OBJ_CASE_INSENSITIVE, &body), STATUS_SUCCESS);
    assert_ptr_equal(body, event);
    insert(event_like, u"\\KernelObjects\\mixed", OBJ_PERMANENT, STATUS_SUCCESS);
}

static NTSTATUS make_link(const WCHAR *path, const WCHAR *target, HANDLE *handle)
{
    UNICODE_STRING name = world_string(path), text = world_string(target);
    OBJECT_ATTRIBUTES attributes = world_attributes(&name, OBJ_PERMANENT | OBJ_CASE_INSENSITIVE);
    return ZwCreateSymbolicLinkObject(handle, SYMBOLIC_LINK_ALL_ACCESS, &attributes, &text);
}

static void links_are_names_parsed_again(void **state)
{
    HANDLE link;
    void *body;
    assert_status(make_link(u"\\DosDevices\\L", u"\\Device\\Later", &link), STATUS_SUCCESS);
    assert_status(find(u"\\??\\L", NULL, 0, &body), STATUS_OBJECT_NAME_NOT_FOUND);
    void *device = insert(device_like, u"\\Device\\Later", OBJ_PERMANENT, STATUS_SUCCESS);
    assert_finds(u"\\??\\L", device);
    assert_finds(u"\\GLOBAL??\\l\\tail", device);
    assert_memory_equal(seen_rest, u"\\tail", 12);
    assert_finds(u"\\??\\GLOBALROOT\\Device\\Later", device);
    assert_finds(u"\\DosDevices\\Global\\L", device);
    assert_status(find(u"\\??\\L", NULL, OBJ_DONT_REPARSE, &body), STATUS_REPARSE_POINT_ENCOUNTERED);
    assert_status(ZwMakeTemporaryObject(link), STATUS_SUCCESS);
    assert_status(ZwClose(link), STATUS_SUCCESS);
    assert_status(find(u"\\??\\L", NULL, 0, &body), STATUS_OBJECT_NAME_NOT_FOUND);
}

static void link_loops_end(void **state)
{
    HANDLE a, b;
    void *body;
    assert_status(make_link(u"\\??\\A", u"\\??\\B", &a), STATUS_SUCCESS);
    assert_status(make_link(u"\\??\\B", u"\\??\\A", &b), STATUS_SUCCESS);
    assert_status(find(u"\\??\\A\\x", NULL, 0, &body), STATUS_OBJECT_NAME_NOT_FOUND);
}

static void links_tell_their_target(void **state)
{
    HANDLE handle;
    WCHAR text[32];
    ULONG length;
    UNICODE_STRING name = world_string(u"\\??\\Q"), room = {0, sizeof(text), text}, small = {0, 4, text};
    OBJECT_ATTRIBUTES attributes = world_attributes(&name, OBJ_CASE_INSENSITIVE);
    assert_status(make_link(u"\\??\\Q", u"\\Device\\T", &handle), STATUS_SUCCESS);
    assert_status(ZwClose(handle), STATUS_SUCCESS);
    assert_status(ZwOpenSymbolicLinkObject(&handle, GENERIC_READ, &attributes), STATUS_SUCCESS);
    assert_status(ZwQuerySymbolicLinkObject(handle, &room, &length), STATUS_SUCCESS);
    assert_int_equal(room.Length, 18);
    assert_int_equal(length, 20);
    assert_memory_equal(text, u"\\Device\\T", 20);
    assert_status(ZwQuerySymbolicLinkObject(handle, &small, &length), STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(length, 20);
}

static void temporary_names_go_with_the_last_handle(void **state)
{
    HANDLE one, two;
    void *body, *event = insert(event_like, u"\\KernelObjects\\Temp", 0, STATUS_SUCCESS);
    assert_status(ob_handle_create(event, 1, 0, NULL, &one), STATUS_SUCCESS);
    assert_status(ob_handle_create(event, 1, 0, NULL, &two), STATUS_SUCCESS);
    ob_handle_close(one, KernelMode);
    assert_finds(u"\\KernelObjects\\Temp", event);
    ob_handle_close(two, KernelMode);
    assert_status(find(u"\\KernelObjects\\Temp", NULL, 0, &body), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_int_equal(ob_pointer_count(event), 1);
}

static void permanent_objects_stay_until_made_temporary(void **state)
{
    HANDLE handle;
    void *body, *event = insert(event_like, u"\\KernelObjects\\Perm", OBJ_PERMANENT, STATUS_SUCCESS);
    assert_status(ob_handle_create(event, 1, 0, NULL, &handle), STATUS_SUCCESS);
    ob_handle_close(handle, KernelMode);
    ob_dereference(event);
    assert_finds(u"\\KernelObjects\\Perm", event);
    long blocks = world_live_blocks;
    ob_make_temporary(event);
    assert_status(find(u"\\KernelObjects\\Perm", NULL, 0, &body), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_int_equal(world_live_blocks, blocks - 2); /* object and name */
}

static void full_names_have_all_directories(void **state)
{
    struct {
        OBJECT_NAME_INFORMATION info;
        WCHAR text[64];
    } room;
    ULONG length;
    UNICODE_STRING path = world_string(u"\\Device\\Sub");
    OBJECT_ATTRIBUTES attributes = world_attributes(&path, OBJ_PERMANENT);
    HANDLE directory;
    assert_status(ZwCreateDirectoryObject(&directory, DIRECTORY_ALL_ACCESS, &attributes), STATUS_SUCCESS);
    void *body = insert(device_like, u"\\device\\sub\\Deep", OBJ_PERMANENT, STATUS_SUCCESS);
    assert_status(ObQueryNameString(body, &room.info, sizeof(room), &length), STATUS_SUCCESS);
    assert_int_equal(room.info.Name.Length, 32);
    assert_int_equal(room.info.Name.MaximumLength, 34);
    assert_memory_equal(room.info.Name.Buffer, u"\\Device\\Sub\\Deep", 34);
    assert_int_equal(length, sizeof(room.info) + 34);
    assert_status(ObQueryNameString(body, NULL, 0, &length), STATUS_INFO_LENGTH_MISMATCH);
    assert_int_equal(length, sizeof(room.info) + 34);
    assert_status(ObQueryNameString(body, &room.info, length - 1, &length), STATUS_INFO_LENGTH_MISMATCH);
    assert_status(ObQueryNameString(body, &room.info, length, &length), STATUS_SUCCESS);
    void *nameless = ob_create(event_like, 16);
    assert_status(ObQueryNameString(nameless, &room.info, sizeof(room), &length), STATUS_SUCCESS);
    assert_null(room.info.Name.Buffer);
    assert_int_equal(length, sizeof(room.info));
}

static void listings_come_in_pieces(void **state)
{
    _Alignas(8) char buffer[512];
    OBJECT_DIRECTORY_INFORMATION *entry = (void *)buffer;
    ULONG context = 0, length;
    HANDLE directory;
    UNICODE_STRING path = world_string(u"\\FileSystem");
    OBJECT_ATTRIBUTES attributes = world_attributes(&path, OBJ_CASE_INSENSITIVE);
    insert(event_like, u"\\FileSystem\\one", OBJ_PERMANENT, STATUS_SUCCESS);
    insert(event_like, u"\\FileSystem\\two", OBJ_PERMANENT, STATUS_SUCCESS);
    assert_status(ZwOpenDirectoryObject(&directory, DIRECTORY_QUERY, &attributes), STATUS_SUCCESS);
    assert_status(ZwQueryDirectoryObject(directory, buffer, sizeof(buffer), FALSE, TRUE, &context, &length),
                  STATUS_SUCCESS);
    assert_int_equal(context, 2);
    assert_int_equal(entry[0].Name.Length, 6);
    assert_memory_equal(entry[0].TypeName.Buffer, u"Evt", 8);
    assert_null(entry[2].Name.Buffer);
    assert_status(ZwQueryDirectoryObject(directory, buffer, sizeof(buffer), FALSE, FALSE, &context, &length),
                  STATUS_NO_MORE_ENTRIES);
    assert_status(ZwQueryDirectoryObject(directory, buffer, sizeof(buffer), TRUE, TRUE, &context, &length),
                  STATUS_SUCCESS);
    assert_int_equal(context, 1);
    assert_status(ZwQueryDirectoryObject(directory, buffer, 90, FALSE, TRUE, &context, &length),
                  STATUS_MORE_ENTRIES);
    assert_status(ZwQueryDirectoryObject(directory, buffer, 40, FALSE, TRUE, &context, &length),
                  STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(ZwClose(directory), STATUS_SUCCESS);
}

static void relative_names_start_at_a_directory(void **state)
{
    HANDLE directory;
    void *body, *device = insert(device_like, u"\\Device\\Rel", OBJ_PERMANENT, STATUS_SUCCESS);
    UNICODE_STRING path = world_string(u"\\Device"), name = world_string(u"Rel"),
                   absolute = world_string(u"\\Device\\Rel");
    OBJECT_ATTRIBUTES attributes = world_attributes(&path, OBJ_CASE_INSENSITIVE),
                      relative = world_attributes(&name, 0);
    assert_status(ZwOpenDirectoryObject(&directory, DIRECTORY_TRAVERSE, &attributes), STATUS_SUCCESS);
    struct ob_open_request request = {.wanted = device_like};
    relative.RootDirectory = directory;
    assert_status(ob_open_by_name(&relative, &request, &body), STATUS_SUCCESS);
    assert_ptr_equal(body, device);
    relative.ObjectName = &absolute;
    assert_status(ob_open_by_name(&relative, &request, &body), STATUS_OBJECT_NAME_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_lead_to_objects, start, world_stop),
        cmocka_unit_test_setup_teardown(bad_names_are_told_apart, start, world_stop),
        cmocka_unit_test_setup_teardown(case_matters_where_the_type_says_so, start, world_stop),
        cmocka_unit_test_setup_teardown(links_are_names_parsed_again, start, world_stop),
        cmocka_unit_test_setup_teardown(link_loops_end, start, world_stop),
        cmocka_unit_test_setup_teardown(links_tell_their_target, start, world_stop),
        cmocka_unit_test_setup_teardown(temporary_names_go_with_the_last_handle, start, world_stop),
        cmocka_unit_test_setup_teardown(permanent_objects_stay_until_made_temporary, start, world_stop),
        cmocka_unit_test_setup_teardown(full_names_have_all_directories, start, world_stop),
        cmocka_unit_test_setup_teardown(listings_come_in_pieces, start, world_stop),
        cmocka_unit_test_setup_teardown(relative_names_start_at_a_directory, start, world_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
