import { expect } from "@jest/globals";
import type { Person } from "./shop.ts";

export interface Sending {
	as?: Person;
	token?: string | undefined;
	body?: unknown;
	headers?: Record<string, string>;
}

export interface Answer {
	status: number;
	headers: Headers;
	text: string;
	// biome-ignore lint/suspicious/noExplicitAny: a client knows the form of each answer.
	body: any;
}

/** Sends a request to a gateway as a client does; a `body` that is no text is sent as JSON. */
export async function send(
	address: string,
	method: string,
	path: string,
	{ as, token = as?.token, body, headers = {} }: Sending = {},
): Promise<Answer> {
	const response = await fetch(`${address}${path}`, {
		method,
		headers: {
			...(body === undefined ? {} : { "content-type": "application/json" }),
			...(token ? { authorization: `Bearer ${token}` } : {}),
			...headers,
		},
		...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
	});
	const text = await response.text();
	return {
		status: response.status,
		headers: response.headers,
		text,
		body: text === "" ? undefined : JSON.parse(text),
	};
}

/** Expects a problem response that is actionable and reveals no internals. */
export function expectProblem(answer: Answer, status: number, code: string, detail?: string): void {
	expect(answer.body).toMatchObject({ status, code, detail: detail ?? expect.stringMatching(/\w+ \w+/) });
	expect(answer.status).toBe(status);
	expect(answer.headers.get("content-type")).toContain("application/problem+json");
	expect(answer.body.instance).toBe(answer.headers.get("x-request-id"));
	expect(JSON.stringify(answer.body)).not.toMatch(/node_modules|\.ts:|nodeID|stack/);
}

/**
 * Returns functions that send requests to the API of a gateway.
 *
 * @param address Returns the address of the gateway, which is known once it has started.
 */
export function api(address: () => string) {
	const call = (
		method: string,
		path: string,
		as?: Person,
		body?: unknown,
		headers: Record<string, string> = {},
	) => send(address(), method, `/api/v1${path}`, { ...(as ? { as } : {}), body, headers });
	const post = (path: string, as: Person | undefined, body: unknown, headers?: Record<string, string>) =>
		call("POST", path, as, body, headers);
	return { call, post };
}
