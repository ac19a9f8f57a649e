/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity.h - which state this is, and which start of it
 *
 * Other hosts tell by it whether who answers under a name is still the same. A
 * state that is copied keeps its uuid, so two daemons may have one; they do not
 * have one incarnation.
 *
 * Threading: none other may be about; see store.h.
 */
#ifndef ANCHORS_IDENTITY_H
#define ANCHORS_IDENTITY_H

#include "anchors/store.h"

struct identity {
	uint8_t uuid[16];     /* random, and made once for a state */
	uint64_t incarnation; /* of this start: greater than all before */
};

/**
 * identity_take() - begin an incarnation, and note it in the store
 *
 * @out is set also when it could not be noted, as on a full disk: then it is
 * good as long as the clock is, and a state without a uuid has one for this
 * start only.
 *
 * Return: 0; -errno: it could not be noted.
 */
int identity_take(struct store *store, struct identity *out);

#endif
