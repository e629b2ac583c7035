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
#include "nt/status.h"

#define assert_status(call, expected) assert_int_equal((ULONG)(call), (ULONG)(expected))

#endif
