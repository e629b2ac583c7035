/* SPDX-License-Identifier: MIT */
/* The printf engine and its exports. */
#include "rtl_test.h"

#define EXPECT(expected, ...)                                                                                \
    do {                                                                                                     \
        char buffer_[256];                                                                                   \
        assert_int_equal(crt_sprintf(buffer_, __VA_ARGS__), strlen(expected));                               \
        assert_string_equal(buffer_, expected);                                                              \
    } while (0)

#define EXPECT_WIDE(expected, ...)                                                                           \
    do {                                                                                                     \
        WCHAR buffer_[256];                                                                                  \
        assert_int_equal(crt_swprintf(buffer_, __VA_ARGS__), rtl_wcslen(expected));                          \
        assert_wide(buffer_, expected);                                                                      \
    } while (0)

static void numbers(void **state)
{
    EXPECT("-5 5 4294967291", "%d %i %u", -5, 5, -5);
    EXPECT("ff FF 0xff 0XFF 17 017", "%x %X %#x %#X %o %#o", 255, 255, 255, 255, 15, 15);
    EXPECT("   42|42   |00042|+42| 42", "%5d|%-5d|%05d|%+d|% d", 42, 42, 42, 42, 42);
    EXPECT("  042|-0042", "%5.3d|%05d", 42, -42);
    EXPECT("|0", "%.0d|%.0d0", 0, 0);
    EXPECT("0", "%#x", 0);
    EXPECT("   7|7   |003", "%*d|%*d|%.*d", 4, 7, -4, 7, 3, 3);
    EXPECT("0x00ff", "%#06x", 255);
}

static void sizes(void **state)
{
    EXPECT("123456789abcdef0", "%I64x", 0x123456789abcdef0ull);
    EXPECT("9abcdef0 9abcdef0", "%I32x %lx", 0x123456789abcdef0ull, 0x123456789abcdef0ull);
    EXPECT("123456789abcdef0", "%llx", 0x123456789abcdef0ull);
    EXPECT("123456789abcdef0 1", "%Ix %zu", 0x123456789abcdef0ull, (SIZE_T)1);
    EXPECT("-1 65535 -1 255", "%hd %hu %hhd %hhu", 0xFFFF, -1, 0xFF, -1);
    EXPECT("-9223372036854775808", "%I64d", INT64_MIN);
    EXPECT("00000000DEADBEEF", "%p", (void *)0xDEADBEEF);
    EXPECT("  0000000000000000", "%18p", NULL);
}

static void strings(void **state)
{
    EXPECT("abc (null) ab", "%s %s %.2s", "abc", NULL, "abc");
    EXPECT("wide wide wide wide nar", "%S %ls %ws %lS %hS", u"wide", u"wide", u"wide", u"wide", "nar");
    EXPECT("  abc|abc  |00abc", "%5s|%-5s|%05s", "abc", "abc", "abc");
    EXPECT("xy\x80", "%c%C%wc", 'x', u'y', u'\u20AC');
    EXPECT("uni ansi (null) un", "%wZ %Z %wZ %.2wZ", U(u"uni"), A("ansi"), NULL, U(u"uni"));
    EXPECT("(null)", "%wZ", &(UNICODE_STRING){2, 2, NULL});
    EXPECT("?", "%ws", u"\u4E00");
}

static void wide_output(void **state)
{
    EXPECT_WIDE(u"wide nar nar wide", u"%s %S %hs %ls", u"wide", "nar", "nar", u"wide");
    EXPECT_WIDE(u"x y \u20AC", u"%c %C %hc", u'x', 'y', 0x80);
    EXPECT_WIDE(u"uni ansi 0x1f 12", u"%wZ %Z %#x %I64d", U(u"uni"), A("ansi"), 31, 12ll);
    EXPECT_WIDE(u"\u4E00(null)", u"%ws%s", u"\u4E00", NULL);
}

static void odd_formats(void **state)
{
    int n = -1;
    LONGLONG n64 = -1;
    EXPECT("100%", "%d%%", 100);
    EXPECT("y", "%y");
    EXPECT("a", "a%");
    EXPECT("abcd", "abc%n%I64nd", &n, &n64);
    assert_int_equal(n, 3);
    assert_int_equal(n64, 3);
    EXPECT(" 7", "%f %d", 1.5, 7);
}

