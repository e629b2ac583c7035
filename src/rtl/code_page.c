/* SPDX-License-Identifier: MIT */
/*
 * Buffers between Unicode and the ANSI and OEM code pages. Sizes are bytes;
 * what does not fit is cut: the OEM routines say so with the warning
 * STATUS_BUFFER_OVERFLOW, the ANSI ones only by the returned length.
 */
#include "rtl/rtl.h"
#include "rtl/code_page.h"
#include "rtl/exports.h"
#include "nt/status.h"

static ULONG widen(const struct rtl_code_page *page, PWCH to, ULONG max_bytes, const CHAR *from, ULONG bytes)
{
    ULONG n = MIN(max_bytes / sizeof(WCHAR), bytes);
    for (ULONG i = 0; i < n; i++)
        to[i] = rtl_byte_to_wide(page, (UCHAR)from[i]);
    return n;
}

ULONG rtl_narrow(const struct rtl_code_page *page, PCHAR to, ULONG max_bytes, const WCHAR *from, ULONG bytes,
                 bool upcase, bool *unmapped)
{
    ULONG n = MIN(max_bytes, bytes / sizeof(WCHAR));
    for (ULONG i = 0; i < n; i++) {
        UCHAR byte = rtl_wide_to_byte(page, from[i], unmapped);
        if (upcase)
            byte = rtl_wide_to_byte(page, rtl_upper(rtl_byte_to_wide(page, byte)), unmapped);
        to[i] = (CHAR)byte;
    }
    return n;
}

static void report(PULONG to, ULONG value)
{
    if (to)
        *to = value;
}

EXPORT(ntoskrnl, RtlMultiByteToUnicodeN, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlMultiByteToUnicodeN(PWCH UnicodeString, ULONG MaxBytesInUnicodeString,
                                      PULONG BytesInUnicodeString, const CHAR *MultiByteString,
                                      ULONG BytesInMultiByteString)
{
    ULONG n =
        widen(&rtl_ansi, UnicodeString, MaxBytesInUnicodeString, MultiByteString, BytesInMultiByteString);
    report(BytesInUnicodeString, n * sizeof(WCHAR));
    return STATUS_SUCCESS;
}

/* A terminator follows the text when all of it was translated and there is room. */
EXPORT(ntoskrnl, RtlOemToUnicodeN, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlOemToUnicodeN(PWCH UnicodeString, ULONG MaxBytesInUnicodeString,
                                PULONG BytesInUnicodeString, const CHAR *OemString, ULONG BytesInOemString)
{
    ULONG n = widen(&rtl_oem, UnicodeString, MaxBytesInUnicodeString, OemString, BytesInOemString);
    report(BytesInUnicodeString, n * sizeof(WCHAR));
    if (n < BytesInOemString)
        return STATUS_BUFFER_OVERFLOW;
    if ((n + 1) * sizeof(WCHAR) <= MaxBytesInUnicodeString)
        UnicodeString[n] = 0;
    return STATUS_SUCCESS;
}

EXPORT(ntoskrnl, RtlUnicodeToMultiByteN, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlUnicodeToMultiByteN(PCHAR MultiByteString, ULONG MaxBytesInMultiByteString,
                                      PULONG BytesInMultiByteString, PCWCH UnicodeString,
                                      ULONG BytesInUnicodeString)
{
    report(BytesInMultiByteString, rtl_narrow(&rtl_ansi, MultiByteString, MaxBytesInMultiByteString,
                                              UnicodeString, BytesInUnicodeString, false, NULL));
    return STATUS_SUCCESS;
}

EXPORT(ntoskrnl, RtlUpcaseUnicodeToMultiByteN, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlUpcaseUnicodeToMultiByteN(PCHAR MultiByteString, ULONG MaxBytesInMultiByteString,
                                            PULONG BytesInMultiByteString, PCWCH UnicodeString,
                                            ULONG BytesInUnicodeString)
{
    report(BytesInMultiByteString, rtl_narrow(&rtl_ansi, MultiByteString, MaxBytesInMultiByteString,
                                              UnicodeString, BytesInUnicodeString, true, NULL));
    return STATUS_SUCCESS;
}

static NTSTATUS narrow_oem(PCHAR to, ULONG max_bytes, PULONG written, PCWCH from, ULONG bytes, bool upcase)
{
    ULONG n = rtl_narrow(&rtl_oem, to, max_bytes, from, bytes, upcase, NULL);
    report(written, n);
    return n < bytes / sizeof(WCHAR) ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

EXPORT(ntoskrnl, RtlUnicodeToOemN, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlUnicodeToOemN(PCHAR OemString, ULONG MaxBytesInOemString, PULONG BytesInOemString,
                                PCWCH UnicodeString, ULONG BytesInUnicodeString)
{
    return narrow_oem(OemString, MaxBytesInOemString, BytesInOemString, UnicodeString, BytesInUnicodeString,
                      false);
}

EXPORT(ntoskrnl, RtlUpcaseUnicodeToOemN, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlUpcaseUnicodeToOemN(PCHAR OemString, ULONG MaxBytesInOemString, PULONG BytesInOemString,
                                      PCWCH UnicodeString, ULONG BytesInUnicodeString)
{
    return narrow_oem(OemString, MaxBytesInOemString, BytesInOemString, UnicodeString, BytesInUnicodeString,
                      true);
}

/* Bytes of the translation, without a terminator. */
EXPORT(ntoskrnl, RtlMultiByteToUnicodeSize, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlMultiByteToUnicodeSize(PULONG BytesInUnicodeString, const CHAR *MultiByteString,
                                         ULONG BytesInMultiByteString)
{
    *BytesInUnicodeString = BytesInMultiByteString * sizeof(WCHAR);
    return STATUS_SUCCESS;
}

EXPORT(ntoskrnl, RtlUnicodeToMultiByteSize, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlUnicodeToMultiByteSize(PULONG BytesInMultiByteString, PCWCH UnicodeString,
                                         ULONG BytesInUnicodeString)
{
    *BytesInMultiByteString = BytesInUnicodeString / sizeof(WCHAR);
    return STATUS_SUCCESS;
}

/* The Rtlx sizes include the terminator. */
EXPORT(ntoskrnl, RtlxAnsiStringToUnicodeSize, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES)
ULONG NTAPI RtlxAnsiStringToUnicodeSize(PCANSI_STRING AnsiString)
{
    return (AnsiString->Length + 1) * sizeof(WCHAR);
}

EXPORT(ntoskrnl, RtlxOemStringToUnicodeSize, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES)
ULONG NTAPI RtlxOemStringToUnicodeSize(const OEM_STRING *OemString)
{
    return (OemString->Length + 1) * sizeof(WCHAR);
}

EXPORT(ntoskrnl, RtlxUnicodeStringToAnsiSize, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES)
ULONG NTAPI RtlxUnicodeStringToAnsiSize(PCUNICODE_STRING UnicodeString)
{
    return UnicodeString->Length / sizeof(WCHAR) + 1;
}

EXPORT(ntoskrnl, RtlxUnicodeStringToOemSize, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES)
ULONG NTAPI RtlxUnicodeStringToOemSize(PCUNICODE_STRING UnicodeString)
{
    return UnicodeString->Length / sizeof(WCHAR) + 1;
}
