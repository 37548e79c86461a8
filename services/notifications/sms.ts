import { createHmac } from "node:crypto";
import { settings } from "../../config/settings.ts";
import { type Channel, Refused } from "./channel.ts";

const ANSWER_MS = 5000;
/** What the provider has against this message, and not against the shop. */
const FOR_GOOD = [400, 422];

/**
 * Text messages by an HTTP provider: `POST {id, to, text}` in JSON, answered by any 2xx. `Toko-Signature` is made as
 * that of a payment webhook: `t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">`, with `SMS_SECRET`. The
 * `Idempotency-Key` is the message's id. A name and password in the address go as Basic authentication (RFC 7617).
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
				signal: AbortSignal.timeout(ANSWER_MS),
			}).catch((error: Error) => {
				throw new Error(`the provider of SMS_URL did not answer: ${reasonOf(error)}`);
			});
			await response.body?.cancel();
			if (!response.ok) {
				const { status } = response;
				throw new (FOR_GOOD.includes(status) ? Refused : Error)(`the provider of SMS_URL answered ${status}`);
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

/** `fetch` hides why a connection failed. */
function reasonOf({ message, cause }: Error): string {
	const { code } = (cause ?? {}) as { code?: string };
	return code ?? message;
}
