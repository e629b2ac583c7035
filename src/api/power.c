/* SPDX-License-Identifier: MIT */
/* Power: states of devices and of the system, power settings. */
#include <stdlib.h>
#include <string.h>
#include "api/api.h"
#include "api/pnp.h"
#include "po/po.h"
#include "rtl/exports.h"
#include "rtl/rtl.h"

static NTSTATUS to_d0(struct pnp_node *node)
{
    return po_set_device_power(node, PowerDeviceD0);
}

static NTSTATUS to_d1(struct pnp_node *node)
{
    return po_set_device_power(node, PowerDeviceD1);
}

static NTSTATUS to_d2(struct pnp_node *node)
{
    return po_set_device_power(node, PowerDeviceD2);
}

static NTSTATUS to_d3(struct pnp_node *node)
{
    return po_set_device_power(node, PowerDeviceD3);
}

rgl_status rgl_device_power(rgl_machine *machine, const char *id, unsigned d)
{
    static NTSTATUS (*const to[])(struct pnp_node *) = {to_d0, to_d1, to_d2, to_d3};

    if (d >= countof(to))
        return api_fail(STATUS_INVALID_PARAMETER, "there is no device power state D%u", d);
    return api_pnp_act(machine, id, to[d]);
}

static NTSTATUS directed_down(struct pnp_node *node)
{
    return po_directed_power(node, true);
}

static NTSTATUS directed_up(struct pnp_node *node)
{
    return po_directed_power(node, false);
}

rgl_status rgl_directed_power(rgl_machine *machine, const char *id, bool down)
{
    return api_pnp_act(machine, id, down ? directed_down : directed_up);
}

static NTSTATUS change(void *arg)
{
    return po_transition(arg);
}

static struct po_transition describe(unsigned s, unsigned flags)
{
    struct po_transition t = {.state = (SYSTEM_POWER_STATE)(PowerSystemWorking + s),
                              .action = s == 4 ? PowerActionHibernate : PowerActionSleep,
                              .forced = flags & RGL_POWER_FORCED,
                              .idle = flags & RGL_POWER_IDLE,
                              .power_lost = flags & RGL_POWER_LOST};

    t.target = t.state;
    if (flags & RGL_POWER_HYBRID)
        t.target = PowerSystemSleeping3;
    if (flags & RGL_POWER_FAST)
        t.target = PowerSystemShutdown;
    return t;
}

static rgl_status shut_down(rgl_machine *machine, unsigned flags)
{
    if (flags & RGL_POWER_RESET)
        return api_shut_down(machine, PowerActionShutdownReset);
    return api_shut_down(machine, flags & RGL_POWER_OFF ? PowerActionShutdownOff : PowerActionShutdown);
}

static bool flags_fit(unsigned s, unsigned flags)
{
    unsigned fitting = s == 0   ? RGL_POWER_LOST
                       : s == 5 ? RGL_POWER_RESET | RGL_POWER_OFF
                                : RGL_POWER_FORCED | RGL_POWER_IDLE;

    if (s == 4)
        fitting |= RGL_POWER_HYBRID | RGL_POWER_FAST;
    return (flags & ~fitting) == 0;
}

rgl_status rgl_system_power_as(rgl_machine *machine, unsigned s, unsigned flags)
{
    struct po_transition transition = describe(s, flags);
    rgl_status status;

    if (s > 5 || !flags_fit(s, flags))
        return api_fail(STATUS_INVALID_PARAMETER, "there is no such transition to S%u", s);
    if (s == 5)
        return shut_down(machine, flags);
    if (!api_enter(&status))
        return status;
    status = api_call(change, &transition, KernelMode);
    api_leave();
    return api_ok(status);
}

rgl_status rgl_system_power(rgl_machine *machine, unsigned s)
{
    return rgl_system_power_as(machine, s, 0);
}

struct setting {
    WCHAR guid[40];
    const void *value;
    ULONG length;
};

static NTSTATUS set(void *arg)
{
    const struct setting *setting = arg;
    UNICODE_STRING text;
    GUID guid;

    rtl_init_string(&text, setting->guid);
    NTSTATUS status = RtlGUIDFromString(&text, &guid);
    return NT_SUCCESS(status) ? po_set_setting(&guid, setting->value, setting->length) : status;
}

rgl_status rgl_power_setting(rgl_machine *machine, const char *guid, const void *value, size_t length)
{
    struct setting setting = {.value = value, .length = (ULONG)length};
    rgl_status status;

    if (length > 0x10000 || !api_pnp_wide(guid, setting.guid, countof(setting.guid)))
        return api_fail(STATUS_INVALID_PARAMETER, "'%s' cannot be a power setting, or has no such value",
                        guid);
    if (!api_enter(&status))
        return status;
    status = api_call(set, &setting, KernelMode);
    api_leave();
    return api_ok(status);
}
