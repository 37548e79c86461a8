import { createHmac } from "node:crypto";
import { settings } from "../../config/settings.ts";
import { type Channel, Refused } from "./channel.ts";

const TIMEOUT_MS = 5000;
/** Statuses by which the provider rejects this message permanently. */
const PERMANENT = [400, 422];

/**
 * Returns a channel that sends text messages by an HTTP provider: `POST {id, to, text}` in JSON; any 2xx is success.
 * `Toko-Signature` has the format of a payment webhook: `t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">`, with
 * `SMS_SECRET`. The `Idempotency-Key` is the message's id. Credentials in the URL are sent as Basic authentication (RFC
 * 7617).
 */
export function bySms(address: string): Channel {
	const { url, authorization } = readAddress(address);
	return {
		async send({ id, to, text }) {
			const body = JSON.stringify({ id, to, text });
			const response = await fetch(url, {
				method: "POST",
				headers: {
					...authorization,
					"content-type": "application/json",
					"idempotency-key": id,
					"toko-signature": sign(body),
				},
				body,
				redirect: "manual",
				signal: AbortSignal.timeout(TIMEOUT_MS),
			}).catch((error: Error) => {
				throw new Error(`the provider of SMS_URL did not respond: ${reasonOf(error)}`);
			});
			await response.body?.cancel();
			if (!response.ok) {
				const { status } = response;
				throw new (PERMANENT.includes(status) ? Refused : Error)(
					`the provider of SMS_URL returned ${status}`,
				);
			}
		},
		close: () => undefined,
	};
}

function readAddress(address: string) {
	const url = new URL(address);
	const { username, password } = url;
	url.username = "";
	url.password = "";
	const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
	return {
		url,
		authorization: username ? { authorization: `Basic ${Buffer.from(login).toString("base64")}` } : {},
	};
}

function sign(body: string): string {
	const at = Math.floor(Date.now() / 1000);
	const mac = createHmac("sha256", settings.smsSecret).update(`${at}.${body}`).digest("hex");
	return `t=${at},v1=${mac}`;
}

/** Returns the code of a failed connection, which `fetch` hides in the cause. */
function reasonOf({ message, cause }: Error): string {
	const { code } = (cause ?? {}) as { code?: string };
	return code ?? message;
}
