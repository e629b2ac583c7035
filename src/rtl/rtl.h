/* SPDX-License-Identifier: MIT */
/* Run-time library: the exports are the interface (Rtl*, C library names); this header has what the runtime
 * shares. */
#ifndef RTL_H
#define RTL_H

#include "base/seams.h"
#include "rtl/exports.h"

/* Name of a status: "STATUS_SUCCESS"; NULL when unknown. */
const char *rtl_status_name(NTSTATUS status);
const char *rtl_bugcheck_name(ULONG code);
const char *rtl_major_name(UCHAR major); /* "IRP_MJ_READ" */

/* The kernel's printf engine (DbgPrint, RtlStringCb..., _vsnprintf, _snwprintf): %wZ %Z %ws %S %I64x %p %hs
 * ... MS semantics. */
int rtl_vsnprintf(char *buffer, size_t size, const char *format, __builtin_ms_va_list args);
int rtl_vsnwprintf(WCHAR *buffer, size_t count, const WCHAR *format, __builtin_ms_va_list args);

/* UTF-8 <-> UTF-16 into caller's storage; return bytes / WCHARs written without terminator, always
 * terminates. */
int rtl_utf8_from_wide(char *to, size_t size, const WCHAR *from, size_t wchars);
int rtl_wide_from_utf8(WCHAR *to, size_t wchars, const char *from, size_t bytes);
WCHAR rtl_upcase(WCHAR c);
bool rtl_equal_nocase(const UNICODE_STRING *a, const UNICODE_STRING *b);
void rtl_init_string(UNICODE_STRING *string, const WCHAR *text);
size_t rtl_wcslen(const WCHAR *s);

#endif
