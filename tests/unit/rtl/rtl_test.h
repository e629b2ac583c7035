/* SPDX-License-Identifier: MIT */
/* Shared by the tests of the run-time library. */
#ifndef RTL_TEST_H
#define RTL_TEST_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "arch/arch.h"
#include "mm/mm.h"
#include "rtl/exports.h"
#include "rtl/rtl.h"

extern int fake_pool_blocks;   /* live blocks */
extern int fake_pool_failures; /* so many allocations fail from now on */
extern jmp_buf fake_raised;
extern NTSTATUS fake_raised_status;
extern void (*fake_while_waiting)(void); /* what other threads do while KeWaitForSingleObject waits */
extern int fake_critical_regions;        /* how deep in KeEnterCriticalRegion */

/* The status that `statement` raises; 0 if none. */
#define RAISED(statement)                                                                                    \
    ({                                                                                                       \
        fake_raised_status = 0;                                                                              \
        if (setjmp(fake_raised) == 0) {                                                                      \
            statement;                                                                                       \
        }                                                                                                    \
        fake_raised_status;                                                                                  \
    })

#define U(text) (&(UNICODE_STRING){sizeof(text) - sizeof(WCHAR), sizeof(text), (PWSTR)(text)})
#define A(text) (&(STRING){sizeof(text) - 1, sizeof(text), (PCHAR)(text)})

static inline bool wide_is(const WCHAR *a, const WCHAR *b)
{
    return rtl_wcslen(a) == rtl_wcslen(b) && memcmp(a, b, rtl_wcslen(b) * sizeof(WCHAR)) == 0;
}

#define assert_wide(a, b) assert_true(wide_is(a, b))

#define GROUPS(X)                                                                                            \
    X(strings)                                                                                               \
    X(code_pages)                                                                                            \
    X(printf)                                                                                                \
    X(names)                                                                                                 \
    X(debug) X(memory) X(crt) X(integer) X(time) X(bitmap) X(tables) X(names_dos) X(image) X(run_once)
#define DECLARE_GROUP(name) int test_##name(void);
GROUPS(DECLARE_GROUP)

#endif
