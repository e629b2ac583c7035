/* SPDX-License-Identifier: MIT */
/*
 * Counted Unicode strings: initialise, copy, append, case, create and free.
 * Lengths are bytes; Length never passes MaximumLength; a terminator is
 * written behind the text where there is room for it. Strings that a routine
 * allocates are paged pool of the driver's; RtlFreeUnicodeString gives it back.
 */
#include "rtl/rtl.h"
#include "rtl/exports.h"
#include "rtl/nls.h"
#include "rtl/string_pool.h"
#include "nt/status.h"

#define LONGEST_WIDE 0xFFFC /* bytes: the longest text that leaves room for a terminator in 16 bits */

size_t rtl_wcslen(const WCHAR *s)
{
    size_t n = 0;
    while (s[n])
        n++;
    return n;
}

void rtl_init_string(UNICODE_STRING *string, const WCHAR *text)
{
    size_t bytes = text ? rtl_wcslen(text) * sizeof(WCHAR) : 0;
    bytes = MIN(bytes, LONGEST_WIDE);
    string->Length = (USHORT)bytes;
    string->MaximumLength = (USHORT)(text ? bytes + sizeof(WCHAR) : 0);
    string->Buffer = (PWSTR)text;
}

/* Makes a counted string of a terminated one; the text is not copied. A NULL text makes an empty string. */
EXPORT(ntoskrnl, RtlInitUnicodeString, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
VOID NTAPI RtlInitUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString)
{
    rtl_init_string(DestinationString, SourceString);
}

