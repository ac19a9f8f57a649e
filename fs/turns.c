// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <utlist.h>

#include "fs/session.h"

#define ROUND_NS (200 * 1000) /* in a round of the loop */
#define LANE_NS	 (50 * 1000)  /* of it at most, before the next lane */

#define TEXT_KEPT ((size_t)2 << 20) /* octets of room, when nothing is done */

static void on_idle(uv_idle_t *idle);

int turns_start(struct fs *fs)
{
	fs->turns.idle.data = fs;
	return uv_idle_init(fs->host->loop, &fs->turns.idle);
}

void turns_end(struct fs *fs)
{
	assert(!fs->turns.lanes);
	buffer_deinit(&fs->turns.text);
}

static enum turn_result go(struct fs *fs, struct turns_lane *lane,
			   uint64_t until_ns)
{
	struct turn *turn = lane->turns;
	enum turn_result result;

	LL_DELETE(lane->turns, turn);
	fs->turns.at_work = lane;
	result = turn->go(turn, until_ns);
	fs->turns.at_work = NULL;
	assert((result == TURN_KEEP) == (fs->turns.text.len > 0));
	if (result == TURN_DONE)
		fs->session->pending--;
	else
		LL_PREPEND(lane->turns, turn);
	return result;
}

static void end_round(struct turns *turns)
{
	if (turns->lanes)
		return;
	uv_idle_stop(&turns->idle);
	if (turns->text.cap > TEXT_KEPT)
		buffer_deinit(&turns->text);
}

static void on_idle(uv_idle_t *idle)
{
	struct fs *fs = idle->data;
	struct turns *turns = &fs->turns;
	uint64_t now = uv_hrtime(), end = now + ROUND_NS;

	for (; turns->lanes && now < end; now = uv_hrtime()) {
		struct turns_lane *lane = turns->lanes;
		uint64_t until = now + LANE_NS < end ? now + LANE_NS : end;
		bool is_last = !lane->turns->next;
		enum turn_result result;

		DL_DELETE(turns->lanes, lane);
		result = go(fs, lane, until);
		if (result == TURN_KEEP)
			DL_PREPEND(turns->lanes, lane);
		else if (result == TURN_YIELD ||
			 (result == TURN_DONE && !is_last))
			DL_APPEND(turns->lanes, lane);
	}
	end_round(turns);
}

/* Return: whether it is done, or waits. */
static bool go_at_once(struct fs *fs, struct turns_lane *lane)
{
	struct turns *turns = &fs->turns;
	uint64_t now_ms = uv_now(fs->host->loop), start;
	enum turn_result result;

	if (now_ms != turns->now_ms)
		turns->spent_ns = 0;
	turns->now_ms = now_ms;
	if (turns->lanes || turns->at_work || turns->spent_ns >= ROUND_NS)
		return false;
	start = uv_hrtime();
	result = go(fs, lane, start + ROUND_NS - turns->spent_ns);
	turns->spent_ns += uv_hrtime() - start;
	return result == TURN_DONE || result == TURN_WAIT;
}

void turns_add(struct fs *fs, struct turns_lane *lane, struct turn *turn)
{
	bool is_first = !lane->turns;

	assert(fs->turns.at_work != lane);
	turn->next = NULL;
	LL_APPEND(lane->turns, turn);
	fs->session->pending++;
	if (!is_first || go_at_once(fs, lane))
		return;
	turns_resume(fs, lane);
}

void turns_resume(struct fs *fs, struct turns_lane *lane)
{
	assert(lane->turns);
	DL_APPEND(fs->turns.lanes, lane);
	uv_idle_start(&fs->turns.idle, on_idle);
}
