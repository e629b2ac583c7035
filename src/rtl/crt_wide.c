/* SPDX-License-Identifier: MIT */
/*
 * The C library's routines on terminated wide strings, as drivers import
 * them. Case is ASCII's (the "C" locale).
 */
#include "rtl/rtl.h"
#include "rtl/crt.h"
#include "rtl/exports.h"

EXPORT_AS(ntoskrnl, "wcslen", crt_wcslen, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
SIZE_T NTAPI crt_wcslen(const WCHAR *s)
{
    SIZE_T n = 0;
    while (s[n])
        n++;
    return n;
}

EXPORT_AS(ntoskrnl, "wcsnlen", crt_wcsnlen, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
SIZE_T NTAPI crt_wcsnlen(const WCHAR *s, SIZE_T limit)
{
    SIZE_T n = 0;
    while (n < limit && s[n])
        n++;
    return n;
}

EXPORT_AS(ntoskrnl, "wcscpy", crt_wcscpy, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
WCHAR *NTAPI crt_wcscpy(WCHAR *to, const WCHAR *from)
{
    SIZE_T i = 0;
    while ((to[i] = from[i]))
        i++;
    return to;
}

/* Fills up with zeros; no terminator if the source is too long. */
EXPORT_AS(ntoskrnl, "wcsncpy", crt_wcsncpy, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
WCHAR *NTAPI crt_wcsncpy(WCHAR *to, const WCHAR *from, SIZE_T count)
{
    SIZE_T i = 0;
    for (; i < count && from[i]; i++)
        to[i] = from[i];
    for (; i < count; i++)
        to[i] = 0;
    return to;
}

EXPORT_AS(ntoskrnl, "wcscat", crt_wcscat, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
WCHAR *NTAPI crt_wcscat(WCHAR *to, const WCHAR *from)
{
    crt_wcscpy(to + crt_wcslen(to), from);
    return to;
}

EXPORT_AS(ntoskrnl, "wcsncat", crt_wcsncat, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
WCHAR *NTAPI crt_wcsncat(WCHAR *to, const WCHAR *from, SIZE_T count)
{
    WCHAR *end = to + crt_wcslen(to);
    while (count-- > 0 && *from)
        *end++ = *from++;
    *end = 0;
    return to;
}

EXPORT_AS(ntoskrnl, "wcscmp", crt_wcscmp, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_wcscmp(const WCHAR *a, const WCHAR *b)
{
    while (*a && *a == *b)
        a++, b++;
    return ((WCHAR)*a > (WCHAR)*b) - ((WCHAR)*a < (WCHAR)*b);
}

EXPORT_AS(ntoskrnl, "wcsncmp", crt_wcsncmp, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_wcsncmp(const WCHAR *a, const WCHAR *b, SIZE_T count)
{
    for (; count > 0; count--, a++, b++)
        if (*a != *b || !*a)
            return (WCHAR)*a - (WCHAR)*b;
    return 0;
}

EXPORT_AS(ntoskrnl, "_wcsicmp", crt_wcsicmp, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_wcsicmp(const WCHAR *a, const WCHAR *b)
{
    while (*a && crt_ascii_lower((WCHAR)*a) == crt_ascii_lower((WCHAR)*b))
        a++, b++;
    return (int)crt_ascii_lower((WCHAR)*a) - (int)crt_ascii_lower((WCHAR)*b);
}

EXPORT_AS(ntoskrnl, "_wcsnicmp", crt_wcsnicmp, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_wcsnicmp(const WCHAR *a, const WCHAR *b, SIZE_T count)
{
    for (; count > 0; count--, a++, b++) {
        unsigned x = crt_ascii_lower((WCHAR)*a), y = crt_ascii_lower((WCHAR)*b);
        if (x != y || !x)
            return (int)x - (int)y;
    }
    return 0;
}

/* Finds the terminator, too. */
EXPORT_AS(ntoskrnl, "wcschr", crt_wcschr, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
WCHAR *NTAPI crt_wcschr(const WCHAR *s, WCHAR c)
{
    for (; *s != (WCHAR)c; s++)
        if (!*s)
            return NULL;
    return (WCHAR *)s;
}

EXPORT_AS(ntoskrnl, "wcsrchr", crt_wcsrchr, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
WCHAR *NTAPI crt_wcsrchr(const WCHAR *s, WCHAR c)
{
    const WCHAR *found = NULL;
    do
        if (*s == (WCHAR)c)
            found = s;
    while (*s++);
    return (WCHAR *)found;
}

EXPORT_AS(ntoskrnl, "wcsstr", crt_wcsstr, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
WCHAR *NTAPI crt_wcsstr(const WCHAR *s, const WCHAR *sought)
{
    SIZE_T n = crt_wcslen(sought);
    for (;; s++) {
        if (crt_wcsncmp(s, sought, n) == 0)
            return (WCHAR *)s;
        if (!*s)
            return NULL;
    }
}

/* How many leading characters are, or are not, members of a set. */
static SIZE_T span(const WCHAR *s, const WCHAR *set, bool members)
{
    SIZE_T n = 0;
    while (s[n] && (crt_wcschr(set, s[n]) != NULL) == members)
        n++;
    return n;
}

EXPORT_AS(ntoskrnl, "wcsspn", crt_wcsspn, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
SIZE_T NTAPI crt_wcsspn(const WCHAR *s, const WCHAR *set)
{
    return span(s, set, true);
}

EXPORT_AS(ntoskrnl, "wcscspn", crt_wcscspn, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
SIZE_T NTAPI crt_wcscspn(const WCHAR *s, const WCHAR *set)
{
    return span(s, set, false);
}

EXPORT_AS(ntoskrnl, "_wcslwr", crt_wcslwr, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
WCHAR *NTAPI crt_wcslwr(WCHAR *s)
{
    for (WCHAR *at = s; *at; at++)
        *at = (WCHAR)crt_ascii_lower((WCHAR)*at);
    return s;
}

EXPORT_AS(ntoskrnl, "_wcsupr", crt_wcsupr, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
WCHAR *NTAPI crt_wcsupr(WCHAR *s)
{
    for (WCHAR *at = s; *at; at++)
        *at = (WCHAR)crt_ascii_upper((WCHAR)*at);
    return s;
}

EXPORT_AS(ntoskrnl, "_wcsrev", crt_wcsrev, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
WCHAR *NTAPI crt_wcsrev(WCHAR *s)
{
    for (SIZE_T i = 0, j = crt_wcslen(s); i + 1 < j; i++) {
        WCHAR c = s[i];
        s[i] = s[--j];
        s[j] = c;
    }
    return s;
}

EXPORT_AS(ntoskrnl, "_wcsnset", crt_wcsnset, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
WCHAR *NTAPI crt_wcsnset(WCHAR *s, WCHAR c, SIZE_T count)
{
    for (WCHAR *at = s; count > 0 && *at; at++, count--)
        *at = (WCHAR)c;
    return s;
}
