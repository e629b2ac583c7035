/* SPDX-License-Identifier: MIT */
/* Handles: kernel and user, access, counts, closing, events, capture of user parameters. */
#include <string.h>
#include "world.h"
#include "ob/routines.h"

static struct ob_type *counted;
static LONG last_handles, last_process_handles;
static int closes;

static void note_close(void *body, LONG handles, LONG process_handles)
{
    last_handles = handles;
    last_process_handles = process_handles;
    closes++;
}

static int start(void **state)
{
    struct ob_type_ops ops = {
        .name = "Counted", .dispatcher_offset = -1, .close = note_close, .valid_access = 0xFFFF};
    closes = 0;
    if (world_start(state))
        return -1;
    counted = ob_type_create(&ops);
    return 0;
}

static void be_user_process(void)
{
    world_thread->tcb.process = ps_api_process();
}

static HANDLE make_event(ULONG flags, ACCESS_MASK access)
{
    HANDLE handle = NULL;
    OBJECT_ATTRIBUTES attributes = world_attributes(NULL, flags);
    assert_status(ZwCreateEvent(&handle, access, &attributes, NotificationEvent, FALSE), STATUS_SUCCESS);
    return handle;
}

static void kernel_handles_have_high_bits(void **state)
{
    void *body;
    be_user_process();
    HANDLE kernel = make_event(OBJ_KERNEL_HANDLE, EVENT_ALL_ACCESS), user = make_event(0, EVENT_ALL_ACCESS);
    assert_true((ULONG64)kernel >= 0xFFFFFFFF80000000ull);
    assert_true((ULONG64)user < 0x1000);
    assert_true(ObIsKernelHandle(kernel));
    assert_false(ObIsKernelHandle(user));
    assert_false(ObIsKernelHandle((HANDLE)-1));
    assert_status(ObReferenceObjectByHandle(kernel, 0, ExEventObjectType, UserMode, &body, NULL),
                  STATUS_INVALID_HANDLE);
    world_thread->tcb.process = ps_system_process();
    assert_status(ObReferenceObjectByHandle(kernel, 0, ExEventObjectType, KernelMode, &body, NULL),
                  STATUS_SUCCESS);
    ob_dereference(body);
    assert_status(ZwClose(kernel), STATUS_SUCCESS);
    be_user_process();
    assert_status(ZwClose(user), STATUS_SUCCESS);
}

static void access_is_compared_for_users_only(void **state)
{
    void *body;
    OBJECT_HANDLE_INFORMATION information;
    HANDLE handle = make_event(0, SYNCHRONIZE | GENERIC_READ);
    assert_status(
        ObReferenceObjectByHandle(handle, EVENT_MODIFY_STATE, ExEventObjectType, UserMode, &body, NULL),
        STATUS_ACCESS_DENIED);
    assert_null(body);
    assert_status(ObReferenceObjectByHandle(handle, EVENT_MODIFY_STATE, ExEventObjectType, KernelMode, &body,
                                            &information),
                  STATUS_SUCCESS);
    assert_int_equal(information.GrantedAccess, SYNCHRONIZE | READ_CONTROL | EVENT_QUERY_STATE);
    ob_dereference(body);
    assert_status(ObReferenceObjectByHandle(handle, 0, (POBJECT_TYPE)counted, KernelMode, &body, NULL),
                  STATUS_OBJECT_TYPE_MISMATCH);
    assert_null(body);
    assert_status(ObReferenceObjectByHandle(NULL, 0, NULL, KernelMode, &body, NULL), STATUS_INVALID_HANDLE);
    assert_status(ObReferenceObjectByHandle((HANDLE)0x7777770, 0, NULL, KernelMode, &body, NULL),
                  STATUS_INVALID_HANDLE);
}

static void closing_tells_the_type_the_counts(void **state)
{
    HANDLE one, two, other;
    void *body = ob_create(counted, 8);
    assert_status(ob_handle_create(body, 1, 0, NULL, &one), STATUS_SUCCESS);
    assert_status(ob_handle_create(body, 1, 0, NULL, &two), STATUS_SUCCESS);
    be_user_process();
    assert_status(ob_handle_create(body, 1, 0, NULL, &other), STATUS_SUCCESS);
    assert_int_equal(ob_handle_count(body), 3);
    assert_status(ob_handle_close(other, KernelMode), STATUS_SUCCESS);
    assert_int_equal(last_handles, 3);
    assert_int_equal(last_process_handles, 1);
    world_thread->tcb.process = ps_system_process();
    ob_handle_close(one, KernelMode);
    assert_int_equal(last_handles, 2);
    assert_int_equal(last_process_handles, 2);
    ob_handle_close(two, KernelMode);
    assert_int_equal(last_handles, 1);
    assert_int_equal(last_process_handles, 1);
    assert_int_equal(ob_pointer_count(body), 1);
}

