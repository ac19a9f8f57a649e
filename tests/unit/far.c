// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "anchors/error_ring.h"
#include "far.h"
#include "fs/caller.h"
#include "fs/session.h"

struct fleet far_fleet;
uint64_t far_now_ms, far_now_ns, owner_incarnation, owner_session;
bool far_is_up, far_yields, far_taken;
size_t far_size_max;
int far_kernel_says;
bool far_no_memory, far_settled, far_blank;
bool far_in_vain;
pid_t far_pid = PID;
unsigned far_holds, far_asks, far_processed;
uid_t far_uid;

static struct sent *all_sent, *all_taken; /* the test has had these */
static struct told *all_told, *all_heard;
static struct live_host far_hosts[2];
static struct session session;
static struct fs fs;
static struct host host;
static struct anchor anchor;
static struct commons commons;
static uint64_t uniques;
static bool is_taking;
static hosts_done *waiting_done;
static void *waiting_arg;

/* ---- Memory ---- */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_malloc(size_t size)
{
	return is_taking && far_no_memory ? NULL : __real_malloc(size);
}

/* ---- The bus and the hosts ---- */

uint64_t bus_now_ms(void)
{
	return far_now_ms;
}

/* Instead of libuv's: what is over in a moment is so when a test says so. */
uint64_t uv_hrtime(void)
{
	return far_now_ns;
}

bool bus_is_up(const struct bus *bus)
{
	(void)bus;
	return far_is_up;
}

size_t bus_size_max(const struct bus *bus)
{
	(void)bus;
	return far_is_up ? far_size_max : 0;
}

int fleet_send(struct fleet *fleet, const char *word, const char *to,
	       const struct wire_head *head, const void *body, size_t len,
	       bool reply)
{
	(void)fleet;
	(void)reply;
	assert_string_equal(word, "rpc");
	if (!far_is_up)
		return -ENOTCONN;
	sent_add(&all_sent, to, head, body, len);
	return 0;
}

bool hosts_serves(const struct hosts *hosts)
{
	(void)hosts;
	return far_is_up && !far_yields;
}

enum hosts_state hosts_state(const struct hosts *hosts, uint64_t *since_ms)
{
	(void)hosts;
	*since_ms = 0;
	return far_yields ? HOSTS_YIELDS : HOSTS_SERVES;
}

struct live_host *hosts_find(struct hosts *hosts, const char *name)
{
	(void)hosts;
	for (size_t i = 0; i < ARRAY_SIZE(far_hosts); i++) {
		if (!strcmp(far_hosts[i].name, name))
			return &far_hosts[i];
	}
	return NULL;
}

bool hosts_speaks(const struct live_host *live)
{
	return live->beat.version_max;
}

struct live_host *hosts_hold(struct hosts *hosts, const char *name)
{
	far_holds++;
	return hosts_find(hosts, name);
}

void hosts_drop(struct hosts *hosts, struct live_host *live)
{
	(void)hosts;
	assert_non_null(live);
	far_holds--;
}

void hosts_ask_all(struct hosts *hosts, hosts_done *done, void *arg)
{
	(void)hosts;
	far_asks++;
	waiting_done = done;
	waiting_arg = arg;
}

void hosts_ask_one(struct hosts *hosts, const char *name, hosts_done *done,
		   void *arg)
{
	(void)name;
	hosts_ask_all(hosts, done, arg);
}

void far_known(void)
{
	hosts_done *done = steal(&waiting_done);

	assert_non_null(done);
	done(waiting_arg);
}

void session_process(struct session *of, const struct fuse_buf *request)
{
	assert_ptr_equal(of, &session);
	assert_non_null(request->mem);
	far_processed++;
}

/* A process that is killed, if it is asked about. */
void caller_ask(struct fs *of, const struct caller_about *about,
		caller_done *done, void *arg)
{
	const struct caller caller = {
		.is_member = about->group == 1000,
		.is_same = about->other == about->pid - 1,
		.process = about->pid,
		.command = "cp",
	};

	assert_ptr_equal(of, &fs);
	done(arg, &caller);
}

