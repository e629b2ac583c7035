/* SPDX-License-Identifier: MIT */
/* Unicode to and from ANSI (1252), OEM (437) and UTF-8. */
#include "rtl_test.h"

static void ansi_buffers(void **state)
{
    WCHAR wide[8];
    char narrow[8];
    ULONG n;
    assert_int_equal(RtlMultiByteToUnicodeN(wide, 6, &n, "A\x80\xFFz", 4), STATUS_SUCCESS);
    assert_int_equal(n, 6);
    assert_memory_equal(wide, u"A\u20AC\u00FF", 6);
    assert_int_equal(RtlMultiByteToUnicodeN(wide, 16, NULL, "ab", 2), STATUS_SUCCESS);
    assert_int_equal(RtlUnicodeToMultiByteN(narrow, 3, &n, u"\u20ACb\u4E00d", 8), STATUS_SUCCESS);
    assert_int_equal(n, 3);
    assert_memory_equal(narrow,
                        "\x80"
                        "b?",
                        3);
    assert_int_equal(RtlUnicodeToMultiByteN(narrow, 8, &n, u"\u0100\uFF21\u221E", 6), STATUS_SUCCESS);
    assert_memory_equal(narrow, "AA8", 3);
    assert_int_equal(RtlUpcaseUnicodeToMultiByteN(narrow, 8, &n, u"a\u00E9", 4), STATUS_SUCCESS);
    assert_memory_equal(narrow, "A\xC9", 2);
    assert_int_equal(RtlMultiByteToUnicodeSize(&n, "abc", 3), STATUS_SUCCESS);
    assert_int_equal(n, 6);
    assert_int_equal(RtlUnicodeToMultiByteSize(&n, u"abc", 6), STATUS_SUCCESS);
    assert_int_equal(n, 3);
    for (int byte = 0; byte < 256; byte++) {
        UCHAR b = (UCHAR)byte, back;
        RtlMultiByteToUnicodeN(wide, 2, NULL, (const char *)&b, 1);
        RtlUnicodeToMultiByteN((char *)&back, 1, NULL, wide, 2);
        assert_int_equal(back, byte);
        RtlOemToUnicodeN(wide, 2, NULL, (const char *)&b, 1);
        RtlUnicodeToOemN((char *)&back, 1, NULL, wide, 2);
        assert_int_equal(back, byte);
    }
}

static void oem_buffers_report_what_is_cut(void **state)
{
    WCHAR wide[4] = {1, 1, 1, 1};
    char narrow[4];
    ULONG n;
    assert_int_equal(RtlOemToUnicodeN(wide, 8, &n, "a\x84", 2), STATUS_SUCCESS);
    assert_int_equal(n, 4);
    assert_wide(wide, u"a\u00E4");
    assert_int_equal(RtlOemToUnicodeN(wide, 2, &n, "ab", 2), STATUS_BUFFER_OVERFLOW);
    assert_int_equal(n, 2);
    assert_int_equal(RtlUnicodeToOemN(narrow, 4, &n, u"\u00E4\u2592", 4), STATUS_SUCCESS);
    assert_memory_equal(narrow, "\x84\xB1", 2);
    assert_int_equal(RtlUnicodeToOemN(narrow, 1, &n, u"ab", 4), STATUS_BUFFER_OVERFLOW);
    assert_int_equal(n, 1);
    assert_int_equal(RtlUpcaseUnicodeToOemN(narrow, 4, &n, u"\u00E4", 2), STATUS_SUCCESS);
    assert_memory_equal(narrow, "\x8E", 1);
    WCHAR c = u'\u00E9';
    assert_true(RtlIsValidOemCharacter(&c));
    assert_int_equal(c, 0xC9);
    c = u'\u4E00';
    assert_false(RtlIsValidOemCharacter(&c));
}

