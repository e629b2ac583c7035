/* SPDX-License-Identifier: MIT */
#include "ldr_test.h"

int main(void)
{
    return run_parse_tests() + run_export_tests();
}
