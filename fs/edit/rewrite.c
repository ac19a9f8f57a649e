// SPDX-License-Identifier: Apache-2.0
/*
 * rewrite.c - the text of records or of a name's file, changed in place
 *
 * It has two phases. First what the file shows is copied into the scratch file
 * by a thread of the pool, which until then alone touches the stream and the
 * scratch file's content; the loop has counted its octets before. Then the loop
 * changes the copy, and at last has it replace the whole, as a rename would.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "fs/attr.h"
#include "fs/pool.h"
#include "fs/replace.h"
#include "fs/edit/rewrite.h"
#include "fs/scratch.h"
#include "fs/stream.h"

#define REWRITE_PIECE (128 * 1024)

struct rewrite {
	struct fs *fs;
	struct node *node;	  /* the handle's */
	struct scratch *scratch;  /* owned */
	struct staging_mark seen; /* when the text was read */
	int off;	  /* -errno of what turned the change off; or 0 */
	uint64_t covered; /* octets from the start that are new */
};

struct rewrite *rewrite_free(struct rewrite *rewrite)
{
	if (!rewrite)
		return NULL;
	scratch_unref(rewrite->scratch);
	free(rewrite);
	return NULL;
}

/* ---- The text as it is ---- */

/* The first phase, and its end. */
struct taking {
	struct rewrite *rewrite; /* owned, until it is handed out */
	struct stream *stream;	 /* owned; NULL: not yet, or any more */
	uint64_t octets;	 /* that were taken */
	int result;
	struct pool_work work;
	struct receipt receipt; /* of who calls, for after the work */
	struct rewrite **out;
	rewrite_done *done;
	void *arg;
};

static void have_text(struct taking *taking, int result)
{
	struct taking ended = *taking;

	free(taking);
	stream_close(ended.stream);
	if (result < 0)
		rewrite_free(ended.rewrite);
	else
		*ended.out = ended.rewrite;
	ended.done(ended.arg, result);
}

/*
 * In the pool. It writes into the file itself: scratch_write() would count the
 * octets, which is the loop's to do, and was done.
 */
static int take_piece(struct taking *taking, const uint8_t *data, size_t len)
{
	int fd = taking->rewrite->scratch->fd;

	assert(fd >= 0);
	while (len) {
		ssize_t done = pwrite(fd, data, len, (off_t)taking->octets);

		if (done < 0)
			return -errno;
		data += done;
		len -= (size_t)done;
		taking->octets += (uint64_t)done;
	}
	return 0;
}

static void take_in_pool(struct pool_work *work)
{
	struct taking *taking = container_of(work, struct taking, work);
	CLEANUP(buffer_deinit) struct buffer text = {0};
	struct dump_read read = {.size = REWRITE_PIECE, .text = &text};
	int r;

	do {
		read.offset = taking->octets;
		text.len = 0;
		r = stream_read(taking->stream, &read, UINT64_MAX);
		if (r == 0)
			r = take_piece(taking, read.data, read.len);
	} while (read.len && r == 0);
	taking->result = r;
}

static void after_take(struct pool_work *work)
{
	struct taking *taking = container_of(work, struct taking, work);
	struct receipt before, receipt = taking->receipt;
	struct rewrite *rewrite = taking->rewrite;
	struct host *host = rewrite->fs->host;
	int r = taking->result;

	taking->stream = stream_close(taking->stream);
	/* What was counted was the size a moment before the stream began. */
	if (r == 0 && taking->octets != rewrite->scratch->size)
		r = scratch_truncate(rewrite->scratch, taking->octets);
	receipt_enter(host, &receipt, &before);
	have_text(taking, r);
	receipt_leave(host, &before);
}

static void take_text(struct taking *taking)
{
	struct rewrite *rewrite = taking->rewrite;
	struct fs *fs = rewrite->fs;
	struct stat attr;
	int r = attr_get(fs, rewrite->node, &attr);

	if (r == 0)
		r = scratch_truncate(rewrite->scratch, (uint64_t)attr.st_size);
	if (r == 0)
		r = scratch_open(rewrite->scratch);
	if (r == 0)
		r = stream_open(&taking->stream, fs, rewrite->node, NULL, NULL);
	if (r == 0)
		pool_submit(fs->commons->pool, &taking->work, take_in_pool,
			    after_take);
	else
		have_text(taking, r);
}

void rewrite_new(struct rewrite **out, struct fs *fs, struct node *node,
		 const struct staging_mark *seen, const struct fuse_ctx *owner,
		 rewrite_done *done, void *arg)
{
	struct rewrite *rewrite = calloc(1, sizeof(*rewrite));
	struct taking *taking = calloc(1, sizeof(*taking));
	char label[NODE_LABEL_SIZE];
	int r;

	if (!rewrite || !taking) {
		free(rewrite);
		free(taking);
		done(arg, -ENOMEM);
		return;
	}
	*rewrite = (struct rewrite){.fs = fs, .node = node, .seen = *seen};
	*taking = (struct taking){
		.rewrite = rewrite,
		.receipt = *receipt_at_hand(fs->host),
		.out = out,
		.done = done,
		.arg = arg,
	};
	node_label(node, label, sizeof(label));
	r = scratch_new(&rewrite->scratch, fs, node->anchor, label, owner, 0);
	if (r < 0)
		have_text(taking, r);
	else
		take_text(taking);
}

/* ---- Changes ---- */

uint64_t rewrite_size(const struct rewrite *rewrite)
{
	return rewrite->scratch->size;
}

int rewrite_write(struct rewrite *rewrite, const char *data, size_t len,
		  uint64_t offset)
{
	ssize_t done;

	if (rewrite->off)
		return rewrite->off;
	if (offset > rewrite_size(rewrite))
		return -EINVAL;
	while (len) {
		done = scratch_write(rewrite->scratch, data, len, offset);
		if (done < 0)
			return (int)done;
		if (offset <= rewrite->covered &&
		    offset + (uint64_t)done > rewrite->covered)
			rewrite->covered = offset + (uint64_t)done;
		data += done;
		len -= (size_t)done;
		offset += (uint64_t)done;
	}
	return 0;
}

int rewrite_truncate(struct rewrite *rewrite, uint64_t size)
{
	if (rewrite->off)
		return rewrite->off;
	if (size > rewrite_size(rewrite))
		return -EINVAL;
	return scratch_truncate(rewrite->scratch, size);
}

void rewrite_set_time(struct rewrite *rewrite, int64_t mtime_ns)
{
	rewrite->scratch->mtime_ns = mtime_ns;
	rewrite->scratch->dated = true;
}

void rewrite_refuse(struct rewrite *rewrite, int result)
{
	assert(result < 0);
	rewrite->off = result;
}

void rewrite_publish(struct rewrite *rewrite, rewrite_done *done, void *arg)
{
	bool keeps = rewrite->covered < rewrite_size(rewrite);

	if (rewrite->off)
		done(arg, rewrite->off);
	else
		replace_run(rewrite->fs, rewrite->scratch, rewrite->node,
			    keeps ? &rewrite->seen : NULL,
			    rewrite->scratch->uid, done, arg);
}
