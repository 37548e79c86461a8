import { validateHeaderName, validateHeaderValue } from "node:http";

/** An environment variable: the source of its validation, of its line in `.env.example` and of its documentation. */
export interface Variable {
	meaning: string;
	/** Value that applies if the variable is unset or empty. */
	default?: string;
	/** Effect of an unset variable, if no default value describes it. */
	unset?: string;
	/** Allowed values, worded to continue the error message "NAME must be". */
	allowed: string;
	/** Accepts a value, or one entry of a list. Variables without this function are checked by other modules. */
	accepts?: (given: string) => boolean;
	/** True if the value is a list, separated by commas or blanks. */
	isList?: true;
	/** True if error messages must not repeat the value, which may hold a password. */
	isPrivate?: true;
}

// Parts of variables that several have in common.

export function matches(pattern: RegExp): (given: string) => boolean {
	return (given) => pattern.test(given);
}

export function oneOf(names: readonly string[]) {
	return { allowed: `one of ${names.join(", ")}`, accepts: (given: string) => names.includes(given) };
}

export function milliseconds(otherwise: number) {
	return {
		default: String(otherwise),
		allowed: `a whole number of milliseconds from 1 to 3600000, such as ${otherwise}`,
		accepts: (given: string) => /^[1-9]\d{0,6}$/.test(given) && Number(given) <= 3_600_000,
	};
}

/** Pairs of names and values, which may be encoded as in URLs. */
export function keyValues(example: string) {
	return {
		allowed: `pairs such as ${example}, separated by commas`,
		accepts: (given: string) => given.split(",").every(isPair) && isEncoded(given),
	};
}

/** Names and values of HTTP headers, which may be encoded as in URLs. */
export function httpHeaders(example: string) {
	const { allowed, accepts } = keyValues(example);
	return {
		allowed: `${allowed}, of characters that HTTP allows in headers`,
		accepts: (given: string) => accepts(given) && given.split(",").every(isHeader),
	};
}

/** Reads a header as OpenTelemetry does: up to a semicolon, and only if it has a value. */
function isHeader(given: string): boolean {
	const [pair = ""] = given.split(";");
	const place = pair.indexOf("=");
	const [name = "", value = ""] = [pair.slice(0, place), pair.slice(place + 1)].map((part) =>
		decodeURIComponent(part.trim()),
	);
	try {
		if (value !== "") {
			validateHeaderName(name);
			validateHeaderValue(name, value);
		}
		return true;
	} catch {
		return false;
	}
}

function isPair(given: string): boolean {
	return /^\s*[^\s=]+\s*=/.test(given);
}

export function port(otherwise: number) {
	return {
		default: String(otherwise),
		allowed: "a number from 0 to 65535",
		accepts: isPort,
	};
}

export function isPort(given: string): boolean {
	return /^\d{1,5}$/.test(given) && Number(given) <= 65535;
}

export function positive(otherwise: number, max: number) {
	return {
		default: String(otherwise),
		allowed: `a number above 0 and at most ${max}, such as ${otherwise}`,
		accepts: (given: string) =>
			/^(\d+\.?\d*|\.\d+)$/.test(given) && Number(given) > 0 && Number(given) <= max,
	};
}

export function address(protocol: RegExp, example: string) {
	return {
		allowed: `an address such as ${example}, with % and the like in passwords encoded`,
		accepts(given: string): boolean {
			const url = URL.parse(given);
			const isWhole = url !== null && url.hostname !== "" && protocol.test(url.protocol);
			return isWhole && isEncoded(url.username) && isEncoded(url.password);
		},
		isPrivate: true as const,
	};
}

function isEncoded(text: string): boolean {
	try {
		return decodeURIComponent(text) !== undefined;
	} catch {
		return false;
	}
}
