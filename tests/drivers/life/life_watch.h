/* SPDX-License-Identifier: MIT */
/* What life_watch and life_watched say to each other. */
#ifndef LIFE_WATCH_H
#define LIFE_WATCH_H

#include "rltest.h"

#define IOCTL_WATCH RL_IOCTL(0) /* input: an address; the first is answered with an error */
#define IOCTL_GONE  RL_IOCTL(1) /* success: nothing is mapped there any more */

#endif
