/* SPDX-License-Identifier: MIT */
/* add-both-buffers: a mistake on purpose. AddDevice sets both DO_BUFFERED_IO and DO_DIRECT_IO. */
#define MISTAKE BOTH_BUFFERS
#include "../stack.h"
