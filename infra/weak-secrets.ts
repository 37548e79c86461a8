import { SECRET_CHARACTERS } from "../config/variables.ts";

/** Placeholder values common in examples; compared in lower case, letters and digits only. */
const KNOWN = new Set([
	...["password", "passwd", "pass", "secret", "changeme", "changeit", "changethis", "replaceme", "todo"],
	...["example", "default", "admin", "root", "test", "toko", "guest", "123456", "12345678", "qwerty"],
	...["mysecret", "mypassword", "yoursecret", "yourpassword"],
]);

/** Secrets used to derive keys or sign messages; no person types them, so a minimum length costs nothing. */
const KEYS = ["TOKO_SECRET", "PAYMENT_WEBHOOK_SECRET"];

/**
 * Returns the reason why a secret is weak, in a few words, or undefined. The value itself is never repeated.
 *
 * @param name Name of the variable. A URL is judged by its password, which is optional.
 */
export function weakness(name: string, value: string): string | undefined {
	const secret = name.endsWith("_URL") ? passwordIn(value) : value;
	if (secret === undefined) {
		return undefined;
	}
	if (isKnown(secret)) {
		return name.endsWith("_URL") ? "its password is an example's" : "an example's value";
	}
	if (!KEYS.includes(name)) {
		return undefined;
	}
	if (secret.length < SECRET_CHARACTERS) {
		return `shorter than ${SECRET_CHARACTERS} characters`;
	}
	return new Set(secret).size < 5 ? "the same few characters" : undefined;
}

function isKnown(secret: string): boolean {
	const plain = secret.toLowerCase().replace(/[^a-z0-9]/g, "");
	return KNOWN.has(plain) || /^(change|replace)(me|this|it)|^x+$/.test(plain);
}

/** Parses the URL with a pattern, because `new URL` rejects a list of hosts. */
function passwordIn(url: string): string | undefined {
	const password = /^[a-z+]+:\/\/[^:@/]*:([^@/]+)@/i.exec(url)?.[1];
	try {
		return password && decodeURIComponent(password);
	} catch {
		return password;
	}
}
