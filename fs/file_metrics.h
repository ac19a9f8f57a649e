/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_metrics.h - `metrics`: what others than its table have to know
 */
#ifndef FS_FILE_METRICS_H
#define FS_FILE_METRICS_H

struct commons;

/** file_metrics_end() - at the end: nobody waits for a page any more */
void file_metrics_end(struct commons *commons);

#endif
