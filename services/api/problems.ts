import { Errors } from "moleculer";
import Negotiator from "negotiator";
import { type Language, languageOf } from "../../contracts/languages.ts";
import { PROBLEMS, type ProblemCode, problemCode } from "../../contracts/problem-codes.ts";
import { describe, type FieldError, type ProblemData } from "../../contracts/problems.ts";
import { isTransient } from "../../errors/kinds.ts";

/** An error response in the format of RFC 9457. */
export interface ProblemAnswer {
	type: string;
	title: string;
	status: number;
	detail: string;
	code: ProblemCode;
	instance: string;
	errors?: FieldError[];
}

/** Converts an error to one of the shop's error codes; errors that are not the client's fault reveal no details. */
export function asProblem(error: unknown): { code: ProblemCode; data: ProblemData } {
	const known = problemCode(error);
	if (known) {
		return { code: known, data: (error as { data?: ProblemData }).data ?? {} };
	}
	if (error instanceof Errors.RequestTimeoutError) {
		return { code: "TIMED_OUT", data: {} };
	}
	// moleculer-web's own error has another class.
	if (isTransient(error) || (error as Error | null)?.name === "ServiceUnavailableError") {
		return { code: "UNAVAILABLE", data: { service: serviceOf(error) } };
	}
	return fromRouter(error) ?? { code: "INTERNAL", data: {} };
}

/** Returns the response to an error, in the client's language. */
export function problemAnswer(
	{ code, data }: { code: ProblemCode; data: ProblemData },
	instance: string,
	language: Language,
): ProblemAnswer {
	const { status, members = [] }: { status: number; members?: readonly string[] } = PROBLEMS[code];
	return {
		type: "about:blank",
		title: code
			.toLowerCase()
			.replaceAll("_", " ")
			.replace(/^./, (first) => first.toUpperCase()),
		status,
		detail: describe(code, data, language),
		code,
		instance,
		...(data.errors ? { errors: data.errors } : {}),
		...Object.fromEntries(members.map((name) => [name, data[name]])),
	};
}

/**
 * Returns the client's preferred language of error messages by its `Accept-Language` (RFC 9110, 12.5.4); English by
 * default.
 */
export function preferredLanguage(acceptLanguage = ""): Language {
	// Some clients write blanks, capitals and underscores.
	const accepted = acceptLanguage.replace(/\s/g, "").replaceAll("_", "-").toLowerCase();
	const negotiator = new Negotiator({ headers: { "accept-language": accepted } });
	return languageOf(negotiator.language(TAGS) ?? "") ?? "en";
}

/** The languages of the shop, with the other codes that platforms use for them. */
const TAGS = ["en", "id", "eng", "in", "ind"];

function serviceOf(error: unknown): string {
	const action = (error as { data?: { action?: string } }).data?.action ?? "";
	return /^v\d+\.(\w+)\./.exec(action)?.[1] ?? "shop's";
}

/** Maps errors of the router that are the client's fault. */
function fromRouter(error: unknown): { code: ProblemCode; data: ProblemData } | undefined {
	const { type, name, code } = (error ?? {}) as Record<string, unknown>;
	const isNowhere =
		name === "URIError" || type === "UNABLE_DECODE_PARAM" || (code === 404 && name === "NotFoundError");
	return isNowhere ? { code: "NOT_FOUND", data: {} } : undefined;
}
