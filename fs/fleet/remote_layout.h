/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remote_layout.h - the requester's side, for its own files (remote.h)
 *
 *   kernel -> remote_take.c -> remote_calls.c -> remote_slots.c -> wire
 *          <- remote_kernel.c <- remote_answers.c <------------- remote.c
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
#ifndef FS_FLEET_REMOTE_LAYOUT_H
#define FS_FLEET_REMOTE_LAYOUT_H

#include <linux/fuse.h>
#include <uthash.h>
#include <utlist.h>

#include "dns/wire/util.h"
#include "fs/fleet/fleet.h"
#include "fs/fleet/remote.h"
#include "fs/fleet/request.h"
#include "fs/fleet/response.h"

/* Nothing has been in use for so long: the session is closed. */
#define REMOTE_IDLE_MS 10000
/* A host that was given up is heard for so long after the last call to it. */
#define REMOTE_LISTEN_MS 60000
/* A notification may be lost: polls and reads that wait are asked again. */
#define REMOTE_REPOLL_MS 5000
/* Sessions of one owner, one after the other, begin so far apart. */
#define REMOTE_REOPEN_MS 200
/* So often a call goes on in a new session before it is given up. */
#define REMOTE_MOVES_MAX 3
/* Nodes in one WIRE_FORGET. */
#define REMOTE_FORGETS 256
/* Questions about processes that one owner may have open. */
#define REMOTE_QUESTIONS_MAX 256

struct remotes;

/* ---- Numbers ---- */

/* A node that our kernel has. Freed when it has forgotten it. */
struct remote_node {
	UT_hash_handle hh; /* in remotes->nodes, by number */
	UT_hash_handle
		hh_owner; /* in remote->nodes, by owner; while it lives */
	struct remote_node *prev, *next; /* in remote->owing */
	struct remote *remote;
	uint64_t number;  /* our kernel's */
	uint64_t owner;	  /* the owner's */
	uint64_t lookups; /* that our kernel holds */
	uint64_t owed; /* that it holds no more, and the owner does not know */
	uint64_t ino;  /* as our kernel was told */
	uint32_t type; /* S_IFDIR or S_IFREG, of its mode; 0: not known yet */
	bool is_root;  /* the host's anchor: never stale, and not counted */
	bool is_stale; /* of a session that is over */
};

/* An open file or directory. */
struct remote_handle {
	UT_hash_handle hh;		   /* in remotes->handles, by number */
	struct remote_handle *prev, *next; /* in remote->handles, or
					      remote->discarding */
	struct remote *remote;
	uint64_t number; /* our kernel's, and what the owner's polls are with */
	uint64_t owner;	 /* the owner's */
	uid_t uid;	 /* the opener's */
	int flags;	 /* of the open */
	bool is_dir;
	bool is_stale;
	bool is_dirty;	  /* its close may do something: see WIRE_SETTLED */
	bool is_released; /* by our kernel */
	bool kernel_polls;
	uint64_t kernel_kh;	    /* then: our kernel's number of the poll */
	bool is_polling;	    /* a POLL of remote_waits.c is on its way */
	bool was_woken;		    /* since that was made */
	unsigned calls;		    /* that are not over, of any sort */
	struct remote_call *queue;  /* utlist by queue_*: one after another */
	struct remote_call *parked; /* utlist by stage_* */
};

/* ---- Calls ---- */

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

/* ---- Owners ---- */

enum remote_state { REMOTE_CLOSED, REMOTE_OPENING, REMOTE_OPEN };

/* What the owner is to be told and has not acknowledged. */
struct remote_note {
	uint64_t seq; /* of the last one */
	uint64_t sent_ms;
	bool is_out;
	enum wire_kind kind;
	size_t count;
	union {
		struct wire_forget forgets[REMOTE_FORGETS];
		struct wire_discard discard;
	};
};

/* Another host. Made when it is first looked up; stays until the end. */
struct remote {
	UT_hash_handle hh;	    /* in remotes->all, by name */
	struct remote *prev, *next; /* in remotes->active, if is_active */
	struct remotes *remotes;
	char name[WIRE_NAME_MAX + 1];
	uint8_t uuid[16];
	struct remote_node root;

