/*
 * Spin model of the order protocol: placing, paying, ending, abandoning, relaying, consuming.
 * docs/explanation/protocol.md explains it and names the code of each step. model/configurations.ts lists the
 * configurations and the faults (FAULT_…) that are checked.
 *
 * A process of the model is a process of the shop, or one request in it. While faults are enabled (`faulty`), it may
 * die at every step: its memory is lost, and another process takes over. A message is a variable that keeps its value
 * until it is handled: it may be handled late, twice, never, or after messages that were sent later. From some point on
 * nothing fails any more (`calm`); then the shop must come to rest with every promise kept.
 *
 * A step is one transaction of PostgreSQL or one update of one document, together with the following work in memory. A
 * process that dies between two steps has the same effect as one whose next message is lost, so one choice covers both.
 */

/*
 * STOCK     attempts to place orders, and products; otherwise orders are placed in one step
 * RELAY     the outbox and its relays; otherwise an event is in the stream at its commit
 * MAILS     notifications processes the events; with SENDING, it also sends the mails
 * KEYLESS   attempts without an Idempotency-Key
 * SAME_KEY  attempts 0 and 1 have the same key
 */
#ifndef UNITS
#define UNITS 2                 /* units supplied of the single product */
#endif
#ifndef ORDERS
#define ORDERS 2                /* attempts to order one unit, each with its own reservation id */
#endif

#ifdef KEYLESS
#define IS_KEYED false
#else
#define IS_KEYED true
#endif
#ifdef SAME_KEY
#define KEY_OF(attempt) ((attempt) == 0 -> 0 : (attempt) - 1)
#else
#define KEY_OF(attempt) (attempt)
#endif

/* Products ignores the first event of an order, so it exists only with notifications. */
#ifdef MAILS
#define EVENTS (2 * ORDERS)
#define PLACED_EVENT(o) (2 * (o))
#define LATER_EVENT(o) (2 * (o) + 1)
#define ORDER_OF(e) ((e) / 2)
#define SEQUENCE_OF(e) ((e) % 2 + 1)
#else
#define EVENTS ORDERS
#define LATER_EVENT(o) (o)
#define ORDER_OF(e) (e)
#define SEQUENCE_OF(e) 2
#endif

/* ---- Faults of the environment ---- */

bit calm = 0;
#define faulty (!calm)

/* A cycle after this point is a livelock: failures have stopped, but the shop does not come to rest. */
active proctype world() {
progress_faults:
	d_step { calm = 1; printf("from here on nothing fails any more\n") }
}

/* ---- products' store: one document ---- */

#ifdef STOCK
byte stock = UNITS;
bit hold[ORDERS];               /* by reservation */
byte sold;                      /* units whose hold was consumed */

/* Call of reserve and its response, by attempt. */
#define NOTHING 0
#define ASKED 1
#define ASKED_IN_VAIN 2         /* in flight, but its caller has stopped waiting */
#define SHORT 3                 /* response: OUT_OF_STOCK */
#define HELD_BY 4               /* and above, response: held by reservation n - HELD_BY */
byte reserve_call[ORDERS];

bit release_call[ORDERS];       /* calls of release, and responses to the sweeper, by reservation */

/* Call of place_order() and its response, by attempt. */
#define SENT 1
#define SENT_IN_VAIN 2
#define COMMITTED 3
#define DUPLICATE 4             /* unique_violation */
#define ROLLED_BACK 5           /* definitely rolled back: SQLSTATE class 40 or 53 */
byte transaction[ORDERS];
byte transaction_for[ORDERS];   /* reservation of the order to be placed */
#endif

/* ---- The database of orders ---- */

/* `reservations`, by id. */
#define FREE 0
#define ABANDONED 1
#define TAKEN 2
byte reservation[ORDERS];

/* `orders`, by reservation. */
#define NOT_PLACED 0
#define PENDING 1
#define PAID 2
#define ENDED 3                 /* cancelled or expired */
byte order_status[ORDERS];

/* `idempotency_keys`, by key. */
#define NO_ANSWER 0
#define REFUSED 1
#define ORDER 2                 /* and above: order of reservation n - ORDER */
byte answer[ORDERS];

