/* SPDX-License-Identifier: MIT */
/*
 * UTF-8 to UTF-16 and back. What is not well formed (a stray or cut sequence,
 * an overlong form, a lone surrogate) becomes U+FFFD and the status
 * STATUS_SOME_NOT_MAPPED. A character is written whole or not at all.
 */
#include "rtl/rtl.h"
#include "rtl/exports.h"
#include "rtl/string_pool.h"
#include "nt/status.h"

#define REPLACEMENT 0xFFFD
#define BAD_CODE    0x110000 /* no code point: what the decoders return for a malformed sequence */

/* How many bytes a lead byte announces, and the least code point of that length; 0: no lead byte. */
static unsigned sequence_length(UCHAR lead, ULONG *least)
{
    static const ULONG leasts[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned n = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
    *least = leasts[n];
    return n;
}

/* True if c may follow as the second byte: rules out overlong forms, surrogates and what is above U+10FFFF.
 */
static bool second_byte_ok(UCHAR lead, UCHAR c)
{
    switch (lead) {
    case 0xE0:
        return c >= 0xA0 && c <= 0xBF;
    case 0xED:
        return c >= 0x80 && c <= 0x9F;
    case 0xF0:
        return c >= 0x90 && c <= 0xBF;
    case 0xF4:
        return c >= 0x80 && c <= 0x8F;
    default:
        return c >= 0x80 && c <= 0xBF;
    }
}

/* Takes one code point; a malformed one is as long as the part of it that could have begun a character. */
static ULONG take_utf8(const UCHAR **at, const UCHAR *end)
{
    const UCHAR *p = *at;
    ULONG least;
    unsigned n = sequence_length(*p, &least);
    if (n <= 1) {
        *at = p + 1;
        return n == 1 ? *p : BAD_CODE;
    }
    ULONG code = *p & (0x7F >> n);
    unsigned i = 1;
    while (i < n && p + i < end && (i == 1 ? second_byte_ok(*p, p[i]) : (p[i] & 0xC0) == 0x80))
        code = code << 6 | (p[i++] & 0x3F);
    *at = p + i;
    return i == n ? code : BAD_CODE;
}

static ULONG take_utf16(const WCHAR **at, const WCHAR *end)
{
    WCHAR c = *(*at)++;
    if (c < 0xD800 || c > 0xDFFF)
        return c;
    if (c > 0xDBFF || *at == end || **at < 0xDC00 || **at > 0xDFFF)
        return BAD_CODE;
    return 0x10000 + ((c - 0xD800u) << 10) + (*(*at)++ - 0xDC00u);
}

static unsigned put_utf8(UCHAR out[4], ULONG code)
{
    if (code < 0x80) {
        out[0] = (UCHAR)code;
        return 1;
    }
    unsigned n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (unsigned i = n - 1; i > 0; i--, code >>= 6)
        out[i] = (UCHAR)(0x80 | (code & 0x3F));
    out[0] = (UCHAR)(0xF00 >> n | code);
    return n;
}

static unsigned put_utf16(WCHAR out[2], ULONG code)
{
    if (code < 0x10000) {
        out[0] = (WCHAR)code;
        return 1;
    }
    out[0] = (WCHAR)(0xD800 + ((code - 0x10000) >> 10));
    out[1] = (WCHAR)(0xDC00 + (code & 0x3FF));
    return 2;
}

/* Translates until the source or the room ends. to NULL: only counts. *written in bytes. */
static NTSTATUS wide_from_utf8(PWSTR to, size_t room, const CHAR *from, size_t bytes, size_t *written)
{
    const UCHAR *at = (const UCHAR *)from, *end = at + bytes;
    NTSTATUS status = STATUS_SUCCESS;
    for (*written = 0; at < end;) {
        WCHAR units[2];
        ULONG code = take_utf8(&at, end);
        size_t size = put_utf16(units, code == BAD_CODE ? REPLACEMENT : code) * sizeof(WCHAR);
        if (to && *written + size > room)
            return STATUS_BUFFER_TOO_SMALL;
        if (to)
            __builtin_memcpy((char *)to + *written, units, size);
        *written += size;
        if (code == BAD_CODE)
            status = STATUS_SOME_NOT_MAPPED;
    }
    return status;
}

static NTSTATUS utf8_from_wide(PCHAR to, size_t room, const WCHAR *from, size_t bytes, size_t *written)
{
    const WCHAR *at = from, *end = at + bytes / sizeof(WCHAR);
    NTSTATUS status = STATUS_SUCCESS;
    for (*written = 0; at < end;) {
        UCHAR units[4];
        ULONG code = take_utf16(&at, end);
        size_t size = put_utf8(units, code == BAD_CODE ? REPLACEMENT : code);
        if (to && *written + size > room)
            return STATUS_BUFFER_TOO_SMALL;
        if (to)
            __builtin_memcpy(to + *written, units, size);
        *written += size;
        if (code == BAD_CODE)
            status = STATUS_SOME_NOT_MAPPED;
    }
    return status;
}

int rtl_utf8_from_wide(char *to, size_t size, const WCHAR *from, size_t wchars)
{
    size_t written = 0;
    if (size == 0)
        return 0;
    utf8_from_wide(to, size - 1, from, wchars * sizeof(WCHAR), &written);
    to[written] = 0;
    return (int)written;
}

int rtl_wide_from_utf8(WCHAR *to, size_t wchars, const char *from, size_t bytes)
{
    size_t written = 0;
    if (wchars == 0)
        return 0;
    wide_from_utf8(to, (wchars - 1) * sizeof(WCHAR), from, bytes, &written);
    to[written / sizeof(WCHAR)] = 0;
    return (int)(written / sizeof(WCHAR));
}

/* A NULL destination asks for the size. STATUS_BUFFER_TOO_SMALL: as many characters as fit were written. */
EXPORT(ntoskrnl, RtlUTF8ToUnicodeN, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlUTF8ToUnicodeN(PWSTR UnicodeStringDestination, ULONG UnicodeStringMaxByteCount,
                                 PULONG UnicodeStringActualByteCount, PCSTR UTF8StringSource,
                                 ULONG UTF8StringByteCount)
{
    if (!UTF8StringSource)
        return STATUS_INVALID_PARAMETER_4;
    if (!UnicodeStringDestination && !UnicodeStringActualByteCount)
        return STATUS_INVALID_PARAMETER;
    size_t written;
    NTSTATUS status = wide_from_utf8(UnicodeStringDestination, UnicodeStringMaxByteCount, UTF8StringSource,
                                     UTF8StringByteCount, &written);
    if (UnicodeStringActualByteCount)
        *UnicodeStringActualByteCount = (ULONG)written;
    return status;
}

EXPORT(ntoskrnl, RtlUnicodeToUTF8N, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlUnicodeToUTF8N(PCHAR UTF8StringDestination, ULONG UTF8StringMaxByteCount,
                                 PULONG UTF8StringActualByteCount, PCWCH UnicodeStringSource,
                                 ULONG UnicodeStringByteCount)
{
    if (!UnicodeStringSource)
        return STATUS_INVALID_PARAMETER_4;
    if (UnicodeStringByteCount % sizeof(WCHAR) != 0)
        return STATUS_INVALID_PARAMETER_5;
    if (!UTF8StringDestination && !UTF8StringActualByteCount)
        return STATUS_INVALID_PARAMETER;
    size_t written;
    NTSTATUS status = utf8_from_wide(UTF8StringDestination, UTF8StringMaxByteCount, UnicodeStringSource,
                                     UnicodeStringByteCount, &written);
    if (UTF8StringActualByteCount)
        *UTF8StringActualByteCount = (ULONG)written;
    return status;
}

/* A terminator is added where there is room. Owns: with allocation the caller owns the buffer
 * (RtlFreeUTF8String). */
EXPORT(ntoskrnl, RtlUnicodeStringToUTF8String, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlUnicodeStringToUTF8String(PUTF8_STRING DestinationString, PCUNICODE_STRING SourceString,
                                            BOOLEAN AllocateDestinationString)
{
    size_t size;
    utf8_from_wide(NULL, 0, SourceString->Buffer, SourceString->Length, &size);
    if (AllocateDestinationString) {
        if (size + 1 > 0xFFFF)
            return STATUS_INVALID_PARAMETER_2;
        PCHAR buffer = rtl_string_allocate(size + 1, __builtin_return_address(0));
        if (!buffer)
            return STATUS_NO_MEMORY;
        *DestinationString = (UTF8_STRING){0, (USHORT)(size + 1), buffer};
    }
    NTSTATUS status = utf8_from_wide(DestinationString->Buffer, DestinationString->MaximumLength,
                                     SourceString->Buffer, SourceString->Length, &size);
    DestinationString->Length = (USHORT)size;
    if (size < DestinationString->MaximumLength)
        DestinationString->Buffer[size] = 0;
    return status == STATUS_BUFFER_TOO_SMALL ? STATUS_BUFFER_OVERFLOW : status;
}

/* A terminator is added where there is room. Owns: with allocation the caller owns the buffer
 * (RtlFreeUnicodeString). */
EXPORT(ntoskrnl, RtlUTF8StringToUnicodeString, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlUTF8StringToUnicodeString(PUNICODE_STRING DestinationString,
                                            const UTF8_STRING *SourceString,
                                            BOOLEAN AllocateDestinationString)
{
    size_t size;
    wide_from_utf8(NULL, 0, SourceString->Buffer, SourceString->Length, &size);
    if (AllocateDestinationString) {
        if (size + sizeof(WCHAR) > 0xFFFE)
            return STATUS_INVALID_PARAMETER_2;
        PWSTR buffer = rtl_string_allocate(size + sizeof(WCHAR), __builtin_return_address(0));
        if (!buffer)
            return STATUS_NO_MEMORY;
        *DestinationString = (UNICODE_STRING){0, (USHORT)(size + sizeof(WCHAR)), buffer};
    }
    NTSTATUS status = wide_from_utf8(DestinationString->Buffer, DestinationString->MaximumLength,
                                     SourceString->Buffer, SourceString->Length, &size);
    DestinationString->Length = (USHORT)size;
    if (size + sizeof(WCHAR) <= DestinationString->MaximumLength)
        DestinationString->Buffer[size / sizeof(WCHAR)] = 0;
    return status == STATUS_BUFFER_TOO_SMALL ? STATUS_BUFFER_OVERFLOW : status;
}
