/* SPDX-License-Identifier: MIT */
/* References and deletion: counts, deferral above PASSIVE_LEVEL, bug check 0x18. */
#include "world.h"
#include "ob/routines.h"

static int deleted, deferrals;
static void (*deferred)(void *);

static void note_delete(void *body)
{
    deleted++;
    assert_int_equal(*(int *)body, 42);
}

static void note_deferral(void (*run)(void *), void *context)
{
    deferrals++;
    deferred = run;
}

static struct ob_type *make_type(const char *name)
{
    struct ob_type_ops ops = {
        .name = name, .valid_access = 0x1F0003, .dispatcher_offset = -1, .delete_ = note_delete};
    deleted = deferrals = 0;
    ob_defer = note_deferral;
    return ob_type_create(&ops);
}

static int *make_object(void)
{
    int *body = ob_create(make_type("Thing"), sizeof(*body));
    *body = 42;
    return body;
}

static void last_reference_deletes(void **state)
{
    int *body = make_object();
    assert_int_equal(ObfReferenceObject(body), 2);
    assert_int_equal(ObfDereferenceObject(body), 1);
    assert_int_equal(deleted, 0);
    assert_int_equal(ObfDereferenceObject(body), 0);
    assert_int_equal(deleted, 1);
}

static void deletion_waits_for_passive_level(void **state)
{
    int *body = make_object();
    world_set_irql(DISPATCH_LEVEL);
    ob_dereference(body);
    assert_int_equal(deleted, 0);
    assert_int_equal(deferrals, 1);
    world_set_irql(PASSIVE_LEVEL);
    deferred(NULL);
    assert_int_equal(deleted, 1);
}

static void one_worker_empties_all(void **state)
{
    int *a = make_object(), *b = ob_create(ob_type_of(a), sizeof(*b)),
        *c = ob_create(ob_type_of(a), sizeof(*c));
    *b = *c = 42;
    ObDereferenceObjectDeferDelete(a);
    ObDereferenceObjectDeferDelete(b);
    assert_int_equal(deferrals, 1);
    assert_int_equal(deleted, 0);
    deferred(NULL);
    assert_int_equal(deleted, 2);
    ObDereferenceObjectDeferDelete(c);
    assert_int_equal(deferrals, 2);
    deferred(NULL);
    assert_int_equal(deleted, 3);
}

static void dead_objects_are_not_revived(void **state)
{
    int *body = make_object();
    assert_true(ObReferenceObjectSafe(body));
    ob_dereference(body);
    world_set_irql(DISPATCH_LEVEL);
    ob_dereference(body);
    assert_false(ObReferenceObjectSafe(body));
    assert_bugcheck(ob_reference(body), REFERENCE_BY_POINTER);
    assert_ptr_equal(world_stopped.p[0], ob_type_of(body));
    assert_ptr_equal(world_stopped.p[1], body);
    world_set_irql(PASSIVE_LEVEL);
}

static void too_many_dereferences_stop_the_machine(void **state)
{
    int *body = make_object();
    ObDereferenceObjectDeferDelete(body);
    assert_bugcheck(ob_dereference(body), REFERENCE_BY_POINTER);
}

static void dereferencing_a_handles_reference_stops_the_machine(void **state)
{
    HANDLE handle;
    int *body = make_object();
    assert_status(ob_handle_create(body, 1, 0, NULL, &handle), STATUS_SUCCESS);
    ob_dereference(body);
    assert_bugcheck(ob_dereference(body), REFERENCE_BY_POINTER);
}

static void by_pointer_compares_types_for_users_only(void **state)
{
    int *body = make_object();
    POBJECT_TYPE own = (POBJECT_TYPE)ob_type_of(body), other = (POBJECT_TYPE)ob_event_type;
    assert_status(ObReferenceObjectByPointer(body, 0, own, UserMode), STATUS_SUCCESS);
    assert_status(ObReferenceObjectByPointer(body, 0, other, UserMode), STATUS_OBJECT_TYPE_MISMATCH);
    assert_status(ObReferenceObjectByPointer(body, 0, NULL, UserMode), STATUS_OBJECT_TYPE_MISMATCH);
    assert_status(ObReferenceObjectByPointer(body, 0, other, KernelMode), STATUS_SUCCESS);
    assert_status(ObReferenceObjectByPointer(body, 0, NULL, KernelMode), STATUS_SUCCESS);
    assert_status(ObReferenceObjectByPointer(body, 0, (POBJECT_TYPE)ob_symbolic_link_type, KernelMode),
                  STATUS_OBJECT_TYPE_MISMATCH);
    assert_int_equal(ob_pointer_count(body), 4);
}

static void out_of_memory_creates_nothing(void **state)
{
    struct ob_type *type = make_type("Scarce");
    world_out_of_memory = true;
    assert_null(ob_create(type, 8));
    assert_int_equal(type->objects, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(last_reference_deletes, world_start, world_stop),
        cmocka_unit_test_setup_teardown(deletion_waits_for_passive_level, world_start, world_stop),
        cmocka_unit_test_setup_teardown(one_worker_empties_all, world_start, world_stop),
        cmocka_unit_test_setup_teardown(dead_objects_are_not_revived, world_start, world_stop),
        cmocka_unit_test_setup_teardown(too_many_dereferences_stop_the_machine, world_start, world_stop),
        cmocka_unit_test_setup_teardown(dereferencing_a_handles_reference_stops_the_machine, world_start,
                                        world_stop),
        cmocka_unit_test_setup_teardown(by_pointer_compares_types_for_users_only, world_start, world_stop),
        cmocka_unit_test_setup_teardown(out_of_memory_creates_nothing, world_start, world_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
