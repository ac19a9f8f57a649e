// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "dns/serve/udp_out.h"
#include "dns/wire/util.h"

static struct udp_out out;
static struct traffic *traffic;

static int setup(void **state)
{
	(void)state;
	memset(&out, 0, sizeof(out));
	return traffic_new(&traffic, 1, 1);
}

static int teardown(void **state)
{
	(void)state;
	traffic = traffic_free(traffic);
	return 0;
}

/* Who asks: a client, and what the kernel said of where. */
struct asker {
	struct sockaddr_in name;
	uint8_t control[CMSG_SPACE(sizeof(struct in_pktinfo))];
	struct msghdr query;
};

static void ask_from(struct asker *asker, uint16_t port, uint8_t asked)
{
	struct cmsghdr *cmsg = (struct cmsghdr *)asker->control;
	struct in_pktinfo info = {
		.ipi_spec_dst.s_addr = htonl(INADDR_LOOPBACK + asked - 1),
	};

	memset(asker, 0, sizeof(*asker));
	asker->name.sin_family = AF_INET;
	asker->name.sin_port = htons(port);
	asker->name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	asker->query.msg_name = &asker->name;
	asker->query.msg_namelen = sizeof(asker->name);
	if (!asked)
		return;
	cmsg->cmsg_level = IPPROTO_IP;
	cmsg->cmsg_type = IP_PKTINFO;
	cmsg->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(cmsg), &info, sizeof(info));
	asker->query.msg_control = asker->control;
	asker->query.msg_controllen = sizeof(asker->control);
}

/* An answer of so many octets, all of one kind. */
static void put(const struct asker *asker, size_t len, uint8_t octet, bool cuts)
{
	uint8_t *room = udp_out_room(&out);

	assert_non_null(room);
	memset(room, octet, len);
	udp_out_put(&out, &asker->query, len, cuts);
}

static void answers_alike_to_one_client_are_one_message(void **state)
{
	static const struct {
		struct {
			uint16_t port;
			uint8_t asked; /* 0: nothing is said of where */
			size_t len;
		} of[3];
		bool cuts;
		unsigned messages;
	} cases[] = {
		{{{1, 0, 60}, {1, 0, 60}, {1, 0, 60}}, true, 1},
		{{{1, 2, 60}, {1, 2, 60}, {1, 2, 60}}, true, 1},
		{{{1, 0, 60}, {1, 0, 60}, {1, 0, 60}}, false, 3},
		{{{1, 0, 60}, {2, 0, 60}, {1, 0, 60}}, true, 3},
		{{{1, 0, 60}, {1, 0, 61}, {1, 0, 61}}, true, 2},
		{{{1, 0, 60}, {1, 0, 59}, {1, 0, 60}}, true, 3},
		{{{1, 1, 60}, {1, 2, 60}, {1, 2, 60}}, true, 2},
		{{{1, 0, ANSWER_EDNS_SIZE},
		  {1, 0, ANSWER_EDNS_SIZE},
		  {1, 0, ANSWER_EDNS_SIZE}},
		 true,
		 1},
		/* TCP's sizes: no path takes them whole. */
		{{{1, 0, 2000}, {1, 0, 2000}, {1, 0, 2000}}, true, 3},
	};
	struct asker asker[3];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(&out, 0, sizeof(out));
		for (unsigned j = 0; j < 3; j++) {
			ask_from(&asker[j], cases[i].of[j].port,
				 cases[i].of[j].asked);
			put(&asker[j], cases[i].of[j].len, 0, cases[i].cuts);
		}
		assert_int_equal(out.count, cases[i].messages);
	}
}

static void there_is_room_for_a_batch_and_no_more(void **state)
{
	struct asker asker;

	(void)state;
	ask_from(&asker, 1, 0);
	for (unsigned i = 0; i < UDP_BATCH; i++)
		put(&asker, 100 + i, 0, true);
	assert_null(udp_out_room(&out));
	memset(&out, 0, sizeof(out));
	put(&asker, MESSAGE_TCP_SIZE, 0, true);
	assert_null(udp_out_room(&out));
}

static int bound(struct sockaddr_in *at)
{
	socklen_t len = sizeof(*at);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	*at = (struct sockaddr_in){.sin_family = AF_INET};
	at->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)at, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)at, &len), 0);
	return fd;
}

/* Three alike, one that is shorter, and three alike again. */
static void put_seven(const struct asker *asker)
{
	static const size_t lens[] = {60, 60, 60, 40, 50, 50, 50};

	for (uint8_t i = 0; i < ARRAY_SIZE(lens); i++)
		put(asker, lens[i], i, true);
}

static void expect_seven(int fd)
{
	static const ssize_t lens[] = {60, 60, 60, 40, 50, 50, 50};
	uint8_t answer[256];

	for (unsigned i = 0; i < ARRAY_SIZE(lens); i++) {
		assert_int_equal(recv(fd, answer, sizeof(answer), MSG_DONTWAIT),
				 lens[i]);
		assert_int_equal(answer[0], i);
		assert_int_equal(answer[lens[i] - 1], i);
	}
	assert_int_equal(recv(fd, answer, sizeof(answer), MSG_DONTWAIT), -1);
}

static uint64_t dropped(void)
{
	return traffic_sum(traffic, TRAFFIC_DROPPED);
}

static void each_answer_comes_as_a_datagram(void **state)
{
	struct sockaddr_in there, here;
	int client = bound(&there), fd = bound(&here);

	(void)state;
	for (uint8_t asked = 0; asked < 2; asked++) {
		struct asker asker;

		ask_from(&asker, ntohs(there.sin_port), asked);
		put_seven(&asker);
		assert_true(udp_out_send(&out, fd, &traffic->lanes[0]));
		expect_seven(client);
	}
	assert_int_equal(dropped(), 0);
	close(client);
	close(fd);
}

/* It takes checksums to cut, so this is a kernel that cannot. */
static void who_cannot_cut_sends_each_by_itself(void **state)
{
	struct sockaddr_in there, here;
	int client = bound(&there), fd = bound(&here), on = 1;
	struct asker asker;

	(void)state;
	setsockopt(fd, SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on));
	ask_from(&asker, ntohs(there.sin_port), 1);
	put_seven(&asker);
	assert_false(udp_out_send(&out, fd, &traffic->lanes[0]));
	expect_seven(client);
	assert_int_equal(dropped(), 0);
	assert_int_equal(out.count, 0);
	close(client);
	close(fd);
}

static void each_that_cannot_be_sent_is_counted(void **state)
{
	struct sockaddr_in there, here;
	int client = bound(&there), fd = bound(&here);
	struct asker nobody, asker;

	(void)state;
	ask_from(&nobody, 0, 0);
	ask_from(&asker, ntohs(there.sin_port), 0);
	put(&nobody, 60, 0, true);
	put(&nobody, 60, 0, true);
	put(&nobody, 70, 0, true);
	put_seven(&asker);
	udp_out_send(&out, fd, &traffic->lanes[0]);
	assert_int_equal(dropped(), 3);
	expect_seven(client);
	close(client);
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(answers_alike_to_one_client_are_one_message),
		TEST(there_is_room_for_a_batch_and_no_more),
		TEST(each_answer_comes_as_a_datagram),
		TEST(who_cannot_cut_sends_each_by_itself),
		TEST(each_that_cannot_be_sent_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
