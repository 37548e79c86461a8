import { createHmac, timingSafeEqual } from "node:crypto";
import type { z } from "zod";
import { deriveKey } from "../../config/settings.ts";
import { mailTokenPurpose } from "../../contracts/users.ts";
import type { UserAttributes } from "./model.ts";

type Purpose = z.output<typeof mailTokenPurpose>;

/** What the tokens of a user are signed with: one ends when its part of it changes. */
export type Credentials = Pick<UserAttributes, "id" | "email" | "pending_email" | "password_hash">;

const HOURS: Record<Purpose, number> = { verify: 72, change: 72, reset: 1 };

const SIGNED: Record<Purpose, (owner: Credentials) => (string | null)[]> = {
	verify: ({ email }) => [email],
	change: ({ email, pending_email }) => [email, pending_email],
	reset: ({ email, password_hash }) => [email, password_hash],
};

/**
 * A token for the link of a mail: `<purpose>.<user>.<expiry>.<signature>`. Nothing of it is kept: it is signed together
 * with the address that it goes to and, for a reset, the password that it replaces, so it ends when these change.
 * (As Django's password reset tokens; HMAC-SHA256.)
 */
export function mailToken(purpose: Purpose, owner: Credentials, now = Date.now()): string {
	const expires = Math.floor(now / 1000) + HOURS[purpose] * 3600;
	return `${purpose}.${owner.id}.${expires}.${signature(purpose, owner, expires)}`;
}

/** What a token says that it is for; proves nothing. */
export function purposeOf(token: string): Purpose | undefined {
	return mailTokenPurpose.safeParse(token.split(".", 1)[0]).data;
}

/** Whose token this says that it is; null where it is none or its time is over. Proves nothing. */
export function ownerOfMailToken(purpose: Purpose, token: string): number | null {
	const parsed = parse(purpose, token);
	return parsed && parsed.expires * 1000 > Date.now() ? parsed.user_id : null;
}

/** Whether we have signed this token for its owner as the owner is now. */
export function isMailTokenOf(purpose: Purpose, token: string, owner: Credentials): boolean {
	const parsed = parse(purpose, token);
	if (!parsed || parsed.user_id !== owner.id) {
		return false;
	}
	const expected = Buffer.from(signature(purpose, owner, parsed.expires));
	const given = Buffer.from(parsed.signature);
	return given.length === expected.length && timingSafeEqual(given, expected);
}

function parse(purpose: Purpose, token: string) {
	const [, given, user_id, expires, signature] =
		/^(\w+)\.([1-9]\d{0,9})\.(\d{1,12})\.([\w-]+)$/.exec(token) ?? [];
	const isInteger = Number(user_id) <= 2_147_483_647;
	return given === purpose && isInteger
		? { user_id: Number(user_id), expires: Number(expires), signature: signature as string }
		: undefined;
}

function signature(purpose: Purpose, owner: Credentials, expires: number): string {
	const signed = [purpose, owner.id, expires, ...SIGNED[purpose](owner)].join("\n");
	return createHmac("sha256", deriveKey("mail tokens")).update(signed).digest("base64url");
}
