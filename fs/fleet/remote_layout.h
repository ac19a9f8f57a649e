/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remote_layout.h - the requester's side, for its own files (remote.h)
 *
 *   kernel -> remote_take.c -> remote_calls.c -> remote_slots.c -> wire
 *          <- remote_kernel.c <- remote_answers.c <------------- remote.c
 *
 * What the kernel was given of the owner's is in remote_numbers.h, its calls
 * are in remote_call.h; owners, and all that is said to them, are here.
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
#include "fs/fleet/remote_call.h"
#include "fs/fleet/remote_numbers.h"

/* Nothing has been in use for so long: the session is closed. */
#define REMOTE_IDLE_MS 10000
/* A host that was given up is heard for so long after the last call to it. */
#define REMOTE_LISTEN_MS 60000
/* Sessions of one owner, one after the other, begin so far apart. */
#define REMOTE_REOPEN_MS 200
/* Nodes in one WIRE_FORGET. */
#define REMOTE_FORGETS 256
/* Questions about processes that one owner may have open. */
#define REMOTE_QUESTIONS_MAX 256

struct remotes;

/* ---- Owners ---- */

/* What an answer has told besides is told to who asks for it at once. */
#define REMOTE_MOMENT_NS ((uint32_t)2 * 1000 * 1000)
/* Who has opened a file to write may be a shell that executes others first. */
#define REMOTE_OPENED_NS ((uint64_t)20 * 1000 * 1000)
/* So many are kept, of names that are shorter. */
#define REMOTE_LOOKED	   4
#define REMOTE_LOOKED_NAME 32

/* Of a lookup, or an opening: see remote_looked.c. */
struct remote_looked {
	uint64_t owner;	   /* the owner's number of the node; 0: none */
	pid_t pid;	   /* who is told of its attributes; 0: everybody */
	uint64_t until_ns; /* by uv_hrtime() */
	struct fuse_attr attr;
	struct fuse_in_header asked; /* the lookup's, in the owner's numbers */
	char name[REMOTE_LOOKED_NAME]; /* "": it was no lookup */
};

/* So many directories our kernel believes. */
#define REMOTE_BELIEVED 8

/* Of one of them: see remote_believed.c. */
struct remote_belief {
	uint64_t number;   /* of the node; 0: none */
	uint64_t until_ns; /* by uv_hrtime() */
	bool has_attr;	   /* and not the name alone */
};

/* Of one open file or directory: see remote_ahead.c, remote_listed.c. */
struct remote_ahead {
	struct remote_ahead *prev, *next; /* in remotes->ahead */
	struct remote_handle *handle;
	uint64_t until_ns; /* by uv_hrtime(): it is begun by then, or never */
	uint64_t changes;  /* remote->changes, of then */
	bool is_begun;
	bool is_whole; /* of a listing: it is all */
	size_t len;
	char text[] __attribute__((aligned(8)));
};

/* Octets of all of them; past that none is asked for. */
#define REMOTE_AHEAD_MAX ((size_t)4 << 20)

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
	uint64_t said_ms;   /* as heard_ms, but for beats */
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
	struct remote_looked looked[REMOTE_LOOKED];
	unsigned next_looked;
	struct remote_belief believed[REMOTE_BELIEVED];
	unsigned next_believed;
	uint64_t changes; /* how often what was told was forgotten */
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
	struct remote_ahead *ahead; /* utlist: the oldest first */
	size_t ahead_octets;
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

/* ---- remote_notes.c: forgets and discards ---- */

/** remote_notes_go() - send what is to be told, if nothing is on its way */
void remote_notes_go(struct remote *remote, uint64_t now_ms);

/** remote_noted() - the owner has acknowledged it */
void remote_noted(struct remote *remote, uint64_t seq);

/** remote_notes_wait() - is there anything that the owner has to be told? */
bool remote_notes_wait(const struct remote *remote);

/* ---- remote_believed.c ---- */

/** remote_believe() - nanoseconds that our kernel may believe a directory
 * @attr: of the node; of another file nothing is believed
 * @ns:   so long if nothing is listed there
 */
uint32_t remote_believe(struct remote_node *node, const struct fuse_attr *attr,
			uint32_t ns);

