/* SPDX-License-Identifier: MIT */
#include "ldr_test.h"
#include "host/host.h"
#include "host/memory.h"

int main(void)
{
    struct host_config config = {.simulated = true, .seed = 1, .cpus = 1, .ram_bytes = 64 << 20};
    int failed;

    if (host_init(&config) != 0 || hmem_init(config.ram_bytes) != 0)
        return 99;
    failed = run_parse_tests() + run_export_tests() + run_load_tests() + run_rewrite_tests() +
             run_emulate_tests() + run_lines_tests();
    hmem_fini();
    host_fini();
    return failed;
}
