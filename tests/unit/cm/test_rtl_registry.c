/* SPDX-License-Identifier: MIT */
/* RtlQueryRegistryValues with each of its flags, and the one-value routines. rules: SR-52 */
#include <stdio.h>
#include <string.h>
#include "cm/cm.h"
#include "nt/cm.h"
#include "nt/rtl.h"
#include "world.h"
#include "cm/routines.h"
#include "rtl/string_pool.h"

#define PATH u"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\q"

struct call {
    WCHAR name[16];
    ULONG type, length;
    UCHAR data[64];
    PVOID entry_context;
};
static struct call calls[8];
static unsigned call_count;
static NTSTATUS answer;

static NTSTATUS NTAPI routine(PWSTR name, ULONG type, PVOID data, ULONG length, PVOID context,
                              PVOID entry_context)
{
    struct call *call = &calls[call_count++];
    assert_ptr_equal(context, &answer);
    memset(call, 0, sizeof(*call));
    for (unsigned i = 0; name && name[i] && i < 15; i++)
        call->name[i] = name[i];
    call->type = type;
    call->length = length;
    if (length)
        memcpy(call->data, data, length);
    call->entry_context = entry_context;
    return answer;
}

static int start(void **state)
{
    static const WCHAR text[] = u"hello", expand[] = u"%SystemRoot%\\x %nobody%", multi[] = u"one\0two\0";
    ULONG number = 42;
    ULONG64 large = 0x1122334455667788;
    call_count = 0;
    answer = STATUS_SUCCESS;
    if (world_start(state))
        return -1;
    cm_set_value(PATH, u"Text", REG_SZ, text, sizeof(text));
    cm_set_value(PATH, u"Number", REG_DWORD, &number, 4);
    cm_set_value(PATH, u"Large", REG_QWORD, &large, 8);
    cm_set_value(PATH, u"Expand", REG_EXPAND_SZ, expand, sizeof(expand));
    cm_set_value(PATH, u"Multi", REG_MULTI_SZ, multi, sizeof(multi));
    cm_set_value(PATH u"\\Sub", u"Inner", REG_DWORD, &number, 4);
    return 0;
}

static NTSTATUS query(RTL_QUERY_REGISTRY_TABLE entry)
{
    RTL_QUERY_REGISTRY_TABLE table[2] = {entry, {0}};
    call_count = 0;
    return RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, u"q", table, &answer, NULL);
}

static void routines_get_values(void **state)
{
    assert_status(
        query((RTL_QUERY_REGISTRY_TABLE){.QueryRoutine = routine, .Name = u"Number", .EntryContext = &calls}),
        STATUS_SUCCESS);
    assert_int_equal(call_count, 1);
    assert_memory_equal(calls[0].name, u"Number", 14);
    assert_int_equal(calls[0].type, REG_DWORD);
    assert_int_equal(calls[0].length, 4);
    assert_int_equal(calls[0].data[0], 42);
    assert_ptr_equal(calls[0].entry_context, &calls);
}

static void strings_are_split_and_expanded(void **state)
{
    assert_status(query((RTL_QUERY_REGISTRY_TABLE){.QueryRoutine = routine, .Name = u"Multi"}),
                  STATUS_SUCCESS);
    assert_int_equal(call_count, 2);
    assert_int_equal(calls[0].type, REG_SZ);
    assert_int_equal(calls[0].length, 8);
    assert_memory_equal(calls[1].data, u"two", 8);
    assert_status(query((RTL_QUERY_REGISTRY_TABLE){
                      .QueryRoutine = routine, .Name = u"Multi", .Flags = RTL_QUERY_REGISTRY_NOEXPAND}),
                  STATUS_SUCCESS);
    assert_int_equal(call_count, 1);
    assert_int_equal(calls[0].type, REG_MULTI_SZ);
    assert_int_equal(calls[0].length, 18);
    assert_status(query((RTL_QUERY_REGISTRY_TABLE){.QueryRoutine = routine, .Name = u"Expand"}),
                  STATUS_SUCCESS);
    assert_int_equal(calls[0].type, REG_SZ);
    assert_memory_equal(calls[0].data, u"C:\\Windows\\x %nobody%", 44);
    assert_status(query((RTL_QUERY_REGISTRY_TABLE){
                      .QueryRoutine = routine, .Name = u"Expand", .Flags = RTL_QUERY_REGISTRY_NOEXPAND}),
                  STATUS_SUCCESS);
    assert_int_equal(calls[0].type, REG_EXPAND_SZ);
}

