/* SPDX-License-Identifier: MIT */
/* Device interfaces as an embedder finds and opens them: by class, under the names of user mode, while they
 * are enabled. */
#include <stdio.h>
#include "api_test.h"

#define CLASS  "{7a3e1b01-5d0c-4f6b-9a11-203b8e5c7101}"
#define REFS   "{7A3E1B02-5d0c-4f6b-9a11-203b8e5c7102}"
#define SECOND "{7a3e1b03-5d0c-4f6b-9a11-203b8e5c7103}"

#define STATUS_OBJECT_NAME_NOT_FOUND ((rgl_status)0xC0000034)

struct names {
    unsigned count;
    char last[400], all[2000];
};

static void visit(void *context, const char *name)
{
    struct names *names = context;
    size_t at = strlen(names->all);

    names->count++;
    snprintf(names->last, sizeof(names->last), "%s", name);
    snprintf(names->all + at, sizeof(names->all) - at, "%s ", name);
}

static struct names names_of(rgl_machine *machine, const char *class)
{
    struct names names = {0};

    must(rgl_for_each_interface(machine, class, visit, &names));
    return names;
}

static void enabled_interfaces_are_found(void **state)
{
    rgl_machine *machine;
    struct names names;
    rgl_file *file;
    char name[2500];

    must(rgl_machine_create(NULL, &machine));
    must(rgl_driver_load_file(machine, SYS "/ifdev.sys", NULL, NULL));
    assert_int_equal(names_of(machine, CLASS).count, 0);
    must(rgl_pnp_add(machine, "ROOT\\IFDEV", NULL));
    must(rgl_pnp_add(machine, "ROOT\\IFDEV", NULL));
    names = names_of(machine, CLASS);
    assert_string_equal(names.all, "\\??\\ROOT#IFDEV#0000#" CLASS " \\??\\ROOT#IFDEV#0001#" CLASS " ");
    must(rgl_open(machine, names.last, RGL_OPEN_READ, &file, NULL));
    must(rgl_close(file));
    snprintf(name, sizeof(name), "\\\\?\\%s", names.last + 4);
    must(rgl_open(machine, name, RGL_OPEN_READ, &file, NULL));
    must(rgl_close(file));
    snprintf(name, sizeof(name), "\\\\.\\%s", names.last + 4);
    must(rgl_open(machine, name, RGL_OPEN_READ, &file, NULL));
    must(rgl_close(file));
    assert_int_equal(names_of(machine, REFS).count, 4);
    assert_int_equal(names_of(machine, SECOND).count, 0);
    must(rgl_pnp_remove(machine, "ROOT\\IFDEV\\0001"));
    assert_int_equal(rgl_open(machine, names.last, RGL_OPEN_READ, &file, NULL), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_int_equal(names_of(machine, CLASS).count, 1);
    assert_int_equal(names_of(machine, REFS).count, 2);
    rgl_machine_destroy(machine);
}

static void classes_are_checked(void **state)
{
    rgl_machine *machine;
    struct names names = {0};

    must(rgl_machine_create(NULL, &machine));
    assert_int_equal(rgl_for_each_interface(machine, "toaster", visit, &names), STATUS_INVALID_PARAMETER);
    assert_non_null(strstr(rgl_message(), "toaster"));
    assert_int_equal(rgl_for_each_interface(machine, "{7a3e1b01-5d0c-4f6b-9a11-203b8e5c710z}", visit, &names),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(names.count, 0);
    rgl_machine_destroy(machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(enabled_interfaces_are_found),
        cmocka_unit_test(classes_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
