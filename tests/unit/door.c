// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "door.h"

#define PAIRS 8

struct pair {
	int front, behind;
};

static struct sockaddr_in place(int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static struct pair pair_up(struct door *door)
{
	struct sockaddr_in at = place(door->behind);
	struct pair pair = {
		.front = accept(door->listener, NULL, NULL),
		.behind = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
	};

	usleep(atomic_load(&door->wait_ms) * 1000);
	/* There may be nobody any more: then it ends at once. */
	if (connect(pair.behind, (struct sockaddr *)&at, sizeof(at)) < 0)
		shutdown(pair.front, SHUT_RDWR);
	return pair;
}

/* Return: octets; 0: it has ended. */
static size_t pass(int from, int to, size_t most)
{
	char octets[16384];
	ssize_t len = recv(from, octets,
			   most < sizeof(octets) ? most : sizeof(octets), 0);

	if (len <= 0)
		return 0;
	for (ssize_t at = 0, r; at < len; at += r) {
		r = send(to, octets + at, (size_t)(len - at), MSG_NOSIGNAL);
		if (r <= 0)
			return 0;
	}
	return (size_t)len;
}

static void *door_main(void *arg)
{
	struct door *door = arg;
	struct pollfd polls[1 + 2 * PAIRS] = {{door->listener, POLLIN, 0}};
	nfds_t count = 1;
	size_t left = door->most;

	while (!atomic_load(&door->closing)) {
		poll(polls, count, 20);
		if (atomic_exchange(&door->puts_out, false))
			for (nfds_t i = 1; i < count; i++)
				shutdown(polls[i].fd, SHUT_RDWR);
		if (polls[0].revents && count + 2 <= 1 + 2 * PAIRS) {
			struct pair pair = pair_up(door);

			polls[count++] = (struct pollfd){pair.front, POLLIN, 0};
			polls[count++] =
				(struct pollfd){pair.behind, POLLIN, 0};
			continue;
		}
		for (nfds_t i = 1; i < count; i += 2) {
			size_t len;

			if (polls[i].revents &&
			    !pass(polls[i].fd, polls[i + 1].fd, SIZE_MAX))
				polls[i].events = 0;
			if (!polls[i + 1].revents || !left)
				continue;
			len = pass(polls[i + 1].fd, polls[i].fd, left);
			left -= len;
			if (!left || !len)
				polls[i + 1].events = 0;
		}
	}
	for (nfds_t i = 1; i < count; i++)
		close(polls[i].fd);
	return NULL;
}

void door_open(struct door *door, int behind, size_t most)
{
	struct sockaddr_in at = place(0);
	socklen_t len = sizeof(at);

	*door = (struct door){.behind = behind, .most = most};
	door->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(door->listener, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(door->listener, 10), 0);
	assert_int_equal(
		getsockname(door->listener, (struct sockaddr *)&at, &len), 0);
	door->port = ntohs(at.sin_port);
	assert_int_equal(pthread_create(&door->thread, NULL, door_main, door),
			 0);
}

void door_close(struct door *door)
{
	atomic_store(&door->closing, true);
	pthread_join(door->thread, NULL);
	close(door->listener);
}
