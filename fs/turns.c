// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <utlist.h>

#include "fs/session.h"

#define ROUND_NS (200 * 1000) /* in a round of the loop */
#define LANE_NS	 (50 * 1000)  /* of it at most, before the next lane */

#define TEXT_KEPT ((size_t)2 << 20) /* octets of room, when nothing is done */

static void on_idle(uv_idle_t *idle);

int turns_start(struct turns *turns, uv_loop_t *loop)
{
	turns->loop = loop;
	turns->idle.data = turns;
	return uv_idle_init(loop, &turns->idle);
}

void turns_end(struct turns *turns)
{
	assert(!turns->lanes);
	buffer_deinit(&turns->text);
}

static enum turn_result go(struct turns *turns, struct turns_lane *lane,
			   uint64_t until_ns)
{
	struct turn *turn = lane->turns;
	/* With its last turn the lane may be gone. */
	struct session *session = lane->fs->session;
	enum turn_result result;

	LL_DELETE(lane->turns, turn);
	turns->at_work = lane;
	result = turn->go(turn, until_ns);
	turns->at_work = NULL;
	assert((result == TURN_KEEP) == (turns->text.len > 0));
	if (result == TURN_DONE)
		session_end_pending(session);
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
	struct turns *turns = idle->data;
	uint64_t now = uv_hrtime(), end = now + ROUND_NS;

	for (; turns->lanes && now < end; now = uv_hrtime()) {
		struct turns_lane *lane = turns->lanes;
		uint64_t until = now + LANE_NS < end ? now + LANE_NS : end;
		bool is_last = !lane->turns->next;
		enum turn_result result;

		DL_DELETE(turns->lanes, lane);
		result = go(turns, lane, until);
		if (result == TURN_KEEP)
			DL_PREPEND(turns->lanes, lane);
		else if (result == TURN_YIELD ||
			 (result == TURN_DONE && !is_last))
			DL_APPEND(turns->lanes, lane);
	}
	end_round(turns);
}

/* Return: whether it is done, or waits. */
static bool go_at_once(struct turns *turns, struct turns_lane *lane)
{
	uint64_t now_ms = uv_now(turns->loop), start;
	enum turn_result result;

	if (now_ms != turns->now_ms)
		turns->spent_ns = 0;
	turns->now_ms = now_ms;
	if (turns->lanes || turns->at_work || turns->spent_ns >= ROUND_NS)
		return false;
	start = uv_hrtime();
	result = go(turns, lane, start + ROUND_NS - turns->spent_ns);
	turns->spent_ns += uv_hrtime() - start;
	return result == TURN_DONE || result == TURN_WAIT;
}

/* Return: whether it is the first one of its lane. */
static bool add(struct fs *fs, struct turns_lane *lane, struct turn *turn)
{
	bool is_first = !lane->turns;

	assert(fs->commons->turns.at_work != lane);
	assert(!lane->fs || lane->fs == fs);
	lane->fs = fs;
	turn->next = NULL;
	LL_APPEND(lane->turns, turn);
	session_add_pending(fs->session);
	return is_first;
}

void turns_add(struct fs *fs, struct turns_lane *lane, struct turn *turn)
{
	if (add(fs, lane, turn) && !go_at_once(&fs->commons->turns, lane))
		turns_resume(lane);
}

void turns_add_later(struct fs *fs, struct turns_lane *lane, struct turn *turn)
{
	if (add(fs, lane, turn))
		turns_resume(lane);
}

void turns_resume(struct turns_lane *lane)
{
	struct turns *turns = &lane->fs->commons->turns;

	assert(lane->turns);
	DL_APPEND(turns->lanes, lane);
	uv_idle_start(&turns->idle, on_idle);
}