static void closing_all_goes_in_order(void **state)
{
    HANDLE handles[5];
    void *body = ob_create(counted, 8);
    struct ob_handle_table *table = ps_api_process()->handles;
    be_user_process();
    for (int i = 0; i < 5; i++) {
        assert_status(ob_handle_create(body, 1, 0, NULL, &handles[i]), STATUS_SUCCESS);
        assert_int_equal((ULONG64)handles[i], 4 * (i + 1));
    }
    ob_handle_table_close_all(table);
    assert_int_equal(closes, 5);
    assert_int_equal(ob_handle_count(body), 0);
    HANDLE again;
    assert_status(ob_handle_create(body, 1, 0, NULL, &again), STATUS_SUCCESS);
    assert_ptr_equal(again, handles[4]); /* the one freed last */
}

static void many_handles_keep_apart(void **state)
{
    enum { COUNT = 3000 };
    static HANDLE handles[COUNT];
    void *bodies[2] = {ob_create(counted, 8), ob_create(counted, 8)}, *found;
    for (int i = 0; i < COUNT; i++)
        assert_status(ob_handle_create(bodies[i % 2], (ACCESS_MASK)i, 0, NULL, &handles[i]), STATUS_SUCCESS);
    for (int i = 0; i < COUNT; i++) {
        ACCESS_MASK granted;
        assert_status(ob_reference_by_handle(handles[i], 0, counted, KernelMode, &found, &granted),
                      STATUS_SUCCESS);
        assert_ptr_equal(found, bodies[i % 2]);
        assert_int_equal(granted, i);
        ob_dereference(found);
    }
    for (int i = 0; i < COUNT; i++)
        ob_handle_close(handles[i], KernelMode);
    assert_int_equal(ob_handle_count(bodies[0]) + ob_handle_count(bodies[1]), 0);
}

static void bad_closes(void **state)
{
    HANDLE handle = make_event(OBJ_KERNEL_HANDLE, EVENT_ALL_ACCESS);
    assert_status(ZwClose(NULL), STATUS_INVALID_HANDLE);
    assert_status(ZwClose((HANDLE)0x7770), STATUS_INVALID_HANDLE);
    assert_status(ZwClose((HANDLE)-1), STATUS_INVALID_HANDLE);
    world_set_mode(UserMode);
    assert_status(NtClose(handle), STATUS_INVALID_HANDLE);
    world_set_mode(KernelMode);
    assert_status(ZwClose(handle), STATUS_SUCCESS);
    assert_bugcheck(ZwClose(handle), INVALID_KERNEL_HANDLE);
    assert_ptr_equal(world_stopped.p[0], handle);
    assert_int_equal(world_stopped.p[1], 1);
}

static void protected_handles_stay_open(void **state)
{
    BOOLEAN flags[2] = {FALSE, TRUE}, now[2];
    ULONG length;
    HANDLE handle = make_event(0, EVENT_ALL_ACCESS), kernel = make_event(OBJ_KERNEL_HANDLE, EVENT_ALL_ACCESS);
    assert_status(ZwSetInformationObject(handle, ObjectHandleFlagInformation, flags, sizeof(flags)),
                  STATUS_SUCCESS);
    assert_status(ZwQueryObject(handle, ObjectHandleFlagInformation, now, sizeof(now), &length),
                  STATUS_SUCCESS);
    assert_memory_equal(now, flags, 2);
    assert_status(ZwClose(handle), STATUS_HANDLE_NOT_CLOSABLE);
    assert_status(ZwSetInformationObject(kernel, ObjectHandleFlagInformation, flags, sizeof(flags)),
                  STATUS_SUCCESS);
    assert_bugcheck(ZwClose(kernel), INVALID_KERNEL_HANDLE);
    assert_int_equal(world_stopped.p[1], 0);
}

