// SPDX-License-Identifier: Apache-2.0
/*
 * admit.c - who may transfer, notify and update: the one place for it
 */
#include <errno.h>

#include "dns/answer/admit.h"

/* One search through the two lists of a kind. */
struct search {
	enum list_kind kind;
	enum list_format format;
	const struct name *apex;
	const struct admit_who *who;
	/*
	 * A line that speaks of them; @zone: whose list it is in, NULL: for
	 * all. Return: 0: go on; 1: that is enough; -errno.
	 */
	int (*found)(struct search *search, const struct name *zone,
		     const struct list_line *line);
	void *arg;
};

static bool is_signed_so(const struct list_line *line,
			 const struct admit_who *who)
{
	return who->key && name_equal(&line->key, who->key);
}

static bool is_from_there(const struct list_line *line,
			  const struct admit_who *who)
{
	return list_line_matches(line, &who->address);
}

static bool speaks_of(const struct search *search, const struct list_line *line)
{
	const struct admit_who *who = search->who;

	/* See the header: either is enough. */
	if (search->kind == LIST_PRIMARIES)
		return is_from_there(line, who) ||
		       (line->has_key && is_signed_so(line, who));
	if (line->has_key && !is_signed_so(line, who))
		return false;
	/* A source address can be forged; who sends changes must have it. */
	if (search->kind == LIST_UPDATES && line->has_address &&
	    !who->is_proven)
		return false;
	return is_from_there(line, who);
}

/* 0: none was enough; 1: one was; -errno. */
static int search_list(struct search *search, struct snapshot *snapshot,
		       uint32_t home, const struct name *zone)
{
	struct list_line line;
	size_t at = 0;
	MDB_val text;
	int r = snapshot_list(snapshot, home, search->kind, zone, &text);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	while (r == 0) {
		r = list_line_next(search->format, zone, text.mv_data,
				   text.mv_size, &at, &line, NULL);
		if (r == 0 && speaks_of(search, &line))
			r = search->found(search, zone, &line);
	}
	if (r == -ENOENT)
		return 0;
	/* Only good lines are stored. */
	return r == -EINVAL ? -EIO : r;
}

static int search_both(struct search *search, struct snapshot *snapshot,
		       uint32_t home)
{
	int r = 0;

	if (!home)
		return -EACCES;
	if (search->kind != LIST_PRIMARIES)
		r = search_list(search, snapshot, home, NULL);
	if (r == 0)
		r = search_list(search, snapshot, home, search->apex);
	if (r < 0)
		return r;
	return r ? 0 : -EACCES;
}

static int any_line(struct search *search, const struct name *zone,
		    const struct list_line *line)
{
	(void)search;
	(void)zone;
	(void)line;
	return 1;
}

int admit_transfer(struct snapshot *snapshot, uint32_t home,
		   const struct name *apex, const struct admit_who *who)
{
	struct search search = {LIST_SECONDARIES,
				LIST_OF_SECONDARIES,
				apex,
				who,
				any_line,
				NULL};

	return search_both(&search, snapshot, home);
}

int admit_notify(struct snapshot *snapshot, uint32_t home,
		 const struct name *apex, const struct admit_who *who)
{
	struct search search = {
		LIST_PRIMARIES, LIST_OF_PRIMARIES, apex, who, any_line, NULL};

	return search_both(&search, snapshot, home);
}

int admit_updater(struct snapshot *snapshot, uint32_t home,
		  const struct name *apex, const struct admit_who *who)
{
	struct search search = {LIST_UPDATES, LIST_OF_UPDATES, apex,
				who,	      any_line,	       NULL};

	return search_both(&search, snapshot, home);
}

struct rrset_at {
	const struct name *name;
	uint16_t type;
};

static int line_of_rrset(struct search *search, const struct name *zone,
			 const struct list_line *line)
{
	const struct rrset_at *at = search->arg;

	return list_line_names(line, zone, at->name, at->type);
}

int admit_update(struct snapshot *snapshot, uint32_t home,
		 const struct name *apex, const struct admit_who *who,
		 const struct name *name, uint16_t type)
{
	struct rrset_at at = {name, type};
	struct search search = {LIST_UPDATES, LIST_OF_UPDATES, apex,
				who,	      line_of_rrset,   &at};

	return search_both(&search, snapshot, home);
}

/* ---- The lines that speak of one of them ---- */

struct admit_lines {
	struct name apex;
	struct buffer lines; /* struct kept */
};

struct kept {
	struct list_line line;
	bool is_of_zone;
};

void admit_lines_freep(struct admit_lines **lines)
{
	admit_lines_free(*lines);
}

struct admit_lines *admit_lines_free(struct admit_lines *lines)
{
	if (lines)
		buffer_deinit(&lines->lines);
	free(lines);
	return NULL;
}

static int keep_line(struct search *search, const struct name *zone,
		     const struct list_line *line)
{
	struct admit_lines *lines = search->arg;
	struct kept kept;

	memset(&kept, 0, sizeof(kept));
	kept.line = *line;
	kept.is_of_zone = zone;
	return buffer_add(&lines->lines, &kept, sizeof(kept));
}

int admit_lines_new(struct admit_lines **out, struct snapshot *snapshot,
		    uint32_t home, const struct name *apex,
		    const struct admit_who *who)
{
	CLEANUP(admit_lines_freep)
	struct admit_lines *lines = calloc(1, sizeof(*lines));
	struct search search = {LIST_UPDATES, LIST_OF_UPDATES, apex,
				who,	      keep_line,       lines};
	int r;

	if (!lines)
		return -ENOMEM;
	lines->apex = *apex;
	r = search_both(&search, snapshot, home);
	if (r < 0 && r != -EACCES)
		return r;
	if (!lines->lines.len)
		return -EACCES;
	*out = steal(&lines);
	return 0;
}

bool admit_lines_let(const struct admit_lines *lines, const struct name *name,
		     uint16_t type)
{
	const struct kept *kept = (const struct kept *)lines->lines.data;
	size_t count = lines->lines.len / sizeof(*kept);

	for (size_t i = 0; i < count; i++)
		if (list_line_names(&kept[i].line,
				    kept[i].is_of_zone ? &lines->apex : NULL,
				    name, type))
			return true;
	return false;
}
