import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type Call, NOT_FOUND, type Reply, refusal, UNAUTHORIZED } from "./services.ts";

/** Maximum number of cached tokens, so that each is looked up once. */
const TOKENS_MAX = 10_000;

/** A hand-written HTTP server: matches routes by string comparison and writes the bytes that the services return. */
export function gateway(call: Call): Server {
	const tokens = new Map<string, { id: number; until_ms: number }>();

	async function answer(request: IncomingMessage): Promise<Reply> {
		const { method, url = "" } = request;
		if (method === "GET") {
			if (url.startsWith("/api/v1/products?")) {
				const query = new URLSearchParams(url.slice(url.indexOf("?") + 1));
				return call("products.list", {
					category: query.get("category") ?? "",
					skip: Number(query.get("skip") ?? 0),
					limit: Number(query.get("limit") ?? 20),
				});
			}
			if (url.startsWith("/api/v1/products/")) {
				return call("products.get", { id: url.slice("/api/v1/products/".length) });
			}
			return url === "/health/ready" ? call("users.health", {}) : NOT_FOUND;
		}
		const body = parse(await read(request));
		if (body === undefined) {
			return refusal(400, "MALFORMED_JSON", "Malformed JSON");
		}
		switch (url) {
			case "/api/v1/users/register":
				return call("users.register", body);
			case "/api/v1/users/login":
				return call("users.login", body);
		}
		const user_id = await userOf(request.headers.authorization?.slice("Bearer ".length));
		if (user_id === undefined) {
			return UNAUTHORIZED;
		}
		if (url === "/api/v1/orders") {
			if (!isOrder(body)) {
				return refusal(422, "VALIDATION_FAILED", "Validation failed");
			}
			return call("orders.place", { user_id, key: request.headers["idempotency-key"], body });
		}
		const id = /^\/api\/v1\/orders\/([0-9a-f-]{36})\/pay$/.exec(url)?.[1];
		return id === undefined ? NOT_FOUND : call("orders.pay", { user_id, id });
	}

	async function userOf(token: string | undefined): Promise<number | undefined> {
		if (token === undefined) {
			return undefined;
		}
		const known = tokens.get(token);
		if (known !== undefined && known.until_ms > Date.now()) {
			return known.id;
		}
		const { status, body } = await call("users.verify", { token });
		if (status !== 200) {
			return undefined;
		}
		const { id, expires_s } = JSON.parse(body);
		if (tokens.size >= TOKENS_MAX) {
			tokens.clear();
		}
		tokens.set(token, { id, until_ms: Date.now() + expires_s * 1000 });
		return id;
	}

	return createServer({ keepAlive: true, noDelay: true }, (request, response) => {
		answer(request).then(
			(reply) => write(response, reply),
			(error) => {
				console.error(error);
				write(response, refusal(500, "INTERNAL", "Internal error"));
			},
		);
	});
}

function write(response: ServerResponse, { status, body }: Reply): void {
	const content_type = status < 400 ? "application/json; charset=utf-8" : "application/problem+json";
	response.writeHead(status, { "content-type": content_type, "content-length": Buffer.byteLength(body) });
	response.end(body);
}

function read(request: IncomingMessage): Promise<string> {
	return new Promise((resolve, reject) => {
		let text = "";
		request.setEncoding("utf8");
		request.on("data", (chunk) => {
			text += chunk;
		});
		request.on("end", () => resolve(text));
		request.on("error", reject);
	});
}

function parse(text: string): object | undefined {
	try {
		const value = JSON.parse(text);
		return typeof value === "object" && value !== null ? value : undefined;
	} catch {
		return undefined;
	}
}

function isOrder(body: object): boolean {
	const { items } = body as { items?: unknown };
	return (
		Array.isArray(items) &&
		items.length > 0 &&
		items.every(
			(item) =>
				typeof item?.product_id === "string" && Number.isSafeInteger(item.quantity) && item.quantity > 0,
		)
	);
}
