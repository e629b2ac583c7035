/* SPDX-License-Identifier: MIT */
/* The exports of the C library's routines on wide strings; the routines are in the templates. */
#include "rtl/rtl.h"
#include "rtl/crt.h"
#include "rtl/exports.h"

EXPORT_AS(ntoskrnl, "wcslen", crt_wcslen, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
SIZE_T NTAPI crt_wcslen(const WCHAR *s);

EXPORT_AS(ntoskrnl, "wcsnlen", crt_wcsnlen, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
SIZE_T NTAPI crt_wcsnlen(const WCHAR *s, SIZE_T limit);

EXPORT_AS(ntoskrnl, "wcscpy", crt_wcscpy, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
WCHAR *NTAPI crt_wcscpy(WCHAR *to, const WCHAR *from);

EXPORT_AS(ntoskrnl, "wcsncpy", crt_wcsncpy, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
WCHAR *NTAPI crt_wcsncpy(WCHAR *to, const WCHAR *from, SIZE_T count);

EXPORT_AS(ntoskrnl, "wcscat", crt_wcscat, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
WCHAR *NTAPI crt_wcscat(WCHAR *to, const WCHAR *from);

EXPORT_AS(ntoskrnl, "wcsncat", crt_wcsncat, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
WCHAR *NTAPI crt_wcsncat(WCHAR *to, const WCHAR *from, SIZE_T count);

EXPORT_AS(ntoskrnl, "wcscmp", crt_wcscmp, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_wcscmp(const WCHAR *a, const WCHAR *b);

EXPORT_AS(ntoskrnl, "wcsncmp", crt_wcsncmp, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_wcsncmp(const WCHAR *a, const WCHAR *b, SIZE_T count);

EXPORT_AS(ntoskrnl, "_wcsicmp", crt_wcsicmp, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_wcsicmp(const WCHAR *a, const WCHAR *b);

EXPORT_AS(ntoskrnl, "_wcsnicmp", crt_wcsnicmp, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_wcsnicmp(const WCHAR *a, const WCHAR *b, SIZE_T count);

EXPORT_AS(ntoskrnl, "wcschr", crt_wcschr, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
WCHAR *NTAPI crt_wcschr(const WCHAR *s, WCHAR c);

EXPORT_AS(ntoskrnl, "wcsrchr", crt_wcsrchr, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
WCHAR *NTAPI crt_wcsrchr(const WCHAR *s, WCHAR c);

EXPORT_AS(ntoskrnl, "wcsstr", crt_wcsstr, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
WCHAR *NTAPI crt_wcsstr(const WCHAR *s, const WCHAR *sought);

EXPORT_AS(ntoskrnl, "wcsspn", crt_wcsspn, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
SIZE_T NTAPI crt_wcsspn(const WCHAR *s, const WCHAR *set);

EXPORT_AS(ntoskrnl, "wcscspn", crt_wcscspn, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
SIZE_T NTAPI crt_wcscspn(const WCHAR *s, const WCHAR *set);

EXPORT_AS(ntoskrnl, "_wcslwr", crt_wcslwr, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
WCHAR *NTAPI crt_wcslwr(WCHAR *s);

EXPORT_AS(ntoskrnl, "_wcsupr", crt_wcsupr, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
WCHAR *NTAPI crt_wcsupr(WCHAR *s);

EXPORT_AS(ntoskrnl, "_wcsrev", crt_wcsrev, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
WCHAR *NTAPI crt_wcsrev(WCHAR *s);

EXPORT_AS(ntoskrnl, "_wcsnset", crt_wcsnset, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
WCHAR *NTAPI crt_wcsnset(WCHAR *s, WCHAR c, SIZE_T count);

EXPORT_AS(ntoskrnl, "wcscpy_s", crt_wcscpy_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_wcscpy_s(WCHAR *to, SIZE_T size, const WCHAR *from);

EXPORT_AS(ntoskrnl, "wcsncpy_s", crt_wcsncpy_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_wcsncpy_s(WCHAR *to, SIZE_T size, const WCHAR *from, SIZE_T count);

EXPORT_AS(ntoskrnl, "wcscat_s", crt_wcscat_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_wcscat_s(WCHAR *to, SIZE_T size, const WCHAR *from);

EXPORT_AS(ntoskrnl, "wcsncat_s", crt_wcsncat_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_wcsncat_s(WCHAR *to, SIZE_T size, const WCHAR *from, SIZE_T count);

EXPORT_AS(ntoskrnl, "_wcsset_s", crt_wcsset_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_wcsset_s(WCHAR *s, SIZE_T size, WCHAR c);

EXPORT_AS(ntoskrnl, "_wcsnset_s", crt_wcsnset_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_wcsnset_s(WCHAR *s, SIZE_T size, WCHAR c, SIZE_T count);

#define CHARACTER     WCHAR
#define UNIT          WCHAR
#define WIDENED       WCHAR
#define ROUTINE(name) crt_wcs##name
#include "rtl/crt_string.h"
#include "rtl/crt_string_s.h"
