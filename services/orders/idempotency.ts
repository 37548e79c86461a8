import { createHash } from "node:crypto";
import type { Pool } from "pg";
import { type ProblemCode, type ProblemData, problem } from "../../contracts/problems.ts";
import type { OrderRow } from "./model.ts";

/** What a request with a key was answered: the order as it was then, or why it was refused. */
export type Answer = { order: OrderRow } | { refused: { code: ProblemCode; data: ProblemData } };

/** A key counts for this long. */
export const KEY_HOURS = 24;

/** Its order may still hold units under the key's request: until it is settled the key counts. */
const IS_OVER = `(created_at <= now() - make_interval(hours => $1) AND NOT EXISTS (
	SELECT FROM orders o WHERE o.id = (answer->'order'->>'id')::uuid AND o.status = 'pending'
))`;

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
export async function storedAnswer(pool: Pool, request: KeyedRequest): Promise<Answer | undefined> {
	const { rows } = await pool.query<{ answer: Answer; request_hash: Buffer; counts: boolean }>(
		`SELECT answer, request_hash, NOT ${IS_OVER} AS counts
		FROM idempotency_keys WHERE user_id = $2 AND key = $3`,
		[KEY_HOURS, request.user_id, request.key],
	);
	const [row] = rows;
	if (row && !row.counts) {
		await forgetOldKeys(pool);
		return undefined;
	}
	if (row && !row.request_hash.equals(request.hash)) {
		throw problem("KEY_REUSED");
	}
	return row?.answer;
}

/** Keeps a refusal, unless a rival with the same key was answered first. */
export async function storeRefusal(pool: Pool, request: KeyedRequest, code: ProblemCode, data: ProblemData) {
	const answer: Answer = { refused: { code, data } };
	await pool.query(
		`INSERT INTO idempotency_keys (user_id, key, request_hash, answer) VALUES ($1, $2, $3, $4)
		ON CONFLICT DO NOTHING`,
		[request.user_id, request.key, request.hash, JSON.stringify(answer)],
	);
}

/** Forgets all keys that have counted for their time; also a job, once an hour. */
export async function forgetOldKeys(pool: Pool): Promise<void> {
	await pool.query(`DELETE FROM idempotency_keys WHERE ${IS_OVER}`, [KEY_HOURS]);
}
