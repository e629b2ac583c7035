/* SPDX-License-Identifier: MIT */
/* The inside of a session, for the files that implement its commands. */
#ifndef SESSION_H
#define SESSION_H

#include "cli.h"

struct pending {
    struct pending *next;
    rgl_request *request;
    char what[160];
    unsigned char *out;
    size_t out_length;
};

struct handle {
    struct handle *next;
    char name[64];
    rgl_file *file;
    bool async;
    struct pending *requests; /* in the order sent */
};

struct session {
    const struct options *options;
    struct printer printer;
    rgl_machine *machine;
    struct handle *handles;
    struct handle *current;
    unsigned next_handle;
    struct result last;
    bool have_last;
    char *services[64]; /* loaded, in order */
    unsigned service_count;
    int trace_fd;
    unsigned violations_shown;
    bool bug_check_shown;
    int error_code; /* of the run, if the last command's error status counts */
};

/* A command under way: its words and the place in them. */
struct call {
    struct session *session;
    struct words *words;
    unsigned at;
    const char *line;
    bool error_status; /* out */
};

bool call_more(const struct call *call);
bool call_take(struct call *call, const char *keyword);   /* eats the word if it is that keyword */
int call_wrong(const struct call *call, const char *why); /* EXIT_USAGE */
int call_number(struct call *call, const char *what, unsigned long long *value);
/* Prints the result, remembers it as the last one, sets error_status. */
int call_done(struct call *call, const char *what, const struct result *result);

struct handle *session_handle(struct session *session, const char *name);
/* The handle named by the next word, if it names one, else the current one; NULL: none is open. */
struct handle *call_handle(struct call *call);

void session_keep_last(struct session *session, const struct result *result); /* owns its data from here on */
int session_load(struct session *session, const char *path, bool *error_status);
void session_show_reports(struct session *session);
void close_handles(struct session *session);
void handle_close(struct session *session, struct handle *handle, struct result *result);
void handle_forget(struct session *session, struct handle *handle); /* frees what the session keeps of it */

/* load.c */
int do_load(struct call *call);
int do_unload(struct call *call);
/* io.c */
int do_open(struct call *call);
int do_close(struct call *call);
int do_read(struct call *call);
int do_write(struct call *call);
int do_flush(struct call *call);
int do_ioctl(struct call *call);
int do_internal_ioctl(struct call *call);
int do_cancel(struct call *call);
int do_wait(struct call *call);
/* registry.c */
int session_load_registry(struct session *session, const char *word); /* exit code */
int session_write_registry(struct session *session);
/* models.c */
void session_show_places(struct session *session); /* where the outside reaches the machine's devices */
int do_model_input(struct call *call);
int do_interrupt(struct call *call);
/* lists.c */
int do_drivers(struct call *call);
int do_devices(struct call *call);
int do_irps(struct call *call);
int do_pool(struct call *call);
/* pnp.c */
/* A device of --device was added; its exit code. */
int session_device_added(struct session *session, const char *id, const char *instance, rgl_status status);
int do_add_device(struct call *call);
int do_start(struct call *call);
int do_stop(struct call *call);
int do_query_remove(struct call *call);
int do_remove(struct call *call);
int do_surprise_remove(struct call *call);
int do_eject(struct call *call);
int do_tree(struct call *call);
/* A command that acts on a device by its name. */
int call_device(struct call *call, rgl_status (*act)(rgl_machine *machine, const char *id));
/* system.c */
int do_system(struct call *call);
/* wmi.c */
int do_wmi(struct call *call);
int do_power(struct call *call);
int do_power_setting(struct call *call);

#endif