#ifdef RELAY
bit outbox[EVENTS];             /* rows not published yet */
byte relay_lock;                /* 0 if no session holds it */
#endif

/* ---- The stream, and the unacknowledged events of its consumers ---- */

bit in_stream[EVENTS];
#ifdef STOCK
bit for_products[EVENTS];
#endif

/* ---- The database of notifications ---- */

#ifdef MAILS
bit for_notifications[EVENTS];
byte inbox[ORDERS];             /* `inbox`: last event processed for each order */
bit inbox_gap[ORDERS];          /* `inbox_gaps`: its first event was skipped */
byte mails[EVENTS];             /* `notifications`: number of rows for an event */
#ifdef SENDING
bit mail_marked[EVENTS];        /* its status is `sent` */
bit mail_sent[EVENTS];          /* the mail server received it at least once */
#endif
#endif

/* ---- Memory of processes ---- */

#ifdef STOCK
bit has_begun[ORDERS];          /* attempts that have begun */
bit has_event[2];               /* products processes with an event in hand */
#endif
#ifdef RELAY
bit has_row[2];
#endif

inline deliver(e) {
	in_stream[e] = 1;
#ifdef STOCK
	for_products[e] = (SEQUENCE_OF(e) == 2);
#endif
#ifdef MAILS
	for_notifications[e] = 1;
#endif
}

/* publish() of outbox-table.sql: a row in the caller's transaction. */
inline publish(e) {
#ifdef RELAY
	outbox[e] = 1;
#else
	deliver(e);
#endif
}

/* ---- Promises ---- */

#define PROMISE(condition, text) \
	if \
	:: condition \
	:: else -> printf("broken: "); printf(text); printf("\n"); assert(false) \
	fi

#if ORDERS == 1
#define SUM(term) term(0)
#elif ORDERS == 2
#define SUM(term) (term(0) + term(1))
#else
#define SUM(term) (term(0) + term(1) + term(2))
#endif
#define IS_HELD(o) hold[o]
#define IS_ALIVE(o) (order_status[o] == PENDING || order_status[o] == PAID)
#define IS_PAID(o) (order_status[o] == PAID)

inline check_always() {
	skip;
#ifdef STOCK
	PROMISE(stock + SUM(IS_HELD) + sold == UNITS, "units are conserved");
	PROMISE(SUM(IS_ALIVE) <= UNITS, "no unit is sold twice");
#endif
#ifdef SAME_KEY
	PROMISE(!(order_status[0] != NOT_PLACED && order_status[1] != NOT_PLACED), "one key, one order");
#endif
}

inline check_order_at_rest(o) {
	PROMISE(order_status[o] != PENDING, "deadlines are kept");
	PROMISE(order_status[o] == NOT_PLACED || in_stream[LATER_EVENT(o)], "no event is lost");
#ifdef STOCK
	PROMISE(!hold[o], "no hold is left for ever");
	PROMISE(!for_products[LATER_EVENT(o)], "every event is taken in by products");
	PROMISE(has_begun[o] && reserve_call[o] == NOTHING && transaction[o] == NOTHING, "no attempt waits for ever");
#ifndef FAULT_FORGETS_SOLD
	PROMISE(reservation[o] != ABANDONED || order_status[o] == NOT_PLACED, "abandoned is for ever");
#endif
	PROMISE(!IS_KEYED || order_status[o] == NOT_PLACED || answer[KEY_OF(o)] == ORDER + o, "the answer of a key is its order");
#endif
#ifdef MAILS
	PROMISE(mails[PLACED_EVENT(o)] == (order_status[o] != NOT_PLACED), "one mail for each event");
	PROMISE(mails[LATER_EVENT(o)] == (order_status[o] != NOT_PLACED), "one mail for each event");
#ifdef SENDING
	PROMISE(mail_sent[PLACED_EVENT(o)] == mails[PLACED_EVENT(o)], "every mail is sent");
	PROMISE(mail_sent[LATER_EVENT(o)] == mails[LATER_EVENT(o)], "every mail is sent");
#endif
#endif
}

