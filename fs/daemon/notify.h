/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify.h - telling the service manager, as sd_notify(3) does
 *
 * The protocol is one datagram, and sd_notify(3) invites to speak it without
 * libsystemd; whose development package would have building this program
 * upgrade the machine's init.
 */
#ifndef FS_NOTIFY_H
#define FS_NOTIFY_H

#include "fs/daemon/aside.h"

/**
 * notify() - tell who started us, if it has asked for that
 * @state: "READY=1", "STOPPING=1"; borrowed for good
 *
 * Aside, for a manager may not read. What fails is logged.
 */
void notify(struct aside *aside, const char *state);

#endif
