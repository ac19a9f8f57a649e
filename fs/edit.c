// SPDX-License-Identifier: Apache-2.0
/*
 * edit.c - the states of an open file that takes records
 *
 * A write goes through three steps: the reader turns text into a change, the
 * writer's thread judges and applies or stages it, the callback tells the
 * caller. Long texts are read on a thread of libuv's pool, so that they do
 * not hold the loop.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "dns/text/reader.h"
#include "fs/edit.h"
#include "fs/pool.h"

/* Reading this much text takes well under a millisecond. */
#define EDIT_INLINE 16384
/* The kernel cuts a write into requests of at least this, and a rest. */
#define EDIT_LONG 65536
/*
 * A long write of a replacement is answered before it is judged, so that
 * reading text and judging records go on side by side, the one so many writes
 * ahead of the other. What is refused then meets a later write or the close:
 * who writes that much at a time looks at both.
 */
#define EDIT_AHEAD 4

struct edit {
	struct fs *fs;
	struct anchor *anchor;	 /* a reference */
	const struct node *node; /* only to be told from others */
	bool has_owner;
	struct name owner;		/* the only one, when has_owner */
	char label[NAME_TEXT_SIZE + 8]; /* for `error` */

	bool replacing; /* what comes is staged */
	int off;	/* -errno of what turned the replacement off; or 0 */
	bool failed;	/* the last write failed */
	bool killed; /* a process that had it open was, with nothing staged */
	unsigned writes;
	unsigned staged;	   /* writes since the replacement began */
	size_t records;		   /* in them */
	uint64_t at;		   /* see edit_at() */
	uint64_t at_before;	   /* the same, before the call at hand */
	struct staging_mark began; /* when the replacement did */
	bool expects;		   /* that they are as they were then */
	bool dated;		   /* the replacement has a time to be given: */
	int64_t mtime_ns;
	struct reader *reader;
	struct staging *staging;
	struct buffer former; /* text to put back if it is refused; or empty */

	/* What counts as the user's: see shares.h. */
	uid_t uid;
	uint64_t staged_octets;
	uint64_t held_octets; /* of text: the reader's tail, and former */

	/* The call at hand. */
	struct change change;
	edit_done *done;
	void *arg;
	uv_work_t work;
	const char *text;
	size_t len;
	bool to_the_end; /* the text is the last: take the tail */
	int result;
	void (*then)(struct edit *edit);    /* after the tail */
	void (*settled)(struct edit *edit); /* when all is judged */
};

/* ---- Start and end ---- */

static const struct name *owner_of(const struct edit *edit)
{
	return edit->has_owner ? &edit->owner : NULL;
}

/* A name's file has its name for an origin; all records together have none. */
static int new_reader(struct edit *edit, struct reader **out)
{
	return reader_new(out, owner_of(edit), owner_of(edit));
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
	edit->replacing = replace;
	edit->at = edit->at_before = replace ? 0 : EDIT_NOWHERE;
	edit->has_owner = node->kind == NODE_NAME;
	if (edit->has_owner)
		node_owner(node, &edit->owner);
	node_label(node, edit->label, sizeof(edit->label));
	r = new_reader(edit, &edit->reader);
	if (r == 0 && replace)
		r = staging_mark(&edit->began, node->anchor, owner_of(edit));
	if (r < 0) {
		reader_free(edit->reader);
		free(edit);
		return r;
	}
	edit->anchor = anchor_ref(node->anchor);
	*out = edit;
	return 0;
}

/* ---- What it has of what all share ---- */

static int share_staged(struct edit *edit)
{
	uint64_t octets = edit->change.items.len;
	int r = share_take(edit->fs, SHARE_STAGED_SIZE, edit->uid, octets,
			   edit->anchor, edit->label);

	if (r == 0)
		edit->staged_octets += octets;
	return r;
}

static void end_staged(struct edit *edit)
{
	share_give(edit->fs, SHARE_STAGED_SIZE, edit->uid, edit->staged_octets);
	edit->staged_octets = 0;
	edit->staged = 0;
	edit->records = 0;
}

/* Count the text that is held by now; less of it always can be. */
static int share_text(struct edit *edit)
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

static void drop_staging(struct edit *edit)
{
	if (edit->staging)
		staging_discard(steal(&edit->staging));
	end_staged(edit);
}

struct edit *edit_free(struct edit *edit)
{
	if (!edit)
		return NULL;
	assert(!edit->done);
	drop_staging(edit);
	edit->reader = reader_free(edit->reader);
	change_deinit(&edit->change);
	buffer_deinit(&edit->former);
	share_text(edit);
	anchor_unref(edit->anchor);
	free(edit);
	return NULL;
}

