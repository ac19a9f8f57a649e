/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recorded.h - requests of a real kernel, and a daemon's responses
 */
#ifndef TESTS_RECORDED_H
#define TESTS_RECORDED_H

#include <linux/fuse.h>
#include <stddef.h>
#include <stdint.h>

struct recorded {
	uint32_t opcode;
	const char *request;  /* in hex */
	const char *response; /* the same; NULL: none is given to it */
};

/* Ended by a row of opcode 0. */
extern const struct recorded recorded[];

/**
 * recorded_octets() - what that text in hex says
 * Return: malloc()'s, with room for a few octets more; @len: how many.
 */
uint8_t *recorded_octets(const char *hex, size_t *len);

/** recorded_request(), recorded_response() - those of @opcode, which there is
 */
uint8_t *recorded_request(uint32_t opcode, size_t *len);
uint8_t *recorded_response(uint32_t opcode, size_t *len);

/* The number that @width octets at @at are. */
uint64_t recorded_number(const uint8_t *at, size_t width);
void recorded_put_number(uint8_t *at, size_t width, uint64_t number);

#endif
