/* SPDX-License-Identifier: MIT */
/* Devices stopped, removed and replaced through the API: statuses, messages, drivers that come and go. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "api_test.h"

#define VETOED      ((rgl_status)0x80000028)
#define NO_DEVICE   ((rgl_status)0xC000000E)
#define WRONG_STATE ((rgl_status)0xC0000184)

struct found {
    const char *service;
    bool loaded;
};

static void look(void *context, const struct rgl_driver_info *info)
{
    struct found *found = context;

    if (strcmp(info->service, found->service) == 0)
        found->loaded = true;
}

static bool is_loaded(rgl_machine *machine, const char *service)
{
    struct found found = {service, false};

    rgl_for_each_driver(machine, look, &found);
    return found.loaded;
}

static rgl_machine *machine_with(const char *id, char *instance)
{
    rgl_machine *machine;

    must(rgl_machine_create(NULL, &machine));
    must(rgl_driver_load_file(machine, SYS "/goone.sys", NULL, NULL));
    must(rgl_pnp_add(machine, id, instance));
    return machine;
}

static void names(void **state)
{
    char instance[RGL_INSTANCE_ROOM];
    rgl_machine *machine = machine_with("ROOT\\GOONE", instance);

    (void)state;
    assert_string_equal(instance, "ROOT\\GOONE\\0000");
    assert_int_equal(rgl_pnp_remove(machine, "ROOT\\NOBODY"), NO_DEVICE);
    assert_non_null(strstr(rgl_message(), "ROOT\\NOBODY"));
    must(rgl_pnp_query_remove(machine, instance));
    must(rgl_pnp_query_remove(machine, "root\\goone"));
    rgl_machine_destroy(machine);
}

static void open_file(void **state)
{
    rgl_machine *machine = machine_with("ROOT\\GOONE", NULL);
    rgl_file *file;

    (void)state;
    must(rgl_open(machine, "\\Device\\goone", 0, &file, NULL));
    assert_int_equal(rgl_pnp_remove(machine, "ROOT\\GOONE"), VETOED);
    assert_non_null(strstr(rgl_message(), "open"));
    assert_int_equal(rgl_driver_unload(machine, "goone"), VETOED);
    assert_true(is_loaded(machine, "goone"));
    must(rgl_close(file));
    must(rgl_pnp_remove(machine, "ROOT\\GOONE"));
    assert_false(is_loaded(machine, "goone"));
    assert_int_equal(rgl_pnp_remove(machine, "ROOT\\GOONE"), WRONG_STATE);
    assert_int_equal(rgl_pnp_stop(machine, "ROOT\\GOONE"), WRONG_STATE);
    must(rgl_pnp_start(machine, "ROOT\\GOONE"));
    assert_true(is_loaded(machine, "goone"));
    must(rgl_pnp_stop(machine, "ROOT\\GOONE"));
    must(rgl_pnp_start(machine, "ROOT\\GOONE"));
    must(rgl_pnp_surprise_remove(machine, "ROOT\\GOONE"));
    rgl_machine_destroy(machine);
}

/* Its image is nowhere but here: it could not be loaded again, so it stays. */
static void from_memory(void **state)
{
    FILE *file = fopen(SYS "/goone.sys", "rb");
    unsigned char *bytes = malloc(1 << 20);
    size_t length = fread(bytes, 1, 1 << 20, file);
    rgl_machine *machine;

    (void)state;
    fclose(file);
    must(rgl_machine_create(NULL, &machine));
    must(rgl_driver_load(machine, "nowhere.sys", bytes, length, NULL, NULL));
    free(bytes);
    must(rgl_pnp_add(machine, "ROOT\\NOWHERE", NULL));
    must(rgl_pnp_remove(machine, "ROOT\\NOWHERE"));
    assert_true(is_loaded(machine, "nowhere"));
    must(rgl_pnp_start(machine, "ROOT\\NOWHERE"));
    must(rgl_driver_unload(machine, "nowhere"));
    assert_false(is_loaded(machine, "nowhere"));
    rgl_machine_destroy(machine);
}

static void copy(const char *from, const char *to)
{
    static unsigned char bytes[1 << 20];
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    size_t length = fread(bytes, 1, sizeof(bytes), in);

    assert_int_equal(fwrite(bytes, 1, length, out), length);
    fclose(in);
    fclose(out);
}

static bool answers(rgl_machine *machine)
{
    rgl_file *file;
    bool is_there = rgl_open(machine, "\\Device\\goone", 0, &file, NULL) >= 0;

    if (is_there)
        must(rgl_close(file));
    return is_there;
}

/* The next build lies elsewhere, and is another driver; it is the one that comes back, whatever is loaded
 * meanwhile. */
static void another_build(void **state)
{
    char folder[] = "/tmp/ringless-removal-XXXXXX", path[64];
    rgl_machine *machine = machine_with("ROOT\\GOONE", NULL);

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/goone.sys", folder);
    copy(SYS "/pnpfunc.sys", path);
    assert_true(answers(machine));
    must(rgl_driver_unload(machine, "goone"));
    must(rgl_driver_load_file(machine, path, NULL, NULL));
    assert_false(answers(machine)); /* its device has no name */
    must(rgl_driver_load_file(machine, SYS "/gotwo.sys", NULL, NULL));
    must(rgl_pnp_remove(machine, "ROOT\\GOONE"));
    assert_false(is_loaded(machine, "goone"));
    must(rgl_pnp_start(machine, "ROOT\\GOONE"));
    assert_true(is_loaded(machine, "goone"));
    assert_false(answers(machine));
    rgl_machine_destroy(machine);
    remove(path);
    rmdir(folder);
}

static void end(void **state)
{
    rgl_machine *machine = machine_with("ROOT\\GOONE", NULL);

    (void)state;
    assert_true(rgl_pnp_add(machine, "ROOT\\GOONE", NULL) < 0); /* the driver's name is taken */
    must(rgl_pnp_remove_all(machine));
    assert_true(is_loaded(machine, "goone"));
    assert_int_equal(rgl_pnp_remove(machine, "ROOT\\GOONE"), WRONG_STATE);
    must(rgl_driver_unload(machine, "goone"));
    rgl_machine_destroy(machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names), cmocka_unit_test(open_file),
                                       cmocka_unit_test(from_memory), cmocka_unit_test(another_build),
                                       cmocka_unit_test(end)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
