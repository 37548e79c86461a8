import type { Pool } from "pg";
import type { Owner } from "../../broker/caller.ts";
import { batchedStatement } from "../../load/batching.ts";
import { IS_EXPIRED, KEY_HOURS, type KeyedRequest, type KeyRow, type StoredResponse } from "./idempotency.ts";
import { type OrderRow, type Payment, WITH_LINES } from "./model.ts";
import type { PaymentMethod } from "./provider.ts";
import type { Refusal } from "./reasons.ts";
import type { MethodRow } from "./shipping.ts";
import { VOUCHER_GIVEN_BACK } from "./states.ts";
import type { TransitionArguments } from "./transitions.ts";
import { type VoucherRow, WITH_LIMITS } from "./vouchers.ts";

/** An order to be written, with its reservation, key and event. */
interface Placement {
	order: Pick<OrderRow, "id" | "user_id"> & { cart?: object | undefined };
	lines: OrderRow["lines"];
	request: KeyedRequest | undefined;
	/** `order.placed` with its version and data, without the number. */
	event: object;
}

/** Names in a request that decide its price; undefined if it has none. */
interface NamedTerms {
	shipping_method: string | undefined;
	voucher_code: string | undefined;
	user_id: number | undefined;
}

/** Null for what does not exist. */
export interface FoundTerms {
	method: MethodRow | null;
	voucher: VoucherRow | null;
	/** Number of orders with this voucher of the user; 0 if it is not limited. */
	used_by_user: number;
}

/** A payment to be opened. */
interface Opening {
	order_id: string;
	owner: Owner;
	payable: readonly string[];
	reference: string;
	method: PaymentMethod;
	/** Delay in seconds until the provider is asked for the outcome; null for the due time of the payment. */
	check_after: number | null;
}

/** A settled payment, and the transition of its order. */
interface Settlement extends TransitionArguments {
	/** A batch locks orders by id. If the order is unknown, the statement is not batched. */
	order_id: string | undefined;
	reference: string;
	amount_minor: number;
	provider_event: string | null;
}

/** Limits of batches: two run concurrently, so that one can work while the other waits for the disk. */
const BATCHES = { max: 50, concurrency: 2 };

/**
 * Returns the statements of orders and payments. Concurrent requests share a statement and its commit; one that fails
 * does not affect the others.
 */
export function orderStatements(pool: Pool) {
	/** Runs a statement for items, sorted by the row that they lock. Returns the results in the order of the items. */
	async function run<Item, Result>(
		text: string,
		items: readonly Item[],
		lockOf: (item: Item) => string,
		argumentsOf: (item: Item) => object,
	): Promise<Result[]> {
		const sorted = items.map((item, place) => ({ lock: lockOf(item), place, ...argumentsOf(item) }));
		sorted.sort((one, other) => (one.lock < other.lock ? -1 : 1));
		const { rows } = await pool.query<{ place: number; result: Result }>(text, [JSON.stringify(sorted)]);
		const results: Result[] = [];
		for (const { place, result } of rows) {
			results[place] = result;
		}
		return items.map((_, place) => (results[place] ?? null) as Result);
	}

	const settle = (settlements: readonly Settlement[]) =>
		run<Settlement, string>(
			SETTLE,
			settlements,
			({ order_id = "" }) => order_id,
			(settlement) => settlement,
		);
	const settleTogether = batchedStatement(settle, BATCHES);

	return {
		/** Returns the row of the key; null if there is none. */
		findKey: batchedStatement<KeyedRequest, KeyRow | null>(
			(requests) =>
				run(
					FIND_KEY,
					requests,
					({ key }) => key,
					({ user_id, key }) => ({ user_id, key, hours: KEY_HOURS }),
				),
			BATCHES,
		),
		/** Stores the response of a key. Returns true if there was none before. */
		storeResponse: batchedStatement<{ request: KeyedRequest; answer: StoredResponse }, boolean>(
			(refusals) =>
				run(
					STORE_RESPONSE,
					refusals,
					({ request }) => `${request.user_id} ${request.key}`,
					({ request, answer }) => ({
						...{ user_id: request.user_id, key: request.key, hash: request.hash.toString("hex") },
						answer,
					}),
				),
			BATCHES,
		),
		/** Returns an order that this owner may see; null if there is none. */
		findOrder: batchedStatement<{ id: string; owner: Owner }, OrderRow | null>(
			(requests) =>
				run(
					FIND_ORDER,
					requests,
					({ id }) => id,
					({ id, owner }) => ({ id, owner: owner === "anybody" ? null : owner }),
				),
			BATCHES,
		),
		findTerms: batchedStatement<NamedTerms, FoundTerms>(
			(requests) =>
				run(
					FIND_TERMS,
					requests,
					({ voucher_code = "" }) => voucher_code,
					(named) => named,
				),
			BATCHES,
		),
		/** Returns the order as written, or why its voucher or cart is refused. */
		placeOrder: batchedStatement<Placement, OrderRow | { refused: Refusal }>(
			(placements) =>
				run(
					placements.some(({ order }) => order.cart) ? PLACE_WITH_CARTS : PLACE,
					placements,
					({ order }) => order.id,
					({ order, lines, request, event }) => ({
						...{ placed: order, lines, event },
						...{ key: request?.key, hash: request?.hash.toString("hex") },
					}),
				),
			BATCHES,
		),
		/** Returns the open payment; null if the order cannot be paid. */
		openPayment: batchedStatement<Opening, Payment | null>(
			(openings) =>
				run(
					OPEN,
					openings,
					({ order_id }) => order_id,
					({ owner, ...opening }) => ({ ...opening, owner: owner === "anybody" ? null : owner }),
				),
			BATCHES,
		),
		/** Returns the result of `settle_payment`. */
		settlePayment(settlement: Settlement): Promise<string> {
			return settlement.order_id === undefined
				? settle([settlement]).then(([outcome]) => outcome as string)
				: settleTogether(settlement);
		},
	};
}

