/* SPDX-License-Identifier: MIT */
/* wmi-complete: a mistake on purpose. It completes a WMI request that is another provider's. */
#define MISTAKE WMI_COMPLETE
#include "../stack.h"
