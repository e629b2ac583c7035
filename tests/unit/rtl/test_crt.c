/* SPDX-License-Identifier: MIT */
/* The C library's names: strings of both widths, checked strings, numbers, classes, sorting. */
#include "rtl_test.h"
#include "rtl/crt.h"

static void narrow_strings(void **state)
{
    char b[16];
    assert_int_equal(crt_strlen("abc"), 3);
    assert_int_equal(crt_strnlen("abc", 2), 2);
    assert_string_equal(crt_strcat(crt_strcpy(b, "ab"), "cd"), "abcd");
    assert_string_equal(crt_strncat(b, "efgh", 2), "abcdef");
    memset(b, 'x', sizeof b);
    crt_strncpy(b, "ab", 4);
    assert_memory_equal(b, "ab\0\0x", 5);
    crt_strncpy(b, "abcdef", 3);
    assert_memory_equal(b, "abc\0x", 5);
    assert_true(crt_strcmp("a\x80", "ab") > 0 && crt_strcmp("a", "ab") < 0 && crt_strcmp("ab", "ab") == 0);
    assert_true(crt_strncmp("abc", "abd", 2) == 0 && crt_strncmp("abc", "abd", 3) < 0 &&
                crt_strncmp("a", "a", 9) == 0);
    assert_true(crt_stricmp("aBc", "AbC") == 0 && crt_stricmp("a", "B") < 0 &&
                crt_stricmp("\xE4", "\xC4") != 0);
    assert_true(crt_strnicmp("ABx", "aby", 2) == 0 && crt_strnicmp("ABx", "aby", 3) < 0);
    const char *s = "hello";
    assert_ptr_equal(crt_strchr(s, 'l'), s + 2);
    assert_ptr_equal(crt_strchr(s, 0), s + 5);
    assert_null(crt_strchr(s, 'x'));
    assert_ptr_equal(crt_strrchr(s, 'l'), s + 3);
    assert_ptr_equal(crt_strrchr(s, 0), s + 5);
    assert_null(crt_strrchr(s, 'x'));
    assert_ptr_equal(crt_strstr(s, "lo"), s + 3);
    assert_ptr_equal(crt_strstr(s, ""), s);
    assert_null(crt_strstr(s, "lox"));
    assert_int_equal(crt_strspn("aabc", "ab"), 3);
    assert_int_equal(crt_strcspn("aabc", "cx"), 3);
    strcpy(b, "aB1");
    assert_string_equal(crt_strupr(b), "AB1");
    assert_string_equal(crt_strlwr(b), "ab1");
    assert_string_equal(crt_strrev(b), "1ba");
    assert_string_equal(crt_strnset(b, '-', 2), "--a");
}

static void wide_strings(void **state)
{
    WCHAR b[16];
    assert_int_equal(crt_wcslen(u"abc"), 3);
    assert_int_equal(crt_wcsnlen(u"abc", 2), 2);
    assert_wide(crt_wcscat(crt_wcscpy(b, u"ab"), u"cd"), u"abcd");
    assert_wide(crt_wcsncat(b, u"efgh", 2), u"abcdef");
    memset(b, 0xFF, sizeof b);
    crt_wcsncpy(b, u"ab", 4);
    assert_memory_equal(b, u"ab\0\0\xFFFF", 10);
    assert_true(crt_wcscmp(u"a\x8000", u"ab") > 0 && crt_wcscmp(u"ab", u"ab") == 0);
    assert_true(crt_wcsncmp(u"abc", u"abd", 2) == 0 && crt_wcsncmp(u"abc", u"abd", 3) < 0);
    assert_true(crt_wcsicmp(u"aBc", u"AbC") == 0 && crt_wcsicmp(u"a", u"B") < 0);
    assert_true(crt_wcsnicmp(u"ABx", u"aby", 2) == 0 && crt_wcsnicmp(u"ABx", u"aby", 3) < 0);
    const WCHAR *s = u"hello";
    assert_ptr_equal(crt_wcschr(s, 'l'), s + 2);
    assert_ptr_equal(crt_wcsrchr(s, 'l'), s + 3);
    assert_ptr_equal(crt_wcsstr(s, u"lo"), s + 3);
    assert_int_equal(crt_wcsspn(u"aabc", u"ab"), 3);
    assert_int_equal(crt_wcscspn(u"aabc", u"cx"), 3);
    crt_wcscpy(b, u"aB1");
    assert_wide(crt_wcsupr(b), u"AB1");
    assert_wide(crt_wcslwr(b), u"ab1");
    assert_wide(crt_wcsrev(b), u"1ba");
    assert_wide(crt_wcsnset(b, '-', 2), u"--a");
}

