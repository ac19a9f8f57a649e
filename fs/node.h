/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node.h - inodes: what the kernel holds references to
 *
 * A node is an anchor's directory or one of the files in it. Nodes are made
 * when the kernel looks a name up and freed when it forgets them; what they
 * show is read from the store and the tree of anchors each time.
 */
#ifndef FS_NODE_H
#define FS_NODE_H

#include "fs/fs.h"

enum node_kind {
	NODE_ROOT,   /* /: the hosts */
	NODE_ANCHOR, /* a host's anchor, or one with a nameserver */
	NODE_HELP,
	NODE_ERROR,
	NODE_ADDR,
	NODE_RECORDS,
	NODE_STAT,
	NODE_METRICS,
	NODE_LOG,
	NODE_NAMES, /* the directory */
	NODE_NAME,  /* a file in it */
	NODE_SCRATCH,
};

struct scratch;

struct node {
	UT_hash_handle hh; /* in fs->nodes, by key */
	enum node_kind kind;
	struct anchor *anchor; /* a reference; NULL: the root */
	uint64_t lookups;      /* the kernel's references */
	unsigned opens;
	struct handle *handles; /* utlist by node_next: the same */
	uint64_t logged;	/* octets, of a log */
	bool created;		/* a name without records yet, but opened */
	pid_t maker;	 /* thread that made the directory by mkdir(2); or 0 */
	uid_t maker_uid; /* whose it is */
	bool is_copied;	 /* and that is cp(1) or tar(1) */
	uint64_t maker_until_ms; /* by uv_now(): the thread may be another's */
	struct scratch *scratch; /* owned; of a scratch file */
	struct node *listed_prev, *listed_next; /* in listed->nodes */
	uint64_t listed_until_ms;		/* by uv_now(); 0: not in it */
	struct node *known_prev, *known_next;	/* in fs->known.names */
	bool is_known;				/* is in there */
	size_t key_len;
	uint8_t key[]; /* what it is of: the same thing has the same node */
};

/**
 * node_get() - the node of a thing, made if need be
 * @owner:   of NODE_NAME, else NULL
 * @scratch: serial number of NODE_SCRATCH, else 0
 *
 * Give it back with node_put(), or with a reply that the kernel counts.
 * Return: NULL when there is no memory.
 */
struct node *node_get(struct fs *fs, enum node_kind kind, struct anchor *anchor,
		      const struct name *owner, uint64_t scratch);

/** node_find() - the node of a thing, if there is one; no reference */
struct node *node_find(struct fs *fs, enum node_kind kind, uint64_t anchor,
		       const struct name *owner);

/** node_put() - @lookups references less; may free it */
void node_put(struct fs *fs, struct node *node, uint64_t lookups);

/** node_free_all() - at the end, whatever the kernel still holds */
void node_free_all(struct fs *fs);

/** node_of(), node_ino() - libfuse's number for a node, and back */
struct node *node_of(struct fs *fs, fuse_ino_t ino);
fuse_ino_t node_ino(const struct node *node);

/** node_set_maker() - the caller has made that directory */
void node_set_maker(struct fs *fs, struct node *node,
		    const struct fuse_ctx *caller, bool copies);

/** node_is_maker() - it was the caller, and it goes on with what is in it */
bool node_is_maker(struct fs *fs, struct node *node,
		   const struct fuse_ctx *caller);

/** node_owner() - of a name's file */
void node_owner(const struct node *node, struct name *out);

/* A control file: its name, and which anchors have it. */
struct node_file {
	const char *name;
	enum node_kind kind;
	mode_t mask;	/* of the anchor's mode */
	bool in_host;	/* the host's anchor has it */
	bool in_server; /* an anchor with a nameserver has it */
	bool hidden;	/* found by its name, and not listed */
};

#define NODE_FILES 8
extern const struct node_file node_files[NODE_FILES];

/** node_file_in() - @anchor has that control file */
bool node_file_in(const struct node_file *file, const struct anchor *anchor);

/** node_file_named() - the control file of that name in @anchor, or NULL */
const struct node_file *node_file_named(const struct anchor *anchor,
					const char *name);

/** node_name_is_taken() - no anchor and no scratch file may have this name */
bool node_name_is_taken(const char *name);

/** node_is_read_only() - a control file that nobody writes */
bool node_is_read_only(const struct node *node);

/** node_label() - what `error` calls it: "records", "names/miek.nl." */
void node_label(const struct node *node, char *out, size_t size);

/**
 * node_fail() - a line in the `error` nearest to @node
 *
 * @act, @name, @reason: what was tried, on which file, and why not
 */
void node_fail(struct fs *fs, const struct node *node, const char *act,
	       const char *name, const char *reason);

/** node_table() - begin the host's snapshot and find the node's table
 *
 * Return: 0, and the caller ends the snapshot; -ENODEV; -errno.
 */
int node_table(struct fs *fs, const struct anchor *anchor, uint32_t *out);

#endif
