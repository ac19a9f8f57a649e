/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group.h - jobs that share one transaction, and its commit
 *
 * Threading: the writer's.
 */
#ifndef ANCHORS_GROUP_H
#define ANCHORS_GROUP_H

#include "anchors/transaction.h"

/**
 * group_run() - run each job, and bring what it did to disk if one asks for it
 * @jobs: utlist, not empty; each has its result when this returns
 *
 * They run in the open transaction, or begin one. It is committed when a job
 * is to be durable, or too much early work has piled up in it; else it stays
 * open. Where it is lost, each job is run again alone, so that only those fail
 * that make it fail.
 */
void group_run(struct transaction *transaction, struct job *jobs);

#endif
