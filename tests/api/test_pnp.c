/* SPDX-License-Identifier: MIT */
/* Devices of the root bus, the machine's start with drivers and devices, and the device tree, as an embedder
 * has them. */
#include <stdio.h>
#include "api_test.h"

#define STATUS_NO_SUCH_DEVICE        ((rgl_status)0xC000000E)
#define STATUS_PNP_NO_COMPAT_DRIVERS ((rgl_status)0xC0000490)
#define SYSTEM_KEY                   "[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\"

struct tree {
    unsigned nodes, depth, devices;
    char text[2000];
};

static void visit(void *context, const struct rgl_devnode_info *info)
{
    struct tree *tree = context;
    size_t at = strlen(tree->text);

    tree->nodes++;
    tree->depth = info->depth;
    tree->devices = info->stack_count;
    snprintf(tree->text + at, sizeof(tree->text) - at, "%s|%s|%s|%u|%s|%s\n", info->instance_path,
             info->state, info->service, info->problem, info->hardware_id,
             info->stack[info->stack_count - 1].service);
}

static struct tree tree_of(rgl_machine *machine)
{
    struct tree tree = {0};

    rgl_for_each_devnode(machine, visit, &tree);
    return tree;
}

static rgl_machine *bare_machine(void)
{
    rgl_machine *machine;

    must(rgl_machine_create(NULL, &machine));
    return machine;
}

static void a_device_gets_the_only_driver(void **state)
{
    rgl_machine *machine = bare_machine();
    char instance[RGL_INSTANCE_ROOM];
    struct tree tree = tree_of(machine);

    assert_int_equal(tree.nodes, 0);
    must(rgl_driver_load_file(machine, SYS "/pnpfunc.sys", NULL, NULL));
    must(rgl_pnp_add(machine, "ROOT\\Gadget", instance));
    assert_string_equal(instance, "ROOT\\GADGET\\0000");
    must(rgl_pnp_add(machine, "*PNP0501", NULL));
    tree = tree_of(machine);
    assert_int_equal(tree.nodes, 2);
    assert_int_equal(tree.depth, 1);
    assert_int_equal(tree.devices, 2);
    assert_string_equal(tree.text, "ROOT\\GADGET\\0000|started|pnpfunc|0|ROOT\\Gadget|PnpManager\n"
                                   "ROOT\\*PNP0501\\0000|started|pnpfunc|0|*PNP0501|PnpManager\n");
    must(rgl_pnp_remove(machine, "root\\gadget\\0000"));
    must(rgl_pnp_start(machine, "ROOT\\Gadget"));
    assert_int_equal(rgl_pnp_start(machine, "ROOT\\Gadget"), STATUS_INVALID_DEVICE_STATE);
    rgl_machine_destroy(machine);
}

static void a_device_without_a_driver_waits_for_one(void **state)
{
    rgl_machine *machine = bare_machine();
    char instance[RGL_INSTANCE_ROOM];

    assert_int_equal(rgl_pnp_add(machine, "ROOT\\Gadget", instance), STATUS_PNP_NO_COMPAT_DRIVERS);
    assert_non_null(strstr(rgl_message(), "problem 28"));
    assert_string_equal(instance, "ROOT\\GADGET\\0000");
    assert_string_equal(tree_of(machine).text, "ROOT\\GADGET\\0000|identified||28|ROOT\\Gadget|PnpManager\n");
    must(rgl_driver_load_file(machine, SYS "/pnpfunc.sys", NULL, NULL));
    assert_string_equal(tree_of(machine).text,
                        "ROOT\\GADGET\\0000|started|pnpfunc|0|ROOT\\Gadget|PnpManager\n");
    rgl_machine_destroy(machine);
}