static void no_name_means_all_values(void **state)
{
    assert_status(
        query((RTL_QUERY_REGISTRY_TABLE){.QueryRoutine = routine, .Flags = RTL_QUERY_REGISTRY_NOEXPAND}),
        STATUS_SUCCESS);
    assert_int_equal(call_count, 5);
    assert_status(
        query((RTL_QUERY_REGISTRY_TABLE){.QueryRoutine = routine, .Flags = RTL_QUERY_REGISTRY_NOVALUE}),
        STATUS_SUCCESS);
    assert_int_equal(call_count, 1);
    assert_int_equal(calls[0].type, REG_NONE);
    assert_int_equal(calls[0].length, 0);
}

static void missing_values_have_defaults(void **state)
{
    ULONG number = 9, direct = 0;
    RTL_QUERY_REGISTRY_TABLE entry = {.QueryRoutine = routine, .Name = u"None"};
    assert_status(query(entry), STATUS_SUCCESS);
    assert_int_equal(call_count, 0);
    entry.DefaultType = REG_SZ;
    entry.DefaultData = u"dflt";
    assert_status(query(entry), STATUS_SUCCESS);
    assert_int_equal(calls[0].length, 10);
    entry.Flags = RTL_QUERY_REGISTRY_REQUIRED;
    assert_status(query(entry), STATUS_OBJECT_NAME_NOT_FOUND);
    RTL_QUERY_REGISTRY_TABLE put = {.Flags = RTL_QUERY_REGISTRY_DIRECT | RTL_QUERY_REGISTRY_TYPECHECK,
                                    .Name = u"None",
                                    .EntryContext = &direct,
                                    .DefaultType = REG_DWORD << 24 | REG_DWORD,
                                    .DefaultData = &number,
                                    .DefaultLength = 4};
    assert_status(query(put), STATUS_SUCCESS);
    assert_int_equal(direct, 9);
}

static void direct_strings(void **state)
{
    WCHAR text[8];
    UNICODE_STRING fits = {0, sizeof(text), text}, small = {0, 10, text}, allocated = {0};
    RTL_QUERY_REGISTRY_TABLE entry = {
        .Flags = RTL_QUERY_REGISTRY_DIRECT, .Name = u"Text", .EntryContext = &fits};
    assert_status(query(entry), STATUS_SUCCESS);
    assert_int_equal(fits.Length, 10);
    assert_memory_equal(text, u"hello", 12);
    entry.EntryContext = &small;
    assert_status(query(entry), STATUS_BUFFER_TOO_SMALL);
    entry.EntryContext = &allocated;
    assert_status(query(entry), STATUS_SUCCESS);
    assert_int_equal(allocated.MaximumLength, 12);
    assert_memory_equal(allocated.Buffer, u"hello", 12);
    rtl_string_free(allocated.Buffer, NULL);
    entry.Name = u"Multi";
    assert_status(query(entry), STATUS_INVALID_PARAMETER);
    allocated = (UNICODE_STRING){0};
    entry.Flags |= RTL_QUERY_REGISTRY_NOEXPAND;
    assert_status(query(entry), STATUS_SUCCESS);
    assert_int_equal(allocated.Length, 16);
}

static void direct_numbers(void **state)
{
    ULONG number = 0;
    struct {
        LONG size;
        ULONG type;
        UCHAR data[8];
    } room = {sizeof(room), 0, {0}};
    RTL_QUERY_REGISTRY_TABLE entry = {
        .Flags = RTL_QUERY_REGISTRY_DIRECT, .Name = u"Number", .EntryContext = &number};
    assert_status(query(entry), STATUS_SUCCESS);
    assert_int_equal(number, 42);
    entry.Name = u"Large";
    entry.EntryContext = &room;
    assert_status(query(entry), STATUS_SUCCESS);
    assert_int_equal(room.size, 8);
    assert_int_equal(room.type, REG_QWORD);
    assert_int_equal(room.data[0], 0x88);
    room.size = 15;
    assert_status(query(entry), STATUS_BUFFER_TOO_SMALL);
    room.size = -8;
    assert_status(query(entry), STATUS_SUCCESS);
    assert_int_equal(((UCHAR *)&room)[0], 0x88);
    room.size = -7;
    assert_status(query(entry), STATUS_BUFFER_TOO_SMALL);
}

