import { z } from "zod";

/** Length limits in code points of the normal form. */
const LENGTH = { min: 8, max: 128 };
/** Maximum length of the input in UTF-16 units: each of 128 characters may be two, decomposed into four. */
const TYPED_MAX = 1024;

/**
 * Normalizes a password, however a keyboard has composed it, by RFC 8265 (OpaqueString): letters and their marks are
 * composed (NFC), and every kind of space becomes a plain one. Everything else is unchanged, spaces at the ends
 * included.
 */
export function normalPassword(typed: string): string {
	return typed.replace(/\p{Zs}/gu, " ").normalize("NFC");
}

const lengthOf = (typed: string) => [...normalPassword(typed)].length;

/** A new password. The minimum length resists guessing; the maximum prevents denial of service by costly hashes. */
export const newPassword = z
	.string()
	.meta({ minLength: LENGTH.min, maxLength: LENGTH.max })
	.refine(
		(typed) => typed.length > TYPED_MAX || lengthOf(typed) >= LENGTH.min,
		`must have at least ${LENGTH.min} characters`,
	)
	.refine(
		(typed) => typed.length <= TYPED_MAX && lengthOf(typed) <= LENGTH.max,
		`must have at most ${LENGTH.max} characters`,
	)
	.refine((typed) => typed.isWellFormed(), "must be well-formed text");

/** A password to verify. It may be older than the limits for new ones. */
export const password = z.string().min(1).max(TYPED_MAX);
