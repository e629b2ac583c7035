/* SPDX-License-Identifier: MIT */
/*
 * The least machine for a test of ke: host, memory, CPU layer, dispatcher; one
 * host thread, and system threads made on demand. A test's body runs inside
 * one host call: NT(body) at PASSIVE_LEVEL on a VP.
 */
#ifndef KE_TEST_MACHINE_H
#define KE_TEST_MACHINE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ke/dispatch.h"
#include "ke/objects.h"

enum { MS = 10000 }; /* in 100 ns */

void machine_start(bool simulated, uint64_t seed, unsigned cpus);
void machine_stop(void);
NTSTATUS machine_call(NTSTATUS (*fn)(void *), void *arg); /* ke_host_call of the test's own thread */

/* A system thread; it is joined or outlived by machine_stop. */
struct ke_thread *machine_thread(void (*fn)(void *), void *arg, int priority);
void machine_join(struct ke_thread *thread);
void machine_free_threads(void);

/* A thread object for another pthread of the test. */
struct ke_thread *machine_host_thread(void);

static inline LARGE_INTEGER relative(int64_t time_100ns)
{
    return (LARGE_INTEGER){.QuadPart = -time_100ns};
}

/* What a test writes down as it happens. */
extern char machine_log[4096];
void log_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* In a simulated machine with one VP, whose schedule a test can rely on: no switch but where the test waits.
 */
#define SIMULATED_TEST(name)                                                                                 \
    static NTSTATUS name##_body(void *unused_);                                                              \
    static void name(void **state_)                                                                          \
    {                                                                                                        \
        (void)state_;                                                                                        \
        machine_start(true, 1, 1);                                                                           \
        assert_int_equal(machine_call(name##_body, NULL), STATUS_SUCCESS);                                   \
        machine_stop();                                                                                      \
    }                                                                                                        \
    static NTSTATUS name##_body(void *unused_)

extern const struct CMUnitTest wait_tests[], object_tests[], timer_tests[], dpc_tests[], apc_tests[],
    lock_tests[], schedule_tests[], preempt_tests[], real_tests[], bugcheck_tests[];

#endif
