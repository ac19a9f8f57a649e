// SPDX-License-Identifier: Apache-2.0
/*
 * dir_transfer.c - transfer/: what holds for all zones of the nameserver
 */
#include <sys/stat.h>

#include "fs/pending.h"
#include "fs/setting_files.h"

static int transfer_attr(struct fs *fs, struct node *node, struct stat *st)
{
	(void)fs;
	(void)node;
	st->st_nlink = 2;
	return 0;
}

/* It stays, so that rm -r gets to the rmdir of its anchor. */
static void transfer_remove(struct pending *pending)
{
	pending_reply(pending, 0);
}

const struct node_kind dir_transfer = {
	.name = "transfer",
	.number = 26,
	.in_server = true,
	.mask = 0777,
	.is_fleeting = true,
	.attr = transfer_attr,
	.lookup = setting_files_lookup,
	.list = setting_files_list,
	.create = setting_files_create,
	.remove = transfer_remove,
};
