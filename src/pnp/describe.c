/* SPDX-License-Identifier: MIT */
/* Names of a node's states, and what its problem codes mean. */
#include "pnp/private.h"

const char *pnp_state_name(enum pnp_state state)
{
    static const char *const names[] = {
        [PNP_ENUMERATED] = "enumerated",   [PNP_IDENTIFIED] = "identified",
        [PNP_STACK_BUILT] = "stack built", [PNP_ASSIGNED] = "resources assigned",
        [PNP_STARTED] = "started",         [PNP_STOP_PENDING] = "stop pending",
        [PNP_STOPPED] = "stopped",         [PNP_REMOVE_PENDING] = "remove pending",
        [PNP_REMOVED] = "removed",         [PNP_SURPRISE_REMOVED] = "surprise-removed",
        [PNP_DELETED] = "deleted",
    };
    return names[state];
}

const char *pnp_problem_text(ULONG problem)
{
    static const struct {
        ULONG code;
        const char *text;
    } texts[] = {
        {PNP_PROBLEM_NOT_CONFIGURED, "the device is not configured"},
        {PNP_PROBLEM_OUT_OF_MEMORY, "there is not enough memory"},
        {PNP_PROBLEM_INVALID_DATA, "its bus driver does not identify it"},
        {PNP_PROBLEM_FAILED_START, "the device cannot start"},
        {PNP_PROBLEM_NORMAL_CONFLICT, "it cannot find enough free resources"},
        {PNP_PROBLEM_NEED_RESTART, "it works only after a restart"},
        {PNP_PROBLEM_REINSTALL, "its drivers have to be installed again"},
        {PNP_PROBLEM_REGISTRY, "its configuration in the registry is incomplete"},
        {PNP_PROBLEM_DISABLED, "the device is disabled"},
        {PNP_PROBLEM_NOT_THERE, "the device is not present or not working"},
        {PNP_PROBLEM_FAILED_INSTALL, "no driver is installed for it"},
        {PNP_PROBLEM_FAILED_ADD, "a driver of its stack has no AddDevice routine, or that failed"},
        {PNP_PROBLEM_DISABLED_SERVICE, "the service of its driver is disabled"},
        {PNP_PROBLEM_TRANSLATION, "its resources cannot be translated"},
        {PNP_PROBLEM_FAILED_DRIVER_ENTRY, "DriverEntry of its driver failed"},
        {PNP_PROBLEM_DRIVER_UNLOADED_PENDING, "a former instance of its driver is still in memory"},
        {PNP_PROBLEM_DRIVER_FAILED_LOAD, "its driver is missing or cannot be loaded"},
        {PNP_PROBLEM_DRIVER_SERVICE_KEY_INVALID, "the service key of its driver is missing or wrong"},
        {PNP_PROBLEM_POST_START, "its driver reported that the device failed"},
        {PNP_PROBLEM_HALTED, "an application or service has shut it down"},
        {PNP_PROBLEM_HELD_FOR_EJECT, "it is prepared for removal"},
        {PNP_PROBLEM_WAITING_ON_DEPENDENCY, "it waits for another device"},
    };
    for (size_t i = 0; i < countof(texts); i++)
        if (texts[i].code == problem)
            return texts[i].text;
    return "";
}
