// SPDX-License-Identifier: Apache-2.0
/*
 * fuzz_zones.c - any records, and any questions about them
 *
 * fuzz_answer.c asks anything of one set of records; here the records come
 * from the input as well: webs of CNAMEs and DNAMEs, cuts inside cuts, zones
 * below and between zones, wildcards of everything. Names are few, so that
 * records meet.
 */
#include <stdio.h>

#include "dns/text/reader.h"
#include "fuzz.h"
#include "query_made.h"
#include "response.h"
#include "store.h"

#define L63	    "l23456789012345678901234567890123456789012345678901234567890123"
#define RECORDS_MAX 24
#define ASKED_MAX   4

/* One octet is a name of up to three labels out of four. */
static const char *const labels[] = {"a", "b", "*", L63};

static const char *made_text(uint8_t octet, char out[3 * 64 + 2])
{
	unsigned count = octet >> 6, at = 0;

	for (unsigned i = 0; i < count; i++)
		at += (unsigned)sprintf(out + at, "%s.",
					labels[octet >> (2 * i) & 3]);
	strcpy(out + at, count ? "" : ".");
	return out;
}

static const struct {
	/* %s: a target; %u: a number that tells records of one set apart */
	const char *rdata;
	unsigned count;
} kinds[] = {
	{"SOA %s h. 1 2 3 4 %u", 1},
	{"NS %s", 1},
	{"CNAME %s", 1},
	{"DNAME %s", 1},
	{"A 192.0.2.%u", 1},
	{"AAAA 2001:db8::%u", 1},
	{"MX %u %s", 1},
	{"SRV 1 2 %u %s", 1},
	{"SVCB 0 %s", 1},
	{"HTTPS 1 %s port=%u", 1},
	{"DS %u 13 2 "
	 "00000000000000000000000000000000000000000000000000000000000000",
	 1},
	{"TXT \"%u\"", 1},
	{"A 10.0.0.%u", 40},
	{"NS n%u.%s", 30},
	{"MX %u n%u.%s", 40},
	{"TYPE65280 \\# 0", 1},
};

/* No printf(): it has the one before the other, or insists on both. */
static void add_rdata(const char *form, const char *target, unsigned number,
		      struct buffer *out)
{
	for (; *form; form++) {
		if (*form != '%')
			fuzz_claim(buffer_add(out, form, 1) == 0);
		else if (*++form == 's')
			fuzz_claim(buffer_add(out, target, strlen(target)) ==
				   0);
		else
			fuzz_claim(buffer_printf(out, "%u", number) == 0);
	}
}

static void add_records(struct fuzz_input *in, struct buffer *out)
{
	uint8_t owner = fuzz_u8(in), kind = fuzz_u8(in), to = fuzz_u8(in);
	char name[200], target[200];
	unsigned first = kind >> 4;

	kind %= ARRAY_SIZE(kinds);
	made_text(owner, name);
	made_text(to, target);
	/* The root is ".", and a name below it has one dot. */
	if (kinds[kind].count > 1 && to < 64)
		target[0] = '\0';
	for (unsigned i = 0; i < kinds[kind].count; i++) {
		fuzz_claim(buffer_printf(out, "%s %u ", name, first * 100) ==
			   0);
		add_rdata(kinds[kind].rdata, target, first + i, out);
		fuzz_claim(buffer_add(out, "\n", 1) == 0);
	}
}

/* What cannot stand beside what is there is left out. */
static void apply(uint32_t table, struct reader *reader,
		  const struct buffer *text)
{
	CLEANUP(change_deinit) struct change change = {0};
	struct refusal why;

	if (reader_feed(reader, (const char *)text->data, text->len, &change) ==
	    0)
		store_apply(table, &change, false, &why);
}

static uint32_t load(struct fuzz_input *in)
{
	CLEANUP(reader_freep) struct reader *reader = NULL;
	CLEANUP(buffer_deinit) struct buffer text = {0};
	unsigned records = fuzz_u8(in) % (RECORDS_MAX + 1);
	uint32_t table = store_table();
	struct name root;

	name_root(&root);
	fuzz_claim(reader_new(&reader, &root, NULL) == 0);
	for (unsigned i = 0; i < records; i++) {
		text.len = 0;
		add_records(in, &text);
		apply(table, reader, &text);
	}
	return table;
}

static void ask(struct fuzz_input *in, uint32_t table)
{
	struct answer_options options = {.edns_size = 1232};
	uint8_t made[QUERY_MADE_SIZE], *query;
	char text[200], more[500];
	uint8_t name_octet = fuzz_u8(in), prefix = fuzz_u8(in);
	struct name root, name;
	size_t len;

	/* Up to six labels, the last three of which may be an owner's. */
	made_text(name_octet, text);
	if (prefix >= 64) {
		made_text(prefix, more);
		if (name_octet >= 64)
			strcat(more, text);
	} else {
		strcpy(more, text);
	}
	name_root(&root);
	if (name_from_text(more, strlen(more), &root, &name, NULL) < 0)
		return;
	len = query_made(in, &name, made);
	query = fuzz_copy(made, len);
	response_judge(&options, table, query, len);
	free(query);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	uint32_t table = load(&in);

	for (unsigned i = 0; in.left && i < ASKED_MAX; i++)
		ask(&in, table);
	store_free(table);
	return 0;
}
