/* SPDX-License-Identifier: MIT */
/*
 * The PnP manager: the tree of device nodes from the root bus, what each of
 * them is (identifiers, resources, properties), the drivers that are bound to
 * it, and the states it goes through.
 *
 * All changes of state run as actions on one system thread, the PnP thread,
 * one after the other; whoever wants one queues it and may wait. No lock is
 * held while a driver is called. The links of the tree and the fields marked
 * (tree) are guarded by pnp_tree_lock, a spin lock at DISPATCH_LEVEL held for
 * a few instructions; all other fields of a node belong to the PnP thread, and
 * others read them only while they hold a reference and the node says
 * PNP_STARTED or is theirs. A node lives by its references: the tree holds
 * one, and its PDO one until the PDO is deleted.
 *
 * Rules: PNP-00..PNP-19, PS-01..PS-21, PH-01..PH-30.
 */
#ifndef PNP_H
#define PNP_H

#include "io/io.h"

NTSTATUS pnp_init(void); /* root bus driver \Driver\PnpManager, its device node, the PnP thread */
void pnp_fini(void);

enum pnp_state {
    PNP_ENUMERATED,       /* made; nothing is known yet (PS-01) */
    PNP_IDENTIFIED,       /* PS-02 */
    PNP_STACK_BUILT,      /* AddDevice of all drivers done (PS-03) */
    PNP_ASSIGNED,         /* resources assigned, or none wanted (PS-04) */
    PNP_STARTED,          /* PS-05 */
    PNP_STOP_PENDING,     /* PS-08 */
    PNP_STOPPED,          /* PS-10 */
    PNP_REMOVE_PENDING,   /* PS-12 */
    PNP_REMOVED,          /* drivers are gone, the PDO stays while it is listed (PS-14) */
    PNP_SURPRISE_REMOVED, /* PS-15 */
    PNP_DELETED           /* not listed any more and removed */
};

/* Numbers of the device manager's problem codes (CM_PROB_...), as cfg.h has them. */
#define PNP_NO_PROBLEM                         0
#define PNP_PROBLEM_NOT_CONFIGURED             1
#define PNP_PROBLEM_OUT_OF_MEMORY              3
#define PNP_PROBLEM_INVALID_DATA               9
#define PNP_PROBLEM_FAILED_START               10
#define PNP_PROBLEM_NORMAL_CONFLICT            12
#define PNP_PROBLEM_NEED_RESTART               14
#define PNP_PROBLEM_REINSTALL                  18
#define PNP_PROBLEM_REGISTRY                   19
#define PNP_PROBLEM_DISABLED                   22
#define PNP_PROBLEM_NOT_THERE                  24
#define PNP_PROBLEM_FAILED_INSTALL             28
#define PNP_PROBLEM_FAILED_ADD                 31
#define PNP_PROBLEM_DISABLED_SERVICE           32
#define PNP_PROBLEM_TRANSLATION                35
#define PNP_PROBLEM_FAILED_DRIVER_ENTRY        37
#define PNP_PROBLEM_DRIVER_UNLOADED_PENDING    38
#define PNP_PROBLEM_DRIVER_FAILED_LOAD         39
#define PNP_PROBLEM_DRIVER_SERVICE_KEY_INVALID 40
#define PNP_PROBLEM_POST_START                 43
#define PNP_PROBLEM_HALTED                     44
#define PNP_PROBLEM_HELD_FOR_EJECT             47
#define PNP_PROBLEM_WAITING_ON_DEPENDENCY      51

