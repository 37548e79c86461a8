import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";

/** Minimum length of a secret: a shorter one may appear in a log by chance. */
const SHORTEST = 8;

/** Patterns that no log may contain, even if no test has recorded the value. */
const PATTERNS = [
	["an access token", /eyJ[\w-]{10,}\.eyJ[\w-]{10,}/],
	["a hash of a password", /\$argon2i?d?\$/],
	["a token of a mail", /\b(verify|reset|change)\.\d+\.\d{9,}\.[\w-]{20,}/],
	["a private key", /BEGIN [A-Z ]*PRIVATE KEY|"d": ?"[\w-]{43}"/],
	["an address with a password", /\b[a-z]{3,12}:\/\/[^\s:@/"]+:[^\s@/"]+@/],
];

/** Returns the log file of a test file's brokers, one for each shop. */
export function logFile(folder, shop) {
	mkdirSync(join(folder, "logs"), { recursive: true });
	return join(folder, "logs", `${shop}.log`);
}

/**
 * Tells whether a secret is a property of every object: random passwords are sometimes "toString" or "__proto__", which
 * logs contain for other reasons.
 */
const isWord = (secret) => secret in Object.prototype;

/** Returns a function that records the secrets used by a test file, for the search at the end of the run. */
export function secretsRecorder(folder, shop) {
	mkdirSync(join(folder, "used"), { recursive: true });
	const file = join(folder, "used", `${shop}.jsonl`);
	const known = new Set();
	return (name, secret) => {
		if (typeof secret === "string" && secret.length >= SHORTEST && !isWord(secret) && !known.has(secret)) {
			known.add(secret);
			appendFileSync(file, `${JSON.stringify([name, secret])}\n`);
		}
	};
}

/**
 * Searches for secrets in all logs of a run: the files in `logs` folders below its folder.
 * @returns A line for each match, without the secret.
 */
export function findLoggedSecrets(folder) {
	const used = readUsed(folder);
	const logs = readdirSync(folder, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile() && basename(entry.parentPath) === "logs")
		.map((entry) => join(entry.parentPath, entry.name));
	if (
		used.some(({ shop }) => shop !== undefined) &&
		!logs.some((file) => dirname(file) === join(folder, "logs") && /^test_/.test(basename(file)))
	) {
		return ["the tests have used secrets, but nothing is there that they have logged"];
	}
	const search = searcher(used);
	return logs.flatMap((file) =>
		readFileSync(file, "utf8")
			.split("\n")
			.flatMap((line, number) =>
				search(line).map(
					([name, secret]) =>
						`${name} in ${relative(folder, file)}, line ${number + 1}: ${line.replaceAll(secret, "…").slice(0, 400)}`,
				),
			),
	);
}

/** Returns the secrets recorded by the test files and those of the run's servers. */
function readUsed(folder) {
	const own = join(folder, "secrets.json");
	const secrets = existsSync(own) ? Object.entries(JSON.parse(readFileSync(own, "utf8"))) : [];
	const used = existsSync(join(folder, "used")) ? readdirSync(join(folder, "used")) : [];
	return [
		...secrets.map(([name, secret]) => ({ shop: undefined, name, secret })),
		...used.flatMap((file) =>
			readFileSync(join(folder, "used", file), "utf8")
				.trim()
				.split("\n")
				.map((line) => JSON.parse(line))
				.map(([name, secret]) => ({ shop: file, name, secret })),
		),
	];
}

/**
 * Returns a search function for thousands of secrets in millions of lines. It compares a secret only where its first
 * characters match.
 */
function searcher(used) {
	const byStart = new Map();
	for (const { name, secret } of used) {
		// Plain, as JSON and as part of a URL.
		for (const form of new Set([
			secret,
			JSON.stringify(secret).slice(1, -1),
			encodeURIComponent(secret.toWellFormed()),
		])) {
			const start = form.slice(0, SHORTEST);
			byStart.set(start, [...(byStart.get(start) ?? []), [name, form]]);
		}
	}
	return (line) => {
		const found = PATTERNS.flatMap(([name, pattern]) => {
			const secret = pattern.exec(line)?.[0];
			return secret === undefined ? [] : [[name, secret]];
		});
		for (let place = 0; place + SHORTEST <= line.length; place++) {
			const here = byStart.get(line.slice(place, place + SHORTEST)) ?? [];
			found.push(...here.filter(([, secret]) => line.startsWith(secret, place)));
		}
		return found;
	};
}
