// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>

#include "anchors/subjects.h"
#include "dns/store/home.h"

/* A sample's octets beside the path: the family, other labels, the value. */
#define SAMPLE_OCTETS 100
/* Each nameserver has so many samples, and then those of expose_slots(). */
#define SAMPLES_LEAST 10
#define SLOTS	      (TRAFFIC_TRANSPORTS * (TRAFFIC_TYPES + TRAFFIC_RCODES))
#define NO_PARENT     SIZE_MAX
#define LABEL_OCTETS  13 /* nameserver="" */

/* ---- What there is ---- */

/* @anchor comes behind all of @subjects, and each is before those in it. */
static size_t find_parent(const struct subjects *subjects,
			  const struct anchor *anchor)
{
	size_t at = subjects->count ? subjects->count - 1 : NO_PARENT;

	while (at != NO_PARENT && subjects->all[at].anchor != anchor->parent)
		at = subjects->all[at].parent;
	return at;
}

static int note(struct subjects *subjects, struct anchor *anchor)
{
	struct subject subject = {
		.parent = find_parent(subjects, anchor),
		.name = subjects->names.len,
		.id = anchor->id,
		.traffic = anchor->traffic,
		.address = anchor->address,
		.edits = anchor->edits,
		.is_listening =
			anchor->server && !server_is_absent(anchor->server),
	};
	int r = buffer_add(&subjects->names, anchor->name,
			   strlen(anchor->name) + 1);

	if (r < 0)
		return r;
	subject.anchor = anchor_ref(anchor);
	subjects->all[subjects->count++] = subject;
	return 0;
}

struct subjects *subjects_free(struct subjects *subjects)
{
	if (!subjects)
		return NULL;
	for (size_t i = 0; i < subjects->count; i++)
		anchor_unref(subjects->all[i].anchor);
	buffer_deinit(&subjects->names);
	buffer_deinit(&subjects->labels);
	free(subjects);
	return NULL;
}

int subjects_take(struct subjects **out, struct host *host)
{
	struct subjects *subjects = malloc(
		sizeof(*subjects) + host->anchors * sizeof(subjects->all[0]));
	struct anchor *anchor = host->root;
	int r = 0;

	if (!subjects)
		return -ENOMEM;
	*subjects = (struct subjects){0};
	while (r == 0 && (anchor = anchor_next(host->root, anchor))) {
		assert(subjects->count < host->anchors);
		r = note(subjects, anchor);
	}
	if (r < 0) {
		subjects_free(subjects);
		return r;
	}
	assert(subjects->count == host->anchors);
	*out = subjects;
	return 0;
}

static int look_up(struct subject *subject, struct snapshot *snapshot)
{
	struct table_counts counts;
	struct home home = {0};
	struct served served;
	int r = snapshot_served(snapshot, subject->id, &served);

	/* It is not on disk yet, or no more: at this moment it is none. */
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = snapshot_counts(snapshot, served.table, &counts);
	if (r == 0 && served.home)
		r = snapshot_home(snapshot, served.home, &home);
	if (r < 0)
		return r;
	subject->is_served = true;
	subject->names = counts.names;
	subject->records = counts.records;
	subject->zones = home.zones;
	return 0;
}

int subjects_look_up(struct subjects *subjects, struct snapshot *snapshot)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < subjects->count; i++) {
		r = look_up(&subjects->all[i], snapshot);
		subjects->served += subjects->all[i].is_served;
	}
	return r;
}

/* ---- Which are shown ---- */

/* All names are escaped, which tells how long each path is. */
static int measure(struct subjects *subjects)
{
	CLEANUP(buffer_deinit) struct buffer escaped = {0};
	int r = 0;

	for (size_t i = 0; r == 0 && i < subjects->count; i++) {
		struct subject *subject = &subjects->all[i];
		const char *name = (char *)subjects->names.data + subject->name;
		size_t at = escaped.len;

		r = exposition_escape(name, &escaped);
		if (r == 0)
			r = buffer_add(&escaped, "", 1);
		if (r < 0)
			return r;
		subject->name = at;
		subject->path_len = escaped.len - at - 1;
		if (subject->parent != NO_PARENT)
			subject->path_len +=
				1 + subjects->all[subject->parent].path_len;
	}
	buffer_deinit(&subjects->names);
	subjects->names = escaped;
	escaped = (struct buffer){0};
	return 0;
}

