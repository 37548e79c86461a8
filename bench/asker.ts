import { type Answer, HttpConnection, requestText } from "./http-connection.ts";

type Options = NonNullable<Parameters<typeof requestText>[2]>;

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
	 * Has the gateway ask the services for what this client reads next, and not its cache: as it does for one that has just
	 * tried to change something.
	 */
	async askAnew(): Promise<void> {
		const path = "/api/v1/users/verify";
		await this.#connection.request(requestText("POST", path, { body: "{}", token: "no.good.token" }));
	}

	close(): void {
		this.#connection.close();
	}
}

function codeOf({ body }: Answer): string {
	const text = body.toString();
	return /"code":"(\w+)"/.exec(text)?.[1] ?? text.slice(0, 60);
}
