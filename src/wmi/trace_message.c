/* SPDX-License-Identifier: MIT */
/*
 * WPP software tracing, as a driver meets it on a machine where nobody
 * traces. There are no trace sessions and no way to start one, so no handle
 * is one: messages are refused, and questions find nobody. Many drivers look
 * these routines up by name and call them without a look at what they got.
 */
#include "wmi/routines.h"
#include "wmi/private.h"

/* Logs nothing: STATUS_INVALID_HANDLE. At the caller's IRQL. */
EXPORT(ntoskrnl, WmiTraceMessageVa, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
NTSTATUS NTAPI WmiTraceMessageVa(TRACEHANDLE LoggerHandle, ULONG MessageFlags, LPCGUID MessageGuid,
                                 USHORT MessageNumber, __builtin_ms_va_list MessageArgList)
{
    return STATUS_INVALID_HANDLE;
}

EXPORT(ntoskrnl, WmiTraceMessage, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
NTSTATUS NTAPI WmiTraceMessage(TRACEHANDLE LoggerHandle, ULONG MessageFlags, LPCGUID MessageGuid,
                               USHORT MessageNumber, ...)
{
    return STATUS_INVALID_HANDLE;
}

/* A session's: its handle is in the WNODE_HEADER. */
static NTSTATUS ask_session(ULONG length, ULONG wanted, const void *wnode)
{
    if (length < wanted)
        return STATUS_INFO_LENGTH_MISMATCH;
    return wnode ? STATUS_INVALID_HANDLE : STATUS_INVALID_PARAMETER_MIX;
}

/* A handle by its logger's number or name, none of which is taken. */
static NTSTATUS ask_handle(ULONG length, const void *which)
{
    if (length != sizeof(TRACEHANDLE))
        return STATUS_INFO_LENGTH_MISMATCH;
    return which ? STATUS_INVALID_PARAMETER : STATUS_INVALID_PARAMETER_MIX;
}

static ULONG size_of_answer(TRACE_INFORMATION_CLASS class)
{
    switch (class) {
    case TraceIdClass:
    case TraceEnableFlagsClass:
    case TraceEnableLevelClass:
        return sizeof(ULONG);
    case TraceHandleClass:
    case GlobalLoggerHandleClass:
    case TraceHandleByNameClass:
        return sizeof(TRACEHANDLE);
    default:
        return 0; /* all sessions' handles: there are none */
    }
}

/*
 * Asks about trace sessions. STATUS_INVALID_HANDLE, STATUS_INVALID_PARAMETER: there is no such session;
 * all their handles are no bytes. At the caller's IRQL.
 */
EXPORT(ntoskrnl, WmiQueryTraceInformation, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
NTSTATUS NTAPI WmiQueryTraceInformation(TRACE_INFORMATION_CLASS TraceInformationClass, PVOID TraceInformation,
                                        ULONG TraceInformationLength, PULONG RequiredLength, PVOID Buffer)
{
    if (RequiredLength)
        *RequiredLength = size_of_answer(TraceInformationClass);
    switch (TraceInformationClass) {
    case TraceIdClass:
        return TraceInformationLength == sizeof(ULONG)
                   ? ask_session(TraceInformationLength, sizeof(ULONG), Buffer)
                   : STATUS_INFO_LENGTH_MISMATCH;
    case TraceEnableFlagsClass:
    case TraceEnableLevelClass:
        return ask_session(TraceInformationLength, sizeof(ULONG), Buffer);
    case TraceHandleClass:
    case TraceHandleByNameClass:
        return ask_handle(TraceInformationLength, Buffer);
    case GlobalLoggerHandleClass: /* the one that a registry key starts at boot */
        return TraceInformationLength == sizeof(TRACEHANDLE) ? STATUS_INVALID_HANDLE
                                                             : STATUS_INFO_LENGTH_MISMATCH;
    case AllLoggerHandlesClass:
        return STATUS_SUCCESS;
    default:
        return STATUS_INVALID_INFO_CLASS;
    }
}
