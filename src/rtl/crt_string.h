/* SPDX-License-Identifier: MIT */
/*
 * The C library's routines on terminated strings, for one kind of character.
 * A template without guard: crt_narrow.c and crt_wide.c say what CHARACTER is,
 * UNIT (its value without sign), WIDENED (what stands for one as a parameter)
 * and ROUTINE (the names). Case is ASCII's (the "C" locale).
 */

SIZE_T NTAPI ROUTINE(len)(const CHARACTER *s)
{
    SIZE_T n = 0;
    while (s[n])
        n++;
    return n;
}

SIZE_T NTAPI ROUTINE(nlen)(const CHARACTER *s, SIZE_T limit)
{
    SIZE_T n = 0;
    while (n < limit && s[n])
        n++;
    return n;
}

CHARACTER *NTAPI ROUTINE(cpy)(CHARACTER *to, const CHARACTER *from)
{
    SIZE_T i = 0;
    while ((to[i] = from[i]))
        i++;
    return to;
}

/* Fills up with zeros; no terminator if the source is too long. */
CHARACTER *NTAPI ROUTINE(ncpy)(CHARACTER *to, const CHARACTER *from, SIZE_T count)
{
    SIZE_T i = 0;
    for (; i < count && from[i]; i++)
        to[i] = from[i];
    for (; i < count; i++)
        to[i] = 0;
    return to;
}

CHARACTER *NTAPI ROUTINE(cat)(CHARACTER *to, const CHARACTER *from)
{
    ROUTINE(cpy)(to + ROUTINE(len)(to), from);
    return to;
}

CHARACTER *NTAPI ROUTINE(ncat)(CHARACTER *to, const CHARACTER *from, SIZE_T count)
{
    CHARACTER *end = to + ROUTINE(len)(to);
    while (count-- > 0 && *from)
        *end++ = *from++;
    *end = 0;
    return to;
}

int NTAPI ROUTINE(cmp)(const CHARACTER *a, const CHARACTER *b)
{
    while (*a && *a == *b)
        a++, b++;
    return ((UNIT)*a > (UNIT)*b) - ((UNIT)*a < (UNIT)*b);
}

int NTAPI ROUTINE(ncmp)(const CHARACTER *a, const CHARACTER *b, SIZE_T count)
{
    for (; count > 0; count--, a++, b++)
        if (*a != *b || !*a)
            return (UNIT)*a - (UNIT)*b;
    return 0;
}

int NTAPI ROUTINE(icmp)(const CHARACTER *a, const CHARACTER *b)
{
    while (*a && crt_ascii_lower((UNIT)*a) == crt_ascii_lower((UNIT)*b))
        a++, b++;
    return (int)crt_ascii_lower((UNIT)*a) - (int)crt_ascii_lower((UNIT)*b);
}

int NTAPI ROUTINE(nicmp)(const CHARACTER *a, const CHARACTER *b, SIZE_T count)
{
    for (; count > 0; count--, a++, b++) {
        unsigned x = crt_ascii_lower((UNIT)*a), y = crt_ascii_lower((UNIT)*b);
        if (x != y || !x)
            return (int)x - (int)y;
    }
    return 0;
}

/* Finds the terminator, too. */
CHARACTER *NTAPI ROUTINE(chr)(const CHARACTER *s, WIDENED c)
{
    for (; *s != (CHARACTER)c; s++)
        if (!*s)
            return NULL;
    return (CHARACTER *)s;
}

CHARACTER *NTAPI ROUTINE(rchr)(const CHARACTER *s, WIDENED c)
{
    const CHARACTER *found = NULL;
    do
        if (*s == (CHARACTER)c)
            found = s;
    while (*s++);
    return (CHARACTER *)found;
}

CHARACTER *NTAPI ROUTINE(str)(const CHARACTER *s, const CHARACTER *sought)
{
    SIZE_T n = ROUTINE(len)(sought);
    for (;; s++) {
        if (ROUTINE(ncmp)(s, sought, n) == 0)
            return (CHARACTER *)s;
        if (!*s)
            return NULL;
    }
}

/* How many leading characters are, or are not, members of a set. */
static SIZE_T span(const CHARACTER *s, const CHARACTER *set, bool members)
{
    SIZE_T n = 0;
    while (s[n] && (ROUTINE(chr)(set, s[n]) != NULL) == members)
        n++;
    return n;
}

SIZE_T NTAPI ROUTINE(spn)(const CHARACTER *s, const CHARACTER *set)
{
    return span(s, set, true);
}

SIZE_T NTAPI ROUTINE(cspn)(const CHARACTER *s, const CHARACTER *set)
{
    return span(s, set, false);
}

CHARACTER *NTAPI ROUTINE(lwr)(CHARACTER *s)
{
    for (CHARACTER *at = s; *at; at++)
        *at = (CHARACTER)crt_ascii_lower((UNIT)*at);
    return s;
}

CHARACTER *NTAPI ROUTINE(upr)(CHARACTER *s)
{
    for (CHARACTER *at = s; *at; at++)
        *at = (CHARACTER)crt_ascii_upper((UNIT)*at);
    return s;
}

CHARACTER *NTAPI ROUTINE(rev)(CHARACTER *s)
{
    for (SIZE_T i = 0, j = ROUTINE(len)(s); i + 1 < j; i++) {
        CHARACTER c = s[i];
        s[i] = s[--j];
        s[j] = c;
    }
    return s;
}

CHARACTER *NTAPI ROUTINE(nset)(CHARACTER *s, WIDENED c, SIZE_T count)
{
    for (CHARACTER *at = s; count > 0 && *at; at++, count--)
        *at = (CHARACTER)c;
    return s;
}
