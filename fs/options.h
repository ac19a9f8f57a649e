/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - the command line
 */
#ifndef FS_OPTIONS_H
#define FS_OPTIONS_H

#include "fs/fs.h"
#include "fs/rights.h"

struct options {
	bool foreground;
	bool debug;
	bool help;
	bool version;
	char *mountpoint; /* absolute, without links */
	char *state;	  /* absolute */
	char *host;
	struct address listen;
	unsigned workers;
	unsigned edns_size; /* octets */
	unsigned tcp_clients;
	unsigned tcp_idle;     /* seconds */
	unsigned rrl;	       /* responses a second; 0: any */
	char *nsid;	       /* or NULL */
	unsigned max_anchors;  /* 0: any number */
	unsigned max_records;  /* of a nameserver; 0: any number */
	uint64_t scratch_size; /* octets */
	struct rights_user user;
	char *mount_ns;	       /* or NULL: this process's */
	struct fuse_args fuse; /* for fuse_session_new() */

	/* As given, until they are checked. */
	char *arguments[2];
	unsigned argument_count;
	char *listen_text;
	char *workers_text;
	char *edns_size_text;
	char *tcp_clients_text;
	char *tcp_idle_text;
	char *rrl_text; /* NULL: on loopback addresses there is no limit */
	char *max_anchors_text;
	char *max_records_text;
	char *scratch_size_text;
	char *user_text;
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
