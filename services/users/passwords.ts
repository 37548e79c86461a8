import { randomBytes } from "node:crypto";
import { hash, verify } from "@node-rs/argon2";
import { normalPassword } from "../../contracts/passwords.ts";

// Argon2id (the package's default algorithm) with OWASP's minimum: 19 MiB, two passes, one lane.
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

let decoy: Promise<string> | undefined;

/** The argon2id hash of a password in its normal form, parameters and salt included. */
export function hashPassword(password: string): Promise<string> {
	return hash(normalPassword(password), COST);
}

/**
 * Whether the password belongs to the hash: `outdated` where it does, but the hash is of the text as a keyboard once composed
 * it, as all were before there was a normal form. Without a hash (an unknown account) it takes the same time and is false,
 * so that nobody learns from the clock who is registered.
 */
export async function checkPassword(
	password_hash: string | undefined,
	password: string,
): Promise<boolean | "outdated"> {
	decoy ??= hashPassword(randomBytes(24).toString("base64url"));
	const expected = password_hash || (await decoy);
	const [normal, ...others] = new Set([
		normalPassword(password),
		password,
		password.normalize("NFC"),
		password.normalize("NFD"),
	]);
	const isRight = await verify(expected, normal as string);
	let isOutdated = false;
	for (const form of isRight ? [] : others) {
		isOutdated ||= await verify(expected, form);
	}
	return Boolean(password_hash) && (isRight || (isOutdated && "outdated"));
}
