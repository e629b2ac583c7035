/* SPDX-License-Identifier: MIT */
/*
 * Notification and interfaces, as their files share them. Drivers that
 * registered by IoRegisterPlugPlayNotification hear of interfaces that come
 * and go, of what happens to a device that they have a file on, and of the
 * hardware profile. Callbacks run one after the other in the order of
 * registration, at PASSIVE_LEVEL on the PnP thread, with no lock held. Whatever
 * becomes of a device is learnt as an observer.
 *
 * Rules: SR-33, SR-34, PH-30, DO-56, DO-57.
 */
#ifndef PNP_NOTIFY_PRIVATE_H
#define PNP_NOTIFY_PRIVATE_H

#include "pnp/private.h"

/* ---- notify.c ---- */
struct pnp_notification; /* one registration */
/* One event on its way to the registrants: to all that were registered when it began, in that order. */
struct pnp_delivery {
    IO_NOTIFICATION_EVENT_CATEGORY category;
    const GUID *class;     /* an interface's */
    struct pnp_node *node; /* a target device's */
    void *structure;       /* TARGET_DEVICE_..., DEVICE_INTERFACE_..., HWPROFILE_CHANGE_NOTIFICATION */
    bool may_refuse;       /* the first failure ends it and is the result */
    ULONG64 below;         /* only registrations with a lower number; 0: those of now */
    ULONG64 last;          /* out: the number of who was called last; 0: nobody */
};
NTSTATUS pnp_deliver(struct pnp_delivery *delivery);
extern const GUID pnp_guid_interface_arrival, pnp_guid_interface_removal;
bool pnp_same_guid(const GUID *a, const GUID *b);
void pnp_notify_reset(void);
void pnp_notify_fini(void);

/* ---- notify_target.c ---- */
void pnp_notify_target_reset(void); /* begins to observe removals */
/* The node of the device that a file is open on: asked of the file's stack by TargetDeviceRelation. */
NTSTATUS pnp_target_of_file(PFILE_OBJECT file, struct pnp_node **node); /* referenced */

/* ---- interface_name.c ---- */
#define PNP_INTERFACE_CHARS 768 /* of a registry path of an interface, with its terminator */
/* A link name taken apart: \??\ROOT#TOASTER#0000#{guid}\reference. Pointers into the text. */
struct pnp_link {
    const WCHAR *device; /* ROOT#TOASTER#0000 */
    size_t device_chars;
    const WCHAR *guid; /* {...}, 38 characters */
    GUID class;
    const WCHAR *reference; /* NULL: none */
    size_t reference_chars;
};
bool pnp_link_parse(const UNICODE_STRING *name, struct pnp_link *link); /* also \\?\ and \\.\ */
/* \??\...; mm_alloc'd text, NULL: no memory. reference: NULL: none. */
WCHAR *pnp_link_make(const WCHAR *instance_path, const GUID *class, const UNICODE_STRING *reference);
/* Its key below DeviceClasses: of the device, or of the instance with its reference string; then \subkey. */
bool pnp_link_key(const struct pnp_link *link, bool instance, const WCHAR *subkey, WCHAR *path, size_t room);
bool pnp_class_key(const GUID *class, WCHAR *path, size_t room);
bool pnp_guid_text(const GUID *guid, WCHAR text[39]);

/* ---- interface.c ---- */
struct pnp_interface {
    LIST_ENTRY link;       /* of all, in the order of registration */
    struct pnp_node *node; /* referenced */
    GUID class;
    WCHAR *name; /* \??\... */
    bool enabled;
    bool announced; /* its arrival was told (DO-57) */
};
void pnp_interfaces_lock(void); /* guards the list and all that it holds; PASSIVE_LEVEL */
void pnp_interfaces_unlock(void);
extern LIST_ENTRY pnp_interfaces;
struct pnp_interface *pnp_interface_find(const UNICODE_STRING *name); /* NULL: no record. The lock is held */
void pnp_interfaces_reset(void);
void pnp_interfaces_fini(void);
NTSTATUS pnp_interface_register(struct pnp_node *node, const GUID *class, const UNICODE_STRING *reference,
                                WCHAR **name); /* the name is the caller's: mm_free */
/* Whether DeviceClasses knows it; its device instance if wanted. */
bool pnp_interface_known(const struct pnp_link *link);

/* ---- interface_record.c ---- */
/* A record for what an installation registered; NULL: nobody did, or its device is not there. Locked. */
struct pnp_interface *pnp_interface_find_registered(const UNICODE_STRING *name);
void pnp_interface_drop(struct pnp_interface *interface);

/* ---- interface_list.c ---- */
/* Link names of a class as a REG_MULTI_SZ: those that were announced, or all that are registered. */
NTSTATUS pnp_interface_list(const GUID *class, struct pnp_node *node, bool all, const void *caller,
                            WCHAR **list);

/* ---- property_store.c ---- */
/* Properties that somebody set, below `key`\\Properties. */
NTSTATUS pnp_property_get(const WCHAR *key, const DEVPROPKEY *property, LCID locale, ULONG size, void *data,
                          ULONG *required, DEVPROPTYPE *type);
NTSTATUS pnp_property_set(const WCHAR *key, const DEVPROPKEY *property, LCID locale, DEVPROPTYPE type,
                          ULONG size, const void *data);
bool pnp_locale_is_valid(LCID locale);

#endif