struct pnp_node {
    LIST_ENTRY sibling, children; /* (tree) */
    struct pnp_node *parent;      /* (tree) NULL: the root */
    LONG references;
    ULONG number;                       /* 1.. in the order of making */
    PDEVICE_OBJECT pdo;                 /* referenced; NULL after its deletion */
    enum pnp_state state, before_query; /* before_query: where a cancel leads back to (PS-13) */
    ULONG problem;                      /* PNP_PROBLEM_..., 0: none */
    NTSTATUS problem_status;
    bool root_enumerated, reported; /* made by the root bus; by IoReportDetectedDevice */
    bool present;                   /* the parent's last BusRelations listed it */
    bool enumerate_again;           /* an IoInvalidateDeviceRelations came while one ran */
    bool changed_meanwhile;         /* one came while it was stopped or asked to go */
    bool started_once, raw;         /* raw: started without a function driver */
    bool locked;                    /* IRP_MN_SET_LOCK */
    bool registry_ready;            /* its Enum key is there */
    PNP_DEVICE_STATE device_state;  /* PNP-14 */
    /* Identity; storage of the node, replaced never. */
    WCHAR *device_id, *instance_id; /* "ROOT\\TOASTER", "0000" (with the parent's prefix if not unique) */
    WCHAR *instance_path;           /* "ROOT\\TOASTER\\0000" */
    WCHAR *hardware_ids, *compatible_ids; /* REG_MULTI_SZ; NULL: none */
    WCHAR *description, *location;        /* NULL: none */
    GUID container_id;
    DEVICE_CAPABILITIES capabilities;
    PNP_BUS_INFORMATION bus; /* of its children: what the parent's stack said of this PDO */
    bool has_bus_information;
    /* Resources (pool, or NULL; PNP-0A/0B/0D, PH-27). */
    PIO_RESOURCE_REQUIREMENTS_LIST requirements; /* as the bus gave them */
    PIO_RESOURCE_REQUIREMENTS_LIST filtered;     /* as the stack filtered them */
    PCM_RESOURCE_LIST boot;                      /* QUERY_RESOURCES */
    PCM_RESOURCE_LIST raw_resources, translated_resources;
    ULONG raw_bytes; /* of each of the two */
    void *assigned;  /* pnp/resource.c: what the arbiter holds for the two */
    /* Drivers: the service, NULL: none known. */
    WCHAR *service;
    char *lost; /* the service whose unloading took its drivers; they come back with it */
    PDEVICE_RELATIONS power_relations; /* (tree) PDOs that must be on before this one (PNP-07e); NULL: none */
    LONG usage[4];                     /* special files by DEVICE_USAGE_NOTIFICATION_TYPE (PH-28) */
    void *interrupts;                  /* pnp/interrupt.c: what is connected by PDO */
};

extern KSPIN_LOCK pnp_tree_lock;
struct pnp_node *pnp_root(void);
/* The node whose PDO this is; NULL: it is none (yet). Not referenced: the caller holds the PDO. */
struct pnp_node *pnp_node_of(const DEVICE_OBJECT *pdo);
/* The node of the stack that a device object belongs to; referenced, NULL: not in a PnP stack. */
struct pnp_node *pnp_node_of_stack(PDEVICE_OBJECT device);
/* `other` is one of the node's power relations: it must be on first. Any IRQL up to DISPATCH_LEVEL. */
bool pnp_power_needs(const struct pnp_node *node, const struct pnp_node *other);
void pnp_reference(struct pnp_node *node);
void pnp_dereference(struct pnp_node *node);
/* Depth first, parents before children, each referenced during its visit. */
void pnp_for_each(void (*visit)(struct pnp_node *, void *), void *context);
/* The first node that a text names: an instance path, or a hardware or compatible identifier of it, compared
 * without case. Referenced; NULL: none. Nodes in PNP_DELETED are not found. */
struct pnp_node *pnp_find(const WCHAR *id);
bool pnp_on_thread(void); /* the caller is the PnP thread */
bool pnp_not_disableable(
    struct pnp_node *node); /* PnP thread: it or a device below it must not be disabled */
/* Runs fn(context) on the PnP thread, behind what was queued before, and waits; directly if this is it. */
NTSTATUS pnp_run(NTSTATUS (*fn)(void *), void *context);
const void *pnp_thread(void); /* for reports; NULL: none yet */
const char *pnp_state_name(enum pnp_state state);
const char *pnp_problem_text(ULONG problem); /* what the code means; "": nothing known */

