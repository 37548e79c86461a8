import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { connect as connectSocket } from "node:net";
import { join, resolve } from "node:path";
import { parseEnv } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { findNatsServer } from "../../infra/programs.ts";
import { cleanUp, freePort, newFolder, run, signUp, startShop, until } from "../../tools/shop-process.ts";

// A NATS server configured as in docker-compose.yml, with the secrets and certificates of ops/make-secrets.

const { load } = createRequire(import.meta.url)("js-yaml") as { load(text: string): unknown };
const repository = resolve(import.meta.dirname, "../..");

let server: ChildProcess;
let plain: ChildProcess;
let port: number;
let plainPort: number;
let made: NodeJS.Dict<string>;
let certificates: string;

beforeAll(async () => {
	const folder = newFolder();
	mkdirSync(join(folder, "ops"));
	copyFileSync(join(repository, "ops/make-secrets"), join(folder, "ops/make-secrets"));
	execFileSync(join(folder, "ops/make-secrets"), { stdio: "ignore" });
	made = parseEnv(readFileSync(join(folder, "ops/.env"), "utf8"));
	certificates = made.NATS_CERTIFICATES as string;
	const { path } = await findNatsServer(resolve(repository, ".toko"), () => {});
	port = await freePort();
	writeFileSync(join(folder, "nats.conf"), composeConfiguration(folder));
	server = spawn(path, ["-c", join(folder, "nats.conf")], { stdio: "ignore" });
	plainPort = await freePort();
	plain = spawn(path, ["-js", "-sd", join(folder, "plain"), "-a", "127.0.0.1", "-p", String(plainPort)], {
		stdio: "ignore",
	});
	await until("both servers to listen", async () => (await listens(port)) && (await listens(plainPort)));
});

afterAll(async () => {
	await cleanUp();
	server?.kill();
	plain?.kill();
});

/** Returns the configuration in the compose file with the paths and ports of this machine. */
function composeConfiguration(folder: string): string {
	const compose = load(readFileSync(join(repository, "docker-compose.yml"), "utf8")) as {
		configs: Record<string, { content: string }>;
	};
	return (compose.configs["nats-server"]?.content ?? "")
		.replace("0.0.0.0:4222", `127.0.0.1:${port}`)
		.replace("127.0.0.1:8222", "127.0.0.1:-1")
		.replace("/etc/nats/certificate.pem", join(certificates, "nats.pem"))
		.replace("/etc/nats/key.pem", join(certificates, "nats-key.pem"))
		.replace('"/data"', JSON.stringify(join(folder, "streams")))
		.replace(/\$\{(\w+):\?[^}]*\}/g, (_, name: string) => made[name] as string);
}

async function listens(on: number): Promise<boolean> {
	return new Promise((answer) => {
		const socket = connectSocket(on, "127.0.0.1", () => {
			socket.destroy();
			answer(true);
		}).once("error", () => answer(false));
	});
}

type Environment = Record<string, string>;

function trusting(user = "toko", password = made.NATS_PASSWORD): Environment {
	return {
		NATS_URL: `tls://${user}:${password}@127.0.0.1:${port}`,
		NODE_EXTRA_CA_CERTS: join(certificates, "ca.pem"),
	};
}

test("processes of a shop find each other over TLS, and events arrive", async () => {
	const folder = newFolder();
	const environment = { ...trusting(), TOKO_SECRET: made.TOKO_SECRET as string };
	const shop = await startShop(folder, environment);
	await run(folder, ["node", "orders"], environment).line(/^joined /);
	const token = await signUp(shop.request, "tuti");
	await until("the welcome mail", async () => {
		const { body } = await shop.request("GET", "/api/v1/notifications", { token });
		return Array.isArray(body) && body.length > 0;
	});
});

test("a gateway starts as its container does, tells that it is ready, and ends at SIGTERM", async () => {
	const gateway = run(newFolder(), ["node", "api"], {
		...trusting(),
		NODE_ENV: "production",
		TOKO_SECRET: made.TOKO_SECRET as string,
		HEALTH_PORT: "0",
	});
	const health = (await gateway.line(/^health at /)).slice("health at ".length);
	await until("the gateway to be ready", async () => (await fetch(health)).ok);
	expect(gateway.output()).not.toMatch(/warning/);
	gateway.child.kill("SIGTERM");
	expect(await gateway.ended()).toBe(0);
});

test.each<[string, () => Environment, RegExp]>([
	["the password is wrong", () => trusting("toko", "wrong-one"), /it refuses the user or password/],
	[
		"nobody said whose certificates to trust",
		() => ({ ...trusting(), NODE_EXTRA_CA_CERTS: "" }),
		/certificate of an unknown authority.*NODE_EXTRA_CA_CERTS/,
	],
	[
		"the server has no TLS",
		() => ({ NATS_URL: `tls://toko:secret-one@127.0.0.1:${plainPort}` }),
		/it offers no TLS/,
	],
	[
		"the user is the server's operator",
		() => trusting("system", made.NATS_SYSTEM_PASSWORD),
		/has no JetStream/,
	],
])("a start is refused in one line where %s", async (_, environment, expected) => {
	const given = environment();
	const command = run(newFolder(), ["start"], given);
	expect(await command.ended()).toBe(1);
	const lines = command.errors().trim().split("\n");
	expect(lines).toEqual([expect.stringMatching(expected)]);
	expect(lines[0]).toMatch(/NATS_URL: /);
	const password = new URL(given.NATS_URL as string).password;
	expect(command.errors() + command.output()).not.toContain(password);
});