/* ---- The kernel ---- */

static int tell(uint64_t unique, int error, const void *body, size_t len)
{
	struct told *one = calloc(1, sizeof(*one) + len);

	one->unique = unique;
	one->error = error;
	one->len = len;
	if (len)
		memcpy(one->body, body, len);
	DL_APPEND(all_told, one);
	return 0;
}

int remote_kernel_answer(struct session *of, uint64_t unique, int error,
			 const void *body, size_t len)
{
	struct told *one;

	(void)of;
	assert_true(error <= 0 && error > -512);
	assert_int_not_equal(unique, 0);
	if (far_kernel_says == -ENOENT && !error)
		tell(unique, -ENOENT, NULL, 0);
	if (far_kernel_says)
		return error ? 0 : far_kernel_says;
	DL_FOREACH (all_told, one)
		assert_int_not_equal(one->unique, unique);
	return tell(unique, error, body, len);
}

void remote_kernel_tick(struct remotes *remotes)
{
	(void)remotes;
}

void remote_kernel_forget_attr(struct session *of, uint64_t node)
{
	(void)of;
	tell(0, FUSE_NOTIFY_INVAL_INODE, &node, sizeof(node));
}

void remote_kernel_wake(struct session *of, uint64_t kh)
{
	(void)of;
	tell(0, FUSE_NOTIFY_POLL, &kh, sizeof(kh));
}

uint64_t ask(uint32_t opcode, uint64_t node, const void *body, size_t len)
{
	struct fuse_in_header head = {
		.len = (uint32_t)(sizeof(head) + len),
		.opcode = opcode,
		.unique = 2 * ++uniques,
		.nodeid = node,
		.uid = far_uid,
		.pid = (uint32_t)far_pid,
	};
	char *octets = malloc(sizeof(head) + len);
	struct fuse_buf buf = {.size = sizeof(head) + len, .mem = octets};

	memcpy(octets, &head, sizeof(head));
	if (len)
		memcpy(octets + sizeof(head), body, len);
	is_taking = true;
	far_taken = remote_takes(&session, &buf);
	is_taking = false;
	free(octets);
	return head.unique;
}

uint64_t ask_name(uint32_t opcode, uint64_t node, const void *body, size_t len,
		  const char *name)
{
	char text[1024];

	if (len)
		memcpy(text, body, len);
	strcpy(text + len, name);
	return ask(opcode, node, text, len + strlen(name) + 1);
}

uint64_t ask_lookup(uint64_t node, const char *name)
{
	return ask_name(FUSE_LOOKUP, node, NULL, 0, name);
}

uint64_t ask_mkdir(uint64_t node, const char *name)
{
	const struct fuse_mkdir_in in = {.mode = 0755};

	return ask_name(FUSE_MKDIR, node, &in, sizeof(in), name);
}

uint64_t ask_open(uint64_t node, int flags)
{
	const struct fuse_open_in in = {.flags = (uint32_t)flags};

	return ask(FUSE_OPEN, node, &in, sizeof(in));
}

uint64_t ask_read(uint64_t node, uint64_t handle, int flags)
{
	const struct fuse_read_in in = {
		.fh = handle, .size = 4096, .flags = (uint32_t)flags};

	return ask(FUSE_READ, node, &in, sizeof(in));
}

uint64_t ask_read_at(uint64_t node, uint64_t handle, uint64_t offset)
{
	const struct fuse_read_in in = {
		.fh = handle, .offset = offset, .size = 4096};

	return ask(FUSE_READ, node, &in, sizeof(in));
}

uint64_t ask_write(uint64_t node, uint64_t handle, size_t len)
{
	struct fuse_write_in *in = calloc(1, sizeof(*in) + len);
	uint64_t unique;

	in->fh = handle;
	in->size = (uint32_t)len;
	memset(in + 1, 'x', len);
	unique = ask(FUSE_WRITE, node, in, sizeof(*in) + len);
	free(in);
	return unique;
}

