/* SPDX-License-Identifier: MIT */
/* Counted strings: initialise, copy, append, compare, case, create, duplicate, validate, hash. */
#include "rtl_test.h"

static void init_counts_without_copying(void **state)
{
    UNICODE_STRING u;
    WCHAR text[] = u"abc";
    RtlInitUnicodeString(&u, text);
    assert_int_equal(u.Length, 6);
    assert_int_equal(u.MaximumLength, 8);
    assert_ptr_equal(u.Buffer, text);
    RtlInitUnicodeString(&u, NULL);
    assert_int_equal(u.Length | u.MaximumLength, 0);
    assert_null(u.Buffer);
    STRING s;
    RtlInitAnsiString(&s, "hello");
    assert_int_equal(s.Length, 5);
    assert_int_equal(s.MaximumLength, 6);
    RtlInitString(&s, NULL);
    assert_int_equal(s.Length | s.MaximumLength, 0);
}

static void init_of_a_text_that_is_too_long(void **state)
{
    static WCHAR wide[0x8001];
    static char narrow[0x10001];
    for (size_t i = 0; i < 0x8000; i++)
        wide[i] = 'x';
    memset(narrow, 'x', 0x10000);
    UNICODE_STRING u;
    STRING s;
    RtlInitUnicodeString(&u, wide);
    assert_int_equal(u.Length, 0xFFFC);
    assert_int_equal(u.MaximumLength, 0xFFFE);
    assert_int_equal(RtlInitUnicodeStringEx(&u, wide), STATUS_NAME_TOO_LONG);
    assert_int_equal(u.Length, 0);
    assert_int_equal(RtlInitUnicodeStringEx(&u, u"ok"), STATUS_SUCCESS);
    assert_int_equal(u.Length, 4);
    RtlInitString(&s, narrow);
    assert_int_equal(s.Length, 0xFFFE);
    assert_int_equal(s.MaximumLength, 0xFFFF);
    assert_int_equal(RtlInitStringEx(&s, narrow), STATUS_NAME_TOO_LONG);
    assert_int_equal(RtlInitAnsiStringEx(&s, narrow), STATUS_NAME_TOO_LONG);
    assert_int_equal(RtlInitUTF8StringEx(&s, narrow), STATUS_NAME_TOO_LONG);
    assert_int_equal(RtlInitUTF8StringEx(&s, "ok"), STATUS_SUCCESS);
}

static void copy_cuts_and_terminates_where_there_is_room(void **state)
{
    WCHAR buffer[8];
    memset(buffer, 0xFF, sizeof buffer);
    UNICODE_STRING to = {0, 8, buffer};
    RtlCopyUnicodeString(&to, U(u"abcdef"));
    assert_int_equal(to.Length, 8);
    assert_int_equal(buffer[3], 'd');
    assert_int_equal(buffer[4], 0xFFFF);
    RtlCopyUnicodeString(&to, U(u"xy"));
    assert_int_equal(to.Length, 4);
    assert_int_equal(buffer[2], 0);
    RtlCopyUnicodeString(&to, NULL);
    assert_int_equal(to.Length, 0);
    assert_int_equal(to.MaximumLength, 8);
    char bytes[4] = "????";
    STRING narrow = {0, 3, bytes};
    RtlCopyString(&narrow, A("abcdef"));
    assert_int_equal(narrow.Length, 3);
    assert_memory_equal(bytes, "abc?", 4);
    RtlCopyString(&narrow, NULL);
    assert_int_equal(narrow.Length, 0);
    RtlUpperString(&narrow, A("x\xE4y1"));
    assert_memory_equal(bytes, "X\xC4Y?", 4);
}

