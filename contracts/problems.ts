import { Errors } from "moleculer";
import type { z } from "zod";

import type { Language } from "./languages.ts";
import { PROBLEMS, type ProblemCode } from "./problem-codes.ts";
import type { ProblemKind } from "./problem-kind.ts";
import "./messages.ts";

/** An invalid field of a request, by its path (`items.0.quantity`). */
export interface FieldError {
	path: string;
	message: string;
	/** Product of an order line that is out of stock. */
	product_id?: string;
	requested?: number;
	available?: number;
}

/** Data of a problem: values for its message, and the invalid fields. */
export interface ProblemData {
	errors?: FieldError[];
	[name: string]: unknown;
}

/**
 * Creates an error with a stable code. It is transmitted between nodes, and becomes an RFC 9457 response at the
 * gateway. Usage: `throw problem("PRODUCT_NOT_FOUND")`.
 */
export function problem(code: ProblemCode, data: ProblemData = {}): Errors.MoleculerError {
	const { status } = PROBLEMS[code];
	const message = describe(code, data, "en");
	return status < 500
		? withoutStack(() => new Errors.MoleculerClientError(message, status, code, data))
		: new Errors.MoleculerServerError(message, status, code, data);
}

/** Creates an error without a stack: a client error needs none, and it would cost more than the rest of the refusal. */
function withoutStack<E extends Error>(make: () => E): E {
	const { stackTraceLimit } = Error;
	Error.stackTraceLimit = 0;
	try {
		return make();
	} finally {
		Error.stackTraceLimit = stackTraceLimit;
	}
}

/** Returns the message of a problem in a language. */
export function describe(code: ProblemCode, data: ProblemData, language: Language): string {
	const { words, ...kind }: ProblemKind = PROBLEMS[code];
	const filled = (text: string, depth = 0): string =>
		text.replace(/\{(\w+)\}/g, (_, name: string) => {
			const value = String(data[name] ?? "?");
			const word = words?.[value]?.[language];
			return word === undefined || depth > 0 ? value : filled(word, depth + 1);
		});
	return filled(kind[language]);
}

/** Maximum number of reported field errors: a response about 100,000 would be too large for a message between nodes. */
export const ERRORS_MAX = 100;

/** Converts Zod issues to field errors with messages for people. */
export function fieldErrors(error: z.ZodError): FieldError[] {
	const issues = error.issues.filter(
		(issue, place) => !isRepeated(issue, error.issues.slice(place + 1, place + 3)),
	);
	const found = issues.slice(0, ERRORS_MAX).flatMap((issue) => {
		const path = issue.path.map(String);
		if (issue.code === "unrecognized_keys") {
			return issue.keys.map((key) => ({ path: [...path, key].join("."), message: "is not a known field" }));
		}
		return [{ path: path.join("."), message: lowerFirst(issue.message) }];
	});
	return found.slice(0, ERRORS_MAX);
}

/**
 * Reports whether a later issue repeats this one: Zod checks whole numbers for the safe range before the contract's
 * limit.
 */
function isRepeated(issue: z.core.$ZodIssue, next: z.core.$ZodIssue[]): boolean {
	return (
		(issue.code === "too_big" || issue.code === "too_small") &&
		issue.origin === "int" &&
		next.some(({ code, path }) => code === issue.code && path.join() === issue.path.join())
	);
}

function lowerFirst(text: string): string {
	return text.charAt(0).toLowerCase() + text.slice(1);
}
