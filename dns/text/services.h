/* SPDX-License-Identifier: Apache-2.0 */
/*
 * services.h - ports by the names that the system has for them
 *
 * The list is read once, when the first name is asked for: getservbyname()
 * would read it again for each of them, and a line may have a hundred thousand.
 * A name that the system learns later is known after a restart.
 *
 * Any thread may call this.
 */
#ifndef DNS_SERVICES_H
#define DNS_SERVICES_H

#include <stdbool.h>
#include <stdint.h>

/**
 * services_port() - the port of a service
 * @protocol: "tcp" or "udp"
 * @name:     as services(5) has it, or one of its aliases
 */
bool services_port(const char *protocol, const char *name, uint16_t *out);

#endif
