// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dns/wire/util.h"
#include "fs/fleet/grants.h"

/* The second is for who has the option in a list that commas divide. */
#define BETWEEN_ROWS ",+"

static const char *const words[] = {
	[GRANT_NONE] = "none",
	[GRANT_READ] = "read",
	[GRANT_WRITE] = "write",
	[GRANT_ADMIN] = "admin",
};

static bool read_grant(enum grant *out, const char *word, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strlen(words[i]) == len && !memcmp(words[i], word, len)) {
			*out = (enum grant)i;
			return true;
		}
	}
	return false;
}

/* HOST:GRANT */
static bool read_row(struct grants_row *out, const char *text, size_t len)
{
	const char *colon = memchr(text, ':', len);
	struct grants_row row = {.grant = GRANT_NONE};
	size_t name;

	if (!colon)
		return false;
	name = (size_t)(colon - text);
	if (name > WIRE_NAME_MAX)
		return false;
	memcpy(row.host, text, name);
	if (strcmp(row.host, "*") != 0 && !wire_name_is_good(row.host))
		return false;
	if (!read_grant(&row.grant, colon + 1, len - name - 1))
		return false;
	*out = row;
	return true;
}

static size_t count_rows(const char *text)
{
	size_t count = 1;

	for (; (text = strpbrk(text, BETWEEN_ROWS)); text++)
		count++;
	return count;
}

int grants_parse(struct grants *out, const char *text, const char **bad,
		 size_t *bad_len)
{
	struct grants grants = {.count = count_rows(text)};
	CLEANUP(freep)
	struct grants_row *rows = calloc(grants.count, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < grants.count; i++) {
		size_t len = strcspn(text, BETWEEN_ROWS);

		if (!read_row(&rows[i], text, len)) {
			*bad = text;
			*bad_len = len;
			return -EINVAL;
		}
		text += len + 1;
	}
	grants.rows = steal(&rows);
	*out = grants;
	return 0;
}

void grants_deinit(struct grants *grants)
{
	free(grants->rows);
	*grants = (struct grants){0};
}

enum grant grants_of(const struct grants *grants, const char *host)
{
	for (size_t i = 0; i < grants->count; i++) {
		const struct grants_row *row = &grants->rows[i];

		if (!strcmp(row->host, "*") || !strcmp(row->host, host))
			return row->grant;
	}
	return GRANT_NONE;
}

bool grants_let_change(const struct grants *grants)
{
	for (size_t i = 0; i < grants->count; i++)
		if (grants->rows[i].grant >= GRANT_WRITE)
			return true;
	return false;
}
