import { createHash } from "node:crypto";
import type { Pool, PoolClient } from "pg";
import type { EventEnvelope } from "../contracts/actions.ts";
import type { DeadLetter } from "../contracts/contract.ts";
import { problem } from "../contracts/problems.ts";
import { type InboxService, runConsumers } from "./consumers.ts";
import { readEvent } from "./envelope.ts";

interface DeadLetterRow {
	id: string;
	name: string;
	payload: string;
	error: string;
	stack: string;
	tries: number;
	failed_at: Date;
}

/** Stores an event that could not be handled as a dead letter, once. */
export async function keepDeadLetter(
	client: Pick<PoolClient, "query">,
	payload: unknown,
	error: Error,
	tries: number,
): Promise<void> {
	const text = JSON.stringify(payload) ?? "null";
	const { id, name } = (payload ?? {}) as Partial<EventEnvelope>;
	await client.query(
		`INSERT INTO dead_letters (id, name, payload, error, stack, tries) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (id) DO NOTHING`,
		[
			uuidOf(id, text),
			printable(name ?? "unknown"),
			text,
			printable(error.message),
			printable(error.stack),
			tries,
		],
	);
}

/** Returns the number of dead letters of a service. */
export async function countDeadLetters(pool: Pool): Promise<number> {
	const { rows } = await pool.query<{ count: number }>("SELECT count(*)::integer FROM dead_letters");
	return rows[0]?.count ?? 0;
}

/** Returns the dead letters of a service, newest first. */
export async function listDeadLetters(
	pool: Pool,
	{ skip, limit }: { skip: number; limit: number },
): Promise<DeadLetter[]> {
	const { rows } = await pool.query<DeadLetterRow>(
		"SELECT * FROM dead_letters ORDER BY failed_at DESC, id LIMIT $1 OFFSET $2",
		[limit, skip],
	);
	return rows.map((row) => ({
		...row,
		payload: JSON.parse(row.payload),
		failed_at: row.failed_at.toISOString(),
	}));
}

/**
 * Handles a dead letter at once, whatever came after it. Its effects and its deletion are one transaction; if it fails
 * again, it stays with the newer error.
 *
 * @throws DEAD_LETTER_NOT_FOUND, DEAD_LETTER_FAILED
 */
export async function retryDeadLetter(
	service: InboxService,
	id: string,
): Promise<{ id: string; name: string }> {
	try {
		const letter = await service.transaction(async (client) => {
			const { rows } = await client.query<DeadLetterRow>(
				"DELETE FROM dead_letters WHERE id::text = $1 RETURNING *",
				[id.toLowerCase()],
			);
			const [letter] = rows;
			if (!letter) {
				throw problem("DEAD_LETTER_NOT_FOUND");
			}
			const event = readEvent(JSON.parse(letter.payload));
			await runConsumers(service, [event], client);
			return { event, id: letter.id, name: letter.name };
		});
		service.afterEvents([letter.event]);
		return { id: letter.id, name: letter.name };
	} catch (error) {
		const { rowCount } = await service.pool.query(
			`UPDATE dead_letters SET error = $2, stack = $3, tries = tries + 1, failed_at = now()
			WHERE id::text = $1`,
			[id.toLowerCase(), printable((error as Error).message), printable((error as Error).stack)],
		);
		throw rowCount === 0
			? problem("DEAD_LETTER_NOT_FOUND")
			: problem("DEAD_LETTER_FAILED", { reason: (error as Error).message });
	}
}

function uuidOf(id: unknown, text: string): string {
	if (typeof id === "string" && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) {
		return id;
	}
	return createHash("md5").update(text).digest("hex");
}

/** Converts a value to text without NUL, which PostgreSQL cannot store. */
function printable(value: unknown): string {
	const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
	return text.replaceAll("\u0000", "\ufffd").slice(0, 10_000);
}
