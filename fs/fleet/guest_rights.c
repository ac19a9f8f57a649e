// SPDX-License-Identifier: Apache-2.0
/*
 * guest_rights.c - may a user of another host do that?
 *
 * What a kernel does with default_permissions protects only its own users. So
 * the owner looks at owner, group and mode itself: at x on each directory
 * above, and at what the operation wants of its own. A group decides only where
 * the other two classes do not, and then the guest is asked whether the caller
 * is in it, and all is judged again.
 *
 * Root of a host that may do all ("admin") is root here. Other hosts' root is
 * nobody by now, so that uid 0 needs no look at the grant.
 */
#include <errno.h>
#include <sys/stat.h>

#include "fs/attr.h"
#include "fs/fleet/guest_layout.h"
#include "fs/node.h"
#include "fs/tree.h"

#define WANT_X 1
#define WANT_W 2
#define WANT_R 4

/* Who asks, and what comes of it. */
struct judge {
	struct fs *view;
	const struct request *request;
	enum grant grant;
	const struct guest_groups *groups;
	gid_t *ask;
};

static int judge_group(const struct judge *judge, gid_t group, bool *is_member)
{
	const struct guest_groups *groups = judge->groups;

	*is_member = judge->request->head->gid == group;
	/* A host that is not trusted with root is not with its group. */
	if (*is_member || (group == 0 && judge->grant != GRANT_ADMIN))
		return 0;
	for (unsigned i = 0; i < groups->count; i++) {
		if (groups->known[i].group != group)
			continue;
		*is_member = groups->known[i].is_member;
		return 0;
	}
	*judge->ask = group;
	return groups->count < GUEST_GROUPS_MAX ? 1 : -EACCES;
}

static int judge_mode(const struct judge *judge, uid_t owner, gid_t group,
		      mode_t mode, mode_t want)
{
	uid_t uid = judge->request->head->uid;
	mode_t by_group = mode >> 3 & want, by_other = mode & want;
	bool is_member;
	int r;

	if (uid == 0)
		return 0;
	if (uid == owner)
		return (mode >> 6 & want) == want ? 0 : -EACCES;
	if ((by_group == want) == (by_other == want))
		return by_other == want ? 0 : -EACCES;
	r = judge_group(judge, group, &is_member);
	if (r != 0)
		return r;
	return (is_member ? by_group : by_other) == want ? 0 : -EACCES;
}

static int judge_node(const struct judge *judge, struct node *node, mode_t want)
{
	struct stat attr;
	int r = attr_get(judge->view, node, &attr);

	/* Then the operation says what is wrong with it. */
	if (r < 0)
		return 0;
	return judge_mode(judge, attr.st_uid, attr.st_gid, attr.st_mode, want);
}

/* x on the directories above; names/ has its anchor's rights. */
static int judge_way(const struct judge *judge, const struct node *node)
{
	const struct anchor *at = node->anchor;
	int r = 0;

	if (at && node->kind == &dir_anchor)
		at = at->parent;
	for (; r == 0 && at; at = at->parent)
		r = judge_mode(judge, at->uid, at->gid, at->mode, WANT_X);
	return r;
}

static int judge_at(const struct judge *judge, struct node *node, mode_t want)
{
	int r = judge_way(judge, node);

	return r == 0 && want ? judge_node(judge, node, want) : r;
}

/* ---- What is there is removed, or replaced ---- */

static int judge_sticky(const struct judge *judge, const struct stat *dir,
			const struct stat *attr)
{
	uid_t uid = judge->request->head->uid;

	if (!(dir->st_mode & S_ISVTX) || uid == 0 || uid == dir->st_uid ||
	    uid == attr->st_uid)
		return 0;
	return -EPERM;
}

/*
 * @moves: a directory, to another one: its ".." is written to.
 */
static int judge_victim(const struct judge *judge, struct node *dir,
			const char *name, bool moves)
{
	struct stat dir_attr, attr;
	struct node *node;
	int r;

	/* What is not there is the operation's to say. */
	if (tree_find(judge->view, dir, name, &node) < 0)
		return 0;
	r = attr_get(judge->view, dir, &dir_attr);
	if (r == 0)
		r = attr_get(judge->view, node, &attr);
	if (r < 0)
		r = 0;
	else
		r = judge_sticky(judge, &dir_attr, &attr);
	if (r == 0 && moves && node_is_dir(node))
		r = judge_node(judge, node, WANT_W);
	node_put(judge->view, node, 1);
	return r;
}

static int judge_removal(const struct judge *judge, struct node *dir)
{
	int r = judge_at(judge, dir, WANT_W | WANT_X);

	return r == 0 ? judge_victim(judge, dir, judge->request->name, false)
		      : r;
}

static int judge_rename(const struct judge *judge, struct node *dir)
{
	const struct request *request = judge->request;
	struct node *to = node_of(judge->view, *request->second);
	int r = judge_at(judge, dir, WANT_W | WANT_X);

	if (r == 0)
		r = judge_at(judge, to, WANT_W | WANT_X);
	if (r == 0)
		r = judge_victim(judge, dir, request->name, to != dir);
	if (r == 0)
		r = judge_victim(judge, to, request->new_name, false);
	return r;
}

