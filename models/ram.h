/* SPDX-License-Identifier: MIT */
#ifndef MODEL_RAM_H
#define MODEL_RAM_H

#include "models/model.h"

extern const struct model_type model_ram;

#endif
