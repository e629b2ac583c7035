/* SPDX-License-Identifier: MIT */
/* list-fdo: a mistake on purpose. A bus driver lists a device that is no PDO. */
#define MISTAKE LIST_FDO
#include "../stack.h"
