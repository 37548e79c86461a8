import { createHmac, timingSafeEqual } from "node:crypto";
import type { z } from "zod";
import { deriveKey } from "../../config/settings.ts";
import { mailTokenPurpose } from "../../contracts/users.ts";
import type { UserAttributes } from "./model.ts";

type Purpose = z.output<typeof mailTokenPurpose>;

/** Attributes of a user that tokens are signed with: a token becomes invalid when one of its attributes changes. */
export type Credentials = Pick<UserAttributes, "id" | "email" | "pending_email" | "password_hash">;

const HOURS: Record<Purpose, number> = { verify: 72, change: 72, reset: 1 };

const SIGNED: Record<Purpose, (owner: Credentials) => (string | null)[]> = {
	verify: ({ email }) => [email],
	change: ({ email, pending_email }) => [email, pending_email],
	reset: ({ email, password_hash }) => [email, password_hash],
};

/**
 * Returns a token for the link in a mail: `<purpose>.<user>.<expiry>.<signature>`. It is not stored. The signature
 * covers the address that it is sent to and, for a reset, the hash of the old password, so the token becomes invalid
 * when these change. (Like Django's password reset tokens; HMAC-SHA256.)
 */
export function mailToken(purpose: Purpose, owner: Credentials, now = Date.now()): string {
	const expires = Math.floor(now / 1000) + HOURS[purpose] * 3600;
	return `${purpose}.${owner.id}.${expires}.${signature(purpose, owner, expires)}`;
}

/** Returns the claimed purpose of a token, without verifying it. */
export function purposeOf(token: string): Purpose | undefined {
	return mailTokenPurpose.safeParse(token.split(".", 1)[0]).data;
}

/** Returns the claimed user of a token, without verifying it; null if the token is malformed or expired. */
export function ownerOfMailToken(purpose: Purpose, token: string): number | null {
	const parsed = parse(purpose, token);
	return parsed && parsed.expires * 1000 > Date.now() ? parsed.user_id : null;
}

/** Verifies the signature of a token against the current attributes of its user. */
export function isMailTokenOf(purpose: Purpose, token: string, owner: Credentials): boolean {
	const parsed = parse(purpose, token);
	if (!parsed || parsed.user_id !== owner.id) {
		return false;
	}
	const expected = Buffer.from(signature(purpose, owner, parsed.expires));
	const received = Buffer.from(parsed.signature);
	return received.length === expected.length && timingSafeEqual(received, expected);
}

function parse(purpose: Purpose, token: string) {
	const [, received, user_id, expires, signature] =
		/^(\w+)\.([1-9]\d{0,9})\.(\d{1,12})\.([\w-]+)$/.exec(token) ?? [];
	const isInteger = Number(user_id) <= 2_147_483_647;
	return received === purpose && isInteger
		? { user_id: Number(user_id), expires: Number(expires), signature: signature as string }
		: undefined;
}

function signature(purpose: Purpose, owner: Credentials, expires: number): string {
	const signed = [purpose, owner.id, expires, ...SIGNED[purpose](owner)].join("\n");
	return createHmac("sha256", deriveKey("mail tokens")).update(signed).digest("base64url");
}
