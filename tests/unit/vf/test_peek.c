/* SPDX-License-Identifier: MIT */
/* Guarded reads: names of objects, broken chains, strings with strange characters. */
#include <string.h>
#include "facts.h"
#include "host/memory.h"
#include "ob/object.h"

static void across_an_unmapped_page(void **state)
{
    char *page = test_page();
    char copy[64];
    assert_true(vf_peek(copy, page + 4096 - 64, 64));
    assert_false(vf_peek(copy, page + 4096 - 63, 64));
    assert_false(vf_peek(copy, (void *)~0ull, 64));
    assert_false(vf_peek(copy, NULL, 1));
    hmem_protect(page, 1, HMEM_NONE);
    assert_false(vf_peek(copy, page, 1));
    hmem_protect(page, 1, HMEM_RW);
    test_free_page(page);
}

#ifdef __clang__
#pragma clang diagnostic ignored "-Wgnu-variable-sized-type-not-at-end" /* the bodies overlap what follows */
#endif
struct tree {
    struct ob_header root, directory, device;
    struct ob_name root_name, directory_name, device_name;
    WCHAR text[32];
};

static struct tree *make_tree(void)
{
    struct tree *t = test_page();
    memcpy(t->text, u"DeviceX\x00E9\n", 18);
    t->root.name = &t->root_name;
    t->directory.name = &t->directory_name;
    t->device.name = &t->device_name;
    t->root_name.object = &t->root;
    t->directory_name.parent = (void *)t->root.body;
    t->directory_name.text = (UNICODE_STRING){12, 12, t->text};
    t->device_name.parent = (void *)t->directory.body;
    t->device_name.text = (UNICODE_STRING){6, 6, t->text + 6};
    return t;
}

static void full_name(void **state)
{
    char buffer[64];
    struct vf_text text;
    struct tree *t = make_tree();
    vf_text_init(&text, buffer, sizeof(buffer));
    assert_true(vf_peek_object_name(t->device.body, &text));
    assert_string_equal(buffer, "\\Device\\X\xC3\xA9?");
    test_free_page(t);
}

static void broken_chains(void **state)
{
    char buffer[64];
    struct vf_text text;
    struct tree *t = make_tree();
    vf_text_init(&text, buffer, sizeof(buffer));
    t->directory_name.text.Buffer = (WCHAR *)0x1234;
    assert_false(vf_peek_object_name(t->device.body, &text));
    t->directory_name.parent = (void *)t->directory.body; /* a circle */
    assert_false(vf_peek_object_name(t->device.body, &text));
    t->device.name = (struct ob_name *)0x4141414141414141;
    assert_false(vf_peek_object_name(t->device.body, &text));
    assert_false(vf_peek_object_name((void *)0x30, &text));
    assert_string_equal(buffer, "");
    test_free_page(t);
}

static void irql_names(void **state)
{
    assert_string_equal(vf_irql_name(DISPATCH_LEVEL), "DISPATCH_LEVEL");
    assert_string_equal(vf_irql_name(5), "a device's level");
    assert_string_equal(vf_irql_name(HIGH_LEVEL), "HIGH_LEVEL");
    assert_string_equal(vf_irql_name(200), "no IRQL");
}

int run_peek_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(across_an_unmapped_page),
        cmocka_unit_test(full_name),
        cmocka_unit_test(broken_chains),
        cmocka_unit_test(irql_names),
    };
    return cmocka_run_group_tests_name("peek", tests, NULL, NULL);
}