	bool is_active; /* it is heard, and looked after by remotes_tick() */
	bool is_gone;	/* it was given up, and not heard since */
	bool is_ending; /* a session of it, just now */
	struct live_host *held; /* hosts_hold()'s */
	uint64_t heard_ms, nobody_ms, used_ms;
	uint64_t wanted_ms; /* since when there are calls */
	uint64_t seen;	    /* its incarnation, as it was last heard */
	uint64_t round_trip_ns;

	enum remote_state state;
	uint64_t session, incarnation, opened_ms;
	struct remote_slot *slots; /* WIRE_SLOTS of them; NULL before the first
				      session */
	uint64_t busy;		   /* one bit each */
	uint64_t pinged_ms;
	size_t bodies;		   /* octets of calls that are on their way */
	struct remote_node *nodes; /* uthash by the owner's number */
	struct remote_node *owing; /* utlist */
	struct remote_handle *handles;	  /* utlist: our kernel has them */
	struct remote_handle *discarding; /* utlist: it never has had them */
	struct remote_note *note;	  /* allocated with slots */

	struct remote_call *calls;    /* utlist: all */
	struct remote_call *behind;   /* utlist by stage_*, by turn */
	struct remote_call *releases; /* utlist by release_*, by turn */
	struct remote_user *users;    /* uthash by uid */
	struct remote_user *ring;     /* utlist: the first one is the next */
	unsigned parked;      /* reads that wait for something to read */
	unsigned polls;	      /* of our kernel's, that wait to be woken */
	unsigned interrupted; /* calls that are, and are not answered */
	unsigned questions;
	uint64_t repolled_ms;
	uint64_t listed_ms; /* the last answer to a listing of a directory */
};

/* Callers that were given up, so long: what they call next is given up as soon
 * as it is interrupted. A killed process closes its files one by one. */
#define REMOTE_DYING_MS 2000
#define REMOTE_DYING	32

/* Answers that our kernel had no memory for, and that are tried again. */
#define REMOTE_OWED_MAX 256

struct root_wait;
struct remote_question;

struct remotes {
	struct fleet *fleet;
	struct remote *all;
	struct remote *active;
	struct remote_node *nodes;
	struct remote_handle *handles;
	struct remote_call *calls;
	struct root_wait *waits;	   /* utlist: remote_root.c's */
	struct remote_question *questions; /* utlist: remote_ask.c's */
	uint64_t numbers;		   /* given to nodes and handles */
	uint64_t turns;			   /* calls that have come */
	uint64_t sessions;		   /* the number of the last one */
	uint64_t ticked_ms;
	struct {
		pid_t pid;
		uint64_t since_ms;
	} dying[REMOTE_DYING];
	unsigned next_dying;
	struct remote_figures figures;
	/* Requests that our kernel took no answer to: see remote_kernel.c. */
	unsigned owed_count;
	uint64_t owed[REMOTE_OWED_MAX];
};

/* ---- remote.c: owners, and what is said ---- */

/** remotes_of() - made at the first use; NULL: no memory */
struct remotes *remotes_of(struct fleet *fleet);

/** remote_get() - the owner of that name, made if need be; NULL: no memory */
struct remote *remote_get(struct remotes *remotes, const char *name);

/** remote_session() - our kernel's */
struct session *remote_session(const struct remote *remote);

/** remote_head() - of a message to it, in its session */
struct wire_head remote_head(const struct remote *remote, enum wire_kind kind,
			     size_t body);

/** remote_send() - a message of one piece: 0, or as fleet_send()
 *
 * A host that has not got its name sends nothing: -ENOTCONN.
 */
int remote_send(struct remote *remote, const struct wire_head *head,
		const void *body, size_t len);

/** remote_send_kind() - one that has no body; it may get lost */
void remote_send_kind(struct remote *remote, enum wire_kind kind);

/* ---- remote_session.c ---- */

/** remote_want() - there is to be a call: be heard, and have a session
 * Return: 0; -EHOSTDOWN: it was given up, and not heard since; -ENOMEM.
 */
int remote_want(struct remote *remote);

/** remote_opened() - WIRE_OPENED of the session that was asked for */
void remote_opened(struct remote *remote, const struct wire_head *head);

/** remote_close_session() - it is over, and all that hang are told
 * @result: for calls that are not over: -EHOSTDOWN; -ESTALE: the owner lives,
 * and what can be is found out or done in a new session
 */
void remote_close_session(struct remote *remote, int result);

/** remote_give_up() - it is down, until it is heard again */
void remote_give_up(struct remote *remote);

