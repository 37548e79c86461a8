import { connect, type Socket } from "node:net";

/** An HTTP response: its status and body. `status` 0 means that no complete response arrived. */
export interface HttpResponse {
	status: number;
	body: Buffer;
}

const TIMEOUT_MS = 30_000;
const HEAD_END = Buffer.from("\r\n\r\n");
const LINE_END = Buffer.from("\r\n");
const EMPTY = Buffer.alloc(0);

/**
 * A keep-alive HTTP/1.1 connection for one request at a time. It parses only the fields that a load generator needs
 * (status, length, body) and so costs a few microseconds per request: on two cores, the load generator competes with
 * the server.
 */
export class HttpConnection {
	#host: string;
	#port: number;
	#from: string | undefined;
	#socket: Socket | undefined;
	#received: Buffer = EMPTY;
	#waiting: ((response: HttpResponse) => void) | undefined;
	#timer: NodeJS.Timeout | undefined;

	/**
	 * @param address Base URL such as `http://127.0.0.1:3000`.
	 * @param from Local address of the client; the default address if omitted.
	 */
	constructor(address: string, from?: string) {
		this.#from = from;
		const { hostname, port } = new URL(address);
		this.#host = hostname;
		this.#port = Number(port);
	}

	/** Sends a complete request, head and body, and waits for the response. Never rejects. */
	request(bytes: string): Promise<HttpResponse> {
		return new Promise((resolve) => {
			this.#waiting = resolve;
			this.#socket ??= this.#connect();
			this.#timer = setTimeout(() => this.#fail("timeout"), TIMEOUT_MS);
			this.#socket.write(bytes);
		});
	}

	close(): void {
		this.#socket?.destroy();
		this.#socket = undefined;
	}

	#connect(): Socket {
		const socket = connect({
			host: this.#host,
			port: this.#port,
			noDelay: true,
			...(this.#from === undefined ? {} : { localAddress: this.#from }),
		});
		socket.on("data", (chunk) => this.#receive(chunk));
		const lost = (reason: string) => {
			if (this.#socket === socket) {
				this.#fail(reason);
			}
		};
		socket.on("error", (error: NodeJS.ErrnoException) => lost(error.code ?? error.message));
		socket.on("close", () => lost("connection closed"));
		return socket;
	}

	#receive(chunk: Buffer): void {
		this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
		const parsed = parseResponse(this.#received);
		if (parsed) {
			this.#received = EMPTY;
			if (parsed.closes) {
				this.close();
			}
			this.#resolve({ status: parsed.status, body: parsed.body });
		}
	}

	#fail(reason: string): void {
		this.close();
		this.#received = EMPTY;
		this.#resolve({ status: 0, body: Buffer.from(reason) });
	}

	#resolve(response: HttpResponse): void {
		clearTimeout(this.#timer);
		const waiting = this.#waiting;
		this.#waiting = undefined;
		waiting?.(response);
	}
}

/** Returns the bytes of a request for `HttpConnection`. */
export function requestText(
	method: "GET" | "POST",
	path: string,
	{ body, token, key }: { body?: string; token?: string | undefined; key?: string | undefined } = {},
): string {
	const authorization = token === undefined ? "" : `Authorization: Bearer ${token}\r\n`;
	const idempotency = key === undefined ? "" : `Idempotency-Key: ${key}\r\n`;
	const content =
		body === undefined
			? "Accept: */*\r\n"
			: `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`;
	return `${method} ${path} HTTP/1.1\r\nHost: shop.test\r\n${authorization}${idempotency}${content}\r\n${body ?? ""}`;
}

/** Returns the problem code of a response, or the start of its body. */
export function codeOf({ body }: HttpResponse): string {
	const text = body.toString();
	return /"code":"(\w+)"/.exec(text)?.[1] ?? text.slice(0, 60);
}

/** Parses a response. Returns undefined while it is incomplete. */
export function parseResponse(bytes: Buffer): (HttpResponse & { closes: boolean }) | undefined {
	const end = bytes.indexOf(HEAD_END);
	if (end === -1) {
		return undefined;
	}
	const head = bytes.toString("latin1", 0, end);
	const status = Number(head.slice(9, 12));
	const closes = /\r\nconnection: *close/i.test(head);
	const start = end + HEAD_END.length;
	const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
	if (length !== undefined) {
		const stop = start + Number(length);
		return bytes.length >= stop ? { status, body: bytes.subarray(start, stop), closes } : undefined;
	}
	if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
		const body = parseChunks(bytes, start);
		return body && { status, body, closes };
	}
	return { status, body: EMPTY, closes };
}

function parseChunks(bytes: Buffer, start: number): Buffer | undefined {
	const chunks: Buffer[] = [];
	for (let at = start; ; ) {
		const line = bytes.indexOf(LINE_END, at);
		if (line === -1) {
			return undefined;
		}
		const size = Number.parseInt(bytes.toString("latin1", at, line), 16);
		const begin = line + LINE_END.length;
		if (bytes.length < begin + size + LINE_END.length) {
			return undefined;
		}
		if (size === 0) {
			return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
		}
		chunks.push(bytes.subarray(begin, begin + size));
		at = begin + size + LINE_END.length;
	}
}
