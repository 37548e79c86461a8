import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { SECRETS } from "../observability/redaction.ts";

/** Minimum length of a secret: a shorter one may appear in a log by chance. */
const SHORTEST = 8;

const NEWLINE = 10;

/** Returns the log file of a test file's brokers, one for each shop. */
export function logFile(folder, shop) {
	mkdirSync(join(folder, "logs"), { recursive: true });
	return join(folder, "logs", `${shop}.log`);
}

/** Names of properties that all objects or functions have. */
const WORDS = [Object.prototype, Function.prototype, class {}].flatMap(Object.getOwnPropertyNames);

/**
 * Tells whether a secret is a part of such a name: fast-check makes texts of them, such as "toString" or "asOwnProperty", and the same
 * may be in a log as something else.
 */
const isWord = (secret) => WORDS.some((word) => word.includes(secret));

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
	return logs.flatMap((file) => {
		const log = readFileSync(file);
		return [...findPatterns(log), ...search(log)].map(([name, secret, place]) => {
			const line = log.subarray(log.lastIndexOf(NEWLINE, place) + 1, endOfLine(log, place)).toString();
			const hidden = line.replaceAll(secret, "…").slice(0, 400);
			return `${name} in ${relative(folder, file)}, line ${numberOfLine(log, place)}: ${hidden}`;
		});
	});
}

function endOfLine(log, place) {
	const end = log.indexOf(NEWLINE, place);
	return end < 0 ? log.length : end;
}

function numberOfLine(log, place) {
	let number = 1;
	for (let end = log.indexOf(NEWLINE); end >= 0 && end < place; end = log.indexOf(NEWLINE, end + 1)) {
		number++;
	}
	return number;
}

/** Returns the places of texts that are secrets wherever they occur. No pattern matches across lines. */
function findPatterns(log) {
	const text = log.toString();
	return SECRETS.flatMap(([name, pattern]) =>
		[...text.matchAll(new RegExp(pattern.source, `${pattern.flags}g`))].map((match) => [
			name,
			match[0],
			Buffer.byteLength(text.slice(0, match.index)),
		]),
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
 * Returns a search function for thousands of secrets in hundreds of megabytes. It compares secrets only where their first
 * bytes match, and looks those up only where a bitmap has their hash, which leaves one place in hundreds.
 */
function searcher(used) {
	const byStart = new Map();
	const bitmap = new Uint8Array(2 ** 20);
	for (const { name, secret } of used.filter(({ secret }) => secret.length >= SHORTEST)) {
		// Plain, as JSON and as part of a URL.
		for (const form of new Set([
			secret,
			JSON.stringify(secret).slice(1, -1),
			encodeURIComponent(secret.toWellFormed()),
		])) {
			const bytes = Buffer.from(form);
			const start = bytes.toString("latin1", 0, SHORTEST);
			byStart.set(start, [...(byStart.get(start) ?? []), { name, form, bytes }]);
			bitmap[hash(bytes.readInt32BE(0))] = 1;
		}
	}
	return (log) => {
		const found = [];
		let word = 0;
		for (let end = 0; end < log.length; end++) {
			// The last four bytes.
			word = (word << 8) | log[end];
			const place = end - 3;
			if (place >= 0 && bitmap[hash(word)] === 1) {
				const here = byStart.get(log.toString("latin1", place, place + SHORTEST)) ?? [];
				found.push(
					...here
						.filter(({ bytes }) => log.subarray(place, place + bytes.length).equals(bytes))
						.map(({ name, form }) => [name, form, place]),
				);
			}
		}
		return found;
	};
}

/** Returns 20 bits for four bytes. */
const hash = (word) => Math.imul(word, 0x9e3779b1) >>> 12;
