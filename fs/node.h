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

#include "dns/store/home.h"
#include "fs/kind.h"

/*
 * Of a view of another host's kernel: some 300 octets each, and nobody can make
 * that kernel forget them.
 */
#define NODES_OF_PEER 1000000

struct memory_maker;
struct scratch;

/* Where in its key is the number of its kind? */
#define NODE_KEY_KIND 16

/* There is one for each name that the kernel knows, and known.h counts them. */
struct node {
	UT_hash_handle hh; /* in fs->nodes, by key */
	const struct node_kind *kind;
	struct anchor *anchor;	/* a reference; NULL: the root */
	uint64_t lookups;	/* the kernel's references */
	struct handle *handles; /* utlist by node_next: the same */
	/* Who made the directory; programs.h's, or NULL. */
	struct memory_maker *maker;
	struct scratch *scratch; /* a reference; of a scratch file */
	struct node *listed_prev, *listed_next; /* in listed->nodes */
	uint64_t listed_until_ms;		/* by uv_now(); 0: not in it */
	struct node *known_prev, *known_next;	/* in fs->known.names */
	unsigned opens;
	bool is_known; /* in fs->known.names */
	bool created;  /* a name without records yet, but opened */
	uint16_t key_len;
	uint8_t key[]; /* what it is of: the same thing has the same node */
};

/**
 * node_get() - the node of a thing, made if need be
 * @owner:   of a name's file, else NULL
 * @scratch: what a scratch file holds, else NULL
 *
 * Give it back with node_put(), or with a reply that the kernel counts.
 * Return: NULL when there is no memory, or a peer's view has too many.
 */
struct node *node_get(struct fs *fs, const struct node_kind *kind,
		      struct anchor *anchor, const struct name *owner,
		      struct scratch *scratch);

/** node_find() - the node of a thing, if there is one; no reference */
struct node *node_find(struct fs *fs, const struct node_kind *kind,
		       uint64_t anchor, const struct name *owner);

/** node_put() - @lookups references less; may free it */
void node_put(struct fs *fs, struct node *node, uint64_t lookups);

/**
 * node_free_all() - at the end, whatever the kernel still holds
 * Return: whether that was done by @until_ns (uv_hrtime()); else call again.
 */
bool node_free_all(struct fs *fs, uint64_t until_ns);

/** node_of(), node_ino() - libfuse's number for a node, and back */
struct node *node_of(struct fs *fs, fuse_ino_t ino);
fuse_ino_t node_ino(const struct fs *fs, const struct node *node);

/**
 * node_owner() - the name that a file in names/ is of
 * Return: @out; NULL: @node is of none, and @out is as it was.
 */
const struct name *node_owner(const struct node *node, struct name *out);

/** node_scope() - which records it shows and takes: its kind's, of its owner */
void node_scope(const struct node *node, struct scope *out);

/** node_has_owner() - it is of a name */
bool node_has_owner(const struct node *node);

/**
 * node_is_of_many() - an anchor has any number of its kind
 *
 * They come and go; a control file and a directory stay with their anchor.
 */
bool node_is_of_many(const struct node *node);

static inline bool node_is_dir(const struct node *node)
{
	return kind_is_dir(node->kind);
}

#define NODE_LABEL_SIZE (NAME_TEXT_SIZE + 32)

/** node_label() - what `error` calls it: "records", "names/miek.nl." */
void node_label(const struct node *node, char *out, size_t size);

/**
 * node_fail() - a line in the `error` nearest to @node
 *
 * @act, @name, @reason: what was tried, on which file, and why not
 */
void node_fail(struct fs *fs, const struct node *node, const char *act,
	       const char *name, const char *reason);

/** node_refuse() - the same, where the name is @node's own label */
void node_refuse(struct fs *fs, const struct node *node, const char *act,
		 const char *reason);

/** node_table() - begin the host's snapshot and find the node's table
 *
 * Return: 0, and the caller ends the snapshot; -ENODEV; -errno.
 */
int node_table(struct fs *fs, const struct anchor *anchor, uint32_t *out);

/** node_served() - the same, with the home of its settings */
int node_served(struct fs *fs, const struct anchor *anchor, struct served *out);

#endif