static void types_are_checked(void **state)
{
    ULONG number = 0;
    RTL_QUERY_REGISTRY_TABLE entry = {.Flags = RTL_QUERY_REGISTRY_DIRECT | RTL_QUERY_REGISTRY_TYPECHECK,
                                      .Name = u"Number",
                                      .EntryContext = &number,
                                      .DefaultType = REG_DWORD << RTL_QUERY_REGISTRY_TYPECHECK_SHIFT};
    assert_status(query(entry), STATUS_SUCCESS);
    entry.DefaultType = REG_BINARY << RTL_QUERY_REGISTRY_TYPECHECK_SHIFT;
    assert_status(query(entry), STATUS_OBJECT_TYPE_MISMATCH);
}

static void invalid_entries(void **state)
{
    ULONG number;
    assert_status(
        query((RTL_QUERY_REGISTRY_TABLE){.Flags = RTL_QUERY_REGISTRY_DIRECT, .EntryContext = &number}),
        STATUS_INVALID_PARAMETER);
    assert_status(query((RTL_QUERY_REGISTRY_TABLE){
                      .QueryRoutine = routine, .Name = u"Number", .Flags = RTL_QUERY_REGISTRY_DIRECT}),
                  STATUS_INVALID_PARAMETER);
    assert_status(query((RTL_QUERY_REGISTRY_TABLE){.Flags = RTL_QUERY_REGISTRY_SUBKEY}),
                  STATUS_INVALID_PARAMETER);
    assert_status(query((RTL_QUERY_REGISTRY_TABLE){.Flags = RTL_QUERY_REGISTRY_SUBKEY, .Name = u"Nowhere"}),
                  STATUS_OBJECT_NAME_NOT_FOUND);
}

static void tables_move_between_keys(void **state)
{
    RTL_QUERY_REGISTRY_TABLE table[] = {
        {.Flags = RTL_QUERY_REGISTRY_SUBKEY, .Name = u"Sub"},
        {.QueryRoutine = routine, .Name = u"Inner", .Flags = RTL_QUERY_REGISTRY_REQUIRED},
        {.QueryRoutine = routine,
         .Name = u"Number",
         .Flags = RTL_QUERY_REGISTRY_TOPKEY | RTL_QUERY_REGISTRY_REQUIRED},
        {0},
    };
    call_count = 0;
    assert_status(RtlQueryRegistryValues(RTL_REGISTRY_ABSOLUTE, PATH, table, &answer, NULL), STATUS_SUCCESS);
    assert_int_equal(call_count, 2);
    table[2].Flags = RTL_QUERY_REGISTRY_REQUIRED; /* still in Sub */
    assert_status(RtlQueryRegistryValues(RTL_REGISTRY_ABSOLUTE, PATH, table, &answer, NULL),
                  STATUS_OBJECT_NAME_NOT_FOUND);
}

static void routines_may_end_it(void **state)
{
    answer = STATUS_UNSUCCESSFUL;
    assert_status(query((RTL_QUERY_REGISTRY_TABLE){.QueryRoutine = routine}), STATUS_UNSUCCESSFUL);
    assert_int_equal(call_count, 1);
    answer = STATUS_BUFFER_TOO_SMALL; /* documented: ignored */
    assert_status(
        query((RTL_QUERY_REGISTRY_TABLE){.QueryRoutine = routine, .Flags = RTL_QUERY_REGISTRY_NOEXPAND}),
        STATUS_SUCCESS);
    assert_int_equal(call_count, 5);
}

static void queried_values_may_be_deleted(void **state)
{
    ULONG number;
    RTL_QUERY_REGISTRY_TABLE entry = {.Flags = RTL_QUERY_REGISTRY_DIRECT | RTL_QUERY_REGISTRY_DELETE |
                                               RTL_QUERY_REGISTRY_REQUIRED,
                                      .Name = u"Number",
                                      .EntryContext = &number};
    assert_status(query(entry), STATUS_SUCCESS);
    assert_status(query(entry), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_status(
        query((RTL_QUERY_REGISTRY_TABLE){.QueryRoutine = routine,
                                         .Flags = RTL_QUERY_REGISTRY_DELETE | RTL_QUERY_REGISTRY_NOEXPAND}),
        STATUS_SUCCESS);
    assert_int_equal(call_count, 4);
    assert_status(
        query((RTL_QUERY_REGISTRY_TABLE){.QueryRoutine = routine, .Flags = RTL_QUERY_REGISTRY_REQUIRED}),
        STATUS_OBJECT_NAME_NOT_FOUND);
}

static void keys_may_be_missing(void **state)
{
    RTL_QUERY_REGISTRY_TABLE table[] = {{.QueryRoutine = routine,
                                         .Name = u"x",
                                         .DefaultType = REG_DWORD,
                                         .DefaultData = &answer,
                                         .DefaultLength = 4},
                                        {0}};
    call_count = 0;
    assert_status(RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, u"none", table, &answer, NULL),
                  STATUS_OBJECT_NAME_NOT_FOUND);
    assert_int_equal(call_count, 0);
    assert_status(
        RtlQueryRegistryValues(RTL_REGISTRY_SERVICES | RTL_REGISTRY_OPTIONAL, u"none", table, &answer, NULL),
        STATUS_SUCCESS);
    assert_int_equal(call_count, 1);
}

