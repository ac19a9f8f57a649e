// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "dns/wire/util.h"
#include "nats.h"

#define START_MS 10000

const char *nats_program(void)
{
	static const char *const usual[] = {
		PEERS "/usr/sbin/nats-server",
		"/usr/sbin/nats-server",
		"/usr/bin/nats-server",
		"/usr/local/bin/nats-server",
	};
	const char *path = getenv("CIRCUITFS_NATS");

	if (path && access(path, X_OK) == 0)
		return path;
	for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
		if (access(usual[i], X_OK) == 0)
			return usual[i];
	printf("skipped: no nats-server; CIRCUITFS_NATS may name one\n");
	return NULL;
}

static struct sockaddr_in place(int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

int nats_free_port(void)
{
	struct sockaddr_in at = place(0);
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	close(fd);
	return ntohs(at.sin_port);
}

static bool listens(int port)
{
	struct sockaddr_in at = place(port);
	CLEANUP(closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0;
}

static void write_config(const struct nats *nats, const char *config)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/conf", nats->dir);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "listen: \"127.0.0.1:%d\"\nmax_payload: 2MB\n%s\n",
		nats->port, config);
	assert_int_equal(fclose(file), 0);
}

static void spawn(struct nats *nats)
{
	char config[128], log[128];
	const char *program = nats_program();
	char *argv[] = {
		(char *)(uintptr_t)program, "-c", config, "-l", log, NULL};

	snprintf(config, sizeof(config), "%s/conf", nats->dir);
	snprintf(log, sizeof(log), "%s/log", nats->dir);
	assert_non_null(program);
	assert_int_equal(
		posix_spawn(&nats->pid, program, NULL, NULL, argv, environ), 0);
}

void nats_start(struct nats *out, int port, const char *config)
{
	*out = (struct nats){.port = port ? port : nats_free_port()};
	snprintf(out->url, sizeof(out->url), "nats://127.0.0.1:%d", out->port);
	snprintf(out->dir, sizeof(out->dir), "/tmp/circuitfs-nats-XXXXXX");
	assert_non_null(mkdtemp(out->dir));
	write_config(out, config);
	spawn(out);
	for (int ms = 0; !listens(out->port); ms += 10) {
		if (ms > START_MS || waitpid(out->pid, NULL, WNOHANG))
			fail_msg("nats-server does not start: %s/log",
				 out->dir);
		usleep(10000);
	}
}

void nats_stop(struct nats *nats)
{
	char path[128];

	if (!nats->pid)
		return;
	kill(nats->pid, SIGKILL);
	waitpid(nats->pid, NULL, 0);
	nats->pid = 0;
	snprintf(path, sizeof(path), "%s/conf", nats->dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/log", nats->dir);
	unlink(path);
	rmdir(nats->dir);
}

/* ---- TLS ---- */

/* Inlined, the compiler takes a check of UBSan's for a hint that it is NULL. */
__attribute__((noinline)) static bool run_in(const char *dir, const char *words)
{
	char command[512];

	snprintf(command, sizeof(command), "cd %s && openssl %s 2>/dev/null",
		 dir, words);
	return system(command) == 0;
}

static char *read_text(const char *dir, const char *name)
{
	char path[128], *text = calloc(1, 8192);
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_in_range(fread(text, 1, 8191, file), 1, 8190);
	fclose(file);
	return text;
}

bool nats_tls_make(struct nats_tls *out, const char *names)
{
	static const char key[] = "-newkey ec -pkeyopt "
				  "ec_paramgen_curve:P-256 -nodes";
	char words[320];

	*out = (struct nats_tls){.dir = "/tmp/circuitfs-tls-XXXXXX"};
	assert_non_null(mkdtemp(out->dir));
	snprintf(words, sizeof(words),
		 "req -x509 %s -days 2 -subj /CN=ca -keyout ca.key -out ca.pem",
		 key);
	if (!run_in(out->dir, words)) {
		printf("skipped: no openssl\n");
		rmdir(out->dir);
		return false;
	}
	snprintf(words, sizeof(words),
		 "req -x509 %s -CA ca.pem -CAkey ca.key -days 2 -subj /CN=s "
		 "-addext subjectAltName=%s "
		 "-addext basicConstraints=critical,CA:FALSE "
		 "-keyout s.key -out s.pem",
		 key, names);
	assert_true(run_in(out->dir, words));
	snprintf(out->config, sizeof(out->config),
		 "tls { cert_file: \"%s/s.pem\", key_file: \"%s/s.key\" }",
		 out->dir, out->dir);
	out->ca = read_text(out->dir, "ca.pem");
	return true;
}

void nats_tls_free(struct nats_tls *tls)
{
	static const char *const names[] = {"ca.key", "ca.pem", "s.key",
					    "s.pem"};
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", tls->dir, names[i]);
		unlink(path);
	}
	rmdir(tls->dir);
	free(tls->ca);
}
