/* SPDX-License-Identifier: MIT */
/* The test's side of fakes.c, and cmocka with what it needs before it. */
#ifndef MM_FAKES_H
#define MM_FAKES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/lock.h"
#include "ke/ke.h"
#include "nt/status.h"

/* What the code under test ended in, when it does not return. */
struct fake_stop {
    bool bugcheck; /* else an exception */
    ULONG code;
    ULONG64 p[4];
};
extern struct fake_stop fake_stopped;
extern jmp_buf fake_stop_jump;

/* Runs the statement; true if it ended in a bug check or an exception (then fake_stopped says which). */
#define STOPS(statement) (setjmp(fake_stop_jump) == 0 ? ((void)(statement), false) : true)
#define assert_raises(statement, status)                                                                     \
    do {                                                                                                     \
        assert_true(STOPS(statement));                                                                       \
        assert_false(fake_stopped.bugcheck);                                                                 \
        assert_int_equal(fake_stopped.code, (ULONG)(status));                                                \
    } while (0)
#define assert_bugcheck(statement, code_, p1)                                                                \
    do {                                                                                                     \
        assert_true(STOPS(statement));                                                                       \
        assert_true(fake_stopped.bugcheck);                                                                  \
        assert_int_equal(fake_stopped.code, code_);                                                          \
        assert_true(fake_stopped.p[0] == (ULONG64)(p1));                                                     \
    } while (0)

#define FAKE_IMAGE 0x200000000000ull
extern unsigned fake_frame_count; /* of arch_callers */
extern const void *fake_freed;    /* the block that was last looked at for timers and the like */
extern bool fake_on_vp;
extern struct ke_vp fake_vp;
extern struct ke_thread fake_thread, *fake_current;
int fake_machine_start(void **state); /* 64 MiB of RAM, mm_init */
int fake_machine_stop(void **state);

#define assert_status(call, expected) assert_int_equal((ULONG)(call), (ULONG)(expected))

#endif