static void checked_narrow_strings(void **state)
{
    char b[4];
    assert_int_equal(crt_strcpy_s(b, 4, "abc"), 0);
    assert_string_equal(b, "abc");
    assert_int_equal(crt_strcpy_s(b, 4, "abcd"), CRT_ERANGE);
    assert_string_equal(b, "");
    assert_int_equal(crt_strcpy_s(b, 4, NULL), CRT_EINVAL);
    assert_int_equal(crt_strcpy_s(NULL, 4, "a"), CRT_EINVAL);
    assert_int_equal(crt_strcpy_s(b, 0, "a"), CRT_EINVAL);
    assert_int_equal(crt_strncpy_s(b, 4, "abcdef", 2), 0);
    assert_string_equal(b, "ab");
    assert_int_equal(crt_strncpy_s(b, 4, "abcdef", 4), CRT_ERANGE);
    assert_int_equal(crt_strncpy_s(b, 4, "abcdef", CRT_TRUNCATE), CRT_STRUNCATE);
    assert_string_equal(b, "abc");
    assert_int_equal(crt_strncpy_s(b, 4, NULL, 0), 0);
    assert_string_equal(b, "");
    assert_int_equal(crt_strcat_s(b, 4, "ab"), 0);
    assert_int_equal(crt_strcat_s(b, 4, "c"), 0);
    assert_string_equal(b, "abc");
    assert_int_equal(crt_strcat_s(b, 4, "d"), CRT_ERANGE);
    memset(b, 'x', 4);
    assert_int_equal(crt_strcat_s(b, 4, "d"), CRT_EINVAL);
    assert_int_equal(crt_strncat_s(b, 4, "abcdef", 2), 0);
    assert_int_equal(crt_strncat_s(b, 4, "abcdef", CRT_TRUNCATE), CRT_STRUNCATE);
    assert_string_equal(b, "aba");
    assert_int_equal(crt_strncat_s(b, 4, NULL, 1), CRT_EINVAL);
    assert_int_equal(crt_strcpy_s(b, 4, "abc") || crt_strset_s(b, 4, '-'), 0);
    assert_string_equal(b, "---");
    assert_int_equal(crt_strnset_s(b, 4, '+', 1), 0);
    assert_string_equal(b, "+--");
    assert_int_equal(crt_strset_s(b, 2, '-'), CRT_EINVAL);
}

static void checked_wide_strings(void **state)
{
    WCHAR b[4];
    assert_int_equal(crt_wcscpy_s(b, 4, u"abc"), 0);
    assert_int_equal(crt_wcscpy_s(b, 4, u"abcd"), CRT_ERANGE);
    assert_int_equal(b[0], 0);
    assert_int_equal(crt_wcsncpy_s(b, 4, u"abcdef", CRT_TRUNCATE), CRT_STRUNCATE);
    assert_wide(b, u"abc");
    assert_int_equal(crt_wcscat_s(b, 4, u"d"), CRT_ERANGE);
    assert_int_equal(crt_wcscat_s(b, 4, u"ab"), 0);
    assert_int_equal(crt_wcsncat_s(b, 4, u"cdef", 1), 0);
    assert_wide(b, u"abc");
    assert_int_equal(crt_wcsnset_s(b, 4, '+', 1) || crt_wcsset_s(b, 4, '-'), 0);
    assert_wide(b, u"---");
}

