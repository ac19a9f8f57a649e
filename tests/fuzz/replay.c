// SPDX-License-Identifier: Apache-2.0
/*
 * replay.c - gives a fuzz target the inputs of files and directories
 *
 * Stands in for libFuzzer, so that a corpus is a test with every compiler.
 * Each input is also cut off at its half and told backwards: a few more
 * that nobody has looked for.
 */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>

#include "fuzz.h"

#define INPUT_MAX (1 << 20)

static unsigned replayed;

static void give(const uint8_t *data, size_t size)
{
	uint8_t *copy = fuzz_copy(data, size);

	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static void give_variants(const uint8_t *data, size_t size)
{
	uint8_t *turned = malloc(size + 1);

	fuzz_claim(turned);
	for (size_t i = 0; i < size; i++)
		turned[i] = data[size - 1 - i];
	give(data, size);
	give(data, size / 2);
	give(turned, size);
	free(turned);
}

static int replay(const char *path, const struct stat *stat, int flag,
		  struct FTW *ftw)
{
	static uint8_t data[INPUT_MAX];
	FILE *file;
	size_t size;

	(void)stat, (void)ftw;
	if (flag != FTW_F)
		return 0;
	file = fopen(path, "re");
	if (!file) {
		perror(path);
		return -1;
	}
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	/* The last line that is seen of an input that aborts. */
	fprintf(stderr, "%s\n", path);
	give_variants(data, size);
	replayed++;
	return 0;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (nftw(argv[i], replay, 16, FTW_PHYS) != 0)
			return EXIT_FAILURE;
	printf("%u inputs\n", replayed);
	return replayed ? EXIT_SUCCESS : EXIT_FAILURE;
}