uint64_t ask_flush(uint64_t node, uint64_t handle)
{
	const struct fuse_flush_in in = {.fh = handle};

	return ask(FUSE_FLUSH, node, &in, sizeof(in));
}

uint64_t ask_release(uint64_t node, uint64_t handle)
{
	const struct fuse_release_in in = {.fh = handle};

	return ask(FUSE_RELEASE, node, &in, sizeof(in));
}

void ask_interrupt(uint64_t unique)
{
	const struct fuse_interrupt_in in = {.unique = unique};

	ask(FUSE_INTERRUPT, 0, &in, sizeof(in));
}

void ask_forget(uint64_t node, uint64_t count)
{
	const struct fuse_forget_in in = {.nlookup = count};

	ask(FUSE_FORGET, node, &in, sizeof(in));
	assert_true(far_taken);
}

static struct told *find_told(uint64_t unique)
{
	struct told *one;

	DL_FOREACH (all_told, one) {
		if (one->unique == unique)
			return one;
	}
	return NULL;
}

struct told *told_any(uint64_t unique)
{
	struct told *one = find_told(unique);

	if (!one)
		return NULL;
	DL_DELETE(all_told, one);
	DL_APPEND(all_heard, one);
	return one;
}

struct told *told(uint64_t unique)
{
	struct told *one = told_any(unique);

	assert_non_null(one);
	return one;
}

void told_none(uint64_t unique)
{
	assert_null(find_told(unique));
}

void told_error(uint64_t unique, int error)
{
	assert_int_equal(told(unique)->error, error);
}

/* ---- The owner ---- */

struct sent *sent(enum wire_kind kind)
{
	struct sent *message = all_sent;

	assert_non_null(message);
	assert_int_equal(message->head.kind, kind);
	DL_DELETE(all_sent, message);
	DL_APPEND(all_taken, message);
	return message;
}

struct sent *sent_any(void)
{
	struct sent *message = all_sent;

	if (message)
		DL_DELETE(all_sent, message);
	return message;
}

void sent_none(void)
{
	assert_null(all_sent);
}

static void free_told(struct told **list)
{
	struct told *one;

	while ((one = *list)) {
		DL_DELETE(*list, one);
		free(one);
	}
}

void sent_drop(void)
{
	sent_free(&all_sent);
}

struct sent *sent_call(uint32_t opcode)
{
	struct sent *call = sent(WIRE_CALL);
	const struct fuse_in_header *head = (void *)call->body;

	assert_int_equal(call->head.session, owner_session);
	assert_int_equal(head->opcode, opcode);
	assert_int_equal(head->nodeid & REMOTE_NODE_BIT, 0);
	return call;
}

void say(enum wire_kind kind, const struct sent *of, const void *body,
	 size_t len)
{
	char *octets = malloc(len + 1);
	struct wire_head head;

	wire_begin(&head, kind, owner_incarnation, owner_session, len);
	if (of) {
		head.slot = of->head.slot;
		head.seq = of->head.seq;
	}
	if (len)
		memcpy(octets, body, len);
	far_in_vain = !remote_message(&far_fleet, "h2", &head, octets, len);
	free(octets);
}

void reply(const struct sent *call, int error, const void *body, size_t len)
{
	struct fuse_out_header head = {
		.len = (uint32_t)(sizeof(head) + len),
		.error = error,
		.unique = (far_settled ? WIRE_SETTLED : 0) |
			  (far_blank ? WIRE_BLANK : 0),
	};
	char *octets = malloc(sizeof(head) + len);

	memcpy(octets, &head, sizeof(head));
	if (len)
		memcpy(octets + sizeof(head), body, len);
	say(WIRE_ANSWER, call, octets, sizeof(head) + len);
	free(octets);
}

static struct fuse_entry_out entry_of(uint64_t node, mode_t mode)
{
	return (struct fuse_entry_out){
		.nodeid = node,
		.generation = 7,
		.entry_valid = 60,
		.attr_valid = 60,
		.attr = {.ino = node, .mode = mode, .nlink = 1},
	};
}

