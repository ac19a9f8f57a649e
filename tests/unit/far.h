/* SPDX-License-Identifier: Apache-2.0 */
/*
 * far.h - a kernel that asks, a bus that carries, and an owner that a test
 * plays
 *
 * The requester's side between them is the real one. What it sends is kept
 * until the test takes it, and so is what the kernel is answered. Time goes
 * when the test says so.
 */
#ifndef TESTS_FAR_H
#define TESTS_FAR_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "fs/fleet/remote_layout.h"
#include "sent.h"

/* Numbers of the owner's, and of processes. */
enum { NODE = 100, OTHER_NODE, DIRECTORY, HANDLE = 200, OTHER_HANDLE };
#define PID 4711

/* What our kernel was told. */
struct told {
	struct told *prev, *next;
	uint64_t unique; /* 0: a notification */
	int error;	 /* or its code */
	size_t len;
	char body[] __attribute__((aligned(8)));
};

extern struct fleet far_fleet;
extern uint64_t far_now_ms;
extern uint64_t far_now_ns; /* of uv_hrtime() */
extern bool far_is_up;
extern bool far_yields; /* another host has this one's name */
extern size_t far_size_max;
extern int far_kernel_says;    /* to the next answers: 0, -ENOENT, -EINVAL */
extern bool far_no_memory;     /* while requests are taken */
extern bool far_settled;       /* what the owner says: WIRE_SETTLED */
extern bool far_blank;	       /* and WIRE_BLANK */
extern bool far_in_vain;       /* was the last message: see bus.h */
extern pid_t far_pid;	       /* who asks */
extern unsigned far_holds;     /* of hosts_hold() */
extern unsigned far_asks;      /* hosts_ask_one() and hosts_ask_all() */
extern unsigned far_processed; /* requests that libfuse was given */

/** far_setup(), far_teardown() - h2 and h3 are there; nothing is left */
int far_setup(void **state);
int far_teardown(void **state);

/** far_error() - this host's `error`; freed by the next call */
const char *far_error(void);

/** far_pass() - time goes, with its ticks; h2 beats meanwhile if @beats */
void far_pass(uint64_t ms, bool beats);

/** far_known() - those who wait in hosts_ask_one() or _all() go on */
void far_known(void);

/* ---- The kernel ---- */

/** ask() - a request; its unique. Whether it was taken: far_taken */
uint64_t ask(uint32_t opcode, uint64_t node, const void *body, size_t len);
uint64_t ask_name(uint32_t opcode, uint64_t node, const void *body, size_t len,
		  const char *name);
extern bool far_taken;
extern uid_t far_uid;

/** told() - the answer to that request; it must be there. told_none(): not
 *
 * One that the kernel has refused for -ENOENT is there as that errno.
 */
struct told *told(uint64_t unique);
struct told *told_any(uint64_t unique); /* NULL: not there yet */
void told_none(uint64_t unique);
void told_error(uint64_t unique, int error);

uint64_t ask_lookup(uint64_t node, const char *name);
uint64_t ask_mkdir(uint64_t node, const char *name);
uint64_t ask_open(uint64_t node, int flags);
uint64_t ask_read(uint64_t node, uint64_t handle, int flags);
uint64_t ask_read_at(uint64_t node, uint64_t handle, uint64_t offset);
uint64_t ask_write(uint64_t node, uint64_t handle, size_t len);
uint64_t ask_flush(uint64_t node, uint64_t handle);
uint64_t ask_release(uint64_t node, uint64_t handle);
void ask_interrupt(uint64_t unique);
void ask_forget(uint64_t node, uint64_t count);

/* ---- The owner ---- */

/** sent() - the next message, of that kind; sent_none(): there is none */
struct sent *sent(enum wire_kind kind);
void sent_none(void);
void sent_drop(void);

/** sent_any() - the next message, or NULL; the caller frees it */
struct sent *sent_any(void);

/** sent_call() - the next one is a call of that opcode */
struct sent *sent_call(uint32_t opcode);
static inline void *call_body(const struct sent *call)
{
	return (char *)call->body + sizeof(struct fuse_in_header);
}

/** say() - the owner's message, about @of (slot and seq) if it is given */
void say(enum wire_kind kind, const struct sent *of, const void *body,
	 size_t len);

/** reply() - to a call */
void reply(const struct sent *call, int error, const void *body, size_t len);
void reply_entry(const struct sent *call, uint64_t node, mode_t mode);
void reply_open(const struct sent *call, uint64_t handle);

/** owner_opens() - WIRE_OPEN has come, and is answered */
void owner_opens(void);

/* What the owner says of itself. */
extern uint64_t owner_incarnation, owner_session;

/* ---- What most tests begin with ---- */

/** far_root() - h2's directory; far_file() - a file in it; far_opened() - an
 * open one: numbers of the mount's
 */
uint64_t far_root(void);
uint64_t far_file(uint64_t owner);
uint64_t far_opened(uint64_t node, uint64_t owner, int flags);

#endif