/* ---- IRPs (pnp/irp.c) ----
 * Sends one to the top of the stack that `device` stands in and waits. The stack location is a template:
 * MajorFunction and MinorFunction and Parameters. *information: in and out, NULL: 0 and not wanted. Status is
 * preset by PH-01. PASSIVE_LEVEL. Frees the IRP. */
NTSTATUS pnp_send(PDEVICE_OBJECT device, const IO_STACK_LOCATION *location, ULONG_PTR *information);
NTSTATUS pnp_send_minor(PDEVICE_OBJECT device, UCHAR minor, ULONG_PTR *information); /* no parameters */

/* ---- actions: each waits for the PnP thread, or runs at once on it. PASSIVE_LEVEL. ----
 * The status is a driver's veto or failure, else STATUS_SUCCESS; STATUS_INVALID_DEVICE_STATE: the node is in
 * no state from which that leads anywhere. */
NTSTATUS pnp_add_root_device(const WCHAR *hardware_id,
                             struct pnp_node **node); /* binds, adds, starts; referenced */
NTSTATUS
pnp_start(struct pnp_node *node); /* restarts a stopped one; binds and starts a removed one (PS-17) */
NTSTATUS pnp_stop_device(struct pnp_node *node);  /* QUERY_STOP, then STOP, or CANCEL_STOP on a veto */
NTSTATUS pnp_query_remove(struct pnp_node *node); /* QUERY_REMOVE then CANCEL_REMOVE; the subtree's too */
NTSTATUS pnp_remove(struct pnp_node *node);       /* QUERY_REMOVE then REMOVE; children first */
NTSTATUS
pnp_surprise_remove(struct pnp_node *node); /* SURPRISE_REMOVAL, REMOVE when the last handle is closed */
NTSTATUS pnp_eject(struct pnp_node *node);
/* Devices that a driver serves: removed so that it can be unloaded; STATUS_SUCCESS or a veto (then nothing is
 * changed). */
NTSTATUS pnp_remove_devices_of(PDRIVER_OBJECT driver);
/* A driver was loaded, an INF or registry came: devices that lack a driver look again. */
void pnp_look_again(void);
/* While the machine boots, devices get boot-start drivers only; those that need others look again when that
 * ends (SV-04, SV-11). */
void pnp_boot_phase(bool begins);
/* `unload NAME`: its devices are removed, then it is unloaded; its devices get their drivers back when one of
 * that name is loaded. STATUS_OBJECT_NAME_NOT_FOUND; a veto; else as io_unload_driver. PASSIVE_LEVEL. */
NTSTATUS pnp_unload_driver(const char *service);
/* The system puts a special file on a device, or takes it off: its stack is told, and may refuse the first.
 */
NTSTATUS pnp_special_file(PDEVICE_OBJECT device, DEVICE_USAGE_NOTIFICATION_TYPE type, bool in_path);
/* At the machine's end: all devices removed, children first, those made last first; who refuses is asked once
 * more when others have gone, and then goes like a device that was pulled out. No driver is unloaded. */
void pnp_remove_all(void);

