import {
	createCipheriv,
	createDecipheriv,
	createHash,
	createHmac,
	createPrivateKey,
	generateKeyPairSync,
	type KeyObject,
	randomBytes,
	randomUUID,
} from "node:crypto";
import { SignJWT } from "jose";
import type { Pool } from "pg";
import type { z } from "zod";
import { deriveKey, settings } from "../../config/settings.ts";
import { ACCESS_SECONDS, TOKEN_AUDIENCE, TOKEN_ISSUER, type users } from "../../contracts/users.ts";

const REFRESH_DAYS = 30;
/** Grace period in which a used refresh token returns the same successor again. */
const REFRESH_GRACE_SECONDS = 5;
/** Delay before a new key signs, by which time every process has refreshed its public keys. */
const KEY_DELAY_SECONDS = 10;
/** Interval after which a process looks for a newer signing key. */
const KEY_REFRESH_MS = 10_000;

type Jwk = z.input<typeof users.actions.jwks.result>["keys"][number];

interface SigningKey {
	kid: string;
	private_key: KeyObject;
}

/** Attributes of a user in a session. */
export interface Holder {
	id: number;
	role: string;
	session_version: number;
}

/** Signs access tokens (JWT, EdDSA) with the newest of the keys that all users processes share in the database. */
export class TokenSigner {
	#pool: Pool;
	#key: SigningKey | undefined;
	#read_at = Number.NEGATIVE_INFINITY;

	constructor(pool: Pool) {
		this.#pool = pool;
	}

	/** Returns an access token that is valid for 15 minutes. */
	async sign(user: Holder): Promise<string> {
		if (performance.now() - this.#read_at > KEY_REFRESH_MS) {
			this.#key = await this.#signingKey();
			this.#read_at = performance.now();
		}
		if (!this.#key) {
			throw new Error("no signing key can be decrypted: was TOKO_SECRET changed? Restart the users service");
		}
		const { kid, private_key } = this.#key;
		return new SignJWT({ role: user.role, ver: user.session_version })
			.setProtectedHeader({ alg: "EdDSA", kid, typ: "JWT" })
			.setIssuer(`${TOKEN_ISSUER}/${settings.namespace}`)
			.setAudience(TOKEN_AUDIENCE)
			.setSubject(String(user.id))
			.setJti(randomUUID())
			.setIssuedAt()
			.setExpirationTime(`${ACCESS_SECONDS}s`)
			.sign(private_key);
	}

	/** Returns the public keys, newest first, without those created under another TOKO_SECRET. */
	async publicKeys(): Promise<Jwk[]> {
		const { rows } = await this.#pool.query<{ public_jwk: Jwk; private_key: Buffer }>(
			"SELECT public_jwk, private_key FROM signing_keys ORDER BY created_at DESC",
		);
		return rows.filter(({ private_key }) => decrypt(private_key)).map(({ public_jwk }) => public_jwk);
	}

	/** Creates a key if there is none that TOKO_SECRET can decrypt; processes that start concurrently create one. */
	async ensureKey(): Promise<void> {
		const client = await this.#pool.connect();
		try {
			// The lock belongs to a transaction, so that a frozen process does not hold it forever. It is taken in a
			// statement before the one that reads the table.
			await client.query("BEGIN");
			await client.query("SELECT pg_advisory_xact_lock(hashtext('signing_keys'))");
			if (!(await this.#signingKey())) {
				await this.addKey();
			}
		} finally {
			await client.query("ROLLBACK").catch(() => undefined);
			client.release();
		}
	}

	/**
	 * Adds a key and returns its id.
	 *
	 * @param revoke True to delete the other keys, which revokes their tokens: the key then signs at once, otherwise
	 * after a delay.
	 */
	async addKey(revoke = false): Promise<string> {
		const { public_jwk, sealed } = newKey();
		await this.#pool.query(
			`WITH gone AS (DELETE FROM signing_keys WHERE $4)
			INSERT INTO signing_keys (kid, public_jwk, private_key) VALUES ($1, $2, $3)`,
			[public_jwk.kid, JSON.stringify(public_jwk), sealed, revoke],
		);
		this.#read_at = Number.NEGATIVE_INFINITY;
		return public_jwk.kid;
	}

	/** Returns the newest key that TOKO_SECRET can decrypt and that is old enough to sign; if none is, the oldest. */
	async #signingKey(): Promise<SigningKey | undefined> {
		const { rows } = await this.#pool.query<{ kid: string; private_key: Buffer; has_rested: boolean }>(
			`SELECT kid, private_key, created_at < now() - make_interval(secs => $1) AS has_rested
			FROM signing_keys ORDER BY created_at DESC`,
			[KEY_DELAY_SECONDS],
		);
		const keys = rows.flatMap(({ kid, private_key, has_rested }) => {
			const key = decrypt(private_key);
			return key ? [{ kid, key, has_rested }] : [];
		});
		const found = keys.find(({ has_rested }) => has_rested) ?? keys.at(-1);
		return (
			found && {
				kid: found.kid,
				private_key: createPrivateKey({ key: found.key, format: "der", type: "pkcs8" }),
			}
		);
	}
}

