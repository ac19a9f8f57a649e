// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "fs/commons.h"
#include "tests/unit/guests.h"

/*
 * The host's anchor belongs to 1000:1000, "ns" in it to 1000:2000, and "sub" in
 * that to 3000:3000.
 */
struct place {
	struct owner owner;
	struct asker asker;
	uint64_t ns, sub, records, scratch;
	struct anchor *ns_anchor, *sub_anchor;
	char ns_name[64], sub_name[64];
};

static void make_scratch(struct place *place)
{
	const struct fuse_create_in in = {.flags = O_WRONLY | O_CREAT,
					  .mode = 0600};
	struct {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
	} out;

	assert_int_equal(asker_call(&place->asker, FUSE_CREATE, place->ns, &in,
				    sizeof(in), "scratch", &out, sizeof(out)),
			 0);
	place->scratch = out.entry.nodeid;
	assert_int_equal(
		asker_release(&place->asker, place->scratch, out.open.fh), 0);
}

static void place_init(struct place *place, const char *allow)
{
	struct asker *asker = &place->asker;
	struct anchor *root;

	owner_init(&place->owner, allow);
	asker_init(asker, &place->owner, "h2");
	asker_open(asker);
	root = place->owner.th.host->root;
	snprintf(place->ns_name, sizeof(place->ns_name), "%s",
		 test_anchor_name("ns"));
	assert_int_equal(
		asker_mkdir(asker, FUSE_ROOT_ID, place->ns_name, &place->ns),
		0);
	place->ns_anchor = anchor_child(root, place->ns_name);
	snprintf(place->sub_name, sizeof(place->sub_name), "%s",
		 test_anchor_name("sub"));
	assert_int_equal(
		asker_mkdir(asker, place->ns, place->sub_name, &place->sub), 0);
	place->sub_anchor = anchor_child(place->ns_anchor, place->sub_name);
	assert_int_equal(
		asker_lookup(asker, place->ns, "records", &place->records), 0);
	make_scratch(place);
	place->ns_anchor->gid = 2000;
	place->sub_anchor->uid = place->sub_anchor->gid = 3000;
}

/* ---- What is tried ---- */

static int setattr(struct place *place, uint64_t node,
		   struct fuse_setattr_in in)
{
	return asker_call(&place->asker, FUSE_SETATTR, node, &in, sizeof(in),
			  NULL, NULL, 0);
}

static int open_and_close(struct place *place, uint64_t node, uint32_t flags)
{
	struct wire_discard discard = {0};
	int r = asker_open_file(&place->asker, node, flags, &discard.handle);

	if (r < 0)
		return r;
	asker_send(&place->asker, WIRE_DISCARD, WIRE_SLOT_NOTES,
		   ++place->asker.notes, &discard, sizeof(discard));
	owner_said_kind(&place->owner, WIRE_NOTED);
	return 0;
}

static int rename_to(struct place *place, uint64_t dir, const char *name,
		     uint64_t to, const char *new_name)
{
	const struct fuse_rename2_in in = {.newdir = to};
	const struct sent *said;
	struct ask ask;

	ask_make(&ask, &place->asker, FUSE_RENAME2, dir, &in, sizeof(in), name,
		 new_name);
	ask_send(&ask, &place->asker, 0);
	said = asker_answer(&place->asker);
	return ((const struct fuse_out_header *)said->body)->error;
}

enum act {
	LOOKUP,
	READ,
	WRITE,
	CLEAR, /* open(O_TRUNC) for reading */
	LIST,
	MKDIR,
	CREATE,
	UNLINK,	    /* of a scratch file of 1000's */
	RMDIR,	    /* of "sub" */
	RENAME_IN,  /* "sub" in "ns" */
	RENAME_OUT, /* "sub" from "ns" to the host's anchor */
	CHMOD,
	CHOWN,
	CHOWN_SAME,
	CHGRP, /* to 2500 */
	UTIME,
	TOUCH,
	TRUNCATE, /* by name */
	GETATTR,
};

static int make_file(struct place *place)
{
	const struct fuse_create_in in = {.flags = O_RDONLY | O_CREAT,
					  .mode = 0600};

	return asker_call(&place->asker, FUSE_CREATE, place->ns, &in,
			  sizeof(in), "another", NULL, 0);
}

