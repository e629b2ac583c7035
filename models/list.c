/* SPDX-License-Identifier: MIT */
/*
 * The models that are built in.
 */
#include "models/dma_engine.h"
#include "models/doorbell.h"
#include "models/i8042.h"
#include "models/pci_model.h"
#include "models/ram.h"
#include "models/timer8254.h"
#include "models/uart16550.h"

const struct model_type *const model_types[] = {
    &model_dma_engine, &model_doorbell,  &model_i8042,     &model_pci,
    &model_ram,        &model_timer8254, &model_uart16550, NULL,
};
