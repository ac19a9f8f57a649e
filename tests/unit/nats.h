/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nats.h - real servers of NATS on loopback, for a test
 *
 * The program is that of CIRCUITFS_NATS, else the one that tests/packages.sh
 * has unpacked, else an installed one. Each server is
 * a process of ours; what is left is killed by nats_stop().
 */
#ifndef TESTS_UNIT_NATS_H
#define TESTS_UNIT_NATS_H

#include <stdbool.h>
#include <sys/types.h>

struct nats {
	pid_t pid;
	int port;
	char url[64]; /* nats://127.0.0.1:PORT */
	char dir[64]; /* its own */
};

/** nats_program() - its path; NULL, and the reason was printed */
const char *nats_program(void);

/** nats_start() - with a configuration, beside the port; waits until it listens
 * @port: 0: any that is free
 */
void nats_start(struct nats *out, int port, const char *config);

/** nats_stop() - by SIGKILL; also one that is stopped, or was already */
void nats_stop(struct nats *nats);

/* Certificates that a test makes, and what a server's configuration says. */
struct nats_tls {
	char dir[64];
	char config[256];
	char *ca; /* PEM */
};

/** nats_tls_make() - a CA, and a certificate of @names for a server
 *
 * @names: as "DNS:localhost,IP:127.0.0.1". Return: whether there is openssl.
 */
bool nats_tls_make(struct nats_tls *out, const char *names);
void nats_tls_free(struct nats_tls *tls);

/** nats_free_port() - one that nobody has */
int nats_free_port(void);

#endif
