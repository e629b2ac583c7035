/* SPDX-License-Identifier: MIT */
/* no-unload: a mistake on purpose. A WDM driver has no Unload routine. */
#define MISTAKE NO_UNLOAD
#include "../stack.h"
