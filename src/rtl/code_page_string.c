/* SPDX-License-Identifier: MIT */
/*
 * Counted strings between Unicode and the ANSI and OEM code pages. Results are
 * terminated except those of the "Counted" routines. To Unicode, a buffer that
 * is too small fails with nothing written; from Unicode the text is cut and
 * the warning STATUS_BUFFER_OVERFLOW returned, as far as a terminator fits.
 */
#include "rtl/rtl.h"
#include "rtl/code_page.h"
#include "rtl/exports.h"
#include "rtl/string_pool.h"
#include "nt/status.h"

/* terminated: one more WCHAR in the buffer, not in the length. */
static NTSTATUS to_unicode(const struct rtl_code_page *page, PUNICODE_STRING to, const STRING *from,
                           BOOLEAN allocate, bool terminated, const void *caller)
{
    size_t length = from->Length * sizeof(WCHAR), size = length + (terminated ? sizeof(WCHAR) : 0);
    if (size > 0xFFFE)
        return STATUS_INVALID_PARAMETER_2;
    PWSTR buffer = to->Buffer;
    if (!allocate && size > to->MaximumLength)
        return STATUS_BUFFER_OVERFLOW;
    if (allocate) {
        buffer = rtl_string_allocate(size, caller);
        if (!buffer)
            return STATUS_NO_MEMORY;
        to->Buffer = buffer;
        to->MaximumLength = (USHORT)size;
    }
    for (USHORT i = 0; i < from->Length; i++)
        buffer[i] = rtl_byte_to_wide(page, (UCHAR)from->Buffer[i]);
    if (terminated)
        buffer[from->Length] = 0;
    to->Length = (USHORT)length;
    return STATUS_SUCCESS;
}

