/* SPDX-License-Identifier: MIT */
/*
 * The unit tests of src/arch.
 */
#include "machine.h"

#include "host/memory.h"

int main(void)
{
    int failed = 0;

    if (!NT_SUCCESS(hmem_init(64 << 20)))
        return 1;
    failed += switch_tests();
    failed += gate_tests();
    return failed != 0;
}
