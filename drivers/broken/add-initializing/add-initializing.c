/* SPDX-License-Identifier: MIT */
/* add-initializing: a mistake on purpose. AddDevice leaves DO_DEVICE_INITIALIZING set. */
#define MISTAKE STAY_INITIALIZING
#include "../stack.h"
