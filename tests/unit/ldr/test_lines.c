/* SPDX-License-Identifier: MIT */
/*
 * Source lines of a driver built with -g, before and after its debug sections
 * are discarded.
 */
#include "ldr_test.h"
#include "ldr/image.h"

#include <stdlib.h>
#include <string.h>

extern const unsigned char lines_gcc[], lines_clang[];
extern const unsigned long lines_gcc_length, lines_clang_length;

static void check_line(struct ldr_image *image, const char *function, const char *number)
{
    char *at = ldr_export_of(image, function), expected[64], words[128];
    const char *place;
    const int *line = ldr_export_of(image, number);

    assert_non_null(at);
    assert_non_null(line);
    ldr_describe(at, words, sizeof(words));
    place = strstr(words, "(lines.c:");
    if (place == NULL ||
        abs(atoi(place + 9) - *line) > 1) /* where the prologue ends is the compiler's choice */
        fail_msg("%s is not line %d", words, *line);
    host_snprintf(expected, sizeof(expected), "lines.sys!%s (", function);
    assert_memory_equal(words, expected, strlen(expected));
}

static void check_driver(const unsigned char *bytes, unsigned long length)
{
    struct ldr_load_options options = {.name = "lines.sys"};
    struct ldr_error error;
    struct ldr_image *image = ldr_load(bytes, length, &options, &error);

    if (image == NULL)
        fail_msg("%s", error.text);
    check_line(image, "LinesFirst", "LinesFirstNumber");
    ldr_discard_init(image);
    check_line(image, "LinesFirst", "LinesFirstNumber");
    check_line(image, "LinesSecond", "LinesSecondNumber");
    ldr_unload(image);
}

static void lines_of_gcc(void **state)
{
    check_driver(lines_gcc, lines_gcc_length);
}

static void lines_of_clang(void **state)
{
    check_driver(lines_clang, lines_clang_length);
}

int run_lines_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_gcc),
        cmocka_unit_test(lines_of_clang),
    };

    return cmocka_run_group_tests_name("lines", tests, NULL, NULL);
}
