/* SPDX-License-Identifier: MIT */
/*
 * The checked (_s) routines on terminated strings: a template as crt_string.h
 * is. A destination that is too small, or a NULL argument, empties the
 * destination and is named by the result; no handler is called.
 */

static int refuse(CHARACTER *to, int error)
{
    *to = 0;
    return error;
}

/* Puts `length` characters of from and a terminator at to[at]. */
static int place(CHARACTER *to, SIZE_T size, SIZE_T at, const CHARACTER *from, SIZE_T length)
{
    if (length >= size - at)
        return refuse(to, CRT_ERANGE);
    __builtin_memmove(to + at, from, length * sizeof(*to));
    to[at + length] = 0;
    return 0;
}

/* The same for at most `count` characters; _TRUNCATE: as many as fit. */
static int place_counted(CHARACTER *to, SIZE_T size, SIZE_T at, const CHARACTER *from, SIZE_T count)
{
    SIZE_T room = size - at, length = ROUTINE(nlen)(from, MIN(count, room));
    if (count != CRT_TRUNCATE || length < room)
        return place(to, size, at, from, length);
    place(to, size, at, from, room - 1);
    return CRT_STRUNCATE;
}

int NTAPI ROUTINE(cpy_s)(CHARACTER *to, SIZE_T size, const CHARACTER *from)
{
    if (!to || size == 0)
        return CRT_EINVAL;
    return from ? place(to, size, 0, from, ROUTINE(nlen)(from, size)) : refuse(to, CRT_EINVAL);
}

int NTAPI ROUTINE(ncpy_s)(CHARACTER *to, SIZE_T size, const CHARACTER *from, SIZE_T count)
{
    if (!to || size == 0)
        return CRT_EINVAL;
    if (count == 0)
        return refuse(to, 0);
    return from ? place_counted(to, size, 0, from, count) : refuse(to, CRT_EINVAL);
}

int NTAPI ROUTINE(cat_s)(CHARACTER *to, SIZE_T size, const CHARACTER *from)
{
    if (!to || size == 0)
        return CRT_EINVAL;
    SIZE_T at = ROUTINE(nlen)(to, size);
    if (!from || at == size)
        return refuse(to, CRT_EINVAL);
    return place(to, size, at, from, ROUTINE(nlen)(from, size - at));
}

int NTAPI ROUTINE(ncat_s)(CHARACTER *to, SIZE_T size, const CHARACTER *from, SIZE_T count)
{
    if (!to || size == 0)
        return CRT_EINVAL;
    SIZE_T at = ROUTINE(nlen)(to, size);
    if ((!from && count != 0) || at == size)
        return refuse(to, CRT_EINVAL);
    return count ? place_counted(to, size, at, from, count) : 0;
}

int NTAPI ROUTINE(set_s)(CHARACTER *s, SIZE_T size, WIDENED c)
{
    if (!s || size == 0)
        return CRT_EINVAL;
    if (ROUTINE(nlen)(s, size) == size)
        return refuse(s, CRT_EINVAL);
    ROUTINE(nset)(s, c, size);
    return 0;
}

int NTAPI ROUTINE(nset_s)(CHARACTER *s, SIZE_T size, WIDENED c, SIZE_T count)
{
    if (!s || size == 0)
        return CRT_EINVAL;
    if (ROUTINE(nlen)(s, size) == size)
        return refuse(s, CRT_EINVAL);
    ROUTINE(nset)(s, c, count);
    return 0;
}
