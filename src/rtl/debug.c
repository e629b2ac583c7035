/* SPDX-License-Identifier: MIT */
/*
 * What a driver tells the debugger: DbgPrint and its filter, breakpoints, and
 * the data that says whether a debugger is there (none is). A message goes to
 * the trace and to rtl_debug_sink, at any IRQL and without waiting; one call
 * transmits at most 512 bytes, as documented.
 *
 * Filter: a message passes if its level's bit is in its component's mask or in
 * the mask for all (errors). Here the DEFAULT component, which DbgPrint uses,
 * shows up to the INFO level: on Windows a user enables that in the registry.
 */
#include "rtl/rtl.h"
#include "rtl/debug.h"
#include "rtl/exports.h"
#include "rtl/printf.h"
#include "arch/arch.h"
#include "nt/status.h"

#define MESSAGE_BYTES 512

enum { DPFLTR_DEFAULT_ID = 101, DPFLTR_COMPONENTS = 155, DPFLTR_INFO_LEVEL = 3 };

static ULONG filter_all = 1; /* level 0: errors */
static ULONG filter_mask[DPFLTR_COMPONENTS] = {[DPFLTR_DEFAULT_ID] = 0xF};

void (*rtl_debug_sink)(const char *text, const void *caller);

/* Levels 0..31 are bit numbers, larger ones are bit masks. */
static ULONG level_bits(ULONG level)
{
    return level < 32 ? 1u << level : level;
}

static bool passes_filter(ULONG component, ULONG level)
{
    ULONG mask = filter_all | (component < DPFLTR_COMPONENTS ? filter_mask[component] : 0);
    return mask & level_bits(level);
}

static bool is_utf8(const char *text)
{
    WCHAR wide[MESSAGE_BYTES + 1];
    ULONG bytes;
    return RtlUTF8ToUnicodeN(wide, sizeof wide, &bytes, text, (ULONG)__builtin_strlen(text)) ==
           STATUS_SUCCESS;
}

/* Sends text on: as it is if it is UTF-8 (ASCII is), else from the ANSI page to UTF-8. */
static void transmit(const char *text, const void *caller)
{
    char utf8[MESSAGE_BYTES * 3 + 1];
    if (!is_utf8(text)) {
        WCHAR wide[MESSAGE_BYTES];
        ULONG bytes;
        RtlMultiByteToUnicodeN(wide, sizeof wide, &bytes, text, (ULONG)__builtin_strlen(text));
        rtl_utf8_from_wide(utf8, sizeof utf8, wide, bytes / sizeof(WCHAR));
        text = utf8;
    }
    TRACE(TRACE_DEBUG_PRINT, NULL, .a = (uint64_t)caller, .text = text);
    if (rtl_debug_sink)
        rtl_debug_sink(text, caller);
}

static NTSTATUS print(const char *prefix, ULONG component, ULONG level, const char *format,
                      __builtin_ms_va_list args, const void *caller)
{
    char text[MESSAGE_BYTES + 1];
    if (!passes_filter(component, level))
        return STATUS_SUCCESS;
    size_t used = MIN(__builtin_strlen(prefix), MESSAGE_BYTES);
    __builtin_memcpy(text, prefix, used);
    size_t length = used + rtl_format(text + used, MESSAGE_BYTES - used, format, args);
    text[MIN(length, MESSAGE_BYTES)] = 0;
    transmit(text, caller);
    return STATUS_SUCCESS;
}

/* The same as DbgPrintEx with the component DEFAULT and the level INFO. */
EXPORT(ntoskrnl, DbgPrint, PASSIVE_LEVEL, HIGH_LEVEL, X_VARARGS | X_RAISES)
ULONG NTAPI DbgPrint(PCSTR Format, ...)
{
    __builtin_ms_va_list args;
    __builtin_ms_va_start(args, Format);
    NTSTATUS status =
        print("", DPFLTR_DEFAULT_ID, DPFLTR_INFO_LEVEL, Format, args, __builtin_return_address(0));
    __builtin_ms_va_end(args);
    return (ULONG)status;
}

/* DbgPrint that would raise a Control-C exception for the debugger's user; without a debugger it is DbgPrint.
 */