static void numbers_from_text(void **state)
{
    char *end;
    WCHAR *wide_end;
    assert_int_equal(crt_atoi(" -12x"), -12);
    assert_int_equal(crt_atoi("x"), 0);
    assert_int_equal(crt_atol("99999999999"), INT32_MAX);
    assert_int_equal(crt_atoi64("-9223372036854775808"), INT64_MIN);
    assert_int_equal(crt_atoi64("9223372036854775808"), INT64_MAX);
    assert_int_equal(crt_wtoi(u"+12"), 12);
    assert_int_equal(crt_wtol(u"-99999999999"), INT32_MIN);
    assert_int_equal(crt_wtoi64(u"12345678901"), 12345678901);
    assert_int_equal(crt_strtol("0x1Fz", &end, 0), 31);
    assert_string_equal(end, "z");
    assert_int_equal(crt_strtol("017", NULL, 0), 15);
    assert_int_equal(crt_strtol("0xg", &end, 16), 0);
    assert_string_equal(end, "xg");
    const char *none = "  z";
    assert_int_equal(crt_strtol(none, &end, 10), 0);
    assert_ptr_equal(end, none);
    assert_int_equal(crt_strtoul("4294967296", NULL, 10), UINT32_MAX);
    assert_int_equal(crt_strtoul("-1", NULL, 10), UINT32_MAX);
    assert_int_equal(crt_strtoui64("FFFFFFFFFFFFFFFF", NULL, 16), UINT64_MAX);
    assert_int_equal(crt_strtoui64("1FFFFFFFFFFFFFFFF", NULL, 16), UINT64_MAX);
    assert_int_equal(crt_wcstol(u"-7fffffff", &wide_end, 16), -0x7fffffff);
    assert_int_equal(crt_wcstoul(u"z", &wide_end, 36), 35);
    assert_int_equal(*wide_end, 0);
    assert_int_equal(crt_strtol("1", NULL, 1), 0);
}

static void numbers_to_text(void **state)
{
    char b[68];
    WCHAR w[68];
    assert_string_equal(crt_itoa(-12, b, 10), "-12");
    assert_string_equal(crt_itoa(-1, b, 16), "ffffffff");
    assert_string_equal(crt_itoa(0, b, 2), "0");
    assert_wide(crt_itow(35, w, 36), u"z");
    assert_int_equal(crt_itoa_s(1234, b, 4, 10), CRT_ERANGE);
    assert_string_equal(b, "");
    assert_int_equal(crt_itoa_s(123, b, 4, 10), 0);
    assert_string_equal(b, "123");
    assert_int_equal(crt_itoa_s(1, b, 4, 37), CRT_EINVAL);
    assert_int_equal(crt_itow_s(123, w, 4, 10) | crt_ltow_s(-1, w, 4, 10), 0);
    assert_wide(w, u"-1");
    assert_int_equal(crt_ltoa_s(-1, b, 4, 10), 0);
    assert_int_equal(crt_ultoa_s(0xFFFFFFFF, b, 20, 10), 0);
    assert_string_equal(b, "4294967295");
    assert_int_equal(crt_ultow_s(0xFFFFFFFF, w, 20, 16), 0);
    assert_wide(w, u"ffffffff");
    assert_int_equal(crt_i64toa_s(INT64_MIN, b, 30, 10), 0);
    assert_string_equal(b, "-9223372036854775808");
    assert_int_equal(crt_i64tow_s(-1, w, 30, 16), 0);
    assert_wide(w, u"ffffffffffffffff");
    assert_int_equal(crt_ui64toa_s(UINT64_MAX, b, 30, 10), 0);
    assert_string_equal(b, "18446744073709551615");
    assert_int_equal(crt_ui64tow_s(UINT64_MAX, w, 68, 2), 0);
    assert_int_equal(crt_wcslen(w), 64);
}

static void classes(void **state)
{
    assert_true(crt_isdigit('5') && !crt_isdigit('a') && crt_isxdigit('F') && !crt_isxdigit('g'));
    assert_true(crt_islower('a') && !crt_islower('A') && crt_isupper('A') && !crt_isupper(0xC4));
    assert_true(crt_isspace('\t') && !crt_isspace('x') && crt_isprint(' ') && !crt_isprint(0x7F));
    assert_true(crt_isalpha('z') && !crt_isalpha('1') && crt_isalnum('1') && !crt_isalnum('-'));
    assert_int_equal(crt_tolower('Z'), 'z');
    assert_int_equal(crt_toupper('z'), 'Z');
    assert_int_equal(crt_towlower(0xC4), 0xE4);
    assert_int_equal(crt_towupper(0xE4), 0xC4);
}

