/* SPDX-License-Identifier: MIT */
/*
 * Counted single-byte strings (ANSI, OEM, UTF-8): initialise, copy, append,
 * compare, free. Lengths are bytes.
 */
#include "rtl/rtl.h"
#include "rtl/exports.h"
#include "rtl/nls.h"
#include "rtl/string_pool.h"
#include "nt/status.h"

#define LONGEST_NARROW 0xFFFE

static void init_narrow(PSTRING string, PCSZ text)
{
    size_t bytes = text ? MIN(__builtin_strlen(text), LONGEST_NARROW) : 0;
    string->Length = (USHORT)bytes;
    string->MaximumLength = (USHORT)(text ? bytes + 1 : 0);
    string->Buffer = (PCHAR)text;
}

static NTSTATUS init_narrow_checked(PSTRING string, PCSZ text)
{
    *string = (STRING){0, 0, NULL};
    if (text && __builtin_strlen(text) > LONGEST_NARROW)
        return STATUS_NAME_TOO_LONG;
    init_narrow(string, text);
    return STATUS_SUCCESS;
}

/* Makes a counted string of a terminated one; the text is not copied. */
EXPORT(ntoskrnl, RtlInitString, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
VOID NTAPI RtlInitString(PSTRING DestinationString, PCSZ SourceString)
{
    init_narrow(DestinationString, SourceString);
}

EXPORT(ntoskrnl, RtlInitAnsiString, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
VOID NTAPI RtlInitAnsiString(PANSI_STRING DestinationString, PCSZ SourceString)
{
    init_narrow(DestinationString, SourceString);
}

EXPORT(ntoskrnl, RtlInitUTF8String, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
VOID NTAPI RtlInitUTF8String(PUTF8_STRING DestinationString, PCSZ SourceString)
{
    init_narrow(DestinationString, SourceString);
}

/* The same, but a text that 16 bits cannot count is refused rather than cut. */
EXPORT(ntoskrnl, RtlInitStringEx, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlInitStringEx(PSTRING DestinationString, PCSZ SourceString)
{
    return init_narrow_checked(DestinationString, SourceString);
}

EXPORT(ntoskrnl, RtlInitAnsiStringEx, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlInitAnsiStringEx(PANSI_STRING DestinationString, PCSZ SourceString)
{
    return init_narrow_checked(DestinationString, SourceString);
}

EXPORT(ntoskrnl, RtlInitUTF8StringEx, PASSIVE_LEVEL, DISPATCH_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlInitUTF8StringEx(PUTF8_STRING DestinationString, PCSZ SourceString)
{
    return init_narrow_checked(DestinationString, SourceString);
}

/* Copies as much as fits; no terminator. */
EXPORT(ntoskrnl, RtlCopyString, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
VOID NTAPI RtlCopyString(PSTRING DestinationString, const STRING *SourceString)
{
    if (!SourceString) {
        DestinationString->Length = 0;
        return;
    }
    USHORT bytes = MIN(SourceString->Length, DestinationString->MaximumLength);
    __builtin_memmove(DestinationString->Buffer, SourceString->Buffer, bytes);
    DestinationString->Length = bytes;
}

/* Copies as much as fits, in upper case. */
EXPORT(ntoskrnl, RtlUpperString, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
VOID NTAPI RtlUpperString(PSTRING DestinationString, const STRING *SourceString)
{
    USHORT bytes = MIN(SourceString->Length, DestinationString->MaximumLength);
    for (USHORT i = 0; i < bytes; i++)
        DestinationString->Buffer[i] = (CHAR)rtl_upper_byte(&rtl_ansi, (UCHAR)SourceString->Buffer[i]);
    DestinationString->Length = bytes;
}

/* Appends all of the source or, if it does not fit, nothing. */
EXPORT(ntoskrnl, RtlAppendStringToString, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlAppendStringToString(PSTRING Destination, const STRING *Source)
{
    if (Source->Length + Destination->Length > Destination->MaximumLength)
        return STATUS_BUFFER_TOO_SMALL;
    __builtin_memmove(Destination->Buffer + Destination->Length, Source->Buffer, Source->Length);
    Destination->Length += Source->Length;
    return STATUS_SUCCESS;
}

/* Appends a terminated text. */
EXPORT(ntoskrnl, RtlAppendAsciizToString, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlAppendAsciizToString(PSTRING Destination, PCSZ Source)
{
    if (!Source)
        return STATUS_SUCCESS;
    size_t bytes = __builtin_strlen(Source);
    if (bytes + Destination->Length > Destination->MaximumLength)
        return STATUS_BUFFER_TOO_SMALL;
    __builtin_memmove(Destination->Buffer + Destination->Length, Source, bytes);
    Destination->Length += (USHORT)bytes;
    return STATUS_SUCCESS;
}

/* Difference of the first bytes that differ, upper-cased if nocase, among n; 0 if none does. */
static LONG compare_bytes(const CHAR *a, const CHAR *b, size_t n, bool nocase)
{
    for (size_t i = 0; i < n; i++) {
        UCHAR x = (UCHAR)a[i], y = (UCHAR)b[i];
        if (nocase && x != y) {
            x = rtl_upper_byte(&rtl_ansi, x);
            y = rtl_upper_byte(&rtl_ansi, y);
        }
        if (x != y)
            return x - y;
    }
    return 0;
}

/* Negative, 0 or positive as String1 is less than, equal to or greater than String2. */
EXPORT(ntoskrnl, RtlCompareString, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES)
LONG NTAPI RtlCompareString(const STRING *String1, const STRING *String2, BOOLEAN CaseInSensitive)
{
    size_t n = MIN(String1->Length, String2->Length);
    LONG difference = compare_bytes(String1->Buffer, String2->Buffer, n, CaseInSensitive);
    return difference ? difference : String1->Length - String2->Length;
}

EXPORT(ntoskrnl, RtlEqualString, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES)
BOOLEAN NTAPI RtlEqualString(const STRING *String1, const STRING *String2, BOOLEAN CaseInSensitive)
{
    return String1->Length == String2->Length && RtlCompareString(String1, String2, CaseInSensitive) == 0;
}

/* TRUE if String2 begins with String1. */
EXPORT(ntoskrnl, RtlPrefixString, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES)
BOOLEAN NTAPI RtlPrefixString(const STRING *String1, const STRING *String2, BOOLEAN CaseInSensitive)
{
    return String1->Length <= String2->Length &&
           compare_bytes(String1->Buffer, String2->Buffer, String1->Length, CaseInSensitive) == 0;
}

static void free_narrow(PSTRING string, const void *caller)
{
    if (!string->Buffer)
        return;
    rtl_string_free(string->Buffer, caller);
    *string = (STRING){0, 0, NULL};
}

/* Frees a buffer that a Rtl routine allocated and empties the string; nothing to do when there is none. */
EXPORT(ntoskrnl, RtlFreeAnsiString, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
VOID NTAPI RtlFreeAnsiString(PANSI_STRING AnsiString)
{
    free_narrow(AnsiString, __builtin_return_address(0));
}

EXPORT(ntoskrnl, RtlFreeOemString, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
VOID NTAPI RtlFreeOemString(POEM_STRING OemString)
{
    free_narrow(OemString, __builtin_return_address(0));
}

EXPORT(ntoskrnl, RtlFreeUTF8String, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES)
VOID NTAPI RtlFreeUTF8String(PUTF8_STRING Utf8String)
{
    free_narrow(Utf8String, __builtin_return_address(0));
}
