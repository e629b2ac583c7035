/* SPDX-License-Identifier: MIT */
/* pnp-surprise-detach: a mistake on purpose. It detaches its device in IRP_MN_SURPRISE_REMOVAL. */
#define MISTAKE SURPRISE_DETACH
#include "../stack.h"
