/* SPDX-License-Identifier: MIT */
/*
 * The models that are built in.
 */
#include "models/ram.h"

const struct model_type *const model_types[] = {&model_ram, NULL};
