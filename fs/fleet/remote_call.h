/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remote_call.h - calls to other hosts: what they are, and how they go
 *
 * A call is one request of our kernel for a node of another host. It has its
 * stages, and is in one of them at a time:
 *
 *   CALL_ORDERED   behind an earlier call of its open file
 *   CALL_BEHIND    behind a close that may still do something there
 *   CALL_WAITING   for a slot, in its user's list
 *   CALL_SENT      in a slot: it is answered, or asked after
 *   CALL_ASKING    in a slot of a new session, and it is asked whether it was
 *                  done in the one before
 *   CALL_PARKED    a read of `log` for which there is nothing yet; no slot
 *
 * Whoever called may have been answered before its call ends (is_answered): a
 * close, and who was killed. What the call brings then is given back.
 *
 * Threading: the main loop.
 */
#ifndef FS_FLEET_REMOTE_CALL_H
#define FS_FLEET_REMOTE_CALL_H

#include <linux/fuse.h>
#include <uthash.h>
#include <utlist.h>

#include "dns/wire/util.h"
#include "fs/fleet/remote.h"
#include "fs/fleet/request.h"
#include "fs/fleet/response.h"

/* A notification may be lost: polls and reads that wait are asked again. */
#define REMOTE_REPOLL_MS 5000
/* So often a call goes on in a new session before it is given up. */
#define REMOTE_MOVES_MAX 3

struct remote_handle;

enum call_stage {
	CALL_NEW,
	CALL_ORDERED,
	CALL_BEHIND,
	CALL_WAITING,
	CALL_SENT,
	CALL_ASKING,
	CALL_PARKED,
};

struct remote_call {
	UT_hash_handle hh; /* in remotes->calls, by unique, until it is
			      answered to our kernel */
	struct remote_call *prev, *next; /* in remote->calls, oldest first */
	struct remote_call *stage_prev, *stage_next; /* in the stage's list */
	struct remote_call *queue_prev, *queue_next; /* in handle->queue */
	struct remote_call *release_prev, *release_next; /* remote->releases */
	struct remote *remote;
	struct remote_handle *handle; /* or NULL */
	struct remote_user *user;
	enum call_stage stage;
	uint64_t turn; /* calls that came before it */
	uint64_t unique;
	uint32_t opcode;
	uid_t uid;
	pid_t pid;
	int flags;    /* of a READ: as our kernel has them; of an open */
	size_t asked; /* octets of a WRITE */
	uint64_t ino; /* of its node, as in struct remote_node */
	uint32_t type;
	size_t response_max;
	bool is_ordered;  /* it is in handle->queue */
	bool was_clean;	  /* a WRITE: its file was not dirty before it */
	bool holds;	  /* a close: it is in remote->releases */
	bool is_answered; /* to our kernel */
	bool tells;	  /* it goes with WIRE_TELLS */
	pid_t told_of;	  /* the other thread then, or 0 */
	bool is_blank;	  /* and it ends well: see WIRE_BLANK */
	bool is_poll;	  /* remote_waits.c's own; and then: */
	bool is_ready;	  /* its answer says that there may be something */
	bool is_root;	  /* its nodes are all the host's anchor: it may go to
			     any session */
	bool has_gone;	  /* it, or part of it, was once sent */
	bool is_counted;  /* in remote->bodies */
	bool to_send;	  /* the bus did not take it */
	bool is_probed;	  /* since it was sent */
	bool was_resent;
	bool caller_killed; /* given up by its caller */
	unsigned moves;	    /* sessions that it has outlived */
	uint16_t slot;
	uint64_t seq;
	uint64_t was_session, was_seq; /* of CALL_ASKING */
	uint64_t sent_ms;	       /* or asked after */
	uint64_t interrupted_ms;       /* 0: not */
	uint64_t begun_ns;	       /* when it came */
	uint64_t sent_ns;
	/* An answer that comes in parts. */
	void *answer;
	size_t answer_whole, answer_len;
	/* The request, with the owner's numbers. */
	char name[48]; /* of what it is about, cut; for `error` */
	size_t len;
	char octets[] __attribute__((aligned(8)));
};

struct remote_slot {
	uint64_t seq; /* of the last call in it */
	struct remote_call *call;
};

/* Who has calls that wait, or are in slots. */
struct remote_user {
	UT_hash_handle hh;		 /* in remote->users, by uid */
	struct remote_user *prev, *next; /* in remote->ring */
	uid_t uid;
	unsigned calls;	 /* all of his */
	unsigned slots;	 /* that they have */
	bool small_last; /* the last one that went was a small one */
	struct remote_call *small, *big; /* utlist by stage_* */
};

/* ---- remote_take.c: from our kernel ---- */

/** remote_call_new() - a call of that request, which is in call->octets from
 * here on
 * @octets: of it; copied
 *
 * Return: 0; -ENOMEM; as request_take().
 */
int remote_call_new(struct remote_call **out, struct request *request,
		    const void *octets, size_t len);

/* ---- remote_calls.c: the stages ---- */

/** remote_call_begin() - it goes its way, and is the remote's from here on
 *
 * Its remote, handle, and all that is known of it are set. Return: 0; -ENOMEM,
 * -EAGAIN: its user has too many; it is still the caller's.
 */
int remote_call_begin(struct remote_call *call);

/** remote_call_again() - a parked one goes its way once more */
void remote_call_again(struct remote_call *call);

/** remote_call_park() - it had a slot, and waits for something to read */
void remote_call_park(struct remote_call *call);

/** remote_call_reply() - answer our kernel with an errno, negative or 0; once
 */
