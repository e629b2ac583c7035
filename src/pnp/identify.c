/* SPDX-License-Identifier: MIT */
/*
 * What a device is: the questions to its PDO before any driver is bound
 * (PS-02). Drivers may assume no order: under a seed each device gets its own.
 */
#include "pnp/private.h"

/* A question that a PDO may leave unanswered. */
static NTSTATUS ask(struct pnp_node *node, IO_STACK_LOCATION *location, UCHAR minor, ULONG_PTR *information)
{
    *information = 0;
    location->MajorFunction = IRP_MJ_PNP;
    location->MinorFunction = minor;
    NTSTATUS status = pnp_send(node->pdo, location, information);
    if (!NT_SUCCESS(status))
        *information = 0;
    return status;
}

static WCHAR *ask_id(struct pnp_node *node, BUS_QUERY_ID_TYPE type)
{
    IO_STACK_LOCATION location = {.Parameters.QueryId.IdType = type};
    ULONG_PTR information;
    ask(node, &location, IRP_MN_QUERY_ID, &information);
    return pnp_take_id(node->pdo, type, information);
}

static void ask_device_id(struct pnp_node *node)
{
    /* PS-02, PNP-13a: what it is. */
    node->device_id = ask_id(node, BusQueryDeviceID);
}

static void ask_instance_id(struct pnp_node *node)
{
    /* PS-02, PNP-13d: which one of these. */
    node->instance_id = ask_id(node, BusQueryInstanceID);
}

static void ask_hardware_ids(struct pnp_node *node)
{
    /* PS-02, PNP-13b: what a driver may know it as. */
    node->hardware_ids = ask_id(node, BusQueryHardwareIDs);
}

static void ask_compatible_ids(struct pnp_node *node)
{
    /* PS-02, PNP-13c: or, failing that, as what. */
    node->compatible_ids = ask_id(node, BusQueryCompatibleIDs);
}

static void ask_container_id(struct pnp_node *node)
{
    /* PS-02, PNP-13e: which physical device it is part of. */
    WCHAR *id = ask_id(node, BusQueryContainerID);
    UNICODE_STRING text;
    if (!id)
        return;
    rtl_init_string(&text, id);
    /* PNP-13e: a GUID as text. */
    RtlGUIDFromString(&text, &node->container_id);
    mm_free(id);
}

NTSTATUS pnp_query_capabilities(struct pnp_node *node, DEVICE_CAPABILITIES *capabilities)
{
    IO_STACK_LOCATION location = {.Parameters.DeviceCapabilities.Capabilities = capabilities};
    ULONG_PTR information;
    __builtin_memset(capabilities, 0, sizeof(*capabilities));
    /* PNP-09, PH-23: the sender says how large the structure is. */
    capabilities->Size = sizeof(*capabilities);
    /* PNP-09, PH-23: and which one. */
    capabilities->Version = 1;
    /* PNP-09, PH-23: a driver that knows no address leaves this. */
    capabilities->Address = (ULONG)-1;
    /* PNP-09, PH-23: nor a number for users. */
    capabilities->UINumber = (ULONG)-1;
    return ask(node, &location, IRP_MN_QUERY_CAPABILITIES, &information);
}

static void ask_capabilities(struct pnp_node *node)
{
    /* PS-02, PNP-09: also to a stack that is the PDO alone. */
    pnp_query_capabilities(node, &node->capabilities);
}

static WCHAR *ask_text(struct pnp_node *node, DEVICE_TEXT_TYPE type)
{
    IO_STACK_LOCATION location = {.Parameters.QueryDeviceText = {.DeviceTextType = type, .LocaleId = 0x0409}};
    ULONG_PTR information;
    ask(node, &location, IRP_MN_QUERY_DEVICE_TEXT, &information);
    if (!information)
        return NULL;
    WCHAR *text = pnp_copy_text((const WCHAR *)information);
    /* PNP-0C: the driver allocated it from paged pool. */
    mm_pool_free((void *)information, 0, ask_text);
    return text;
}

static void ask_description(struct pnp_node *node)
{
    /* PS-02, PNP-0C: once for what it is, */
    node->description = ask_text(node, DeviceTextDescription);
}

static void ask_location(struct pnp_node *node)
{
    /* PS-02, PNP-0C: once for where it is. */
    node->location = ask_text(node, DeviceTextLocationInformation);
}

static void ask_bus(struct pnp_node *node)
{
    IO_STACK_LOCATION location = {0};
    ULONG_PTR information;
    /* PS-02, PNP-15: of which bus it is a child. */
    ask(node, &location, IRP_MN_QUERY_BUS_INFORMATION, &information);
    if (!information)
        return;
    /* PNP-15: a structure in paged pool. */
    __builtin_memcpy(&node->bus, (void *)information, sizeof(node->bus));
    node->has_bus_information = true;
    mm_pool_free((void *)information, 0, ask_bus);
}

