/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool.h - the messages of one transfer, written once and read by many
 *
 * What a client is sent must not be read from the store at the client's pace:
 * the store would keep every page of that moment for as long. So it is written
 * down: the messages of the transfer, each with its length before it as over
 * TCP. A short one is kept in memory, as a whole. What is longer goes to a file
 * without a name, which is gone with its descriptor however the process ends.
 *
 * All spools together have so many octets in files as struct spools says; and
 * no more than a few SPOOL_MEMORY each in memory.
 *
 * Threading: one thread writes, up to spool_end(); then, or meanwhile, another
 * one reads. The one that reads frees it, when nobody writes any more. Sizes
 * are shared by atomics. struct spools is any thread's.
 */
#ifndef DNS_SPOOL_H
#define DNS_SPOOL_H

#include <stdatomic.h>
#include <stdbool.h>

#include "dns/wire/buffer.h"

/* Octets that are written to the file in one piece, and that need no file. */
#define SPOOL_MEMORY 131072

/* What all spools share. */
struct spools {
	int dir_fd;   /* where files are made; borrowed */
	uint64_t max; /* octets of all files together */
	_Atomic uint64_t used;
};

struct spool {
	struct spools *spools;
	/* The writer's, until it has ended. */
	struct buffer text; /* not in the file yet */
	int fd;		    /* or -1: all is in @text */
	uint64_t reserved;  /* of spools->used */
	uint64_t len;	    /* octets in the file */
	/* Set once by the writer, before @ready says so. */
	int result; /* 0, or -errno: there is no more */
	/* Octets that may be read; a message is whole in them or is not. */
	_Atomic uint64_t ready;
	atomic_bool has_ended;
};

/** spool_init() - empty; @spools is borrowed */
void spool_init(struct spool *spool, struct spools *spools);

/** spool_deinit() - close it, and give its octets back */
void spool_deinit(struct spool *spool);

/**
 * spool_expect() - about so many octets will be written, 0: who knows
 * Return: 0; -EDQUOT: there is no room for that.
 */
int spool_expect(struct spool *spool, uint64_t octets);

/**
 * spool_add() - append a message; its length is put before it
 * Return: 0; -EDQUOT: too many octets; -ENOSPC, -EIO ... of the disk; -ENOMEM.
 */
int spool_add(struct spool *spool, const uint8_t *message, uint16_t len);

/**
 * spool_end() - that was all
 * @result: 0; -errno: it broke off
 */
void spool_end(struct spool *spool, int result);

/**
 * spool_read() - copy octets that are ready
 * Return: 0; -EIO.
 */
int spool_read(const struct spool *spool, uint64_t offset, uint8_t *out,
	       size_t len);

/** spool_ready() - how many octets may be read now */
uint64_t spool_ready(const struct spool *spool);

/** spool_has_ended() - and will there be no more? Ask before spool_ready() */
bool spool_has_ended(const struct spool *spool);

#endif
