/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest_layout.h - what a guest is made of, for those that are its parts
 *
 *   guest.c          who they are, what they say, and who is gone
 *   guest_sessions.c a session begins, speaks, and is over
 *   guest_slots.c    each call once: numbers of calls, parts, kept answers
 *   guest_calls.c    a call that is new: judged, handed to the view, ended
 *   guest_checks.c   is it one that a kernel would make?
 *   guest_ahead.c    what is asked for after an opening, with its answer
 *   guest_past.c     what became of calls of an earlier session
 *   guest_answers.c  what the view says, in the guest's numbers
 *   guest_nodes.c    nodes and open files: see guest_numbers.h
 *   guest_rights.c   who may what
 *   guest_asks.c     questions about the guest's processes
 *
 * Operations of fs/ go on after they have replied, and view_peer.write() is
 * called in the midst of them. So nothing is given back to a view there, and
 * nothing new begun: what is due is done by the functions called ..._chores(),
 * which run only where no operation is under way: after each message, each
 * tick, and when guest_chores_soon() was called.
 *
 * Threading: the main loop.
 */
#ifndef FS_FLEET_GUEST_LAYOUT_H
#define FS_FLEET_GUEST_LAYOUT_H

#include <uthash.h>

#include "anchors/lease.h"
#include "anchors/receipt.h"
#include "fs/fleet/fleet.h"
#include "fs/fleet/guest.h"
#include "fs/fleet/guest_numbers.h"
#include "fs/fleet/request.h"
#include "fs/fleet/response.h"
#include "fs/fs.h"
#include "fs/turns.h"
#include "fs/view.h"

/* Groups that one call may have to be asked for: an anchor's, and above. */
#define GUEST_GROUPS_MAX 16
/* What becomes of another host's root: "nobody". */
#define GUEST_NOBODY 65534
/* How long the guest may take to say what a process of its own is. */
#define GUEST_ASK_MS 3000
/* And it is asked again so often, for a message may be lost. */
#define GUEST_ASK_AGAIN_MS 200

/* An opening that is answered together with what is ahead: guest_ahead.c. */
struct guest_ahead {
	uint32_t wanted;	      /* octets of text; 0: attributes alone */
	bool lists;		      /* an OPENDIR; and then: */
	uint64_t place;		      /* of the last entry */
	bool is_over;		      /* nothing more is asked for */
	struct fuse_in_header head;   /* the OPEN's */
	struct fuse_out_header *open; /* its response */
	uint8_t *text;		      /* as it was read */
	struct wire_ahead out;
};

/* Which of its groups the caller is in, as far as was asked. */
struct guest_groups {
	unsigned count;
	struct guest_group {
		gid_t group;
		bool is_member;
	} known[GUEST_GROUPS_MAX];
};

enum slot_state {
	SLOT_FREE,  /* the last call is answered, or none has come */
	SLOT_ASKS,  /* for a group that decides; not begun */
	SLOT_WAITS, /* a RELEASE: for calls on the same open file; not begun */
	SLOT_AHEAD, /* an opening: for what is to come with its answer */
	SLOT_RUNS,  /* the view has it */
};

struct guest_slot {
	struct guest_session *session;
	uint16_t number;
	enum slot_state state;
	uint64_t seq; /* of the last call that was taken */

	/* ---- The call at hand ---- */
	uint64_t unique; /* by which the view's response finds it */
	uint32_t opcode;
	size_t whole; /* octets */
	struct guest_node *node, *second;
	struct guest_handle *handle;
	struct guest_handle *opened; /* by an OPEN, until it is answered */
	struct guest_ahead *ahead;   /* NULL: nothing is */
	int open_flags;		     /* of OPEN and CREATE */
	pid_t pid;		     /* the caller's */
	bool tells;		     /* it is with WIRE_TELLS; and then: */
	pid_t told_of;		     /* the other thread, or 0 */
	bool has_caller;	     /* it was told of: */
	struct caller caller;
	uint8_t *kept; /* the request, while it is not begun */
	struct guest_groups groups;

