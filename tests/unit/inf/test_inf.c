/* SPDX-License-Identifier: MIT */
/*
 * INF files: text, lines, strings, decorations, the choice of a driver. What
 * is expected is what the pages on INF files say, mostly by their own examples.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "inf/inf.h"

#define HEAD "[Version]\nSignature=\"$Windows NT$\"\n"

static struct inf_error error;

static struct inf *open_text(const char *text)
{
    struct inf *inf = inf_open(text, strlen(text), 0x409, &error);

    if (inf == NULL)
        print_message("line %u: %s\n", error.line, error.text);
    assert_non_null(inf);
    return inf;
}

static const struct inf_line *line_of(const struct inf *inf, const char *section, const char *key)
{
    assert_non_null(inf_section(inf, section));
    return inf_find(inf_section(inf, section), key, NULL);
}

static void sections_of_one_name_are_merged(void **state)
{
    struct inf *inf = open_text("; nothing\nthis is before the first section\n" HEAD
                                "[One]\na=1\n[Two]\nb=2\n[ONE]\nA=3\nc=4 ; [Three]\n");
    const struct inf_line *a = line_of(inf, "oNe", "A");

    assert_string_equal(inf_value(a, 0), "1");
    assert_string_equal(inf_value(inf_find(inf_section(inf, "One"), "a", a), 0), "3");
    assert_string_equal(inf_value(line_of(inf, "one", "c"), 0), "4");
    assert_null(inf_section(inf, "Three"));
    assert_null(line_of(inf, "Two", "a"));
    inf_close(inf);
}

static void values_stand_between_commas(void **state)
{
    struct inf *inf = open_text(HEAD "[L]\nfile = 1,,0x20\nHKR,,\"a, b\",,\"one\", two words ,\nempty=\n");
    const struct inf_line *file = line_of(inf, "L", "file"), *hkr = file->next;

    assert_int_equal(file->count, 3);
    assert_string_equal(inf_value(file, 1), "");
    assert_string_equal(inf_value(file, 2), "0x20");
    assert_null(hkr->key);
    assert_string_equal(inf_value(hkr, 0), "HKR");
    assert_string_equal(inf_value(hkr, 2), "a, b");
    assert_string_equal(inf_value(hkr, 5), "two words");
    assert_string_equal(inf_value(hkr, 6), "");
    assert_string_equal(inf_value(hkr, 60), "");
    assert_int_equal(file->number, 4);
    assert_string_equal(inf_value(line_of(inf, "L", "empty"), 0), "");
    inf_close(inf);
}

/* "General Syntax Rules": a backslash continues a line, also before a comment; in quotation marks it is a
 * character. */
static void lines_continue(void **state)
{
    struct inf *inf = open_text(HEAD "[L]\nCopyFiles = \"SomeDirectory\\\"\\ ; comment \n,SomeFile\n"
                                     "path = a\\b\\c\nlast = x \\\n  , y\nend = z\\");

    assert_string_equal(inf_value(line_of(inf, "L", "CopyFiles"), 0), "SomeDirectory\\");
    assert_string_equal(inf_value(line_of(inf, "L", "CopyFiles"), 1), "SomeFile");
    assert_string_equal(inf_value(line_of(inf, "L", "path"), 0), "a\\b\\c");
    assert_string_equal(inf_value(line_of(inf, "L", "last"), 1), "y");
    assert_int_equal(line_of(inf, "L", "end")->number, 9);
    assert_string_equal(inf_value(line_of(inf, "L", "end"), 0), "z");
    inf_close(inf);
}

static void quotation_marks_and_comments(void **state)
{
    struct inf *inf =
        open_text(HEAD "[L]\na = \"semi;colon\" ; comment\nb = \"Display an \"\"example\"\" string\"\n"
                       "c = \"  blanks  \"\nd = \"\"\ne = \"\"some string\"\"\nf = \"x=y\"\ng = \"open\n"
                       "\"k=1\" = 5\n");

    assert_string_equal(inf_value(line_of(inf, "L", "a"), 0), "semi;colon");
    assert_string_equal(inf_value(line_of(inf, "L", "b"), 0), "Display an \"example\" string");
    assert_string_equal(inf_value(line_of(inf, "L", "c"), 0), "  blanks  ");
    assert_string_equal(inf_value(line_of(inf, "L", "d"), 0), "");
    assert_string_equal(inf_value(line_of(inf, "L", "e"), 0), "\"some string\"");
    assert_string_equal(inf_value(line_of(inf, "L", "f"), 0), "x=y");
    assert_string_equal(inf_value(line_of(inf, "L", "g"), 0), "open");
    assert_string_equal(inf_value(line_of(inf, "L", "k=1"), 0), "5");
    inf_close(inf);
}

