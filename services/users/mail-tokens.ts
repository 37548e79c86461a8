import { createHmac, timingSafeEqual } from "node:crypto";
import type { z } from "zod";
import type { mailTokenPurpose } from "../../contracts/users.ts";
import { deriveKey } from "../../mixins/settings.ts";
import type { UserAttributes } from "./model.ts";

type Purpose = z.output<typeof mailTokenPurpose>;
type Owner = Pick<UserAttributes, "id" | "email" | "password_hash">;

const HOURS: Record<Purpose, number> = { verify: 72, reset: 1 };

/**
 * A token for the link of a mail: `<purpose>.<user>.<expiry>.<signature>`. Nothing of it is kept: it is signed together
 * with the address that it goes to and, for a reset, the password that it replaces, so it ends when these change.
 * (As Django's password reset tokens; HMAC-SHA256.)
 */
export function mailToken(purpose: Purpose, owner: Owner, now = Date.now()): string {
	const expires = Math.floor(now / 1000) + HOURS[purpose] * 3600;
	return `${purpose}.${owner.id}.${expires}.${signature(purpose, owner, expires)}`;
}

/** Whose token this says that it is; undefined where it is none or its time is over. Proves nothing yet. */
export function ownerOfMailToken(purpose: Purpose, token: string): number | undefined {
	const { user_id, expires } = parse(purpose, token) ?? {};
	return user_id !== undefined && (expires as number) * 1000 > Date.now() ? user_id : undefined;
}

/** Whether we have signed this token for its owner as the owner is now. */
export function isMailTokenOf(purpose: Purpose, token: string, owner: Owner): boolean {
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
	return given === purpose
		? { user_id: Number(user_id), expires: Number(expires), signature: signature as string }
		: undefined;
}

function signature(purpose: Purpose, { id, email, password_hash }: Owner, expires: number): string {
	const signed = [purpose, id, expires, email, purpose === "reset" ? password_hash : ""].join("\n");
	return createHmac("sha256", deriveKey("mail tokens")).update(signed).digest("base64url");
}