static void sizes_include_the_terminator(void **state)
{
    assert_int_equal(RtlxAnsiStringToUnicodeSize(A("abc")), 8);
    assert_int_equal(RtlxOemStringToUnicodeSize(A("abc")), 8);
    assert_int_equal(RtlxUnicodeStringToAnsiSize(U(u"abc")), 4);
    assert_int_equal(RtlxUnicodeStringToOemSize(U(u"abc")), 4);
}

static void strings_to_unicode(void **state)
{
    WCHAR buffer[4];
    UNICODE_STRING to = {2, 8, buffer};
    assert_int_equal(RtlAnsiStringToUnicodeString(&to, A("abc"), FALSE), STATUS_SUCCESS);
    assert_int_equal(to.Length, 6);
    assert_wide(buffer, u"abc");
    assert_int_equal(RtlAnsiStringToUnicodeString(&to, A("abcd"), FALSE), STATUS_BUFFER_OVERFLOW);
    assert_wide(buffer, u"abc");
    assert_int_equal(RtlOemStringToCountedUnicodeString(&to,
                                                        A("\x84"
                                                          "bcd"),
                                                        FALSE),
                     STATUS_SUCCESS);
    assert_int_equal(to.Length, 8);
    assert_int_equal(buffer[0], 0xE4);
    assert_int_equal(RtlOemStringToUnicodeString(&to, A("abc"), FALSE), STATUS_SUCCESS);
    STRING longest = {0x7FFF, 0x7FFF, (char *)buffer};
    assert_int_equal(RtlAnsiStringToUnicodeString(&to, &longest, TRUE), STATUS_INVALID_PARAMETER_2);
    fake_pool_failures = 1;
    assert_int_equal(RtlAnsiStringToUnicodeString(&to, A("abc"), TRUE), STATUS_NO_MEMORY);
    assert_int_equal(RtlAnsiStringToUnicodeString(&to, A("abc"), TRUE), STATUS_SUCCESS);
    assert_int_equal(to.MaximumLength, 8);
    assert_wide(to.Buffer, u"abc");
    RtlFreeUnicodeString(&to);
    assert_int_equal(RtlOemStringToCountedUnicodeString(&to, A(""), TRUE), STATUS_SUCCESS);
    assert_null(to.Buffer);
    assert_int_equal(fake_pool_blocks, 0);
}

static void strings_from_unicode(void **state)
{
    char buffer[4];
    STRING to = {0, 4, buffer};
    assert_int_equal(RtlUnicodeStringToAnsiString(&to, U(u"abc"), FALSE), STATUS_SUCCESS);
    assert_string_equal(buffer, "abc");
    assert_int_equal(to.Length, 3);
    assert_int_equal(RtlUnicodeStringToAnsiString(&to, U(u"defg"), FALSE), STATUS_BUFFER_OVERFLOW);
    assert_string_equal(buffer, "def");
    assert_int_equal(to.Length, 3);
    STRING none = {0, 0, NULL};
    assert_int_equal(RtlUnicodeStringToAnsiString(&none, U(u"a"), FALSE), STATUS_BUFFER_OVERFLOW);
    assert_int_equal(RtlUpcaseUnicodeStringToAnsiString(&to, U(u"a\u00E4"), FALSE), STATUS_SUCCESS);
    assert_string_equal(buffer, "A\xC4");
    assert_int_equal(RtlUpcaseUnicodeStringToOemString(&to, U(u"a\u00E4"), FALSE), STATUS_SUCCESS);
    assert_string_equal(buffer, "A\x8E");
    fake_pool_failures = 1;
    assert_int_equal(RtlUnicodeStringToOemString(&to, U(u"ab"), TRUE), STATUS_NO_MEMORY);
    assert_int_equal(RtlUnicodeStringToOemString(&to, U(u"ab"), TRUE), STATUS_SUCCESS);
    assert_int_equal(to.MaximumLength, 3);
    RtlFreeOemString(&to);
    assert_int_equal(RtlUnicodeStringToAnsiString(&to, U(u"ab"), TRUE), STATUS_SUCCESS);
    RtlFreeAnsiString(&to);
    assert_null(to.Buffer);
    assert_int_equal(fake_pool_blocks, 0);
}