EXPORT(ntoskrnl, DbgPrintReturnControlC, PASSIVE_LEVEL, HIGH_LEVEL, X_VARARGS | X_RAISES)
ULONG NTAPI DbgPrintReturnControlC(PCSTR Format, ...)
{
    __builtin_ms_va_list args;
    __builtin_ms_va_start(args, Format);
    NTSTATUS status =
        print("", DPFLTR_DEFAULT_ID, DPFLTR_INFO_LEVEL, Format, args, __builtin_return_address(0));
    __builtin_ms_va_end(args);
    return (ULONG)status;
}

EXPORT(ntoskrnl, DbgPrintEx, PASSIVE_LEVEL, HIGH_LEVEL, X_VARARGS | X_RAISES)
ULONG NTAPI DbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, ...)
{
    __builtin_ms_va_list args;
    __builtin_ms_va_start(args, Format);
    NTSTATUS status = print("", ComponentId, Level, Format, args, __builtin_return_address(0));
    __builtin_ms_va_end(args);
    return (ULONG)status;
}

EXPORT(ntoskrnl, vDbgPrintEx, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
ULONG NTAPI vDbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, __builtin_ms_va_list arglist)
{
    return (ULONG)print("", ComponentId, Level, Format, arglist, __builtin_return_address(0));
}

/* The prefix is no format. */
EXPORT(ntoskrnl, vDbgPrintExWithPrefix, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
ULONG NTAPI vDbgPrintExWithPrefix(PCSTR Prefix, ULONG ComponentId, ULONG Level, PCSTR Format,
                                  __builtin_ms_va_list arglist)
{
    return (ULONG)print(Prefix, ComponentId, Level, Format, arglist, __builtin_return_address(0));
}

/* TRUE (1) if a message of this component and level would be shown. */
EXPORT(ntoskrnl, DbgQueryDebugFilterState, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
NTSTATUS NTAPI DbgQueryDebugFilterState(ULONG ComponentId, ULONG Level)
{
    if (ComponentId >= DPFLTR_COMPONENTS)
        return STATUS_INVALID_PARAMETER_1;
    return passes_filter(ComponentId, Level);
}

EXPORT(ntoskrnl, DbgSetDebugFilterState, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
NTSTATUS NTAPI DbgSetDebugFilterState(ULONG ComponentId, ULONG Level, BOOLEAN State)
{
    if (ComponentId >= DPFLTR_COMPONENTS)
        return STATUS_INVALID_PARAMETER_1;
    if (State)
        __atomic_or_fetch(&filter_mask[ComponentId], level_bits(Level), __ATOMIC_RELAXED);
    else
        __atomic_and_fetch(&filter_mask[ComponentId], ~level_bits(Level), __ATOMIC_RELAXED);
    return STATUS_SUCCESS;
}

static _Noreturn void break_at(const void *address, ULONG64 parameter)
{
    EXCEPTION_RECORD record = {.ExceptionCode = STATUS_BREAKPOINT,
                               .ExceptionAddress = (PVOID)address,
                               .NumberParameters = 1,
                               .ExceptionInformation = {parameter}};
    arch_raise(&record);
}

/* A breakpoint exception: with no debugger to take it, a handler of the driver's does, or it is a bug check.
 */
EXPORT(ntoskrnl, DbgBreakPoint, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
VOID NTAPI DbgBreakPoint(VOID)
{
    break_at(__builtin_return_address(0), 0);
}

EXPORT(ntoskrnl, DbgBreakPointWithStatus, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
VOID NTAPI DbgBreakPointWithStatus(ULONG Status)
{
    break_at(__builtin_return_address(0), Status);
}

/* A failed ASSERT of a checked driver: the message, then a breakpoint. */
EXPORT(ntoskrnl, RtlAssert, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
VOID NTAPI RtlAssert(PVOID FailedAssertion, PVOID FileName, ULONG LineNumber, PSTR Message)
{
    const void *caller = __builtin_return_address(0);
    uint64_t slots[] = {(uint64_t)(Message ? Message : ""), (uint64_t)FailedAssertion, (uint64_t)FileName,
                        LineNumber};
    print("", DPFLTR_DEFAULT_ID, 0, "\n*** Assertion failed: %s%s\n***   Source File: %s, line %u\n\n",
          (__builtin_ms_va_list)slots, caller);
    break_at(caller, 0);
}
