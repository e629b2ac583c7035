/* SPDX-License-Identifier: MIT */
#include "base/seams.h"

const struct trace_ops *seam_trace;
const struct vf_ops *seam_vf;
