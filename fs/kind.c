// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "fs/kind.h"

const struct node_kind *const control_files[] = {
	&file_help,    /* how to use this tree */
	&file_metrics, /* figures of the host */
	&file_peers,   /* other hosts */
	&file_addr,    /* where the nameserver listens */
	&file_error,   /* the last failures */
	&file_log,     /* each query, as it comes */
	&dir_keys,     /* a file for each key: first, so that copies have it */
	&file_records, /* every record */
	&file_stat,    /* address and records, as JSON */
	&dir_transfer, /* what holds for all zones */
	&dir_zones,    /* a directory for each zone: copied last */
	/* rm -r goes by this list, and it cannot remove what is a secondary's
	 * or a catalog's before their zones are gone. Copies go by inodes. */
	&dir_names, /* a file for each name */
	NULL,
};

/* Records come first, and primaries last: then none can be written any more. */
const struct node_kind *const setting_files[] = {
	&file_zone_records, /* of the zone, as a zone file */
	&file_serial,	    /* its number */
	&file_policy,	    /* how those of all zones go on */
	&file_secondaries,  /* who may transfer, and is told of changes */
	&file_updates,	    /* who may change what by UPDATE */
	&file_catalog,	    /* a zone that lists all zones */
	&file_primaries,    /* where it comes from, if it is a secondary */
	&file_status,	    /* who has which serial */
	&file_all_status,   /* the same of all zones */
	NULL,
};

bool kind_is_in(const struct node_kind *kind, const struct anchor *anchor)
{
	if (anchor->parent)
		return kind->in_server;
	return kind->in_host &&
	       (!kind->in_fleet || anchor->host->identity.incarnation);
}

const struct node_kind *kind_named(const struct anchor *anchor,
				   const char *name)
{
	for (size_t i = 0; control_files[i]; i++)
		if (kind_is_in(control_files[i], anchor) &&
		    !strcmp(control_files[i]->name, name))
			return control_files[i];
	return NULL;
}

bool kind_name_is_taken(const char *name)
{
	for (size_t i = 0; control_files[i]; i++)
		if (!strcmp(control_files[i]->name, name))
			return true;
	return false;
}

/* ---- What each table has to be ---- */

static void check(const struct node_kind *kind, unsigned *numbers)
{
	assert(!(*numbers & 1U << kind->number));
	*numbers |= 1U << kind->number;
	/* A directory is walked, and all else is opened and read. */
	assert(kind_is_dir(kind) ? kind->list && kind->create
				 : kind->read != NULL);
	assert(!kind->name || kind->in_host || kind->in_server ||
	       kind->in_zone || kind->in_transfer);
	assert(!kind->setting || kind->render);
	/* Each open file that has something gives it back. */
	assert(!kind->open_size || kind->close);
	assert(!kind->editing ||
	       (kind->write && kind->flush && kind->truncate && kind->release));
	assert(!kind->setting ||
	       (kind->write && kind->flush && kind->truncate && kind->release));
}

void kinds_check(void)
{
	static const struct node_kind *const nameless[] = {
		&dir_root,     &dir_anchor, &file_name,
		&file_scratch, &dir_zone,   &file_key};
	unsigned numbers = 0;

	for (size_t i = 0; i < ARRAY_SIZE(nameless); i++) {
		assert(!nameless[i]->name);
		check(nameless[i], &numbers);
	}
	for (size_t i = 0; control_files[i]; i++) {
		assert(control_files[i]->name);
		check(control_files[i], &numbers);
	}
	for (size_t i = 0; setting_files[i]; i++) {
		assert(setting_files[i]->name);
		check(setting_files[i], &numbers);
	}
}
