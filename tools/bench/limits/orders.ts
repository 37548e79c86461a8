import { createHash, randomUUID } from "node:crypto";
import type { Pool } from "pg";
import type { Line } from "./products.ts";
import { type Call, type Reply, refusal, type Service } from "./services.ts";

const UNIQUE_VIOLATION = "23505";

interface Placing {
	user_id: number;
	key: string | undefined;
	body: { items: Line[]; shipping_address?: string; note?: string };
}

/** Service for orders: each takes one call to products and one statement, which is one transaction. */
export function orders(pool: Pool, call: Call, mailsQueued: () => void): Service {
	return {
		async place({ user_id, key, body }: Placing) {
			const id = randomUUID();
			const { items, shipping_address = null, note = null } = body;
			const hash = createHash("sha256").update(JSON.stringify(body)).digest("base64url");
			const held = await call("products.reserve", { id, lines: items });
			if (held.status !== 200) {
				return key === undefined ? held : remember(user_id, key, hash, held);
			}
			const placed = await pool
				.query<StoredReply>({
					name: "place",
					text: "SELECT status, answer, is_new FROM place_order($1, $2, $3, $4, $5, $6, $7)",
					values: [user_id, key, hash, id, held.body, shipping_address, note],
				})
				.then(({ rows }) => rows[0] as StoredReply)
				.catch((error) => {
					if (error.code !== UNIQUE_VIOLATION || key === undefined) {
						throw error;
					}
					return storedReply(user_id, key);
				});
			if (!placed.is_new) {
				await call("products.release", { id });
			}
			return { status: placed.status, body: placed.answer };
		},

		async pay({ user_id, id }: { user_id: number; id: string }) {
			const { rows } = await pool.query<{ paid: string | null }>({
				name: "pay",
				text: "SELECT pay_order($1, $2) AS paid",
				values: [user_id, id],
			});
			const paid = rows[0]?.paid;
			if (paid == null) {
				return refusal(409, "ORDER_STATE", "The order cannot be paid");
			}
			mailsQueued();
			await call("products.consume", { id });
			return { status: 200, body: paid };
		},
	};

	/** Stores a refusal under its key. Returns the existing response if the key already has one. */
	async function remember(user_id: number, key: string, hash: string, answer: Reply): Promise<Reply> {
		const { rowCount } = await pool.query({
			name: "refuse",
			text: `INSERT INTO idempotency_keys (user_id, key, request_hash, status, answer)
				VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
			values: [user_id, key, hash, answer.status, answer.body],
		});
		if (rowCount === 1) {
			return answer;
		}
		const stored = await storedReply(user_id, key);
		return { status: stored.status, body: stored.answer };
	}

	async function storedReply(user_id: number, key: string): Promise<StoredReply> {
		const { rows } = await pool.query<StoredReply>(
			"SELECT status, answer, false AS is_new FROM idempotency_keys WHERE user_id = $1 AND key = $2",
			[user_id, key],
		);
		return rows[0] as StoredReply;
	}
}

interface StoredReply {
	status: number;
	answer: string;
	is_new: boolean;
}