void remote_call_reply(struct remote_call *call, int error);

/** remote_call_answered() - our kernel needs no answer to it any more */
void remote_call_answered(struct remote_call *call);

/** remote_call_end() - free it; who has waited for it goes on */
void remote_call_end(struct remote_call *call);

/** remote_call_fail() - remote_call_reply() and remote_call_end() */
void remote_call_fail(struct remote_call *call, int error);

/** remote_call_is_in_slot() - is it on its way? */
static inline bool remote_call_is_in_slot(const struct remote_call *call)
{
	return call->stage == CALL_SENT || call->stage == CALL_ASKING;
}

/** remote_opcode_closes() - an open file or directory: the last call of it */
static inline bool remote_opcode_closes(uint32_t opcode)
{
	return opcode == FUSE_RELEASE || opcode == FUSE_RELEASEDIR;
}

static inline bool remote_call_is_close(const struct remote_call *call)
{
	return remote_opcode_closes(call->opcode);
}

/* ---- remote_lost.c: ends without an answer ---- */

/** remote_call_changes() - may it have done something that stays? */
bool remote_call_changes(const struct remote_call *call);

/** remote_call_ends_nothing() - the flush or fsync of an open file of which all
 * is on disk, whatever becomes of the owner
 */
bool remote_call_ends_nothing(const struct remote_call *call);

/** remote_call_tell() - a line in this host's `error`, if it may have been done
 */
void remote_call_tell(const struct remote_call *call);

/** remote_handle_tell() - a line there of a close that the owner never hears
 * of, if it had something to do
 */
void remote_handle_tell(const struct remote_handle *handle);

/** remote_call_interrupt() - its caller does not want it any more */
void remote_call_interrupt(struct remote_call *call);

/** remote_calls_tick() - who was interrupted has waited long enough */
void remote_calls_tick(struct remote *remote, uint64_t now_ms);

/** remote_calls_over() - the session of all of them is; see
 * remote_close_session() */
void remote_calls_over(struct remote *remote, int result);

/* ---- remote_slots.c: who goes next ---- */

/** remote_slots_user() - who has calls there, made if need be; NULL: no memory
 */
struct remote_user *remote_slots_user(struct remote *remote, uid_t uid);

/** remote_slots_user_put() - one call of his has ended */
void remote_slots_user_put(struct remote *remote, struct remote_user *user);

/** remote_slots_wait() - a call waits for a slot */
void remote_slots_wait(struct remote_call *call);

/** remote_slots_leave() - it does not wait any more, or has ended in its slot
 */
void remote_slots_leave(struct remote_call *call);

/** remote_slots_pump() - whoever can go, goes */
void remote_slots_pump(struct remote *remote);

/** remote_slots_send() - the call in its slot, again if need be
 *
 * One that was given up meanwhile is not: it ends without being done.
 */
void remote_slots_send(struct remote_call *call);

/** remote_slots_resend() - once more with the same seq: it did not come */
void remote_slots_resend(struct remote_call *call);

/** remote_slots_keep() - a session is over; the call keeps its slot in the next
 * one, and is asked after there
 */
void remote_slots_keep(struct remote_call *call);

/** remote_slots_undone() - it was not done there: it is sent in this session */
void remote_slots_undone(struct remote_call *call);

/** remote_slots_begin() - a session is open: ask, then send */
void remote_slots_begin(struct remote *remote);

/** remote_slots_find() - the call that a message is about; NULL: none is */
struct remote_call *remote_slots_find(struct remote *remote, uint16_t slot,
				      uint64_t seq);

/** remote_slots_of() - that process has a call on its way; NULL: it has not */
struct remote_call *remote_slots_of(struct remote *remote, pid_t pid);

/** remote_slots_probe() - all that are on their way are to be asked after now
 */
void remote_slots_probe(struct remote *remote);

/** remote_slots_tick() - probe, and send what the bus did not take */
void remote_slots_tick(struct remote *remote, uint64_t now_ms);

/* ---- remote_answers.c ---- */

/** remote_answer_part() - a part of the answer to a call, or all of it
 *
 * Return: whether it is what was to come.
 */
bool remote_answer_part(struct remote_call *call, const struct wire_head *head,
			void *body, size_t len);

/* ---- remote_past.c ---- */

/** remote_past_done() - it was done in the session before; it ends with what
 * our kernel can believe of that, or is looked up again
 */
void remote_past_done(struct remote_call *call);

/** remote_past_undone() - it was not done in the session before, and never will
 * be
 */
void remote_past_undone(struct remote_call *call);

/* ---- remote_waits.c: polls, and reads of logs ---- */

/** remote_waits_poll() - our kernel polls; @in gets the number for the owner */
void remote_waits_poll(struct remote_handle *handle, struct fuse_poll_in *in);

/** remote_waits_park() - a READ had nothing; it waits until there is something
 */
void remote_waits_park(struct remote_call *call);

/** remote_waits_polled() - a POLL of our own is over, answered or not
 * @ready: there may be something to read, or an error to be told
 */
void remote_waits_polled(struct remote_handle *handle, bool ready);

/** remote_waits_unpoll() - our kernel's poll of it is over */
void remote_waits_unpoll(struct remote_handle *handle);

/** remote_waits_notified() - the owner says that there is something
 *
 * Return: whether somebody waits for that.
 */
bool remote_waits_notified(struct remote *remote, uint64_t kh);

/** remote_waits_wake_all() - all of that owner's: they ask again */
void remote_waits_wake_all(struct remote *remote);
void remote_waits_tick(struct remote *remote, uint64_t now_ms);

#endif
