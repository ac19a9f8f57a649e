/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire.h - what two hosts say to each other, message by message
 *
 * A message of the bus (bus.h) is a head and a body. Who has sent it stands in
 * its subject, which the bus's server vouches for; all else is the sender's
 * word, and is checked before it is used.
 *
 *   c.rpc.OWNER.REQUESTER   what a requester says to an owner
 *   c.in.REQUESTER.OWNER    what an owner says to a requester
 *   c.live.HOST             a beat, from each host
 *   c.ask.HOST              who is there? asked by HOST, told by beats into
 *                           c.in.HOST.*
 *
 * The owner is the host whose tree it is; the requester the one whose kernel
 * asks. Each host is both.
 *
 * A session is one requester at one owner, from WIRE_OPEN on: nodes, open files
 * and slots belong to it. Its number is the requester's; a later one is
 * greater, also after a restart. A requester has WIRE_SLOTS slots, with one
 * call in each at a time; every call has the next number of its slot, from 1.
 * So an owner that is sent a call twice knows it.
 *
 * Numbers are in the order of octets of the host; a host of the other order is
 * known by the magic and is not talked to.
 *
 * Threading: no state; any thread.
 */
#ifndef FS_FLEET_WIRE_H
#define FS_FLEET_WIRE_H

#include <linux/fuse.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define WIRE_MAGIC 0x63697263 /* "circ" */
/* Versions that this program speaks; meson raises them for a test. */
#ifndef WIRE_VERSION_MIN
#define WIRE_VERSION_MIN 1
#endif
#ifndef WIRE_VERSION_MAX
#define WIRE_VERSION_MAX 1
#endif

#define WIRE_SLOTS 64
/* What slot stands in WIRE_FORGET and WIRE_DISCARD: they have seqs of their
 * own, and one of them is on its way at a time. */
#define WIRE_SLOT_NOTES WIRE_SLOTS
/* Octets of a host's name, [a-z0-9-]: one token of a subject. */
#define WIRE_NAME_MAX	  63
#define WIRE_SUBJECT_SIZE (8 + 2 * (WIRE_NAME_MAX + 1))
/* Octets of a request or response of FUSE's: a write of 1 MiB and its heads. */
#define WIRE_BODY_MAX ((size_t)1024 * 1024 + 4096)
/*
 * Of all requests of one session that are on their way; one is let in whatever
 * its size. Small ones do not wait for the others to go, so an owner takes as
 * much more as one in each slot.
 */
#define WIRE_BODIES_MAX ((size_t)2 * 1024 * 1024)
#define WIRE_SMALL	((size_t)4096)

enum wire_kind {
	/* ---- c.live, c.ask, c.in ---- */
	WIRE_BEAT = 1, /* struct wire_beat: here I am */
	WIRE_BYE,      /* I stop; no body */
	WIRE_WHO,      /* who is there? no body */

	/* ---- A requester's, to c.rpc ---- */
	WIRE_OPEN =
		16,    /* a session begins, and its last one is over; no body */
	WIRE_CALL,     /* slot, seq; a FUSE request, or the part of one */
	WIRE_PROBE,    /* slot, seq: is it known to you? */
	WIRE_WAS_DONE, /* slot, seq: struct wire_was_done, after an owner's
			  restart or a session's end; a call of this session,
			  answered the same when it comes again */
	WIRE_INTERRUPT, /* slot, seq: who called does not want it any more */
	WIRE_FORGET,	/* slot, seq: struct wire_forget, any number of them */
	WIRE_DISCARD,	/* slot, seq: struct wire_discard: close, and publish
			   nothing */
	WIRE_CALLER,	/* struct wire_caller: the answer to WIRE_ASK; or slot,
			   seq, of whoever has made a call with WIRE_TELLS */
	WIRE_CLOSE,	/* the session is over; no body */

	/* ---- An owner's, to c.in ---- */
	WIRE_OPENED = 32, /* the session has begun; no body */
	WIRE_ENDED,	  /* there is no such session: slot, seq of what came
			     for it, which may have been done before, or 0 */
	WIRE_ANSWER,	  /* slot, seq: a FUSE response, or the part of one */
	WIRE_KNOWN,	  /* slot, seq: it is being done */
	WIRE_UNKNOWN,	  /* slot, seq: it never came: send it (again) */
	WIRE_UNDONE, /* slot, seq: to WIRE_WAS_DONE: no, and never will be */
	WIRE_NOTIFY, /* a FUSE notification */
	WIRE_ASK,    /* struct wire_ask: about a process of yours */
	WIRE_NOTED,  /* slot, seq: of WIRE_FORGET, WIRE_DISCARD: it is done,
			or was; no body */
};

/* Behind it begins a FUSE request: its size is a multiple of 8. */
struct wire_head {
	uint32_t magic;
	uint8_t version;
	uint8_t kind; /* enum wire_kind */
	uint16_t slot;
	uint64_t incarnation; /* the sender's: a number of this start of it */
	uint64_t session;     /* the requester's number of it; 0: of none */
	uint64_t seq;	      /* of the slot */
	uint32_t whole;	      /* octets of the body, all parts together */
	uint32_t offset;      /* in it, of this part */
};

