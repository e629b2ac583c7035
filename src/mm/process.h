/* SPDX-License-Identifier: MIT */
/* The process parameter of the memory services: checked, though every process has the one user range. */
#ifndef MM_PROCESS_H
#define MM_PROCESS_H

#include "ps/ps.h"

NTSTATUS mm_check_process(HANDLE handle, ACCESS_MASK access);

#endif
