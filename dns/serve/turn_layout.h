/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn_layout.h - what a turn is made of, for turn.c and turn_transfer.c
 *
 * turn.c takes turns, and has queries answered; turn_transfer.c has the turns
 * of who is sent a transfer.
 *
 * Threading: as connection.h.
 */
#ifndef DNS_TURN_LAYOUT_H
#define DNS_TURN_LAYOUT_H

#include "dns/serve/turn.h"

/** turn_enqueue() - behind all others whose turn it is; it is not queued */
void turn_enqueue(struct connection *connection);

/**
 * turn_send() - send, and keep what the kernel does not take
 *
 * It is a sign of life. The connection may be closed by it.
 */
void turn_send(struct connection *connection, const uint8_t *data, size_t len);

/** turn_watch() - look for these uv_poll_event; 0: for nothing */
void turn_watch(struct connection *connection, int events);

/**
 * turn_take_transfer() - may the last query be one for a transfer?
 *
 * Then the connection has it now. It is sent when all before it was answered
 * and taken, by the carrier.
 *
 * Return: octets of what is to be answered if there is no place for it; or 0.
 */
size_t turn_take_transfer(struct connection *connection, uint8_t *out);

/** turn_send_transfer() - a turn of who is sent one, in the carrier's set */
void turn_send_transfer(struct connection *connection);

/**
 * turn_settle_transfer() - what it needs for its next turn
 *
 * A worker gives it away. The carrier goes on, or waits for what is rendered;
 * that the client has gone is seen when it is sent something.
 */
void turn_settle_transfer(struct connection *connection);

/**
 * turn_ask() - is the last request one that the main loop has to see?
 * @answered: octets of the answer in @out; 0: there is none yet
 *
 * Then it is given it; and if the main loop is to answer, the connection waits.
 *
 * Return: octets of the answer by now.
 */
size_t turn_ask(struct connection *connection, const uint8_t *message,
		size_t answered, uint8_t *out);

#endif