/* No process can make a step any more. */
active proctype rest() {
	timeout;
	d_step {
		printf("the shop is at rest\n");
		check_order_at_rest(0);
#if ORDERS > 1
		check_order_at_rest(1);
#endif
#if ORDERS > 2
		check_order_at_rest(2);
#endif
#ifdef STOCK
		PROMISE(UNITS == stock + SUM(IS_HELD) + SUM(IS_PAID), "supplied = stock + held + sold");
		PROMISE(!has_event[0] && !has_event[1], "no process of products waits for ever");
#endif
#ifdef RELAY
		PROMISE(!has_row[0] && !has_row[1], "no relay waits for ever");
#endif
	}
}

/* ---- orders: a request to place an order ---- */

#ifdef STOCK

/* abandon() of reservations.ts: INSERT … ON CONFLICT DO NOTHING. */
inline abandon(r) {
	if
	:: reservation[r] == FREE -> reservation[r] = ABANDONED
	:: else
	fi
}

#ifdef FAULT_GIVE_UP_WITHOUT_ABANDON
#define IS_ABANDONED_FIRST false
#else
#define IS_ABANDONED_FIRST IS_KEYED
#endif

/* giveUp() of place.ts: a keyed reservation may belong to another attempt, too. */
inline give_up(r) {
	if
	:: IS_ABANDONED_FIRST ->
		abandon(r);
		if
		:: reservation[r] == ABANDONED -> release_call[r] = 1
		:: else
		fi
	:: else -> release_call[r] = 1
	fi
}

/* The order exists, and every response for this key has it. */
inline answer_placed(r) {
	PROMISE(order_status[r] != NOT_PLACED, "an answered order is there");
	PROMISE(!IS_KEYED || answer[KEY_OF(me)] == ORDER + r, "everybody with this key gets the same order")
}

/* The attempt stops waiting for its messages. They may still arrive. */
inline stop_waiting() {
	reserve_call[me] = (reserve_call[me] == ASKED -> ASKED_IN_VAIN : NOTHING);
	transaction[me] = (transaction[me] == SENT -> SENT_IN_VAIN : NOTHING)
}

/* Identical attempts are numbered in the order in which they begin. */
#ifdef SAME_KEY
#define MAY_BEGIN(a) ((a) != 1 || has_begun[0])
#else
#define MAY_BEGIN(a) ((a) == 0 || has_begun[(a) - 1])
#endif

proctype attempt(byte me) {
	if
	:: d_step {
		MAY_BEGIN(me) && (!IS_KEYED || answer[KEY_OF(me)] == NO_ANSWER) ->
		has_begun[me] = 1;
		reserve_call[me] = ASKED;
		printf("attempt %d: asks products to reserve a unit\n", me)
	}
	:: d_step {
		MAY_BEGIN(me) && IS_KEYED && answer[KEY_OF(me)] != NO_ANSWER ->
		has_begun[me] = 1;
		printf("attempt %d: its key has an answer already\n", me)
	}
		goto over
	fi;
	/* Wait for products. */
	if
	:: d_step {
		reserve_call[me] >= HELD_BY ->
		transaction_for[me] = reserve_call[me] - HELD_BY;
		reserve_call[me] = NOTHING;
		transaction[me] = SENT;
		printf("attempt %d: sends place_order() for reservation %d\n", me, transaction_for[me])
	}
	:: d_step {
		reserve_call[me] == SHORT ->
		reserve_call[me] = NOTHING;
		/* statements.storeAnswer(): all attempts return the response that is stored first. */
		if
		:: IS_KEYED && answer[KEY_OF(me)] == NO_ANSWER -> answer[KEY_OF(me)] = REFUSED
		:: else
		fi;
		printf("attempt %d: is refused\n", me)
	}
		goto over
	:: d_step {
		faulty ->
		stop_waiting();
		give_up(me);
		printf("attempt %d: has no answer from products in time and gives reservation %d up\n", me, me)
	}
		goto over
	:: d_step { faulty -> stop_waiting(); printf("attempt %d: dies while it waits for products\n", me) }
		goto over
	fi;
	/* Wait for PostgreSQL. */
	if
	:: d_step {
		transaction[me] == COMMITTED ->
		answer_placed(transaction_for[me]);
		printf("attempt %d: answers 201\n", me);
		transaction[me] = NOTHING;
		transaction_for[me] = 0
	}
	:: d_step {
		transaction[me] == DUPLICATE || transaction[me] == ROLLED_BACK ->
		give_up(transaction_for[me]);
		printf("attempt %d: its transaction failed, it gives reservation %d up\n", me, transaction_for[me]);
		transaction[me] = NOTHING;
		transaction_for[me] = 0
	}
	:: d_step {
		faulty ->
		/* settleUnknown() of place.ts */
		printf("attempt %d: has no answer from PostgreSQL, it abandons reservation %d\n", me, transaction_for[me]);
		stop_waiting();
		abandon(transaction_for[me]);
		if
		:: reservation[transaction_for[me]] == ABANDONED -> release_call[transaction_for[me]] = 1
		:: else -> answer_placed(transaction_for[me])
		fi
	}
	:: d_step { faulty -> stop_waiting(); printf("attempt %d: dies while it waits for PostgreSQL\n", me) }
	fi;
over:
	skip
}

