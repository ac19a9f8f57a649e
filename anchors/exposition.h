/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exposition.h - writing Prometheus's text format, version 0.0.4
 *
 * A family is a name, with what it means and its type; its samples follow it.
 * Errors wait in @error, so that a page is written without a look at each.
 *
 * Threading: whoever holds the buffer.
 */
#ifndef ANCHORS_EXPOSITION_H
#define ANCHORS_EXPOSITION_H

#include "anchors/histogram.h"
#include "dns/wire/buffer.h"

struct exposition {
	struct buffer *out; /* borrowed */
	int error;	    /* the first one: -ENOMEM */
	const char *family; /* the one at hand */
	const char *common; /* see exposition_common(); borrowed, or NULL */
	size_t common_len;
};

struct exposition_label {
	const char *name, *value; /* any octets; escaped when written */
};

/** exposition_escape() - append a label's value as it is written: 0, -ENOMEM */
int exposition_escape(const char *value, struct buffer *out);

/**
 * exposition_family() - begin one
 * @name: as its samples have it; borrowed until the next family
 * @type: counter, gauge or histogram
 * @help: one line, without backslashes
 */
void exposition_family(struct exposition *to, const char *name,
		       const char *type, const char *help);

/**
 * exposition_common() - labels that the samples have which follow, till the
 * next family, before their own
 * @text: as they are written, values escaped: a="x",b="y"; borrowed
 */
void exposition_common(struct exposition *to, const char *text, size_t len);

/**
 * exposition_sample() - a value
 * @suffix: behind the family's name; NULL: none
 * @labels: @count of them
 */
void exposition_sample(struct exposition *to, const char *suffix,
		       const struct exposition_label *labels, size_t count,
		       double value);

/** exposition_single() - a family with one sample and no labels */
void exposition_single(struct exposition *to, const char *name,
		       const char *type, const char *help, double value);

/** exposition_histogram() - the samples of a family of that type, in seconds */
void exposition_histogram(struct exposition *to,
			  const struct histogram *histogram);

#endif
