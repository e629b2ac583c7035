/* SPDX-License-Identifier: MIT */
/*
 * The printf family as drivers import it. Three habits: the old ones trust the
 * caller (sprintf), the counted ones cut without a terminator (_snprintf), the
 * _s ones empty the buffer when the text does not fit, or cut on request.
 */
#include "rtl/rtl.h"
#include "rtl/exports.h"
#include "rtl/printf.h"

#define NO_LIMIT ((size_t)INT32_MAX)
#define TRUNCATE ((SIZE_T)-1)

/* Runs `expression` over the variable arguments of the export around it. */
#define WITH_ARGS(last_, expression_)                                                                        \
    ({                                                                                                       \
        __builtin_ms_va_list args;                                                                           \
        __builtin_ms_va_start(args, last_);                                                                  \
        int result_ = (expression_);                                                                         \
        __builtin_ms_va_end(args);                                                                           \
        result_;                                                                                             \
    })

/* The _s rule: -1 and an empty string if the text and its terminator do not fit. */
static int format_checked(char *buffer, SIZE_T size, const char *format, __builtin_ms_va_list args)
{
    if (!buffer || size == 0 || !format)
        return -1;
    size_t length = rtl_format(buffer, size - 1, format, args);
    buffer[length < size ? length : 0] = 0;
    return length < size ? (int)length : -1;
}

static int format_checked_wide(PWSTR buffer, SIZE_T size, PCWSTR format, __builtin_ms_va_list args)
{
    if (!buffer || size == 0 || !format)
        return -1;
    size_t length = rtl_format_wide(buffer, size - 1, format, args);
    buffer[length < size ? length : 0] = 0;
    return length < size ? (int)length : -1;
}

/* The _sn..._s rule: at most `count` characters (_TRUNCATE: what fits), always terminated, -1 if cut. */
static int format_cut(char *buffer, SIZE_T size, SIZE_T count, const char *format, __builtin_ms_va_list args)
{
    if (!buffer || size == 0 || !format)
        return -1;
    if (count >= size && count != TRUNCATE)
        return format_checked(buffer, size, format, args);
    size_t room = count == TRUNCATE ? size - 1 : count;
    size_t length = rtl_format(buffer, room, format, args);
    buffer[MIN(length, room)] = 0;
    return length <= room ? (int)length : -1;
}

static int format_cut_wide(PWSTR buffer, SIZE_T size, SIZE_T count, PCWSTR format, __builtin_ms_va_list args)
{
    if (!buffer || size == 0 || !format)
        return -1;
    if (count >= size && count != TRUNCATE)
        return format_checked_wide(buffer, size, format, args);
    size_t room = count == TRUNCATE ? size - 1 : count;
    size_t length = rtl_format_wide(buffer, room, format, args);
    buffer[MIN(length, room)] = 0;
    return length <= room ? (int)length : -1;
}

EXPORT_AS(ntoskrnl, "sprintf", crt_sprintf, PASSIVE_LEVEL, HIGH_LEVEL, X_VARARGS | X_RAISES)
int NTAPI crt_sprintf(char *buffer, const char *format, ...)
{
    return WITH_ARGS(format, rtl_vsnprintf(buffer, NO_LIMIT, format, args));
}

