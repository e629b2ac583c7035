/* SPDX-License-Identifier: MIT */
/* Numbers to and from terminated strings, as the C library's routines do it. */
#include "rtl/rtl.h"
#include "rtl/crt.h"
#include "rtl/exports.h"

/* A text of either width. */
struct text {
    const void *at;
    bool wide;
};

static unsigned unit(const struct text *text, SIZE_T i)
{
    return text->wide ? ((const WCHAR *)text->at)[i] : ((const UCHAR *)text->at)[i];
}

struct parsed {
    ULONGLONG magnitude;
    bool negative, overflow;
    SIZE_T length; /* characters used; 0: no number */
};

/* Base 0 looks for 0x and 0; base 16 allows 0x. `limit` is the largest magnitude. */
static struct parsed parse(struct text text, unsigned base, ULONGLONG limit)
{
    struct parsed p = {0};
    SIZE_T i = 0;
    while (crt_ascii_space(unit(&text, i)))
        i++;
    if (unit(&text, i) == '-' || unit(&text, i) == '+')
        p.negative = unit(&text, i++) == '-';
    bool hex = unit(&text, i) == '0' && crt_ascii_lower(unit(&text, i + 1)) == 'x' &&
               crt_digit(unit(&text, i + 2)) < 16;
    if ((base == 0 || base == 16) && hex) {
        i += 2;
        base = 16;
    } else if (base == 0) {
        base = unit(&text, i) == '0' ? 8 : 10;
    }
    for (unsigned digit; (digit = crt_digit(unit(&text, i))) < base; i++) {
        if (p.magnitude > (limit - digit) / base)
            p.overflow = true;
        p.magnitude = p.magnitude * base + digit;
        p.length = i + 1;
    }
    return p;
}

/* A signed result of `bits`, at the limit if it does not fit. *used: characters taken. */
static LONGLONG to_signed(struct text text, int base, unsigned bits, SIZE_T *used)
{
    ULONGLONG largest = (1ull << (bits - 1)) - 1;
    if (base < 0 || base == 1 || base > 36) {
        *used = 0;
        return 0;
    }
    struct parsed p = parse(text, (unsigned)base, largest + 1);
    *used = p.length;
    if (p.overflow || p.magnitude > largest + p.negative)
        return p.negative ? -(LONGLONG)largest - 1 : (LONGLONG)largest;
    return (LONGLONG)(p.negative ? 0 - p.magnitude : p.magnitude);
}

static ULONGLONG to_unsigned(struct text text, int base, unsigned bits, SIZE_T *used)
{
    ULONGLONG largest = ~0ull >> (64 - bits);
    if (base < 0 || base == 1 || base > 36) {
        *used = 0;
        return 0;
    }
    struct parsed p = parse(text, (unsigned)base, largest);
    *used = p.length;
    if (p.overflow)
        return largest;
    return (p.negative ? 0 - p.magnitude : p.magnitude) & largest;
}

