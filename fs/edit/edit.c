// SPDX-License-Identifier: Apache-2.0
/*
 * edit.c - its start and end, its states, and what it counts as its user's
 */
#include <assert.h>
#include <errno.h>

#include "fs/edit/layout.h"

/* ---- States ---- */

/* From which states it may become one; layout.h tells when it does. */
static const unsigned may_become[] = {
	[EDIT_APPENDS] =
		1u << EDIT_CLEARS | 1u << EDIT_SPARES | 1u << EDIT_STAGES,
	[EDIT_CLEARS] = ~0u,
	[EDIT_SPARES] = 1u << EDIT_CLEARS,
	[EDIT_STAGES] = 1u << EDIT_CLEARS | 1u << EDIT_SPARES,
	[EDIT_OFF] = 1u << EDIT_CLEARS | 1u << EDIT_SPARES | 1u << EDIT_STAGES |
		     1u << EDIT_OFF,
};

void edit_become(struct edit *edit, enum edit_state next)
{
	assert(may_become[next] & 1u << edit->state);
	edit->state = next;
}

/* What is true between two calls. */
static void assert_sane(const struct edit *edit)
{
	assert((edit->state == EDIT_OFF) == (edit->off < 0));
	assert(edit->staging ? edit->state == EDIT_STAGES
			     : !edit->staged_octets);
	assert(edit->state == EDIT_STAGES || !edit->staged);
	assert(edit->staged || !edit->records);
	if (edit->state == EDIT_CLEARS || edit->state == EDIT_SPARES)
		assert(!edit->writes && !reader_tail(edit->reader));
}

bool edit_is_replacing(const struct edit *edit)
{
	return edit->state != EDIT_APPENDS;
}

bool edit_is_open(const struct edit *edit)
{
	return edit_is_replacing(edit) || reader_tail(edit->reader);
}

bool edit_clears(const struct edit *edit)
{
	return edit->state == EDIT_CLEARS;
}

/* ---- Start and end ---- */

/* A name's or a zone's file has it for an origin; all records have none. */
int edit_new_reader(const struct edit *edit, struct reader **out)
{
	return reader_new(out, scope_name(&edit->scope), &edit->scope);
}

int edit_new(struct edit **out, struct fs *fs, const struct node *node,
	     uid_t uid, bool replace)
{
	struct edit *edit = calloc(1, sizeof(*edit));
	int r;

	if (!edit)
		return -ENOMEM;
	edit->fs = fs;
	edit->uid = uid;
	edit->node = node;
	edit->state = replace ? EDIT_CLEARS : EDIT_APPENDS;
	edit->at = edit->at_before = replace ? 0 : EDIT_NOWHERE;
	node_scope(node, &edit->scope);
	node_label(node, edit->label, sizeof(edit->label));
	r = edit_new_reader(edit, &edit->reader);
	if (r == 0 && replace)
		r = staging_mark(&edit->began, node->anchor, &edit->scope);
	if (r < 0) {
		reader_free(edit->reader);
		free(edit);
		return r;
	}
	edit->anchor = anchor_ref(node->anchor);
	*out = edit;
	return 0;
}

struct edit *edit_free(struct edit *edit)
{
	if (!edit)
		return NULL;
	assert(!edit->call.done);
	edit_drop_staging(edit);
	edit->reader = reader_free(edit->reader);
	change_deinit(&edit->call.change);
	buffer_deinit(&edit->former);
	edit_share_text(edit);
	assert(!edit->staged_octets && !edit->held_octets);
	anchor_unref(edit->anchor);
	free(edit);
	return NULL;
}

int edit_truncate(struct edit *edit)
{
	struct staging_mark now;
	struct reader *reader;
	int r = staging_mark(&now, edit->anchor, &edit->scope);

	assert(!edit->call.done);
	if (r == 0)
		r = edit_new_reader(edit, &reader);
	if (r < 0)
		return r;
	reader_free(edit->reader);
	edit->reader = reader;
	edit_drop_staging(edit);
	edit_become(edit, EDIT_CLEARS);
	edit->began = now;
	edit->off = 0;
	edit->tail_is_void = edit->dated = false;
	edit->writes = 0;
	edit->at = edit->at_before = 0;
	edit_share_text(edit);
	assert_sane(edit);
	return 0;
}

/* ---- What its owner knows of the text ---- */

uint64_t edit_at(const struct edit *edit)
{
	return edit->at;
}

void edit_resume(struct edit *edit, uint64_t at)
{
	edit->at_before = edit->at;
	edit->at = at;
}

void edit_expect(struct edit *edit, const struct staging_mark *mark)
{
	edit->expects = true;
	edit->began = *mark;
}

void edit_put_back(struct edit *edit, struct buffer *former)
{
	buffer_deinit(&edit->former);
	edit->former = *former;
	*former = (struct buffer){0};
	if (edit_share_text(edit) < 0)
		buffer_deinit(&edit->former);
}

void edit_set_time(struct edit *edit, int64_t mtime_ns)
{
	edit->dated = edit_is_replacing(edit) && edit->scope.kind == SCOPE_ALL;
	edit->mtime_ns = mtime_ns;
}

/* ---- What it has of what all share ---- */

void edit_end_staged(struct edit *edit)
{
	share_give(edit->fs, SHARE_STAGED_SIZE, edit->uid, edit->staged_octets);
	edit->staged_octets = 0;
	edit->staged = 0;
	edit->records = 0;
}

void edit_drop_staging(struct edit *edit)
{
	if (edit->staging)
		staging_discard(steal(&edit->staging));
	edit_end_staged(edit);
}

/* Less of it always can be. */
int edit_share_text(struct edit *edit)
{
	uint64_t octets = edit->former.len, held = edit->held_octets;
	int r = 0;

	if (edit->reader)
		octets += reader_tail(edit->reader);
	if (octets > held)
		r = share_take(edit->fs, SHARE_TEXT_SIZE, edit->uid,
			       octets - held, edit->anchor, edit->label);
	else
		share_give(edit->fs, SHARE_TEXT_SIZE, edit->uid, held - octets);
	if (r == 0)
		edit->held_octets = octets;
	return r;
}

/* ---- A call ---- */

void edit_begin_call(struct edit *edit, edit_done *done, void *arg)
{
	assert(!edit->call.done && done);
	assert_sane(edit);
	edit->call = (struct edit_call){.done = done, .arg = arg};
}

/*
 * What is too much was refused when it came. But who was refused at his close
 * has his last line again, and that may have been given to others since: then
 * it is held without being counted.
 */
void edit_call_back(struct edit *edit, int result)
{
	struct edit_call call = edit->call;

	assert(call.done);
	change_deinit(&call.change);
	edit->call = (struct edit_call){0};
	if (edit->reader)
		reader_settle(edit->reader);
	edit_share_text(edit);
	assert_sane(edit);
	call.done(call.arg, result);
}