/* What is to know of a host, and the attributes of its anchor. */
struct wire_beat {
	uint8_t uuid[16];  /* of its state; the same in a copy of it */
	uint64_t since_ns; /* when it began to serve under its name */
	uint8_t version_min, version_max;
	uint8_t serves; /* 0: it only claims the name yet */
	uint8_t zero[5];
	uint32_t uid, gid, mode, links;
	int64_t mtime_ns;
};

/*
 * An answer's unique is not the kernel's number, which the requester has, but
 * says this of the open file that the call was about: all that was done with it
 * is on disk, and its close will do nothing.
 */
#define WIRE_SETTLED ((uint64_t)1)
/*
 * And this of one that has just been opened: it was emptied to be replaced, and
 * as long as nothing is written a close only tells who closes, and ends well.
 */
#define WIRE_BLANK ((uint64_t)2)

struct wire_forget {
	uint64_t node;
	uint64_t count;
};

struct wire_discard {
	uint64_t handle;
	uint32_t is_dir;
	uint32_t zero;
};

/*
 * Of an earlier session: was that call done? If it made a directory, what is
 * its entry? A draft that it made, and that nobody has used, is taken back: it
 * was not done.
 *
 * A call that its caller has given up, and that has not come, has a question in
 * its place, about one of session 1, which there never was: so its number is
 * used up, and it is not done when it comes later.
 */
struct wire_was_done {
	uint64_t session;
	uint32_t slot;
	uint32_t opcode; /* the call's */
	uint64_t seq;
};

/*
 * In an OPEN, where FUSE has flags that are not its caller's: WIRE_AHEAD, and
 * octets of text. Whoever opens a file asks at once for its attributes, and who
 * has opened it to read, for all of it and for what is behind. So the answer
 * has behind FUSE's own what a GETATTR and READs right after the OPEN would
 * have brought. An owner that does not know of it answers without.
 *
 * In an OPENDIR it is octets of a listing, which is what READDIRPLUS would have
 * brought: all of it, or what there is room for from its start. It has no
 * attributes.
 */
#define WIRE_AHEAD	    ((uint32_t)1 << 31)
#define WIRE_AHEAD_MAX	    ((uint32_t)128 * 1024)
#define WIRE_AHEAD_LIST_MAX ((uint32_t)64 * 1024)

struct wire_ahead {
	struct fuse_attr_out attr;
	uint32_t has_attr;
	uint32_t has_text; /* all of it, from the start; its end was read */
	uint32_t text;	   /* octets, which follow */
	uint32_t zero;
};

/*
 * In a FLUSH, where FUSE has padding: who closes is looked at meanwhile, and a
 * WIRE_CALLER follows. An owner that wants to know that alone need not ask. So
 * it is in a GETATTR of what a thread of ours has opened to write, which is not
 * the one that asks: is that of the same process? It is where FUSE has the open
 * file that no GETATTR here is of.
 */
#define WIRE_TELLS ((uint32_t)0x74656c6c)

/* fs/caller.h's struct caller_about, and its answer. */
struct wire_ask {
	uint64_t question; /* the owner's number of it */
	int32_t pid;
	int32_t other;
	uint32_t group;
	uint32_t zero;
};

struct wire_caller {
	uint64_t question; /* 0: none, it was told of */
	uint8_t is_killed, is_ending, is_member, is_same;
	int32_t process;
	char command[32];
};

/**
 * wire_version() - the highest version that we speak and the other host, too
 * @least, @most: as its beat says
 *
 * Return: 0: there is none.
 */
uint8_t wire_version(uint8_t least, uint8_t most);

/**
 * wire_begin() - a head, but for what the kind wants more
 * @body: octets of it
 *
 * The version is our highest; who talks to a host of another puts in what
 * wire_version() says.
 */
void wire_begin(struct wire_head *out, enum wire_kind kind,
		uint64_t incarnation, uint64_t session, size_t body);

/**
 * wire_check() - is it a message, and of a length that its kind can have?
 *
 * A body of fixed size has that; forgets are whole ones; parts lie within the
 * whole, which is at most WIRE_BODY_MAX. A slot is one of WIRE_SLOTS, and has a
 * number where its kind wants one; numbers that nobody gives are none. Nothing
 * is said of what is in a call or an answer: see request.h and response.h. What
 * tells of presence (c.live, c.ask) is the same in all versions.
 * @head, @body, @body_len: set on success; they point into @octets, which is
 *                          aligned for a struct wire_head
 *
 * Return: 0; -EPROTO; -EPROTONOSUPPORT: another version, or order of octets.
 */
int wire_check(const void *octets, size_t len, const struct wire_head **head,
	       const void **body, size_t *body_len);

/** wire_name_is_good() - may a host have that name? [a-z0-9-], 1 to 63 */
bool wire_name_is_good(const char *name);

/** wire_subject() - "c.WORD.FIRST" or, with @second, "c.WORD.FIRST.SECOND"
 *
 * Names are good ones, or "*".
 */
void wire_subject(char out[WIRE_SUBJECT_SIZE], const char *word,
		  const char *first, const char *second);

/**
 * wire_subject_hosts() - the hosts in a subject
 * @word: "rpc", "in", "live", "ask"; @second may be NULL where there is none
 *
 * Return: false: it is another subject, or has no good names.
 */
bool wire_subject_hosts(const char *subject, const char *word,
			char first[WIRE_NAME_MAX + 1],
			char second[WIRE_NAME_MAX + 1]);

#endif