export type OrderStatements = ReturnType<typeof orderStatements>;

const FIND_KEY = `
	SELECT place, to_jsonb(found) AS result
	FROM jsonb_to_recordset($1::jsonb) AS given (place integer, user_id integer, key text, hours integer)
	LEFT JOIN LATERAL (
		SELECT answer, encode(request_hash, 'hex') AS hash, NOT ${IS_EXPIRED("hours")} AS counts
		FROM idempotency_keys k WHERE k.user_id = given.user_id AND k.key = given.key
	) AS found ON true`;

const STORE_RESPONSE = `
	WITH given AS (
		SELECT * FROM jsonb_to_recordset($1::jsonb)
			AS given (place integer, user_id integer, key text, hash text, answer jsonb)
	), stored AS (
		INSERT INTO idempotency_keys (user_id, key, request_hash, answer)
		SELECT user_id, key, decode(hash, 'hex'), answer FROM given ON CONFLICT DO NOTHING RETURNING user_id, key
	)
	SELECT DISTINCT ON (given.user_id, given.key) place, stored.key IS NOT NULL AS result
	FROM given LEFT JOIN stored USING (user_id, key) ORDER BY given.user_id, given.key, place`;

const FIND_ORDER = `
	SELECT place, ${WITH_LINES} AS result
	FROM jsonb_to_recordset($1::jsonb) AS given (place integer, id uuid, owner integer)
	JOIN orders o ON o.id = given.id AND (given.owner IS NULL OR o.user_id = given.owner)`;

const FIND_TERMS = `
	SELECT place, jsonb_build_object(
		'method', to_jsonb(m), 'voucher', ${WITH_LIMITS}, 'used_by_user', (
			SELECT count(*) FROM orders o
			WHERE l.per_user IS NOT NULL AND o.voucher_limits_id = l.id AND o.user_id = given.user_id
				AND o.status <> ALL ('{${VOUCHER_GIVEN_BACK.join()}}')
		)
	) AS result
	FROM jsonb_to_recordset($1::jsonb)
		AS given (place integer, shipping_method text, voucher_code text, user_id integer)
	LEFT JOIN shipping_methods m ON m.code = given.shipping_method
	LEFT JOIN (vouchers v JOIN voucher_limits l ON l.id = v.limits_id) ON v.code = given.voucher_code`;

const place = (batch: string) => `
	SELECT place, place_order(placed, lines, (placed->>'id')::uuid, key, decode(hash, 'hex'), event) AS result
	FROM lock_vouchers(${batch})`;

const PLACE = place("$1::jsonb");
const PLACE_WITH_CARTS = place("lock_carts($1::jsonb)");

const OPEN = `
	SELECT place, to_jsonb(opened) AS result
	FROM jsonb_to_recordset($1::jsonb) AS given (
		place integer, order_id uuid, owner integer, payable text[], reference text, method text, check_after float8
	)
	LEFT JOIN LATERAL open_payment(
		order_id, owner, payable, given.reference, given.method, now() + make_interval(secs => check_after)
	) AS opened ON true`;

const SETTLE = `
	SELECT place, settle_payment(reference, amount_minor, provider_event, "from", "to", event, stock_task) AS result
	FROM jsonb_to_recordset($1::jsonb) AS given (
		place integer, reference text, amount_minor bigint, provider_event text, "from" text[], "to" text, event jsonb,
		stock_task text
	)`;
