/* SPDX-License-Identifier: MIT */
/* Runs every group of the run-time library's tests. */
#include "rtl_test.h"

int main(void)
{
    int failed = 0;
#define RUN_GROUP(name) failed += test_##name();
    GROUPS(RUN_GROUP)
    return failed != 0;
}