static int try_setting(struct place *place, enum act act)
{
	switch (act) {
	case CHMOD:
		return setattr(place, place->ns,
			       (struct fuse_setattr_in){
				       .valid = FATTR_MODE,
				       .mode = place->ns_anchor->mode,
			       });
	case CHOWN:
		return setattr(place, place->ns,
			       (struct fuse_setattr_in){.valid = FATTR_UID,
							.uid = 1234});
	case CHOWN_SAME:
		return setattr(place, place->ns,
			       (struct fuse_setattr_in){
				       .valid = FATTR_UID | FATTR_GID,
				       .uid = place->ns_anchor->uid,
				       .gid = place->ns_anchor->gid,
			       });
	case CHGRP:
		return setattr(place, place->ns,
			       (struct fuse_setattr_in){.valid = FATTR_GID,
							.gid = 2500});
	case UTIME:
		return setattr(place, place->ns,
			       (struct fuse_setattr_in){
				       .valid = FATTR_MTIME,
				       .mtime = 1000000,
			       });
	case TOUCH:
		return setattr(place, place->ns,
			       (struct fuse_setattr_in){
				       .valid = FATTR_MTIME | FATTR_MTIME_NOW |
						FATTR_ATIME | FATTR_ATIME_NOW,
			       });
	default:
		return setattr(place, place->records,
			       (struct fuse_setattr_in){.valid = FATTR_SIZE});
	}
}

static int try(struct place *place, enum act act)
{
	struct asker *asker = &place->asker;
	const struct fuse_getattr_in getattr = {0};
	const struct fuse_open_in list = {0};
	uint64_t node;

	switch (act) {
	case LOOKUP:
		return asker_lookup(asker, place->ns, "records", &node);
	case READ:
		return open_and_close(place, place->records, O_RDONLY);
	case WRITE:
		return open_and_close(place, place->records, O_WRONLY);
	case CLEAR:
		return open_and_close(place, place->records,
				      O_RDONLY | O_TRUNC);
	case LIST:
		return asker_call(asker, FUSE_OPENDIR, place->ns, &list,
				  sizeof(list), NULL, NULL, 0);
	case MKDIR:
		/* A name that no nameserver has: EINVAL is for who may. */
		return asker_mkdir(asker, place->ns, "x@nowhere", NULL);
	case CREATE:
		return make_file(place);
	case UNLINK:
		return asker_call(asker, FUSE_UNLINK, place->ns, NULL, 0,
				  "scratch", NULL, 0);
	case RMDIR:
		return asker_call(asker, FUSE_RMDIR, place->ns, NULL, 0,
				  place->sub_name, NULL, 0);
	case RENAME_IN:
		return rename_to(place, place->ns, place->sub_name, place->ns,
				 "other");
	case RENAME_OUT:
		return rename_to(place, place->ns, place->sub_name,
				 FUSE_ROOT_ID, "other");
	case GETATTR:
		return asker_call(asker, FUSE_GETATTR, place->records, &getattr,
				  sizeof(getattr), NULL, NULL, 0);
	default:
		return try_setting(place, act);
	}
}

/* ---- Modes ---- */

#define OWNER  1000, 1000
#define MEMBER 1500, 2000 /* by his first group */
#define OTHER  1500, 1500
#define SUB    3000, 3000

struct rights {
	enum act act;
	uint32_t uid, gid;
	bool is_member; /* of 2000, as he is when he is asked for */
	mode_t root, ns;
	int result;
	bool is_asked;
};

static void check(const struct rights *rights, size_t count, const char *allow)
{
	for (size_t i = 0; i < count; i++) {
		const struct rights *row = &rights[i];
		struct place place;
		int r;

		place_init(&place, allow);
		place.owner.th.host->root->mode = row->root;
		place.ns_anchor->mode = row->ns;
		place.asker.uid = row->uid;
		place.asker.gid = row->gid;
		test_caller.is_member = row->is_member;
		test_asked = 0;
		r = try(&place, row->act);
		if (r != row->result || test_asked != row->is_asked)
			print_message("row %zu: %d, asked %u times\n", i, r,
				      test_asked);
		assert_int_equal(r, row->result);
		/* What is done asks for itself. */
		if (row->result == -EACCES || row->act == LOOKUP)
			assert_int_equal(test_asked, row->is_asked);
		owner_deinit(&place.owner);
	}
}