/* ---- PostgreSQL: place_order() ---- */

#ifdef FAULT_ABANDONED_COMMITS
#define IS_UNIQUE(a) (reservation[transaction_for[a]] != TAKEN)
#else
#define IS_UNIQUE(a) (reservation[transaction_for[a]] == FREE)
#endif
#define MAY_COMMIT(a) (IS_UNIQUE(a) && (!IS_KEYED || answer[KEY_OF(a)] == NO_ANSWER))

inline answer_transaction(a, outcome) {
	if
	:: transaction[a] == SENT -> transaction[a] = outcome
	:: else -> transaction[a] = NOTHING; transaction_for[a] = 0
	fi
}

inline place_order(a) {
	if
	:: d_step {
		MAY_COMMIT(a) ->
		printf("PostgreSQL: commits the order of reservation %d\n", transaction_for[a]);
		reservation[transaction_for[a]] = TAKEN;
		order_status[transaction_for[a]] = PENDING;
		if
		:: IS_KEYED -> answer[KEY_OF(a)] = ORDER + transaction_for[a]
		:: else
		fi;
#ifdef MAILS
		publish(PLACED_EVENT(transaction_for[a]));
#endif
		check_always();
		answer_transaction(a, COMMITTED)
	}
	:: d_step {
		!MAY_COMMIT(a) ->
		printf("PostgreSQL: refuses the order of attempt %d, its reservation or key is there\n", a);
		answer_transaction(a, DUPLICATE)
	}
	:: d_step {
		faulty ->
		printf("PostgreSQL: rolls the order of attempt %d back\n", a);
		answer_transaction(a, ROLLED_BACK)
	}
	fi
}

#define IS_SENT(a) (transaction[a] == SENT || transaction[a] == SENT_IN_VAIN)

active proctype orders_database() {
end_idle:
	do
	:: atomic { IS_SENT(0) -> place_order(0) }
#if ORDERS > 1
	:: atomic { IS_SENT(1) -> place_order(1) }
#endif
#if ORDERS > 2
	:: atomic { IS_SENT(2) -> place_order(2) }
#endif
	od
}

#endif

/* ---- orders: paying, cancelling, expiring ---- */

#ifdef FAULT_MOVE_UNCONDITIONAL
#define MAY_MOVE(o, target) (order_status[o] == PENDING || faulty && order_status[o] == PAID && target == ENDED)
#else
#define MAY_MOVE(o, target) (order_status[o] == PENDING)
#endif

/* move_order(): one conditional update, with the event in the same transaction. Of concurrent updates one succeeds. */
inline move(o, target) {
	d_step {
		MAY_MOVE(o, target) ->
		order_status[o] = target;
		publish(LATER_EVENT(o));
		check_always();
		printf("orders: the order of reservation %d is now in state %d (2 paid, 3 cancelled or expired)\n", o, target)
	}
}