static void no_handles_are_left_open(void **state)
{
    ULONG number = 0;
    RTL_QUERY_REGISTRY_TABLE table[] = {
        {.Flags = RTL_QUERY_REGISTRY_SUBKEY, .Name = u"Sub"},
        {.Flags = RTL_QUERY_REGISTRY_DIRECT, .Name = u"Inner", .EntryContext = &number},
        {0}};
    long blocks = world_live_blocks;
    assert_status(RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, u"q", table, &answer, NULL), STATUS_SUCCESS);
    assert_status(RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, u"q", table, &answer, NULL), STATUS_SUCCESS);
    assert_int_equal(number, 42);
    assert_true(world_live_blocks - blocks <= 1); /* the handle table's first block */
}

static void single_values(void **state)
{
    ULONG number = 3, type, length = 4;
    assert_status(RtlWriteRegistryValue(RTL_REGISTRY_SERVICES, u"fresh", u"N", REG_DWORD, &number, 4),
                  STATUS_SUCCESS);
    assert_status(cm_query_value(u"\\Registry\\Machine\\System\\ControlSet001\\Services\\fresh", u"N", &type,
                                 &number, &length),
                  STATUS_SUCCESS);
    assert_status(RtlWriteRegistryValue(RTL_REGISTRY_DEVICEMAP, u"SERIALCOMM", u"N", REG_DWORD, &number, 4),
                  STATUS_SUCCESS);
    assert_status(RtlWriteRegistryValue(RTL_REGISTRY_SERVICES, u"no\\such", u"N", REG_DWORD, &number, 4),
                  STATUS_OBJECT_NAME_NOT_FOUND);
    assert_status(RtlDeleteRegistryValue(RTL_REGISTRY_SERVICES, u"fresh", u"N"), STATUS_SUCCESS);
    assert_status(RtlDeleteRegistryValue(RTL_REGISTRY_SERVICES, u"fresh", u"N"),
                  STATUS_OBJECT_NAME_NOT_FOUND);
    assert_status(RtlCheckRegistryKey(RTL_REGISTRY_SERVICES, u"fresh"), STATUS_SUCCESS);
    assert_status(RtlCheckRegistryKey(RTL_REGISTRY_SERVICES, u"stale"), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_status(RtlCreateRegistryKey(RTL_REGISTRY_CONTROL, u"New"), STATUS_SUCCESS);
    assert_status(RtlCreateRegistryKey(RTL_REGISTRY_CONTROL, u"Old\\er"), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_status(RtlCheckRegistryKey(99, u"x"), STATUS_INVALID_PARAMETER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(routines_get_values, start, world_stop),
        cmocka_unit_test_setup_teardown(strings_are_split_and_expanded, start, world_stop),
        cmocka_unit_test_setup_teardown(no_name_means_all_values, start, world_stop),
        cmocka_unit_test_setup_teardown(missing_values_have_defaults, start, world_stop),
        cmocka_unit_test_setup_teardown(direct_strings, start, world_stop),
        cmocka_unit_test_setup_teardown(direct_numbers, start, world_stop),
        cmocka_unit_test_setup_teardown(types_are_checked, start, world_stop),
        cmocka_unit_test_setup_teardown(invalid_entries, start, world_stop),
        cmocka_unit_test_setup_teardown(tables_move_between_keys, start, world_stop),
        cmocka_unit_test_setup_teardown(routines_may_end_it, start, world_stop),
        cmocka_unit_test_setup_teardown(queried_values_may_be_deleted, start, world_stop),
        cmocka_unit_test_setup_teardown(keys_may_be_missing, start, world_stop),
        cmocka_unit_test_setup_teardown(no_handles_are_left_open, start, world_stop),
        cmocka_unit_test_setup_teardown(single_values, start, world_stop),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (!failed)
        puts("rules: SR-52");
    return failed;
}