static void modes_are_as_a_kernel_would_have_them(void **state)
{
	static const struct rights rights[] = {
		/* x on the way */
		{LOOKUP, OWNER, 0, 0755, 0700, 0, 0},
		{LOOKUP, OTHER, 0, 0755, 0700, -EACCES, 0},
		{LOOKUP, OTHER, 0, 0755, 0711, 0, 0},
		{LOOKUP, OTHER, 0, 0700, 0777, -EACCES, 0},
		{LOOKUP, OTHER, 0, 0644, 0777, -EACCES, 0},
		{LOOKUP, OWNER, 0, 0677, 0777, -EACCES, 0},
		{LOOKUP, MEMBER, 0, 0755, 0710, 0, 0},
		{LOOKUP, MEMBER, 0, 0755, 0701, -EACCES, 0},
		/* a group that decides is asked for */
		{LOOKUP, OTHER, 1, 0755, 0710, 0, 1},
		{LOOKUP, OTHER, 0, 0755, 0710, -EACCES, 1},
		{LOOKUP, OTHER, 1, 0755, 0701, -EACCES, 1},
		{LOOKUP, OTHER, 0, 0755, 0701, 0, 1},
		/* open */
		{READ, OTHER, 0, 0755, 0755, 0, 0},
		{READ, OTHER, 0, 0755, 0711, -EACCES, 0},
		{READ, OTHER, 0, 0700, 0777, -EACCES, 0},
		{WRITE, OWNER, 0, 0755, 0755, 0, 0},
		{WRITE, OTHER, 0, 0755, 0755, -EACCES, 0},
		{WRITE, OTHER, 0, 0755, 0777, 0, 0},
		{WRITE, MEMBER, 0, 0755, 0775, 0, 0},
		{WRITE, OTHER, 1, 0755, 0775, 0, 1},
		{WRITE, OWNER, 0, 0755, 0577, -EACCES, 0},
		{CLEAR, OTHER, 0, 0755, 0755, -EACCES, 0},
		{CLEAR, OTHER, 0, 0755, 0777, 0, 0},
		{LIST, OTHER, 0, 0755, 0755, 0, 0},
		{LIST, OTHER, 0, 0755, 0711, -EACCES, 0},
		/* make and remove */
		{MKDIR, OTHER, 0, 0755, 0755, -EACCES, 0},
		{MKDIR, OTHER, 0, 0755, 0766, -EACCES, 0},
		{MKDIR, OTHER, 0, 0755, 0777, -EINVAL, 0},
		{MKDIR, OTHER, 0, 0700, 0777, -EACCES, 0},
		{CREATE, OTHER, 0, 0755, 0755, -EACCES, 0},
		{CREATE, OTHER, 0, 0755, 0777, 0, 0},
		{UNLINK, OTHER, 0, 0755, 0755, -EACCES, 0},
		{UNLINK, OTHER, 0, 0755, 0777, 0, 0},
		{UNLINK, OTHER, 0, 0755, 01777, -EPERM, 0},
		{UNLINK, OWNER, 0, 0755, 01777, 0, 0},
		{RMDIR, OTHER, 0, 0755, 0755, -EACCES, 0},
		{RMDIR, OTHER, 0, 0755, 0777, 0, 0},
		{RMDIR, OTHER, 0, 0755, 01777, -EPERM, 0},
		{RMDIR, SUB, 0, 0755, 01777, 0, 0},
		/* rename */
		{RENAME_IN, OTHER, 0, 0755, 0755, -EACCES, 0},
		{RENAME_IN, OTHER, 0, 0755, 0777, 0, 0},
		{RENAME_IN, OTHER, 0, 0755, 01777, -EPERM, 0},
		{RENAME_IN, SUB, 0, 0755, 01777, 0, 0},
		{RENAME_OUT, SUB, 0, 0755, 0777, -EACCES, 0},
		{RENAME_OUT, SUB, 0, 0777, 0777, 0, 0},
		/* its ".." is written to */
		{RENAME_OUT, OTHER, 0, 0777, 0777, -EACCES, 0},
		/* attributes */
		{CHMOD, OWNER, 0, 0755, 0755, 0, 0},
		{CHMOD, OTHER, 0, 0777, 0777, -EPERM, 0},
		{CHMOD, OWNER, 0, 0644, 0755, -EACCES, 0},
		{UTIME, OWNER, 0, 0755, 0755, 0, 0},
		{UTIME, OTHER, 0, 0777, 0777, -EPERM, 0},
		{TOUCH, OWNER, 0, 0755, 0555, 0, 0},
		{TOUCH, OTHER, 0, 0777, 0777, 0, 0},
		{TOUCH, OTHER, 0, 0777, 0755, -EACCES, 0},
		{TRUNCATE, OTHER, 0, 0755, 0755, -EACCES, 0},
		{TRUNCATE, OTHER, 0, 0755, 0777, 0, 0},
		/* chown is not for who may write */
		{CHOWN, OWNER, 0, 0755, 0755, -EPERM, 0},
		{CHOWN, OTHER, 0, 0755, 0777, -EPERM, 0},
		{CHOWN_SAME, OWNER, 0, 0755, 0755, 0, 0},
		{CHOWN_SAME, OTHER, 0, 0755, 0755, -EPERM, 0},
		{CHGRP, OWNER, 1, 0755, 0755, -EPERM, 0},
		/* whoever has found it may look at it */
		{GETATTR, OTHER, 0, 0755, 0700, 0, 0},
	};

	(void)state;
	check(rights, ARRAY_SIZE(rights), "h2:write");
}

