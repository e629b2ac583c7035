/* SPDX-License-Identifier: MIT */
/*
 * Comparing counted Unicode strings. Characters are compared as numbers; "case
 * insensitive" means by their upper case. No locale's order, no normalisation.
 */
#include "rtl/rtl.h"
#include "rtl/exports.h"
#include "rtl/nls.h"
#include "nt/status.h"

/* Index of the first character in which two texts differ, n if none. */
static size_t first_difference(const WCHAR *a, const WCHAR *b, size_t n, bool nocase)
{
    size_t i = 0;
    while (i < n && (a[i] == b[i] || (nocase && rtl_upper(a[i]) == rtl_upper(b[i]))))
        i++;
    return i;
}

/* Lengths in characters. Negative, 0 or positive as String1 is less than, equal to or greater than String2.
 */
EXPORT(ntoskrnl, RtlCompareUnicodeStrings, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES)
LONG NTAPI RtlCompareUnicodeStrings(PCWCH String1, SIZE_T String1Length, PCWCH String2, SIZE_T String2Length,
                                    BOOLEAN CaseInSensitive)
{
    size_t n = MIN(String1Length, String2Length);
    size_t i = first_difference(String1, String2, n, CaseInSensitive);
    if (i == n)
        return String1Length == String2Length ? 0 : String1Length < String2Length ? -1 : 1;
    return CaseInSensitive ? rtl_upper(String1[i]) - rtl_upper(String2[i]) : String1[i] - String2[i];
}

/* Negative, 0 or positive as String1 is less than, equal to or greater than String2. */
EXPORT(ntoskrnl, RtlCompareUnicodeString, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES)
LONG NTAPI RtlCompareUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                                   BOOLEAN CaseInSensitive)
{
    return RtlCompareUnicodeStrings(String1->Buffer, String1->Length / sizeof(WCHAR), String2->Buffer,
                                    String2->Length / sizeof(WCHAR), CaseInSensitive);
}

static bool same_text(const WCHAR *a, const WCHAR *b, size_t bytes, bool nocase)
{
    size_t n = bytes / sizeof(WCHAR);
    return first_difference(a, b, n, nocase) == n;
}

bool rtl_equal_nocase(const UNICODE_STRING *a, const UNICODE_STRING *b)
{
    return a->Length == b->Length && same_text(a->Buffer, b->Buffer, a->Length, true);
}

EXPORT(ntoskrnl, RtlEqualUnicodeString, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES)
BOOLEAN NTAPI RtlEqualUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                                    BOOLEAN CaseInSensitive)
{
    return String1->Length == String2->Length &&
           same_text(String1->Buffer, String2->Buffer, String1->Length, CaseInSensitive);
}

/* TRUE if String2 begins with String1. */
EXPORT(ntoskrnl, RtlPrefixUnicodeString, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES)
BOOLEAN NTAPI RtlPrefixUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                                     BOOLEAN CaseInSensitive)
{
    return String1->Length <= String2->Length &&
           same_text(String1->Buffer, String2->Buffer, String1->Length, CaseInSensitive);
}

/* TRUE if String2 ends with String1. */
EXPORT(ntoskrnl, RtlSuffixUnicodeString, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES)
BOOLEAN NTAPI RtlSuffixUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                                     BOOLEAN CaseInSensitive)
{
    if (String1->Length > String2->Length)
        return FALSE;
    const WCHAR *tail = String2->Buffer + (String2->Length - String1->Length) / sizeof(WCHAR);
    return same_text(String1->Buffer, tail, String1->Length, CaseInSensitive);
}

/* x65599 (also the default): hash = hash * 65599 + character, over upper-case characters if CaseInSensitive.
 */
EXPORT(ntoskrnl, RtlHashUnicodeString, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlHashUnicodeString(PCUNICODE_STRING String, BOOLEAN CaseInSensitive, ULONG HashAlgorithm,
                                    PULONG HashValue)
{
    if (!String || !HashValue ||
        (HashAlgorithm != HASH_STRING_ALGORITHM_DEFAULT && HashAlgorithm != HASH_STRING_ALGORITHM_X65599))
        return STATUS_INVALID_PARAMETER;
    ULONG hash = 0;
    for (size_t i = 0; i < String->Length / sizeof(WCHAR); i++)
        hash = hash * 65599 + (CaseInSensitive ? rtl_upper(String->Buffer[i]) : String->Buffer[i]);
    *HashValue = hash;
    return STATUS_SUCCESS;
}