#ifdef FAULT_EVENT_APART
inline move_without_event(o, target) {
	d_step {
		faulty && order_status[o] == PENDING ->
		order_status[o] = target;
		printf("orders: moves the order of reservation %d and dies before its event is written\n", o)
	}
}
#endif

#ifdef FAULT_RESERVE_TWICE
/* The first call is delivered twice. */
active proctype network() {
end_idle:
	d_step {
		faulty && has_begun[0] && stock > 0 && !hold[0] && reserve_call[0] == NOTHING ->
		printf("products: the call of reserve comes again, a unit is held for reservation 0\n");
		stock--;
		hold[0] = 1
	}
}
#endif

#if defined(FAULT_FORGETS_ABANDONED) || defined(FAULT_FORGETS_SOLD) || defined(FAULT_FORGETS_PLACE)
/* Rows are pruned too early. */
active proctype pruning() {
end_idle:
#ifdef FAULT_FORGETS_ABANDONED
	d_step {
		faulty && reservation[0] == ABANDONED ->
		printf("orders: forgets that reservation 0 is abandoned\n");
		reservation[0] = FREE
	}
#endif
#ifdef FAULT_FORGETS_SOLD
	d_step {
		faulty && order_status[0] == PAID && hold[0] ->
		printf("orders: forgets reservation 0, whose order is paid\n");
		reservation[0] = FREE
	}
#endif
#ifdef FAULT_FORGETS_PLACE
	d_step {
		faulty && inbox[0] == 2 ->
		printf("notifications: forgets how far it is with order 0\n");
		inbox[0] = 0
	}
#endif
}
#endif

active [2] proctype orders() {
end_idle:
	do
#ifndef STOCK
	/* Orders are identical: they are placed in the order of their numbers. */
	:: d_step { order_status[0] == NOT_PLACED -> order_status[0] = PENDING; publish(PLACED_EVENT(0)) }
#if ORDERS > 1
	:: d_step {
		order_status[1] == NOT_PLACED && order_status[0] != NOT_PLACED ->
		order_status[1] = PENDING;
		publish(PLACED_EVENT(1))
	}
#endif
#endif
#ifdef FAULT_EVENT_APART
	:: move_without_event(0, PAID)
#endif
	:: move(0, PAID)
#if ORDERS > 1
	:: move(1, PAID)
#endif
#if ORDERS > 2
	:: move(2, PAID)
#endif
	/* Notifications treats all later events alike. */
#ifdef STOCK
	:: move(0, ENDED)
#if ORDERS > 1
	:: move(1, ENDED)
#endif
#if ORDERS > 2
	:: move(2, ENDED)
#endif
#endif
	od
}

/* ---- products ---- */

#ifdef STOCK

/* Another attempt of the same request may hold a unit: its reservation is then that of the request. */
#ifdef SAME_KEY
#define HAS_TWIN(a) ((a) < 2 && hold[1 - (a)])
#else
#define HAS_TWIN(a) false
#endif
#ifdef FAULT_KEYS_APART
#define IS_HELD_BY_TWIN(a) false
#else
#define IS_HELD_BY_TWIN(a) HAS_TWIN(a)
#endif

#define IS_ASKED(a) (reserve_call[a] == ASKED || reserve_call[a] == ASKED_IN_VAIN)
#define ANSWER(a, result) reserve_call[a] = (reserve_call[a] == ASKED -> (result) : NOTHING)

/* reserve() of reserving.ts: one guarded update. */
inline reserve(a) {
	if
	:: d_step {
		IS_HELD_BY_TWIN(a) ->
		printf("products: the request of attempt %d holds a unit already\n", a);
		ANSWER(a, HELD_BY + 1 - a)
	}
	:: d_step {
		!IS_HELD_BY_TWIN(a) && stock == 0 ->
		printf("products: there is no unit for attempt %d\n", a);
		PROMISE(!HAS_TWIN(a), "no request is refused for the unit that it holds");
		ANSWER(a, SHORT)
	}
	:: d_step {
		!IS_HELD_BY_TWIN(a) && stock > 0 ->
		printf("products: holds a unit for reservation %d\n", a);
		stock--;
		hold[a] = 1;
		check_always();
		ANSWER(a, HELD_BY + a)
	}
	:: d_step {
		faulty && reserve_call[a] == ASKED_IN_VAIN ->
		printf("the call of reserve for reservation %d is lost\n", a);
		reserve_call[a] = NOTHING
	}
	fi
}

