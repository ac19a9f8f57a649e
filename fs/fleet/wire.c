// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "dns/wire/util.h"
#include "fs/fleet/request.h"
#include "fs/fleet/wire.h"

/* A request lies behind the head, and is read where it lies. */
static_assert(sizeof(struct wire_head) == 40, "the head is the same for all");
static_assert(sizeof(struct wire_head) % _Alignof(struct fuse_in_header) == 0,
	      "a request is aligned");
static_assert(sizeof(struct wire_beat) == 56, "a beat is the same for all");
static_assert(sizeof(struct wire_caller) == 48, "no padding");
static_assert(WIRE_BODY_MAX >= sizeof(struct fuse_in_header) +
				       sizeof(struct fuse_write_in) +
				       REQUEST_DATA_MAX,
	      "a write has room");

/* ---- What each kind has to be ---- */

enum body {
	BODY_NONE,
	BODY_FIXED, /* of ->size */
	BODY_ROWS,  /* of ->size each, one at least */
	BODY_PARTS, /* at least ->size, all parts together */
	BODY_NOTIFY,
};

static bool beat_is_good(const void *body, size_t len)
{
	const struct wire_beat *beat = body;
	uint32_t type = beat->mode & S_IFMT;

	(void)len;
	return beat->version_min && beat->version_min <= beat->version_max &&
	       beat->serves <= 1 && (!type || type == S_IFDIR);
}

static bool forgets_are_good(const void *body, size_t len)
{
	const struct wire_forget *forgets = body;

	for (size_t i = 0; i < len / sizeof(*forgets); i++)
		if (!forgets[i].node || !forgets[i].count)
			return false;
	return true;
}

static bool discard_is_good(const void *body, size_t len)
{
	const struct wire_discard *discard = body;

	(void)len;
	return discard->is_dir <= 1;
}

static bool was_done_is_good(const void *body, size_t len)
{
	const struct wire_was_done *was_done = body;

	(void)len;
	return was_done->session && was_done->seq &&
	       was_done->slot < WIRE_SLOTS;
}

static bool caller_is_good(const void *body, size_t len)
{
	const struct wire_caller *caller = body;

	(void)len;
	return caller->is_killed <= 1 && caller->is_ending <= 1 &&
	       caller->is_member <= 1 && caller->is_same <= 1 &&
	       memchr(caller->command, '\0', sizeof(caller->command));
}

enum slot {
	SLOT_ANY,   /* it says nothing */
	SLOT_CALL,  /* and a seq, from 1 */
	SLOT_NOTES, /* the same */
};

static const struct rule {
	bool is_known;
	bool is_of_all; /* versions; of no session */
	enum slot slot;
	enum body body;
	size_t size;
	bool (*is_good)(const void *body, size_t len);
} rules[] = {
	[WIRE_BEAT] = {true, true, SLOT_ANY, BODY_FIXED,
		       sizeof(struct wire_beat), beat_is_good},
	[WIRE_BYE] = {true, true, SLOT_ANY, BODY_NONE, 0, NULL},
	[WIRE_WHO] = {true, true, SLOT_ANY, BODY_NONE, 0, NULL},

	[WIRE_OPEN] = {true, false, SLOT_ANY, BODY_NONE, 0, NULL},
	[WIRE_CALL] = {true, false, SLOT_CALL, BODY_PARTS,
		       sizeof(struct fuse_in_header), NULL},
	[WIRE_PROBE] = {true, false, SLOT_CALL, BODY_NONE, 0, NULL},
	[WIRE_WAS_DONE] = {true, false, SLOT_CALL, BODY_FIXED,
			   sizeof(struct wire_was_done), was_done_is_good},
	[WIRE_INTERRUPT] = {true, false, SLOT_CALL, BODY_NONE, 0, NULL},
	[WIRE_FORGET] = {true, false, SLOT_NOTES, BODY_ROWS,
			 sizeof(struct wire_forget), forgets_are_good},
	[WIRE_DISCARD] = {true, false, SLOT_NOTES, BODY_FIXED,
			  sizeof(struct wire_discard), discard_is_good},
	[WIRE_CALLER] = {true, false, SLOT_ANY, BODY_FIXED,
			 sizeof(struct wire_caller), caller_is_good},
	[WIRE_CLOSE] = {true, false, SLOT_ANY, BODY_NONE, 0, NULL},

	[WIRE_OPENED] = {true, false, SLOT_ANY, BODY_NONE, 0, NULL},
	[WIRE_ENDED] = {true, false, SLOT_ANY, BODY_NONE, 0, NULL},
	[WIRE_ANSWER] = {true, false, SLOT_CALL, BODY_PARTS,
			 sizeof(struct fuse_out_header), NULL},
	[WIRE_KNOWN] = {true, false, SLOT_CALL, BODY_NONE, 0, NULL},
	[WIRE_UNKNOWN] = {true, false, SLOT_CALL, BODY_NONE, 0, NULL},
	[WIRE_UNDONE] = {true, false, SLOT_CALL, BODY_NONE, 0, NULL},
	[WIRE_NOTIFY] = {true, false, SLOT_ANY, BODY_NOTIFY, 0, NULL},
	[WIRE_ASK] = {true, false, SLOT_ANY, BODY_FIXED,
		      sizeof(struct wire_ask), NULL},
	[WIRE_NOTED] = {true, false, SLOT_NOTES, BODY_NONE, 0, NULL},
};

