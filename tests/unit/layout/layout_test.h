/* SPDX-License-Identifier: MIT */
/* The cmocka tests of this folder. */
#ifndef LAYOUT_TEST_H
#define LAYOUT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

void test_status_list(void **state);
void test_bugcheck_list(void **state);
void test_next_location(void **state);
void test_copy_location(void **state);
void test_completion_routine(void **state);
void test_cancel_routine(void **state);
void test_page_macros(void **state);

#endif
