import { createHmac, timingSafeEqual } from "node:crypto";
import type { z } from "zod";
import { settings } from "../../config/settings.ts";
import { providerEvent } from "../../contracts/order-schemas.ts";
import { fieldErrors, problem } from "../../contracts/problems.ts";

/** Maximum difference between the current time and that of a signature, against replays. */
const WINDOW_SECONDS = 300;

/**
 * Verifies the signature of a webhook and parses its event.
 *
 * @param payload The body, byte for byte as received.
 * @param signature The `Toko-Signature` header.
 * @throws SIGNATURE_INVALID, VALIDATION_FAILED.
 */
export function readWebhook({ payload, signature }: { payload: string; signature: string }) {
	if (!isSigned(settings.paymentWebhookSecret, payload, signature, Date.now() / 1000)) {
		throw problem("SIGNATURE_INVALID");
	}
	const event = providerEvent.safeParse(parse(payload));
	if (!event.success) {
		throw problem("VALIDATION_FAILED", { errors: fieldErrors(event.error) });
	}
	return event.data as z.output<typeof providerEvent>;
}

/** Signs a body like the provider: `t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">`. */
export function sign(secret: string, body: string, at_seconds: number): string {
	return `t=${at_seconds},v1=${digest(secret, body, String(at_seconds)).toString("hex")}`;
}

/**
 * Tells whether a signature is valid for this body and recent. During a change of the secret, the provider may send
 * several `v1`: one of them must be valid.
 */
function isSigned(secret: string, body: string, signature: string, now_seconds: number): boolean {
	const parts = signature.split(",").map((part) => part.trim().split("=", 2) as [string, string?]);
	const [at, ...more] = parts.filter(([name]) => name === "t").map(([, value]) => value ?? "");
	if (at === undefined || more.length > 0 || !/^\d{1,12}$/.test(at)) {
		return false;
	}
	if (Math.abs(now_seconds - Number(at)) > WINDOW_SECONDS) {
		return false;
	}
	const expected = digest(secret, body, at);
	return parts.some(
		([name, value = ""]) =>
			name === "v1" && /^[0-9a-f]{64}$/i.test(value) && timingSafeEqual(Buffer.from(value, "hex"), expected),
	);
}

function digest(secret: string, body: string, at: string): Buffer {
	return createHmac("sha256", secret).update(`${at}.${body}`).digest();
}

function parse(payload: string): unknown {
	try {
		return JSON.parse(payload);
	} catch {
		throw problem("MALFORMED_BODY");
	}
}
