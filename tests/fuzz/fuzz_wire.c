// SPDX-License-Identifier: Apache-2.0
/*
 * fuzz_wire.c - a message of another host, and the subject it came by
 *
 * What wire_check() lets through is a head and a body that lie in the message,
 * with numbers that index what they are to index.
 */
#include <errno.h>

#include "fs/fleet/wire.h"
#include "fuzz.h"

static void claim_parts(const struct wire_head *head, size_t len)
{
	if (head->kind == WIRE_CALL || head->kind == WIRE_ANSWER) {
		fuzz_claim(len > 0 && head->whole <= WIRE_BODY_MAX);
		fuzz_claim((uint64_t)head->offset + len <= head->whole);
	} else {
		fuzz_claim(head->whole == len && head->offset == 0);
	}
}

static void claim_slot(const struct wire_head *head)
{
	switch (head->kind) {
	case WIRE_CALL:
	case WIRE_PROBE:
	case WIRE_WAS_DONE:
	case WIRE_INTERRUPT:
	case WIRE_ANSWER:
	case WIRE_KNOWN:
	case WIRE_UNKNOWN:
	case WIRE_UNDONE:
		fuzz_claim(head->slot < WIRE_SLOTS && head->seq);
		break;
	case WIRE_FORGET:
	case WIRE_DISCARD:
	case WIRE_NOTED:
		fuzz_claim(head->slot == WIRE_SLOT_NOTES && head->seq);
		break;
	default:
		fuzz_claim(head->slot <= WIRE_SLOTS);
	}
}

/* A body of its own, so that a sanitizer sees what is read behind it. */
static void claim_body(const struct wire_head *head, const void *body,
		       size_t len)
{
	uint8_t *copy = fuzz_copy(body, len);

	if (head->kind == WIRE_CALLER)
		fuzz_claim(strlen(((struct wire_caller *)copy)->command) < 32);
	if (head->kind == WIRE_FORGET) {
		fuzz_claim(len && len % sizeof(struct wire_forget) == 0);
		for (size_t i = 0; i < len / sizeof(struct wire_forget); i++)
			fuzz_claim(((struct wire_forget *)copy)[i].count);
	}
	if (head->kind == WIRE_WAS_DONE)
		fuzz_claim(((struct wire_was_done *)copy)->slot < WIRE_SLOTS);
	if (head->kind == WIRE_BEAT)
		fuzz_claim(((struct wire_beat *)copy)->version_min <=
			   ((struct wire_beat *)copy)->version_max);
	free(copy);
}

static void try_message(const uint8_t *octets, size_t size)
{
	const struct wire_head *head = NULL;
	const void *body = NULL;
	size_t len = 0;
	int r = wire_check(octets, size, &head, &body, &len);

	fuzz_claim(r == 0 || r == -EPROTO || r == -EPROTONOSUPPORT);
	fuzz_claim((r == 0) == (head && body));
	if (r < 0)
		return;
	fuzz_claim((const uint8_t *)head == octets);
	fuzz_claim((const uint8_t *)body == octets + sizeof(*head));
	fuzz_claim(len == size - sizeof(*head));
	fuzz_claim(head->magic == WIRE_MAGIC && head->incarnation);
	claim_parts(head, len);
	claim_slot(head);
	claim_body(head, body, len);
}

/* What is read out of a subject makes the same one again. */
static void try_subject(const uint8_t *octets, size_t size)
{
	char first[WIRE_NAME_MAX + 1], second[WIRE_NAME_MAX + 1];
	char again[WIRE_SUBJECT_SIZE], *subject = malloc(size + 1);

	fuzz_claim(subject);
	memcpy(subject, octets, size);
	subject[size] = '\0';
	if (wire_subject_hosts(subject, "rpc", first, second)) {
		fuzz_claim(wire_name_is_good(first));
		fuzz_claim(wire_name_is_good(second));
		wire_subject(again, "rpc", first, second);
		fuzz_claim(!strcmp(again, subject));
	}
	if (wire_subject_hosts(subject, "live", first, NULL)) {
		wire_subject(again, "live", first, NULL);
		fuzz_claim(!strcmp(again, subject));
	}
	free(subject);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *octets = fuzz_copy(data, size);

	try_message(octets, size);
	try_subject(octets, size);
	free(octets);
	return 0;
}
