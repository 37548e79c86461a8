import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { afterEach, describe, expect, test } from "@jest/globals";
import { replaceSettings, settings } from "../../config/settings.ts";
import { warnOfPlainNats } from "../../infra/connection-checks.ts";
import { externalServices, NEEDED } from "../../infra/external-services.ts";
import { weakness } from "../../infra/weak-secrets.ts";

const { loadAll } = createRequire(import.meta.url)("js-yaml") as { loadAll(text: string): unknown[] };
const before = settings.variables;

afterEach(() => {
	replaceSettings(before);
});

describe("a weak value is reported by its kind", () => {
	test.each([
		["TOKO_SECRET", "CHANGE_ME", "an example's value"],
		["TOKO_SECRET", "change-me-in-production", "an example's value"],
		["TOKO_SECRET", "fifteen-letters", "shorter than 16 characters"],
		["TOKO_SECRET", "0".repeat(64), "the same few characters"],
		["PAYMENT_WEBHOOK_SECRET", "whsec_123", "shorter than 16 characters"],
		["SMS_SECRET", "secret", "an example's value"],
		["ADMIN_PASSWORD", "CHANGE_ME", "an example's value"],
		["POSTGRES_URL", "postgres://toko:password@db/postgres", "its password is an example's"],
		["NATS_URL", "tls://toko:CHANGE%5FME@nats:4222", "its password is an example's"],
		["MONGO_URL", "mongodb://toko:changeme@a:27017,b:27017/?x=y", "its password is an example's"],
	])("%s=%s", (name, value, expected) => {
		expect(weakness(name, value)).toBe(expected);
	});
});

describe("an acceptable value is accepted", () => {
	test.each([
		["TOKO_SECRET", "fe3c9c8f2b7a4d1e"],
		["PAYMENT_WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
		["SMS_SECRET", "k3y-0f-8"],
		["POSTGRES_URL", "postgres://db.internal/postgres?sslcert=client.pem"],
		["POSTGRES_URL", "postgres://toko@db/postgres"],
		["MONGO_URL", "mongodb://a:27017,b:27017/?replicaSet=rs"],
		["NATS_URL", "tls://toko:Sandi-9@nats-1:4222,tls://nats-2:4222"],
		["SMTP_URL", "smtp://mail.internal:25"],
	])("%s=%s", (name, value) => {
		expect(weakness(name, value)).toBeUndefined();
	});
});

test("a start in production names all missing variables and all example values at once", async () => {
	replaceSettings({
		NODE_ENV: "production",
		TOKO_SECRET: "CHANGE_ME",
		POSTGRES_URL: "postgres://toko:password@127.0.0.1:5432/postgres",
		PAYMENT_WEBHOOK_SECRET: "too-short",
		SMTP_URL: "smtp://user:password@mail.example:587",
		ADMIN_PASSWORD: "changeme",
	});
	await expect(externalServices(["users", "orders"], () => {})).rejects.toThrow(
		"NODE_ENV=production starts nothing by itself: set NATS_URL; replace TOKO_SECRET (an example's value), " +
			"POSTGRES_URL (its password is an example's), PAYMENT_WEBHOOK_SECRET (shorter than 16 characters), " +
			"ADMIN_PASSWORD (an example's value)",
	);
	await expect(externalServices(["notifications"], () => {})).rejects.toThrow(
		/replace .*SMTP_URL \(its password is an example's\)$/,
	);
});

test("no example of this repository passes for a secret", async () => {
	const root = new URL("../../", import.meta.url);
	const example = await readFile(new URL(".env.example", root), "utf8");
	const manifests = loadAll(await readFile(new URL("ops/kubernetes/secrets.example.yaml", root), "utf8")) as {
		stringData: Record<string, string>;
	}[];
	const values = [
		...[...example.matchAll(/^# (\w+)=(.+)$/gm)].map(([, name, value]) => [name, value] as const),
		...manifests.flatMap(({ stringData }) => Object.entries(stringData)),
	];
	const secrets = new Set([...Object.values(NEEDED).flat(), "SMS_URL", "SMS_SECRET", "ADMIN_PASSWORD"]);
	const judged = values.filter(([name]) => secrets.has(name as string));
	expect(judged.length).toBeGreaterThan(10);
	for (const [name, value] of judged) {
		expect({ name, value, why: weakness(name as string, value as string) }).toEqual({
			name,
			value,
			why: expect.any(String),
		});
	}
});

describe("credentials that cross a public network in the clear are worth a warning", () => {
	test.each([
		["nats://toko:Sandi-9@203.0.113.7:4222", true],
		["nats://toko:Sandi-9@10.0.0.4:4222,nats://203.0.113.7:4222", true],
		["nats://toko:Sandi-9@[2001:db8::7]:4222", true],
		["tls://toko:Sandi-9@203.0.113.7:4222", false],
		["nats://toko:Sandi-9@10.0.0.4:4222", false],
		["nats://toko:Sandi-9@[fd00::4]:4222", false],
		["nats://toko:Sandi-9@localhost:4222", false],
	])("%s: %s", async (url, isWarned) => {
		const said: string[] = [];
		await warnOfPlainNats(url, (line) => said.push(line));
		expect(said).toHaveLength(isWarned ? 1 : 0);
		expect(said.join()).not.toContain("Sandi-9");
	});
});
