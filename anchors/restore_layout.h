/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restore_layout.h - what the files that restore a tree share
 *
 * restore.c reads the rows and builds the tree, restore_judge.c says which of
 * them fit, restore_aside.c finds a place for those that do not.
 */
#ifndef ANCHORS_RESTORE_LAYOUT_H
#define ANCHORS_RESTORE_LAYOUT_H

#include "anchors/restore.h"

/* Where an anchor is: no other one may be there. */
struct place {
	uint64_t parent;
	char name[STORE_NAME_SIZE];
};

/* One row of the store, on its way to be an anchor in the tree. */
struct row {
	UT_hash_handle hh; /* in restore.rows, by id */
	UT_hash_handle at; /* in restore.places, by place */
	struct store_anchor stored;
	struct place place;
	struct anchor *anchor; /* NULL: not yet in the tree */
	struct row *below;     /* the child that waits for this one */
	enum {
		ROW_NEW,
		ROW_WALKED, /* is on the way up that is looked at just now */
		ROW_FITS,   /* that way leads to the host's anchor */
	} state;
	bool has_table;
	bool placed;	   /* is in restore.places */
	const char *wrong; /* NULL: it fits */
	bool is_taken;	   /* its name is a file's by now: another one */
	char former[STORE_NAME_SIZE + 1]; /* that it had, then */
	struct address was_at;		  /* if it does not */
};

struct restore {
	struct host *host;
	const struct host_options *options;
	struct row *rows;
	struct row *places;
	struct row *root; /* the host's */
	size_t strange;	  /* rows without a number */
};

/** restore_find() - the row with that id; NULL: there is none */
struct row *restore_find(const struct restore *restore, uint64_t id);

/**
 * restore_judge_row() - does it say what an anchor is?
 * @stored: NULL: there is a row, and it is none
 *
 * Return: NULL, or what is wrong.
 */
const char *restore_judge_row(const struct store_anchor *stored);

/** restore_judge() - of each row: does it fit, with all others in place? */
void restore_judge(struct restore *restore);

/** restore_place() - a row gets its place, unless another one has it */
void restore_place(struct restore *restore, struct row *row);

/**
 * restore_rename() - a row whose name is a file's by now gets another one
 *
 * "NAME~1" in the same directory, or the first number that is free there.
 */
void restore_rename(struct restore *restore, struct row *row);

/** restore_set_aside() - give a row that is wrong a place that is free */
void restore_set_aside(struct restore *restore, struct row *row);

/**
 * restore_keep() - tell of a row that was set aside, and store what it is now
 *
 * Its anchor is in the tree. Return: 0, -ENOMEM; whether it could be stored is
 * told in the log.
 */
int restore_keep(const struct restore *restore, const struct row *row);

#endif
