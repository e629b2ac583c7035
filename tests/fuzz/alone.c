/* SPDX-License-Identifier: MIT */
/*
 * What the parser's files need when they are linked without the rest of the
 * runtime (the libFuzzer build): one export, no gates, no contended locks.
 */
#include "arch/arch.h"
#include "base/lock.h"

#include <stdlib.h>

EXPORT(ntoskrnl, IofCompleteRequest, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
void IofCompleteRequest(void);
void IofCompleteRequest(void)
{
}

const void *arch_gate(const struct export_entry *entry, enum arch_gate_kind kind)
{
    return NULL;
}

void rl_lock_contended(rl_lock *lock)
{
    abort();
}

void rl_lock_wake(rl_lock *lock)
{
    abort();
}

void rl_assert_failed(const char *condition, const char *file, int line)
{
    abort();
}
