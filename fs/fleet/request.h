/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request.h - a request of FUSE's, checked and taken apart
 *
 * What comes from the kernel is right. What comes from another host is checked
 * before anything else sees it, for libfuse believes lengths and terminators.
 * One table says of each opcode what its body is; there is no other place that
 * knows the layouts.
 *
 * Threading: no state; any thread.
 */
#ifndef FS_FLEET_REQUEST_H
#define FS_FLEET_REQUEST_H

#include <limits.h>
#include <linux/fuse.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Octets of a name: what a kernel sends at most. None is as long here, but it
 * is for the tree to say so, with the errno that it has for that at home.
 */
#define REQUEST_NAME_MAX (PATH_MAX - 1)
/* Of what is read or written in one request. */
#define REQUEST_DATA_MAX ((uint32_t)1024 * 1024)

/* What an operation is to rights and to order. */
enum request_class {
	REQUEST_READS,	 /* looks, and changes nothing; OPEN for reading */
	REQUEST_CHANGES, /* commits something, or may; OPEN for writing, or one
			    that truncates */
	REQUEST_FILE,	 /* of an open file or directory */
	REQUEST_LOCAL,	 /* never travels: the kernel's side answers it, and an
			    owner that is sent one refuses it */
};

/* Pointers are into the request that was taken apart. */
struct request {
	struct fuse_in_header *head;
	enum request_class class;
	/* One more node: the new directory of a rename, the old node of a link;
	 * NULL: none. */
	uint64_t *second;
	/* The open file or directory; NULL: none. GETATTR and SETATTR have one
	 * only if they say so. */
	uint64_t *handle;
	bool handle_is_dir;
	const char *name; /* terminated, 1 to REQUEST_NAME_MAX octets, no "/",
			     not "." or ".."; NULL: none */
	const char *new_name; /* of a rename; the target of a symlink, which may
				 be any text, but for none */
	void *body;	      /* behind the head; all that follows */
	size_t body_len;
	/* What its response is held to: octets of its body at most, head not
	 * counted; of a WRITE, octets that it may say were written. */
	size_t response_max;
	/* What is between hosts only, in what FUSE has for padding: */
	uint32_t ahead; /* of OPEN and OPENDIR: see struct wire_ahead */
	bool tells;	/* of FLUSH and GETATTR: see WIRE_TELLS */
	pid_t told_of;	/* and the other thread, of GETATTR; or 0 */
};

/**
 * request_take() - check a request, and take it apart
 * @octets: aligned as malloc()'s
 *
 * It is put right in place, so that both sides may call it: what protocols
 * newer than 7.31 have put where there was padding is cleared, and flags that
 * no operation here looks at, or that have other numbers on other processors.
 * So is what another host has put there for us, which out has then.
 *
 * Return: 0; -EPROTO: it is none; -ENOSYS: an opcode that nobody here sends,
 * and then out->head is set.
 */
int request_take(struct request *out, void *octets, size_t len);

/** request_opcode_is_forwarded() - false: answered where the kernel is; any
 * number
 */
bool request_opcode_is_forwarded(uint32_t opcode);

#endif