void reply_entry(const struct sent *call, uint64_t node, mode_t mode)
{
	struct fuse_entry_out out = entry_of(node, mode);

	reply(call, 0, &out, sizeof(out));
}

void reply_open(const struct sent *call, uint64_t handle)
{
	const struct fuse_open_out out = {.fh = handle};

	reply(call, 0, &out, sizeof(out));
}

void owner_opens(void)
{
	struct sent *open = sent(WIRE_OPEN);

	assert_true(open->head.session > owner_session);
	owner_session = open->head.session;
	say(WIRE_OPENED, NULL, NULL, 0);
}

/* ---- What tests begin with ---- */

uint64_t far_root(void)
{
	uint64_t unique = ask_lookup(FUSE_ROOT_ID, "h2");

	assert_true(far_taken);
	return ((struct fuse_entry_out *)told(unique)->body)->nodeid;
}

uint64_t far_file(uint64_t owner)
{
	static unsigned files;
	char name[16];
	struct sent *call;
	uint64_t unique;

	/* Of a name that was just looked up, nobody is asked. */
	snprintf(name, sizeof(name), "file%u", ++files);
	unique = ask_lookup(far_root(), name);
	if (all_sent->head.kind == WIRE_OPEN)
		owner_opens();
	call = sent_call(FUSE_LOOKUP);
	reply_entry(call, owner, S_IFREG | 0644);
	return ((struct fuse_entry_out *)told(unique)->body)->nodeid;
}

uint64_t far_opened(uint64_t node, uint64_t owner, int flags)
{
	uint64_t unique = ask_open(node, flags);
	struct sent *call = sent_call(FUSE_OPEN);

	reply_open(call, owner);
	return ((struct fuse_open_out *)told(unique)->body)->fh;
}

void far_pass(uint64_t ms, bool beats)
{
	for (uint64_t i = 0; i < ms; i += 100) {
		far_now_ms += 100;
		if (beats)
			remote_heard(&far_fleet, "h2", owner_incarnation);
		remotes_tick(&far_fleet);
	}
}

const char *far_error(void)
{
	static struct buffer text;

	text.len = 0;
	error_ring_print(&anchor.errors, &text);
	buffer_add(&text, "", 1);
	return (const char *)text.data;
}

static void host_init(struct live_host *live, const char *name)
{
	*live = (struct live_host){
		.beat = {.uid = 12,
			 .gid = 13,
			 .mode = 0751,
			 .links = 5,
			 .version_max = 1,
			 .serves = 1,
			 .mtime_ns = 1500000000},
		.has_beat = true,
		.is_alive = true,
	};
	strcpy(live->name, name);
	memset(live->beat.uuid, name[1], sizeof(live->beat.uuid));
}

int far_setup(void **state)
{
	(void)state;
	host_init(&far_hosts[0], "h2");
	host_init(&far_hosts[1], "h3");
	anchor = (struct anchor){.name = (char *)"h1"};
	host = (struct host){.root = &anchor};
	session = (struct session){.fs = &fs};
	fs = (struct fs){.host = &host, .commons = &commons};
	commons = (struct commons){.host = &host, .fleet = &far_fleet};
	far_fleet = (struct fleet){
		.session = &session, .name = "h1", .incarnation = 5};
	far_now_ms = 1000000;
	far_now_ns = 1000000000;
	owner_incarnation = 1000;
	owner_session = 0;
	far_is_up = true;
	far_yields = far_no_memory = far_settled = far_blank = false;
	far_pid = PID;
	far_size_max = (size_t)2 << 20;
	far_kernel_says = 0;
	far_asks = far_processed = far_uid = 0;
	return 0;
}

int far_teardown(void **state)
{
	(void)state;
	remotes_end(&far_fleet);
	assert_int_equal(far_holds, 0);
	assert_null(far_fleet.remotes);
	sent_free(&all_sent);
	sent_free(&all_taken);
	free_told(&all_told);
	free_told(&all_heard);
	error_ring_clear(&anchor.errors);
	return 0;
}
