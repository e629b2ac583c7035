/* SPDX-License-Identifier: MIT */
/* The commands that list what is there: one line each thing, or one JSON object. */
#include <inttypes.h>
#include "session.h"

struct list {
    const struct printer *printer;
    unsigned count;
};

static void show_driver(void *context, const struct rgl_driver_info *info)
{
    struct list *list = context;

    list->count++;
    if (list->printer->json)
        printf("{\"event\":\"driver\",\"service\":\"%s\",\"image\":\"%s\",\"base\":\"0x%" PRIx64
               "\",\"size\":%" PRIu64 ",\"devices\":%u,\"unload\":%s}\n",
               info->service, info->image, info->base, info->size, info->devices,
               info->has_unload ? "true" : "false");
    else
        printf("driver %s: image %s, %" PRIu64 " KiB at 0x%" PRIx64 ", %u devices%s\n", info->service,
               info->image, (info->size + 1023) / 1024, info->base, info->devices,
               info->has_unload ? "" : ", no Unload routine");
}

static void show_device(void *context, const struct rgl_device_info *info)
{
    struct list *list = context;

    list->count++;
    if (list->printer->json) {
        printf("{\"event\":\"device\",\"id\":%u,\"service\":\"%s\",\"name\":", info->id, info->service);
        print_json_string(stdout, info->name);
        printf(",\"lower\":%u,\"stack_size\":%u,\"open_handles\":%u,\"type\":%" PRIu32 ",\"flags\":%" PRIu32
               "}\n",
               info->lower, info->stack_size, info->open_handles, info->device_type, info->flags);
        return;
    }
    printf("device #%u %s of %s: type 0x%x, flags 0x%x, stack size %u, %u open", info->id,
           info->name[0] ? info->name : "(unnamed)", info->service, info->device_type, info->flags,
           info->stack_size, info->open_handles);
    if (info->lower != 0)
        printf(", attached to #%u", info->lower);
    putchar('\n');
}

static void show_irp(void *context, const struct rgl_irp_info *info)
{
    struct list *list = context;

    list->count++;
    if (list->printer->json)
        printf("{\"event\":\"irp\",\"number\":%u,\"major\":\"%s\",\"service\":\"%s\",\"device\":\"%s\","
               "\"cancelable\":%s}\n",
               info->number, info->major, info->service, info->device, info->cancelable ? "true" : "false");
    else
        printf("irp #%u %s at %s%s%s%s\n", info->number, info->major,
               info->service[0] ? info->service : "the I/O manager", info->device[0] ? " " : "", info->device,
               info->cancelable ? ", cancelable" : "");
}

static void show_tag(void *context, const struct rgl_pool_info *info)
{
    struct list *list = context;

    list->count++;
    if (list->printer->json) {
        fputs("{\"event\":\"pool\",\"tag\":", stdout);
        print_json_string(stdout, info->tag);
        printf(",\"blocks\":%" PRIu64 ",\"bytes\":%" PRIu64 "}\n", info->blocks, info->bytes);
    } else {
        printf("pool %s: %" PRIu64 " blocks, %" PRIu64 " bytes\n", info->tag, info->blocks, info->bytes);
    }
}

static int finish(const struct list *list, const char *none)
{
    if (list->count == 0)
        print_info(list->printer, "none", none);
    return EXIT_OK;
}

int do_drivers(struct call *call)
{
    struct list list = {&call->session->printer, 0};

    rgl_for_each_driver(call->session->machine, show_driver, &list);
    return finish(&list, "no drivers");
}

int do_devices(struct call *call)
{
    struct list list = {&call->session->printer, 0};

    rgl_for_each_device(call->session->machine, show_device, &list);
    return finish(&list, "no devices");
}

int do_irps(struct call *call)
{
    struct list list = {&call->session->printer, 0};

    rgl_for_each_irp(call->session->machine, show_irp, &list);
    return finish(&list, "no IRPs are outstanding");
}

int do_pool(struct call *call)
{
    struct list list = {&call->session->printer, 0};

    rgl_for_each_pool_tag(call->session->machine, show_tag, &list);
    return finish(&list, "no pool blocks of drivers");
}