static void counted_output_cuts_without_terminator(void **state)
{
    char buffer[8];
    memset(buffer, '?', sizeof buffer);
    assert_int_equal(crt_snprintf(buffer, 3, "abcd"), -1);
    assert_memory_equal(buffer, "abc?", 4);
    assert_int_equal(crt_snprintf(buffer, 3, "xyz"), 3);
    assert_memory_equal(buffer, "xyz?", 4);
    assert_int_equal(crt_snprintf(buffer, 4, "xyz"), 3);
    assert_string_equal(buffer, "xyz");
    assert_int_equal(crt_snprintf(NULL, 0, "%d", 12345), 5);
    WCHAR wide[4] = {1, 1, 1, 1};
    assert_int_equal(crt_snwprintf(wide, 2, u"abc"), -1);
    assert_int_equal(wide[2], 1);
    assert_int_equal(crt_snwprintf(wide, 4, u"%s", u"abc"), 3);
    assert_wide(wide, u"abc");
}

static void checked_output_empties_what_does_not_fit(void **state)
{
    char buffer[4];
    WCHAR wide[4];
    assert_int_equal(crt_sprintf_s(buffer, 4, "%d", 123), 3);
    assert_int_equal(crt_sprintf_s(buffer, 4, "%d", 1234), -1);
    assert_string_equal(buffer, "");
    assert_int_equal(crt_sprintf_s(NULL, 4, "x"), -1);
    assert_int_equal(crt_swprintf_s(wide, 4, u"abcd"), -1);
    assert_int_equal(wide[0], 0);
    assert_int_equal(crt_swprintf_s(wide, 4, u"abc"), 3);
    assert_int_equal(crt_snprintf_s(buffer, 4, (SIZE_T)-1, "abcdef"), -1);
    assert_string_equal(buffer, "abc");
    assert_int_equal(crt_snprintf_s(buffer, 4, 2, "abc"), -1);
    assert_string_equal(buffer, "ab");
    assert_int_equal(crt_snprintf_s(buffer, 4, 4, "abcd"), -1);
    assert_string_equal(buffer, "");
    assert_int_equal(crt_snwprintf_s(wide, 4, (SIZE_T)-1, u"abcdef"), -1);
    assert_wide(wide, u"abc");
}

static int NTAPI call_v(int kind, void *buffer, SIZE_T size, const void *format, ...)
{
    __builtin_ms_va_list args;
    int result = 0;
    __builtin_ms_va_start(args, format);
    switch (kind) {
    case 0:
        result = crt_vsprintf(buffer, format, args);
        break;
    case 1:
        result = crt_vsnprintf(buffer, size, format, args);
        break;
    case 2:
        result = crt_vsprintf_s(buffer, size, format, args);
        break;
    case 3:
        result = crt_vsnprintf_s(buffer, size, (SIZE_T)-1, format, args);
        break;
    case 4:
        result = crt_vswprintf(buffer, format, args);
        break;
    case 5:
        result = crt_vsnwprintf(buffer, size, format, args);
        break;
    case 6:
        result = crt_vswprintf_s(buffer, size, format, args);
        break;
    case 7:
        result = crt_vsnwprintf_s(buffer, size, (SIZE_T)-1, format, args);
        break;
    }
    __builtin_ms_va_end(args);
    return result;
}

static void argument_lists(void **state)
{
    for (int kind = 0; kind < 8; kind++) {
        WCHAR buffer[16];
        const void *format = kind < 4 ? (const void *)"%d-%d" : u"%d-%d";
        assert_int_equal(call_v(kind, buffer, 16, format, 1, 22), 4);
        if (kind < 4)
            assert_string_equal((char *)buffer, "1-22");
        else
            assert_wide(buffer, u"1-22");
    }
}

int test_printf(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(sizes),
        cmocka_unit_test(strings),
        cmocka_unit_test(wide_output),
        cmocka_unit_test(odd_formats),
        cmocka_unit_test(counted_output_cuts_without_terminator),
        cmocka_unit_test(checked_output_empties_what_does_not_fit),
        cmocka_unit_test(argument_lists),
    };
    return cmocka_run_group_tests_name("printf", tests, NULL, NULL);
}
