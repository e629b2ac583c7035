/* SPDX-License-Identifier: MIT */
/*
 * What the benchmark and its drivers agree on: the controls. Each but NOP and
 * ECHO takes a ULONG, how many rounds to make.
 */
#ifndef BENCH_CODES_H
#define BENCH_CODES_H

#define BENCH_CODE(n)                                                                                        \
    (0x22u << 16 | (0x900u + (n)) << 2) /* FILE_DEVICE_UNKNOWN, METHOD_BUFFERED, any access */

#define BENCH_NOP      BENCH_CODE(0)
#define BENCH_ECHO     BENCH_CODE(1)
#define BENCH_IRP1     BENCH_CODE(2) /* rounds of an IRP to a device of its own and back */
#define BENCH_IRP2     BENCH_CODE(3) /* the same through bench-filter.sys */
#define BENCH_PINGPONG BENCH_CODE(4) /* two threads, two events; a round is there and back */
#define BENCH_DPC      BENCH_CODE(5)
#define BENCH_RAISE    BENCH_CODE(6)
#define BENCH_FAULT    BENCH_CODE(7)
#define BENCH_THREAD   BENCH_CODE(8)
#define BENCH_POOL     BENCH_CODE(32) /* a block of 64 bytes allocated and freed */
/* Rounds on the device of bench/device.c: */
#define BENCH_INTERRUPT BENCH_CODE(33) /* it interrupts, the service routine requests the DPC, which runs */
#define BENCH_PORT      BENCH_CODE(34) /* an `out` */
#define BENCH_MMIO      BENCH_CODE(35) /* a read of a register */
#define BENCH_STARTIO   BENCH_CODE(36) /* a packet through dispatch, StartIo, a DPC and completion */

#define BENCH_DEVICE_PORT   0x300
#define BENCH_DEVICE_MEMORY 0xE0000000
#define BENCH_DEVICE_LINE   5

#define BENCH_DEVICES 64 /* \Device\Bench0 ... */

#endif