static void strings_are_substituted(void **state)
{
    struct inf *inf =
        open_text(HEAD "[L]\n%Name% = %Section%, \"%A% %B%\", %none%, 100%%, \"%%SystemRoot%%\\x\"\n"
                       "e = %12%\\x.sys, %semi;colon%\n"
                       "[Strings]\nName = \"the name\"\nsection=Sec.One\nA=\"1\"\nB = two, and %A%\n"
                       "semi;colon = lost\n\"semi;colon\" = found\n");
    const struct inf_line *line = line_of(inf, "L", "the name");

    assert_string_equal(inf_value(line, 0), "Sec.One");
    assert_string_equal(inf_value(line, 1), "1 two, and %A%");
    assert_string_equal(inf_value(line, 2), "%none%");
    assert_string_equal(inf_value(line, 3), "100%");
    assert_string_equal(inf_value(line, 4), "%SystemRoot%\\x");
    assert_string_equal(inf_value(line_of(inf, "L", "e"), 0), "C:\\Windows\\System32\\drivers\\x.sys");
    assert_string_equal(inf_value(line_of(inf, "L", "e"), 1), "found");
    inf_close(inf);
}

/* "INF Strings Section": the language, its neutral form, any form of it, no language. */
static void one_section_of_strings_is_chosen(void **state)
{
    static const char plain[] = HEAD "[L]\nk=%x%\n[Strings.0407]\nx=exact\n[Strings]\nx=none\n"
                                     "[Strings.0C07]\nx=austrian\n[Strings.0009]\nx=neutral\n";
    static const struct {
        USHORT language;
        const char *text;
    } chosen[] = {{0x407, "exact"}, {0x809, "neutral"}, {0x807, "exact"}, {0x40C, "none"}};

    for (unsigned i = 0; i < countof(chosen); i++) {
        struct inf *inf = inf_open(plain, sizeof(plain) - 1, chosen[i].language, &error);
        assert_non_null(inf);
        assert_string_equal(inf_value(line_of(inf, "L", "k"), 0), chosen[i].text);
        inf_close(inf);
    }
}

static void encodings(void **state)
{
    static const char utf8[] = "\xEF\xBB\xBF" HEAD "[L]\na=\xC3\xA4\xE2\x82\xAC\n";
    static const char ansi[] = HEAD "[L]\na=\xE4\x80\n";
    unsigned char wide[200] = {0xFF, 0xFE};
    static const WCHAR text[] = u"[Version]\r\nSignature=\"$CHICAGO$\"\r\n[L]\r\na=\u00E4\u20AC\r\n";
    const void *files[] = {utf8, ansi, wide};
    size_t lengths[] = {sizeof(utf8) - 1, sizeof(ansi) - 1, 2 + sizeof(text) - 2};

    memcpy(wide + 2, text, sizeof(text) - 2);
    for (unsigned i = 0; i < countof(files); i++) {
        struct inf *inf = inf_open(files[i], lengths[i], 0x409, &error);
        assert_non_null(inf);
        assert_string_equal(inf_value(line_of(inf, "L", "a"), 0), "\xC3\xA4\xE2\x82\xAC");
        inf_close(inf);
    }
}

static void what_is_no_inf_is_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        unsigned line;
        const char *text;
    } bad[] = {
        {"", 0, 0, "it has no section [Version]"},
        {"MZ\0\0", 4, 0, "it is no text"},
        {"\xFF\xFE[", 3, 0, "it is no text"},
        {"hello\n", 6, 0, "it has no section [Version]"},
        {"[Version\n", 9, 1, "']' is missing behind the name of a section"},
        {"[Version]\nClass=x\n", 18, 0, "[Version] has no Signature"},
        {"[Version]\n\nSignature=me\n", 24, 3, "the signature 'me' is not one of Windows"},
    };
    for (unsigned i = 0; i < countof(bad); i++) {
        assert_null(inf_open(bad[i].bytes, bad[i].length, 0x409, &error));
        assert_int_equal(error.line, bad[i].line);
        assert_string_equal(error.text, bad[i].text);
    }
}

static const struct inf_system windows10 = {10, 0, 19045, 1, 0x100};

static void decorations_are_for_systems(void **state)
{
    static const char *const others[] = {"NTx86",
                                         "NT",
                                         "NTarm64",
                                         "NTamd64.11",
                                         "NTamd64.10.1",
                                         "NTamd64.10.0...22000",
                                         "NTamd64...3",
                                         "NTamd64.6.1.2",
                                         "NTamd64.10.0..0x80",
                                         "amd64",
                                         "",
                                         "NTamd64x",
                                         "NTamd64.x",
                                         "NTamd64.1.2.3.4.5.6"};
    static const char *const better[] = {"NTamd64",
                                         "NTamd64.5.1",
                                         "NTamd64.6",
                                         "NTamd64.6.3",
                                         "NTamd64.10.0",
                                         "NTamd64.10.0...16299",
                                         "NTamd64.10.0...19041",
                                         "ntAMD64.10.0.1"};

    for (unsigned i = 0; i < countof(others); i++)
        assert_int_equal(inf_decoration_rank(others[i], &windows10), 0);
    for (unsigned i = 0; i + 1 < countof(better); i++)
        assert_true(inf_decoration_rank(better[i], &windows10) <
                    inf_decoration_rank(better[i + 1], &windows10));
    assert_int_not_equal(inf_decoration_rank("NTamd64...1", &windows10), 0);
    assert_int_not_equal(inf_decoration_rank("NTamd64.6.4", &windows10), 0);
}

