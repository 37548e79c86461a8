import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";

/** What is shorter is in any log by chance. */
const SHORTEST = 8;

/** What must not be in a log even where nobody has recorded it. */
const PATTERNS = [
	["an access token", /eyJ[\w-]{10,}\.eyJ[\w-]{10,}/],
	["a hash of a password", /\$argon2i?d?\$/],
	["a token of a mail", /\b(verify|reset|change)\.\d+\.\d{9,}\.[\w-]{20,}/],
	["a private key", /BEGIN [A-Z ]*PRIVATE KEY|"d": ?"[\w-]{43}"/],
	["an address with a password", /\b[a-z]{3,12}:\/\/[^\s:@/"]+:[^\s@/"]+@/],
];

/** Where the brokers of a run's test files keep what they log: one file for each shop. */
export function logFile(folder, shop) {
	mkdirSync(join(folder, "logs"), { recursive: true });
	return join(folder, "logs", `${shop}.log`);
}

/** Passwords made at random are at times "toString" or "__proto__", which logs contain for other reasons. */
const isWord = (secret) => secret in Object.prototype;

/** Makes the function that notes secrets which a test file uses, for the search at the end of the run. */
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
 * Looks for secrets in everything that a run has logged: what is in `logs` folders below its folder.
 * @returns a line for each place, with the secret left out
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

/** The secrets that the test files have recorded, and those of the run's servers. */
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

/** Thousands of secrets in millions of lines: a secret is looked for where its first characters are. */
function searcher(used) {
	const byStart = new Map();
	for (const { name, secret } of used) {
		// As it is, as JSON and as a part of an address.
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
