/* SPDX-License-Identifier: MIT */
/* File names: patterns, legal characters, paths, 8.3 names, prefix tables; system error codes. */
#include "rtl_test.h"

static bool matches(const WCHAR *pattern, const WCHAR *name)
{
    UNICODE_STRING p, n;
    RtlInitUnicodeString(&p, pattern);
    RtlInitUnicodeString(&n, name);
    return FsRtlIsNameInExpression(&p, &n, TRUE, NULL);
}

static void patterns(void **state)
{
    assert_true(matches(u"ABC", u"abc") && !matches(u"ABC", u"abcd") && !matches(u"ABCD", u"abc"));
    assert_true(matches(u"*", u"anything.at.all") && matches(u"A*C", u"abxc") && !matches(u"A*C", u"abxcd"));
    assert_true(matches(u"*.*", u"a.b") && !matches(u"*.*", u"ab"));
    assert_true(matches(u"A?C", u"a.c") && !matches(u"A?", u"a"));
    assert_true(matches(u"*A*B*C*", u"xxaxxbxxcxx") && !matches(u"*A*B*C*", u"xxaxxcxxb"));
    /* DOS_STAR: up to and with the final dot. */
    assert_true(matches(u"<", u"abc") && matches(u"<", u"abc.") && !matches(u"<", u"a.b"));
    assert_true(matches(u"<.TXT", u"a.txt") && matches(u"<.TXT", u"a.b.txt") &&
                !matches(u"<.TXT", u"a.txt.b"));
    /* DOS_QM: a character, or nothing at a dot or at the end. */
    assert_true(matches(u"A>>>.B", u"axx.b") && matches(u"A>>>.B", u"a.b") && !matches(u"A>.B", u"axx.b"));
    assert_true(matches(u"A>>>", u"a") && matches(u"A>>>", u"abcd") && !matches(u"A>>>", u"abcde"));
    /* DOS_DOT: a dot, or nothing at the end. */
    assert_true(matches(u"A\"*", u"a") && matches(u"A\"*", u"a.b") && !matches(u"A\"*", u"ab"));
    assert_true(matches(u"", u"") && !matches(u"*", u"") && !matches(u"", u"a"));
    assert_false(FsRtlIsNameInExpression(U(u"ABC"), U(u"abc"), FALSE, NULL));
    static WCHAR table[65536];
    table['a'] = 'Z';
    assert_true(FsRtlIsNameInExpression(U(u"Z"), U(u"a"), TRUE, table));
    assert_true(FsRtlIsDbcsInExpression(A("A*"), A("Abc")));
    assert_false(FsRtlIsDbcsInExpression(A("A*"), A("abc")));
    assert_true(FsRtlDoesNameContainWildCards(U(u"a>")) && !FsRtlDoesNameContainWildCards(U(u"a.b")));
    assert_true(FsRtlDoesDbcsContainWildCards(A("a\"")) && !FsRtlDoesDbcsContainWildCards(A("a.b")));
    assert_true(FsRtlAreNamesEqual(U(u"aB"), U(u"Ab"), TRUE, NULL) &&
                !FsRtlAreNamesEqual(U(u"aB"), U(u"Ab"), FALSE, NULL));
    assert_false(FsRtlAreNamesEqual(U(u"a"), U(u"ab"), TRUE, NULL));
    assert_true(FsRtlAreNamesEqual(U(u"a"), U(u"Z"), TRUE, (table['Z'] = 'Z', table)));
}

static void long_patterns_take_pool(void **state)
{
    static WCHAR text[1000];
    for (int i = 0; i < 999; i++)
        text[i] = 'A';
    UNICODE_STRING pattern, name;
    RtlInitUnicodeString(&pattern, text);
    RtlInitUnicodeString(&name, text);
    assert_true(FsRtlIsNameInExpression(&pattern, &name, FALSE, NULL));
    fake_pool_failures = 1;
    assert_int_equal(RAISED(FsRtlIsNameInExpression(&pattern, &name, FALSE, NULL)), STATUS_NO_MEMORY);
    assert_int_equal(fake_pool_blocks, 0);
}

