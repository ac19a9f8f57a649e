/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch.h - one transfer of a zone from its primary, over TCP
 *
 * What comes is staged as it comes, or kept if it is differences, and becomes
 * the zone as one change when its end was read and was signed. What breaks off
 * before has changed nothing (RFC 5936, section 6).
 *
 * It ends without FETCH_SILENT_MS of progress, and after FETCH_MOST_MS in any
 * case; and it is bounded by max-records, as a file is.
 *
 * Threading: the main loop.
 */
#ifndef ANCHORS_TRANSFER_FETCH_H
#define ANCHORS_TRANSFER_FETCH_H

#include "anchors/anchor.h"
#include "dns/store/home.h"

#define FETCH_SILENT_MS 30000
#define FETCH_MOST_MS	3600000

struct fetch;

struct fetch_request {
	struct anchor *anchor; /* borrowed during fetch_new() */
	struct name apex;
	uint16_t type;	 /* RR_AXFR, RR_IXFR */
	bool has_serial; /* what is behind ours is not taken: -ERANGE */
	uint32_t serial; /* ours */
	struct address primary;
	bool has_key;
	struct tsig_key key;
};

/*
 * @result: 0: the zone is what the primary has, on disk; -EALREADY: it was so
 *          before; -errno: nothing has changed, and @reason says why
 */
typedef void fetch_done(void *arg, int result, const char *reason);

/** fetch_new() - begin; @done is called later, once: 0, -errno */
int fetch_new(struct fetch **out, const struct fetch_request *request,
	      fetch_done *done, void *arg);

/** fetch_was_zone() - in @done, with result 0: did all of the zone come?
 *
 * It may whatever was asked for: RFC 1995, section 4.
 */
bool fetch_was_zone(const struct fetch *fetch);

/** fetch_cancel() - @done is not called any more; NULL is fine
 *
 * What is being written by then may still be.
 */
void fetch_cancel(struct fetch *fetch);

#endif
