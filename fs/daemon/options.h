/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - the command line
 *
 * Who reads it: options.c walks the arguments and has libfuse's and mount(8)'s
 * words told from ours, options_table.c has a row for each of ours, with its
 * default and what -h says, and options_check.c makes of texts what is used.
 *
 * Threading: the main thread, at the start. What was parsed is only read from
 * there on, by the mounter's process too, which has a copy.
 */
#ifndef FS_OPTIONS_H
#define FS_OPTIONS_H

#include "fs/bind.h"
#include "fs/daemon/rights.h"
#include "fs/fleet/grants.h"
#include "fs/fs.h"

/* Where root's daemon keeps its state, if it is told nothing. */
#define OPTIONS_ROOT_STATE "/var/lib/circuitfs"

/* The address of a nameserver that is made without one, in the same case. */
#define OPTIONS_LISTEN "127.0.0.1:0"

/* LIMITER_RATE, and none on loopback addresses. */
#define OPTIONS_RRL_DEFAULT UINT64_MAX

struct options {
	bool foreground;
	bool debug;
	bool help;
	bool version;
	bool remount;	     /* only change @flags of what is mounted there */
	unsigned long flags; /* of mount(2) */
	bool has_more;	     /* options that are none of these */
	char *mountpoint;    /* absolute, without links */
	char *state;	     /* absolute */
	char *host;
	struct address listen;
	struct bind bind;
	uint64_t workers;
	uint64_t edns_size; /* octets */
	uint64_t tcp_clients;
	uint64_t tcp_idle;    /* seconds */
	uint64_t rrl;	      /* responses a second, or OPTIONS_RRL_DEFAULT */
	uint64_t max_anchors; /* 0: any number */
	uint64_t max_records; /* of a nameserver; 0: any number */
	uint64_t shares[SHARE_KINDS]; /* as shares_set() takes them */
	uint64_t reader_age;	      /* seconds */
	uint64_t reader_spare;	      /* octets */
	uint64_t spool_size;	      /* the same */
	char *nsid;		      /* or NULL */
	struct rights_user user;
	char *mount_ns;	       /* or NULL: this process's */
	char *fleet;	       /* URLs of the bus; NULL: this host alone */
	char *fleet_creds_text, *fleet_ca_text; /* or NULL */
	struct grants grants;  /* what other hosts may; with fleet only */
	struct fuse_args fuse; /* for fuse_session_new() */

	/* As given, until they are checked. */
	char *arguments[2];
	unsigned argument_count;
	char *listen_text;
	char *bind_text;
	char *user_text;
	char *fleet_creds, *fleet_ca; /* paths */
	char *fleet_allow;
	bool complained; /* the reason was logged */
};

/**
 * options_parse() - read and check the command line
 *
 * Return: 0; -EINVAL, and the reason was logged. With help or version set,
 * nothing else is.
 */
int options_parse(struct options *options, int argc, char **argv);
void options_deinit(struct options *options);

/** options_usage() - what -h prints, to stdout */
void options_usage(void);

#endif
