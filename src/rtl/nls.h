/* SPDX-License-Identifier: MIT */
/*
 * Case and code pages inside the run-time library. The system locale is
 * English (United States): ANSI is code page 1252, OEM is 437, both single
 * byte, so one byte is one WCHAR everywhere.
 */
#ifndef RTL_NLS_H
#define RTL_NLS_H

#include "base/base.h"

extern const UCHAR rtl_upper_page[1024], rtl_lower_page[1024];
extern const USHORT rtl_upper_delta[][64], rtl_lower_delta[][64];
extern const WCHAR rtl_cp1252_high[128], rtl_cp437_high[128];
extern const ULONG rtl_cp1252_back[], rtl_cp437_back[]; /* sorted: character << 8 | byte */
extern const ULONG rtl_cp1252_back_count, rtl_cp437_back_count;

struct rtl_code_page {
    const WCHAR *high; /* characters of the bytes 0x80..0xFF */
    const ULONG *back;
    const ULONG *back_count;
};

extern const struct rtl_code_page rtl_ansi, rtl_oem;

static inline WCHAR rtl_upper(WCHAR c)
{
    if (c < 0x80)
        return c >= 'a' && c <= 'z' ? c - 32 : c;
    return c + rtl_upper_delta[rtl_upper_page[c / 64]][c % 64];
}

static inline WCHAR rtl_lower(WCHAR c)
{
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c + 32 : c;
    return c + rtl_lower_delta[rtl_lower_page[c / 64]][c % 64];
}

static inline WCHAR rtl_byte_to_wide(const struct rtl_code_page *page, UCHAR byte)
{
    return byte < 0x80 ? byte : page->high[byte - 0x80];
}

/* The page's byte for a character, best fit included; '?' where it has none (*unmapped then set, if given).
 */
UCHAR rtl_wide_to_byte(const struct rtl_code_page *page, WCHAR c, bool *unmapped);

/* Upper case of an ANSI byte, through Unicode; a letter whose upper case has no byte of its own stays. */
UCHAR rtl_upper_byte(const struct rtl_code_page *page, UCHAR byte);

#endif
