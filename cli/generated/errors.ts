import { STATUS_CODES } from "node:http";
import { PROBLEMS } from "../../contracts/problem-codes.ts";
import { REPEATABLE_STATUSES } from "../../errors/kinds.ts";
import { code, document, table, WRITTEN } from "./markdown.ts";

const INTRODUCTION = `Every error of the API is an \`application/problem+json\` object (RFC 9457) with a stable \`code\`. \`detail\` is a sentence for
people, in English or, with \`Accept-Language: id\`, in Indonesian; \`{name}\` below stands for a value in it.

A response of 429 or 503 has a \`Retry-After\` header. With an \`Idempotency-Key\`, the response to the first request is
stored: a client repeats a request with the same key after a 5xx response or none, and uses a new key after it has
changed the request or got a 4xx response other than ${REPEATABLE_STATUSES.join(", ")}.`;

/** Generates docs/reference/errors.md, error codes by HTTP status, from `contracts/problem-codes.ts`. */
export function errorsReference(): string {
	const byStatus = Map.groupBy(Object.entries(PROBLEMS), ([, { status }]) => status);
	const sections = [...byStatus]
		.sort(([a], [b]) => a - b)
		.flatMap(([status, problems]) => [
			`## ${status} ${STATUS_CODES[status]}`,
			table(
				["code", "meaning", "what a client should do"],
				problems.map(([name, { en, advice }]) => [code(name), en, advice]),
			),
		]);
	return document(WRITTEN, "# Errors", INTRODUCTION, ...sections);
}
