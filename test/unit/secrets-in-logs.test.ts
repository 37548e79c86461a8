import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { findLoggedSecrets, logFile, secretsRecorder } from "../secrets-in-logs.mjs";

let folder: string;

beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "toko-logs-"));
	writeFileSync(join(folder, "secrets.json"), JSON.stringify({ toko_secret: "the-secret-of-the-run" }));
	const record = secretsRecorder(folder, "test_one");
	record("password", 'a "quoted" password');
	record("refresh_token", "opaque-refresh-token");
	record("password", "short");
	record("password", "toString");
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const log = (...lines: object[]) =>
	writeFileSync(logFile(folder, "test_one"), lines.map((line) => `${JSON.stringify(line)}\n`).join(""));

test("logs without secrets pass, even if a short secret is part of a word", () => {
	log({ level: 30, msg: 'a shortage of {"toString":1}' }, { level: 10, msg: "called v1.users.login" });
	expect(findLoggedSecrets(folder)).toEqual([]);
});

test.each([
	["a password, as JSON writes it", 'got a "quoted" password from budi', "password"],
	["a password, as addresses write it", "GET /?p=a%20%22quoted%22%20password", "password"],
	["a refresh token", "refused opaque-refresh-token.", "refresh_token"],
	["a secret of the servers", "key the-secret-of-the-run", "toko_secret"],
	[
		"an access token that nobody has recorded",
		`Bearer eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0aaa.x`,
		"an access token",
	],
	["a hash", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA", "a hash of a password"],
	["a token of a mail", `reset.2.1790000000.${"a".repeat(43)}`, "a token of a mail"],
	["a private key", `{"kty":"OKP","d":"${"a".repeat(43)}"}`.replaceAll('"', '"'), "a private key"],
	["an address with a password", "lost postgres://toko:word@127.0.0.1:5432/x", "an address with a password"],
])("%s is found, and not printed", (_, msg, name) => {
	writeFileSync(logFile(folder, "test_one"), `${JSON.stringify({ msg: "good" })}\n`);
	mkdirSync(join(folder, "mongo/logs"), { recursive: true });
	writeFileSync(join(folder, "mongo/logs/server.log"), `first\n${msg}\n`);
	const [found, ...more] = findLoggedSecrets(folder);
	expect(more).toEqual([]);
	expect(found).toContain(`${name} in mongo/logs/server.log, line 2:`);
	expect(found).not.toMatch(/quoted|opaque|the-secret|eyJ|argon2|aaaa|word@/);
});

test("a log that is nothing but a secret is searched from its first byte to its last", () => {
	writeFileSync(logFile(folder, "test_one"), "opaque-refresh-token");
	expect(findLoggedSecrets(folder)).toEqual(["refresh_token in logs/test_one.log, line 1: …"]);
});

test.each([
	["ends within", "level: opaq"],
	["begins within", "e-refresh-token"],
	["begins with the end of the first bytes of", "{}"],
])("a log that %s a secret passes", (_, text) => {
	secretsRecorder(folder, "test_two")("password", "\0\0\0{opaque");
	writeFileSync(logFile(folder, "test_one"), text);
	expect(findLoggedSecrets(folder)).toEqual([]);
});

test("a run without logs does not pass", () => {
	expect(findLoggedSecrets(folder)).toEqual([expect.stringContaining("nothing is there")]);
});
