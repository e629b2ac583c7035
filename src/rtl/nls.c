/* SPDX-License-Identifier: MIT */
/*
 * Code pages and case of single characters; and the data that describes the
 * locale to drivers. The tables are in nls_data.c, written by tools/make-nls.py.
 */
#include "rtl/nls.h"
#include "rtl/rtl.h"

const struct rtl_code_page rtl_ansi = {rtl_cp1252_high, rtl_cp1252_back, &rtl_cp1252_back_count};
const struct rtl_code_page rtl_oem = {rtl_cp437_high, rtl_cp437_back, &rtl_cp437_back_count};

/* The byte of an entry of the way back, or -1. */
static int find_back(const struct rtl_code_page *page, WCHAR c)
{
    ULONG low = 0, high = *page->back_count;
    while (low < high) {
        ULONG middle = (low + high) / 2;
        ULONG entry = page->back[middle];
        if (entry >> 8 == c)
            return entry & 0xFF;
        if (entry >> 8 < c)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

UCHAR rtl_wide_to_byte(const struct rtl_code_page *page, WCHAR c, bool *unmapped)
{
    if (c < 0x80)
        return (UCHAR)c;
    int byte = find_back(page, c);
    if (byte >= 0)
        return (UCHAR)byte;
    if (unmapped)
        *unmapped = true;
    return '?';
}

UCHAR rtl_upper_byte(const struct rtl_code_page *page, UCHAR byte)
{
    WCHAR upper = rtl_upper(rtl_byte_to_wide(page, byte));
    UCHAR result = rtl_wide_to_byte(page, upper, NULL);
    return rtl_byte_to_wide(page, result) == upper ? result : byte;
}

WCHAR rtl_upcase(WCHAR c)
{
    return rtl_upper(c);
}

/* The upper case of c by the system's table. */
EXPORT(ntoskrnl, RtlUpcaseUnicodeChar, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
WCHAR NTAPI RtlUpcaseUnicodeChar(WCHAR SourceCharacter)
{
    return rtl_upper(SourceCharacter);
}

/* The lower case of c by the system's table. */
EXPORT(ntoskrnl, RtlDowncaseUnicodeChar, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
WCHAR NTAPI RtlDowncaseUnicodeChar(WCHAR SourceCharacter)
{
    return rtl_lower(SourceCharacter);
}

/* The upper case of an ANSI character. */
EXPORT(ntoskrnl, RtlUpperChar, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
CHAR NTAPI RtlUpperChar(CHAR Character)
{
    return (CHAR)rtl_upper_byte(&rtl_ansi, (UCHAR)Character);
}

/* Reads one ANSI character and moves the caller's pointer past it (one byte: the page is single byte). */
EXPORT(ntoskrnl, RtlAnsiCharToUnicodeChar, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
WCHAR NTAPI RtlAnsiCharToUnicodeChar(PUCHAR *SourceCharacter)
{
    return rtl_byte_to_wide(&rtl_ansi, *(*SourceCharacter)++);
}

/* The numbers of the system's code pages. */
EXPORT(ntoskrnl, RtlGetDefaultCodePage, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
VOID NTAPI RtlGetDefaultCodePage(PUSHORT AnsiCodePage, PUSHORT OemCodePage)
{
    *AnsiCodePage = 1252;
    *OemCodePage = 437;
}

/* TRUE if a character goes to the OEM page and back; it is replaced by what came back, in upper case. */
EXPORT(ntoskrnl, RtlIsValidOemCharacter, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES)
BOOLEAN NTAPI RtlIsValidOemCharacter(PWCHAR Char)
{
    bool unmapped = false;
    WCHAR upper = rtl_upper(rtl_byte_to_wide(&rtl_oem, rtl_wide_to_byte(&rtl_oem, *Char, &unmapped)));
    UCHAR byte = rtl_wide_to_byte(&rtl_oem, upper, &unmapped);
    *Char = rtl_byte_to_wide(&rtl_oem, byte);
    return !unmapped;
}

/* FALSE: the ANSI and the OEM page have no two-byte characters. */
EXPORT_DATA(ntoskrnl, NlsMbCodePageTag)
BOOLEAN NlsMbCodePageTag = FALSE;

EXPORT_DATA(ntoskrnl, NlsMbOemCodePageTag)
BOOLEAN NlsMbOemCodePageTag = FALSE;

EXPORT_DATA(ntoskrnl, NlsAnsiCodePage)
USHORT NlsAnsiCodePage = 1252;

EXPORT_DATA(ntoskrnl, NlsOemCodePage)
USHORT NlsOemCodePage = 437;

/* Per OEM lead byte, where its trail bytes are: none has any. */
static USHORT oem_lead_bytes[256];

EXPORT_DATA(ntoskrnl, NlsOemLeadByteInfo)
PUSHORT NlsOemLeadByteInfo = oem_lead_bytes;