	/* It has ended, and nothing but this says what it has done. */
	bool was_done;

	/* ---- The next one, as far as it has come ---- */
	uint8_t *parts;
	uint32_t parts_whole, parts_len;

	/* ---- The last answer ---- */
	uint64_t told;		    /* of the open file: see WIRE_SETTLED */
	bool is_kept;		    /* else it is done again */
	enum wire_kind answer_kind; /* WIRE_ANSWER, WIRE_UNDONE */
	int answer_result;	    /* 0 or -errno, without @answer */
	uint8_t *answer;	    /* a response; NULL: only the result */
	size_t answer_len;
	size_t listing; /* octets of session->listings */
};

/* A question to the guest about one of its processes. */
struct guest_question {
	struct guest_question *prev, *next; /* in session->questions */
	uint64_t number;
	struct caller_about about;
	bool is_of_call; /* about who has made it, and nothing else */
	uint64_t sent_ms, until_ms;
	struct receipt receipt; /* of the call that asks */
	caller_done *done;
	void *arg;
};

/*
 * One session: a view, and what the guest knows of it. One that is over lives
 * until its view is closed.
 */
struct guest_session {
	struct guest *guest;
	uint64_t number, incarnation; /* the guest's */
	struct lease lease;	      /* its calls may be begun */
	atomic_bool was_refused;      /* one was not, by the writer */
	struct view_peer peer;
	struct fs *view; /* NULL: it has none, see @error */
	int error; /* why there is no view: -errno, which is each answer */
	struct guest_node *nodes, *inos; /* uthash by number, and by ino */
	struct guest_node *due;		 /* utlist: maybe to be given back */
	struct guest_handle *handles;	 /* uthash */
	unsigned discards;	/* handles that wait for their last call */
	unsigned waits;		/* slots in SLOT_WAITS and SLOT_AHEAD */
	bool is_heard;		/* a message is at hand, with its chores */
	bool has_chores;	/* their turn is in the lane, or is at work */
	struct turns_lane lane; /* that is when a view has answered late */
	struct turn chores;	/* in it */
	uint64_t next_node, next_handle, next_question, next_call;
	uint64_t notes; /* the last seq of a FORGET or DISCARD */
	struct guest_question *questions;
	size_t bodies;		   /* octets of calls on their way */
	size_t listings;	   /* of long pieces of directories: kept, or
				      on their way */
	bool is_ending, is_closed; /* see session_end() */
	struct guest_slot slots[WIRE_SLOTS];
};

/* Of a slot: the last call that has done what no receipt tells. */
struct guest_done {
	uint64_t session, seq;
};

/* A requester; kept, for its last session's number, when it has gone. */
struct guest {
	UT_hash_handle hh; /* in fleet->guests, by name */
	struct fleet *fleet;
	char name[WIRE_NAME_MAX + 1];
	uint64_t last_incarnation;
	uint64_t last_session; /* numbers of one incarnation only grow */
	struct guest_session *session; /* NULL: none */
	unsigned closing;	       /* sessions that are over, not closed */
	struct wire_head next;	/* a WIRE_OPEN that waits for that; or zeroes */
	struct live_host *host; /* held while there is a session */
	atomic_uint_least64_t heard_ms; /* by bus_now_ms() */
	struct guest_done *done; /* WIRE_SLOTS of them: guest_past.c's; NULL:
				    there was none */
	uint64_t untold; /* a session that is over, and it may not know */
	bool was_refused, was_denied; /* and the line of that was written */
};

/* ---- guest.c ---- */

/**
 * guest_session_is_over() - is it, by time, or for the writer? Any thread
 *
 * Then the guest may have told its callers that what they asked for was not
 * done. The writer asks of each change before it begins it, and once that was
 * refused the session is over, whoever is heard meanwhile.
 */
bool guest_session_is_over(const struct guest_session *session);

/** guest_chores_soon() - something is due, and no message may come */
void guest_chores_soon(struct guest_session *session);

/* ---- guest_sessions.c ---- */

/** guest_grant() - what it may do here */
enum grant guest_grant(const struct guest *guest);

