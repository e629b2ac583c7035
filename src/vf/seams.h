/* SPDX-License-Identifier: MIT */
/* The checks that run while drivers do; set and removed while none runs. */
#ifndef VF_SEAMS_H
#define VF_SEAMS_H

#include "vf/rules.h"

void vf_seams_start(void);
void vf_seams_stop(void);

#endif
