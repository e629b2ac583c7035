/* SPDX-License-Identifier: MIT */
/*
 * The loader's tests: one group a file, joined by main.c.
 */
#ifndef LDR_TEST_H
#define LDR_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

int run_parse_tests(void);
int run_export_tests(void);
int run_load_tests(void);
int run_rewrite_tests(void);
int run_emulate_tests(void);
int run_lines_tests(void);

#endif
