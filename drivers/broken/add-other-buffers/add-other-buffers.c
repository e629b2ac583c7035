/* SPDX-License-Identifier: MIT */
/*
 * add-other-buffers: a mistake on purpose. A filter does not take over how the device below has its
 * buffers.
 */
#define MISTAKE FILTER_BUFFERS
#include "../stack.h"
