/* SPDX-License-Identifier: MIT */
/*
 * Names against patterns with * ? and the three DOS wild cards < > ". A set of
 * positions in the pattern is carried along the name, so the time is bounded
 * by the product of the lengths whatever the pattern is.
 */
#include "rtl/rtl.h"
#include "rtl/exports.h"
#include "rtl/nls.h"
#include "rtl/string_pool.h"
#include "arch/arch.h"
#include "nt/status.h"

#define DOS_STAR '<'
#define DOS_QM   '>'
#define DOS_DOT  '"'

/* A counted text of either width. */
struct text {
    const void *at;
    size_t length; /* characters */
    bool wide;
};

static WCHAR unit(const struct text *text, size_t i)
{
    return text->wide ? ((const WCHAR *)text->at)[i] : ((const UCHAR *)text->at)[i];
}

static bool is_wild(WCHAR c)
{
    return c == '*' || c == '?' || c == DOS_STAR || c == DOS_QM || c == DOS_DOT;
}

/* Marks every position that can be reached without a character of the name. next: that character, 0 behind
 * the end. */
static void close_set(const struct text *pattern, UCHAR *set, WCHAR next)
{
    for (size_t p = 0; p < pattern->length; p++) {
        WCHAR c = unit(pattern, p);
        bool skips = c == '*' || c == DOS_STAR || (c == DOS_QM && (next == 0 || next == '.')) ||
                     (c == DOS_DOT && next == 0);
        if (set[p] && skips)
            set[p + 1] = 1;
    }
}

/* Moves every position over one character of the name. */
static void step(const struct text *pattern, const UCHAR *from, UCHAR *to, WCHAR c, bool final_dot)
{
    __builtin_memset(to, 0, pattern->length + 1);
    for (size_t p = 0; p < pattern->length; p++) {
        if (!from[p])
            continue;
        WCHAR wanted = unit(pattern, p);
        if (wanted == '*' || (wanted == DOS_STAR && !final_dot))
            to[p] = 1;
        if (wanted == c || wanted == '?' || (wanted == DOS_STAR && final_dot) ||
            (wanted == DOS_QM && c != '.') || (wanted == DOS_DOT && c == '.'))
            to[p + 1] = 1;
    }
}

static size_t find_final_dot(const struct text *name)
{
    size_t i = name->length;
    while (i > 0 && unit(name, i - 1) != '.')
        i--;
    return i - 1; /* -1: there is none */
}

/* fold: upper case of a character of the name. sets: two of pattern->length + 1 bytes each. */
static bool matches(const struct text *pattern, const struct text *name, const WCHAR *table, bool fold,
                    UCHAR *sets)
{
    UCHAR *now = sets, *then = sets + pattern->length + 1;
    size_t final_dot = find_final_dot(name);
    __builtin_memset(now, 0, pattern->length + 1);
    now[0] = 1;
    for (size_t i = 0; i < name->length; i++) {
        WCHAR c = unit(name, i);
        if (fold)
            c = table ? table[c] : rtl_upper(c);
        close_set(pattern, now, c);
        step(pattern, now, then, c, i == final_dot);
        UCHAR *swap = now;
        now = then;
        then = swap;
    }
    close_set(pattern, now, 0);
    return now[pattern->length];
}

static bool in_expression(const struct text *pattern, const struct text *name, const WCHAR *table, bool fold,
                          const void *caller)
{
    UCHAR small[512], *sets = small;
    size_t size = 2 * (pattern->length + 1);
    if (pattern->length == 0 || name->length == 0)
        return pattern->length == name->length;
    if (size > sizeof small) {
        sets = rtl_string_allocate(size, caller);
        if (!sets)
            arch_raise_status(STATUS_NO_MEMORY);
    }
    bool result = matches(pattern, name, table, fold, sets);
    if (sets != small)
        rtl_string_free(sets, caller);
    return result;
}

static struct text wide_text(PCUNICODE_STRING string)
{
    return (struct text){string->Buffer, string->Length / sizeof(WCHAR), true};
}

static struct text narrow_text(const STRING *string)
{
    return (struct text){string->Buffer, string->Length, false};
}

/* Expression must be upper case if IgnoreCase. Raises STATUS_NO_MEMORY. */
EXPORT(ntoskrnl, FsRtlIsNameInExpression, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
BOOLEAN NTAPI FsRtlIsNameInExpression(PUNICODE_STRING Expression, PUNICODE_STRING Name, BOOLEAN IgnoreCase,
                                      PWCH UpcaseTable)
{
    struct text pattern = wide_text(Expression), name = wide_text(Name);
    return in_expression(&pattern, &name, UpcaseTable, IgnoreCase, __builtin_return_address(0));
}

EXPORT(ntoskrnl, FsRtlIsDbcsInExpression, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
BOOLEAN NTAPI FsRtlIsDbcsInExpression(PANSI_STRING Expression, PANSI_STRING Name)
{
    struct text pattern = narrow_text(Expression), name = narrow_text(Name);
    return in_expression(&pattern, &name, NULL, false, __builtin_return_address(0));
}

static bool contains_wild(const struct text *text)
{
    for (size_t i = 0; i < text->length; i++)
        if (is_wild(unit(text, i)))
            return true;
    return false;
}

EXPORT(ntoskrnl, FsRtlDoesNameContainWildCards, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
BOOLEAN NTAPI FsRtlDoesNameContainWildCards(PUNICODE_STRING Name)
{
    struct text name = wide_text(Name);
    return contains_wild(&name);
}

EXPORT(ntoskrnl, FsRtlDoesDbcsContainWildCards, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
BOOLEAN NTAPI FsRtlDoesDbcsContainWildCards(PANSI_STRING Name)
{
    struct text name = narrow_text(Name);
    return contains_wild(&name);
}

EXPORT(ntoskrnl, FsRtlAreNamesEqual, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
BOOLEAN NTAPI FsRtlAreNamesEqual(PCUNICODE_STRING ConstantNameA, PCUNICODE_STRING ConstantNameB,
                                 BOOLEAN IgnoreCase, PCWCH UpcaseTable)
{
    if (ConstantNameA->Length != ConstantNameB->Length)
        return FALSE;
    for (size_t i = 0; i < ConstantNameA->Length / sizeof(WCHAR); i++) {
        WCHAR a = ConstantNameA->Buffer[i], b = ConstantNameB->Buffer[i];
        if (IgnoreCase && a != b) {
            a = UpcaseTable ? UpcaseTable[a] : rtl_upper(a);
            b = UpcaseTable ? UpcaseTable[b] : rtl_upper(b);
        }
        if (a != b)
            return FALSE;
    }
    return TRUE;
}
