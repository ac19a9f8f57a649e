/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change.h - what one write does to a table: a list of adds and drops
 *
 * A change is judged and applied as a whole (table_apply()). It owns copies
 * of all it is given. Not locked: it belongs to one thread at a time, and is
 * handed from the one that reads text to the writer.
 */
#ifndef DNS_CHANGE_H
#define DNS_CHANGE_H

#include "dns/text/rr.h"
#include "dns/wire/buffer.h"

enum change_op {
	CHANGE_ADD,  /* add a record: Set */
	CHANGE_DROP, /* drop all of an owner's records: Unset */
};

struct change {
	struct buffer items; /* encoded, in the order they were given */
	size_t count;	     /* how many */
};

/* One item, as change_next() shows it; rdata borrows the change's memory. */
struct change_item {
	enum change_op op;
	uint32_t line; /* the line of the text it came from, 1 the first */
	struct rr rr;  /* of a drop, only the owner */
};

/* Where a change stood, to go back to. */
struct change_mark {
	size_t len;
	size_t count;
};

/** change_deinit() - free what it holds; it is empty and usable again */
void change_deinit(struct change *change);

/** change_add() - the owner in lower case; 0, -ENOMEM and @change as it was */
int change_add(struct change *change, const struct rr *rr, uint32_t line);

/** change_drop() - the owner in lower case; 0, -ENOMEM */
int change_drop(struct change *change, const struct name *owner);

/** change_mark(), change_rewind() - drop what was added since the mark */
struct change_mark change_mark(const struct change *change);
void change_rewind(struct change *change, struct change_mark mark);

/**
 * change_slice() - @count items from @offset on, or as many as there are
 * @offset: where an item begins, or the end
 *
 * It borrows the memory of @change: not to be added to, nor freed.
 */
struct change change_slice(const struct change *change, size_t offset,
			   size_t count);

/** change_adds() - is there a record to add in it? */
bool change_adds(const struct change *change);

/**
 * change_next() - read the item at *@offset and step over it
 *
 * Start with 0. Return: true, or false at the end.
 */
bool change_next(const struct change *change, size_t *offset,
		 struct change_item *out);

#endif
