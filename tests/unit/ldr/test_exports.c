/* SPDX-License-Identifier: MIT */
/*
 * The look-up of the runtime's exports by module and name.
 */
#include "ldr_test.h"
#include "ldr/ldr.h"

static int test_variable;
EXPORT(ntoskrnl, LdrTestPlain, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
NTSTATUS NTAPI LdrTestPlain(void);
NTSTATUS NTAPI LdrTestPlain(void)
{
    return test_variable;
}

EXPORT(hal, LdrTestHal, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
void NTAPI LdrTestHal(void);
void NTAPI LdrTestHal(void)
{
}

EXPORT(ldrtestport, LdrTestPort, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
void NTAPI LdrTestPort(void);
void NTAPI LdrTestPort(void)
{
}

static void the_kernel_has_many_names(void **state)
{
    const struct export_entry *entry = ldr_find_export("ntoskrnl.exe", "LdrTestPlain");

    assert_non_null(entry);
    assert_ptr_equal(entry->address, LdrTestPlain);
    assert_ptr_equal(ldr_find_export("NTOSKRNL.EXE", "LdrTestPlain"), entry);
    assert_ptr_equal(ldr_find_export("ntkrnlmp.exe", "LdrTestPlain"), entry);
    assert_ptr_equal(ldr_find_export("ntoskrnl", "LdrTestPlain"), entry);
    assert_ptr_equal(ldr_find_export(NULL, "LdrTestPlain"), entry);
}

static void names_are_case_sensitive(void **state)
{
    assert_null(ldr_find_export("ntoskrnl.exe", "ldrtestplain"));
    assert_null(ldr_find_export("ntoskrnl.exe", "LdrTestPlainX"));
    assert_null(ldr_find_export("ntoskrnl.exe", ""));
}

static void the_hal_and_the_kernel_share_their_names(void **state)
{
    assert_non_null(ldr_find_export("HAL.dll", "LdrTestHal"));
    assert_non_null(ldr_find_export("ntoskrnl.exe", "LdrTestHal"));
    assert_non_null(ldr_find_export("hal.dll", "LdrTestPlain"));
}

static void other_modules_are_their_own(void **state)
{
    assert_non_null(ldr_find_export("LdrTestPort.sys", "LdrTestPort"));
    assert_null(ldr_find_export("ntoskrnl.exe", "LdrTestPort"));
    assert_null(ldr_find_export("ldrtest.sys", "LdrTestPort"));
    assert_null(ldr_find_export("nobody.sys", "LdrTestPlain"));
}

static void a_plain_function_is_bound_to_itself(void **state)
{
    assert_ptr_equal(ldr_bind_export(ldr_find_export("ntoskrnl", "LdrTestPlain"), false), LdrTestPlain);
}

int run_export_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kernel_has_many_names),
        cmocka_unit_test(names_are_case_sensitive),
        cmocka_unit_test(the_hal_and_the_kernel_share_their_names),
        cmocka_unit_test(other_modules_are_their_own),
        cmocka_unit_test(a_plain_function_is_bound_to_itself),
    };

    return cmocka_run_group_tests_name("exports", tests, NULL, NULL);
}