/* The same, but a text that 16 bits cannot count is refused rather than cut. */
EXPORT(ntoskrnl, RtlInitUnicodeStringEx, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlInitUnicodeStringEx(PUNICODE_STRING DestinationString, PCWSTR SourceString)
{
    *DestinationString = (UNICODE_STRING){0, 0, NULL};
    if (SourceString && rtl_wcslen(SourceString) * sizeof(WCHAR) > LONGEST_WIDE)
        return STATUS_NAME_TOO_LONG;
    rtl_init_string(DestinationString, SourceString);
    return STATUS_SUCCESS;
}

static void terminate_if_room(PUNICODE_STRING string)
{
    if (string->Length + sizeof(WCHAR) <= string->MaximumLength)
        string->Buffer[string->Length / sizeof(WCHAR)] = 0;
}

/* Copies as much as fits. */
EXPORT(ntoskrnl, RtlCopyUnicodeString, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
VOID NTAPI RtlCopyUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString)
{
    if (!SourceString) {
        DestinationString->Length = 0;
        return;
    }
    USHORT bytes = MIN(SourceString->Length, DestinationString->MaximumLength);
    __builtin_memmove(DestinationString->Buffer, SourceString->Buffer, bytes);
    DestinationString->Length = bytes;
    terminate_if_room(DestinationString);
}

static NTSTATUS append(PUNICODE_STRING destination, const WCHAR *text, size_t bytes)
{
    if (bytes + destination->Length > destination->MaximumLength)
        return STATUS_BUFFER_TOO_SMALL;
    if (bytes == 0)
        return STATUS_SUCCESS;
    __builtin_memmove((char *)destination->Buffer + destination->Length, text, bytes);
    destination->Length += (USHORT)bytes;
    terminate_if_room(destination);
    return STATUS_SUCCESS;
}

/* Appends all of the source or, if it does not fit, nothing. */
EXPORT(ntoskrnl, RtlAppendUnicodeStringToString, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlAppendUnicodeStringToString(PUNICODE_STRING Destination, PCUNICODE_STRING Source)
{
    return append(Destination, Source->Buffer, Source->Length);
}

/* Appends a terminated text; NULL appends nothing. */
EXPORT(ntoskrnl, RtlAppendUnicodeToString, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlAppendUnicodeToString(PUNICODE_STRING Destination, PCWSTR Source)
{
    return Source ? append(Destination, Source, rtl_wcslen(Source) * sizeof(WCHAR)) : STATUS_SUCCESS;
}

typedef WCHAR (*case_fn)(WCHAR);

static NTSTATUS change_case(PUNICODE_STRING to, PCUNICODE_STRING from, BOOLEAN allocate, case_fn fn,
                            const void *caller)
{
    if (allocate) {
        PWSTR buffer = rtl_string_allocate(from->Length, caller);
        if (!buffer)
            return STATUS_NO_MEMORY;
        to->Buffer = buffer;
        to->MaximumLength = from->Length;
    } else if (from->Length > to->MaximumLength) {
        return STATUS_BUFFER_OVERFLOW;
    }
    for (size_t i = 0; i < from->Length / sizeof(WCHAR); i++)
        to->Buffer[i] = fn(from->Buffer[i]);
    to->Length = from->Length;
    return STATUS_SUCCESS;
}

/* Owns: with AllocateDestinationString the caller owns the new buffer (RtlFreeUnicodeString). */
EXPORT(ntoskrnl, RtlUpcaseUnicodeString, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlUpcaseUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString,
                                      BOOLEAN AllocateDestinationString)
{
    return change_case(DestinationString, SourceString, AllocateDestinationString, rtl_upper,
                       __builtin_return_address(0));
}

/* Owns: with AllocateDestinationString the caller owns the new buffer (RtlFreeUnicodeString). */
EXPORT(ntoskrnl, RtlDowncaseUnicodeString, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlDowncaseUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString,
                                        BOOLEAN AllocateDestinationString)
{
    return change_case(DestinationString, SourceString, AllocateDestinationString, rtl_lower,
                       __builtin_return_address(0));
}

/* Copies a terminated text into new pool. Owns: the caller owns the buffer. FALSE: no memory, or too long. */
EXPORT(ntoskrnl, RtlCreateUnicodeString, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES)
BOOLEAN NTAPI RtlCreateUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString)
{
    size_t bytes = (rtl_wcslen(SourceString) + 1) * sizeof(WCHAR);
    if (bytes > LONGEST_WIDE + sizeof(WCHAR))
        return FALSE;
    PWSTR buffer = rtl_string_allocate(bytes, __builtin_return_address(0));
    if (!buffer)
        return FALSE;
    __builtin_memcpy(buffer, SourceString, bytes);
    DestinationString->Buffer = buffer;
    DestinationString->MaximumLength = (USHORT)bytes;
    DestinationString->Length = (USHORT)(bytes - sizeof(WCHAR));
    return TRUE;
}

/* Frees a buffer that a Rtl routine allocated and empties the string; nothing to do when there is none. */
EXPORT(ntoskrnl, RtlFreeUnicodeString, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
VOID NTAPI RtlFreeUnicodeString(PUNICODE_STRING UnicodeString)
{
    if (!UnicodeString->Buffer)
        return;
    rtl_string_free(UnicodeString->Buffer, __builtin_return_address(0));
    *UnicodeString = (UNICODE_STRING){0, 0, NULL};
}

/* A string is valid if it is NULL, or its lengths are even, in order, and backed by a buffer unless both are
 * 0. */
EXPORT(ntoskrnl, RtlValidateUnicodeString, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlValidateUnicodeString(ULONG Flags, PCUNICODE_STRING SourceString)
{
    if (Flags != 0)
        return STATUS_INVALID_PARAMETER;
    if (!SourceString)
        return STATUS_SUCCESS;
    if ((SourceString->Length | SourceString->MaximumLength) % sizeof(WCHAR) != 0 ||
        SourceString->Length > SourceString->MaximumLength ||
        (!SourceString->Buffer && SourceString->MaximumLength != 0))
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

/*
 * Copies a string into new pool. Flag 1 adds a terminator, flag 2 (only with 1) allocates even for an empty
 * string. Owns: the caller owns the buffer (RtlFreeUnicodeString).
 */
EXPORT(ntoskrnl, RtlDuplicateUnicodeString, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlDuplicateUnicodeString(ULONG Flags, PCUNICODE_STRING StringIn, PUNICODE_STRING StringOut)
{
    if (Flags > (RTL_DUPLICATE_UNICODE_STRING_NULL_TERMINATE |
                 RTL_DUPLICATE_UNICODE_STRING_ALLOCATE_NULL_STRING) ||
        Flags == RTL_DUPLICATE_UNICODE_STRING_ALLOCATE_NULL_STRING || !StringOut ||
        !NT_SUCCESS(RtlValidateUnicodeString(0, StringIn)))
        return STATUS_INVALID_PARAMETER;
    size_t length = StringIn ? StringIn->Length : 0;
    if (length == 0 && !(Flags & RTL_DUPLICATE_UNICODE_STRING_ALLOCATE_NULL_STRING)) {
        *StringOut = (UNICODE_STRING){0, 0, NULL};
        return STATUS_SUCCESS;
    }
    size_t bytes = length + (Flags & RTL_DUPLICATE_UNICODE_STRING_NULL_TERMINATE ? sizeof(WCHAR) : 0);
    if (bytes > 0xFFFE)
        return STATUS_NAME_TOO_LONG;
    PWSTR buffer = rtl_string_allocate(bytes, __builtin_return_address(0));
    if (!buffer)
        return STATUS_NO_MEMORY;
    if (length)
        __builtin_memcpy(buffer, StringIn->Buffer, length);
    *StringOut = (UNICODE_STRING){(USHORT)length, (USHORT)bytes, buffer};
    terminate_if_room(StringOut);
    return STATUS_SUCCESS;
}
