/* SPDX-License-Identifier: MIT */
/* Names of codes. */
#include "rtl_test.h"

static void names_of_codes(void **state)
{
    assert_string_equal(rtl_status_name(0), "STATUS_SUCCESS");
    assert_string_equal(rtl_status_name(STATUS_PENDING), "STATUS_PENDING");
    assert_string_equal(rtl_status_name(STATUS_ACCESS_VIOLATION), "STATUS_ACCESS_VIOLATION");
    assert_string_equal(rtl_status_name(STATUS_BUFFER_OVERFLOW), "STATUS_BUFFER_OVERFLOW");
    assert_null(rtl_status_name((NTSTATUS)0xEDCBA987));
    assert_string_equal(rtl_bugcheck_name(0x0A), "IRQL_NOT_LESS_OR_EQUAL");
    assert_string_equal(rtl_bugcheck_name(0xC4), "DRIVER_VERIFIER_DETECTED_VIOLATION");
    assert_null(rtl_bugcheck_name(0xABCDEF));
    assert_string_equal(rtl_major_name(0x0E), "IRP_MJ_DEVICE_CONTROL");
    assert_string_equal(rtl_major_name(0x1B), "IRP_MJ_PNP");
    assert_string_equal(rtl_major_name(0x1C), "IRP_MJ_UNKNOWN");
}

/* Every name of the lists is found by its value: the lists are in order. */
static void lists_are_sorted(void **state)
{
#define FOUND(name_, value_) assert_non_null(rtl_status_name((NTSTATUS)(value_)));
    NT_STATUS_LIST(FOUND)
#define FOUND_BUGCHECK(name_, value_) assert_non_null(rtl_bugcheck_name((ULONG)(value_)));
    NT_BUGCHECK_LIST(FOUND_BUGCHECK)
}

int test_names(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_codes),
        cmocka_unit_test(lists_are_sorted),
    };
    return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
