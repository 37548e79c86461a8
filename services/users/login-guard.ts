import { createHash } from "node:crypto";
import type { Pool } from "pg";
import { RateLimiterPostgres, RateLimiterRes } from "rate-limiter-flexible";
import { databaseUrl } from "../../config/settings.ts";
import { fold } from "../../contracts/email.ts";
import type { ProblemCode } from "../../contracts/problem-codes.ts";
import { problem } from "../../contracts/problems.ts";
import { BY_KEY, postgresPool } from "../../database/postgres-client.ts";

const MINUTE = 60;

/** Maximum number of attempts (`points`) within a period in seconds (`duration`). */
const LIMITS = {
	/** Wrong passwords for one account from one address. */
	pair: { points: 10, duration: 15 * MINUTE },
	/** Wrong passwords for one account from all addresses. */
	account: { points: 100, duration: 60 * MINUTE },
	/** Wrong passwords for all accounts from one address, which many people may share. */
	address: { points: 1000, duration: 15 * MINUTE },
	/** Registrations from one address, including rejected ones. */
	registration: { points: 300, duration: 60 * MINUTE },
};

type Count = keyof typeof LIMITS;

/**
 * Limits password guessing and registrations, counted in the database for all processes together. An account that does
 * not exist is counted like one that does.
 */
export class LoginGuard {
	#limiters: Record<Count, RateLimiterPostgres>;
	/** A pool whose commits do not wait for the disk: a power failure may lose the last half second of counts. */
	#pool = postgresPool({
		connectionString: databaseUrl("users"),
		application_name: "toko users login guard",
		max: 4,
		session: { ...BY_KEY, synchronous_commit: "off" },
	});

	constructor() {
		// A lost connection fails the query in flight.
		this.#pool.on("error", () => undefined);
		const limiter = (keyPrefix: Count) =>
			new RateLimiterPostgres({
				storeClient: this.#pool,
				storeType: "pool",
				tableName: "login_attempts",
				tableCreated: true,
				clearExpiredByTimeout: false,
				keyPrefix,
				...LIMITS[keyPrefix],
			});
		this.#limiters = {
			pair: limiter("pair"),
			account: limiter("account"),
			address: limiter("address"),
			registration: limiter("registration"),
		};
	}

	async close(): Promise<void> {
		await this.#pool.end();
	}

	/**
	 * Counts a registration.
	 *
	 * @param client Address of the client, if the call came through a gateway.
	 * @throws TOO_MANY_REGISTRATIONS
	 */
	async register(client: string | undefined): Promise<void> {
		if (client) {
			await this.#count("registration", client, "TOO_MANY_REGISTRATIONS");
		}
	}

	/**
	 * Runs a password check unless there were too many wrong passwords. An attempt is counted before the check, so that
	 * concurrent ones are counted too, and is deducted if the password was right.
	 *
	 * @param client Address of the client, if the call came through a gateway.
	 * @throws TOO_MANY_LOGINS
	 */
	async attempt(email: string, client: string | undefined, check: () => Promise<boolean>): Promise<boolean> {
		const account = accountKey(email);
		const keys = {
			pair: `${account} ${client ?? "inside"}`,
			account,
			...(client ? { address: client } : {}),
		};
		const counted = Object.entries(keys) as [Count, string][];
		for (const [name, key] of counted) {
			await this.#count(name, key, "TOO_MANY_LOGINS");
		}
		const isRight = await check();
		if (isRight) {
			await Promise.all(
				counted.map(([name, key]) =>
					name === "pair" ? this.#limiters.pair.delete(key) : this.#limiters[name].reward(key),
				),
			);
		}
		return isRight;
	}

	async #count(name: Count, key: string, tooMany: ProblemCode): Promise<void> {
		await this.#limiters[name].consume(key).catch((refusal) => {
			throw refusal instanceof RateLimiterRes
				? problem(tooMany, { retry_after_s: Math.ceil(refusal.msBeforeNext / 1000) })
				: refusal;
		});
	}
}

/** Deletes the counts of an account after its owner has set a new password. */
export async function clearAttempts(client: Pick<Pool, "query">, email: string): Promise<void> {
	await client.query(
		"DELETE FROM login_attempts WHERE key = 'account:' || $1 OR starts_with(key, 'pair:' || $1)",
		[accountKey(email)],
	);
}

function accountKey(email: string): string {
	return createHash("sha256").update(fold(email)).digest("base64url");
}
