/* SPDX-License-Identifier: MIT */
/*
 * Hives: one that this test makes with hivex is read, its keys and values are in the registry and
 * CurrentControlSet leads to the control set that Select names; written back into the same file it has what
 * was changed and has kept what was not; written into a new file it is the same registry. What is no hive is
 * refused.
 */
#include <hivex.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "api/hive.h"
#include "cm/cm.h"
#include "nt/cm.h"

#define SYSTEM u"\\Registry\\Machine\\System"

static char path[64], other[64];

static hive_node_h add(hive_h *hive, hive_node_h parent, const char *name)
{
    hive_node_h node = hivex_node_add_child(hive, parent, name);

    assert_int_not_equal(node, 0);
    return node;
}

static void set(hive_h *hive, hive_node_h node, const char *name, hive_type type, const void *data,
                size_t length)
{
    hive_set_value value = {.key = (char *)name, .t = type, .len = length, .value = (char *)data};

    assert_int_equal(hivex_node_set_value(hive, node, &value, 0), 0);
}

static const uint32_t two = 2, seven = 7;

static void make_hive(void)
{
    assert_true(api_hive_new(path));
    hive_h *hive = hivex_open(path, HIVEX_OPEN_WRITE);
    assert_non_null(hive);
    hive_node_h root = hivex_root(hive), current = add(hive, root, "ControlSet002");
    set(hive, add(hive, root, "Select"), "Current", REG_DWORD, &two, sizeof(two));
    hive_node_h services = add(hive, current, "Services"), widget = add(hive, services, "widget");
    add(hive, services, "gone");
    set(hive, widget, "", REG_SZ, u"unnamed", 16);
    set(hive, widget, "Start", REG_DWORD, &seven, sizeof(seven));
    set(hive, widget, "List", REG_MULTI_SZ, u"a\0b\0", 10);
    set(hive, widget, "Odd", (hive_type)0x1234, "\1\2\3", 3);
    set(hive, add(hive, services, "kept"), "Empty", REG_BINARY, "", 0);
    assert_int_equal(hivex_commit(hive, path, 0), 0);
    hivex_close(hive);
}

static int start(void **state)
{
    rgl_machine *machine;

    snprintf(path, sizeof(path), "hive-%d", (int)getpid());
    snprintf(other, sizeof(other), "hive-%d-other", (int)getpid());
    unlink(other);
    make_hive();
    *state = NULL;
    if (rgl_machine_create(NULL, &machine) < 0)
        return -1;
    *state = machine;
    return 0;
}

static int end(void **state)
{
    rgl_machine_destroy(*state);
    unlink(path);
    unlink(other);
    return 0;
}

/* ---- the registry, on the NT side ---- */

struct query {
    const WCHAR *key, *name;
    ULONG type, length;
    unsigned char data[64];
};

static NTSTATUS run_query(void *arg)
{
    struct query *query = arg;

    query->length = sizeof(query->data);
    return cm_query_value(query->key, query->name, &query->type, query->data, &query->length);
}

static void has(const WCHAR *key, const WCHAR *name, ULONG type, const void *data, ULONG length)
{
    struct query query = {.key = key, .name = name};

    assert_int_equal(api_call(run_query, &query, KernelMode), STATUS_SUCCESS);
    assert_int_equal(query.type, type);
    assert_int_equal(query.length, length);
    assert_memory_equal(query.data, data, length);
}

static NTSTATUS change(void *arg)
{
    static const ULONG nine = 9;

    cm_set_value(SYSTEM u"\\CurrentControlSet\\Services\\widget", u"Start", REG_DWORD, &nine, sizeof(nine));
    cm_delete_value(SYSTEM u"\\CurrentControlSet\\Services\\widget", u"List");
    cm_delete_tree(SYSTEM u"\\CurrentControlSet\\Services\\gone");
    return cm_set_value(SYSTEM u"\\CurrentControlSet\\Services\\new\\below", u"Ü", REG_SZ, u"ä", 4);
}

static void everything(void)
{
    static const WCHAR *const widgets = SYSTEM u"\\ControlSet002\\Services\\widget";

    has(widgets, u"", REG_SZ, u"unnamed", 16);
    has(widgets, u"Start", REG_DWORD, &seven, 4);
    has(widgets, u"List", REG_MULTI_SZ, u"a\0b\0", 10);
    has(widgets, u"Odd", 0x1234, "\1\2\3", 3);
    has(SYSTEM u"\\CurrentControlSet\\Services\\kept", u"Empty", REG_BINARY, "", 0);
}