/** guest_free() - it has gone: no session of it is left */
void guest_free(struct guest *guest);

/** guest_line() - a line about it in this host's `error` */
void guest_line(struct guest *guest, const char *reason);

/** guest_host() - whose tree it is */
struct host *guest_host(const struct guest_session *session);

/** guest_counts() - what is to be told of all guests */
struct guest_figures *guest_counts(const struct guest_session *session);

/** guest_answer() - a word without a body, also to one who is no guest */
int guest_answer(struct fleet *fleet, const char *to, enum wire_kind kind,
		 uint64_t session, uint16_t slot, uint64_t seq);

/** guest_say() - a message of the session; a long body goes in parts
 *
 * Errors as bus_send(), and then the guest asks again.
 */
int guest_say(const struct guest_session *session, enum wire_kind kind,
	      uint16_t slot, uint64_t seq, const void *body, size_t len);

/** guest_tell_ended() - that its last session is over, as long as that fails */
void guest_tell_ended(struct guest *guest);

/** guest_ready() - has it a view? it may have become possible: 0, -errno */
int guest_ready(struct guest_session *session);

/**
 * guest_session_begin() - with the WIRE_OPEN in guest->next, and answer it
 *
 * Nothing, if there is none, or an earlier session's view is not closed yet:
 * what that one's calls have done is known then, and this one may ask for it.
 */
void guest_session_begin(struct guest *guest);

/** guest_session_end() - nothing is begun any more
 *
 * Nothing that is open is published. What is on its way in the view ends by and
 * by; it has answers to all that it asks.
 * @told: the guest knows it, or is no more
 */
void guest_session_end(struct guest_session *session, bool told);

/** guest_session_break() - end it, for the guest breaks the rules */
void guest_session_break(struct guest_session *session);

/** guest_all_ended() - if they are to end, and all have: say so, once */
void guest_all_ended(struct fleet *fleet);

/* ---- guest_slots.c ---- */

/*
 * The messages about calls. Return: 0; 1: it is a new call, or the next part of
 * one; -EPROTO: that breaks the rules, and ends the session.
 */
int guest_slots_call(struct guest_session *session,
		     const struct wire_head *head, void *body, size_t len);
int guest_slots_probe(struct guest_session *session,
		      const struct wire_head *head);
int guest_slots_was_done(struct guest_session *session,
			 const struct wire_head *head,
			 const struct wire_was_done *about);
int guest_slots_interrupt(struct guest_session *session,
			  const struct wire_head *head);

/** guest_slot_answer() - the call at hand has ended with a response, which is
 * taken
 *
 * It is said to the guest, and kept as long as it has to be.
 */
void guest_slot_answer(struct guest_slot *slot, uint8_t *octets, size_t len);

/** guest_slot_end() - the same, with a result and nothing else: 0 or -errno */
void guest_slot_end(struct guest_slot *slot, enum wire_kind kind, int result);

/** guest_slot_over() - a call has ended after its session
 * @done: it has done what it was to do
 */
void guest_slot_over(struct guest_slot *slot, bool done);

/** guest_slots_closing() - those in which a RELEASE is on its way: a bit each
 */
uint64_t guest_slots_closing(const struct guest_session *session);

/** guest_slots_chores() - those that had to wait for what has ended by now */
void guest_slots_chores(struct guest_session *session);

/** guest_slots_deinit() - at the session's end: nothing is begun any more */
void guest_slots_deinit(struct guest_session *session);

/* ---- guest_calls.c ---- */

/** guest_call_begin() - a call that is new: @octets are the caller's, aligned
 *
 * It is answered now or later. Return: 0; -EPROTO: it is none.
 */
int guest_call_begin(struct guest_slot *slot, void *octets, size_t len);

/** guest_slot_lists() - a piece of a directory is asked for
 * Return: of how many octets it may be.
 */
size_t guest_slot_lists(struct guest_slot *slot);

/** guest_call_go_on() - one that was kept */
void guest_call_go_on(struct guest_slot *slot);