static const char models[] =
    HEAD "[Manufacturer]\n%Me% = Mine, NTx86, NTamd64, NTamd64.10.0...17763\nOther=Its\n"
         "[Mine.NTamd64]\n\"Old\" = Old_Inst, PCI\\VEN_1&DEV_2\n"
         "[Mine.NTamd64.10.0...17763]\n%Card% = Card_Inst, PCI\\VEN_1&DEV_2, PCI\\CC_0200\n"
         "%Any% = Any_Inst,, PCI\\VEN_1&DEV_2&REV_3\nSame=Same_Inst,PCI\\VEN_1&DEV_2\n"
         "Class=Class_Inst,PCI\\CC_0300\nList=List_Inst,X,Y,PCI\\CC_0400\n"
         "[Its]\nAll=All_Inst,PCI\\VEN_9\n[Strings]\nMe=I\nCard=A card\nAny=Any\n";

static bool match(const struct inf *inf, struct inf_match *m, const char *hardware[],
                  const char *compatible[])
{
    struct inf_ids ids = {.hardware = hardware, .compatible = compatible};

    while (hardware[ids.hardware_count] != NULL)
        ids.hardware_count++;
    while (compatible[ids.compatible_count] != NULL)
        ids.compatible_count++;
    return inf_match(inf, &windows10, &ids, m);
}

#define IDS(...) ((const char *[]){__VA_ARGS__, NULL})
#define NO_IDS   ((const char *[]){NULL})

/* "Identifier Score": 0xTHHH. */
static void the_best_line_is_chosen(void **state)
{
    struct inf *inf = open_text(models);
    struct inf_match m;

    assert_true(match(inf, &m, IDS("PCI\\VEN_1&DEV_2&REV_3", "pci\\ven_1&dev_2"), IDS("PCI\\CC_0200")));
    assert_int_equal(m.score, 0x0001);
    assert_string_equal(m.install, "Card_Inst");
    assert_string_equal(m.description, "A card");
    assert_string_equal(m.manufacturer, "I");
    assert_string_equal(m.section, "Mine.NTamd64.10.0...17763");
    assert_string_equal(m.id, "PCI\\VEN_1&DEV_2");
    assert_true(match(inf, &m, IDS("PCI\\VEN_1&DEV_2&REV_3"), IDS("PCI\\CC_0200")));
    assert_int_equal(m.score, 0x1000);
    assert_string_equal(m.install, "Any_Inst");
    assert_true(match(inf, &m, IDS("PCI\\VEN_7"), IDS("Z", "PCI\\CC_0300")));
    assert_int_equal(m.score, 0x2001);
    assert_true(match(inf, &m, IDS("PCI\\VEN_7"), IDS("Z", "PCI\\CC_0400")));
    assert_int_equal(m.score, 0x3101);
    assert_false(match(inf, &m, IDS("PCI\\VEN_9"), NO_IDS));
    inf_close(inf);
}

static void install_sections_have_a_platform(void **state)
{
    struct inf *inf = open_text(HEAD "[A]\n[A.NT]\n[A.ntamd64]\n[A.Services]\n[A.NTamd64.Services]\n"
                                     "[B]\n[B.NTx86]\n[B.Services]\n[C]\n[C.NT]\n[C.Services]\n");

    assert_string_equal(inf_install_section(inf, "A", "")->name, "A.ntamd64");
    assert_string_equal(inf_install_section(inf, "A", ".Services")->name, "A.NTamd64.Services");
    assert_string_equal(inf_install_section(inf, "B", ".Services")->name, "B.Services");
    assert_string_equal(inf_install_section(inf, "C", "")->name, "C.NT");
    assert_null(inf_install_section(inf, "C", ".Services"));
    assert_null(inf_install_section(inf, "D", ""));
    inf_close(inf);
}

static void numbers(void **state)
{
    ULONG n;

    assert_true(inf_number("0x00000002", &n) && n == 2);
    assert_true(inf_number("4294967295", &n) && n == 0xFFFFFFFF);
    assert_true(inf_number("", &n) && n == 0);
    assert_false(inf_number("4294967296", &n));
    assert_false(inf_number("0x", &n));
    assert_false(inf_number("1a", &n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_of_one_name_are_merged),
        cmocka_unit_test(values_stand_between_commas),
        cmocka_unit_test(lines_continue),
        cmocka_unit_test(quotation_marks_and_comments),
        cmocka_unit_test(strings_are_substituted),
        cmocka_unit_test(one_section_of_strings_is_chosen),
        cmocka_unit_test(encodings),
        cmocka_unit_test(what_is_no_inf_is_refused),
        cmocka_unit_test(decorations_are_for_systems),
        cmocka_unit_test(the_best_line_is_chosen),
        cmocka_unit_test(install_sections_have_a_platform),
        cmocka_unit_test(numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
