/* SPDX-License-Identifier: MIT */
/* What the power manager keeps beside a device object: a record, and the state that its driver last reported.
 * Both are set once or exchanged whole, so there is no lock. */
#include "io/private.h"

const struct io_power_ops *io_power_ops;

void *io_device_power(const DEVICE_OBJECT *device)
{
    return __atomic_load_n(&io_device_of(device)->power, __ATOMIC_ACQUIRE);
}

bool io_set_device_power(PDEVICE_OBJECT device, void *power)
{
    void *none = NULL;
    return __atomic_compare_exchange_n(&io_device_of(device)->power, &none, power, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}

UCHAR io_exchange_power_state(PDEVICE_OBJECT device, UCHAR state)
{
    return __atomic_exchange_n(&io_device_of(device)->power_state, state, __ATOMIC_ACQ_REL);
}

UCHAR io_power_state(const DEVICE_OBJECT *device)
{
    return __atomic_load_n(&io_device_of(device)->power_state, __ATOMIC_ACQUIRE);
}

void io_forget_power(PDEVICE_OBJECT device)
{
    void *power = io_device_power(device);
    if (power && io_power_ops)
        io_power_ops->freed(device, power);
}