/** guest_call_run() - hand a request to the view, with the view's numbers */
void guest_call_run(struct guest_slot *slot, void *octets, size_t len);

/** guest_call_end() - let go of what it is about */
void guest_call_end(struct guest_slot *slot, bool failed);

/** guest_call_interrupt() - it is not wanted any more */
void guest_call_interrupt(struct guest_slot *slot);

/** guest_call_closes() - of an open file or directory */
bool guest_call_closes(uint32_t opcode);

/* ---- guest_checks.c ---- */

/** guest_check() - find what a request is about, and put it right
 *
 * The guest's numbers become the view's; what is found is the slot's until
 * guest_call_end(). Root becomes nobody, if the host may not do all.
 *
 * Return: 0; -ESTALE, -EBADF: no such node or file; -ENOTDIR, -EISDIR; as
 * guest_ready().
 */
int guest_check(struct guest_slot *slot, struct request *request);

/* ---- guest_ahead.c ---- */

/** guest_ahead_note() - OPEN or OPENDIR begins, that may have more with its
 * answer
 */
void guest_ahead_note(struct guest_slot *slot, const struct request *request);

/**
 * guest_ahead_opened() - an OPEN has succeeded: @octets are its response
 * Return: whether it is answered later, and @octets are taken.
 */
bool guest_ahead_opened(struct guest_slot *slot, uint8_t *octets);

/**
 * guest_ahead_came() - the view has answered; NULL: without memory for it
 * Return: whether that was what is ahead, and @octets are taken.
 */
bool guest_ahead_came(struct guest_slot *slot, uint8_t *octets);

/** guest_ahead_go() - a slot in SLOT_AHEAD: ask the view for the next thing */
void guest_ahead_go(struct guest_slot *slot);

/** guest_ahead_drop() - and what there is of it */
void guest_ahead_drop(struct guest_slot *slot);

/* ---- guest_past.c ---- */

/** guest_past_note() - remember what calls have done, when nothing of the
 * session is on its way any more
 */
void guest_past_note(const struct guest_session *session);

/** guest_past_look() - answer whether a call of an earlier session was done */
void guest_past_look(struct guest_slot *slot,
		     const struct wire_was_done *about);

/* ---- guest_answers.c ---- */

/** guest_answers_write() - view_peer.write(); @arg is the session */
ssize_t guest_answers_write(void *arg, const struct iovec *iov, int count);

/** guest_answers_list() - a piece of a directory gets the guest's numbers: 0,
 * -errno
 * @listing: the view's response to a READDIRPLUS
 */
int guest_answers_list(struct guest_session *session,
		       const struct response *listing);

/* ---- guest_rights.c ---- */

/** guest_rights_granted() - may that host do that at all? 0, -EACCES
 *
 * @request: with the view's numbers in it already; here and below
 */
int guest_rights_granted(struct fs *view, enum grant grant,
			 const struct request *request);

/**
 * guest_rights_judge() - may the caller do that, as its kernel would say?
 * @groups:  what is known of the caller
 * @ask:     the group that decides
 *
 * Return: 0; -EACCES, -EPERM; 1: it is not known whether the caller is in @ask.
 */
int guest_rights_judge(struct fs *view, enum grant grant,
		       const struct request *request,
		       const struct guest_groups *groups, gid_t *ask);

/* ---- guest_asks.c ---- */

/** guest_asks_ask() - view_peer.ask(); @arg is the session */
void guest_asks_ask(void *arg, const struct caller_about *about,
		    caller_done *done, void *done_arg);

/** guest_asks_answered() - WIRE_CALLER */
void guest_asks_answered(struct guest_session *session,
			 const struct wire_head *head,
			 const struct wire_caller *answer);

/** guest_asks_tick() - what was asked too long ago is not known */
void guest_asks_tick(struct guest_session *session, uint64_t now_ms);

/**
 * guest_asks_end() - the session is over, and who waits has an answer
 *
 * Who cannot be asked any more counts as killed: nothing of his is published.
 */
void guest_asks_end(struct guest_session *session);

#endif
