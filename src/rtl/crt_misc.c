/* SPDX-License-Identifier: MIT */
/*
 * The rest of the C library that the kernel exports: character classes, byte
 * and wide strings, sorting, rand, strtok_s.
 */
#include "rtl/rtl.h"
#include "rtl/crt.h"
#include "rtl/exports.h"
#include "rtl/nls.h"
#include "ke/ke.h"

/* Classes and case of the "C" locale: nothing outside of ASCII belongs to any. */
EXPORT_AS(ntoskrnl, "isdigit", crt_isdigit, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
int NTAPI crt_isdigit(int c)
{
    return c >= '0' && c <= '9' ? 4 : 0;
}

EXPORT_AS(ntoskrnl, "isxdigit", crt_isxdigit, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
int NTAPI crt_isxdigit(int c)
{
    return crt_digit((unsigned)c) < 16 ? 0x80 : 0;
}

EXPORT_AS(ntoskrnl, "islower", crt_islower, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
int NTAPI crt_islower(int c)
{
    return c >= 'a' && c <= 'z' ? 2 : 0;
}

EXPORT_AS(ntoskrnl, "isupper", crt_isupper, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
int NTAPI crt_isupper(int c)
{
    return c >= 'A' && c <= 'Z' ? 1 : 0;
}

EXPORT_AS(ntoskrnl, "isspace", crt_isspace, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
int NTAPI crt_isspace(int c)
{
    return crt_ascii_space((unsigned)c) ? 8 : 0;
}

EXPORT_AS(ntoskrnl, "isprint", crt_isprint, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
int NTAPI crt_isprint(int c)
{
    return c >= 0x20 && c < 0x7F;
}

EXPORT_AS(ntoskrnl, "isalpha", crt_isalpha, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
int NTAPI crt_isalpha(int c)
{
    return crt_islower(c) | crt_isupper(c);
}

EXPORT_AS(ntoskrnl, "isalnum", crt_isalnum, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
int NTAPI crt_isalnum(int c)
{
    return crt_isalpha(c) | crt_isdigit(c);
}

EXPORT_AS(ntoskrnl, "tolower", crt_tolower, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
int NTAPI crt_tolower(int c)
{
    return (int)crt_ascii_lower((unsigned)c);
}

EXPORT_AS(ntoskrnl, "toupper", crt_toupper, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
int NTAPI crt_toupper(int c)
{
    return (int)crt_ascii_upper((unsigned)c);
}

/* The wide ones go by the system's case table. */
EXPORT_AS(ntoskrnl, "towlower", crt_towlower, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
WCHAR NTAPI crt_towlower(WCHAR c)
{
    return rtl_lower(c);
}

EXPORT_AS(ntoskrnl, "towupper", crt_towupper, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
WCHAR NTAPI crt_towupper(WCHAR c)
{
    return rtl_upper(c);
}

/* Translates up to `count` characters and a terminator if it fits; to NULL: only counts. */
EXPORT_AS(ntoskrnl, "mbstowcs", crt_mbstowcs, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
SIZE_T NTAPI crt_mbstowcs(PWSTR to, const CHAR *from, SIZE_T count)
{
    if (!to)
        return crt_strlen(from);
    for (SIZE_T i = 0; i < count; i++) {
        to[i] = rtl_byte_to_wide(&rtl_ansi, (UCHAR)from[i]);
        if (!to[i])
            return i;
    }
    return count;
}

EXPORT_AS(ntoskrnl, "wcstombs", crt_wcstombs, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
SIZE_T NTAPI crt_wcstombs(PCHAR to, PCWSTR from, SIZE_T count)
{
    if (!to)
        return crt_wcslen(from);
    for (SIZE_T i = 0; i < count; i++) {
        to[i] = (CHAR)rtl_wide_to_byte(&rtl_ansi, from[i], NULL);
        if (!to[i])
            return i;
    }
    return count;
}

/* 1: a character was there; 0: the terminator, or nothing to look at. */
EXPORT_AS(ntoskrnl, "mbtowc", crt_mbtowc, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_mbtowc(PWCHAR to, const CHAR *from, SIZE_T count)
{
    if (!from || count == 0)
        return 0;
    if (to)
        *to = rtl_byte_to_wide(&rtl_ansi, (UCHAR)*from);
    return *from != 0;
}

EXPORT_AS(ntoskrnl, "wctomb", crt_wctomb, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_wctomb(PCHAR to, WCHAR c)
{
    bool unmapped = false;
    if (!to)
        return 0;
    UCHAR byte = rtl_wide_to_byte(&rtl_ansi, c, &unmapped);
    if (unmapped)
        return -1;
    *to = (CHAR)byte;
    return 1;
}

/* Cuts the string at the next delimiter; *context is where the next call goes on. */
EXPORT_AS(ntoskrnl, "strtok_s", crt_strtok_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
PCHAR NTAPI crt_strtok_s(PCHAR s, const CHAR *delimiters, PCHAR *context)
{
    if (!context || !delimiters || (!s && !*context))
        return NULL;
    PCHAR token = s ? s : *context;
    token += crt_strspn(token, delimiters);
    PCHAR end = token + crt_strcspn(token, delimiters);
    *context = end + (*end != 0);
    *end = 0;
    return *token ? token : NULL;
}

/* The documented generator: rand() is bits 16..30 of state * 214013 + 2531011. */
static ULONG rand_state = 1;

EXPORT_AS(ntoskrnl, "srand", crt_srand, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI crt_srand(ULONG seed)
{
    __atomic_store_n(&rand_state, seed, __ATOMIC_RELAXED);
}

EXPORT_AS(ntoskrnl, "rand", crt_rand, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
int NTAPI crt_rand(VOID)
{
    ULONG old = __atomic_load_n(&rand_state, __ATOMIC_RELAXED), state;
    do
        state = old * 214013 + 2531011;
    while (!__atomic_compare_exchange_n(&rand_state, &old, state, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return state >> 16 & 0x7FFF;
}

/* A C++ driver called a function that its class has not defined: nothing can be returned to. */
EXPORT(ntoskrnl, _purecall, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES | X_NORETURN)
int NTAPI _purecall(VOID)
{
    ke_bugcheck(&(struct ke_bugcheck_info){
        .code = KMODE_EXCEPTION_NOT_HANDLED,
        .p = {(ULONG)STATUS_ASSERTION_FAILURE, (ULONG64)__builtin_return_address(0)},
        .sentence = "a pure virtual function was called",
        .raise_address = (ULONG64)__builtin_return_address(0)});
}
