/* SPDX-License-Identifier: MIT */
/* Controller objects as the runtime counts them: what is made is listed until it is deleted. */
#include "io_test.h"
#include "io/routines.h"

static void count(const CONTROLLER_OBJECT *controller, const void *caller, void *context)
{
    (void)controller;
    (void)caller;
    ++*(unsigned *)context;
}

static unsigned listed(void)
{
    unsigned controllers = 0;
    io_for_each_controller(count, &controllers);
    return controllers;
}

NT_TEST(controllers_are_listed)
{
    PCONTROLLER_OBJECT first = IoCreateController(0), second = IoCreateController(PAGE_SIZE);
    CHECK(first != NULL && second != NULL && first->Type == IO_TYPE_CONTROLLER);
    CHECK(listed() == 2);
    IoDeleteController(first);
    CHECK(listed() == 1);
    IoDeleteController(second);
    CHECK(listed() == 0);
}

NT_BUGCHECK_TEST(free_what_nobody_has, DEVICE_QUEUE_NOT_BUSY)
{
    IoFreeController(IoCreateController(0));
}

int run_controller_tests(void)
{
    const struct CMUnitTest tests[] = {
        IO_TEST(controllers_are_listed),
        IO_TEST(free_what_nobody_has),
    };
    return cmocka_run_group_tests_name("io: controllers", tests, NULL, NULL);
}