/* @exactly: by what it was asked; else as if that were all there is. */
static uint64_t cost_of(const struct subject *subject, bool exactly)
{
	uint64_t samples = SAMPLES_LEAST;

	for (unsigned i = 0; exactly && i < SLOTS; i++)
		samples +=
			traffic_sum(subject->traffic, TRAFFIC_QUERIES + i) > 0;
	if (!exactly)
		samples += SLOTS;
	return samples * (SAMPLE_OCTETS + subject->path_len);
}

static uint64_t cost_of_all(struct subjects *subjects, bool exactly)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < subjects->count; i++) {
		struct subject *subject = &subjects->all[i];

		subject->is_shown = subject->is_served;
		subject->cost = cost_of(subject, exactly);
		sum += subject->is_served ? subject->cost : 0;
	}
	return sum;
}

static int by_cost(const void *a, const void *b)
{
	const struct subject *x = *(struct subject *const *)a;
	const struct subject *y = *(struct subject *const *)b;

	if (x->cost != y->cost)
		return x->cost < y->cost ? -1 : 1;
	/* They lie in one array, in the order of the tree. */
	return x < y ? -1 : x > y;
}

static int leave_out(struct subjects *subjects, uint64_t max)
{
	CLEANUP(freep)
	struct subject **sorted = calloc(subjects->count, sizeof(*sorted));
	uint64_t sum = 0;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < subjects->count; i++)
		sorted[i] = &subjects->all[i];
	qsort(sorted, subjects->count, sizeof(*sorted), by_cost);
	for (size_t i = 0; i < subjects->count; i++) {
		struct subject *subject = sorted[i];

		if (!subject->is_served)
			continue;
		sum += subject->cost;
		subject->is_shown = sum <= max;
		subjects->left_out += !subject->is_shown;
	}
	return 0;
}

/* It is written from its end on, since that is how the parents are found. */
static int make_label(struct subjects *subjects, struct subject *subject)
{
	struct buffer *labels = &subjects->labels;
	const struct subject *at = subject;
	size_t end;
	int r = buffer_reserve(labels, LABEL_OCTETS + subject->path_len);

	if (r < 0)
		return r;
	/* There is room, so none of these can fail. */
	subject->label = labels->len;
	buffer_add_text(labels, "nameserver=\"");
	end = labels->len += subject->path_len;
	while (true) {
		const char *name = (char *)subjects->names.data + at->name;
		size_t len = strlen(name);

		end -= len;
		memcpy(labels->data + end, name, len);
		if (at->parent == NO_PARENT)
			break;
		labels->data[--end] = '/';
		at = &subjects->all[at->parent];
	}
	/* measure() has counted what the loop has filled, to the octet. */
	assert(end == labels->len - subject->path_len);
	buffer_add_text(labels, "\"");
	subject->label_len = labels->len - subject->label;
	assert(subject->label_len == LABEL_OCTETS + subject->path_len);
	return 0;
}

int subjects_choose(struct subjects *subjects, uint64_t max)
{
	int r = measure(subjects);

	if (r == 0 && cost_of_all(subjects, false) > max &&
	    cost_of_all(subjects, true) > max)
		r = leave_out(subjects, max);
	for (size_t i = 0; r == 0 && i < subjects->count; i++)
		if (subjects->all[i].is_shown)
			r = make_label(subjects, &subjects->all[i]);
	return r;
}

const struct subject *subjects_next(const struct subjects *subjects,
				    struct exposition *to,
				    const struct subject *subject)
{
	const struct subject *end = subjects->all + subjects->count;

	for (subject = subject ? subject + 1 : subjects->all; subject < end;
	     subject++) {
		if (!subject->is_shown)
			continue;
		exposition_common(
			to, (char *)subjects->labels.data + subject->label,
			subject->label_len);
		return subject;
	}
	return NULL;
}
