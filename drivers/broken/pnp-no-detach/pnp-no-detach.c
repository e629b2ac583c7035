/* SPDX-License-Identifier: MIT */
/* pnp-no-detach: a mistake on purpose. It does not detach its device in IRP_MN_REMOVE_DEVICE. */
#define MISTAKE NO_DETACH
#include "../stack.h"
