// SPDX-License-Identifier: Apache-2.0
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "questions.h"

#define HEADER_SIZE 12
#define OPT_SIZE    11

static const struct {
	const char *name;
	unsigned number;
} types[] = {
	{"A", 1}, {"NS", 2}, {"SOA", 6}, {"MX", 15}, {"TXT", 16}, {"AAAA", 28},
};

static unsigned type_number(const char *name)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (!strcasecmp(name, types[i].name))
			return types[i].number;
	errx(2, "no type %s", name);
}

/* At least doubled, so that a long list is not copied for every line. */
static void *grown(void *data, size_t *room, size_t needed, size_t size)
{
	if (needed <= *room)
		return data;
	*room = needed > *room * 2 ? needed : *room * 2;
	data = reallocarray(data, *room, size);
	if (!data)
		err(2, "a list of questions");
	return data;
}

static size_t put_u16(uint8_t *to, unsigned value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
	return 2;
}

static size_t put_name(uint8_t *to, const char *name)
{
	size_t len = 0, label;

	for (; *name && strcmp(name, ".") != 0; name += label + !!name[label]) {
		label = strcspn(name, ".");
		if (label == 0 || label > 63 || len + label > 253)
			errx(2, "no name: %s", name);
		to[len] = (uint8_t)label;
		memcpy(to + len + 1, name, label);
		len += 1 + label;
	}
	to[len] = 0;
	return len + 1;
}

static size_t put_opt(uint8_t *to, unsigned edns_size)
{
	memset(to, 0, OPT_SIZE);
	put_u16(to + 1, 41);
	put_u16(to + 3, edns_size);
	return OPT_SIZE;
}

/* The header has no id yet. */
static size_t put_message(uint8_t *to, const char *name, unsigned type,
			  unsigned edns_size)
{
	size_t len = HEADER_SIZE;

	memset(to, 0, HEADER_SIZE);
	put_u16(to + 4, 1);
	put_u16(to + 10, edns_size != 0);
	len += put_name(to + len, name);
	len += put_u16(to + len, type);
	len += put_u16(to + len, 1);
	if (edns_size)
		len += put_opt(to + len, edns_size);
	return len;
}

static void add(struct questions *questions, const char *line,
		unsigned edns_size)
{
	char name[256], type[16], aa[4];
	unsigned rcode, answers;
	struct question *question;

	if (sscanf(line, "%255s %15s %u %u %3s", name, type, &rcode, &answers,
		   aa) != 5)
		errx(2, "no question: %s", line);
	questions->list = grown(questions->list, &questions->room,
				questions->count + 1, sizeof(*question));
	questions->messages = grown(questions->messages, &questions->space,
				    questions->len + QUESTION_SIZE, 1);
	question = &questions->list[questions->count++];
	*question = (struct question){
		.offset = questions->len,
		.rcode = (uint8_t)rcode,
		.answers = (uint16_t)answers,
		.aa = !strcmp(aa, "aa"),
	};
	question->len =
		(uint16_t)put_message(questions->messages + questions->len,
				      name, type_number(type), edns_size);
	questions->len += question->len;
}

void questions_read(struct questions *out, const char *path, unsigned edns_size)
{
	FILE *file = fopen(path, "r");
	char line[512];

	if (!file)
		err(2, "%s", path);
	while (fgets(line, sizeof(line), file))
		add(out, line, edns_size);
	if (ferror(file) || !out->count)
		errx(2, "%s: no questions", path);
	fclose(file);
}
