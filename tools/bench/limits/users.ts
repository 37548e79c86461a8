import { randomBytes } from "node:crypto";
import { hash, verify } from "@node-rs/argon2";
import type { Pool } from "pg";
import { NOT_FOUND, ok, refusal, type Service, UNAUTHORIZED } from "./services.ts";

/** Same parameters as in services/users/passwords.ts: argon2id, 19 MiB, two passes, one lane. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const EXPIRES_S = 900;

interface Registration {
	email: string;
	username: string;
	full_name: string;
	password: string;
}

/** Service for users. Tokens are rows: they need a lookup instead of a signature check. */
export function users(pool: Pool): Service {
	return {
		async register({ email, username, full_name, password }: Registration) {
			const { rows } = await pool.query(
				`INSERT INTO users (email, username, full_name, password_hash) VALUES ($1, $2, $3, $4)
				RETURNING id, email, username, full_name, role, created_at`,
				[email, username, full_name, await hash(password, COST)],
			);
			return ok({ ...rows[0], is_active: true, is_verified: false }, 201);
		},

		async login({ email, password }: { email: string; password: string }) {
			const { rows } = await pool.query<{ id: number; password_hash: string }>({
				name: "login",
				text: "SELECT id, password_hash FROM users WHERE email = $1",
				values: [email],
			});
			const user = rows[0];
			if (user === undefined || !(await verify(user.password_hash, password))) {
				return refusal(401, "INVALID_CREDENTIALS", "Wrong email or password");
			}
			// Same length as the shop's token.
			const access_token = randomBytes(250).toString("base64url");
			await pool.query({
				name: "session",
				text: "INSERT INTO sessions (token, user_id) VALUES ($1, $2)",
				values: [access_token, user.id],
			});
			const refresh_token = randomBytes(32).toString("base64url");
			return ok({ access_token, token_type: "bearer", expires_in: EXPIRES_S, refresh_token });
		},

		/** Returns the owner of a token. */
		async verify({ token }: { token: string }) {
			const { rows } = await pool.query<{ user_id: number }>(
				"SELECT user_id FROM sessions WHERE token = $1 AND created_at > now() - $2 * interval '1 second'",
				[token, EXPIRES_S],
			);
			return rows[0] === undefined ? UNAUTHORIZED : ok({ id: rows[0].user_id, expires_s: EXPIRES_S });
		},

		async health() {
			return (await pool.query("SELECT 1")).rowCount === 1 ? ok({ status: "healthy" }) : NOT_FOUND;
		},
	};
}
