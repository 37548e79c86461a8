import { type Answer, HttpConnection, requestText } from "./http-connection.ts";

type Options = NonNullable<Parameters<typeof requestText>[2]>;

const NO_PRODUCT = "000000000000000000000000";

/** A request that is to get this answer. */
export interface Asked extends Options {
	/** The name that an unexpected answer is counted under. */
	what: string;
	method: "GET" | "POST";
	path: string;
	status: number;
}

/** Sends requests one after the other over one connection, and counts the answers that were not expected. */
export class Asker {
	#connection: HttpConnection;
	/** `payment 503 SERVICE_UNAVAILABLE` → how often. */
	failed: Record<string, number> = {};

	/** @param from The client's own address, where it is not the usual one. */
	constructor(address: string, from?: string) {
		this.#connection = new HttpConnection(address, from);
	}

	/** The milliseconds until the answer, and its body; none where the answer is not the expected one. */
	async ask({
		what,
		method,
		path,
		status,
		...options
	}: Asked): Promise<{ ms: number; body: Buffer | undefined }> {
		const request = requestText(method, path, options);
		const begun = performance.now();
		const answer = await this.#connection.request(request);
		const ms = performance.now() - begun;
		if (answer.status === status) {
			return { ms, body: answer.body };
		}
		const name = `${what} ${answer.status} ${codeOf(answer)}`.trim();
		this.failed[name] = (this.failed[name] ?? 0) + 1;
		return { ms, body: undefined };
	}

	/**
	 * Has the gateway ask the services for the lists that this user reads next, and not its cache, as for everybody who has just
	 * changed something or may have: the order is refused, since there is no such product.
	 */
	async askAnew(token: string): Promise<void> {
		const body = JSON.stringify({ items: [{ product_id: NO_PRODUCT, quantity: 1 }] });
		await this.ask({ what: "no order", method: "POST", path: "/api/v1/orders", status: 404, token, body });
	}

	close(): void {
		this.#connection.close();
	}
}

function codeOf({ body }: Answer): string {
	const text = body.toString();
	return /"code":"(\w+)"/.exec(text)?.[1] ?? text.slice(0, 60);
}
