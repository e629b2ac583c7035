/* SPDX-License-Identifier: MIT */
/*
 * What an INF would do, as a list of steps: an install section read to the end
 * without touching anything. Made on the host side; carried out by apply.c
 * through a table of operations, or only shown. Everything that is read but
 * not carried out here (co-installers, INFs that are not at hand) is a note
 * with its line. Sources: the pages of the directives, "INF DDInstall
 * Section", "INF AddReg Directive", "INF AddService Directive" and on.
 */
#ifndef INF_PLAN_H
#define INF_PLAN_H

#include "inf/inf.h"

enum inf_action {
    INF_SET,           /* the value, of that type and data */
    INF_CREATE_KEY,    /* the key alone */
    INF_DELETE_VALUE,  /* the value */
    INF_DELETE_KEY,    /* the key and all below it */
    INF_DELETE_STRING, /* the string (data) out of a REG_MULTI_SZ */
    INF_BITS,          /* of a REG_BINARY: data is the byte's index, the mask, set or clear */
    INF_INTERFACE,     /* registers the interface of the device */
    INF_PROPERTY       /* sets a device property (name: "{guid} pid"; type: DEVPROP_TYPE) */
};

/* Which key a step's path begins at. */
enum inf_key {
    INF_KEY_SOFTWARE,  /* Control\Class\{class}\NNNN of the device */
    INF_KEY_HARDWARE,  /* Enum\INSTANCE of the device */
    INF_KEY_INTERFACE, /* the key that IoOpenDeviceInterfaceRegistryKey opens */
    INF_KEY_ABSOLUTE   /* the path begins with \Registry */
};

/* When a step sets. */
#define INF_NO_CLOBBER    0x1  /* not a value that is there already */
#define INF_ONLY_EXISTING 0x2  /* only a value that is there already */
#define INF_APPEND        0x4  /* strings that a REG_MULTI_SZ does not have yet, behind those it has */
#define INF_SDDL          0x8  /* data is the text of a security descriptor, stored in its binary form */
#define INF_OR            0x10 /* properties: combined with the number that is there */
#define INF_AND           0x20

struct inf_interface {
    const char *guid, *reference; /* "{...}"; "": none */
};

struct inf_step {
    struct inf_step *next;
    enum inf_action action;
    enum inf_key key;
    unsigned line, conditions;
    const struct inf_interface *interface; /* INF_INTERFACE, INF_KEY_INTERFACE; else NULL */
    const char *path;                      /* below the key; "": the key itself */
    const char *name;                      /* of the value; "": the unnamed one */
    const char *unless; /* not if this key (absolute) existed before the steps that name it; or NULL */
    ULONG type, length;
    const void *data; /* as the registry stores it */
};

struct inf_file {
    struct inf_file *next;
    const char *destination; /* "C:\Windows\System32\drivers\toaster.sys" */
    const char *source;      /* below the INF's folder, with '/': "amd64/toaster.sys" */
    unsigned line;
};

struct inf_note {
    struct inf_note *next;
    unsigned line;
    const char *text;
};

struct inf_plan;
struct inf_loader {
    /* Another INF that Include names; NULL: it is not at hand. Valid as long as the plan is being made. */
    const struct inf *(*include)(void *context, const char *name);
    void *context;
    const char *file_name; /* the INF's own, for InfPath and messages */
};

/* The plan for a device that this line of the Models section is for. NULL: *error says which line is wrong.
 */
struct inf_plan *inf_plan_device(const struct inf *inf, const struct inf_match *match,
                                 const struct inf_loader *loader, struct inf_error *error);
/* [DefaultInstall] of an INF that is for no device. NULL with error->text[0] == 0: there is none. */
struct inf_plan *inf_plan_default(const struct inf *inf, const struct inf_loader *loader,
                                  struct inf_error *error);
void inf_plan_free(struct inf_plan *plan);

const struct inf_step *inf_plan_steps(const struct inf_plan *plan);
const struct inf_file *inf_plan_files(const struct inf_plan *plan);
const struct inf_note *inf_plan_notes(const struct inf_plan *plan);
const char *inf_plan_service(const struct inf_plan *plan); /* the function driver's; NULL: none */
const char *inf_plan_section(const struct inf_plan *plan); /* as it is named in the file */
/* The class that the INF is for: "{guid}", upper to lower case as written; "": none. */
const char *inf_class_guid(const struct inf *inf);

/* Where Windows puts this INF's match among others: the lower, the better; equal ranks go by date, then
 * version. False: the install section excludes the device (ExcludeID). */
struct inf_rank {
    ULONG rank;
    ULONG64 date, version;
};
bool inf_rank_of(const struct inf *inf, const struct inf_match *match, const struct inf_ids *ids,
                 struct inf_rank *rank);
bool inf_rank_better(const struct inf_rank *a, const struct inf_rank *b);
/* An INF that adds to another one's device ([Version] Class=Extension); ExtensionId, or NULL. */
const char *inf_extension_id(const struct inf *inf);

/* ---- apply.c: NT side; PASSIVE_LEVEL ---- */
#define INF_PATH_CHARS 768
struct inf_ops {
    void *context;
    /* The absolute path of the key that the step begins at. */
    NTSTATUS (*base)(void *context, const struct inf_step *step, WCHAR *path, size_t room_chars);
    NTSTATUS (*create_key)(void *context, const WCHAR *path);
    bool (*key_exists)(void *context, const WCHAR *path);
    NTSTATUS(*set)
    (void *context, const WCHAR *path, const WCHAR *name, ULONG type, const void *data, ULONG length);
    /* *length: in the room, out the size; STATUS_BUFFER_TOO_SMALL if that is more. */
    NTSTATUS(*query)
    (void *context, const WCHAR *path, const WCHAR *name, ULONG *type, void *data, ULONG *length);
    NTSTATUS (*delete_value)(void *context, const WCHAR *path, const WCHAR *name);
    NTSTATUS (*delete_tree)(void *context, const WCHAR *path);
    /* The binary form of a security descriptor's text; released by the caller. */
    NTSTATUS (*sddl)(void *context, const WCHAR *text, void **descriptor, ULONG *length);
    NTSTATUS (*interface)(void *context, const struct inf_step *step);
    NTSTATUS (*property)(void *context, const struct inf_step *step);
    void *(*allocate)(size_t bytes);
    void (*release)(void *block);
};
/* All steps in order; stops at the first that fails and says which. */
NTSTATUS inf_apply(const struct inf_step *steps, const struct inf_ops *ops, const struct inf_step **failed);

#endif