EXPORT_AS(ntoskrnl, "vsprintf", crt_vsprintf, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_vsprintf(char *buffer, const char *format, __builtin_ms_va_list args)
{
    return rtl_vsnprintf(buffer, NO_LIMIT, format, args);
}

/* The kernel's swprintf takes no count. */
EXPORT_AS(ntoskrnl, "swprintf", crt_swprintf, PASSIVE_LEVEL, HIGH_LEVEL, X_VARARGS | X_RAISES)
int NTAPI crt_swprintf(PWSTR buffer, PCWSTR format, ...)
{
    return WITH_ARGS(format, rtl_vsnwprintf(buffer, NO_LIMIT, format, args));
}

EXPORT_AS(ntoskrnl, "_vswprintf", crt_vswprintf, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_vswprintf(PWSTR buffer, PCWSTR format, __builtin_ms_va_list args)
{
    return rtl_vsnwprintf(buffer, NO_LIMIT, format, args);
}

EXPORT_AS(ntoskrnl, "_snprintf", crt_snprintf, PASSIVE_LEVEL, HIGH_LEVEL, X_VARARGS | X_RAISES)
int NTAPI crt_snprintf(char *buffer, SIZE_T count, const char *format, ...)
{
    return WITH_ARGS(format, rtl_vsnprintf(buffer, count, format, args));
}

EXPORT_AS(ntoskrnl, "_vsnprintf", crt_vsnprintf, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_vsnprintf(char *buffer, SIZE_T count, const char *format, __builtin_ms_va_list args)
{
    return rtl_vsnprintf(buffer, count, format, args);
}

EXPORT_AS(ntoskrnl, "_snwprintf", crt_snwprintf, PASSIVE_LEVEL, HIGH_LEVEL, X_VARARGS | X_RAISES)
int NTAPI crt_snwprintf(PWSTR buffer, SIZE_T count, PCWSTR format, ...)
{
    return WITH_ARGS(format, rtl_vsnwprintf(buffer, count, format, args));
}

EXPORT_AS(ntoskrnl, "_vsnwprintf", crt_vsnwprintf, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_vsnwprintf(PWSTR buffer, SIZE_T count, PCWSTR format, __builtin_ms_va_list args)
{
    return rtl_vsnwprintf(buffer, count, format, args);
}

EXPORT_AS(ntoskrnl, "sprintf_s", crt_sprintf_s, PASSIVE_LEVEL, HIGH_LEVEL, X_VARARGS | X_RAISES)
int NTAPI crt_sprintf_s(char *buffer, SIZE_T size, const char *format, ...)
{
    return WITH_ARGS(format, format_checked(buffer, size, format, args));
}

EXPORT_AS(ntoskrnl, "vsprintf_s", crt_vsprintf_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_vsprintf_s(char *buffer, SIZE_T size, const char *format, __builtin_ms_va_list args)
{
    return format_checked(buffer, size, format, args);
}

EXPORT_AS(ntoskrnl, "swprintf_s", crt_swprintf_s, PASSIVE_LEVEL, HIGH_LEVEL, X_VARARGS | X_RAISES)
int NTAPI crt_swprintf_s(PWSTR buffer, SIZE_T size, PCWSTR format, ...)
{
    return WITH_ARGS(format, format_checked_wide(buffer, size, format, args));
}

EXPORT_AS(ntoskrnl, "vswprintf_s", crt_vswprintf_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_vswprintf_s(PWSTR buffer, SIZE_T size, PCWSTR format, __builtin_ms_va_list args)
{
    return format_checked_wide(buffer, size, format, args);
}

EXPORT_AS(ntoskrnl, "_snprintf_s", crt_snprintf_s, PASSIVE_LEVEL, HIGH_LEVEL, X_VARARGS | X_RAISES)
int NTAPI crt_snprintf_s(char *buffer, SIZE_T size, SIZE_T count, const char *format, ...)
{
    return WITH_ARGS(format, format_cut(buffer, size, count, format, args));
}

EXPORT_AS(ntoskrnl, "_vsnprintf_s", crt_vsnprintf_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_vsnprintf_s(char *buffer, SIZE_T size, SIZE_T count, const char *format,
                          __builtin_ms_va_list args)
{
    return format_cut(buffer, size, count, format, args);
}

EXPORT_AS(ntoskrnl, "_snwprintf_s", crt_snwprintf_s, PASSIVE_LEVEL, HIGH_LEVEL, X_VARARGS | X_RAISES)
int NTAPI crt_snwprintf_s(PWSTR buffer, SIZE_T size, SIZE_T count, PCWSTR format, ...)
{
    return WITH_ARGS(format, format_cut_wide(buffer, size, count, format, args));
}

EXPORT_AS(ntoskrnl, "_vsnwprintf_s", crt_vsnwprintf_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_vsnwprintf_s(PWSTR buffer, SIZE_T size, SIZE_T count, PCWSTR format, __builtin_ms_va_list args)
{
    return format_cut_wide(buffer, size, count, format, args);
}
