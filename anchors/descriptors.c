// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <sys/resource.h>

#include "anchors/descriptors.h"

/*
 * The daemon's own: state, loops, mount, log, and what it opens for a moment,
 * some of it on eight threads at once. An idle one has 19, and 4 a worker.
 */
#define OWN	       64
#define OWN_PER_WORKER 4
/*
 * So many nameservers may have a UDP socket for each worker at once; fewer,
 * where that would be more than this part of what is left.
 */
#define BUSY	  64
#define BUSY_PART 16
/* What is kept for plain files, and the most that they may have. */
#define FILES_LEAST 256
#define FILES_MOST  4096

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t descriptors_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	/* The limit may be none; no kernel gives out more than this. */
	return smaller(limit.rlim_cur, INT32_MAX);
}

void descriptors_init(struct descriptors *out, size_t limit, unsigned workers,
		      size_t clients)
{
	size_t own = smaller(limit, OWN + (size_t)OWN_PER_WORKER * workers);
	size_t left = limit - own, sockets, rest, least;

	clients = smaller(clients, left / 2);
	rest = left - clients;
	sockets = smaller((size_t)BUSY * (workers - 1), rest / BUSY_PART);
	rest -= sockets;
	least = smaller(FILES_LEAST, rest / 16);
	*out = (struct descriptors){
		.limit = limit,
		.clients = clients,
		.sockets = sockets,
		.rest = rest,
		.of[DESCRIPTORS_SERVERS] = {.most = rest - least},
		.of[DESCRIPTORS_FILES] = {.least = least,
					  .most = smaller(FILES_MOST,
							  rest / 4)},
	};
}

/* The others have this many, or this many are kept for them. */
static size_t others(const struct descriptors *descriptors,
		     enum descriptors_of whose)
{
	size_t sum = 0;

	for (unsigned i = 0; i < DESCRIPTORS_KINDS; i++) {
		size_t least = descriptors->of[i].least;
		size_t taken = descriptors->of[i].taken;

		if (i != whose)
			sum += taken > least ? taken : least;
	}
	return sum;
}

static int refuse(const struct descriptors *descriptors,
		  enum descriptors_of whose, struct refusal *why)
{
	static const char *const names[] = {
		[DESCRIPTORS_SERVERS] = "nameservers",
		[DESCRIPTORS_FILES] = "plain files",
	};

	return refusal_set(
		why, -EMFILE,
		"of the %zu descriptors that the daemon may have there is none "
		"left for more %s: remove some, or start it with more (ulimit "
		"-Hn, LimitNOFILE=)",
		descriptors->limit, names[whose]);
}

int descriptors_take(struct descriptors *descriptors, enum descriptors_of whose,
		     size_t count, struct refusal *why)
{
	size_t taken = descriptors->of[whose].taken + count;

	if (taken <= descriptors->of[whose].most &&
	    taken + others(descriptors, whose) <= descriptors->rest) {
		descriptors->of[whose].taken = taken;
		assert(taken + others(descriptors, whose) +
			       descriptors->clients + descriptors->sockets <=
		       descriptors->limit);
		return 0;
	}
	return refuse(descriptors, whose, why);
}

void descriptors_give(struct descriptors *descriptors,
		      enum descriptors_of whose, size_t count)
{
	assert(descriptors->of[whose].taken >= count);
	descriptors->of[whose].taken -= count;
}

size_t descriptors_servers_max(const struct descriptors *descriptors)
{
	return descriptors->of[DESCRIPTORS_SERVERS].most / DESCRIPTORS_SERVER;
}