int edit_truncate(struct edit *edit)
{
	struct staging_mark now;
	struct reader *reader;
	int r = staging_mark(&now, edit->anchor, owner_of(edit));

	if (r == 0)
		r = new_reader(edit, &reader);
	if (r < 0)
		return r;
	reader_free(edit->reader);
	edit->reader = reader;
	drop_staging(edit);
	edit->replacing = true;
	edit->began = now;
	edit->off = 0;
	edit->failed = edit->killed = edit->dated = false;
	edit->writes = 0;
	edit->at = edit->at_before = 0;
	share_text(edit);
	return 0;
}

static void turn_off(struct edit *edit, int result)
{
	if (!edit->replacing)
		return;
	edit->off = result;
	drop_staging(edit);
}

bool edit_is_replacing(const struct edit *edit)
{
	return edit->replacing;
}

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
	if (share_text(edit) < 0)
		buffer_deinit(&edit->former);
}

void edit_set_time(struct edit *edit, int64_t mtime_ns)
{
	edit->dated = edit->replacing && !edit->has_owner;
	edit->mtime_ns = mtime_ns;
}

/* ---- What clients are told ---- */

static void fail(struct edit *edit, uint32_t line, const char *text,
		 const char *reason)
{
	anchor_fail(edit->anchor, edit->label, line, text, reason);
}

/* Every failure that leaves a client with an errno alone gets its line. */
static void explain(struct edit *edit, int result,
		    const struct refusal *refusal)
{
	if (refusal)
		fail(edit, refusal->line, refusal->text, refusal->reason);
	else if (result == -EINVAL)
		fail(edit, reader_error(edit->reader)->line,
		     reader_error(edit->reader)->text,
		     reader_error(edit->reader)->reason);
	else if (result == -ESTALE)
		fail(edit, 0, NULL,
		     "it has changed since it was read, and a part of what was "
		     "read would come back; read it again");
	else
		fail(edit, 0, NULL, strerror(-result));
}

static void call_back(struct edit *edit, int result)
{
	edit_done *done = edit->done;

	/* What is too much was refused when it came. */
	share_text(edit);
	edit->done = NULL;
	done(edit->arg, result);
}

static void begin_call(struct edit *edit, edit_done *done, void *arg)
{
	assert(!edit->done);
	edit->done = done;
	edit->arg = arg;
	edit->then = NULL; /* of a close whose last line was refused */
}

/* ---- Text into a change, and the change to the writer ---- */

static void on_put_back(void *arg, int result, const struct refusal *refusal)
{
	struct edit *edit = arg;

	(void)refusal;
	if (result < 0)
		fail(edit, 0, NULL, "what was removed cannot be put back");
	call_back(edit, edit->result);
}

static void on_former_staged(void *arg, int result,
			     const struct refusal *refusal)
{
	/* Not over what somebody else has written there since. */
	static const struct rrsets none;
	struct staging_mark removed = {
		.changes = UINT64_MAX,
		.any_time = true,
		.owner_digest = rrsets_digest(none),
	};
	struct edit *edit = arg;

	if (result < 0) {
		drop_staging(edit);
		on_put_back(edit, result, refusal);
		return;
	}
	staging_expect(edit->staging, &removed, 0);
	staging_publish(steal(&edit->staging), &edit->owner, on_put_back, edit);
}

static void put_back(struct edit *edit)
{
	CLEANUP(buffer_deinit) struct buffer former = edit->former;
	CLEANUP(change_deinit) struct change change = {0};
	struct reader *reader;
	int r = new_reader(edit, &reader);

	edit->former = (struct buffer){0};
	if (r == 0) {
		r = reader_feed(reader, (const char *)former.data, former.len,
				&change);
		reader_free(reader);
	}
	drop_staging(edit);
	if (r == 0)
		r = staging_new(&edit->staging, edit->anchor);
	if (r < 0)
		on_put_back(edit, r, NULL);
	else
		staging_add(edit->staging, &change, 0, on_former_staged, edit);
}

/* Tell who called; before that, what it had removed is back. */
static void tell(struct edit *edit, int result)
{
	edit->result = result;
	if (edit->replacing && edit->former.len)
		put_back(edit);
	else
		call_back(edit, result);
}

/* The reason was told. */
static void refused_as_told(struct edit *edit, int result)
{
	edit->failed = true;
	/* A place where nothing was taken is none. */
	if (!edit->replacing)
		edit->at = edit->at_before;
	turn_off(edit, result);
	tell(edit, result);
}

