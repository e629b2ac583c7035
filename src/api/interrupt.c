/* SPDX-License-Identifier: MIT */
/* One interrupt from outside, on a line or on that of a model. */
#include <string.h>
#include "api/model.h"
#include "hal/hal.h"
#include "host/host.h"
#include "models/model.h"

/* In the machine, so that what follows the interrupt has happened when it returns, as far as it does at once.
 */
static NTSTATUS pulse(void *arg)
{
    NTSTATUS status = hal_pulse_line(*(ULONG *)arg);

    ke_sched_point();
    if (host_simulated())
        ke_host_idle(0);
    return status;
}

static NTSTATUS raise_nmi(void *arg)
{
    LARGE_INTEGER millisecond = {.QuadPart = -10000};
    uint32_t before = ke_nmis_taken();

    ke_request_nmi();
    ke_sched_point();
    if (host_simulated())
        ke_host_idle(0);
    while (ke_nmis_taken() == before) /* another processor takes it, or the machine stops */
        KeDelayExecutionThread(KernelMode, FALSE, &millisecond);
    return STATUS_SUCCESS;
}

static bool is_number(const char *text, ULONG *value)
{
    *value = 0;
    for (; *text >= '0' && *text <= '9'; text++)
        *value = MIN(*value * 10 + (ULONG)(*text - '0'), HAL_LINES);
    return *text == '\0';
}

static rgl_status find_line(const char *source, ULONG *line)
{
    const struct model *model;

    if (source[0] != '\0' && is_number(source, line))
        return *line < HAL_LINES
                   ? STATUS_SUCCESS
                   : api_fail(STATUS_INVALID_PARAMETER, "there are lines 0 to %u", HAL_LINES - 1);
    model = model_find(source);
    if (model == NULL)
        return api_fail(STATUS_OBJECT_NAME_NOT_FOUND, "there is no model '%s'", source);
    if (model->pin == NULL)
        return api_fail(STATUS_NOT_SUPPORTED, "%s has no interrupt line", source);
    *line = model->pin->line;
    return STATUS_SUCCESS;
}

rgl_status rgl_interrupt(rgl_machine *machine, const char *source)
{
    rgl_status status;
    ULONG line;

    if (!api_model_enter(&status))
        return status;
    if (strcmp(source, "nmi") == 0) {
        status = api_ok(api_call(raise_nmi, NULL, KernelMode));
        api_leave();
        return status;
    }
    status = find_line(source, &line);
    if (status == STATUS_SUCCESS) {
        status = api_call(pulse, &line, KernelMode);
        if (status == STATUS_INVALID_DEVICE_STATE)
            api_fail(status, "no driver has connected to line %u", line);
        else if (status == STATUS_SUCCESS)
            api_ok(status);
    }
    api_leave();
    return status;
}