#ifdef FAULT_RELEASE_UNGUARDED
#define MAY_RELEASE(r) true
#else
#define MAY_RELEASE(r) hold[r]
#endif
#ifdef FAULT_CONSUME_UNGUARDED
#define MAY_CONSUME(r) true
#else
#define MAY_CONSUME(r) hold[r]
#endif

/* consume() and release() are settle() of settling.ts: one update each, guarded by the presence of the hold. */
inline consume(r) {
	printf("products: consumes the hold of reservation %d (there: %d)\n", r, hold[r]);
	if
	:: MAY_CONSUME(r) -> hold[r] = 0; sold++
	:: else
	fi;
	check_always()
}

inline release(r) {
	printf("products: releases the hold of reservation %d (there: %d)\n", r, hold[r]);
	if
	:: MAY_RELEASE(r) -> hold[r] = 0; stock++
	:: else
	fi;
	check_always()
}

#ifdef FAULT_RELEASES_ARE_LOST
#define MAY_BE_LOST true
#else
#define MAY_BE_LOST faulty
#endif

/* Handles a call of release, or the response that an old hold is to be released. It may be delivered twice or lost. */
inline take_release(x) {
	if
	:: d_step { release(x); release_call[x] = 0 }
	:: d_step { faulty -> release(x) }
	:: d_step { MAY_BE_LOST -> release_call[x] = 0; printf("the release of reservation %d is lost\n", x) }
	fi
}

/* The status of the order stands for the event, since a paid or ended order never changes. */
inline settle(r) {
	if
	:: order_status[r] == PAID -> consume(r)
	:: else -> release(r)
	fi
}

/*
 * The sweeper asks orders about an old hold, and settleReservations() abandons its reservation if it has no order. A
 * response without effect is omitted: it equals not having asked yet.
 */
inline sweep(x) {
	d_step {
		hold[x] && order_status[x] != PENDING && !release_call[x] ->
		printf("products: the sweeper asks orders about reservation %d\n", x);
#ifndef FAULT_RELEASE_BEFORE_ABANDON
		abandon(x);
#endif
		if
		:: order_status[x] == PAID && reservation[x] == TAKEN -> consume(x)
		:: else -> release_call[x] = 1
		fi
	}
}

/* Processes are identical: the second one takes an event only while the first one has one in hand. */

inline take_event(x) {
	d_step {
		for_products[LATER_EVENT(x)] && (me == 0 || has_event[0]) ->
		r = x;
		has_event[me] = 1;
		printf("products %d: gets the event of reservation %d\n", me, x)
	}
}

inline put_event_down() {
	r = 0;
	has_event[me] = 0
}

/* An event may be delivered to both processes, and is redelivered until it is acknowledged. */
proctype products(bit me) {
	byte r;
end_idle:
	if
	:: atomic { IS_ASKED(0) -> reserve(0) } goto end_idle
	:: atomic { release_call[0] -> take_release(0) } goto end_idle
	:: take_event(0)
#ifndef FAULT_NO_SWEEPER
	:: sweep(0) goto end_idle
#endif
#if ORDERS > 1
	:: atomic { IS_ASKED(1) -> reserve(1) } goto end_idle
	:: atomic { release_call[1] -> take_release(1) } goto end_idle
	:: take_event(1)
	:: sweep(1) goto end_idle
#endif
#if ORDERS > 2
	:: atomic { IS_ASKED(2) -> reserve(2) } goto end_idle
	:: atomic { release_call[2] -> take_release(2) } goto end_idle
	:: take_event(2)
	:: sweep(2) goto end_idle
#endif
	fi;
	if
	:: d_step {
		settle(r);
		for_products[LATER_EVENT(r)] = 0;
		printf("products %d: acknowledges the event of reservation %d\n", me, r);
		put_event_down()
	}
	:: d_step {
		faulty ->
		settle(r);
		printf("products %d: its acknowledgement of the event of reservation %d is lost\n", me, r);
		put_event_down()
	}
	:: d_step { faulty -> printf("products %d: dies\n", me); put_event_down() }
	fi;
	goto end_idle
}

