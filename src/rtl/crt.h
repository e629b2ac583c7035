/* SPDX-License-Identifier: MIT */
/*
 * What the exports with C library names share: error numbers, character
 * classes of the "C" locale (ASCII only, as the kernel's library has it).
 */
#ifndef RTL_CRT_H
#define RTL_CRT_H

#include "base/base.h"

enum { CRT_EINVAL = 22, CRT_ERANGE = 34, CRT_EILSEQ = 42, CRT_STRUNCATE = 80 };

#define CRT_TRUNCATE ((SIZE_T)-1)

static inline unsigned crt_ascii_lower(unsigned c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static inline unsigned crt_ascii_upper(unsigned c)
{
    return c >= 'a' && c <= 'z' ? c - 32 : c;
}

static inline bool crt_ascii_space(unsigned c)
{
    return c == ' ' || (c >= 9 && c <= 13);
}

/* Value of a digit of any base up to 36, else 99. */
static inline unsigned crt_digit(unsigned c)
{
    c = crt_ascii_lower(c);
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'z' ? c - 'a' + 10 : 99;
}

#endif
