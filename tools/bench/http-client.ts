import { codeOf, HttpConnection, requestText } from "./http-connection.ts";

type Options = NonNullable<Parameters<typeof requestText>[2]>;

const NO_PRODUCT = "000000000000000000000000";

/** A request and its expected response. */
export interface ExpectedRequest extends Options {
	/** Name under which an unexpected response is counted. */
	what: string;
	method: "GET" | "POST";
	path: string;
	status: number;
}

/** Sends requests one at a time over one connection and counts unexpected responses. */
export class HttpClient {
	#connection: HttpConnection;
	/** Number of unexpected responses by kind, such as `payment 503 SERVICE_UNAVAILABLE`. */
	failed: Record<string, number> = {};

	/** @param from Local address of the client; the default address if omitted. */
	constructor(address: string, from?: string) {
		this.#connection = new HttpConnection(address, from);
	}

	/**
	 * Sends a request. Returns the milliseconds until the response and its body, or no body if the response was
	 * unexpected.
	 */
	async send({
		what,
		method,
		path,
		status,
		...options
	}: ExpectedRequest): Promise<{ ms: number; body: Buffer | undefined }> {
		const request = requestText(method, path, options);
		const started_at = performance.now();
		const response = await this.#connection.request(request);
		const ms = performance.now() - started_at;
		if (response.status === status) {
			return { ms, body: response.body };
		}
		const name = `${what} ${response.status} ${codeOf(response)}`.trim();
		this.failed[name] = (this.failed[name] ?? 0) + 1;
		return { ms, body: undefined };
	}

	/**
	 * Makes the gateway bypass its response cache for the next lists that this user reads, as after any write. Places an
	 * order that is refused, since its product does not exist.
	 */
	async bypassCache(token: string): Promise<void> {
		const body = JSON.stringify({ items: [{ product_id: NO_PRODUCT, quantity: 1 }] });
		await this.send({
			what: "rejected order",
			method: "POST",
			path: "/api/v1/orders",
			status: 404,
			token,
			body,
		});
	}

	close(): void {
		this.#connection.close();
	}
}
