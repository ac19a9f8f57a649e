// SPDX-License-Identifier: Apache-2.0
/*
 * bus_none.c - a program that is built without a library for the bus
 */
#include "fs/fleet/line.h"

const struct line_kind *const line_kind = NULL;
