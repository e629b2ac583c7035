/* SPDX-License-Identifier: MIT */
/* What the files of the embedding API that act on devices share. */
#ifndef API_PNP_H
#define API_PNP_H

#include "api/api.h"
#include "pnp/pnp.h"

#define API_PNP_ID     400 /* room for an instance path */
#define PNP_LONGEST_ID 195 /* what "ROOT\" may stand before */
#define API_PNP_CHARACTERS                                                                                   \
    "!\"#$%&'()*+-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"

bool api_pnp_wide(const char *id, WCHAR *wide, size_t room); /* false: empty or too long */
/* Finds the device (behind whatever changes are under way) and runs fn on it, on an NT stack. */
rgl_status api_pnp_act(rgl_machine *machine, const char *id, NTSTATUS (*fn)(struct pnp_node *node));
/* Both lists as text, one resource after the other, separated by "; ". "" for none. */
void api_pnp_resources(char *text, size_t room, const CM_RESOURCE_LIST *raw,
                       const CM_RESOURCE_LIST *translated);

#endif
