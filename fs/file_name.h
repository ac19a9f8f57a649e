/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_name.h - names/NAME: what others than its table have to know
 */
#ifndef FS_FILE_NAME_H
#define FS_FILE_NAME_H

#include "fs/node.h"

/**
 * file_name_render() - what a name's file shows now
 * @max: octets that there may be
 *
 * Return: 0; -EFBIG: there are more; -ENODEV, -ENOMEM, -EIO.
 */
int file_name_render(struct fs *fs, const struct node *node, size_t max,
		     struct buffer *out);

#endif
