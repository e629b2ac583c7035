/* SPDX-License-Identifier: MIT */
/* Altitudes of filters: which of two stands higher. Decimal numbers, compared as text, so of any length. */
#include "rtl/rtl.h"
#include "rtl/exports.h"

/* The digits of an altitude before or behind its point. */
struct digits {
    const WCHAR *at;
    size_t count;
};

static void split(PCUNICODE_STRING altitude, struct digits *whole, struct digits *fraction)
{
    const WCHAR *at = altitude->Buffer, *end = at + altitude->Length / sizeof(WCHAR), *point = at;
    while (point < end && *point != '.')
        point++;
    while (at < point && *at == '0')
        at++;
    *whole = (struct digits){at, (size_t)(point - at)};
    point += point < end;
    while (end > point && end[-1] == '0')
        end--;
    *fraction = (struct digits){point, (size_t)(end - point)};
}

static LONG compare_digits(const struct digits *a, const struct digits *b)
{
    return RtlCompareUnicodeStrings(a->at, a->count, b->at, b->count, FALSE);
}

/* Altitudes are decimal numbers of any length: negative, 0, positive as the first is lower, equal, higher. */
EXPORT(ntoskrnl, RtlCompareAltitudes, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
LONG NTAPI RtlCompareAltitudes(PCUNICODE_STRING Altitude1, PCUNICODE_STRING Altitude2)
{
    struct digits whole1, whole2, fraction1, fraction2;
    split(Altitude1, &whole1, &fraction1);
    split(Altitude2, &whole2, &fraction2);
    if (whole1.count != whole2.count)
        return whole1.count < whole2.count ? -1 : 1;
    LONG order = compare_digits(&whole1, &whole2);
    return order ? order : compare_digits(&fraction1, &fraction2);
}