#endif

/* ---- The relays of the database of orders ---- */

#ifdef RELAY

/* publishBatch() of outbox-batch.ts. The stream deduplicates by id, but only for a limited time. */
inline send_to_stream() {
	if
	:: d_step { !in_stream[e] -> deliver(e); printf("relay %d: the stream has event %d\n", me, e) }
	:: d_step { in_stream[e] -> printf("relay %d: the stream drops a second copy of event %d\n", me, e) }
	:: d_step { in_stream[e] && faulty -> deliver(e); printf("relay %d: the stream has event %d twice\n", me, e) }
	fi
}

#define ME (me + 1)
#define HAS_LOCK (relay_lock == ME)

/*
 * Takes the lock, if no session holds it, and the first row of an order. Rows are published and marked one by one,
 * since the rows of a batch are independent. Between two rows the lock may change its holder unnoticed, so the model
 * releases it there. Processes are identical: the second one begins only while the first one has a row in hand.
 */
inline take_row(o) {
	d_step {
#ifdef MAILS
		relay_lock == 0 && (me == 0 || has_row[0]) && (outbox[PLACED_EVENT(o)] || outbox[LATER_EVENT(o)]);
		e = (outbox[PLACED_EVENT(o)] -> PLACED_EVENT(o) : LATER_EVENT(o));
#else
		relay_lock == 0 && (me == 0 || has_row[0]) && outbox[LATER_EVENT(o)];
		e = LATER_EVENT(o);
#endif
		relay_lock = ME;
		has_row[me] = 1;
#ifdef FAULT_RELAY_DELETES_FIRST
		outbox[e] = 0;
#endif
		printf("relay %d: has the lock and publishes event %d\n", me, e)
	}
}

/* PostgreSQL releases the lock of a relay that dies. */
inline put_row_down() {
	e = 0;
	has_row[me] = 0;
#ifdef FAULT_LOCK_IS_KEPT
	relay_lock = (HAS_LOCK && !faulty -> 0 : relay_lock)
#else
	relay_lock = (HAS_LOCK -> 0 : relay_lock)
#endif
}

proctype relay(bit me) {
	byte e;
end_idle:
	if
	:: take_row(0)
#if ORDERS > 1
	:: take_row(1)
#endif
#if ORDERS > 2
	:: take_row(2)
#endif
	fi;
	if
	:: atomic { send_to_stream() }
	:: atomic { faulty -> send_to_stream(); put_row_down(); printf("relay %d: dies, or has no acknowledgement\n", me) }
		goto end_idle
	:: d_step { faulty -> put_row_down(); printf("relay %d: dies, or its message is lost\n", me) }
		goto end_idle
	fi;
	/* markPublished() of outbox-rows.ts, in the session that held the lock. If the lock is lost, so is the session. */
	d_step {
		printf("relay %d: marks event %d (has the lock: %d)\n", me, e, HAS_LOCK);
		outbox[e] = (HAS_LOCK -> 0 : outbox[e]);
		put_row_down()
	}
	goto end_idle
}

/* PostgreSQL terminates the session of a frozen or disconnected relay, which notices at its next statement. */
active proctype sessions() {
end_idle:
	do
	:: d_step {
		faulty && relay_lock != 0 ->
		printf("PostgreSQL: ends the session of relay %d\n", relay_lock - 1);
		relay_lock = 0
	}
	od
}

#endif

/* ---- notifications ---- */

#ifdef MAILS

#define IS_NEXT(x) (SEQUENCE_OF(x) == inbox[ORDER_OF(x)] + 1)
#define IS_EARLY(x) (SEQUENCE_OF(x) > inbox[ORDER_OF(x)] + 1)
#define WAS_PASSED_OVER(x) (SEQUENCE_OF(x) == 1 && inbox_gap[ORDER_OF(x)])

