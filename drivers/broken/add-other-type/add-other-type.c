/* SPDX-License-Identifier: MIT */
/*
 * add-other-type: a mistake on purpose. A filter does not take over the DeviceType of the device
 * below.
 */
#define MISTAKE FILTER_TYPE
#include "../stack.h"
