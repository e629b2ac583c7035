/* SPDX-License-Identifier: MIT */
/* Where the executive's work queues are not linked, work runs at once. */
#include "ex/ex.h"

__attribute__((weak)) NTSTATUS ex_init(void)
{
    return STATUS_SUCCESS;
}

__attribute__((weak)) void ex_fini(void)
{
}

__attribute__((weak)) void ex_queue_work(struct ex_work *work, void (*fn)(void *), void *context)
{
    (void)work;
    fn(context);
}

__attribute__((weak)) void ex_drain_work(void)
{
}
