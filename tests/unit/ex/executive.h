/* SPDX-License-Identifier: MIT */
/*
 * The machine up to the executive: host (simulated, seed 1, or real), memory,
 * CPU, dispatcher, objects, security, processes, workers. Test bodies run as
 * an NT thread of the test's pthread.
 */
#ifndef EXECUTIVE_H
#define EXECUTIVE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ex/ex.h"
#include "ke/routines.h"
#include "mm/section.h"

#define assert_status(call, expected) assert_int_equal((ULONG)(call), (ULONG)(expected))

void executive_start(bool simulated, unsigned cpus);
void executive_stop(void);
NTSTATUS executive_call(NTSTATUS (*fn)(void *));
void executive_sleep(unsigned ms); /* the calling NT thread */

#define EXECUTIVE_TEST(name, simulated, cpus)                                                                \
    static NTSTATUS name##_body(void *unused_);                                                              \
    static void name(void **state_)                                                                          \
    {                                                                                                        \
        executive_start(simulated, cpus);                                                                    \
        assert_int_equal(executive_call(name##_body), STATUS_SUCCESS);                                       \
        executive_stop();                                                                                    \
    }                                                                                                        \
    static NTSTATUS name##_body(void *unused_)

extern const struct CMUnitTest executive_tests[], memory_service_tests[];
extern const size_t executive_test_count, memory_service_test_count;

#endif