/* Of a list that a driver allocated: a copy of ours; the driver's is freed. */
static void *take_block(ULONG_PTR information, size_t bytes)
{
    void *copy = mm_alloc(bytes, PNP_TAG);
    if (copy)
        __builtin_memcpy(copy, (void *)information, bytes);
    mm_pool_free((void *)information, 0, take_block);
    return copy;
}

static size_t resource_bytes(const CM_RESOURCE_LIST *list)
{
    const CM_FULL_RESOURCE_DESCRIPTOR *full = list->List;
    for (ULONG i = 0; i < list->Count; i++)
        full = (const void *)(full->PartialResourceList.PartialDescriptors + full->PartialResourceList.Count);
    return (size_t)((const char *)full - (const char *)list);
}

static void ask_resources(struct pnp_node *node)
{
    IO_STACK_LOCATION location = {0};
    ULONG_PTR information;
    /* PS-02, PNP-0A: what the firmware or the bus gave it. */
    ask(node, &location, IRP_MN_QUERY_RESOURCES, &information);
    mm_free(node->boot);
    /* PNP-0A: none: the status was left as it is. */
    node->boot = information ? take_block(information, resource_bytes((void *)information)) : NULL;
}

void pnp_query_requirements(struct pnp_node *node)
{
    IO_STACK_LOCATION location = {0};
    ULONG_PTR information;
    /* PS-02, PNP-0B: what it could do with. */
    ask(node, &location, IRP_MN_QUERY_RESOURCE_REQUIREMENTS, &information);
    mm_free(node->requirements);
    node->requirements =
        information ? take_block(information, ((PIO_RESOURCE_REQUIREMENTS_LIST)information)->ListSize) : NULL;
}

typedef void (*question)(struct pnp_node *node);

static void shuffle(question *questions, unsigned count)
{
    for (unsigned i = count - 1; i > 0; i--) {
        unsigned j = (unsigned)(host_random() % (i + 1));
        question other = questions[i];
        questions[i] = questions[j];
        questions[j] = other;
    }
}

static void ask_in_any_order(struct pnp_node *node)
{
    question questions[] = {ask_device_id,      ask_instance_id,  ask_hardware_ids,
                            ask_compatible_ids, ask_container_id, ask_capabilities,
                            ask_description,    ask_location,     ask_bus};
    if (host_simulated())
        /* PH-24, PS-02: no driver may count on an order. */
        shuffle(questions, countof(questions));
    for (unsigned i = 0; i < countof(questions); i++)
        questions[i](node);
}

/* A name-based GUID, for a removable device whose bus has no identifier for it. */
static void derive_container(struct pnp_node *node)
{
    uint64_t hash[2] = {14695981039346656037u, 1099511628211u};
    for (const WCHAR *p = node->instance_path; *p; p++) {
        hash[0] = (hash[0] ^ *p) * 1099511628211u;
        hash[1] = (hash[1] ^ hash[0]) * 6364136223846793005u;
    }
    __builtin_memcpy(&node->container_id, hash, sizeof(node->container_id));
    node->container_id.Data3 = (USHORT)((node->container_id.Data3 & 0x0FFF) | 0x5000);
    node->container_id.Data4[0] = (UCHAR)((node->container_id.Data4[0] & 0x3F) | 0x80);
}

static void settle_container(struct pnp_node *node)
{
    static const GUID none;
    if (__builtin_memcmp(&node->container_id, &none, sizeof(none)) != 0)
        return;
    if (node->capabilities.Removable)
        derive_container(node);
    else
        /* PNP-13e: part of whatever its bus is part of. */
        node->container_id = node->parent->container_id;
}

static void announce(struct pnp_node *node)
{
    /* PNP-19: the bus driver may add properties now. */
    pnp_send_minor(node->pdo, IRP_MN_DEVICE_ENUMERATED, NULL);
}

/* Rules: PS-02, PNP-09, PNP-0A..0C, PNP-13a..13e, PNP-15, PNP-19, PH-20, PH-22, PH-24. */
NTSTATUS pnp_identify(struct pnp_node *node)
{
    ask_in_any_order(node);
    if (!node->device_id) {
        /* PNP-13a: a device without it cannot be told from others. */
        pnp_set_problem(node, PNP_PROBLEM_INVALID_DATA, STATUS_INVALID_PLUGPLAY_DEVICE_PATH);
        return node->problem_status;
    }
    NTSTATUS status = pnp_make_instance_path(node);
    if (!NT_SUCCESS(status)) {
        pnp_set_problem(node, PNP_PROBLEM_OUT_OF_MEMORY, status);
        return status;
    }
    pnp_check_duplicate(node);
    settle_container(node);
    pnp_registry_write(node);
    node->registry_ready = true;
    ask_resources(node);
    pnp_query_requirements(node);
    pnp_record_configurations(node);
    node->state = PNP_IDENTIFIED;
    announce(node);
    return STATUS_SUCCESS;
}
