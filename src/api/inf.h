/* SPDX-License-Identifier: MIT */
/* INF files of the machine: what the files of the API that deal with them share. Host side, but for
 * inf_setup.c. */
#ifndef API_INF_H
#define API_INF_H

#include "api/api.h"
#include "inf/plan.h"
#include "pnp/pnp.h"

struct api_inf {
    struct api_inf *next;
    struct inf *inf;
    char *folder; /* ends with '/'; "": the current one */
    char *name;   /* the file's base name */
};

extern const struct inf_system api_inf_system;
/* NULL: *message says what is wrong, with file and line. */
struct api_inf *api_inf_open(const char *path, char *message, size_t size);
void api_inf_close(struct api_inf *it);
/* Every section that a device of this system can be installed by is planned: a mistake is found before it is
 * needed. */
bool api_inf_check(const struct api_inf *it, char *message, size_t size);
struct inf_loader
api_inf_loader(const struct api_inf *it); /* Include finds what lies in the folder, or was added */
void api_inf_loaded_end(void);            /* closes what Include has opened */

/* inf_files.c: where files that INFs install lie on this machine. Any pthread; not on NT stacks. */
void api_inf_files_add(const struct api_inf *it, const struct inf_plan *plan);
/* The file that was installed as that image ("\SystemRoot\System32\drivers\x.sys"). */
bool api_inf_find_image(const char *image_path, char *path, size_t size);
void api_inf_files_end(void);

/* inf_objects.c: what a device has besides keys; NT side */
NTSTATUS api_inf_register_interface(struct pnp_node *node, const struct inf_interface *interface);
NTSTATUS api_inf_interface_key(struct pnp_node *node, const struct inf_interface *interface, WCHAR *path,
                               size_t room_chars);
NTSTATUS api_inf_set_property(struct pnp_node *node, const struct inf_step *step);

/* inf_setup.c: carries plans out for the PnP manager */
void api_inf_init(void);
void api_inf_end(void);

#endif