static void a_hive_comes_into_the_registry(void **state)
{
    assert_int_equal(rgl_registry_hive(*state, path, NULL), 0);
    everything();
    assert_int_equal(rgl_registry_hive(*state, path, "HKLM\\Software"), 0);
    has(u"\\Registry\\Machine\\Software\\ControlSet002\\Services\\widget", u"Start", REG_DWORD, &seven, 4);
}

/* ---- back into files ---- */

static hive_node_h find(hive_h *hive, const char *names)
{
    hive_node_h node = hivex_root(hive);
    char name[64];

    for (int used; node != 0 && sscanf(names, "%63[^/]%n", name, &used) == 1;
         names += names[used] ? used + 1 : used)
        node = hivex_node_get_child(hive, node, name);
    return node;
}

static uint32_t number(hive_h *hive, const char *names, const char *value)
{
    hive_value_h handle = hivex_node_get_value(hive, find(hive, names), value);

    assert_int_not_equal(handle, 0);
    return (uint32_t)hivex_value_dword(hive, handle);
}

static void changes_go_back_into_the_file(void **state)
{
    assert_int_equal(rgl_registry_hive(*state, path, NULL), 0);
    assert_int_equal(api_call(change, NULL, KernelMode), 0);
    assert_int_equal(rgl_registry_hive_write(*state, path, NULL), 0);
    hive_h *hive = hivex_open(path, 0);
    assert_non_null(hive);
    assert_int_equal(number(hive, "ControlSet002/Services/widget", "Start"), 9);
    assert_int_equal(hivex_node_get_value(hive, find(hive, "ControlSet002/Services/widget"), "List"), 0);
    assert_int_not_equal(hivex_node_get_value(hive, find(hive, "ControlSet002/Services/widget"), "Odd"), 0);
    assert_int_equal(find(hive, "ControlSet002/Services/gone"), 0);
    assert_int_not_equal(find(hive, "ControlSet002/Services/kept"), 0);
    assert_int_not_equal(find(hive, "ControlSet002/Services/new/below"), 0);
    assert_int_equal(find(hive, "CurrentControlSet"), 0);
    hivex_close(hive);
}

static void a_new_file_is_the_same_registry(void **state)
{
    rgl_machine *machine = *state;

    assert_int_equal(rgl_registry_hive(machine, path, NULL), 0);
    assert_int_equal(rgl_registry_hive_write(machine, other, NULL), 0);
    rgl_machine_destroy(machine);
    assert_int_equal(rgl_machine_create(NULL, &machine), 0);
    *state = machine;
    assert_int_equal(rgl_registry_hive(machine, other, NULL), 0);
    everything();
    unlink(other);
    assert_int_equal(rgl_registry_hive_write(machine, other, "HKLM\\Software"), 0);
    hive_h *hive = hivex_open(other, 0);
    assert_non_null(hive);
    assert_int_equal(number(hive, "Microsoft/Windows NT/CurrentVersion", "CurrentMajorVersionNumber"), 10);
    hivex_close(hive);
}

static void what_is_no_hive_is_refused(void **state)
{
    assert_true(rgl_registry_hive(*state, "absent", NULL) < 0);
    assert_non_null(strstr(rgl_message(), "absent"));
    FILE *file = fopen(other, "wb");
    fputs("regf and nothing else", file);
    fclose(file);
    assert_true(rgl_registry_hive(*state, other, NULL) < 0);
    assert_true(rgl_registry_hive(*state, path, "Software") < 0);
    assert_non_null(strstr(rgl_message(), "is no key"));
    assert_true(api_hive_new(other));
    assert_true(rgl_registry_hive(*state, other, NULL) < 0);
    assert_non_null(strstr(rgl_message(), "which key is it?"));
    assert_true(rgl_registry_hive_write(*state, "no/such/folder/hive", "HKLM\\Software") < 0);
    assert_true(rgl_registry_hive_write(*state, other, "HKLM\\NoSuchKey") < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_hive_comes_into_the_registry, start, end),
        cmocka_unit_test_setup_teardown(changes_go_back_into_the_file, start, end),
        cmocka_unit_test_setup_teardown(a_new_file_is_the_same_registry, start, end),
        cmocka_unit_test_setup_teardown(what_is_no_hive_is_refused, start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