/* queueMail() of services/notifications/model.ts: the row of a message. */
inline queue_mail(x) {
	printf("notifications: queues the mail of event %d\n", x);
	mails[x]++;
	PROMISE(mails[x] == 1, "an event has one mail")
}

/*
 * take() of inbox.ts: the sequence in the inbox and the row of the message, in one transaction. An event that is early
 * is redelivered. After waiting too long, it skips the missing one, which is processed when it arrives.
 */
inline take_in(x) {
	if
#ifdef FAULT_ACKNOWLEDGES_FIRST
	:: d_step {
		faulty ->
		for_notifications[x] = 0;
		printf("notifications: acknowledges event %d and dies\n", x)
	}
#endif
#ifdef FAULT_PLACE_APART
	:: d_step {
		faulty && IS_NEXT(x) ->
		inbox[ORDER_OF(x)] = SEQUENCE_OF(x);
		printf("notifications: moves its place to event %d and dies before the mail's row is written\n", x)
	}
#endif
#ifdef FAULT_INBOX_FORGETS
	:: d_step { faulty && !IS_NEXT(x) && !IS_EARLY(x) && !WAS_PASSED_OVER(x) -> queue_mail(x) }
#endif
	:: d_step {
		!IS_EARLY(x) ->
		if
		:: IS_NEXT(x) -> inbox[ORDER_OF(x)] = SEQUENCE_OF(x); queue_mail(x)
		:: WAS_PASSED_OVER(x) -> inbox_gap[ORDER_OF(x)] = 0; queue_mail(x)
		:: else -> printf("notifications: has taken event %d in before\n", x)
		fi
	}
	:: d_step {
		faulty && IS_EARLY(x) ->
		printf("notifications: passes over the event before %d\n", x);
		inbox[ORDER_OF(x)] = SEQUENCE_OF(x);
		inbox_gap[ORDER_OF(x)] = 1;
		queue_mail(x)
	}
	fi;
	if
	:: d_step { for_notifications[x] = 0; printf("notifications: acknowledges event %d\n", x) }
	:: d_step { faulty -> printf("notifications: its acknowledgement of event %d is lost\n", x) }
	fi
}

#define IS_TO_BE_TAKEN(x) (for_notifications[x] && (faulty || !IS_EARLY(x)))

#ifdef SENDING
#define IS_QUEUED(x) (mails[x] > 0 && !mail_marked[x])

/* A leased message is sent, then marked. */
inline send_mail(x) {
#ifdef FAULT_MARKS_BEFORE_SENDING
	mail_marked[x] = 1;
	if
	:: mail_sent[x] = 1
	:: faulty -> printf("notifications: marks the mail of event %d and dies\n", x)
	fi
#else
	mail_sent[x] = 1;
	if
	:: mail_marked[x] = 1
	:: faulty
	fi
#endif
}
#endif

active [2] proctype notifications() {
end_idle:
	do
	:: atomic { IS_TO_BE_TAKEN(0) -> take_in(0) }
	:: atomic { IS_TO_BE_TAKEN(1) -> take_in(1) }
#if ORDERS > 1
	:: atomic { IS_TO_BE_TAKEN(2) -> take_in(2) }
	:: atomic { IS_TO_BE_TAKEN(3) -> take_in(3) }
#endif
#ifdef SENDING
	:: atomic { IS_QUEUED(0) -> send_mail(0) }
	:: atomic { IS_QUEUED(1) -> send_mail(1) }
#if ORDERS > 1
	:: atomic { IS_QUEUED(2) -> send_mail(2) }
	:: atomic { IS_QUEUED(3) -> send_mail(3) }
#endif
#endif
	od
}

#endif

init {
	atomic {
		skip;
#ifdef STOCK
		run attempt(0);
#if ORDERS > 1
		run attempt(1);
#endif
#if ORDERS > 2
		run attempt(2);
#endif
		run products(0);
		run products(1);
#endif
#ifdef RELAY
		run relay(0);
		run relay(1);
#endif
	}
}
