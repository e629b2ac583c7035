/* SPDX-License-Identifier: MIT */
/* Values of an INF as the registry stores them. */
#include "inf/plan_internal.h"
#include "rtl/rtl.h"

/* Writes UTF-16 with its zero; returns the characters written. */
static size_t put_wide(WCHAR *to, const char *text)
{
    size_t length = __builtin_strlen(text);
    int count = rtl_wide_from_utf8(to, length + 1, text, length);

    to[count] = 0;
    return (size_t)count + 1;
}

const void *inf_encode_text(struct inf_plan *plan, const char *text, ULONG *length)
{
    WCHAR *wide = inf_allocate(&plan->memory, (__builtin_strlen(text) + 2) * sizeof(WCHAR));

    *length = (ULONG)(put_wide(wide, text) * sizeof(WCHAR));
    return wide;
}

/* REG_MULTI_SZ: an empty string would end the list, so there is none in it. */
const void *inf_encode_texts(struct inf_plan *plan, const struct inf_line *line, unsigned first,
                             ULONG *length)
{
    size_t room = 2, used = 0;

    for (unsigned i = first; i < line->count; i++)
        room += __builtin_strlen(line->value[i]) + 2;
    WCHAR *wide = inf_allocate(&plan->memory, room * sizeof(WCHAR));
    for (unsigned i = first; i < line->count; i++)
        if (line->value[i][0] != '\0')
            used += put_wide(wide + used, line->value[i]);
    wide[used] = 0;
    *length = (ULONG)((used + 1) * sizeof(WCHAR));
    return wide;
}

static unsigned digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 99;
}

/* All of the text is digits, and no more of them than fit. */
static bool take_digits(const char *text, unsigned base, ULONG64 limit, ULONG64 *number)
{
    if (*text == '\0')
        return false;
    for (*number = 0; *text != '\0'; text++) {
        unsigned digit = digit_of(*text);
        if (digit >= base || *number > (limit - digit) / base)
            return false;
        *number = *number * base + digit;
    }
    return true;
}

static bool is_hexadecimal(const char *text)
{
    return text[0] == '0' && (text[1] | 0x20) == 'x';
}

bool inf_number64(const char *text, ULONG64 *number)
{
    bool negative = *text == '-';
    const char *digits = text + (negative || *text == '+');
    bool hexadecimal = is_hexadecimal(digits);

    if (!take_digits(digits + (hexadecimal ? 2 : 0), hexadecimal ? 16 : 10, ~0ull, number))
        return false;
    if (negative)
        *number = -*number;
    return true;
}

bool inf_byte(const char *text, UCHAR *byte)
{
    ULONG64 number;

    if (!take_digits(text + (is_hexadecimal(text) ? 2 : 0), 16, 0xFF, &number))
        return false;
    *byte = (UCHAR)number;
    return true;
}
