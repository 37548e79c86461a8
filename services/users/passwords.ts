import { randomBytes } from "node:crypto";
import { hash, verify } from "@node-rs/argon2";

// Argon2id (the package's default algorithm) with OWASP's minimum: 19 MiB, two passes, one lane.
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

let decoy: Promise<string> | undefined;

/** The argon2id hash of a password, parameters and salt included. */
export function hashPassword(password: string): Promise<string> {
	return hash(password, COST);
}

/**
 * Whether the password belongs to the hash. Without a hash (an unknown account) it takes the same time and is false,
 * so that nobody learns from the clock who is registered.
 */
export async function passwordMatches(password_hash: string | undefined, password: string): Promise<boolean> {
	decoy ??= hashPassword(randomBytes(24).toString("base64url"));
	const matches = await verify(password_hash ?? (await decoy), password);
	return matches && password_hash !== undefined;
}
