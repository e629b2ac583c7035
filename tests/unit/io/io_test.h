/* SPDX-License-Identifier: MIT */
/*
 * The I/O manager over the real lower layers on a simulated host, with drivers
 * that are C functions. Each test has a machine of its own, started after the
 * test framework has set its signal handlers: NT_TEST(body) runs body in a host call at PASSIVE_LEVEL,
 * previous mode UserMode. In it CHECK notes a failure instead of jumping off the NT stack.
 */
#ifndef IO_TEST_H
#define IO_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "io/private.h"

extern unsigned io_test_failures;
void io_test_failed(const char *what, const char *file, int line, ULONG64 got);
#define CHECK(cond) ((cond) ? (void)0 : io_test_failed(#cond, __FILE__, __LINE__, 0))
#define CHECK_STATUS(call, expected)                                                                         \
    do {                                                                                                     \
        NTSTATUS got_ = (call);                                                                              \
        if (got_ != (NTSTATUS)(expected))                                                                    \
            io_test_failed(#call " == " #expected, __FILE__, __LINE__, (ULONG)got_);                         \
    } while (0)

/* Runs body in NT context; all CHECKs must have held. */
void io_test_run(void (*body)(void));
/* Runs body, which must end in this bug check; p1 is its first parameter. */
void io_test_bugcheck(void (*body)(void), ULONG code);

#define NT_TEST(name)                                                                                        \
    static void name##_body(void);                                                                           \
    static void name(void **state)                                                                           \
    {                                                                                                        \
        (void)state;                                                                                         \
        io_test_run(name##_body);                                                                            \
    }                                                                                                        \
    static void name##_body(void)
#define NT_BUGCHECK_TEST(name, code)                                                                         \
    static void name##_body(void);                                                                           \
    static void name(void **state)                                                                           \
    {                                                                                                        \
        (void)state;                                                                                         \
        io_test_bugcheck(name##_body, code);                                                                 \
    }                                                                                                        \
    static void name##_body(void)
#define IO_TEST(name) cmocka_unit_test(name)

/* What the drivers of a test did, in words. */
void io_log(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool io_logged(const char *text); /* the whole log since the last call; cleared */

/* A driver without an image. */
PDRIVER_OBJECT io_test_driver(const char *service);
PDEVICE_OBJECT io_test_device(PDRIVER_OBJECT driver, const WCHAR *name, ULONG flags); /* ready to be used */
NTSTATUS io_test_open(const WCHAR *name, ULONG options, HANDLE *handle);
UNICODE_STRING io_string(const WCHAR *text);

/* User memory of the test's process. */
void *io_user(size_t bytes);

/* The suites. */
int run_irp_tests(void);
int run_walk_tests(void);
int run_request_tests(void);
int run_object_tests(void);
int run_queue_tests(void);
int run_load_tests(void);
int run_controller_tests(void);

#endif
