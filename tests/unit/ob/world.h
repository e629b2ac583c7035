/* SPDX-License-Identifier: MIT */
/*
 * The executive components over a machine of one thread and no memory manager:
 * pool is malloc, bug checks come back to the test, the IRQL and the mode are
 * variables. Used by the tests of ob, se, cm and ps.
 */
#ifndef TEST_WORLD_H
#define TEST_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "nt/nt.h"
#include "ob/object.h"
#include "ob/services.h"
#include "ps/ps.h"

struct world_stop {
    ULONG code;
    ULONG64 p[4];
};
extern struct world_stop world_stopped;
extern jmp_buf world_jump;

#define assert_bugcheck(statement, code_)                                                                    \
    do {                                                                                                     \
        if (setjmp(world_jump) == 0) {                                                                       \
            (void)(statement);                                                                               \
            fail_msg("no bug check");                                                                        \
        }                                                                                                    \
        assert_int_equal(world_stopped.code, code_);                                                         \
    } while (0)
#define assert_status(call, expected) assert_int_equal((ULONG)(call), (ULONG)(expected))

int world_start(void **state); /* ob, se, ps */
int world_stop(void **state);
extern struct ps_thread *world_thread;
extern bool world_out_of_memory;                  /* the next allocation fails, once */
extern long world_live_blocks;                    /* allocated and not freed */
extern uintptr_t world_user_low, world_user_high; /* what counts as user memory */
void world_set_irql(KIRQL irql);
void world_set_mode(KPROCESSOR_MODE mode);
UNICODE_STRING world_string(const WCHAR *text);
OBJECT_ATTRIBUTES world_attributes(UNICODE_STRING *name, ULONG flags);

#endif