EXPORT_AS(ntoskrnl, "atoi", crt_atoi, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_atoi(const CHAR *s)
{
    SIZE_T used;
    return (int)to_signed((struct text){s, false}, 10, 32, &used);
}

EXPORT_AS(ntoskrnl, "atol", crt_atol, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
LONG NTAPI crt_atol(const CHAR *s)
{
    return crt_atoi(s);
}

EXPORT_AS(ntoskrnl, "_atoi64", crt_atoi64, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
LONGLONG NTAPI crt_atoi64(const CHAR *s)
{
    SIZE_T used;
    return to_signed((struct text){s, false}, 10, 64, &used);
}

EXPORT_AS(ntoskrnl, "_wtoi", crt_wtoi, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_wtoi(PCWSTR s)
{
    SIZE_T used;
    return (int)to_signed((struct text){s, true}, 10, 32, &used);
}

EXPORT_AS(ntoskrnl, "_wtol", crt_wtol, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
LONG NTAPI crt_wtol(PCWSTR s)
{
    return crt_wtoi(s);
}

EXPORT_AS(ntoskrnl, "_wtoi64", crt_wtoi64, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
LONGLONG NTAPI crt_wtoi64(PCWSTR s)
{
    SIZE_T used;
    return to_signed((struct text){s, true}, 10, 64, &used);
}

EXPORT_AS(ntoskrnl, "strtol", crt_strtol, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
LONG NTAPI crt_strtol(const CHAR *s, CHAR **end, int base)
{
    SIZE_T used;
    LONG value = (LONG)to_signed((struct text){s, false}, base, 32, &used);
    if (end)
        *end = (CHAR *)s + used;
    return value;
}

EXPORT_AS(ntoskrnl, "strtoul", crt_strtoul, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
ULONG NTAPI crt_strtoul(const CHAR *s, CHAR **end, int base)
{
    SIZE_T used;
    ULONG value = (ULONG)to_unsigned((struct text){s, false}, base, 32, &used);
    if (end)
        *end = (CHAR *)s + used;
    return value;
}

EXPORT_AS(ntoskrnl, "_strtoui64", crt_strtoui64, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
ULONGLONG NTAPI crt_strtoui64(const CHAR *s, CHAR **end, int base)
{
    SIZE_T used;
    ULONGLONG value = to_unsigned((struct text){s, false}, base, 64, &used);
    if (end)
        *end = (CHAR *)s + used;
    return value;
}

EXPORT_AS(ntoskrnl, "wcstol", crt_wcstol, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
LONG NTAPI crt_wcstol(PCWSTR s, PWSTR *end, int base)
{
    SIZE_T used;
    LONG value = (LONG)to_signed((struct text){s, true}, base, 32, &used);
    if (end)
        *end = (PWSTR)s + used;
    return value;
}

EXPORT_AS(ntoskrnl, "wcstoul", crt_wcstoul, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
ULONG NTAPI crt_wcstoul(PCWSTR s, PWSTR *end, int base)
{
    SIZE_T used;
    ULONG value = (ULONG)to_unsigned((struct text){s, true}, base, 32, &used);
    if (end)
        *end = (PWSTR)s + used;
    return value;
}

/* Digits of value, most significant first; returns how many characters. digits holds 66. */
static unsigned render(CHAR *digits, ULONGLONG value, unsigned base, bool negative)
{
    CHAR reversed[66];
    unsigned n = 0, i = 0;
    do
        reversed[n++] = "0123456789abcdefghijklmnopqrstuvwxyz"[value % base];
    while (value /= base);
    if (negative)
        digits[i++] = '-';
    while (n)
        digits[i++] = reversed[--n];
    return i;
}

/* The rule of all the routines below: a sign only in base 10; checked ones empty a buffer that is too small.
 */
static int put_number(void *to, bool wide, SIZE_T size, LONGLONG value, bool is_signed, unsigned bits,
                      int base)
{
    CHAR digits[66];
    if (!to || size == 0 || base < 2 || base > 36)
        return CRT_EINVAL;
    bool negative = is_signed && base == 10 && value < 0;
    ULONGLONG magnitude = negative ? 0 - (ULONGLONG)value : (ULONGLONG)value & (~0ull >> (64 - bits));
    unsigned n = render(digits, magnitude, (unsigned)base, negative);
    bool fits = n < size;
    for (unsigned i = 0; i <= (fits ? n : 0); i++) {
        CHAR c = i < n && fits ? digits[i] : 0;
        if (wide)
            ((PWSTR)to)[i] = (UCHAR)c;
        else
            ((PCHAR)to)[i] = c;
    }
    return fits ? 0 : CRT_ERANGE;
}

EXPORT_AS(ntoskrnl, "_itoa", crt_itoa, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
PCHAR NTAPI crt_itoa(int value, PCHAR to, int base)
{
    put_number(to, false, 67, value, true, 32, base);
    return to;
}

EXPORT_AS(ntoskrnl, "_itow", crt_itow, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
PWSTR NTAPI crt_itow(int value, PWSTR to, int base)
{
    put_number(to, true, 67, value, true, 32, base);
    return to;
}

EXPORT_AS(ntoskrnl, "_itoa_s", crt_itoa_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_itoa_s(int value, PCHAR to, SIZE_T size, int base)
{
    return put_number(to, false, size, value, true, 32, base);
}

EXPORT_AS(ntoskrnl, "_itow_s", crt_itow_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_itow_s(int value, PWSTR to, SIZE_T size, int base)
{
    return put_number(to, true, size, value, true, 32, base);
}

EXPORT_AS(ntoskrnl, "_ltoa_s", crt_ltoa_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_ltoa_s(LONG value, PCHAR to, SIZE_T size, int base)
{
    return put_number(to, false, size, value, true, 32, base);
}

EXPORT_AS(ntoskrnl, "_ltow_s", crt_ltow_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_ltow_s(LONG value, PWSTR to, SIZE_T size, int base)
{
    return put_number(to, true, size, value, true, 32, base);
}

EXPORT_AS(ntoskrnl, "_ultoa_s", crt_ultoa_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_ultoa_s(ULONG value, PCHAR to, SIZE_T size, int base)
{
    return put_number(to, false, size, value, false, 32, base);
}

EXPORT_AS(ntoskrnl, "_ultow_s", crt_ultow_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_ultow_s(ULONG value, PWSTR to, SIZE_T size, int base)
{
    return put_number(to, true, size, value, false, 32, base);
}

EXPORT_AS(ntoskrnl, "_i64toa_s", crt_i64toa_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_i64toa_s(LONGLONG value, PCHAR to, SIZE_T size, int base)
{
    return put_number(to, false, size, value, true, 64, base);
}

EXPORT_AS(ntoskrnl, "_i64tow_s", crt_i64tow_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_i64tow_s(LONGLONG value, PWSTR to, SIZE_T size, int base)
{
    return put_number(to, true, size, value, true, 64, base);
}

EXPORT_AS(ntoskrnl, "_ui64toa_s", crt_ui64toa_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_ui64toa_s(ULONGLONG value, PCHAR to, SIZE_T size, int base)
{
    return put_number(to, false, size, (LONGLONG)value, false, 64, base);
}

EXPORT_AS(ntoskrnl, "_ui64tow_s", crt_ui64tow_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_ui64tow_s(ULONGLONG value, PWSTR to, SIZE_T size, int base)
{
    return put_number(to, true, size, (LONGLONG)value, false, 64, base);
}
