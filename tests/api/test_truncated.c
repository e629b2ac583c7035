/* SPDX-License-Identifier: MIT */
/* A driver file cut off at every 64th byte: each is refused with a line, or loads because what is missing is
 * not needed. */
#include <stdio.h>
#include <stdlib.h>
#include "api_test.h"

static unsigned char *bytes;
static size_t length;

static void read_sample(void)
{
    FILE *file = fopen(SYS "/dispatch-separate.sys", "rb");

    assert_non_null(file);
    bytes = malloc(1 << 20);
    length = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    assert_true(length > 4096);
}

static void one_line(void)
{
    assert_string_not_equal(rgl_message(), "");
    assert_null(strchr(rgl_message(), '\n'));
}

static void inspecting(void **state)
{
    unsigned refused = 0;

    (void)state;
    for (size_t cut = 0; cut < length; cut += 64) {
        unsigned char *copy = malloc(cut != 0 ? cut : 1); /* so that a sanitizer sees a read behind the end */
        memcpy(copy, bytes, cut);
        char *text = rgl_inspect("cut.sys", copy, cut, RGL_INSPECT_JSON);
        if (text == NULL) {
            one_line();
            refused++;
        }
        free(text);
        free(copy);
    }
    assert_true(refused > 16);
}

static void loading(void **state)
{
    rgl_machine *machine;
    unsigned refused = 0;

    (void)state;
    must(rgl_machine_create(NULL, &machine));
    for (size_t cut = 0; cut < length; cut += 64) {
        unsigned char *copy = malloc(cut != 0 ? cut : 1);
        memcpy(copy, bytes, cut);
        rgl_status status = rgl_driver_load(machine, "cut.sys", copy, cut, NULL, NULL);
        if (status == RGL_STATUS_NOT_AN_IMAGE) {
            one_line();
            refused++;
        } else if (status >= 0) {
            must(rgl_driver_unload(machine, "cut"));
        }
        assert_null(rgl_bug_check(machine));
        free(copy);
    }
    assert_true(refused > 16);
    rgl_machine_destroy(machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(inspecting), cmocka_unit_test(loading)};

    read_sample();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
