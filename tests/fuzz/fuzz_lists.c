// SPDX-License-Identifier: Apache-2.0
/*
 * fuzz_lists.c - any text as a list of who may do what, and as a key
 *
 * The first octet says which format. A list that is taken has a canonical text,
 * which is taken as it is; of one that is refused, nothing is left. A key that
 * is taken is printed, and read back as the same.
 */
#include <errno.h>

#include "dns/text/key_text.h"
#include "dns/text/list_line.h"
#include "dns/wire/message.h"
#include "fuzz.h"

#define KEY_FORMAT (LIST_OF_NAME + 1)

static void merge(enum list_format format, const struct name *zone,
		  const char *text, size_t len)
{
	CLEANUP(buffer_deinit) struct buffer first = {0}, again = {0};
	struct refusal why = {0};
	int r = list_merge(format, zone, NULL, 0, text, len, &first, &why);

	if (r < 0) {
		fuzz_claim(r == -EINVAL || r == -EDQUOT);
		fuzz_claim(first.len == 0 && why.line && why.reason[0]);
		return;
	}
	fuzz_claim(list_merge(format, zone, (char *)first.data, first.len,
			      (char *)first.data, first.len, &again,
			      &why) == 0);
	fuzz_claim_same("canonical lists", &first, &again);
}

/* Each line, as those who look whether it is about somebody read it. */
static void match(enum list_format format, const struct name *zone,
		  const char *text, size_t len)
{
	struct address client = {.kind = ADDRESS_IPV6};
	struct list_line line;
	struct name name;
	size_t at = 0, before = 0;

	name_root(&name);
	while (list_line_next(format, zone, text, len, &at, &line, NULL) == 0) {
		fuzz_claim(at > before && at <= len);
		before = at;
		/* A line is about whom it names. */
		if (line.has_address && format != LIST_OF_NAME)
			fuzz_claim(list_line_matches(&line, &line.address));
		else if (format != LIST_OF_NAME)
			fuzz_claim(list_line_matches(&line, &client));
		if (format != LIST_OF_UPDATES)
			continue;
		if (line.has_name && !line.is_prefix && !line.types)
			fuzz_claim(list_line_names(&line, zone, &line.name, 0));
		list_line_names(&line, zone, &name, RR_CLASS_IN);
	}
}

static void read_key(const struct name *name, const char *text, size_t len)
{
	CLEANUP(buffer_deinit) struct buffer printed = {0};
	uint8_t secret[512], other[512];
	enum hmac_kind kind = HMAC_NONE, again;
	struct refusal why = {0};
	size_t secret_len, other_len;
	int r = key_from_text(text, len, name, &kind, secret, sizeof(secret),
			      &secret_len, &why);

	if (r < 0) {
		fuzz_claim(r == -EINVAL && why.reason[0] && !why.text[0]);
		return;
	}
	fuzz_claim(secret_len >= 8 && secret_len <= sizeof(secret));
	fuzz_claim(key_to_text(name, kind, secret, secret_len, &printed) == 0);
	fuzz_claim(key_from_text((char *)printed.data, printed.len, name,
				 &again, other, sizeof(other), &other_len,
				 &why) == 0);
	fuzz_claim(again == kind && other_len == secret_len);
	fuzz_claim(memcmp(secret, other, secret_len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	uint8_t set = fuzz_u8(&in);
	unsigned format = (set & 0x7f) % (KEY_FORMAT + 1);
	char *text = (char *)fuzz_copy(in.at, in.left);
	struct name zone;

	fuzz_claim(name_from_text("k.example", 9, NULL, &zone, NULL) == 0);
	if (format == KEY_FORMAT) {
		read_key(&zone, text, in.left);
	} else {
		merge(format, set & 0x80 ? &zone : NULL, text, in.left);
		match(format, set & 0x80 ? &zone : NULL, text, in.left);
	}
	free(text);
	return 0;
}
