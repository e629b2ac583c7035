/* SPDX-License-Identifier: MIT */
/* Runs the groups; an argument names one test or a part of its name. */
#include "machine.h"

/* clang-format off */
static const struct {
    const char *name;
    const struct CMUnitTest *tests;
} groups[] = {
    {"waits", wait_tests},
    {"objects", object_tests},
    {"timers", timer_tests},
    {"DPCs", dpc_tests},
    {"APCs", apc_tests},
    {"locks and queues", lock_tests},
    {"schedules", schedule_tests},
    {"real machines", real_tests},
    {"preemption", preempt_tests},
    {"bug checks", bugcheck_tests},
};
/* clang-format on */

static size_t count(const struct CMUnitTest *tests)
{
    size_t n = 0;
    while (tests[n].name != NULL)
        n++;
    return n;
}

int main(int argc, char **argv)
{
    int failed = 0;
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    for (size_t i = 0; i < countof(groups); i++)
        failed +=
            _cmocka_run_group_tests(groups[i].name, groups[i].tests, count(groups[i].tests), NULL, NULL);
    return failed != 0;
}
