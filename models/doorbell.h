/* SPDX-License-Identifier: MIT */
#ifndef MODEL_DOORBELL_H
#define MODEL_DOORBELL_H

#include "models/model.h"

extern const struct model_type model_doorbell;

#endif
