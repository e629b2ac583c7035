/* SPDX-License-Identifier: MIT */
/* The parts of the executive that ex_init starts. */
#ifndef EX_INTERNAL_H
#define EX_INTERNAL_H

#include "ex/ex.h"

NTSTATUS ex_work_init(void);
void ex_work_fini(void);
void ex_etw_fini(void);
NTSTATUS ex_callback_init(void);

#endif
