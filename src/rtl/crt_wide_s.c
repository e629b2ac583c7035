/* SPDX-License-Identifier: MIT */
/*
 * The checked (_s) routines on terminated wide strings. A destination that is
 * too small, or a NULL argument, empties the destination and is named by the
 * result; no handler is called.
 */
#include "rtl/rtl.h"
#include "rtl/crt.h"
#include "rtl/exports.h"

static int refuse(WCHAR *to, int error)
{
    *to = 0;
    return error;
}

/* Puts `length` characters of from and a terminator at to[at]. */
static int place(WCHAR *to, SIZE_T size, SIZE_T at, const WCHAR *from, SIZE_T length)
{
    if (length >= size - at)
        return refuse(to, CRT_ERANGE);
    __builtin_memmove(to + at, from, length * sizeof(*to));
    to[at + length] = 0;
    return 0;
}

/* The same for at most `count` characters; _TRUNCATE: as many as fit. */
static int place_counted(WCHAR *to, SIZE_T size, SIZE_T at, const WCHAR *from, SIZE_T count)
{
    SIZE_T room = size - at, length = crt_wcsnlen(from, MIN(count, room));
    if (count != CRT_TRUNCATE || length < room)
        return place(to, size, at, from, length);
    place(to, size, at, from, room - 1);
    return CRT_STRUNCATE;
}

EXPORT_AS(ntoskrnl, "wcscpy_s", crt_wcscpy_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_wcscpy_s(WCHAR *to, SIZE_T size, const WCHAR *from)
{
    if (!to || size == 0)
        return CRT_EINVAL;
    return from ? place(to, size, 0, from, crt_wcsnlen(from, size)) : refuse(to, CRT_EINVAL);
}

EXPORT_AS(ntoskrnl, "wcsncpy_s", crt_wcsncpy_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_wcsncpy_s(WCHAR *to, SIZE_T size, const WCHAR *from, SIZE_T count)
{
    if (!to || size == 0)
        return CRT_EINVAL;
    if (count == 0)
        return refuse(to, 0);
    return from ? place_counted(to, size, 0, from, count) : refuse(to, CRT_EINVAL);
}

EXPORT_AS(ntoskrnl, "wcscat_s", crt_wcscat_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_wcscat_s(WCHAR *to, SIZE_T size, const WCHAR *from)
{
    if (!to || size == 0)
        return CRT_EINVAL;
    SIZE_T at = crt_wcsnlen(to, size);
    if (!from || at == size)
        return refuse(to, CRT_EINVAL);
    return place(to, size, at, from, crt_wcsnlen(from, size - at));
}

EXPORT_AS(ntoskrnl, "wcsncat_s", crt_wcsncat_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_wcsncat_s(WCHAR *to, SIZE_T size, const WCHAR *from, SIZE_T count)
{
    if (!to || size == 0)
        return CRT_EINVAL;
    SIZE_T at = crt_wcsnlen(to, size);
    if ((!from && count != 0) || at == size)
        return refuse(to, CRT_EINVAL);
    return count ? place_counted(to, size, at, from, count) : 0;
}

EXPORT_AS(ntoskrnl, "_wcsset_s", crt_wcsset_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_wcsset_s(WCHAR *s, SIZE_T size, WCHAR c)
{
    if (!s || size == 0)
        return CRT_EINVAL;
    if (crt_wcsnlen(s, size) == size)
        return refuse(s, CRT_EINVAL);
    crt_wcsnset(s, c, size);
    return 0;
}

EXPORT_AS(ntoskrnl, "_wcsnset_s", crt_wcsnset_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_wcsnset_s(WCHAR *s, SIZE_T size, WCHAR c, SIZE_T count)
{
    if (!s || size == 0)
        return CRT_EINVAL;
    if (crt_wcsnlen(s, size) == size)
        return refuse(s, CRT_EINVAL);
    crt_wcsnset(s, c, count);
    return 0;
}
