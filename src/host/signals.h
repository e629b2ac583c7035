/* SPDX-License-Identifier: MIT */
/*
 * Signals of the process, and the segment base that only the kernel can set on
 * some machines. The handlers belong to the machine while it lives; what it
 * does not want goes on to the former action.
 */
#ifndef SIGNALS_H
#define SIGNALS_H

#include "nt/status.h"
#include "base/base.h"

bool host_fsgsbase(void); /* wrgsbase/rdgsbase may be used */
void host_set_gs(void *base);
void *host_get_gs(void);

/*
 * One handler for SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP and the tick. It runs on the alternate stack with
 * all of these blocked, and returns true if the signal was its own. info and context are the kernel's
 * siginfo_t and ucontext_t.
 */
typedef bool (*host_signal_fn)(int signal, void *info, void *context);
NTSTATUS host_signals_install(host_signal_fn fn, int tick_signal);
void host_signals_remove(void);

/*
 * Per pthread: an alternate stack, and the tick and fault signals unblocked. Calls nest; the last restore
 * puts back what was there. Below the alternate stack's lowest byte lie HOST_EMERGENCY_BYTES for code that
 * has no stack left.
 */
#define HOST_EMERGENCY_BYTES (64 * 1024)
NTSTATUS host_signals_enter_thread(void);
void host_signals_leave_thread(void);

#endif
