/* SPDX-License-Identifier: MIT */
/* pnp-surprise-delete: a mistake on purpose. It deletes its device in IRP_MN_SURPRISE_REMOVAL. */
#define MISTAKE SURPRISE_DELETE
#include "../stack.h"