/** remote_rest() - nothing is in use of it any more */
void remote_rest(struct remote *remote);

/* ---- remote_kernel.c: what our kernel is told ---- */

/** remote_kernel_answer() - to a request
 * @error: 0 or negative
 *
 * Return: 0; -ENOENT: nobody waits for it any more; -EINVAL: it is refused, and
 * is still to be answered; -ENOMEM: it is not taken, and will be answered EIO;
 * -errno: of a mount that is no more.
 */
int remote_kernel_answer(struct session *session, uint64_t unique, int error,
			 const void *body, size_t len);

/** remote_kernel_tick() - what our kernel had no memory for is tried again */
void remote_kernel_tick(struct remotes *remotes);

/** remote_kernel_forget_attr() - what it believes of that node is not true any
 * more */
void remote_kernel_forget_attr(struct session *session, uint64_t node);

/** remote_kernel_wake() - who polls with that number */
void remote_kernel_wake(struct session *session, uint64_t kh);

/* ---- remote_nodes.c ---- */

/** remote_node_given() - our kernel is given a node of the owner's once more
 * Return: 0; -EPROTO: it is none that an owner may give; -ENOMEM.
 */
int remote_node_given(struct remote *remote, uint64_t owner, uint64_t *number);

struct remote_node *remote_node_find(struct remotes *remotes, uint64_t number);

/** remote_node_of() - by the owner's number, in this session; NULL: unknown */
struct remote_node *remote_node_of(struct remote *remote, uint64_t owner);

/** remote_node_forget() - our kernel holds it @count times less; all are known
 */
void remote_node_forget(struct remotes *remotes, uint64_t number,
			uint64_t count);

/** remote_nodes_end() - the session is over: all but the root are stale */
void remote_nodes_end(struct remote *remote);

/** remote_node_free() - at the end of all */
void remote_node_free(struct remote_node *node);

/* ---- remote_handles.c ---- */

/** remote_handle_new() - -ENOMEM */
int remote_handle_new(struct remote_handle **out, struct remote *remote,
		      uint64_t owner, const struct remote_call *opener);
struct remote_handle *remote_handle_find(struct remotes *remotes,
					 uint64_t number);

/** remote_handle_discard() - our kernel never got it: close, publish nothing */
void remote_handle_discard(struct remote_handle *handle);

/** remote_handle_put() - a call of it is over: the last one frees it */
void remote_handle_put(struct remote_handle *handle);
void remote_handle_free(struct remote_handle *handle);

/** remote_handles_end() - the session is over: all are stale */
void remote_handles_end(struct remote *remote);

/* ---- remote_notes.c: forgets and discards ---- */

/** remote_notes_go() - send what is to be told, if nothing is on its way */
void remote_notes_go(struct remote *remote, uint64_t now_ms);

/** remote_noted() - the owner has acknowledged it */
void remote_noted(struct remote *remote, uint64_t seq);

/** remote_notes_wait() - is there anything that the owner has to be told? */
bool remote_notes_wait(const struct remote *remote);

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

/** remote_answer_part() - a part of the answer to a call, or all of it */
void remote_answer_part(struct remote_call *call, const struct wire_head *head,
			void *body, size_t len);

/** remote_answer_undone() - it was not done in the session before, and never
 * will be */
void remote_answer_undone(struct remote_call *call);

/* ---- remote_root.c: the directory of hosts ---- */

/** remote_root_takes() - a request for the root, or one that renames into it */
bool remote_root_takes(struct session *session, struct fleet *fleet,
		       const struct fuse_buf *buf);

/** remote_root_attr() - GETATTR of a host's anchor from its beat
 * Return: false: it is not known to be there.
 */
bool remote_root_attr(struct remote *remote, uint64_t unique);
void remote_root_end(struct remotes *remotes);

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

/** remote_waits_notified() - the owner says that there is something */
void remote_waits_notified(struct remote *remote, uint64_t kh);

/** remote_waits_wake_all() - all of that owner's: they ask again */
void remote_waits_wake_all(struct remote *remote);
void remote_waits_tick(struct remote *remote, uint64_t now_ms);

/* ---- remote_ask.c ---- */

/** remote_ask() - the owner asks about a process that has a call there */
void remote_ask(struct remote *remote, const struct wire_ask *ask);
void remote_ask_end(struct remotes *remotes);

#endif