static void multibyte(void **state)
{
    WCHAR w[4];
    char b[4];
    assert_int_equal(crt_mbstowcs(w, "a\x80", 4), 2);
    assert_wide(w, u"a\u20AC");
    assert_int_equal(crt_mbstowcs(NULL, "abc", 0), 3);
    assert_int_equal(crt_mbstowcs(w, "abcdef", 4), 4);
    assert_int_equal(crt_wcstombs(b, u"a\u20AC", 4), 2);
    assert_string_equal(b, "a\x80");
    assert_int_equal(crt_wcstombs(NULL, u"abc", 0), 3);
    assert_int_equal(crt_wcstombs(b, u"abcdef", 4), 4);
    assert_int_equal(crt_mbtowc(w, "\x80", 1), 1);
    assert_int_equal(w[0], 0x20AC);
    assert_int_equal(crt_mbtowc(w, "", 1), 0);
    assert_int_equal(crt_mbtowc(w, NULL, 1), 0);
    assert_int_equal(crt_wctomb(b, 0x20AC), 1);
    assert_int_equal(crt_wctomb(b, 0x4E00), -1);
    assert_int_equal(crt_wctomb(NULL, 'x'), 0);
}

static void tokens(void **state)
{
    char text[] = ",,a,bc,", *context;
    assert_string_equal(crt_strtok_s(text, ",", &context), "a");
    assert_string_equal(crt_strtok_s(NULL, ",", &context), "bc");
    assert_null(crt_strtok_s(NULL, ",", &context));
    assert_null(crt_strtok_s(NULL, ",", &context));
    assert_null(crt_strtok_s(text, ",", NULL));
}

static void the_documented_random_sequence(void **state)
{
    crt_srand(1);
    assert_int_equal(crt_rand(), 41);
    assert_int_equal(crt_rand(), 18467);
    assert_int_equal(crt_rand(), 6334);
}

static int NTAPI by_value(const VOID *a, const VOID *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static int NTAPI by_value_counted(PVOID context, const VOID *a, const VOID *b)
{
    ++*(int *)context;
    return by_value(a, b);
}

static void sorting_and_searching(void **state)
{
    int values[200], calls = 0, key;
    for (int n = 0; n < 200; n++) {
        for (int i = 0; i < n; i++)
            values[i] = (i * 7919 + n) % 101;
        if (n % 2)
            crt_qsort(values, n, sizeof values[0], by_value);
        else
            crt_qsort_s(values, n, sizeof values[0], by_value_counted, &calls);
        for (int i = 1; i < n; i++)
            assert_true(values[i - 1] <= values[i]);
    }
    assert_true(calls > 0);
    for (int i = 0; i < 200; i++)
        values[i] = i * 2;
    for (key = 0; key < 400; key++) {
        int *found = crt_bsearch(&key, values, 200, sizeof values[0], by_value);
        assert_ptr_equal(found, key % 2 ? NULL : &values[key / 2]);
    }
    key = 10;
    assert_ptr_equal(crt_bsearch_s(&key, values, 200, sizeof values[0], by_value_counted, &calls),
                     &values[5]);
    assert_null(crt_bsearch(&key, values, 0, sizeof values[0], by_value));
}

static void a_pure_virtual_call_stops_the_machine(void **state)
{
    assert_int_equal(RAISED(_purecall()), KMODE_EXCEPTION_NOT_HANDLED);
}

int test_crt(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(narrow_strings),
        cmocka_unit_test(wide_strings),
        cmocka_unit_test(checked_narrow_strings),
        cmocka_unit_test(checked_wide_strings),
        cmocka_unit_test(numbers_from_text),
        cmocka_unit_test(numbers_to_text),
        cmocka_unit_test(classes),
        cmocka_unit_test(multibyte),
        cmocka_unit_test(tokens),
        cmocka_unit_test(the_documented_random_sequence),
        cmocka_unit_test(sorting_and_searching),
        cmocka_unit_test(a_pure_virtual_call_stops_the_machine),
    };
    return cmocka_run_group_tests_name("crt", tests, NULL, NULL);
}
