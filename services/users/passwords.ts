import { randomBytes } from "node:crypto";
import { hash, verify } from "@node-rs/argon2";
import { normalPassword } from "../../contracts/passwords.ts";

// Argon2id (the package's default algorithm) with OWASP's minimum: 19 MiB, two iterations, one thread.
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

let decoy: Promise<string> | undefined;

/** Returns the argon2id hash of a password in its normal form, including parameters and salt. */
export function hashPassword(password: string): Promise<string> {
	return hash(normalPassword(password), COST);
}

/**
 * Tells whether the password matches the hash. Returns `outdated` if the hash is of another Unicode form of the
 * password, as before there was a normal form. Without a hash (an unknown account), returns false after the same time,
 * so that the timing does not reveal whether an account exists.
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
