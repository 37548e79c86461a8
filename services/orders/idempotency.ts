import { createHash } from "node:crypto";
import type { Pool } from "pg";
import { type ProblemCode, type ProblemData, problem } from "../../contracts/problems.ts";
import type { OrdersDatabase } from "./database.ts";
import type { OrderRow } from "./model.ts";

/** What a request with a key was answered: the order as it was then, or why it was refused. */
export type Answer = { order: OrderRow } | { refused: { code: ProblemCode; data: ProblemData } };

/** A key counts for this long. */
export const KEY_HOURS = 24;

/** Whether key `k` does not count any more, in SQL: its order may still hold units under the key's request until then. */
export const IS_OVER = (
	hours: string,
) => `(k.created_at <= now() - make_interval(hours => ${hours}) AND NOT EXISTS (
	SELECT FROM orders o WHERE o.id = (k.answer->'order'->>'id')::uuid AND o.status = 'pending'
))`;

/** The row of a key. */
export interface KeyRow {
	answer: Answer;
	/** SHA-256 in hex. */
	hash: string;
	/** False once its time is over. */
	counts: boolean;
}

/** A client's key together with what it asked for. */
export interface KeyedRequest {
	user_id: number;
	key: string;
	hash: Buffer;
}

/** Names a request by its content, so that the same key with another body can be told. */
export function keyedRequest(user_id: number, key: string, body: object): KeyedRequest {
	return { user_id, key, hash: createHash("sha256").update(JSON.stringify(body)).digest() };
}

/** Names a request for products: the same for all attempts at it (a UUID of version 8, RFC 9562). */
export function requestId({ user_id, key, hash }: KeyedRequest): string {
	const digest = createHash("sha256").update(`${user_id} ${key} `).update(hash).digest("hex");
	const [, a, b, c, d, e] = /^(.{8})(.{4}).(.{3}).(.{3})(.{12})/.exec(digest) as RegExpExecArray;
	return `${a}-${b}-8${c}-8${d}-${e}`;
}

/**
 * The answer that this request got before. A key that has counted for its time is forgotten, to be used anew.
 *
 * @throws KEY_REUSED where the key was used for something else.
 */
export async function storedAnswer(
	{ pool, statements }: OrdersDatabase,
	request: KeyedRequest,
): Promise<Answer | undefined> {
	const row = await statements.findKey(request);
	if (row && !row.counts) {
		await forgetKey(pool, request);
		return undefined;
	}
	if (row && row.hash !== request.hash.toString("hex")) {
		throw problem("KEY_REUSED");
	}
	return row?.answer;
}

/** Forgets one key, unless it was used anew since it was read. */
async function forgetKey(pool: Pool, { user_id, key }: KeyedRequest): Promise<void> {
	await pool.query(`DELETE FROM idempotency_keys k WHERE user_id = $1 AND key = $2 AND ${IS_OVER("$3")}`, [
		user_id,
		key,
		KEY_HOURS,
	]);
}