/* The two notifications that a host takes from another, by their size. */
static bool is_notify_size(size_t len)
{
	return len == sizeof(struct fuse_out_header) +
			       sizeof(struct fuse_notify_poll_wakeup_out) ||
	       len == sizeof(struct fuse_out_header) +
			       sizeof(struct fuse_notify_inval_inode_out);
}

static bool part_is_good(const struct rule *rule, const struct wire_head *head,
			 size_t len)
{
	return len && head->whole >= rule->size &&
	       head->whole <= WIRE_BODY_MAX && head->offset < head->whole &&
	       len <= head->whole - head->offset;
}

static bool body_is_good(const struct rule *rule, const struct wire_head *head,
			 const void *body, size_t len)
{
	if (rule->body == BODY_PARTS)
		return part_is_good(rule, head, len);
	if (head->whole != len || head->offset)
		return false;
	if (rule->body == BODY_NONE)
		return !len;
	if (rule->body == BODY_NOTIFY)
		return is_notify_size(len);
	if (rule->body == BODY_ROWS &&
	    (!len || len > WIRE_BODY_MAX || len % rule->size))
		return false;
	if (rule->body == BODY_FIXED && len != rule->size)
		return false;
	return !rule->is_good || rule->is_good(body, len);
}

static bool slot_is_good(enum slot slot, const struct wire_head *head)
{
	if (slot == SLOT_CALL)
		return head->slot < WIRE_SLOTS && head->seq;
	if (slot == SLOT_NOTES)
		return head->slot == WIRE_SLOT_NOTES && head->seq;
	return head->slot <= WIRE_SLOT_NOTES;
}

static bool numbers_are_good(const struct rule *rule,
			     const struct wire_head *head)
{
	return head->incarnation && (rule->is_of_all || head->session) &&
	       slot_is_good(rule->slot, head);
}

static bool is_version(uint8_t version)
{
	return wire_version(version, version) != 0;
}

int wire_check(const void *octets, size_t len, const struct wire_head **head,
	       const void **body, size_t *body_len)
{
	const struct wire_head *at = octets;
	const struct rule *rule;

	assert((uintptr_t)octets % _Alignof(struct wire_head) == 0);
	if (len < sizeof(*at))
		return -EPROTO;
	if (at->magic != WIRE_MAGIC)
		return at->magic == __builtin_bswap32(WIRE_MAGIC)
			       ? -EPROTONOSUPPORT
			       : -EPROTO;
	rule = at->kind < ARRAY_SIZE(rules) ? &rules[at->kind] : NULL;
	/* A kind that we do not know may be one of a version to come. */
	if ((!rule || !rule->is_of_all) && !is_version(at->version))
		return -EPROTONOSUPPORT;
	len -= sizeof(*at);
	if (!rule || !rule->is_known || !numbers_are_good(rule, at) ||
	    !body_is_good(rule, at, at + 1, len))
		return -EPROTO;
	*head = at;
	*body = at + 1;
	*body_len = len;
	return 0;
}

/* ---- Made ---- */

uint8_t wire_version(uint8_t least, uint8_t most)
{
	uint8_t version = most < WIRE_VERSION_MAX ? most : WIRE_VERSION_MAX;

	return version >= WIRE_VERSION_MIN && version >= least ? version : 0;
}

void wire_begin(struct wire_head *out, enum wire_kind kind,
		uint64_t incarnation, uint64_t session, size_t body)
{
	assert(rules[kind].is_known && body <= WIRE_BODY_MAX);
	*out = (struct wire_head){
		.magic = WIRE_MAGIC,
		.version = WIRE_VERSION_MAX,
		.kind = (uint8_t)kind,
		.incarnation = incarnation,
		.session = session,
		.whole = (uint32_t)body,
	};
}

/* ---- Subjects ---- */

#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyz0123456789-"

bool wire_name_is_good(const char *name)
{
	size_t len = strnlen(name, WIRE_NAME_MAX + 1);

	return len && len <= WIRE_NAME_MAX && strspn(name, NAME_LETTERS) == len;
}

static bool is_token(const char *name)
{
	return !strcmp(name, "*") || wire_name_is_good(name);
}

void wire_subject(char out[WIRE_SUBJECT_SIZE], const char *word,
		  const char *first, const char *second)
{
	int len;

	assert(is_token(first) && (!second || is_token(second)));
	len = snprintf(out, WIRE_SUBJECT_SIZE, "c.%s.%s%s%s", word, first,
		       second ? "." : "", second ? second : "");
	assert(len > 0 && len < WIRE_SUBJECT_SIZE);
}

/* The token at *@at, which is moved behind it and its dot, if it has one. */
static bool take_name(const char **at, char out[WIRE_NAME_MAX + 1])
{
	size_t len = strspn(*at, NAME_LETTERS);

	if (!len || len > WIRE_NAME_MAX)
		return false;
	memcpy(out, *at, len);
	out[len] = '\0';
	*at += len;
	return true;
}

static bool take_text(const char **at, const char *text)
{
	size_t len = strlen(text);

	if (strncmp(*at, text, len) != 0)
		return false;
	*at += len;
	return true;
}

bool wire_subject_hosts(const char *subject, const char *word,
			char first[WIRE_NAME_MAX + 1],
			char second[WIRE_NAME_MAX + 1])
{
	if (!take_text(&subject, "c.") || !take_text(&subject, word) ||
	    !take_text(&subject, ".") || !take_name(&subject, first))
		return false;
	if (second &&
	    (!take_text(&subject, ".") || !take_name(&subject, second)))
		return false;
	return !*subject;
}
