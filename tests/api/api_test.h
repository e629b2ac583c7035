/* SPDX-License-Identifier: MIT */
/* What the tests of the embedding API share. They use the shared library alone, as an embedder does. */
#ifndef API_TEST_H
#define API_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "ringless/ringless.h"

#define PENDER(n)      (0x222000u | ((0x800 + (n)) & 0xFFF) << 2)
#define PENDER_RELEASE PENDER(0)
#define PENDER_ECHO    PENDER(1)
#define PENDER_SIGNAL  PENDER(2)
#define PENDER_BLOCK   PENDER(3)
#define PENDER_STOP    PENDER(4)
#define PENDER_PRINT   PENDER(5)

#define STATUS_CANCELLED            ((rgl_status)0xC0000120)
#define STATUS_INVALID_PARAMETER    ((rgl_status)0xC000000D)
#define STATUS_NO_MORE_ENTRIES      ((rgl_status)0x8000001A)
#define STATUS_SYSTEM_SHUTDOWN      ((rgl_status)0xC00002EB)
#define STATUS_INVALID_DEVICE_STATE ((rgl_status)0xC0000184)

#define must(call)                                                                                           \
    do {                                                                                                     \
        rgl_status must_status = (call);                                                                     \
        if (must_status < 0)                                                                                 \
            print_error("%s: 0x%08X %s\n", #call, (unsigned)must_status, rgl_message());                     \
        if (must_status == RGL_STATUS_BUG_CHECK)                                                             \
            print_error("%s", rgl_bug_check(NULL)->text);                                                    \
        assert_true(must_status >= 0);                                                                       \
    } while (0)

static inline rgl_machine *new_machine(const struct rgl_config *config)
{
    rgl_machine *machine;

    must(rgl_machine_create(config, &machine));
    must(rgl_driver_load_file(machine, SYS "/pender.sys", NULL, NULL));
    return machine;
}

static inline rgl_file *open_pender(rgl_machine *machine, unsigned flags)
{
    rgl_file *file;

    must(rgl_open(machine, "\\Device\\Pender", flags, &file, NULL));
    return file;
}

#endif
