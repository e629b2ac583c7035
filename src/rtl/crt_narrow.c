/* SPDX-License-Identifier: MIT */
/*
 * The C library's routines on terminated single-byte strings, as drivers import
 * them. Case is ASCII's (the "C" locale).
 */
#include "rtl/rtl.h"
#include "rtl/crt.h"
#include "rtl/exports.h"

EXPORT_AS(ntoskrnl, "strlen", crt_strlen, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
SIZE_T NTAPI crt_strlen(const CHAR *s)
{
    SIZE_T n = 0;
    while (s[n])
        n++;
    return n;
}

EXPORT_AS(ntoskrnl, "strnlen", crt_strnlen, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
SIZE_T NTAPI crt_strnlen(const CHAR *s, SIZE_T limit)
{
    SIZE_T n = 0;
    while (n < limit && s[n])
        n++;
    return n;
}

EXPORT_AS(ntoskrnl, "strcpy", crt_strcpy, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
CHAR *NTAPI crt_strcpy(CHAR *to, const CHAR *from)
{
    SIZE_T i = 0;
    while ((to[i] = from[i]))
        i++;
    return to;
}

/* Fills up with zeros; no terminator if the source is too long. */
EXPORT_AS(ntoskrnl, "strncpy", crt_strncpy, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
CHAR *NTAPI crt_strncpy(CHAR *to, const CHAR *from, SIZE_T count)
{
    SIZE_T i = 0;
    for (; i < count && from[i]; i++)
        to[i] = from[i];
    for (; i < count; i++)
        to[i] = 0;
    return to;
}

EXPORT_AS(ntoskrnl, "strcat", crt_strcat, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
CHAR *NTAPI crt_strcat(CHAR *to, const CHAR *from)
{
    crt_strcpy(to + crt_strlen(to), from);
    return to;
}

EXPORT_AS(ntoskrnl, "strncat", crt_strncat, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
CHAR *NTAPI crt_strncat(CHAR *to, const CHAR *from, SIZE_T count)
{
    CHAR *end = to + crt_strlen(to);
    while (count-- > 0 && *from)
        *end++ = *from++;
    *end = 0;
    return to;
}

EXPORT_AS(ntoskrnl, "strcmp", crt_strcmp, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_strcmp(const CHAR *a, const CHAR *b)
{
    while (*a && *a == *b)
        a++, b++;
    return ((UCHAR)*a > (UCHAR)*b) - ((UCHAR)*a < (UCHAR)*b);
}

EXPORT_AS(ntoskrnl, "strncmp", crt_strncmp, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_strncmp(const CHAR *a, const CHAR *b, SIZE_T count)
{
    for (; count > 0; count--, a++, b++)
        if (*a != *b || !*a)
            return (UCHAR)*a - (UCHAR)*b;
    return 0;
}

EXPORT_AS(ntoskrnl, "_stricmp", crt_stricmp, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_stricmp(const CHAR *a, const CHAR *b)
{
    while (*a && crt_ascii_lower((UCHAR)*a) == crt_ascii_lower((UCHAR)*b))
        a++, b++;
    return (int)crt_ascii_lower((UCHAR)*a) - (int)crt_ascii_lower((UCHAR)*b);
}

EXPORT_AS(ntoskrnl, "_strnicmp", crt_strnicmp, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_strnicmp(const CHAR *a, const CHAR *b, SIZE_T count)
{
    for (; count > 0; count--, a++, b++) {
        unsigned x = crt_ascii_lower((UCHAR)*a), y = crt_ascii_lower((UCHAR)*b);
        if (x != y || !x)
            return (int)x - (int)y;
    }
    return 0;
}

/* Finds the terminator, too. */
EXPORT_AS(ntoskrnl, "strchr", crt_strchr, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
CHAR *NTAPI crt_strchr(const CHAR *s, int c)
{
    for (; *s != (CHAR)c; s++)
        if (!*s)
            return NULL;
    return (CHAR *)s;
}

EXPORT_AS(ntoskrnl, "strrchr", crt_strrchr, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
CHAR *NTAPI crt_strrchr(const CHAR *s, int c)
{
    const CHAR *found = NULL;
    do
        if (*s == (CHAR)c)
            found = s;
    while (*s++);
    return (CHAR *)found;
}

EXPORT_AS(ntoskrnl, "strstr", crt_strstr, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
CHAR *NTAPI crt_strstr(const CHAR *s, const CHAR *sought)
{
    SIZE_T n = crt_strlen(sought);
    for (;; s++) {
        if (crt_strncmp(s, sought, n) == 0)
            return (CHAR *)s;
        if (!*s)
            return NULL;
    }
}

/* How many leading characters are, or are not, members of a set. */
static SIZE_T span(const CHAR *s, const CHAR *set, bool members)
{
    SIZE_T n = 0;
    while (s[n] && (crt_strchr(set, s[n]) != NULL) == members)
        n++;
    return n;
}

EXPORT_AS(ntoskrnl, "strspn", crt_strspn, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
SIZE_T NTAPI crt_strspn(const CHAR *s, const CHAR *set)
{
    return span(s, set, true);
}

EXPORT_AS(ntoskrnl, "strcspn", crt_strcspn, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
SIZE_T NTAPI crt_strcspn(const CHAR *s, const CHAR *set)
{
    return span(s, set, false);
}

EXPORT_AS(ntoskrnl, "_strlwr", crt_strlwr, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
CHAR *NTAPI crt_strlwr(CHAR *s)
{
    for (CHAR *at = s; *at; at++)
        *at = (CHAR)crt_ascii_lower((UCHAR)*at);
    return s;
}

EXPORT_AS(ntoskrnl, "_strupr", crt_strupr, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
CHAR *NTAPI crt_strupr(CHAR *s)
{
    for (CHAR *at = s; *at; at++)
        *at = (CHAR)crt_ascii_upper((UCHAR)*at);
    return s;
}

EXPORT_AS(ntoskrnl, "_strrev", crt_strrev, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
CHAR *NTAPI crt_strrev(CHAR *s)
{
    for (SIZE_T i = 0, j = crt_strlen(s); i + 1 < j; i++) {
        CHAR c = s[i];
        s[i] = s[--j];
        s[j] = c;
    }
    return s;
}

EXPORT_AS(ntoskrnl, "_strnset", crt_strnset, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
CHAR *NTAPI crt_strnset(CHAR *s, int c, SIZE_T count)
{
    for (CHAR *at = s; count > 0 && *at; at++, count--)
        *at = (CHAR)c;
    return s;
}
