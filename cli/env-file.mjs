import { lstatSync, readFileSync } from "node:fs";

/**
 * Returns the environment with the variables of a file such as .env; those of the environment take precedence, empty
 * ones too: `SMTP_URL= npm start` is a deliberate choice. A missing file is ignored. Must run on Node 20 without
 * packages.
 *
 * @throws Error of one line, without any value of the file, if the file cannot be read or parsed.
 */
export function withEnvFile(file, environment) {
	return { ...Object.fromEntries(readEnvFile(file)), ...environment };
}

function readEnvFile(file) {
	let bytes;
	try {
		lstatSync(file);
	} catch (error) {
		if (error.code === "ENOENT") {
			return [];
		}
	}
	try {
		bytes = readFileSync(file);
	} catch (error) {
		const why = {
			EISDIR: "it is a folder; remove it, or move it away",
			EACCES: "no permission; give this user the file",
			ENOENT: "it is a link to a file that is not there",
		}[error.code];
		throw new Error(`cannot read ${file}: ${why ?? error.code}`);
	}
	try {
		return parseEnv(decode(bytes));
	} catch (error) {
		throw new Error(`${file}${error.message}`);
	}
}

/** Decodes a file as UTF-8, with or without a byte order mark. */
function decode(bytes) {
	const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
	if (isUtf16 || bytes.includes(0)) {
		throw new Error(" is UTF-16 or no text: save it as UTF-8");
	}
	try {
		// Removes the byte order mark.
		return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
	} catch {
		throw new Error(`${firstLineNotUtf8(bytes)} is not UTF-8: save the file as UTF-8`);
	}
}

function firstLineNotUtf8(bytes) {
	const lines = bytes.toString("latin1").split("\n");
	const isWrong = (line) => Buffer.from(line, "latin1").toString("utf8").includes("\ufffd");
	return `, line ${lines.findIndex(isWrong) + 1}`;
}

const NAME = /^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=/;
const NO_VALUE = /^[ \t]*(#.*)?$/;
const ESCAPES = { n: "\n", r: "\r", t: "\t" };

/**
 * Parses a text in the format of .env files, as shells and Docker Compose read them, without expansion of `$`:
 *
 * - `NAME=value`, optionally after `export`, with blanks around name and value;
 * - a value in `'…'` or `` `…` `` is literal; in `"…"`, the escapes \n, \r, \t, \\, \", \$ and \` apply; both may span
 *   lines;
 * - `#` starts a comment at the beginning of a line or after a blank, outside of quotes.
 *
 * @returns Pairs of name and value, in the order of the text.
 * @throws Error that starts with `, line N` for an invalid line.
 */
export function parseEnv(text) {
	const found = [];
	const lines = text.split(/\r\n|\n|\r/);
	for (let index = 0; index < lines.length; index++) {
		const number = index + 1;
		if (NO_VALUE.test(lines[index])) {
			continue;
		}
		const start = NAME.exec(lines[index]);
		if (start === null) {
			throw new Error(`, line ${number}: write NAME=value, or # before a comment`);
		}
		if (found.some(([name]) => name === start[1])) {
			throw new Error(`, line ${number}: ${start[1]} is set in an earlier line too; keep one of them`);
		}
		const text = lines[index].slice(start[0].length);
		let rest = text.trimStart();
		const quote = rest[0];
		if (quote !== "'" && quote !== '"' && quote !== "`") {
			found.push([start[1], text.replace(/[ \t]#.*$/, "").trim()]);
			continue;
		}
		// The first character is the quote; the value may continue on the next lines.
		let end = closing(rest, quote);
		while (end === -1 && index + 1 < lines.length) {
			rest += `\n${lines[++index]}`;
			end = closing(rest, quote);
		}
		if (end === -1) {
			throw new Error(`, line ${number}: the quote before the value of ${start[1]} is never closed`);
		}
		if (!/^([ \t]+#.*|[ \t]*)$/.test(rest.slice(end + 1))) {
			throw new Error(
				`, line ${index + 1}: there is text behind the closing quote of ${start[1]}; put the whole value into other quotes`,
			);
		}
		const value = rest.slice(1, end);
		found.push([start[1], quote === '"' ? value.replace(/\\([nrt\\"$`])/g, escaped) : value]);
	}
	return found;
}

function escaped(_, character) {
	return ESCAPES[character] ?? character;
}

/** Returns the position of the closing quote of a text that begins with the opening one, or -1. */
function closing(text, quote) {
	for (let at = 1; at < text.length; at++) {
		if (quote === '"' && text[at] === "\\") {
			at++;
		} else if (text[at] === quote) {
			return at;
		}
	}
	return -1;
}