static void events_by_name(void **state)
{
    HANDLE one, two;
    LONG before;
    UNICODE_STRING name = world_string(u"\\BaseNamedObjects\\Ready");
    OBJECT_ATTRIBUTES attributes = world_attributes(&name, 0), openif = world_attributes(&name, OBJ_OPENIF);
    assert_status(ZwOpenEvent(&one, EVENT_ALL_ACCESS, &attributes), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_status(ZwCreateEvent(&one, EVENT_ALL_ACCESS, &attributes, SynchronizationEvent, FALSE),
                  STATUS_SUCCESS);
    assert_status(ZwCreateEvent(&two, EVENT_ALL_ACCESS, &attributes, SynchronizationEvent, FALSE),
                  STATUS_OBJECT_NAME_COLLISION);
    assert_status(ZwCreateEvent(&two, EVENT_ALL_ACCESS, &openif, SynchronizationEvent, FALSE),
                  STATUS_OBJECT_NAME_EXISTS);
    assert_status(ZwSetEvent(one, &before), STATUS_SUCCESS);
    assert_int_equal(before, 0);
    assert_status(ZwWaitForSingleObject(two, FALSE, NULL), STATUS_SUCCESS);
    assert_status(ZwResetEvent(two, &before), STATUS_SUCCESS);
    assert_int_equal(before, 1);
    assert_status(ZwSetEvent(one, NULL), STATUS_SUCCESS);
    assert_status(ZwClearEvent(two), STATUS_SUCCESS);
    assert_status(ZwWaitForSingleObject(one, FALSE, NULL), STATUS_TIMEOUT);
    ZwClose(one);
    ZwClose(two);
    assert_status(ZwOpenEvent(&one, EVENT_ALL_ACCESS, &attributes), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_status(ZwCreateEvent(&two, EVENT_ALL_ACCESS, NULL, (EVENT_TYPE)2, FALSE),
                  STATUS_INVALID_PARAMETER);
}

static void waiting_checks_its_handles(void **state)
{
    HANDLE handles[2] = {make_event(0, EVENT_ALL_ACCESS), make_event(0, EVENT_ALL_ACCESS)}, odd;
    void *body = ob_create(counted, 8);
    ob_handle_create(body, 0xFFFF, 0, NULL, &odd);
    assert_status(ZwWaitForSingleObject(odd, FALSE, NULL), STATUS_OBJECT_TYPE_MISMATCH);
    assert_status(ZwWaitForMultipleObjects(0, handles, WaitAny, FALSE, NULL), STATUS_INVALID_PARAMETER_1);
    assert_status(ZwWaitForMultipleObjects(65, handles, WaitAny, FALSE, NULL), STATUS_INVALID_PARAMETER_1);
    assert_status(ZwWaitForMultipleObjects(2, handles, (WAIT_TYPE)7, FALSE, NULL),
                  STATUS_INVALID_PARAMETER_3);
    ZwSetEvent(handles[1], NULL);
    assert_status(ZwWaitForMultipleObjects(2, handles, WaitAny, FALSE, NULL), STATUS_WAIT_1);
    assert_int_equal(ob_pointer_count(body), 2);
}

static void users_parameters_are_probed(void **state)
{
    static HANDLE handle;
    static LONG before;
    static OBJECT_ATTRIBUTES attributes;
    static UNICODE_STRING name;
    name = world_string(u"\\BaseNamedObjects\\FromUser");
    attributes = world_attributes(&name, OBJ_KERNEL_HANDLE);
    be_user_process();
    world_set_mode(UserMode);
    assert_status(NtCreateEvent(&handle, EVENT_ALL_ACCESS, &attributes, NotificationEvent, FALSE),
                  STATUS_ACCESS_VIOLATION);
    world_user_high = UINTPTR_MAX;
    assert_status(NtCreateEvent(&handle, EVENT_ALL_ACCESS, &attributes, NotificationEvent, FALSE),
                  STATUS_SUCCESS);
    assert_false(ObIsKernelHandle(handle)); /* a user cannot ask for one */
    world_user_high = 0;
    assert_status(NtSetEvent(handle, &before), STATUS_ACCESS_VIOLATION);
    assert_status(ZwSetEvent(handle, &before), STATUS_SUCCESS); /* Zw: the kernel's own parameters */
    assert_int_equal(before, 0);
    assert_int_equal(world_thread->tcb.previous_mode, UserMode);
    world_set_mode(KernelMode);
}

static void open_by_pointer(void **state)
{
    HANDLE handle;
    void *body = ob_create(counted, 8);
    POBJECT_TYPE type = (POBJECT_TYPE)counted;
    assert_status(ObOpenObjectByPointer(body, OBJ_KERNEL_HANDLE, NULL, 1, type, KernelMode, &handle),
                  STATUS_SUCCESS);
    assert_true(ObIsKernelHandle(handle));
    assert_status(ObOpenObjectByPointer(body, 0, NULL, 1, ExEventObjectType, KernelMode, &handle),
                  STATUS_OBJECT_TYPE_MISMATCH);
    assert_status(ObOpenObjectByPointer(body, 0x80000000, NULL, 1, type, KernelMode, &handle),
                  STATUS_INVALID_PARAMETER);
    assert_status(
        ObOpenObjectByPointer(body, OBJ_INHERIT | OBJ_EXCLUSIVE, NULL, 1, type, KernelMode, &handle),
        STATUS_INVALID_PARAMETER);
    assert_int_equal(ob_handle_count(body), 1);
}

static void exclusive_objects_have_one_owner(void **state)
{
    HANDLE handle, second;
    UNICODE_STRING name = world_string(u"\\BaseNamedObjects\\Mine");
    OBJECT_ATTRIBUTES attributes = world_attributes(&name, OBJ_EXCLUSIVE);
    assert_status(ZwCreateEvent(&handle, EVENT_ALL_ACCESS, &attributes, NotificationEvent, FALSE),
                  STATUS_SUCCESS);
    assert_status(ZwOpenEvent(&second, EVENT_ALL_ACCESS, &attributes), STATUS_SUCCESS);
    be_user_process();
    assert_status(ZwOpenEvent(&second, EVENT_ALL_ACCESS, &attributes), STATUS_ACCESS_DENIED);
}

static void by_name_gives_the_body(void **state)
{
    HANDLE handle;
    void *body, *by_handle;
    UNICODE_STRING name = world_string(u"\\BaseNamedObjects\\N");
    OBJECT_ATTRIBUTES attributes = world_attributes(&name, 0);
    assert_status(ZwCreateEvent(&handle, EVENT_ALL_ACCESS, &attributes, NotificationEvent, FALSE),
                  STATUS_SUCCESS);
    assert_status(ObReferenceObjectByName(&name, 0, NULL, 0, ExEventObjectType, KernelMode, NULL, &body),
                  STATUS_SUCCESS);
    assert_status(ObReferenceObjectByHandle(handle, 0, NULL, KernelMode, &by_handle, NULL), STATUS_SUCCESS);
    assert_ptr_equal(body, by_handle);
    assert_status(ObReferenceObjectByName(&name, 0, NULL, 0, (POBJECT_TYPE)counted, KernelMode, NULL, &body),
                  STATUS_OBJECT_TYPE_MISMATCH);
}

static void queries(void **state)
{
    struct {
        OBJECT_NAME_INFORMATION info;
        WCHAR text[64];
    } room;
    PUBLIC_OBJECT_BASIC_INFORMATION basic;
    ULONG length;
    HANDLE handle;
    UNICODE_STRING name = world_string(u"\\BaseNamedObjects\\Q");
    OBJECT_ATTRIBUTES attributes = world_attributes(&name, 0);
    assert_status(ZwCreateEvent(&handle, EVENT_ALL_ACCESS, &attributes, NotificationEvent, FALSE),
                  STATUS_SUCCESS);
    assert_status(ZwQueryObject(handle, ObjectBasicInformation, &basic, sizeof(basic), &length),
                  STATUS_SUCCESS);
    assert_int_equal(basic.HandleCount, 1);
    assert_int_equal(basic.PointerCount, 3);
    assert_int_equal(basic.GrantedAccess, EVENT_ALL_ACCESS);
    assert_status(ZwQueryObject(handle, ObjectBasicInformation, &basic, 4, &length),
                  STATUS_INFO_LENGTH_MISMATCH);
    assert_status(ZwQueryObject(handle, ObjectNameInformation, &room, sizeof(room), &length), STATUS_SUCCESS);
    assert_memory_equal(room.info.Name.Buffer, name.Buffer, name.Length + 2);
    assert_status(ZwQueryObject(handle, ObjectNameInformation, &room, 20, &length),
                  STATUS_INFO_LENGTH_MISMATCH);
    assert_int_equal(length, sizeof(room.info) + name.Length + 2);
    assert_status(ZwQueryObject(handle, (OBJECT_INFORMATION_CLASS)99, &room, sizeof(room), &length),
                  STATUS_INVALID_INFO_CLASS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(kernel_handles_have_high_bits, start, world_stop),
        cmocka_unit_test_setup_teardown(access_is_compared_for_users_only, start, world_stop),
        cmocka_unit_test_setup_teardown(closing_tells_the_type_the_counts, start, world_stop),
        cmocka_unit_test_setup_teardown(closing_all_goes_in_order, start, world_stop),
        cmocka_unit_test_setup_teardown(many_handles_keep_apart, start, world_stop),
        cmocka_unit_test_setup_teardown(bad_closes, start, world_stop),
        cmocka_unit_test_setup_teardown(protected_handles_stay_open, start, world_stop),
        cmocka_unit_test_setup_teardown(events_by_name, start, world_stop),
        cmocka_unit_test_setup_teardown(waiting_checks_its_handles, start, world_stop),
        cmocka_unit_test_setup_teardown(users_parameters_are_probed, start, world_stop),
        cmocka_unit_test_setup_teardown(open_by_pointer, start, world_stop),
        cmocka_unit_test_setup_teardown(exclusive_objects_have_one_owner, start, world_stop),
        cmocka_unit_test_setup_teardown(by_name_gives_the_body, start, world_stop),
        cmocka_unit_test_setup_teardown(queries, start, world_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
