/* SPDX-License-Identifier: MIT */
/* pnp-fail-and-pass: a mistake on purpose. It fails a Plug and Play request and passes it on. */
#define MISTAKE FAIL_AND_PASS
#include "../stack.h"
