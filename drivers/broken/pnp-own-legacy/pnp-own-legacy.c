/* SPDX-License-Identifier: MIT */
/* pnp-own-legacy: a mistake on purpose. It sends IRP_MN_QUERY_LEGACY_BUS_INFORMATION, which is the system's. */
#define MISTAKE OWN_LEGACY
#include "../stack.h"
