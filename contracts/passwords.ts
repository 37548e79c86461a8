import { z } from "zod";

/** In characters (code points) of the normal form. */
const LENGTH = { min: 8, max: 128 };
/** UTF-16 units of a password as it is typed: each of 128 characters may be two, and be decomposed into four. */
const TYPED_MAX = 1024;

/**
 * The one form of a password however a keyboard has composed it: RFC 8265, OpaqueString. Letters and their marks are
 * composed (NFC), every kind of blank is a plain one; nothing else changes, blanks at the ends included.
 */
export function normalPassword(typed: string): string {
	return typed.replace(/\p{Zs}/gu, " ").normalize("NFC");
}

const lengthOf = (typed: string) => [...normalPassword(typed)].length;

/** A password to set. Long enough to resist guessing; the upper bound keeps the hash from being used as a weapon. */
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

/** A password to check, which may be older than the bounds of new ones. */
export const password = z.string().min(1).max(TYPED_MAX);
