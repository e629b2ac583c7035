/* SPDX-License-Identifier: MIT */
/* Translating buffers to a code page; shared by the buffer and the string routines. */
#ifndef RTL_CODE_PAGE_H
#define RTL_CODE_PAGE_H

#include "rtl/nls.h"

/*
 * Writes min(max_bytes, characters) bytes and returns how many. upcase goes by way of the page: to a byte,
 * back, upper case, to a byte again, so a best fit is taken before the case. Sets *unmapped when a '?' stands
 * in.
 */
ULONG rtl_narrow(const struct rtl_code_page *page, PCHAR to, ULONG max_bytes, const WCHAR *from, ULONG bytes,
                 bool upcase, bool *unmapped);

#endif
