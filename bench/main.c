/* SPDX-License-Identifier: MIT */
/*
 * `make bench`: the hot paths beside their floors. Prints NAME VALUE UNIT
 * FLOOR_NAME RATIO, medians, all measured in this run; NAME.verify is the same
 * with --verify standard. --check prints instead which goals of
 * tools/bench-goals.tsv are met, and exits 1 if one is not; --quick takes a few
 * small samples, to see that it works.
 */
#include <libgen.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "bench.h"

static unsigned cores(void)
{
    cpu_set_t set;
    unsigned count = sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;

    return count < BENCH_DEVICES ? count : BENCH_DEVICES - 1;
}

static void find_folder(void)
{
    static char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

    if (length > 0)
        bench_folder = dirname(path);
}

/* Every line, under names that say how the machine verifies. */
static void measure(enum rgl_verify verify)
{
    bench_process_lines(verify);
    bench_machine(1, verify);
    bench_driver_lines();
    bench_request_lines();
    bench_machine_end();
    bench_simulated_machine(verify);
    bench_interrupt_lines();
    bench_machine_end();
    bench_machine(cores(), verify);
    bench_scale_line(cores());
    bench_machine_end();
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0) {
            bench_quick = true;
        } else if (strcmp(argv[i], "--check") == 0) {
            bench_check = true;
        } else {
            fprintf(stderr, "bench [--check] [--quick]; not %s\n", argv[i]);
            return 2;
        }
    }
    if (!bench_goals_read(BENCH_GOALS))
        bench_fail("cannot read " BENCH_GOALS);
    find_folder();
    measure(RGL_VERIFY_NONE);
    measure(RGL_VERIFY_STANDARD);
    return bench_check && !bench_goals_met();
}
