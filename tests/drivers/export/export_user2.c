/* SPDX-License-Identifier: MIT */
/* Another driver that imports the same. */
#include "export_user.c"
