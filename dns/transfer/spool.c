// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "dns/transfer/spool.h"
#include "dns/wire/message.h"

void spool_init(struct spool *spool, struct spools *spools)
{
	*spool = (struct spool){.spools = spools, .fd = -1};
}

/* Have at least so many octets of what all spools share. */
static int reserve(struct spool *spool, uint64_t octets)
{
	struct spools *spools = spool->spools;
	uint64_t more;

	if (octets <= spool->reserved)
		return 0;
	more = octets - spool->reserved;
	if (atomic_fetch_add(&spools->used, more) + more > spools->max) {
		atomic_fetch_sub(&spools->used, more);
		return -EDQUOT;
	}
	spool->reserved = octets;
	return 0;
}

/* What was expected and did not come. */
static void give_back(struct spool *spool, uint64_t octets)
{
	assert(octets <= spool->reserved);
	atomic_fetch_sub(&spool->spools->used, spool->reserved - octets);
	spool->reserved = octets;
}

void spool_deinit(struct spool *spool)
{
	closep(&spool->fd);
	give_back(spool, 0);
	buffer_deinit(&spool->text);
}

int spool_expect(struct spool *spool, uint64_t octets)
{
	return octets > SPOOL_MEMORY ? reserve(spool, octets) : 0;
}

/*
 * Some file systems have no files without a name. There it has one for a
 * moment, and if we are killed in it, the next of that name removes it.
 */
static int open_named(int dir_fd)
{
	static atomic_uint last;
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "spool.%u",
		 atomic_fetch_add(&last, 1) % 64);
	unlinkat(dir_fd, name, 0);
	fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	unlinkat(dir_fd, name, 0);
	return fd;
}

static int open_file(int dir_fd)
{
	int fd = openat(dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	return errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT
		       ? open_named(dir_fd)
		       : -errno;
}

static int write_all(int fd, const uint8_t *data, size_t len, uint64_t offset)
{
	while (len) {
		ssize_t n = pwrite(fd, data, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		data += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

/* All of @text goes to the file, and may be read there. */
static int flush(struct spool *spool)
{
	struct buffer *text = &spool->text;
	int r = reserve(spool, spool->len + text->len);

	if (r == 0 && spool->fd < 0) {
		spool->fd = open_file(spool->spools->dir_fd);
		r = spool->fd < 0 ? spool->fd : 0;
		/* It tells -1 from others only. */
		if (r < 0)
			spool->fd = -1;
	}
	if (r == 0)
		r = write_all(spool->fd, text->data, text->len, spool->len);
	if (r < 0)
		return r;
	spool->len += text->len;
	text->len = 0;
	atomic_store(&spool->ready, spool->len);
	return 0;
}

int spool_add(struct spool *spool, const uint8_t *message, uint16_t len)
{
	struct buffer *text = &spool->text;
	size_t need = MESSAGE_LENGTH_SIZE + (size_t)len;
	uint8_t length[MESSAGE_LENGTH_SIZE];
	int r = 0;

	assert(!atomic_load(&spool->has_ended));
	if (text->len && text->len + need > SPOOL_MEMORY)
		r = flush(spool);
	if (r == 0)
		r = buffer_reserve(text, need);
	if (r < 0)
		return r;
	put_u16(length, len);
	buffer_add(text, length, sizeof(length));
	return buffer_add(text, message, len);
}

void spool_end(struct spool *spool, int result)
{
	if (result == 0 && spool->fd >= 0 && spool->text.len)
		result = flush(spool);
	if (spool->fd >= 0) {
		buffer_deinit(&spool->text);
		give_back(spool, spool->len);
	} else {
		give_back(spool, 0);
		if (result == 0)
			atomic_store(&spool->ready, spool->text.len);
	}
	spool->result = result;
	atomic_store(&spool->has_ended, true);
}

int spool_read(const struct spool *spool, uint64_t offset, uint8_t *out,
	       size_t len)
{
	assert(offset + len <= spool_ready(spool));
	if (spool->fd < 0) {
		memcpy(out, spool->text.data + offset, len);
		return 0;
	}
	while (len) {
		ssize_t n = pread(spool->fd, out, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EIO;
		out += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

uint64_t spool_ready(const struct spool *spool)
{
	return atomic_load(&spool->ready);
}

bool spool_has_ended(const struct spool *spool)
{
	return atomic_load(&spool->has_ended);
}