/* ---- Attributes ---- */

/* What is set to what it is, as cp -p does, changes nothing. */
static bool changes_owner(const struct fuse_setattr_in *set,
			  const struct stat *attr)
{
	return ((set->valid & FATTR_UID) && set->uid != attr->st_uid) ||
	       ((set->valid & FATTR_GID) && set->gid != attr->st_gid);
}

/* Its owner gives a file to a group that he is in, and to nobody else. */
static int judge_chown(const struct judge *judge,
		       const struct fuse_setattr_in *set,
		       const struct stat *attr)
{
	bool is_member = true;
	int r = 0;

	if (judge->request->head->uid == 0 || !changes_owner(set, attr))
		return 0;
	if (judge->grant != GRANT_ADMIN ||
	    ((set->valid & FATTR_UID) && set->uid != attr->st_uid))
		return -EPERM;
	r = judge_group(judge, set->gid, &is_member);
	return r == 0 && !is_member ? -EPERM : r;
}

static bool sets_a_time(uint32_t valid)
{
	return ((valid & FATTR_ATIME) && !(valid & FATTR_ATIME_NOW)) ||
	       ((valid & FATTR_MTIME) && !(valid & FATTR_MTIME_NOW));
}

static int judge_setattr(const struct judge *judge, struct node *node)
{
	const struct fuse_setattr_in *set = judge->request->body;
	uid_t uid = judge->request->head->uid;
	uint32_t valid = set->valid;
	struct stat attr;
	bool is_owner;
	int r = judge_way(judge, node);

	if (r != 0 || attr_get(judge->view, node, &attr) < 0)
		return r;
	is_owner = uid == 0 || uid == attr.st_uid;
	if (!is_owner && (valid & (FATTR_MODE | FATTR_UID | FATTR_GID) ||
			  sets_a_time(valid)))
		return -EPERM;
	r = judge_chown(judge, set, &attr);
	/* A descriptor that may write is not asked again. */
	if (r == 0 && valid & FATTR_SIZE && !judge->request->handle)
		r = judge_node(judge, node, WANT_W);
	if (r == 0 && !is_owner && valid & (FATTR_ATIME | FATTR_MTIME))
		r = judge_node(judge, node, WANT_W);
	return r;
}

/* ---- What the host may ---- */

static int open_flags(const struct request *request)
{
	return (int)((const struct fuse_open_in *)request->body)->flags;
}

static bool only_looks(const struct request *request)
{
	switch (request->head->opcode) {
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		return !(open_flags(request) & (O_ACCMODE | O_TRUNC));
	case FUSE_WRITE:
		return false;
	default:
		return request->class != REQUEST_CHANGES;
	}
}

/*
 * Who may do all that root may is let into keys/; all others see that it is
 * there. Its owner's number is one that any of them can name.
 */
static bool is_secret(struct fs *view, const struct request *request)
{
	const struct node *node = node_of(view, request->head->nodeid);
	const struct node *second =
		request->second ? node_of(view, *request->second) : NULL;

	if (second && second->kind->is_secret)
		return true;
	return node->kind->is_secret && request->head->opcode != FUSE_GETATTR;
}

int guest_rights_granted(struct fs *view, enum grant grant,
			 const struct request *request)
{
	const struct node *node;

	if (grant < GRANT_ADMIN && is_secret(view, request))
		return -EACCES;
	if (grant >= GRANT_WRITE)
		return 0;
	if (grant == GRANT_NONE || !only_looks(request))
		return -EACCES;
	node = node_of(view, request->head->nodeid);
	return request->head->opcode == FUSE_OPEN && node->kind->is_private
		       ? -EACCES
		       : 0;
}

/* ---- All of it ---- */

static mode_t wanted(int flags)
{
	mode_t want = flags & O_TRUNC ? WANT_W : 0;

	switch (flags & O_ACCMODE) {
	case O_RDONLY:
		return want | WANT_R;
	case O_WRONLY:
		return WANT_W;
	default:
		return WANT_R | WANT_W;
	}
}

static int judge_operation(const struct judge *judge, struct node *node)
{
	switch (judge->request->head->opcode) {
	case FUSE_LOOKUP:
		return judge_at(judge, node, WANT_X);
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		return judge_at(judge, node,
				wanted(open_flags(judge->request)));
	case FUSE_MKDIR:
	case FUSE_MKNOD:
	case FUSE_SYMLINK:
	case FUSE_LINK:
	case FUSE_CREATE:
		return judge_at(judge, node, WANT_W | WANT_X);
	case FUSE_UNLINK:
	case FUSE_RMDIR:
		return judge_removal(judge, node);
	case FUSE_RENAME:
	case FUSE_RENAME2:
		return judge_rename(judge, node);
	case FUSE_SETATTR:
		return judge_setattr(judge, node);
	default:
		/* Of an open file, which was judged when it was opened. */
		return 0;
	}
}

int guest_rights_judge(struct fs *view, enum grant grant,
		       const struct request *request,
		       const struct guest_groups *groups, gid_t *ask)
{
	const struct judge judge = {
		.view = view,
		.request = request,
		.grant = grant,
		.groups = groups,
		.ask = ask,
	};

	return judge_operation(&judge, node_of(view, request->head->nodeid));
}
