/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest_numbers.h - nodes and open files of a view, by the guest's numbers
 *
 * libfuse's are addresses of this process, which no guest is told, and none may
 * make up.
 *
 * Threading: the main loop.
 */
#ifndef FS_FLEET_GUEST_NUMBERS_H
#define FS_FLEET_GUEST_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "fs/fleet/wire.h"

struct guest_session;
struct guest_slot;

/* A node of the view's, which the guest knows by a number. */
struct guest_node {
	UT_hash_handle by_number, by_ino;
	struct guest_node *prev, *next; /* in session->due */
	uint64_t number;
	uint64_t ino;	/* libfuse's number for it */
	uint64_t given; /* as often as the guest was told of it */
	uint64_t held;	/* references of the view's */
	unsigned uses;	/* calls on their way and open files */
	bool is_due;	/* it may have to be given back */
};

struct guest_handle {
	UT_hash_handle hh; /* in session->handles, by number */
	uint64_t number;
	uint64_t fh; /* libfuse's */
	struct guest_node *node;
	bool is_dir, reads, writes;
	bool is_stream;	   /* what is read of it cannot be read again */
	bool is_closing;   /* a RELEASE has come; it is no number any more */
	bool is_discarded; /* it is to be closed, and to publish nothing */
	unsigned uses;	   /* calls on their way */
};

/** guest_nodes_init() - the host's anchor has FUSE_ROOT_ID: 0, -ENOMEM */
int guest_nodes_init(struct guest_session *session);

/** guest_nodes_find() - by the guest's number; NULL: it has no such one */
struct guest_node *guest_nodes_find(struct guest_session *session,
				    uint64_t number);

/** guest_nodes_number() - of libfuse's; 0: the guest does not know it */
uint64_t guest_nodes_number(struct guest_session *session, uint64_t ino);

/** guest_nodes_give() - the guest is told of it once more; NULL: no memory, or
 * it has too many
 */
struct guest_node *guest_nodes_give(struct guest_session *session,
				    uint64_t ino);

/** guest_nodes_return() - the view has found it, and the guest is not told */
void guest_nodes_return(struct guest_session *session, uint64_t ino);

/** guest_nodes_take() - and of that it has not heard
 *
 * @given_back: the view has its reference back already
 */
void guest_nodes_take(struct guest_session *session, struct guest_node *node,
		      bool given_back);

/** guest_nodes_use(), guest_nodes_unuse() - it is there until then; NULL is
 * fine */
struct guest_node *guest_nodes_use(struct guest_node *node);
void guest_nodes_unuse(struct guest_session *session, struct guest_node *node);

/** guest_nodes_forget() - 0; -EPROTO: more than was given */
int guest_nodes_forget(struct guest_session *session,
		       const struct wire_forget *forget);

/** guest_nodes_chores() - what the guest has forgotten goes back to the view */
void guest_nodes_chores(struct guest_session *session);

/** guest_handles_give() - the guest is told of an open file; NULL: no memory */
struct guest_handle *guest_handles_give(struct guest_session *session,
					uint64_t fh,
					const struct guest_slot *slot,
					struct guest_node *node);

/** guest_handles_find() - NULL: none, or it is being closed */
struct guest_handle *guest_handles_find(struct guest_session *session,
					uint64_t number);

/** guest_handles_drop() - it is closed */
void guest_handles_drop(struct guest_session *session,
			struct guest_handle *handle);

/** guest_handles_discard() - close it by and by; nothing if there is none */
void guest_handles_discard(struct guest_session *session,
			   const struct wire_discard *discard);

/** guest_handles_chores() - those of which nothing is on its way any more */
void guest_handles_chores(struct guest_session *session);

/** guest_nodes_deinit() - the tables; the view gives back what they name itself
 */
void guest_nodes_deinit(struct guest_session *session);

#endif
