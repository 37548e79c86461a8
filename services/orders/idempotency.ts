import { createHash } from "node:crypto";
import type { Pool } from "pg";
import type { ProblemCode } from "../../contracts/problem-codes.ts";
import { type ProblemData, problem } from "../../contracts/problems.ts";
import type { OrderRow } from "./model.ts";

/** The stored response of a request with a key: the order as it was then, or the refusal. */
export type StoredResponse = { order: OrderRow } | { refused: { code: ProblemCode; data: ProblemData } };

/** Lifetime of a key. */
export const KEY_HOURS = 24;

/**
 * SQL condition: key `k` has expired. It does not expire while its order is pending, which may still hold units under
 * its request.
 */
export const IS_EXPIRED = (
	hours: string,
) => `(k.created_at <= now() - make_interval(hours => ${hours}) AND NOT EXISTS (
	SELECT FROM orders o WHERE o.id = (k.answer->'order'->>'id')::uuid AND o.status = 'pending'
))`;

/** The stored row of a key. */
export interface KeyRow {
	answer: StoredResponse;
	/** SHA-256 in hex. */
	hash: string;
	/** False if it has expired. */
	counts: boolean;
}

/** A client's key together with its request. */
export interface KeyedRequest {
	user_id: number;
	key: string;
	hash: Buffer;
}

/** Identifies a request by a hash of its content, which detects the same key with another body. */
export function keyedRequest(user_id: number, key: string, body: object): KeyedRequest {
	return { user_id, key, hash: createHash("sha256").update(JSON.stringify(body)).digest() };
}

/** The database of keys. */
interface KeyStore {
	pool: Pool;
	statements: { findKey(request: KeyedRequest): Promise<KeyRow | null> };
}

/**
 * Returns the id of a request for products: the same for all its attempts at the same lines (a UUID of version 8, RFC 9562).
 *
 * @param cart_version Version of the cart that the lines were read from, if they were.
 */
export function requestId({ user_id, key, hash }: KeyedRequest, cart_version?: number): string {
	const lines = cart_version === undefined ? "" : ` ${cart_version}`;
	const digest = createHash("sha256").update(`${user_id} ${key} `).update(hash).update(lines).digest("hex");
	const [, a, b, c, d, e] = /^(.{8})(.{4}).(.{3}).(.{3})(.{12})/.exec(digest) as RegExpExecArray;
	return `${a}-${b}-8${c}-8${d}-${e}`;
}

/**
 * Returns the stored response of this request. An expired key is deleted and can be used again.
 *
 * @throws KEY_REUSED if the key was used for another request.
 */
export async function findStoredResponse(
	{ pool, statements }: KeyStore,
	request: KeyedRequest,
): Promise<StoredResponse | undefined> {
	const row = await statements.findKey(request);
	if (row && !row.counts) {
		await deleteExpiredKey(pool, request);
		return undefined;
	}
	if (row && row.hash !== request.hash.toString("hex")) {
		throw problem("KEY_REUSED");
	}
	return row?.answer;
}

/** Deletes an expired key, unless it was used again since it was read. */
async function deleteExpiredKey(pool: Pool, { user_id, key }: KeyedRequest): Promise<void> {
	await pool.query(`DELETE FROM idempotency_keys k WHERE user_id = $1 AND key = $2 AND ${IS_EXPIRED("$3")}`, [
		user_id,
		key,
		KEY_HOURS,
	]);
}