/* ---- what src/io, models and buses add ---- */
/* Queued as IoInvalidateDeviceRelations does it; any IRQL up to DISPATCH_LEVEL. */
void pnp_invalidate_relations(PDEVICE_OBJECT pdo, DEVICE_RELATION_TYPE type);
/* What a layer above or beside tells of a node's life, in the order of registration, on the PnP thread. */
struct pnp_observer {
    struct pnp_observer *next;
    void (*started)(struct pnp_node *node); /* after START and the questions behind it (PS-06) */
    /* Asked of every device that a query-remove is about, before any driver is; a failure is a veto. */
    NTSTATUS (*query_remove)(struct pnp_node *node);
    void (*remove_cancelled)(
        struct pnp_node *node); /* after CANCEL_REMOVE, of all whom query_remove was about */
    void (*before_remove)(struct pnp_node *node);    /* before REMOVE is sent */
    void (*removed)(struct pnp_node *node);          /* after REMOVE: the drivers are gone */
    void (*surprise_removed)(struct pnp_node *node); /* after SURPRISE_REMOVAL */
    void (*gone)(struct pnp_node *node);             /* the node is taken out of the tree */
};
void pnp_observe(struct pnp_observer *observer);
/* What the layers above give; any member may be NULL. */
struct pnp_ops {
    /* Which service, class and parameters a device gets that has no Service value in its Enum key: writes
     * them there (INF installation). PASSIVE_LEVEL, on the PnP thread. STATUS_NOT_FOUND: no INF fits. */
    NTSTATUS (*install)(struct pnp_node *node);
    /* An INF names this service: only what the INF says binds it. */
    bool (*installs_service)(const char *service);
    /* An AddDevice routine has put a device on top of the stack; filter: above the function driver's. */
    void (*added)(PDEVICE_OBJECT device, PDEVICE_OBJECT below, bool filter);
    /* The verifier: a rule of PnP was broken (0xCA, 0xC9). */
    void (*violation)(ULONG code, ULONG64 p1, ULONG64 p2, ULONG64 p3, ULONG64 p4, const char *sentence);
};
extern struct pnp_ops pnp_ops;

/* ---- registry (pnp/registry.c) ---- */
#define PNP_ENUM_KEY           u"\\Registry\\Machine\\System\\CurrentControlSet\\Enum\\"
#define PNP_CLASS_KEY          u"\\Registry\\Machine\\System\\CurrentControlSet\\Control\\Class\\"
#define PNP_SERVICES_KEY       u"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\"
#define PNP_DEVICE_CLASSES_KEY u"\\Registry\\Machine\\System\\CurrentControlSet\\Control\\DeviceClasses\\"
#define PNP_PATH_CHARS         512
/* Values of the node's Enum key. Text is that of REG_SZ; room in bytes. */
NTSTATUS pnp_enum_query(const struct pnp_node *node, const WCHAR *name, ULONG *type, void *data,
                        ULONG *length);
NTSTATUS pnp_enum_set(const struct pnp_node *node, const WCHAR *name, ULONG type, const void *data,
                      ULONG length);
/* The key's path. false: no node path yet or too long. */
bool pnp_enum_path(const struct pnp_node *node, const WCHAR *subkey, WCHAR *path, size_t room_chars);
/* The software key ("Control\\Class\\{guid}\\NNNN") as its Driver value says. */
bool pnp_driver_key_path(const struct pnp_node *node, WCHAR *path, size_t room_chars);

/* ---- resources (pnp/resource*.c) ---- */
void pnp_resources_init(void); /* by pnp_init; also what src/io asks of a PDO (pnp/interrupt.c, dma.c) */
/* Writes what the bus said of boot configuration and requirements to the key LogConf, as PS-02 asks. */
void pnp_record_configurations(const struct pnp_node *node);
/* The list that IRP_MN_FILTER_RESOURCE_REQUIREMENTS begins with: a forced configuration of the registry, an
 * override, what the bus requires, a basic configuration, what the device had at boot. Paged pool, which
 * drivers may free (ExFreePool); NULL: the device needs nothing. Owns: the caller. */
PIO_RESOURCE_REQUIREMENTS_LIST pnp_requirements_to_filter(const struct pnp_node *node);
/* Fills raw_resources and translated_resources from `filtered`, or without it from
 * pnp_requirements_to_filter; both NULL: nothing is needed. Again for a device that has some: they are
 * replaced, or on failure kept. STATUS_CONFLICTING_ADDRESSES: nothing fits; STATUS_INVALID_PARAMETER: the
 * list is nonsense. PASSIVE_LEVEL. (PS-04, PH-27) */
NTSTATUS pnp_assign_resources(struct pnp_node *node);
void pnp_release_resources(struct pnp_node *node);

#endif