static void counted_oem_strings_must_map(void **state)
{
    char buffer[4] = "????";
    STRING to = {0, 2, buffer};
    assert_int_equal(RtlUnicodeStringToCountedOemString(&to, U(u"ab"), FALSE), STATUS_SUCCESS);
    assert_memory_equal(buffer, "ab??", 4);
    assert_int_equal(RtlUpcaseUnicodeStringToCountedOemString(&to, U(u"cd"), FALSE), STATUS_SUCCESS);
    assert_memory_equal(buffer, "CD??", 4);
    assert_int_equal(RtlUnicodeStringToCountedOemString(&to, U(u"\u4E00"), TRUE),
                     STATUS_UNMAPPABLE_CHARACTER);
    assert_int_equal(RtlUnicodeStringToCountedOemString(&to, U(u"abc"), FALSE), STATUS_BUFFER_OVERFLOW);
    assert_int_equal(RtlUnicodeStringToCountedOemString(&to, U(u""), TRUE), STATUS_SUCCESS);
    assert_null(to.Buffer);
    assert_int_equal(fake_pool_blocks, 0);
}

static void utf8_buffers(void **state)
{
    WCHAR wide[8];
    char narrow[16];
    ULONG n;
    const char text[] = "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80";
    assert_int_equal(RtlUTF8ToUnicodeN(NULL, 0, &n, text, sizeof text), STATUS_SUCCESS);
    assert_int_equal(n, 12);
    assert_int_equal(RtlUTF8ToUnicodeN(wide, 12, &n, text, sizeof text), STATUS_SUCCESS);
    assert_memory_equal(wide, u"a\u00E4\u20AC\U0001F600", 12);
    assert_int_equal(RtlUnicodeToUTF8N(NULL, 0, &n, wide, 12), STATUS_SUCCESS);
    assert_int_equal(n, sizeof text);
    assert_int_equal(RtlUnicodeToUTF8N(narrow, sizeof narrow, &n, wide, 12), STATUS_SUCCESS);
    assert_memory_equal(narrow, text, sizeof text);
    assert_int_equal(RtlUTF8ToUnicodeN(wide, 8, &n, text, sizeof text), STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(n, 6);
    assert_int_equal(RtlUnicodeToUTF8N(narrow, 2, &n, u"a\u00E4", 4), STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(n, 1);
    assert_int_equal(RtlUTF8ToUnicodeN(NULL, 0, NULL, text, 1), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlUTF8ToUnicodeN(wide, 2, &n, NULL, 1), STATUS_INVALID_PARAMETER_4);
    assert_int_equal(RtlUnicodeToUTF8N(NULL, 0, NULL, wide, 2), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlUnicodeToUTF8N(narrow, 2, &n, NULL, 2), STATUS_INVALID_PARAMETER_4);
    assert_int_equal(RtlUnicodeToUTF8N(narrow, 2, &n, wide, 3), STATUS_INVALID_PARAMETER_5);
}

static void malformed_utf8_is_replaced(void **state)
{
    static const struct {
        const char *text;
        ULONG length, replaced;
    } bad[] = {{"\x80", 1, 1},         {"\xC0\xAF", 2, 2},         {"\xE2\x82", 2, 1}, {"\xE0\x80\x80", 3, 3},
               {"\xED\xA0\x80", 3, 3}, {"\xF4\x90\x80\x80", 4, 4}, {"\xFF", 1, 1}};
    WCHAR wide[8];
    ULONG n;
    for (size_t i = 0; i < countof(bad); i++) {
        assert_int_equal(RtlUTF8ToUnicodeN(wide, sizeof wide, &n, bad[i].text, bad[i].length),
                         STATUS_SOME_NOT_MAPPED);
        assert_int_equal(n, bad[i].replaced * 2);
        assert_int_equal(wide[0], 0xFFFD);
    }
    char narrow[8];
    assert_int_equal(RtlUnicodeToUTF8N(narrow, 8, &n, (WCHAR[]){0xD800, 'a'}, 4), STATUS_SOME_NOT_MAPPED);
    assert_memory_equal(narrow,
                        "\xEF\xBF\xBD"
                        "a",
                        4);
}

static void utf8_strings(void **state)
{
    char bytes[4];
    UTF8_STRING narrow = {0, 4, bytes};
    assert_int_equal(RtlUnicodeStringToUTF8String(&narrow, U(u"\u00E4b"), FALSE), STATUS_SUCCESS);
    assert_string_equal(bytes, "\xC3\xA4"
                               "b");
    assert_int_equal(RtlUnicodeStringToUTF8String(&narrow, U(u"abcde"), FALSE), STATUS_BUFFER_OVERFLOW);
    assert_int_equal(narrow.Length, 4);
    assert_int_equal(RtlUnicodeStringToUTF8String(&narrow, U(u"\u20AC"), TRUE), STATUS_SUCCESS);
    assert_int_equal(narrow.Length, 3);
    assert_int_equal(narrow.MaximumLength, 4);
    RtlFreeUTF8String(&narrow);
    UNICODE_STRING wide;
    assert_int_equal(RtlUTF8StringToUnicodeString(&wide, A("\xE2\x82\xAC"), TRUE), STATUS_SUCCESS);
    assert_wide(wide.Buffer, u"\u20AC");
    RtlFreeUnicodeString(&wide);
    fake_pool_failures = 2;
    assert_int_equal(RtlUTF8StringToUnicodeString(&wide, A("a"), TRUE), STATUS_NO_MEMORY);
    assert_int_equal(RtlUnicodeStringToUTF8String(&narrow, U(u"a"), TRUE), STATUS_NO_MEMORY);
    WCHAR unit[1];
    wide = (UNICODE_STRING){0, 2, unit};
    assert_int_equal(RtlUTF8StringToUnicodeString(&wide, A("ab"), FALSE), STATUS_BUFFER_OVERFLOW);
    assert_int_equal(wide.Length, 2);
    assert_int_equal(fake_pool_blocks, 0);
}

static void our_own_conversions_terminate(void **state)
{
    char narrow[4];
    WCHAR wide[4];
    assert_int_equal(rtl_utf8_from_wide(narrow, 4, u"a\u00E4b", 3), 3);
    assert_string_equal(narrow, "a\xC3\xA4");
    assert_int_equal(rtl_wide_from_utf8(wide, 3, "abc", 3), 2);
    assert_wide(wide, u"ab");
}

static void single_characters_and_locale(void **state)
{
    UCHAR text[] = "\x80z", *at = text;
    USHORT ansi, oem;
    assert_int_equal(RtlAnsiCharToUnicodeChar(&at), 0x20AC);
    assert_ptr_equal(at, text + 1);
    RtlGetDefaultCodePage(&ansi, &oem);
    assert_int_equal(ansi, 1252);
    assert_int_equal(oem, 437);
    assert_false(NlsMbCodePageTag || NlsMbOemCodePageTag);
    assert_int_equal(NlsOemLeadByteInfo[0xE4], 0);
}

int test_code_pages(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ansi_buffers),
        cmocka_unit_test(oem_buffers_report_what_is_cut),
        cmocka_unit_test(sizes_include_the_terminator),
        cmocka_unit_test(strings_to_unicode),
        cmocka_unit_test(strings_from_unicode),
        cmocka_unit_test(counted_oem_strings_must_map),
        cmocka_unit_test(utf8_buffers),
        cmocka_unit_test(malformed_utf8_is_replaced),
        cmocka_unit_test(utf8_strings),
        cmocka_unit_test(our_own_conversions_terminate),
        cmocka_unit_test(single_characters_and_locale),
    };
    return cmocka_run_group_tests_name("code pages", tests, NULL, NULL);
}
