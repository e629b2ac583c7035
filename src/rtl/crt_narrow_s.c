/* SPDX-License-Identifier: MIT */
/*
 * The checked (_s) routines on terminated single-byte strings. A destination that is
 * too small, or a NULL argument, empties the destination and is named by the
 * result; no handler is called.
 */
#include "rtl/rtl.h"
#include "rtl/crt.h"
#include "rtl/exports.h"

static int refuse(CHAR *to, int error)
{
    *to = 0;
    return error;
}

/* Puts `length` characters of from and a terminator at to[at]. */
static int place(CHAR *to, SIZE_T size, SIZE_T at, const CHAR *from, SIZE_T length)
{
    if (length >= size - at)
        return refuse(to, CRT_ERANGE);
    __builtin_memmove(to + at, from, length * sizeof(*to));
    to[at + length] = 0;
    return 0;
}

/* The same for at most `count` characters; _TRUNCATE: as many as fit. */
static int place_counted(CHAR *to, SIZE_T size, SIZE_T at, const CHAR *from, SIZE_T count)
{
    SIZE_T room = size - at, length = crt_strnlen(from, MIN(count, room));
    if (count != CRT_TRUNCATE || length < room)
        return place(to, size, at, from, length);
    place(to, size, at, from, room - 1);
    return CRT_STRUNCATE;
}

EXPORT_AS(ntoskrnl, "strcpy_s", crt_strcpy_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_strcpy_s(CHAR *to, SIZE_T size, const CHAR *from)
{
    if (!to || size == 0)
        return CRT_EINVAL;
    return from ? place(to, size, 0, from, crt_strnlen(from, size)) : refuse(to, CRT_EINVAL);
}

EXPORT_AS(ntoskrnl, "strncpy_s", crt_strncpy_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_strncpy_s(CHAR *to, SIZE_T size, const CHAR *from, SIZE_T count)
{
    if (!to || size == 0)
        return CRT_EINVAL;
    if (count == 0)
        return refuse(to, 0);
    return from ? place_counted(to, size, 0, from, count) : refuse(to, CRT_EINVAL);
}

EXPORT_AS(ntoskrnl, "strcat_s", crt_strcat_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_strcat_s(CHAR *to, SIZE_T size, const CHAR *from)
{
    if (!to || size == 0)
        return CRT_EINVAL;
    SIZE_T at = crt_strnlen(to, size);
    if (!from || at == size)
        return refuse(to, CRT_EINVAL);
    return place(to, size, at, from, crt_strnlen(from, size - at));
}

EXPORT_AS(ntoskrnl, "strncat_s", crt_strncat_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_strncat_s(CHAR *to, SIZE_T size, const CHAR *from, SIZE_T count)
{
    if (!to || size == 0)
        return CRT_EINVAL;
    SIZE_T at = crt_strnlen(to, size);
    if ((!from && count != 0) || at == size)
        return refuse(to, CRT_EINVAL);
    return count ? place_counted(to, size, at, from, count) : 0;
}

EXPORT_AS(ntoskrnl, "_strset_s", crt_strset_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_strset_s(CHAR *s, SIZE_T size, int c)
{
    if (!s || size == 0)
        return CRT_EINVAL;
    if (crt_strnlen(s, size) == size)
        return refuse(s, CRT_EINVAL);
    crt_strnset(s, c, size);
    return 0;
}

EXPORT_AS(ntoskrnl, "_strnset_s", crt_strnset_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_strnset_s(CHAR *s, SIZE_T size, int c, SIZE_T count)
{
    if (!s || size == 0)
        return CRT_EINVAL;
    if (crt_strnlen(s, size) == size)
        return refuse(s, CRT_EINVAL);
    crt_strnset(s, c, count);
    return 0;
}
