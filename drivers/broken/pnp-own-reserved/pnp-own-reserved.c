/* SPDX-License-Identifier: MIT */
/* pnp-own-reserved: a mistake on purpose. It sends a request that only the PnP manager sends. */
#define MISTAKE OWN_RESERVED
#include "../stack.h"