static void refused(struct edit *edit, int result,
		    const struct refusal *refusal)
{
	explain(edit, result, refusal);
	refused_as_told(edit, result);
}

void edit_refuse(struct edit *edit, int result, edit_done *done, void *arg)
{
	begin_call(edit, done, arg);
	turn_off(edit, result);
	tell(edit, result);
}

static void accepted(struct edit *edit)
{
	void (*then)(struct edit *) = edit->then;

	edit->failed = false;
	if (edit->replacing)
		edit->staged++;
	if (!edit->to_the_end && edit->at != EDIT_NOWHERE)
		edit->at += edit->len;
	edit->at_before = edit->at;
	edit->then = NULL;
	if (then)
		then(edit);
	else
		call_back(edit, 0);
}

static void on_applied(void *arg, int result, const struct refusal *refusal)
{
	struct edit *edit = arg;

	if (result < 0) {
		/* A failed write has written nothing, its last line neither. */
		reader_undo(edit->reader);
		refused(edit, result, refusal);
		return;
	}
	accepted(edit);
}

static unsigned ahead(const struct edit *edit)
{
	return !edit->to_the_end && edit->len >= EDIT_LONG ? EDIT_AHEAD : 0;
}

/*
 * The kernel learns what became of `records` from a write that is one request;
 * a long one it may have cut into several, and a tail comes with a close.
 */
static const struct node *origin(const struct edit *edit)
{
	return !edit->to_the_end && edit->len < EDIT_LONG ? edit->node : NULL;
}

/* There is no room for what was read: it has written nothing. */
static void refuse_room(struct edit *edit)
{
	change_deinit(&edit->change);
	reader_undo(edit->reader);
	refused_as_told(edit, edit->result);
}

static void submit(struct edit *edit)
{
	int r = 0;

	if (edit->anchor->gone)
		r = -ENODEV;
	else if (edit->replacing && !edit->staging)
		r = staging_new(&edit->staging, edit->anchor);
	if (r < 0)
		on_applied(edit, r, NULL);
	else if (!edit->change.count)
		accepted(edit);
	else if (edit->replacing) {
		edit->records += edit->change.count;
		staging_add(edit->staging, &edit->change, ahead(edit),
			    on_applied, edit);
	} else
		nameserver_edit(edit->anchor, &edit->change, origin(edit),
				on_applied, edit);
}

static void on_settled(void *arg, int result, const struct refusal *refusal)
{
	struct edit *edit = arg;

	if (result < 0)
		refused(edit, result, refusal);
	else
		edit->settled(edit);
}

/* @then once all that is staged was judged and nothing of it was refused. */
static void settle(struct edit *edit, void (*then)(struct edit *edit))
{
	edit->settled = then;
	if (edit->staging)
		staging_settle(edit->staging, on_settled, edit);
	else
		then(edit);
}

/* A thread of libuv's pool, or the main loop. */
static void read_text(struct edit *edit)
{
	if (edit->to_the_end)
		edit->result = reader_end(edit->reader, &edit->change);
	else
		edit->result = reader_feed(edit->reader, edit->text, edit->len,
					   &edit->change);
}

static void read_in_pool(uv_work_t *work)
{
	pool_give_way();
	read_text(container_of(work, struct edit, work));
}

static void refuse_text(struct edit *edit)
{
	refused(edit, edit->result, NULL);
}

static void after_read(uv_work_t *work, int status)
{
	struct edit *edit = container_of(work, struct edit, work);

	(void)status;
	/* A line before it may be refused yet, and is the one to tell of. */
	if (edit->result < 0) {
		settle(edit, refuse_text);
		return;
	}
	edit->result = share_text(edit);
	if (edit->result == 0 && edit->replacing)
		edit->result = share_staged(edit);
	if (edit->result < 0)
		settle(edit, refuse_room);
	else
		submit(edit);
}

static void take(struct edit *edit, size_t len)
{
	if (len > EDIT_INLINE &&
	    uv_queue_work(edit->fs->host->loop, &edit->work, read_in_pool,
			  after_read) == 0)
		return;
	read_text(edit);
	after_read(&edit->work, 0);
}

void edit_write(struct edit *edit, const char *text, size_t len,
		edit_done *done, void *arg)
{
	begin_call(edit, done, arg);
	if (edit->off) {
		call_back(edit, edit->off);
		return;
	}
	edit->writes++;
	edit->text = text;
	edit->len = len;
	edit->to_the_end = false;
	take(edit, len);
}

