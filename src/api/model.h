/* SPDX-License-Identifier: MIT */
/* What the functions about device models share. */
#ifndef API_MODEL_H
#define API_MODEL_H

#include "api/api.h"

/* As api_enter; a machine that bug checked is refused too, since its devices have stopped. */
bool api_model_enter(rgl_status *status);
/* The message that a model has given, or the status's own. */
rgl_status api_model_answer(rgl_status status, const char *message);

#endif
