/* SPDX-License-Identifier: MIT */
#ifndef PCI_MODEL_H
#define PCI_MODEL_H

#include "models/model.h"

extern const struct model_type model_pci;

#endif
