/* SPDX-License-Identifier: MIT */
/* INFs through the API: one that comes late serves the device that waits for it; a mistake is told with its
 * line. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "api_test.h"

#define NO_DRIVER ((rgl_status)0xC0000490) /* STATUS_PNP_NO_COMPAT_DRIVERS */

struct seen {
    char state[40], service[64];
    uint32_t problem;
};

static void note(void *context, const struct rgl_devnode_info *info)
{
    struct seen *seen = context;

    snprintf(seen->state, sizeof(seen->state), "%s", info->state);
    snprintf(seen->service, sizeof(seen->service), "%s", info->service);
    seen->problem = info->problem;
}

static struct seen look(rgl_machine *machine)
{
    struct seen seen = {.problem = 0};

    rgl_for_each_devnode(machine, note, &seen);
    return seen;
}

static void an_inf_that_comes_late_serves_the_device(void **state)
{
    rgl_machine *machine = NULL;

    (void)state;
    must(rgl_machine_create(NULL, &machine));
    assert_int_equal(rgl_pnp_add(machine, "ROOT\\INFWIDE", NULL), NO_DRIVER);
    assert_int_equal(look(machine).problem, 28);
    must(rgl_inf_add(machine, SYS "/infwide.inf"));
    assert_string_equal(look(machine).service, "infwide");
    assert_string_equal(look(machine).state, "started");
    assert_int_equal(look(machine).problem, 0);
    rgl_machine_destroy(machine);
}

static void a_mistake_is_told_with_its_line(void **state)
{
    rgl_machine *machine = NULL;

    (void)state;
    must(rgl_machine_create(NULL, &machine));
    assert_true(rgl_inf_add(machine, SYS "/infbad.inf") < 0);
    assert_string_equal(rgl_message(), "infbad.inf:15: [Service] has no ErrorControl");
    assert_true(rgl_inf_add(machine, "absent.inf") < 0);
    assert_string_equal(rgl_message(), "cannot read absent.inf");
    rgl_machine_destroy(machine);
    assert_true(rgl_inf_add(machine, SYS "/infwide.inf") < 0);
    assert_null(rgl_inf_describe(SYS "/infbad.inf", NULL, RGL_INSPECT_TEXT));
    assert_string_equal(rgl_message(), "infbad.inf:15: [Service] has no ErrorControl");
}

static void a_shutdown_leaves_the_registry_to_be_written(void **state)
{
    rgl_machine *machine = NULL;
    char path[64];

    (void)state;
    snprintf(path, sizeof(path), "shutdown-%d.hive", (int)getpid());
    must(rgl_machine_create(NULL, &machine));
    must(rgl_shutdown(machine));
    assert_int_equal(rgl_inf_add(machine, SYS "/infwide.inf"), STATUS_SYSTEM_SHUTDOWN);
    rgl_status written = rgl_registry_hive_write(machine, path, NULL);
    if (written < 0)
        assert_non_null(strstr(rgl_message(), "hivex was not there"));
    rgl_machine_destroy(machine);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_inf_that_comes_late_serves_the_device),
        cmocka_unit_test(a_mistake_is_told_with_its_line),
        cmocka_unit_test(a_shutdown_leaves_the_registry_to_be_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
