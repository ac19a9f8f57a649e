// SPDX-License-Identifier: Apache-2.0
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "fs/fleet/bus_tcp.h"

bool bus_tcp_moves(int fd, uint64_t *taken)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);
	uint64_t before = *taken;

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return false;
	*taken = info.tcpi_bytes_acked;
	return info.tcpi_notsent_bytes && *taken != before;
}
