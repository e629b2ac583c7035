/* SPDX-License-Identifier: MIT */
/* pnp-right: no mistake. The function driver under filters that make one. */
#define MISTAKE NO_MISTAKE
#include "../stack.h"