/* Owns: with AllocateDestinationString the caller owns the new buffer (RtlFreeUnicodeString). */
EXPORT(ntoskrnl, RtlAnsiStringToUnicodeString, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlAnsiStringToUnicodeString(PUNICODE_STRING DestinationString, PCANSI_STRING SourceString,
                                            BOOLEAN AllocateDestinationString)
{
    return to_unicode(&rtl_ansi, DestinationString, SourceString, AllocateDestinationString, true,
                      __builtin_return_address(0));
}

EXPORT(ntoskrnl, RtlOemStringToUnicodeString, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlOemStringToUnicodeString(PUNICODE_STRING DestinationString, const OEM_STRING *SourceString,
                                           BOOLEAN AllocateDestinationString)
{
    return to_unicode(&rtl_oem, DestinationString, SourceString, AllocateDestinationString, true,
                      __builtin_return_address(0));
}

/* Without a terminator; an empty source makes an empty string without a buffer. */
EXPORT(ntoskrnl, RtlOemStringToCountedUnicodeString, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlOemStringToCountedUnicodeString(PUNICODE_STRING DestinationString,
                                                  const OEM_STRING *SourceString,
                                                  BOOLEAN AllocateDestinationString)
{
    if (SourceString->Length == 0) {
        *DestinationString = (UNICODE_STRING){0, 0, NULL};
        return STATUS_SUCCESS;
    }
    return to_unicode(&rtl_oem, DestinationString, SourceString, AllocateDestinationString, false,
                      __builtin_return_address(0));
}

struct narrowing {
    const struct rtl_code_page *page;
    bool upcase;
    bool counted; /* no terminator, and every character must be in the page */
    const void *caller;
};

/* Gives `to` a buffer of `size` bytes, or finds how much of `length` its own can take. */
static NTSTATUS prepare_buffer(const struct narrowing *how, PSTRING to, size_t *length, BOOLEAN allocate)
{
    size_t size = *length + !how->counted;
    if (allocate) {
        to->Buffer = rtl_string_allocate(size, how->caller);
        if (!to->Buffer)
            return STATUS_NO_MEMORY;
        to->MaximumLength = (USHORT)size;
        return STATUS_SUCCESS;
    }
    if (size <= to->MaximumLength)
        return STATUS_SUCCESS;
    *length = to->MaximumLength ? to->MaximumLength - !how->counted : 0;
    return STATUS_BUFFER_OVERFLOW;
}

/* True if some character of the source has no byte. */
static bool has_unmapped(const struct narrowing *how, PCUNICODE_STRING from)
{
    bool unmapped = false;
    CHAR byte;
    for (size_t i = 0; i < from->Length / sizeof(WCHAR) && !unmapped; i++)
        rtl_narrow(how->page, &byte, 1, &from->Buffer[i], sizeof(WCHAR), how->upcase, &unmapped);
    return unmapped;
}

static NTSTATUS from_unicode(const struct narrowing *how, PSTRING to, PCUNICODE_STRING from, BOOLEAN allocate)
{
    size_t length = from->Length / sizeof(WCHAR);
    if (how->counted && length == 0) {
        *to = (STRING){0, 0, NULL};
        return STATUS_SUCCESS;
    }
    if (how->counted && has_unmapped(how, from))
        return STATUS_UNMAPPABLE_CHARACTER;
    NTSTATUS status = prepare_buffer(how, to, &length, allocate);
    if (NT_ERROR(status) || (status == STATUS_BUFFER_OVERFLOW && to->MaximumLength == 0))
        return status;
    rtl_narrow(how->page, to->Buffer, (ULONG)length, from->Buffer, from->Length, how->upcase, NULL);
    if (!how->counted)
        to->Buffer[length] = 0;
    to->Length = (USHORT)length;
    return status;
}

/* Owns: with AllocateDestinationString the caller owns the new buffer (RtlFreeAnsiString). */
EXPORT(ntoskrnl, RtlUnicodeStringToAnsiString, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlUnicodeStringToAnsiString(PANSI_STRING DestinationString, PCUNICODE_STRING SourceString,
                                            BOOLEAN AllocateDestinationString)
{
    struct narrowing how = {&rtl_ansi, false, false, __builtin_return_address(0)};
    return from_unicode(&how, DestinationString, SourceString, AllocateDestinationString);
}

EXPORT(ntoskrnl, RtlUpcaseUnicodeStringToAnsiString, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlUpcaseUnicodeStringToAnsiString(PANSI_STRING DestinationString,
                                                  PCUNICODE_STRING SourceString,
                                                  BOOLEAN AllocateDestinationString)
{
    struct narrowing how = {&rtl_ansi, true, false, __builtin_return_address(0)};
    return from_unicode(&how, DestinationString, SourceString, AllocateDestinationString);
}

/* Owns: with AllocateDestinationString the caller owns the new buffer (RtlFreeOemString). */
EXPORT(ntoskrnl, RtlUnicodeStringToOemString, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlUnicodeStringToOemString(POEM_STRING DestinationString, PCUNICODE_STRING SourceString,
                                           BOOLEAN AllocateDestinationString)
{
    struct narrowing how = {&rtl_oem, false, false, __builtin_return_address(0)};
    return from_unicode(&how, DestinationString, SourceString, AllocateDestinationString);
}

EXPORT(ntoskrnl, RtlUpcaseUnicodeStringToOemString, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlUpcaseUnicodeStringToOemString(POEM_STRING DestinationString, PCUNICODE_STRING SourceString,
                                                 BOOLEAN AllocateDestinationString)
{
    struct narrowing how = {&rtl_oem, true, false, __builtin_return_address(0)};
    return from_unicode(&how, DestinationString, SourceString, AllocateDestinationString);
}

/* Not terminated; STATUS_UNMAPPABLE_CHARACTER, with nothing done, if the page lacks a character. */
EXPORT(ntoskrnl, RtlUnicodeStringToCountedOemString, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlUnicodeStringToCountedOemString(POEM_STRING DestinationString,
                                                  PCUNICODE_STRING SourceString,
                                                  BOOLEAN AllocateDestinationString)
{
    struct narrowing how = {&rtl_oem, false, true, __builtin_return_address(0)};
    return from_unicode(&how, DestinationString, SourceString, AllocateDestinationString);
}

EXPORT(ntoskrnl, RtlUpcaseUnicodeStringToCountedOemString, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlUpcaseUnicodeStringToCountedOemString(POEM_STRING DestinationString,
                                                        PCUNICODE_STRING SourceString,
                                                        BOOLEAN AllocateDestinationString)
{
    struct narrowing how = {&rtl_oem, true, true, __builtin_return_address(0)};
    return from_unicode(&how, DestinationString, SourceString, AllocateDestinationString);
}
