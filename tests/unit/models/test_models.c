/* SPDX-License-Identifier: MIT */
/*
 * Descriptions of models: taking them apart, numbers, and RAM.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "host/host.h"
#include "host/memory.h"
#include "models/model.h"
#include "nt/status.h"

static char message[200];

static void descriptions_are_taken_apart(void **state)
{
    struct model_description d;

    assert_true(
        model_parse(&d, "uart16550,port=0x3f8,irq=4,backend=file:/tmp/a=b,quiet", message, sizeof(message)));
    assert_string_equal(d.name, "uart16550");
    assert_int_equal(d.count, 4);
    assert_string_equal(model_value(&d, "port"), "0x3f8");
    assert_string_equal(model_value(&d, "backend"), "file:/tmp/a=b");
    assert_string_equal(model_value(&d, "quiet"), "");
    assert_null(model_value(&d, "nothing"));
    assert_true(model_parse(&d, "i8042", message, sizeof(message)));
    assert_int_equal(d.count, 0);
}

static void bad_descriptions_are_refused(void **state)
{
    struct model_description d;
    static const char *const keys[] = {"size", NULL};
    char text[400];

    assert_false(model_parse(&d, "ram,", message, sizeof(message)));
    assert_non_null(strstr(message, "key"));
    assert_false(model_parse(&d, "ram,a,,b", message, sizeof(message)));
    assert_false(model_parse(&d, "m,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", message, sizeof(message)));
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    assert_false(model_parse(&d, text, message, sizeof(message)));
    assert_true(model_parse(&d, "ram,size=1M,color=red", message, sizeof(message)));
    assert_false(model_only_keys(&d, keys, message, sizeof(message)));
    assert_non_null(strstr(message, "color"));
}

static void numbers_have_suffixes(void **state)
{
    uint64_t value;

    assert_true(model_number("4096", &value));
    assert_int_equal(value, 4096);
    assert_true(model_number("0x3F8", &value));
    assert_int_equal(value, 0x3F8);
    assert_true(model_number("256M", &value));
    assert_int_equal(value, 256u << 20);
    assert_true(model_number("2g", &value));
    assert_int_equal(value, 2ull << 30);
    assert_false(model_number("", &value));
    assert_false(model_number("0x", &value));
    assert_false(model_number("12Q", &value));
    assert_false(model_number("12MB", &value));
    assert_false(model_number("99999999999999999999", &value));
    assert_false(model_number("18446744073709551615G", &value));
}

static void models_are_found_by_name(void **state)
{
    assert_int_equal(hmem_init(64 << 20), STATUS_SUCCESS);
    assert_int_equal(model_add("ram,size=64M", message, sizeof(message)), STATUS_SUCCESS);
    assert_int_equal(model_add("ram,size=65M", message, sizeof(message)), STATUS_DEVICE_CONFIGURATION_ERROR);
    assert_non_null(strstr(message, "64 MiB"));
    assert_int_equal(model_add("warpdrive,size=1", message, sizeof(message)), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_non_null(strstr(message, "warpdrive"));
    assert_int_equal(model_add("ram,colour=1", message, sizeof(message)), STATUS_INVALID_PARAMETER);
    hmem_fini();
}

struct echo {
    struct model model;
    struct echo **slot; /* emptied when it is destroyed */
    bool stopped;
    size_t got;
};

static NTSTATUS echo_input(struct model *model, const void *data, size_t length, char *text, size_t size)
{
    container_of(model, struct echo, model)->got += length;
    return STATUS_SUCCESS;
}

static void echo_stop(struct model *model)
{
    container_of(model, struct echo, model)->stopped = true;
}

static void echo_destroy(struct model *model)
{
    struct echo *echo = container_of(model, struct echo, model);

    assert_true(echo->stopped);
    *echo->slot = NULL;
    free(echo);
}

static const struct model_ops echo_ops = {echo_input, echo_stop, echo_destroy};
static const struct model_ops silent_ops = {NULL, echo_stop, echo_destroy};

static NTSTATUS make_echo(struct echo **slot, const char *text, const struct model_ops *ops)
{
    struct model_description d;
    struct echo *echo = calloc(1, sizeof(*echo));
    NTSTATUS status;

    assert_true(model_parse(&d, text, message, sizeof(message)));
    echo->model.ops = ops;
    echo->slot = slot;
    *slot = echo;
    status = model_register(&echo->model, &d, message, sizeof(message));
    if (status == STATUS_SUCCESS)
        return status;
    *slot = NULL;
    free(echo);
    return status;
}

static void devices_have_names(void **state)
{
    struct echo *first, *second, *named, *none;

    assert_int_equal(make_echo(&first, "echo,a=1", &echo_ops), STATUS_SUCCESS);
    assert_int_equal(make_echo(&second, "echo", &echo_ops), STATUS_SUCCESS);
    assert_int_equal(make_echo(&named, "echo,name=com1,a=1", &silent_ops), STATUS_SUCCESS);
    assert_int_equal(make_echo(&none, "echo,name=com1", &echo_ops), STATUS_OBJECT_NAME_COLLISION);
    assert_non_null(strstr(message, "com1"));
    assert_int_equal(make_echo(&none, "echo,name=", &echo_ops), STATUS_INVALID_PARAMETER);
    assert_int_equal(make_echo(&none, "echo,name=a b", &echo_ops), STATUS_INVALID_PARAMETER);
    assert_ptr_equal(model_find("echo"), &first->model);
    assert_ptr_equal(model_find("echo-2"), &second->model);
    assert_ptr_equal(model_find("com1"), &named->model);
    assert_null(model_find("com2"));

    assert_int_equal(model_input("echo-2", "abc", 3, message, sizeof(message)), STATUS_SUCCESS);
    assert_int_equal(second->got, 3);
    assert_int_equal(first->got, 0);
    assert_int_equal(model_input("com1", "abc", 3, message, sizeof(message)), STATUS_NOT_SUPPORTED);
    assert_int_equal(model_input("com2", "abc", 3, message, sizeof(message)), STATUS_OBJECT_NAME_NOT_FOUND);
    model_stop_all();
    assert_true(first->stopped && second->stopped && named->stopped);
    model_destroy_all();
    assert_true(first == NULL && second == NULL && named == NULL);
    assert_null(model_find("echo"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descriptions_are_taken_apart), cmocka_unit_test(bad_descriptions_are_refused),
        cmocka_unit_test(numbers_have_suffixes),        cmocka_unit_test(models_are_found_by_name),
        cmocka_unit_test(devices_have_names),
    };

    return cmocka_run_group_tests_name("models", tests, NULL, NULL);
}