static bool fat(const char *name, BOOLEAN wild, BOOLEAN path, BOOLEAN leading)
{
    ANSI_STRING s;
    RtlInitAnsiString(&s, name);
    return FsRtlIsFatDbcsLegal(s, wild, path, leading);
}

static bool hpfs(const char *name, BOOLEAN path)
{
    ANSI_STRING s;
    RtlInitAnsiString(&s, name);
    return FsRtlIsHpfsDbcsLegal(s, FALSE, path, FALSE);
}

static void legal_names(void **state)
{
    assert_true(fat("foo. b", 0, 0, 0) && fat(" bar", 0, 0, 0) && fat("12345678.123", 0, 0, 0) &&
                fat("..", 0, 0, 0));
    assert_false(fat(".foo", 0, 0, 0) || fat("foo.", 0, 0, 0) || fat("foo .b", 0, 0, 0) ||
                 fat("a.b.c", 0, 0, 0));
    assert_false(fat("123456789", 0, 0, 0) || fat("a.1234", 0, 0, 0) || fat("a+b", 0, 0, 0) ||
                 fat("a|b", 0, 0, 0));
    assert_true(fat("a*.?", 1, 0, 0) && !fat("a*", 0, 0, 0) && !fat("", 0, 0, 0));
    assert_true(fat("a\\b", 0, 1, 0) && !fat("a\\b", 0, 0, 0) && fat("\\a", 0, 0, 1) && !fat("\\a", 0, 0, 0));
    assert_false(fat("a\\\\b", 0, 1, 0) || fat("a\\", 0, 1, 0));
    assert_true(hpfs(".foo", 0) && hpfs(" foo", 0) && hpfs("foo.bar.foo", 0) && hpfs("a+b", 0) &&
                hpfs("a\\b", 1));
    assert_false(hpfs("foo ", 0) || hpfs("foo.", 0) || hpfs("a?b", 0) || hpfs("a/b", 0));
    assert_int_equal(FsRtlLegalAnsiCharacterArray['*'] & 0x0F, 8);
    assert_int_equal(FsRtlLegalAnsiCharacterArray['a'] & 7, 7);
}

static void dissected(const WCHAR *path, const WCHAR *first, const WCHAR *rest)
{
    UNICODE_STRING p, f, r;
    RtlInitUnicodeString(&p, path);
    FsRtlDissectName(p, &f, &r);
    assert_int_equal(f.Length, rtl_wcslen(first) * 2);
    assert_memory_equal(f.Buffer ? f.Buffer : path, first, f.Length);
    assert_int_equal(r.Length, rtl_wcslen(rest) * 2);
    assert_memory_equal(r.Buffer ? r.Buffer : path, rest, r.Length);
}

/* The examples of the documentation. */
static void taking_paths_apart(void **state)
{
    dissected(u"", u"", u"");
    dissected(u"A", u"A", u"");
    dissected(u"A\\B\\C\\D\\E", u"A", u"B\\C\\D\\E");
    dissected(u"*A?", u"*A?", u"");
    dissected(u"\\A", u"A", u"");
    dissected(u"A\\\\B+;\\C", u"A", u"\\B+;\\C");
    ANSI_STRING path, first, rest;
    RtlInitAnsiString(&path, "\\ab\\c");
    FsRtlDissectDbcs(path, &first, &rest);
    assert_int_equal(first.Length, 2);
    assert_memory_equal(rest.Buffer, "c", 1);
}

