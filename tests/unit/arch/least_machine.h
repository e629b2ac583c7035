/* SPDX-License-Identifier: MIT */
/*
 * The least that the CPU layer needs around it: a processor control region and
 * a thread with its stack, on which the tests run code.
 */
#ifndef TEST_MACHINE_H
#define TEST_MACHINE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "arch/arch.h"
#include "nt/nt.h"
#include "nt/pcr.h"

struct test_thread {
    DISPATCHER_HEADER header;
    struct arch_thread arch;
    struct arch_context context;
};

struct test_vp {
    KPCR pcr;
};

/* Runs fn(arg) as an NT thread of a new virtual processor on this pthread, to its end. */
void machine_run(void (*fn)(void *), void *arg);
struct test_thread *machine_thread(void);
_Noreturn void machine_leave(void); /* from anywhere on its stack: machine_run returns */
uint64_t now_ns(void);

/* Calls fn with a value of its own in every register that it must keep, and checks them afterwards. */
void check_registers_around(const void *fn);

int switch_tests(void);
int gate_tests(void);
int exception_tests(void);
int bugcheck_tests(void);
int unwind_tests(void);
int preempt_tests(void);
int migrate_tests(void);

#endif
