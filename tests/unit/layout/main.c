/* SPDX-License-Identifier: MIT */
/* Runs what of include/nt does more than lie in memory. */
#include "layout_test.h"

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status_list),        cmocka_unit_test(test_bugcheck_list),
        cmocka_unit_test(test_next_location),      cmocka_unit_test(test_copy_location),
        cmocka_unit_test(test_completion_routine), cmocka_unit_test(test_cancel_routine),
        cmocka_unit_test(test_page_macros),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
