/* SPDX-License-Identifier: MIT */
#include "fakes.h"
#include "mm/mm.h"

int fake_machine_start(void **state)
{
    fake_on_vp = true;
    return NT_SUCCESS(hmem_init(64 << 20)) && NT_SUCCESS(mm_init()) ? 0 : -1;
}

int fake_machine_stop(void **state)
{
    mm_fini();
    hmem_fini();
    return 0;
}
