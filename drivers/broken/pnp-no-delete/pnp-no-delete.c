/* SPDX-License-Identifier: MIT */
/* pnp-no-delete: a mistake on purpose. It does not delete its device in IRP_MN_REMOVE_DEVICE. */
#define MISTAKE NO_DELETE
#include "../stack.h"