static void names_are_checked(void **state)
{
    rgl_machine *machine = bare_machine();
    char longest[300];

    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(rgl_pnp_add(machine, "", NULL), STATUS_INVALID_PARAMETER);
    assert_int_equal(rgl_pnp_add(machine, "A,B", NULL), STATUS_INVALID_PARAMETER);
    assert_int_equal(rgl_pnp_add(machine, "A B", NULL), STATUS_INVALID_PARAMETER);
    assert_int_equal(rgl_pnp_add(machine, longest, NULL), STATUS_INVALID_PARAMETER);
    assert_int_equal(rgl_pnp_start(machine, "ROOT\\NOBODY"), STATUS_NO_SUCH_DEVICE);
    assert_non_null(strstr(rgl_message(), "no device ROOT\\NOBODY"));
    assert_int_equal(rgl_pnp_start(machine, ""), STATUS_INVALID_PARAMETER);
    rgl_machine_destroy(machine);
}

struct heard {
    char text[400];
    int stop_at; /* the event that ends it; 0: none */
    int events;
};

static bool driver_loaded(void *context, const char *path, rgl_status status)
{
    struct heard *heard = context;
    size_t at = strlen(heard->text);

    snprintf(heard->text + at, sizeof(heard->text) - at, "%s=%X ", strrchr(path, '/') + 1, (unsigned)status);
    return ++heard->events != heard->stop_at;
}

static bool device_added(void *context, const char *id, const char *instance, rgl_status status)
{
    struct heard *heard = context;
    size_t at = strlen(heard->text);

    snprintf(heard->text + at, sizeof(heard->text) - at, "%s=%s=%X ", id, instance, (unsigned)status);
    return ++heard->events != heard->stop_at;
}

static struct heard boot(rgl_machine *machine, int stop_at)
{
    static const char *const drivers[] = {SYS "/testlog.sys", SYS "/pnpfunc.sys", SYS "/pnplower.sys"};
    static const char *const devices[] = {"ROOT\\PNPFUNC", "ROOT\\GADGET"};
    struct heard heard = {.stop_at = stop_at};
    struct rgl_boot all = {.drivers = drivers,
                           .driver_count = 3,
                           .devices = devices,
                           .device_count = 2,
                           .driver_loaded = driver_loaded,
                           .device_added = device_added,
                           .context = &heard};

    must(rgl_boot(machine, &all));
    return heard;
}

static void a_machine_starts_as_given(void **state)
{
    rgl_machine *machine = bare_machine();

    assert_string_equal(boot(machine, 0).text, "testlog.sys=0 pnpfunc.sys=0 pnplower.sys=0 "
                                               "ROOT\\PNPFUNC=ROOT\\PNPFUNC\\0000=0 "
                                               "ROOT\\GADGET=ROOT\\GADGET\\0000=C0000490 ");
    assert_non_null(strstr(tree_of(machine).text, "ROOT\\PNPFUNC\\0000|started|pnpfunc"));
    rgl_machine_destroy(machine);
    machine = bare_machine();
    assert_string_equal(boot(machine, 2).text, "testlog.sys=0 pnpfunc.sys=0 ");
    assert_int_equal(tree_of(machine).nodes, 0);
    rgl_machine_destroy(machine);
}

static void start_types_decide(void **state)
{
    static const char text[] = "Windows Registry Editor Version 5.00\n\n" SYSTEM_KEY
                               "Services\\pnplower]\n\"Type\"=dword:1\n\"Start\"=dword:0\n" SYSTEM_KEY
                               "Services\\testlog]\n\"Type\"=dword:1\n\"Start\"=dword:1\n" SYSTEM_KEY
                               "Enum\\ROOT\\GADGET\\0000]\n\"Service\"=\"pnplower\"\n";
    rgl_machine *machine = bare_machine();

    must(rgl_registry_load(machine, text, sizeof(text) - 1));
    assert_string_equal(boot(machine, 0).text, "pnplower.sys=0 testlog.sys=0 pnpfunc.sys=0 "
                                               "ROOT\\PNPFUNC=ROOT\\PNPFUNC\\0000=0 "
                                               "ROOT\\GADGET=ROOT\\GADGET\\0000=0 ");
    rgl_machine_destroy(machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_gets_the_only_driver),
        cmocka_unit_test(a_device_without_a_driver_waits_for_one),
        cmocka_unit_test(names_are_checked),
        cmocka_unit_test(a_machine_starts_as_given),
        cmocka_unit_test(start_types_decide),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
