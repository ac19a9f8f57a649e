/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grants.h - -o fleet-allow=: what each other host may do here
 *
 *   fleet-allow=h1:write,*:read
 *
 * A host speaks for any of its users, so this is the one thing that another
 * host cannot talk itself out of. none: nothing. read: look, but at no log and
 * at no key. write: all that rights allow, but at no key. admin: the same,
 * keys, chown and root's rights. The first row that fits counts; "*" fits all;
 * without a row that fits it is none, and without the option "*:read".
 *
 * Threading: made at the start; then read on the main loop.
 */
#ifndef FS_FLEET_GRANTS_H
#define FS_FLEET_GRANTS_H

#include <stdbool.h>
#include <stddef.h>

#include "fs/fleet/wire.h"

enum grant { GRANT_NONE, GRANT_READ, GRANT_WRITE, GRANT_ADMIN };

struct grants {
	size_t count;
	struct grants_row {
		char host[WIRE_NAME_MAX + 1]; /* or "*" */
		enum grant grant;
	} * rows; /* malloc()'s */
};

/**
 * grants_parse() - @text as behind "fleet-allow="
 * @bad: the word that is wrong, in @text; its length by @bad_len
 *
 * Return: 0; -EINVAL; -ENOMEM.
 */
int grants_parse(struct grants *out, const char *text, const char **bad,
		 size_t *bad_len);
void grants_deinit(struct grants *grants);

/** grants_of() - what @host may */
enum grant grants_of(const struct grants *grants, const char *host);

/** grants_let_change() - is there a host that may change something? */
bool grants_let_change(const struct grants *grants);

#endif
