// SPDX-License-Identifier: Apache-2.0
/*
 * remote_root.c - the root: a directory for each host, others' too
 *
 * What there is to know of another host's anchor is in its beats, so nobody
 * waits for a host to list the root or to look a name up in it. A name that is
 * not heard is asked for once.
 */
#include <errno.h>
#include <sys/stat.h>

#include "fs/fleet/remote_layout.h"
#include "fs/session.h"

#define NANOSECONDS 1000000000

/* A request that waits for hosts to be known. */
struct root_wait {
	struct root_wait *prev, *next; /* in remotes->waits */
	struct remotes *remotes;       /* NULL: it is answered */
	bool is_asking;		       /* hosts.c is still being called */
	bool is_known;
	char name[WIRE_NAME_MAX + 1]; /* of a lookup */
	size_t len;
	char octets[] __attribute__((aligned(8)));
};

/* ---- Attributes ---- */

static void beat_attr(const struct wire_beat *beat, struct fuse_attr *out)
{
	/* Before 1970 the nanoseconds count forward too. */
	bool is_before = beat->mtime_ns % NANOSECONDS < 0;
	uint64_t seconds = (uint64_t)(beat->mtime_ns / NANOSECONDS - is_before);
	uint32_t rest = (uint32_t)(beat->mtime_ns % NANOSECONDS +
				   is_before * NANOSECONDS);

	*out = (struct fuse_attr){
		.ino = response_ino(beat->uuid, FUSE_ROOT_ID),
		.mode = S_IFDIR | (beat->mode & 0777),
		.nlink = beat->links ? beat->links : 2,
		.uid = beat->uid,
		.gid = beat->gid,
		.atime = seconds,
		.mtime = seconds,
		.ctime = seconds,
		.atimensec = rest,
		.mtimensec = rest,
		.ctimensec = rest,
		.blksize = 4096,
	};
}

static struct live_host *find_alive(struct fleet *fleet, const char *name)
{
	struct live_host *host = hosts_find(fleet->hosts, name);

	return host && host->is_alive && host->has_beat ? host : NULL;
}

/* Which our kernel may believe. */
void remote_root_told(struct remote *remote)
{
	if (remote->root.is_used)
		remote_kernel_forget_attr(remote_session(remote),
					  remote->root.number);
}

bool remote_root_attr(struct remote *remote, uint64_t unique)
{
	struct fleet *fleet = remote->remotes->fleet;
	const struct live_host *host = find_alive(fleet, remote->name);
	struct fuse_attr_out out = {0};

	/* Whoever has changed it was answered after the beat that tells it. */
	if (!host)
		return false;
	beat_attr(&host->beat, &out.attr);
	out.attr_valid_nsec = remote_believe_asked(&remote->root, &out.attr,
						   REMOTE_MOMENT_NS);
	remote_kernel_answer(fleet->session, unique, 0, &out, sizeof(out));
	return true;
}

/* ---- Lookup ---- */

static int entry_of(struct fleet *fleet, const char *name,
		    struct remote_node **node, struct fuse_entry_out *out)
{
	const struct live_host *host = find_alive(fleet, name);
	struct remotes *remotes = host ? remotes_of(fleet) : NULL;
	struct remote *remote = remotes ? remote_get(remotes, name) : NULL;

	if (!host)
		return -ENOENT;
	if (!hosts_speaks(host))
		return -EPROTONOSUPPORT;
	if (!remote)
		return -ENOMEM;
	memcpy(remote->uuid, host->beat.uuid, sizeof(remote->uuid));
	*node = &remote->root;
	*out = (struct fuse_entry_out){.nodeid = remote->root.number};
	beat_attr(&host->beat, &out->attr);
	remote->root.ino = out->attr.ino;
	remote->root.type = S_IFDIR;
	out->attr_valid_nsec = out->entry_valid_nsec =
		remote_believe(&remote->root, &out->attr, REMOTE_MOMENT_NS);
	return 0;
}

static void reply_entry(struct fleet *fleet, const char *name, uint64_t unique)
{
	struct fuse_entry_out out;
	struct remote_node *node;
	int r = entry_of(fleet, name, &node, &out);

	if (r < 0)
		remote_kernel_answer(fleet->session, unique, r, NULL, 0);
	else if (remote_kernel_answer(fleet->session, unique, 0, &out,
				      sizeof(out)) == 0)
		node->lookups++;
}

/* ---- What waits for hosts ---- */

static struct root_wait *wait_new(struct remotes *remotes,
				  const struct fuse_buf *buf)
{
	struct root_wait *wait = malloc(sizeof(*wait) + buf->size);

	if (!wait)
		return NULL;
	*wait = (struct root_wait){
		.remotes = remotes,
		.is_asking = true,
		.len = buf->size,
	};
	memcpy(wait->octets, buf->mem, buf->size);
	DL_APPEND(remotes->waits, wait);
	return wait;
}

