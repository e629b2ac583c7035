/* SPDX-License-Identifier: MIT */
/*
 * Everything of the NT driver interface that is layout or number.
 */
#ifndef NT_NT_H
#define NT_NT_H

#include "nt/types.h"
#include "nt/status.h"
#include "nt/bugcodes.h"
#include "nt/pe.h"
#include "nt/context.h"
#include "nt/ke.h"
#include "nt/pcr.h"
#include "nt/mm.h"
#include "nt/ex.h"
#include "nt/ob.h"
#include "nt/se.h"
#include "nt/ps.h"
#include "nt/cm.h"
#include "nt/rtl.h"
#include "nt/io.h"
#include "nt/fastio.h"

#endif
