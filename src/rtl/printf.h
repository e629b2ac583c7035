/* SPDX-License-Identifier: MIT */
/* The printf engine: writes at most `room` characters, no terminator; returns how many there are in all. */
#ifndef RTL_PRINTF_H
#define RTL_PRINTF_H

#include "base/base.h"

size_t rtl_format(char *buffer, size_t room, const char *format, __builtin_ms_va_list args);
size_t rtl_format_wide(WCHAR *buffer, size_t room, const WCHAR *format, __builtin_ms_va_list args);

#endif
