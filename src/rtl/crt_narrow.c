/* SPDX-License-Identifier: MIT */
/* The exports of the C library's routines on single-byte strings; the routines are in the templates. */
#include "rtl/rtl.h"
#include "rtl/crt.h"
#include "rtl/exports.h"

EXPORT_AS(ntoskrnl, "strlen", crt_strlen, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
SIZE_T NTAPI crt_strlen(const CHAR *s);

EXPORT_AS(ntoskrnl, "strnlen", crt_strnlen, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
SIZE_T NTAPI crt_strnlen(const CHAR *s, SIZE_T limit);

EXPORT_AS(ntoskrnl, "strcpy", crt_strcpy, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
CHAR *NTAPI crt_strcpy(CHAR *to, const CHAR *from);

EXPORT_AS(ntoskrnl, "strncpy", crt_strncpy, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
CHAR *NTAPI crt_strncpy(CHAR *to, const CHAR *from, SIZE_T count);

EXPORT_AS(ntoskrnl, "strcat", crt_strcat, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
CHAR *NTAPI crt_strcat(CHAR *to, const CHAR *from);

EXPORT_AS(ntoskrnl, "strncat", crt_strncat, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
CHAR *NTAPI crt_strncat(CHAR *to, const CHAR *from, SIZE_T count);

EXPORT_AS(ntoskrnl, "strcmp", crt_strcmp, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_strcmp(const CHAR *a, const CHAR *b);

EXPORT_AS(ntoskrnl, "strncmp", crt_strncmp, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_strncmp(const CHAR *a, const CHAR *b, SIZE_T count);

EXPORT_AS(ntoskrnl, "_stricmp", crt_stricmp, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_stricmp(const CHAR *a, const CHAR *b);

EXPORT_AS(ntoskrnl, "_strnicmp", crt_strnicmp, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_strnicmp(const CHAR *a, const CHAR *b, SIZE_T count);

EXPORT_AS(ntoskrnl, "strchr", crt_strchr, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
CHAR *NTAPI crt_strchr(const CHAR *s, int c);

EXPORT_AS(ntoskrnl, "strrchr", crt_strrchr, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
CHAR *NTAPI crt_strrchr(const CHAR *s, int c);

EXPORT_AS(ntoskrnl, "strstr", crt_strstr, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
CHAR *NTAPI crt_strstr(const CHAR *s, const CHAR *sought);

EXPORT_AS(ntoskrnl, "strspn", crt_strspn, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
SIZE_T NTAPI crt_strspn(const CHAR *s, const CHAR *set);

EXPORT_AS(ntoskrnl, "strcspn", crt_strcspn, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
SIZE_T NTAPI crt_strcspn(const CHAR *s, const CHAR *set);

EXPORT_AS(ntoskrnl, "_strlwr", crt_strlwr, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
CHAR *NTAPI crt_strlwr(CHAR *s);

EXPORT_AS(ntoskrnl, "_strupr", crt_strupr, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
CHAR *NTAPI crt_strupr(CHAR *s);

EXPORT_AS(ntoskrnl, "_strrev", crt_strrev, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
CHAR *NTAPI crt_strrev(CHAR *s);

EXPORT_AS(ntoskrnl, "_strnset", crt_strnset, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
CHAR *NTAPI crt_strnset(CHAR *s, int c, SIZE_T count);

EXPORT_AS(ntoskrnl, "strcpy_s", crt_strcpy_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_strcpy_s(CHAR *to, SIZE_T size, const CHAR *from);

EXPORT_AS(ntoskrnl, "strncpy_s", crt_strncpy_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_strncpy_s(CHAR *to, SIZE_T size, const CHAR *from, SIZE_T count);

EXPORT_AS(ntoskrnl, "strcat_s", crt_strcat_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_strcat_s(CHAR *to, SIZE_T size, const CHAR *from);

EXPORT_AS(ntoskrnl, "strncat_s", crt_strncat_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_strncat_s(CHAR *to, SIZE_T size, const CHAR *from, SIZE_T count);

EXPORT_AS(ntoskrnl, "_strset_s", crt_strset_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_strset_s(CHAR *s, SIZE_T size, int c);

EXPORT_AS(ntoskrnl, "_strnset_s", crt_strnset_s, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
int NTAPI crt_strnset_s(CHAR *s, SIZE_T size, int c, SIZE_T count);

#define CHARACTER     CHAR
#define UNIT          UCHAR
#define WIDENED       int
#define ROUTINE(name) crt_str##name
#include "rtl/crt_string.h"
#include "rtl/crt_string_s.h"
