/* SPDX-License-Identifier: MIT */
/*
 * The unit tests of src/arch.
 */
#include "least_machine.h"

#include "host/host.h"
#include "host/memory.h"

int main(int argc, char **argv)
{
    int failed = 0;

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    if (!NT_SUCCESS(host_init(&(struct host_config){.cpus = 1, .ram_bytes = 64 << 20})) ||
        !NT_SUCCESS(hmem_init(64 << 20)))
        return 1;
    failed += switch_tests();
    failed += gate_tests();
    failed += exception_tests();
    failed += bugcheck_tests();
    failed += unwind_tests();
    failed += preempt_tests();
    failed += migrate_tests();
    return failed != 0;
}
