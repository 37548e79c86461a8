/** Replaces what no log may contain. */
const REDACTED = "[redacted]";

/** Fields whose values are secret or about a person, wherever they are in a line. */
const FIELDS = [
	...["password", "new_password", "current_password", "password_hash", "pass", "secret", "client_secret"],
	...["token", "access_token", "refresh_token", "mail_token", "authorization", "cookie", "set-cookie"],
	...[
		"email",
		"phone",
		"username",
		"full_name",
		"recipient",
		"shipping_address",
		"address",
		"street",
		"line1",
		"line2",
		"city",
		"province",
	],
	...["postal_code", "note", "client", "ip"],
];

/** Texts that are secrets wherever they occur; the logs of the tests are searched for them too. */
export const SECRETS: readonly (readonly [name: string, pattern: RegExp])[] = [
	["an access token", /eyJ[\w-]{10,}\.eyJ[\w-]{10,}(?:\.[\w-]+)?/],
	["a hash of a password", /\$argon2i?d?\$[^\s"\\]*/],
	["a token of a mail", /\b(?:verify|reset|change)\.\d+\.\d{9,}\.[\w-]{20,}/],
	["a private key", /BEGIN [A-Z ]*PRIVATE KEY(?:.*?END [A-Z ]*PRIVATE KEY)?|"d": ?"[\w-]{43}"/],
	["an address with a password", /\b[a-z]{3,12}:\/\/[^\s:@/"]+:[^\s@/"]+@/],
];

/** Texts that are about a person. */
const PERSONAL = [
	["an e-mail address", /[\w.+-]{1,64}@(?:[\w-]{1,63}\.)+[A-Za-z]{2,}/],
	["a phone number", /(?<![\w.:-])\+[1-9]\d{7,14}\b/],
] as const;

const TEXTS = new RegExp([...SECRETS, ...PERSONAL].map(([, { source }]) => source).join("|"), "g");
const VALUES = new RegExp(
	`"(${FIELDS.join("|")})":(?:"(?:[^"\\\\]|\\\\.)*"|-?\\d[\\d.eE+-]*|\\[[^\\[\\]{}]*\\]|\\{[^{}]*\\})`,
	"gi",
);

/** Returns a line of JSON without secrets and personal data. */
export function redact(line: string): string {
	return line.replace(VALUES, `"$1":"${REDACTED}"`).replace(TEXTS, REDACTED);
}
