/* SPDX-License-Identifier: MIT */
/*
 * Integers and GUIDs to and from counted strings. Bases are 2, 8, 10 and 16;
 * 0 means 10, or what a prefix 0b, 0o, 0x says. Digits are upper case. A value
 * that does not fit in 32 bits wraps.
 */
#include "rtl/rtl.h"
#include "rtl/crt.h"
#include "rtl/exports.h"
#include "rtl/string_pool.h"
#include "nt/status.h"

typedef ULONG unit_fn(const void *text, ULONG i); /* a character of a text, 0 at its end */

/* The base that a prefix at i names; 0 if there is none. */
static ULONG base_from_prefix(unit_fn *unit, const void *text, ULONG i)
{
    if (unit(text, i) != '0')
        return 0;
    ULONG letter = unit(text, i + 1);
    return letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
}

static NTSTATUS parse_integer(unit_fn *unit, const void *text, ULONG base, PULONG value)
{
    ULONG i = 0, magnitude = 0;
    while (unit(text, i) && unit(text, i) <= ' ')
        i++;
    bool negative = unit(text, i) == '-';
    if (negative || unit(text, i) == '+')
        i++;
    if (base == 0) {
        base = base_from_prefix(unit, text, i);
        i += base ? 2 : 0;
        base = base ? base : 10;
    } else if (base != 2 && base != 8 && base != 10 && base != 16) {
        return STATUS_INVALID_PARAMETER;
    }
    for (ULONG digit; (digit = crt_digit(unit(text, i))) < base; i++)
        magnitude = magnitude * base + digit;
    *value = negative ? 0 - magnitude : magnitude;
    return STATUS_SUCCESS;
}

static ULONG narrow_unit(const void *text, ULONG i)
{
    return ((const UCHAR *)text)[i];
}

static ULONG counted_unit(const void *text, ULONG i)
{
    PCUNICODE_STRING string = text;
    return i < string->Length / sizeof(WCHAR) ? string->Buffer[i] : 0;
}

EXPORT(ntoskrnl, RtlCharToInteger, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlCharToInteger(PCSZ String, ULONG Base, PULONG Value)
{
    return parse_integer(narrow_unit, String, Base, Value);
}

/* Skips white space, takes a sign, stops at the first character that is no digit; no digit at all is 0. */
EXPORT(ntoskrnl, RtlUnicodeStringToInteger, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlUnicodeStringToInteger(PCUNICODE_STRING String, ULONG Base, PULONG Value)
{
    if (String->Length == 0)
        return STATUS_INVALID_PARAMETER;
    return parse_integer(counted_unit, String, Base, Value);
}

static NTSTATUS integer_to_string(ULONGLONG value, ULONG base, PUNICODE_STRING string)
{
    WCHAR digits[64];
    size_t n = 0;
    base = base ? base : 10;
    if (base != 2 && base != 8 && base != 10 && base != 16)
        return STATUS_INVALID_PARAMETER;
    do
        digits[n++] = "0123456789ABCDEF"[value % base];
    while (value /= base);
    if (n * sizeof(WCHAR) > string->MaximumLength)
        return STATUS_BUFFER_OVERFLOW;
    for (size_t i = 0; i < n; i++)
        string->Buffer[i] = digits[n - 1 - i];
    string->Length = (USHORT)(n * sizeof(WCHAR));
    if (string->Length + sizeof(WCHAR) <= string->MaximumLength)
        string->Buffer[n] = 0;
    return STATUS_SUCCESS;
}

EXPORT(ntoskrnl, RtlIntegerToUnicodeString, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlIntegerToUnicodeString(ULONG Value, ULONG Base, PUNICODE_STRING String)
{
    return integer_to_string(Value, Base, String);
}

EXPORT(ntoskrnl, RtlInt64ToUnicodeString, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlInt64ToUnicodeString(ULONGLONG Value, ULONG Base, PUNICODE_STRING String)
{
    return integer_to_string(Value, Base, String);
}

#define GUID_CHARACTERS 38 /* {00000000-0000-0000-0000-000000000000} */

/* Owns: the caller owns the buffer (RtlFreeUnicodeString). */
EXPORT(ntoskrnl, RtlStringFromGUID, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlStringFromGUID(LPCGUID Guid, PUNICODE_STRING GuidString)
{
    PWSTR text = rtl_string_allocate((GUID_CHARACTERS + 1) * sizeof(WCHAR), __builtin_return_address(0));
    if (!text)
        return STATUS_NO_MEMORY;
    crt_swprintf(text, u"{%08X-%04X-%04X-%02X%02X-%02X%02X%02X%02X%02X%02X}", Guid->Data1, Guid->Data2,
                 Guid->Data3, Guid->Data4[0], Guid->Data4[1], Guid->Data4[2], Guid->Data4[3], Guid->Data4[4],
                 Guid->Data4[5], Guid->Data4[6], Guid->Data4[7]);
    rtl_init_string(GuidString, text);
    return STATUS_SUCCESS;
}

/* Reads n hexadecimal digits. */
static bool take_hex(const WCHAR **at, unsigned n, ULONG *value)
{
    *value = 0;
    for (; n > 0; n--, (*at)++) {
        unsigned digit = crt_digit(**at);
        if (digit > 15)
            return false;
        *value = *value << 4 | digit;
    }
    return true;
}

static bool take_character(const WCHAR **at, WCHAR c)
{
    return *(*at)++ == c;
}

/* STATUS_INVALID_PARAMETER, and nothing written, unless the string has exactly the form with braces. */
EXPORT(ntoskrnl, RtlGUIDFromString, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlGUIDFromString(PCUNICODE_STRING GuidString, GUID *Guid)
{
    const WCHAR *at = GuidString->Buffer;
    ULONG a = 0, b = 0, c = 0, d[8];
    if (GuidString->Length != GUID_CHARACTERS * sizeof(WCHAR))
        return STATUS_INVALID_PARAMETER;
    bool good = take_character(&at, '{') && take_hex(&at, 8, &a) && take_character(&at, '-') &&
                take_hex(&at, 4, &b) && take_character(&at, '-') && take_hex(&at, 4, &c) &&
                take_character(&at, '-') && take_hex(&at, 2, &d[0]) && take_hex(&at, 2, &d[1]) &&
                take_character(&at, '-');
    for (unsigned i = 2; i < 8; i++)
        good = good && take_hex(&at, 2, &d[i]);
    if (!good || *at != '}')
        return STATUS_INVALID_PARAMETER;
    *Guid = (GUID){a, (USHORT)b, (USHORT)c, {0}};
    for (unsigned i = 0; i < 8; i++)
        Guid->Data4[i] = (UCHAR)d[i];
    return STATUS_SUCCESS;
}