static void go_on(struct remotes *remotes, struct root_wait *wait)
{
	const struct fuse_in_header *head = (void *)wait->octets;
	const struct fuse_buf buf = {.size = wait->len, .mem = wait->octets};

	if (head->opcode == FUSE_LOOKUP)
		reply_entry(remotes->fleet, wait->name, head->unique);
	else
		session_process(remotes->fleet->session, &buf);
}

static void known(void *arg)
{
	struct root_wait *wait = arg;
	struct remotes *remotes = wait->remotes;

	wait->is_known = true;
	if (wait->is_asking)
		return;
	if (remotes) {
		DL_DELETE(remotes->waits, wait);
		go_on(remotes, wait);
	}
	free(wait);
}

/* Return: it is known already, and nothing waits. */
static bool asked(struct root_wait *wait)
{
	wait->is_asking = false;
	if (!wait->is_known)
		return false;
	DL_DELETE(wait->remotes->waits, wait);
	free(wait);
	return true;
}

/* Whose name another host has, stays alone. */
static bool may_be_host(const struct fleet *fleet, const char *name)
{
	uint64_t since_ms;

	return wire_name_is_good(name) && strcmp(name, fleet->name) != 0 &&
	       hosts_state(fleet->hosts, &since_ms) != HOSTS_YIELDS;
}

/* While the bus is down, those that were heard just before are there. */
static bool is_host(struct fleet *fleet, const char *name)
{
	return may_be_host(fleet, name) && find_alive(fleet, name);
}

static bool takes_lookup(struct fleet *fleet, const struct fuse_buf *buf)
{
	const struct fuse_in_header *head = buf->mem;
	const char *name = (const char *)(head + 1);
	struct remotes *remotes = remotes_of(fleet);
	struct root_wait *wait;

	if (is_host(fleet, name)) {
		reply_entry(fleet, name, head->unique);
		return true;
	}
	if (!may_be_host(fleet, name) || !bus_is_up(fleet->bus) ||
	    !hosts_serves(fleet->hosts))
		return false;
	wait = remotes ? wait_new(remotes, buf) : NULL;
	if (!wait)
		return false;
	strcpy(wait->name, name);
	hosts_ask_one(fleet->hosts, name, known, wait);
	if (asked(wait))
		reply_entry(fleet, name, head->unique);
	return true;
}

static bool takes_opendir(struct fleet *fleet, const struct fuse_buf *buf)
{
	struct remotes *remotes = remotes_of(fleet);
	struct root_wait *wait = remotes ? wait_new(remotes, buf) : NULL;

	if (!wait)
		return false;
	hosts_ask_all(fleet->hosts, known, wait);
	return !asked(wait);
}

/* ---- Names in it ---- */

/* Where the name stands that an opcode makes or takes; 0: it does neither. */
static size_t name_at(uint32_t opcode)
{
	switch (opcode) {
	case FUSE_MKDIR:
		return sizeof(struct fuse_mkdir_in);
	case FUSE_MKNOD:
		return sizeof(struct fuse_mknod_in);
	case FUSE_CREATE:
		return sizeof(struct fuse_create_in);
	case FUSE_LINK:
		return sizeof(struct fuse_link_in);
	case FUSE_RENAME:
		return sizeof(struct fuse_rename_in);
	case FUSE_RENAME2:
		return sizeof(struct fuse_rename2_in);
	default:
		return 0;
	}
}

/* Nobody makes or takes a host by its name. Return: 0; -errno. */
static int judge_name(struct fleet *fleet, const struct fuse_in_header *head)
{
	const char *body = (const char *)(head + 1);
	bool is_rename =
		head->opcode == FUSE_RENAME || head->opcode == FUSE_RENAME2;
	size_t at = name_at(head->opcode);

	if (is_rename &&
	    ((const struct fuse_rename_in *)body)->newdir == FUSE_ROOT_ID &&
	    is_host(fleet, body + at + strlen(body + at) + 1))
		return -EPERM;
	if (head->nodeid != FUSE_ROOT_ID)
		return 0;
	if (is_rename || head->opcode == FUSE_RMDIR ||
	    head->opcode == FUSE_UNLINK)
		return is_host(fleet, body + at) ? -EPERM : 0;
	return at && is_host(fleet, body + at) ? -EEXIST : 0;
}

bool remote_root_takes(struct session *session, struct fleet *fleet,
		       const struct fuse_buf *buf)
{
	const struct fuse_in_header *head = buf->mem;
	bool is_root = head->nodeid == FUSE_ROOT_ID;
	int r;

	if (is_root && head->opcode == FUSE_LOOKUP)
		return takes_lookup(fleet, buf);
	if (is_root && head->opcode == FUSE_OPENDIR)
		return takes_opendir(fleet, buf);
	r = judge_name(fleet, head);
	if (r < 0)
		remote_kernel_answer(session, head->unique, r, NULL, 0);
	return r < 0;
}

void remote_root_end(struct remotes *remotes)
{
	struct root_wait *wait, *next;

	DL_FOREACH_SAFE (remotes->waits, wait, next) {
		DL_DELETE(remotes->waits, wait);
		go_on(remotes, wait);
		wait->remotes = NULL;
	}
}