/** remote_believe_asked() - the same where it has asked for them
 *
 * They may be the first that it has: what comes after them may be believed.
 */
uint32_t remote_believe_asked(struct remote_node *node,
			      const struct fuse_attr *attr, uint32_t ns);

/** remote_believed() - its name is, at least */
bool remote_believed(const struct remote_node *node);

/** remote_believed_forget() - attributes are asked for anew */
void remote_believed_forget(struct remote *remote);

/* ---- remote_looked.c: what was just looked up ---- */

/** remote_looked_found() - what a LOOKUP has brought, as our kernel gets it
 * @owner: the owner's number of the node
 */
void remote_looked_found(const struct remote_call *call, uint64_t owner,
			 const struct fuse_attr *attr);

/** remote_looked_opened() - the same, of an OPEN's node */
void remote_looked_opened(const struct remote_call *call,
			  const struct fuse_attr *attr);

/** remote_looked_forget() - it may not be true any more */
void remote_looked_forget(struct remote *remote);

/** remote_looked_error() - what our kernel is told of a call's error
 *
 * What was just looked up and is gone is to be looked up once more: -ESTALE.
 */
int remote_looked_error(const struct remote_call *call, int error);

/** remote_looked_call() - a call begins, or is answered */
void remote_looked_call(const struct remote_call *call);

/** remote_looked_writer() - the thread that has just opened its node to write,
 * as far as is known; or 0
 */
pid_t remote_looked_writer(const struct remote_call *call);

/** remote_looked_answer() - LOOKUP, GETATTR of what was just looked up
 *
 * Return: whether our kernel is answered.
 */
bool remote_looked_answer(const struct remote_call *call);

/* ---- remote_ahead.c: what came with the answer to an opening ---- */

/** remote_ahead_ask() - what an OPEN or OPENDIR says of it: see WIRE_AHEAD */
uint32_t remote_ahead_ask(const struct remote_call *call);

/** remote_ahead_take() - it has come; @call: the OPEN or OPENDIR
 *
 * Without memory it is read there.
 */
void remote_ahead_take(const struct remote_call *call,
		       struct remote_handle *handle,
		       const struct response *response);

/** remote_ahead_answer() - a READ of that open file; is it answered? */
bool remote_ahead_answer(const struct remote_call *call,
			 const struct fuse_read_in *in);

/** remote_ahead_drop() - it is read at the owner's from now on */
void remote_ahead_drop(struct remote_handle *handle);

/** remote_ahead_is_over() - it may be true no more
 *
 * A text that somebody has begun to read is what it was to him.
 */
bool remote_ahead_is_over(const struct remote_ahead *ahead, uint64_t now_ns);

/** remote_ahead_tick() - what nobody has begun to read in time goes */
void remote_ahead_tick(struct remotes *remotes);

/* ---- remote_listed.c: of a directory ---- */

/** remote_listed_answer() - a READDIR, READDIRPLUS of it; is it answered? */
bool remote_listed_answer(const struct remote_call *call,
			  const struct fuse_read_in *in);

/** remote_listed_give_back() - nodes of it that our kernel was not given */
void remote_listed_give_back(struct remote_ahead *ahead);

/* ---- remote_root.c: the directory of hosts ---- */

/** remote_root_takes() - a request for the root, or one that renames into it */
bool remote_root_takes(struct session *session, struct fleet *fleet,
		       const struct fuse_buf *buf);

/** remote_root_told() - its beat tells of its anchor anew */
void remote_root_told(struct remote *remote);

/** remote_root_attr() - GETATTR of a host's anchor from its beat
 * Return: false: it is not known to be there.
 */
bool remote_root_attr(struct remote *remote, uint64_t unique);
void remote_root_end(struct remotes *remotes);

/* ---- remote_ask.c ---- */

/** remote_ask() - the owner asks about a process that has a call there */
void remote_ask(struct remote *remote, const struct wire_ask *ask);

/** remote_ask_tell() - look at whoever has made that call, and tell the owner
 *
 * It was sent with WIRE_TELLS. Not told, the owner asks.
 */
void remote_ask_tell(const struct remote_call *call);
void remote_ask_end(struct remotes *remotes);

#endif