/* ---- Close ---- */

/* What was published stays so, whatever became of its time. */
static void on_dated(void *arg, int result, const struct refusal *refusal)
{
	(void)result;
	(void)refusal;
	call_back(arg, 0);
}

static void on_published(void *arg, int result, const struct refusal *refusal)
{
	struct edit *edit = arg;

	end_staged(edit);
	if (result < 0) {
		refused(edit, result, refusal);
		return;
	}
	/* Published, the descriptor goes on as an appending one. */
	edit->replacing = false;
	edit->former.len = 0;
	if (!edit->dated) {
		call_back(edit, 0);
		return;
	}
	edit->dated = false;
	nameserver_touch(edit->anchor, edit->mtime_ns, on_dated, edit);
}

static void publish(struct edit *edit)
{
	int r = edit->staging ? 0 : staging_new(&edit->staging, edit->anchor);

	if (r == 0 && edit->expects)
		staging_expect(edit->staging, &edit->began, -ESTALE);
	if (r < 0)
		refused(edit, r, NULL);
	else
		staging_publish(steal(&edit->staging), owner_of(edit),
				on_published, edit);
}

/*
 * Text was written, but no record: what a transfer that failed leaves, or the
 * wrong file. It is no line that is wrong, and more may come.
 */
static void publish_records(struct edit *edit)
{
	if (edit->records) {
		publish(edit);
		return;
	}
	fail(edit, 0, NULL,
	     "no record in it, so nothing is replaced; ': > records' removes "
	     "all");
	tell(edit, -EINVAL);
}

static void end_call(struct edit *edit)
{
	call_back(edit, 0);
}

/* The tail as a last line; then @then, unless the line is refused. */
static void take_tail(struct edit *edit, void (*then)(struct edit *edit))
{
	edit->then = then;
	edit->to_the_end = true;
	take(edit, reader_tail(edit->reader));
}

/* It is told, and must not become the start of what somebody else writes. */
static void refuse_tail(struct edit *edit, const char *reason)
{
	reader_refuse_tail(edit->reader, reason);
	reader_drop_tail(edit->reader);
	refused(edit, -EINVAL, NULL);
}

static void close_settled(struct edit *edit)
{
	bool tail = reader_tail(edit->reader) && !edit->failed;
	const char *open = reader_open(edit->reader);

	if (edit->replacing && edit->off)
		call_back(edit, edit->off);
	else if (tail && edit->writes > 1)
		refuse_tail(edit, open ? open
				       : "no newline at the end, after several "
					 "writes: perhaps only half a line; "
					 "end it with one if it is whole");
	else if (tail)
		take_tail(edit, edit->replacing ? publish_records : end_call);
	else if (edit->replacing && edit->staged)
		publish_records(edit);
	else
		call_back(edit, 0);
}

void edit_flush(struct edit *edit, bool killed, edit_done *done, void *arg)
{
	bool tail = reader_tail(edit->reader) && !edit->failed;
	bool staged = edit->replacing && edit->staged && !edit->off;

	begin_call(edit, done, arg);
	edit->killed |= killed;
	if (killed && (tail || staged || edit->former.len))
		refuse_tail(edit, "the writer was killed before it closed the "
				  "file; what was not yet applied is dropped");
	else
		settle(edit, close_settled);
}

bool edit_is_open(const struct edit *edit)
{
	return edit->replacing || reader_tail(edit->reader);
}

bool edit_clears(const struct edit *edit)
{
	return edit->replacing && !edit->off && !edit->writes && !edit->killed;
}

static void on_cleared(void *arg, int result, const struct refusal *refusal)
{
	struct edit *edit = arg;

	if (result < 0)
		explain(edit, result, refusal);
	call_back(edit, result);
}

void edit_finish(struct edit *edit, edit_done *done, void *arg)
{
	begin_call(edit, done, arg);
	if (edit_clears(edit))
		staging_clear(edit->anchor, owner_of(edit), &edit->began,
			      on_cleared, edit);
	else
		call_back(edit, 0);
}

static void publish_settled(struct edit *edit)
{
	if (edit->off)
		call_back(edit, edit->off);
	else if (reader_tail(edit->reader))
		take_tail(edit, publish_records);
	else if (edit->writes)
		publish_records(edit);
	else
		publish(edit);
}

void edit_publish(struct edit *edit, edit_done *done, void *arg)
{
	begin_call(edit, done, arg);
	settle(edit, publish_settled);
}
