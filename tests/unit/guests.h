/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guests.h - a host whose bus is the test, for unit tests of the owner's side
 *
 * What the host says to others is kept until the test looks at it; the clock is
 * the test's, too. A program with it is linked with guests_wrapped
 * (meson.build).
 */
#ifndef TESTS_GUESTS_H
#define TESTS_GUESTS_H

#include "fs/fleet/fleet.h"
#include "fs/fs.h"
#include "tests/unit/hosts.h"
#include "tests/unit/sent.h"

#include <linux/fuse.h>

struct owner {
	struct test_host th;
	struct commons commons;
	struct fleet fleet;
	struct grants grants;
};

/* The clock, when the host was heard last, and how long a message may be. */
extern _Atomic uint64_t test_now_ms, test_beaten_ms;
extern size_t test_size_max;

/* @allow: as behind -o fleet-allow= */
void owner_init(struct owner *owner, const char *allow);
void owner_deinit(struct owner *owner);

/* The next thing that was said, waited for; its memory until the next call. */
const struct sent *owner_said(struct owner *owner);
/* The same, and it has to be of that kind, and not waited for if it is 0. */
const struct sent *owner_said_kind(struct owner *owner, enum wire_kind kind);
/* Nothing was said, also after all that is on its way has ended. */
void owner_said_nothing(struct owner *owner);
/* Has something been said when the loop has gone round so often, and nothing
 * has ticked? */
bool owner_speaks(struct owner *owner, unsigned rounds);
/* Let the loop go round for a while. */
void owner_turn(struct owner *owner);

/* A requester. */
struct asker {
	struct owner *owner;
	const char *name;
	uint64_t incarnation, session;
	uint64_t seq[WIRE_SLOTS], notes;
	uint32_t uid, gid, pid;
};

void asker_init(struct asker *asker, struct owner *owner, const char *name);
/* A session, and the word that it is open. */
void asker_open(struct asker *asker);
/* The same, and the loop does not go round meanwhile. */
void asker_send_open(struct asker *asker);
void asker_opened(struct asker *asker);
void asker_send(struct asker *asker, enum wire_kind kind, uint16_t slot,
		uint64_t seq, const void *body, size_t len);

/* A request: put together, then sent in its slot, once more or in parts. */
struct ask {
	size_t len;
	union {
		struct fuse_in_header head;
		uint64_t octets[512];
	};
};

void ask_make(struct ask *ask, const struct asker *asker, uint32_t opcode,
	      uint64_t node, const void *body, size_t len, const char *name,
	      const char *second);
/* With the next number of the slot. */
void ask_send(const struct ask *ask, struct asker *asker, uint16_t slot);
/* With the last one. */
void ask_again(const struct ask *ask, struct asker *asker, uint16_t slot);

/* Its answer, when what the owner asks about processes was told. */
const struct sent *asker_answer(struct asker *asker);
/* What is told of the caller, and how often it was asked for. */
extern struct wire_caller test_caller;
extern unsigned test_asked;

/* All of it in one: 0 or -errno; @out gets the body of the answer, or NULL. */
int asker_call(struct asker *asker, uint32_t opcode, uint64_t node,
	       const void *body, size_t len, const char *name, void *out,
	       size_t size);

/* Of those that are needed often: 0 or -errno. */
int asker_lookup(struct asker *asker, uint64_t dir, const char *name,
		 uint64_t *node);
int asker_mkdir(struct asker *asker, uint64_t dir, const char *name,
		uint64_t *node);
int asker_open_file(struct asker *asker, uint64_t node, uint32_t flags,
		    uint64_t *handle);
int asker_write(struct asker *asker, uint64_t node, uint64_t handle,
		const char *text);
int asker_flush(struct asker *asker, uint64_t node, uint64_t handle);
int asker_release(struct asker *asker, uint64_t node, uint64_t handle);
void asker_forget(struct asker *asker, uint64_t node, uint64_t count);

/* A name for mkdir with an address that nobody has; its memory. */
const char *test_anchor_name(const char *name);
/* How many children the host's anchor has. */
unsigned owner_anchors(const struct owner *owner);

#endif