static void statuses_for_file_systems(void **state)
{
    assert_false(FsRtlIsNtstatusExpected(STATUS_ACCESS_VIOLATION) ||
                 FsRtlIsNtstatusExpected(STATUS_ILLEGAL_INSTRUCTION));
    assert_true(FsRtlIsNtstatusExpected(STATUS_DISK_FULL));
    assert_int_equal(FsRtlNormalizeNtstatus(STATUS_ACCESS_VIOLATION, STATUS_UNSUCCESSFUL),
                     STATUS_UNSUCCESSFUL);
    assert_int_equal(FsRtlNormalizeNtstatus(STATUS_DISK_FULL, STATUS_UNSUCCESSFUL), STATUS_DISK_FULL);
    assert_true(FsRtlIsTotalDeviceFailure(STATUS_DEVICE_NOT_CONNECTED));
    assert_false(FsRtlIsTotalDeviceFailure(STATUS_CRC_ERROR) || FsRtlIsTotalDeviceFailure(STATUS_SUCCESS));
}

static bool is_short(const WCHAR *text, BOOLEAN *spaces)
{
    UNICODE_STRING name;
    RtlInitUnicodeString(&name, text);
    return RtlIsNameLegalDOS8Dot3(&name, NULL, spaces);
}

static void short_names(void **state)
{
    BOOLEAN spaces;
    assert_true(is_short(u"readme.txt", &spaces) && !spaces && is_short(u"a b", &spaces) && spaces &&
                is_short(u"..", NULL));
    assert_false(is_short(u"", NULL) || is_short(u"longername.txt", NULL) || is_short(u"a.b.c", NULL) ||
                 is_short(u"a.", NULL));
    assert_false(is_short(u".a", NULL) || is_short(u"a .b", NULL) || is_short(u"a.b ", NULL) ||
                 is_short(u"a*b", NULL));
    assert_false(is_short(u"\u4E00", NULL));
    char buffer[12];
    OEM_STRING oem = {0, 12, buffer};
    assert_true(RtlIsNameLegalDOS8Dot3(U(u"\u00E4b.c"), &oem, NULL));
    assert_memory_equal(buffer,
                        "\x8E"
                        "B.C",
                        oem.Length);
}

static void generated(PGENERATE_NAME_CONTEXT context, const WCHAR *from, const WCHAR *expected)
{
    WCHAR buffer[12];
    UNICODE_STRING name, to = {0, sizeof buffer, buffer}, wanted;
    RtlInitUnicodeString(&name, from);
    assert_int_equal(RtlGenerate8dot3Name(&name, FALSE, context, &to), STATUS_SUCCESS);
    assert_true(is_short(from, NULL) || RtlIsNameLegalDOS8Dot3(&to, NULL, NULL));
    RtlInitUnicodeString(&wanted, expected);
    if (expected)
        assert_true(RtlEqualUnicodeString(&to, &wanted, FALSE));
}

static void generating_short_names(void **state)
{
    GENERATE_NAME_CONTEXT c = {0}, d = {0}, e = {0};
    generated(&c, u"...long file.name.html", u"LONGFI~1.HTM");
    generated(&c, u"...long file.name.html", u"LONGFI~2.HTM");
    generated(&c, u"...long file.name.html", u"LONGFI~3.HTM");
    generated(&c, u"...long file.name.html", u"LONGFI~4.HTM");
    for (int i = 0; i < 20; i++)
        generated(&c, u"...long file.name.html", NULL);
    assert_true(c.CheckSumInserted);
    generated(&d, u"a+b,c;d=e[f]", u"A_B_C_~1");
    generated(&e, u"x.verylong", NULL);
    assert_true(e.CheckSumInserted);
    e.LastIndexValue = 999999;
    WCHAR buffer[12];
    UNICODE_STRING to = {0, sizeof buffer, buffer};
    assert_int_equal(RtlGenerate8dot3Name(U(u"x.verylong"), FALSE, &e, &to), STATUS_FILE_SYSTEM_LIMITATION);
}

static PUNICODE_STRING found(PUNICODE_PREFIX_TABLE t, PUNICODE_STRING name, ULONG from)
{
    PUNICODE_PREFIX_TABLE_ENTRY entry = RtlFindUnicodePrefix(t, name, from);
    return entry ? entry->Prefix : NULL;
}