function newKey(): { public_jwk: Jwk; sealed: Buffer } {
	const { publicKey, privateKey } = generateKeyPairSync("ed25519");
	const x = publicKey.export({ format: "jwk" }).x as string;
	const kid = createHash("sha256").update(x).digest("base64url").slice(0, 16);
	return {
		public_jwk: { kty: "OKP", crv: "Ed25519", x, kid, alg: "EdDSA", use: "sig" },
		sealed: encrypt(privateKey.export({ format: "der", type: "pkcs8" })),
	};
}

/**
 * Returns a new refresh token, which begins a family. Only its hash is stored. Undefined if the account was deactivated
 * or its sessions ended since it was read.
 */
export async function issueRefreshToken(
	pool: Pick<Pool, "query">,
	{ id, session_version }: Pick<Holder, "id" | "session_version">,
): Promise<string | undefined> {
	const token = newToken();
	const { rowCount } = await pool.query(
		`INSERT INTO refresh_tokens (token_hash, family_id, user_id, expires_at)
		SELECT $1, gen_random_uuid(), id, now() + make_interval(days => $4)
		FROM users WHERE id = $2 AND session_version = $3 AND is_active FOR SHARE`,
		[hashOf(token), id, session_version, REFRESH_DAYS],
	);
	return rowCount === 1 ? token : undefined;
}

/**
 * Marks a refresh token as used and returns the next one of its family, in one statement. During the grace period,
 * callers with the same token get the same successor, unless that was used meanwhile. After it, reuse of a token ends
 * the whole family (RFC 9700, 4.14.2). The successor is derived from the token, so it can be returned again without
 * being stored.
 *
 * @returns The user as of that moment and the next token; undefined if the token is unknown, expired or used, or the
 * user is inactive.
 */
export async function exchangeRefreshToken(
	pool: Pick<Pool, "query">,
	token: string,
): Promise<{ holder: Holder; refresh_token: string } | undefined> {
	const refresh_token = createHmac("sha256", deriveKey("refresh tokens")).update(token).digest("base64url");
	const { rows } = await pool.query<Holder>("SELECT * FROM renew_session($1, $2, $3, $4)", [
		hashOf(token),
		hashOf(refresh_token),
		REFRESH_DAYS,
		REFRESH_GRACE_SECONDS,
	]);
	const [holder] = rows;
	return holder && { holder, refresh_token };
}

/** Ends the session that a refresh token belongs to. */
export async function endFamily(pool: Pick<Pool, "query">, token: string): Promise<void> {
	await pool.query("SELECT end_family($1)", [hashOf(token)]);
}

function newToken(): string {
	return randomBytes(32).toString("base64url");
}

function hashOf(token: string): Buffer {
	return createHash("sha256").update(token).digest();
}

/** Encrypts with AES-256-GCM: 12 bytes of nonce, 16 of tag, then the ciphertext. */
function encrypt(plain: Buffer): Buffer {
	const nonce = randomBytes(12);
	const cipher = createCipheriv("aes-256-gcm", deriveKey("signing keys"), nonce);
	const encrypted = Buffer.concat([cipher.update(plain), cipher.final()]);
	return Buffer.concat([nonce, cipher.getAuthTag(), encrypted]);
}

/** Returns undefined if it was encrypted under another TOKO_SECRET. */
function decrypt(sealed: Buffer): Buffer | undefined {
	const decipher = createDecipheriv("aes-256-gcm", deriveKey("signing keys"), sealed.subarray(0, 12));
	decipher.setAuthTag(sealed.subarray(12, 28));
	try {
		return Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]);
	} catch {
		return undefined;
	}
}