static void append_is_all_or_nothing(void **state)
{
    WCHAR buffer[8] = {0};
    UNICODE_STRING to = {0, 10, buffer};
    assert_int_equal(RtlAppendUnicodeToString(&to, u"ab"), STATUS_SUCCESS);
    assert_int_equal(RtlAppendUnicodeStringToString(&to, U(u"cde")), STATUS_SUCCESS);
    assert_int_equal(to.Length, 10);
    assert_wide(buffer, u"abcde");
    assert_int_equal(RtlAppendUnicodeToString(&to, u"x"), STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(RtlAppendUnicodeStringToString(&to, U(u"x")), STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(to.Length, 10);
    assert_int_equal(RtlAppendUnicodeToString(&to, NULL), STATUS_SUCCESS);
    assert_int_equal(RtlAppendUnicodeStringToString(&to, U(u"")), STATUS_SUCCESS);
    char bytes[5] = "";
    STRING narrow = {0, 4, bytes};
    assert_int_equal(RtlAppendStringToString(&narrow, A("ab")), STATUS_SUCCESS);
    assert_int_equal(RtlAppendAsciizToString(&narrow, "cd"), STATUS_SUCCESS);
    assert_string_equal(bytes, "abcd");
    assert_int_equal(RtlAppendStringToString(&narrow, A("x")), STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(RtlAppendAsciizToString(&narrow, "x"), STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(RtlAppendAsciizToString(&narrow, NULL), STATUS_SUCCESS);
}

static void comparing_by_number_or_upper_case(void **state)
{
    assert_true(RtlCompareUnicodeString(U(u"abc"), U(u"abd"), FALSE) < 0);
    assert_true(RtlCompareUnicodeString(U(u"abc"), U(u"ABD"), FALSE) > 0);
    assert_true(RtlCompareUnicodeString(U(u"abc"), U(u"ABD"), TRUE) < 0);
    assert_true(RtlCompareUnicodeString(U(u"abc"), U(u"ab"), TRUE) > 0);
    assert_int_equal(RtlCompareUnicodeString(U(u"\u00E4"), U(u"\u00C4"), TRUE), 0);
    assert_int_equal(RtlCompareUnicodeStrings(u"xyz", 2, u"XY", 2, TRUE), 0);
    assert_true(RtlEqualUnicodeString(U(u"\\Device\\A"), U(u"\\DEVICE\\a"), TRUE));
    assert_false(RtlEqualUnicodeString(U(u"\\Device\\A"), U(u"\\DEVICE\\a"), FALSE));
    assert_false(RtlEqualUnicodeString(U(u"a"), U(u"ab"), TRUE));
    assert_true(RtlPrefixUnicodeString(U(u"\\dev"), U(u"\\Device"), TRUE));
    assert_false(RtlPrefixUnicodeString(U(u"\\dev"), U(u"\\Device"), FALSE));
    assert_false(RtlPrefixUnicodeString(U(u"abc"), U(u"ab"), TRUE));
    assert_true(RtlSuffixUnicodeString(U(u".SYS"), U(u"a.sys"), TRUE));
    assert_false(RtlSuffixUnicodeString(U(u".SYS"), U(u"a.sys"), FALSE));
    assert_true(rtl_equal_nocase(U(u"Abc"), U(u"aBC")));
    assert_true(RtlCompareString(A("abc"), A("ABD"), TRUE) < 0);
    assert_true(RtlCompareString(A("abc"), A("ABC"), FALSE) > 0);
    assert_true(RtlCompareString(A("ab"), A("abc"), FALSE) < 0);
    assert_true(RtlEqualString(A("abc"), A("ABC"), TRUE));
    assert_false(RtlEqualString(A("abc"), A("ABC"), FALSE));
    assert_true(RtlPrefixString(A("AB"), A("abc"), TRUE));
    assert_false(RtlPrefixString(A("abcd"), A("abc"), TRUE));
}

static void case_of_characters(void **state)
{
    assert_int_equal(RtlUpcaseUnicodeChar('a'), 'A');
    assert_int_equal(RtlUpcaseUnicodeChar(0xFF), 0x178);
    assert_int_equal(RtlUpcaseUnicodeChar(0x3C2), 0x3A3);
    assert_int_equal(RtlUpcaseUnicodeChar(0x131), 0x131);
    assert_int_equal(RtlUpcaseUnicodeChar(0xB5), 0xB5);
    assert_int_equal(RtlUpcaseUnicodeChar(0xDF), 0xDF);
    assert_int_equal(RtlUpcaseUnicodeChar(0x451), 0x401);
    assert_int_equal(RtlUpcaseUnicodeChar(0x1C6), 0x1C4);
    assert_int_equal(RtlUpcaseUnicodeChar(0x1C5), 0x1C5);
    assert_int_equal(RtlUpcaseUnicodeChar(0xFF5A), 0xFF3A);
    assert_int_equal(RtlDowncaseUnicodeChar(0x401), 0x451);
    assert_int_equal(RtlDowncaseUnicodeChar(0x178), 0xFF);
    assert_int_equal(RtlUpperChar('z'), 'Z');
    assert_int_equal((UCHAR)RtlUpperChar((CHAR)0xE4), 0xC4);
    assert_int_equal((UCHAR)RtlUpperChar((CHAR)0xFF), 0x9F);
    assert_int_equal((UCHAR)RtlUpperChar((CHAR)0xB5), 0xB5);
}

static void case_of_strings(void **state)
{
    WCHAR buffer[4];
    UNICODE_STRING to = {0, 8, buffer};
    assert_int_equal(RtlUpcaseUnicodeString(&to, U(u"aB\u00E9"), FALSE), STATUS_SUCCESS);
    assert_memory_equal(buffer, u"AB\u00C9", 6);
    assert_int_equal(to.Length, 6);
    assert_int_equal(RtlUpcaseUnicodeString(&to, U(u"12345"), FALSE), STATUS_BUFFER_OVERFLOW);
    assert_int_equal(RtlDowncaseUnicodeString(&to, U(u"aB\u00C9"), FALSE), STATUS_SUCCESS);
    assert_memory_equal(buffer, u"ab\u00E9", 6);
    fake_pool_failures = 1;
    assert_int_equal(RtlUpcaseUnicodeString(&to, U(u"ab"), TRUE), STATUS_NO_MEMORY);
    assert_int_equal(RtlUpcaseUnicodeString(&to, U(u"ab"), TRUE), STATUS_SUCCESS);
    assert_ptr_not_equal(to.Buffer, buffer);
    assert_int_equal(to.MaximumLength, 4);
    RtlFreeUnicodeString(&to);
    assert_null(to.Buffer);
    assert_int_equal(fake_pool_blocks, 0);
}

static void create_and_duplicate(void **state)
{
    UNICODE_STRING to;
    assert_true(RtlCreateUnicodeString(&to, u"abc"));
    assert_int_equal(to.MaximumLength, 8);
    assert_wide(to.Buffer, u"abc");
    RtlFreeUnicodeString(&to);
    RtlFreeUnicodeString(&to);
    fake_pool_failures = 1;
    assert_false(RtlCreateUnicodeString(&to, u"abc"));

    assert_int_equal(RtlDuplicateUnicodeString(0, U(u"abc"), &to), STATUS_SUCCESS);
    assert_int_equal(to.MaximumLength, 6);
    RtlFreeUnicodeString(&to);
    assert_int_equal(RtlDuplicateUnicodeString(1, U(u"abc"), &to), STATUS_SUCCESS);
    assert_int_equal(to.MaximumLength, 8);
    assert_wide(to.Buffer, u"abc");
    RtlFreeUnicodeString(&to);
    assert_int_equal(RtlDuplicateUnicodeString(1, U(u""), &to), STATUS_SUCCESS);
    assert_null(to.Buffer);
    assert_int_equal(RtlDuplicateUnicodeString(3, NULL, &to), STATUS_SUCCESS);
    assert_wide(to.Buffer, u"");
    RtlFreeUnicodeString(&to);
    assert_int_equal(RtlDuplicateUnicodeString(2, U(u"abc"), &to), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlDuplicateUnicodeString(4, U(u"abc"), &to), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlDuplicateUnicodeString(0, U(u"abc"), NULL), STATUS_INVALID_PARAMETER);
    UNICODE_STRING longest = {0xFFFE, 0xFFFE, (PWSTR)&longest};
    assert_int_equal(RtlDuplicateUnicodeString(1, &longest, &to), STATUS_NAME_TOO_LONG);
    fake_pool_failures = 1;
    assert_int_equal(RtlDuplicateUnicodeString(0, U(u"abc"), &to), STATUS_NO_MEMORY);
    assert_int_equal(fake_pool_blocks, 0);
}

static void validate(void **state)
{
    WCHAR buffer[2];
    UNICODE_STRING odd = {1, 4, buffer}, reversed = {4, 2, buffer}, none = {0, 2, NULL}, empty = {0, 0, NULL};
    assert_int_equal(RtlValidateUnicodeString(0, NULL), STATUS_SUCCESS);
    assert_int_equal(RtlValidateUnicodeString(0, &empty), STATUS_SUCCESS);
    assert_int_equal(RtlValidateUnicodeString(0, U(u"abc")), STATUS_SUCCESS);
    assert_int_equal(RtlValidateUnicodeString(1, U(u"abc")), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlValidateUnicodeString(0, &odd), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlValidateUnicodeString(0, &reversed), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlValidateUnicodeString(0, &none), STATUS_INVALID_PARAMETER);
}

static void hash(void **state)
{
    ULONG a, b;
    assert_int_equal(RtlHashUnicodeString(U(u"ab"), FALSE, 0, &a), STATUS_SUCCESS);
    assert_int_equal(a, 'a' * 65599u + 'b');
    assert_int_equal(RtlHashUnicodeString(U(u"ab"), TRUE, 1, &a), STATUS_SUCCESS);
    assert_int_equal(RtlHashUnicodeString(U(u"AB"), TRUE, 1, &b), STATUS_SUCCESS);
    assert_int_equal(a, b);
    assert_int_equal(RtlHashUnicodeString(U(u"ab"), TRUE, 2, &a), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlHashUnicodeString(NULL, TRUE, 0, &a), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlHashUnicodeString(U(u"ab"), TRUE, 0, NULL), STATUS_INVALID_PARAMETER);
}

int test_strings(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(init_counts_without_copying),
        cmocka_unit_test(init_of_a_text_that_is_too_long),
        cmocka_unit_test(copy_cuts_and_terminates_where_there_is_room),
        cmocka_unit_test(append_is_all_or_nothing),
        cmocka_unit_test(comparing_by_number_or_upper_case),
        cmocka_unit_test(case_of_characters),
        cmocka_unit_test(case_of_strings),
        cmocka_unit_test(create_and_duplicate),
        cmocka_unit_test(validate),
        cmocka_unit_test(hash),
    };
    return cmocka_run_group_tests_name("strings", tests, NULL, NULL);
}