static void root_of_another_host_is_nobody(void **state)
{
	static const struct rights rights[] = {
		{LOOKUP, 0, 0, 0, 0755, 0700, -EACCES, 0},
		{LOOKUP, 0, 0, 0, 0755, 0711, 0, 0},
		{WRITE, 0, 0, 0, 0755, 0755, -EACCES, 0},
		{CHMOD, 0, 0, 0, 0755, 0777, -EPERM, 0},
		{CHOWN, 0, 0, 0, 0755, 0777, -EPERM, 0},
		/* nor is its group the one of that number here */
		{WRITE, 1500, 0, 0, 0755, 0755, -EACCES, 0},
	};
	struct place place;

	(void)state;
	check(rights, ARRAY_SIZE(rights), "h2:write");
	place_init(&place, "h2:write");
	place.owner.th.host->root->mode = 0777;
	place.asker.uid = place.asker.gid = 0;
	assert_int_equal(asker_mkdir(&place.asker, FUSE_ROOT_ID,
				     test_anchor_name("by-root"), NULL),
			 0);
	for (struct anchor *at = place.owner.th.host->root->children; at;
	     at = at->hh.next)
		if (!strncmp(at->name, "by-root", 7)) {
			assert_int_equal(at->uid, 65534);
			assert_int_equal(at->gid, 65534);
		}
	owner_deinit(&place.owner);
}

static void whoever_may_say_he_is_in_roots_group_is_not(void **state)
{
	struct place place;
	uint64_t node;

	(void)state;
	place_init(&place, "h2:write");
	place.ns_anchor->gid = 0;
	place.ns_anchor->mode = 0710;
	place.asker.uid = place.asker.gid = 1500;
	test_caller.is_member = 1;
	assert_int_equal(asker_lookup(&place.asker, place.ns, "records", &node),
			 -EACCES);
	owner_deinit(&place.owner);
}

static void root_of_a_host_that_may_do_all_is_root(void **state)
{
	static const struct rights rights[] = {
		{LOOKUP, 0, 0, 0, 0700, 0700, 0, 0},
		{LOOKUP, OTHER, 0, 0755, 0700, -EACCES, 0},
		{WRITE, 0, 0, 0, 0755, 0500, 0, 0},
		{CHMOD, 0, 0, 0, 0755, 0755, 0, 0},
		{CHOWN, 0, 0, 0, 0755, 0755, 0, 0},
		{CHOWN, OWNER, 0, 0755, 0755, -EPERM, 0},
		{CHGRP, OWNER, 1, 0755, 0755, 0, 1},
		{CHGRP, OWNER, 0, 0755, 0755, -EPERM, 1},
		{CHGRP, OTHER, 1, 0755, 0755, -EPERM, 0},
		{RMDIR, 0, 0, 0, 0755, 01700, 0, 0},
	};

	(void)state;
	check(rights, ARRAY_SIZE(rights), "h2:admin");
}

/* ---- What the host may ---- */

static void a_host_that_may_read_changes_nothing(void **state)
{
	static const enum act may[] = {LOOKUP, READ, LIST, GETATTR};
	static const enum act may_not[] = {
		WRITE, CLEAR, MKDIR,	  CREATE, UNLINK, RMDIR,    RENAME_IN,
		CHMOD, CHOWN, CHOWN_SAME, UTIME,  TOUCH,  TRUNCATE,
	};
	struct place place;
	struct guest_figures figures;
	uint64_t node;

	(void)state;
	place_init(&place, "h2:write");
	place.owner.th.host->root->mode = 0777;
	place.ns_anchor->mode = 0777;
	/* Queries tell who asks for what: its owner reads that at home. */
	assert_int_equal(asker_lookup(&place.asker, place.ns, "log", &node), 0);
	assert_int_equal(open_and_close(&place, node, O_RDONLY), 0);
	place.owner.grants.rows[0].grant = GRANT_READ;
	assert_int_equal(open_and_close(&place, node, O_RDONLY), -EACCES);
	for (uint32_t uid = 0; uid < 4000; uid += 1000) {
		place.asker.uid = place.asker.gid = uid;
		for (size_t i = 0; i < ARRAY_SIZE(may); i++)
			assert_int_equal(try(&place, may[i]), 0);
		for (size_t i = 0; i < ARRAY_SIZE(may_not); i++)
			assert_int_equal(try(&place, may_not[i]), -EACCES);
	}
	guests_figures(&place.owner.fleet, &figures);
	assert_int_equal(figures.denied, 4 * ARRAY_SIZE(may_not) + 1);
	owner_deinit(&place.owner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(modes_are_as_a_kernel_would_have_them),
		cmocka_unit_test(root_of_another_host_is_nobody),
		cmocka_unit_test(whoever_may_say_he_is_in_roots_group_is_not),
		cmocka_unit_test(root_of_a_host_that_may_do_all_is_root),
		cmocka_unit_test(a_host_that_may_read_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
