/* SPDX-License-Identifier: MIT */
/* Asynchronous requests, as the other files of the API need them. */
#ifndef API_REQUEST_H
#define API_REQUEST_H

#include "api/api.h"

rgl_status api_associate(rgl_file *file); /* an asynchronous handle with the completion port */
void api_requests_stop(void);

#endif
