/* SPDX-License-Identifier: MIT */
/*
 * Checks inside a test driver. Built against the DDK headers alone, so the same
 * file would run on Windows with a debugger's output as the result:
 *
 *     CHECK("IRP-66", next->Control == 0);
 *     CHECK_EQ("IRP-41", Irp->PendingReturned, TRUE);
 *
 * prints `check IRP-66 pass: ...` or `check IRP-66 FAIL: ... (file:line)`. The
 * player (tests/tools/play.py) counts a rule as shown only if a play that
 * declares it passes and saw at least one pass and no FAIL for it.
 */
#ifndef RLTEST_H
#define RLTEST_H

#include <ntddk.h>

static __attribute__((unused)) BOOLEAN rl_check(const char *id, BOOLEAN ok, const char *text,
                                                const char *file, int line)
{
    if (ok)
        DbgPrint("check %s pass: %s\n", id, text);
    else
        DbgPrint("check %s FAIL: %s (%s:%d)\n", id, text, file, line);
    return ok;
}

static __attribute__((unused)) BOOLEAN rl_check_eq(const char *id, ULONGLONG got, ULONGLONG wanted,
                                                   const char *text, const char *file, int line)
{
    if (got == wanted)
        DbgPrint("check %s pass: %s\n", id, text);
    else
        DbgPrint("check %s FAIL: %s: got 0x%I64x, wanted 0x%I64x (%s:%d)\n", id, text, got, wanted, file,
                 line);
    return got == wanted;
}

#define CHECK(id, cond) rl_check(id, (BOOLEAN) !!(cond), #cond, __FILE__, __LINE__)
#define CHECK_EQ(id, got, wanted)                                                                            \
    rl_check_eq(id, (ULONGLONG)(got), (ULONGLONG)(wanted), #got " == " #wanted, __FILE__, __LINE__)
/* Two NTSTATUS values, compared as 32 bits. */
#define CHECK_STATUS(id, got, wanted)                                                                        \
    rl_check_eq(id, (ULONG)(got), (ULONG)(wanted), #got " == " #wanted, __FILE__, __LINE__)

#define RL_IOCTL(n) CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800 + (n), METHOD_BUFFERED, FILE_ANY_ACCESS)

#endif
