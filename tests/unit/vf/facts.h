/* SPDX-License-Identifier: MIT */
/* A made-up system for the report: two images, frames as the test sets them. */
#ifndef VF_TEST_FACTS_H
#define VF_TEST_FACTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "vf/report.h"

#define BROKEN_BASE 0x200000400000ull /* broken.sys: 64 KiB */
#define LOWER_BASE  0x200000500000ull /* lower.sys: 64 KiB */

extern ULONG64 test_frames[VF_FRAMES];
extern unsigned test_frame_count;
extern const void *test_irp; /* number 4 */
extern struct mm_pool_history test_block;
extern ULONG64 test_missed;

/* The report's text for these facts; valid until the next call. */
const struct vf_report *test_report(const struct ke_bugcheck_info *info);
void *test_page(void); /* readable memory of the machine, zeroed */
void test_free_page(void *page);

int run_report_tests(void);
int run_peek_tests(void);
int run_rule_tests(void);

#endif
