/* SPDX-License-Identifier: MIT */
/* add-not-pagable: a mistake on purpose. A filter does not take over DO_POWER_PAGABLE. */
#define MISTAKE FILTER_PAGABLE
#include "../stack.h"
