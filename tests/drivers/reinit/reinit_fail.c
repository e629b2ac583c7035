/* SPDX-License-Identifier: MIT */
/* The same, but its DriverEntry fails. */
#define FAIL
#include "reinit_late.c"
