/* SPDX-License-Identifier: MIT */
/* All suites of the I/O manager, and what they show. */
#include <stdio.h>

#include "io_test.h"

/* What these tests would notice the loss of. */
static const char rules[] =
    "rules: IRP-01 IRP-03 IRP-04 IRP-05 IRP-06 IRP-07 IRP-08 IRP-20 IRP-21 IRP-32 IRP-60 IRP-62 IRP-63 "
    "IRP-64 IRP-65\n"
    "rules: IRP-66 IRP-67 IRP-68 IRP-70 IRP-71 IRP-72 IRP-73 IRP-75 IRP-76 IRP-82 IRP-84 IRP-85 IRP-86 "
    "IRP-87 "
    "IRP-88 IRP-89\n"
    "rules: IRP-91 IRP-92 IRP-94 BUF-01 BUF-02 BUF-03 BUF-04 BUF-05 BUF-06 IOC-0 IOC-2 IOC-3 IOC-6 MJ-02 "
    "MJ-05 MJ-06 MJ-09\n"
    "rules: MJ-0A MJ-0D MJ-0F MJ-12 LC-02 LC-04 LC-05 LC-09 LC-10 LC-14 LC-15 LC-16 LC-17 LC-18 REQ-02 "
    "REQ-06\n"
    "rules: DO-01 DO-02 DO-03 DO-04 DO-07 DO-09 DO-30 DO-31 DO-32 DO-33 DO-34 DO-35 DO-36 DO-38 DO-39 DO-50 "
    "DO-52 DO-55\n"
    "rules: DO-60 CAN-01 CAN-02 CAN-03 CAN-04 SR-06 SR-14 SR-29 SQ-20 SQ-21 SQ-22 SQ-23 SQ-24 SQ-26 SQ-28 "
    "SQ-29 SQ-30\n"
    "rules: CSQ-02 CSQ-03 CSQ-04 CSQ-05 CSQ-06 CSQ-07 CSQ-08 DPC-04 DPC-05 DPC-10 RL-02 MJ-10\n"
    "rules: MJ-01 MJ-13 IRP-31 IRP-50 IRP-61 IRP-73 IRP-77 IRP-78 IRP-93 DO-24 DO-51 DO-54 MJ-07 MJ-08 MJ-0B "
    "MJ-0C MJ-11 "
    "MJ-19 MJ-1A "
    "IRP-10 IRP-83 CAN-14 FI-02 FI-03 FI-04 FI-05 CSQ-01 IRP-90 IRP-80 LC-06 LC-13 REQ-01 SV-01 SV-02 "
    "SV-03 SV-13 SV-14 CTL-07\n";

int main(void)
{
    int failed = run_irp_tests() + run_walk_tests() + run_request_tests() + run_object_tests() +
                 run_queue_tests() + run_load_tests() + run_controller_tests();
    if (!failed)
        fputs(rules, stdout);
    return failed;
}
