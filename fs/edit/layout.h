/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout.h - an edit and its states, for the files of this room alone
 *
 * Between two calls an edit is in one of these states:
 *
 *                 a write       a close                  the last close
 *   EDIT_APPENDS  is applied    takes the last line      does nothing
 *   EDIT_CLEARS   is staged     does nothing             removes what is there
 *   EDIT_SPARES   is staged     does nothing             does nothing
 *   EDIT_STAGES   is staged     publishes                does nothing
 *   EDIT_OFF      fails         fails                    does nothing
 *
 * An edit begins as EDIT_APPENDS, or as EDIT_CLEARS when it is to replace. From
 * there it goes on so, and edit_become() asserts that it does:
 *
 *   -> EDIT_CLEARS   from any: the file is truncated
 *   -> EDIT_SPARES   from EDIT_CLEARS: one who had it open was killed
 *   -> EDIT_STAGES   from EDIT_CLEARS and EDIT_SPARES: the first write
 *   -> EDIT_APPENDS  from those three: what is staged was published
 *   -> EDIT_OFF      from all but EDIT_APPENDS: something was refused
 *
 * A call goes through text.c or close.c in steps, each of which ends in a
 * callback of the pool's or the writer's. What is done next, when it is not
 * the same for all, stands in the call as one of two continuations: `taken`
 * when the last line was, `settled` when all that is staged was judged.
 *
 * Threading: the main loop, but for what reads a text in the pool (text.c).
 */
#ifndef FS_EDIT_LAYOUT_H
#define FS_EDIT_LAYOUT_H

#include "dns/text/reader.h"
#include "fs/edit/edit.h"
#include "fs/pool.h"

enum edit_state {
	EDIT_APPENDS,
	EDIT_CLEARS,
	EDIT_SPARES,
	EDIT_STAGES,
	EDIT_OFF,
};

typedef void edit_step(struct edit *edit);

/* The call at hand; all zero between calls. */
struct edit_call {
	edit_done *done;
	void *arg;
	const char *text; /* borrowed; NULL: the tail is to be taken */
	size_t len;	  /* of it, or of the tail */
	struct change change;
	int result; /* of reading; or what to tell once all is put back */
	struct pool_work work;
	struct receipt receipt; /* of who calls, for after the work */
	edit_step *taken;	/* after the tail; NULL: the call ends then */
	edit_step *settled;	/* once all that is staged was judged */
};

struct edit {
	struct fs *fs;
	struct anchor *anchor;	     /* a reference */
	const struct node *node;     /* only to be told from others */
	struct scope scope;	     /* whose records it changes */
	char label[NODE_LABEL_SIZE]; /* for `error` */

	enum edit_state state;
	int off; /* -errno of what has turned it off, in EDIT_OFF; else 0 */

	/*
	 * The last write failed, so what waits in the reader for its end is
	 * not the last line of what somebody had to say.
	 */
	bool tail_is_void;

	unsigned writes;	   /* since it was opened or truncated */
	unsigned staged;	   /* calls since the replacement began */
	size_t records;		   /* in them */
	uint64_t at;		   /* see edit_at() */
	uint64_t at_before;	   /* the same, before the call at hand */
	struct staging_mark began; /* when the replacement did */
	bool expects;		   /* that they are as they were then */
	bool dated;		   /* the replacement has a time to be given: */
	int64_t mtime_ns;
	struct reader *reader;
	struct staging *staging; /* NULL: nothing is staged yet, or any more */
	struct buffer former; /* text to put back if it is refused; or empty */

	/* What counts as the user's: see shares.h. */
	uid_t uid;
	uint64_t staged_octets;
	uint64_t held_octets; /* of text: the reader's tail, and former */

	struct edit_call call;
};

/* ---- edit.c ---- */

/** edit_new_reader() - one that is at the start of a text: 0, -ENOMEM */
int edit_new_reader(const struct edit *edit, struct reader **out);

/** edit_become() - go on to the next state */
void edit_become(struct edit *edit, enum edit_state next);

/** edit_drop_staging() - what is staged is nothing */
void edit_drop_staging(struct edit *edit);

/** edit_end_staged() - it is nobody's any more: dropped, or published */
void edit_end_staged(struct edit *edit);

/** edit_share_text() - count the text it holds by now: 0, -EMFILE, -ENOMEM */
int edit_share_text(struct edit *edit);

/** edit_begin_call(), edit_call_back() - around all that is done for a call */
void edit_begin_call(struct edit *edit, edit_done *done, void *arg);
void edit_call_back(struct edit *edit, int result);

/* ---- refuse.c ---- */

/** edit_fail() - a line in `error`, of no text: why */
void edit_fail(struct edit *edit, const char *reason);

/**
 * edit_explain() - a line in `error` for a call that ends with @result
 * @refusal: the writer's; NULL: what the reader says, or the errno's words
 */
void edit_explain(struct edit *edit, int result, const struct refusal *refusal);

/**
 * edit_tell() - end the call with @result
 *
 * If something was to be replaced and is removed already, it is back by then.
 * Only for a call that fails.
 */
void edit_tell(struct edit *edit, int result);

/** edit_refused() - the call fails, and what is replaced is off */
void edit_refused(struct edit *edit, int result, const struct refusal *refusal);

/** edit_refused_as_told() - the same, where `error` has its line already */
void edit_refused_as_told(struct edit *edit, int result);

/* ---- text.c ---- */

/** edit_settle() - @settled once all that is staged was judged and accepted */
void edit_settle(struct edit *edit, edit_step *settled);

/** edit_take_tail() - it is a last line; @taken unless that is refused */
void edit_take_tail(struct edit *edit, edit_step *taken);

#endif
