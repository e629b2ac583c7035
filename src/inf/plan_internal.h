/* SPDX-License-Identifier: MIT */
/* What the files that make a plan share. */
#ifndef INF_PLAN_INTERNAL_H
#define INF_PLAN_INTERNAL_H

#include "host/host.h"
#include "inf/internal.h"
#include "inf/plan.h"

#define SERVICES_KEY       "\\Registry\\Machine\\System\\CurrentControlSet\\Services\\"
#define CLASS_KEY          "\\Registry\\Machine\\System\\CurrentControlSet\\Control\\Class\\"
#define DEVICE_CLASSES_KEY "\\Registry\\Machine\\System\\CurrentControlSet\\Control\\DeviceClasses\\"

struct inf_plan {
    struct inf memory; /* its chunks alone; first, so that one free ends both */
    struct inf_step *steps, **end_step;
    struct inf_file *files, **end_file;
    struct inf_note *notes, **end_note;
    const struct inf *inf;
    const struct inf_loader *loader;
    struct inf_error *error;
    const char *service, *section;
    unsigned associated; /* line of the AddService that names the function driver, 0: none yet */
};

/* What HKR means where a directive stands. */
struct inf_place {
    enum inf_key key;
    const char *path; /* NULL: HKR may not be used */
    const struct inf_interface *interface;
    const char *unless;
    enum { PLACE_SOFTWARE, PLACE_HARDWARE, PLACE_CLASS, PLACE_OTHER } kind;
};

/* A section under way: of the INF itself or of one that it includes. */
struct inf_scope {
    struct inf_plan *plan;
    const struct inf *inf;
    const struct inf_section *section; /* the directives' */
    struct inf_place place;
    const char *suffix; /* ".Services": how this kind of section ends, for Needs */
    unsigned depth;
};

/* plan.c */
const char *inf_plan_text(struct inf_plan *plan, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void inf_plan_note(struct inf_plan *plan, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Behind all others; key, path, interface and unless as the place says. */
struct inf_step *inf_plan_step(struct inf_plan *plan, const struct inf_place *place, enum inf_action action,
                               unsigned line);
struct inf_step *inf_plan_set(struct inf_plan *plan, const struct inf_place *place, const char *name,
                              const char *text, unsigned line); /* REG_SZ */
void inf_plan_set_number(struct inf_plan *plan, const struct inf_place *place, const char *name, ULONG number,
                         unsigned line);
/* Carries out the directives of a section; NULL is an empty one. False: error. */
bool inf_plan_section_of(struct inf_scope *scope, const struct inf_section *section);

/* encode.c: data as the registry stores it, in the plan's memory */
const void *inf_encode_text(struct inf_plan *plan, const char *text, ULONG *length);
const void *inf_encode_texts(struct inf_plan *plan, const struct inf_line *line, unsigned first,
                             ULONG *length);
/* "-1", "12", "0x1f". */
bool inf_number64(const char *text, ULONG64 *number);
/* A byte in hexadecimal without mark ("ff", "0xff"). */
bool inf_byte(const char *text, UCHAR *byte);

/* registry.c, files.c, service.c, interface.c, logconfig.c, property.c: one directive each */
bool inf_add_reg(struct inf_scope *scope, const struct inf_line *line);
bool inf_del_reg(struct inf_scope *scope, const struct inf_line *line);
bool inf_bit_reg(struct inf_scope *scope, const struct inf_line *line);
bool inf_copy_files(struct inf_scope *scope, const struct inf_line *line);
bool inf_add_service(struct inf_scope *scope, const struct inf_line *line);
bool inf_del_service(struct inf_scope *scope, const struct inf_line *line);
bool inf_add_interface(struct inf_scope *scope, const struct inf_line *line);
bool inf_install_interfaces(struct inf_plan *plan); /* [InterfaceInstall32] */
bool inf_install_class(struct inf_plan *plan);      /* [ClassInstall32], and the class's name */
bool inf_log_config(struct inf_scope *scope, const struct inf_line *line);
bool inf_add_property(struct inf_scope *scope, const struct inf_line *line);
bool inf_add_filter(struct inf_scope *scope, const struct inf_line *line);

/* A section that a directive names; a note and NULL if it is not there. */
const struct inf_section *inf_named_section(struct inf_scope *scope, const struct inf_line *line,
                                            const char *name);

#endif
