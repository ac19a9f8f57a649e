/* SPDX-License-Identifier: Apache-2.0 */
/*
 * response.h - judges what answer() says to any octets at all
 *
 * The message is read by a parser of its own, which shares nothing with the
 * code that wrote it but the names of types, and by ldns.
 */
#ifndef TESTS_FUZZ_RESPONSE_H
#define TESTS_FUZZ_RESPONSE_H

#include "dns/answer/answer.h"

/**
 * response_judge() - ask over UDP and over TCP, and claim what must be true
 *
 * Of each response: ID, opcode, RD and the question are those of the query; it
 * keeps to its size; it has sound names, whose compression pointers lead back
 * and never forward, and sound RDATA; it has nothing behind its last record, no
 * record twice, and an OPT record if and only if one is due; it is the same
 * whatever was in the memory before; it is no query that is answered again.
 * Of both: what is not truncated over UDP says the same over TCP, and what is
 * would not have fitted.
 */
void response_judge(const struct answer_options *options, uint32_t table,
		    const uint8_t *query, size_t len);

#endif
