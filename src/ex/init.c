/* SPDX-License-Identifier: MIT */
/* Start and end of the executive's support routines. */
#include "ex/internal.h"

NTSTATUS ex_init(void)
{
    NTSTATUS status = ex_callback_init();
    return NT_SUCCESS(status) ? ex_work_init() : status;
}

void ex_fini(void)
{
    ex_etw_fini();
    ex_work_fini();
}
