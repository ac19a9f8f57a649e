/* SPDX-License-Identifier: Apache-2.0 */
/*
 * questions.h - a list of questions, as messages that are ready to send
 *
 * Read once, by one thread, and never changed again.
 */
#ifndef BENCH_QUESTIONS_H
#define BENCH_QUESTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUESTION_SIZE 300 /* octets of a message, at most */

/* One question, and what must come back. */
struct question {
	size_t offset; /* of the message */
	uint16_t len;
	uint16_t answers; /* records in the answer section */
	uint8_t rcode;
	bool aa;
};

struct questions {
	struct question *list;
	size_t count, room;
	uint8_t *messages;
	size_t len, space;
};

/**
 * questions_read() - read a file of lines "NAME TYPE RCODE ANSWERS aa|-"
 * @out:       all zero
 * @path:      RCODE and ANSWERS are numbers; names have no escapes
 * @edns_size: what an OPT record in each announces; 0: no OPT record
 *
 * Prints what is wrong and exits; the list is never freed.
 */
void questions_read(struct questions *out, const char *path,
		    unsigned edns_size);

#endif
