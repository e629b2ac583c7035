/* SPDX-License-Identifier: MIT */
/* .reg files: what regedit writes, mistakes and their lines, and bytes that are no such file. */
#include <stdlib.h>
#include <string.h>
#include "cm/cm.h"
#include "nt/cm.h"
#include "world.h"

#define HEADER "Windows Registry Editor Version 5.00\r\n\r\n"
#define KEY    u"\\Registry\\Machine\\SOFTWARE\\T"
static unsigned line;
static char message[128];
static UCHAR data[256];
static ULONG type, length;

static NTSTATUS load(const char *text)
{
    return cm_load_reg_text(text, strlen(text), &line, message, sizeof(message));
}

static NTSTATUS value(const WCHAR *name)
{
    length = sizeof(data);
    return cm_query_value(KEY, name, &type, data, &length);
}

static void all_types(void **state)
{
    assert_status(
        load(HEADER
             "; a comment\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\T]\r\n@=\"dflt\"\r\n\"Str\"=\"a\\\\b\\\"c\"\r\n"
             "\"Num\"=dword:0000002a ; why\r\n\"Bin\"=hex:01,02,\\\r\n  ff\r\n"
             "\"Exp\"=hex(2):25,00,00,00\r\n\"Q\"=hex(b):01,00,00,00,00,00,00,00\r\n\"None\"=hex(0):\r\n"),
        STATUS_SUCCESS);
    assert_status(value(u""), STATUS_SUCCESS);
    assert_memory_equal(data, u"dflt", 10);
    assert_status(value(u"Str"), STATUS_SUCCESS);
    assert_int_equal(type, REG_SZ);
    assert_int_equal(length, 12);
    assert_memory_equal(data, u"a\\b\"c", 12);
    assert_status(value(u"num"), STATUS_SUCCESS);
    assert_int_equal(*(ULONG *)data, 42);
    assert_status(value(u"Bin"), STATUS_SUCCESS);
    assert_int_equal(length, 3);
    assert_int_equal(data[2], 0xFF);
    assert_status(value(u"Exp"), STATUS_SUCCESS);
    assert_int_equal(type, REG_EXPAND_SZ);
    assert_status(value(u"Q"), STATUS_SUCCESS);
    assert_int_equal(type, REG_QWORD);
    assert_status(value(u"None"), STATUS_SUCCESS);
    assert_int_equal(length, 0);
}

static void utf16_and_old_files(void **state)
{
    static const WCHAR text[] =
        u"\xFEFFWindows Registry Editor Version 5.00\n[HKLM\\SOFTWARE\\T]\n\"\u00e9\"=\"\u4e2d\"";
    assert_status(cm_load_reg_text(text, sizeof(text) - 2, &line, message, sizeof(message)), STATUS_SUCCESS);
    assert_status(value(u"\u00e9"), STATUS_SUCCESS);
    assert_memory_equal(data, u"\u4e2d", 4);
    assert_status(load("REGEDIT4\n[HKLM\\SOFTWARE\\T]\n\"E\"=hex(2):25,41,00"), STATUS_SUCCESS);
    assert_status(value(u"E"), STATUS_SUCCESS);
    assert_memory_equal(data, u"%A", 6);
}

static void removing(void **state)
{
    assert_status(load(HEADER "[HKLM\\SOFTWARE\\T]\n\"A\"=\"x\"\n\"B\"=\"y\"\n\"A\"=-\n\"Never\"=-\n"),
                  STATUS_SUCCESS);
    assert_status(value(u"A"), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_status(value(u"B"), STATUS_SUCCESS);
    assert_status(load(HEADER "[-HKLM\\SOFTWARE\\T]\n[-HKLM\\SOFTWARE\\Never]\n"), STATUS_SUCCESS);
    assert_false(cm_key_exists(KEY));
}

static void mistakes_are_named(void **state)
{
    static const struct {
        const char *text;
        unsigned line;
    } cases[] = {
        {"", 1},
        {"hello", 1},
        {HEADER "[HKLM\\SOFTWARE\\T\n", 3},
        {HEADER "[HKXX\\SOFTWARE]\n", 3},
        {HEADER "\"a\"=\"b\"\n", 3},
        {HEADER "[HKLM\\SOFTWARE\\T]\n\"a\"\n", 4},
        {HEADER "[HKLM\\SOFTWARE\\T]\n\"a\"=dword:123456789\n", 4},
        {HEADER "[HKLM\\SOFTWARE\\T]\n\"a\"=dword:xyz\n", 4},
        {HEADER "[HKLM\\SOFTWARE\\T]\n\"a\"=\"open\n", 4},
        {HEADER "[HKLM\\SOFTWARE\\T]\n\"a\"=hex:1,\\\nzz\n\n\"b\"=q", 5},
        {HEADER "[HKLM\\SOFTWARE\\T]\n\"a\"=hex(2:00\n", 4},
        {HEADER "[HKLM\\SOFTWARE\\T]\n\"a\"=\"b\" c\n", 4},
        {HEADER "[HKLMX\\SOFTWARE\\T]\n", 3},
        {HEADER "[-HKLM\\SOFTWARE\\T]\n\"a\"=\"b\"\n", 4},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_status(load(cases[i].text), STATUS_REGISTRY_CORRUPT);
        assert_int_equal(line, cases[i].line);
        assert_non_null(strstr(message, "line "));
    }
}

/* Bytes changed and cut at random, from a fixed seed: no crash, and nothing left behind but what was loaded.
 */
static void any_bytes_are_survived(void **state)
{
    static const char good[] = HEADER "[HKLM\\SOFTWARE\\T\\U]\r\n@=\"d\"\r\n\"S\"=\"a\\\\b\"\r\n\"N\"=dword:"
                                      "2a\r\n\"B\"=hex:01,02,\\\r\n ff\r\n"
                                      "\"E\"=hex(2):25,00,00,00\r\n[-HKLM\\SOFTWARE\\V]\r\n";
    char bytes[sizeof(good)];
    unsigned seed = 12345;
    for (int round = 0; round < 3000; round++) {
        memcpy(bytes, good, sizeof(good));
        for (int i = 0; i < 1 + round % 5; i++) {
            seed = seed * 1103515245 + 12345;
            bytes[(seed >> 8) % (sizeof(good) - 1)] = (char)(seed >> 20);
        }
        cm_load_reg_text(bytes, (seed >> 4) % sizeof(good), &line, message, sizeof(message));
    }
    cm_delete_tree(u"\\Registry\\Machine\\SOFTWARE");
    cm_delete_tree(u"\\Registry\\Machine\\SYSTEM");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_types, world_start, world_stop),
        cmocka_unit_test_setup_teardown(utf16_and_old_files, world_start, world_stop),
        cmocka_unit_test_setup_teardown(removing, world_start, world_stop),
        cmocka_unit_test_setup_teardown(mistakes_are_named, world_start, world_stop),
        cmocka_unit_test_setup_teardown(any_bytes_are_survived, world_start, world_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
