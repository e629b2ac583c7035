/* SPDX-License-Identifier: MIT */
/* power-fail-and-pass: a mistake on purpose. It fails a power request and passes it on. */
#define MISTAKE POWER_FAIL_AND_PASS
#include "../stack.h"
