/* SPDX-License-Identifier: MIT */
/* What a driver that goes has left behind. */
#ifndef VF_LEAKS_H
#define VF_LEAKS_H

#include "vf/report.h"

/* In a system thread at PASSIVE_LEVEL, the image still there. True: it has to stay. */
bool vf_driver_gone(PDRIVER_OBJECT driver, bool unloaded);

#endif