static void prefixes(void **state)
{
    UNICODE_PREFIX_TABLE t;
    UNICODE_PREFIX_TABLE_ENTRY e[6];
    PUNICODE_STRING p[6] = {U(u"\\"), U(u"\\a"), U(u"\\a\\b"), U(u"\\A\\b"), U(u"\\x"), U(u"\\A\\B")};
    RtlInitializeUnicodePrefix(&t);
    assert_null(RtlNextUnicodePrefix(&t, TRUE));
    for (int i = 0; i < 6; i++)
        assert_true(RtlInsertUnicodePrefix(&t, p[i], &e[i]));
    UNICODE_PREFIX_TABLE_ENTRY twice;
    assert_false(RtlInsertUnicodePrefix(&t, U(u"\\a\\b"), &twice));
    assert_ptr_equal(found(&t, U(u"\\a\\c"), 4), p[1]);
    assert_ptr_equal(found(&t, U(u"\\a\\b\\c"), 6), p[2]);
    assert_ptr_equal(found(&t, U(u"\\A\\b\\c"), 6), p[3]);
    assert_ptr_equal(found(&t, U(u"\\A\\B"), 4), p[5]);
    assert_ptr_equal(found(&t, U(u"\\X\\B"), 4), p[0]);
    assert_ptr_equal(found(&t, U(u"\\X\\B"), 0), p[4]);
    assert_ptr_equal(found(&t, U(u"\\abc"), 0), p[0]);
    assert_null(found(&t, U(u"abc"), 0));
    int seen = 0;
    for (PVOID at = RtlNextUnicodePrefix(&t, TRUE); at; at = RtlNextUnicodePrefix(&t, FALSE))
        seen++;
    assert_int_equal(seen, 6);
    RtlRemoveUnicodePrefix(&t, &e[2]);
    RtlRemoveUnicodePrefix(&t, &e[5]);
    assert_ptr_equal(found(&t, U(u"\\a\\b"), 4), p[1]);
    assert_ptr_equal(found(&t, U(u"\\a\\b"), 0), p[3]);
    for (int i = 0; i < 5; i++)
        if (i != 2)
            RtlRemoveUnicodePrefix(&t, &e[i]);
    assert_null(RtlNextUnicodePrefix(&t, TRUE));
    assert_null(found(&t, U(u"\\"), 0));
}

static void system_errors(void **state)
{
    assert_int_equal(RtlNtStatusToDosError(STATUS_SUCCESS), 0);
    assert_int_equal(RtlNtStatusToDosError(STATUS_PENDING), 997);
    assert_int_equal(RtlNtStatusToDosError(STATUS_INVALID_DEVICE_REQUEST), 1);
    assert_int_equal(RtlNtStatusToDosError(STATUS_OBJECT_NAME_NOT_FOUND), 2);
    assert_int_equal(RtlNtStatusToDosErrorNoTeb(STATUS_ACCESS_DENIED), 5);
    assert_int_equal(RtlNtStatusToDosErrorNoTeb(STATUS_BUFFER_OVERFLOW), 234);
    assert_int_equal(RtlNtStatusToDosErrorNoTeb(STATUS_INSUFFICIENT_RESOURCES), 1450);
    assert_int_equal(RtlNtStatusToDosErrorNoTeb((NTSTATUS)0xD0000022), 5);
    assert_int_equal(RtlNtStatusToDosErrorNoTeb((NTSTATUS)0xC0070057), 87);
    assert_int_equal(RtlNtStatusToDosErrorNoTeb((NTSTATUS)0xE0001234), 0xE0001234);
    assert_int_equal(RtlNtStatusToDosErrorNoTeb((NTSTATUS)0xC0ABCDEF), 317);
}

int test_names_dos(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns),
        cmocka_unit_test(long_patterns_take_pool),
        cmocka_unit_test(legal_names),
        cmocka_unit_test(taking_paths_apart),
        cmocka_unit_test(statuses_for_file_systems),
        cmocka_unit_test(short_names),
        cmocka_unit_test(generating_short_names),
        cmocka_unit_test(prefixes),
        cmocka_unit_test(system_errors),
    };
    return cmocka_run_group_tests_name("file names, errors", tests, NULL, NULL);
}
