// SPDX-License-Identifier: Apache-2.0
#include "dns/store/landmarks.h"
#include "dns/wire/mix.h"

static size_t slot_of(uint32_t table, const uint8_t *key, size_t key_len)
{
	return mix_octets(table, key, key_len, 0) % LANDMARKS;
}

struct landmark *landmarks_at(struct landmarks *landmarks, size_t moment,
			      uint32_t table, const uint8_t *key,
			      size_t key_len)
{
	struct landmark *landmark;

	if (key_len > LANDMARK_KEY_SIZE)
		return NULL;
	landmark = &landmarks->slots[slot_of(table, key, key_len)];
	if (landmark->moment == moment && landmark->table == table &&
	    landmark->key_len == key_len &&
	    (key_len == 0 || !memcmp(landmark->key, key, key_len)))
		return landmark;

	landmark->moment = moment;
	landmark->table = table;
	landmark->key_len = (uint16_t)key_len;
	landmark->state = LANDMARK_UNKNOWN;
	if (key_len)
		memcpy(landmark->key, key, key_len);
	return landmark;
}
