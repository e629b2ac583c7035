/* SPDX-License-Identifier: MIT */
#include "executive.h"

int main(void)
{
    int failed = _cmocka_run_group_tests("executive", executive_tests, executive_test_count, NULL, NULL);
    return failed + _cmocka_run_group_tests("memory services", memory_service_tests,
                                            memory_service_test_count, NULL, NULL);
}
