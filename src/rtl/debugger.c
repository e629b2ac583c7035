/* SPDX-License-Identifier: MIT */
/*
 * The kernel debugger, as far as drivers ask about it: the machine was started
 * without debug controls, so there is none and none can be enabled.
 */
#include "rtl/rtl.h"
#include "rtl/exports.h"
#include "nt/status.h"

EXPORT_DATA(ntoskrnl, KdDebuggerEnabled)
BOOLEAN KdDebuggerEnabled = FALSE;

EXPORT_DATA(ntoskrnl, KdDebuggerNotPresent)
BOOLEAN KdDebuggerNotPresent = TRUE;

/* The I/O port that a serial debugger would use: 0, none. */
EXPORT_DATA(ntoskrnl, KdComPortInUse)
EXPORT_DATA(hal, KdComPortInUse)
ULONG_PTR KdComPortInUse = 0;

/* Normal boot, not safe mode. */
EXPORT_DATA(ntoskrnl, InitSafeBootMode)
ULONG InitSafeBootMode = 0;

EXPORT(ntoskrnl, KdRefreshDebuggerNotPresent, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
BOOLEAN NTAPI KdRefreshDebuggerNotPresent(VOID)
{
    return KdDebuggerNotPresent;
}

/* Documented for a system that was booted with no debug controls. */
EXPORT(ntoskrnl, KdDisableDebugger, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
NTSTATUS NTAPI KdDisableDebugger(VOID)
{
    return KdDebuggerNotPresent ? STATUS_DEBUGGER_INACTIVE : STATUS_ACCESS_DENIED;
}

EXPORT(ntoskrnl, KdEnableDebugger, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
NTSTATUS NTAPI KdEnableDebugger(VOID)
{
    return KdDebuggerNotPresent ? STATUS_DEBUGGER_INACTIVE : STATUS_ACCESS_DENIED;
}

EXPORT(ntoskrnl, KdChangeOption, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
NTSTATUS NTAPI KdChangeOption(ULONG Option, ULONG InBufferBytes, PVOID InBuffer, ULONG OutBufferBytes,
                              PVOID OutBuffer, PULONG OutBufferNeeded)
{
    return KdDebuggerNotPresent ? STATUS_DEBUGGER_INACTIVE : STATUS_ACCESS_DENIED;
}
