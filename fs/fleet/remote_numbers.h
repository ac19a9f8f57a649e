/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remote_numbers.h - nodes and open files of others, and their numbers here
 *
 * Our kernel has numbers of this mount's own, and the owner its own. Those of a
 * session that is over are stale: our kernel has them until it gives them back.
 *
 * Threading: the main loop.
 */
#ifndef FS_FLEET_REMOTE_NUMBERS_H
#define FS_FLEET_REMOTE_NUMBERS_H

#include <stdbool.h>
#include <sys/types.h>
#include <uthash.h>

#include "fs/fleet/remote.h"

struct remote_ahead;
struct remote_call;
struct remotes;

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
	uint64_t given;	  /* by the owner, who is not to forget them yet */
	uint64_t owed;	  /* the owner is, and does not know */
	uint64_t ino;	  /* as our kernel was told */
	uint32_t type;	/* S_IFDIR or S_IFREG, of its mode; 0: not known yet */
	bool is_told;	/* it was to be believed: its owner tells of a change */
	bool is_listed; /* our kernel has attributes to believe, of a listing */
	bool is_used;	/* and some that are its own for sure: see
			   remote_believed.c */
	bool is_root;	/* the host's anchor: never stale, and not counted */
	bool is_stale;	/* of a session that is over */
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
	bool is_dirty; /* its close may do something: see WIRE_SETTLED */
	bool is_blank; /* see WIRE_BLANK; until something is done to it */
	bool was_made; /* by a CREATE */
	bool was_used; /* written, cut or made: who closes it is known by it,
			  also when that does nothing: see programs.h */
	bool was_read;
	bool never_waits; /* not from the beginning: see fs/watch.h */
	bool is_released; /* by our kernel */
	bool kernel_polls;
	uint64_t kernel_kh;	    /* then: our kernel's number of the poll */
	bool is_polling;	    /* a POLL of remote_waits.c is on its way */
	bool was_woken;		    /* since that was made */
	unsigned calls;		    /* that are not over, of any sort */
	struct remote_call *queue;  /* utlist by queue_*: one after another */
	struct remote_call *parked; /* utlist by stage_* */
	struct remote_ahead *ahead; /* what is read without asking; or NULL */
};

/* ---- remote_nodes.c ---- */

/** remote_node_given() - our kernel is given a node of the owner's once more
 * Return: 0; -EPROTO: it is none that an owner may give; -ENOMEM.
 */
int remote_node_given(struct remote *remote, uint64_t owner, uint64_t *number);

/** remote_node_again() - our kernel is given one that it has once more, and the
 * owner does not know of it
 */
void remote_node_again(struct remote_node *node);

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

#endif
