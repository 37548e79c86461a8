import { type ChildProcess, spawn } from "node:child_process";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { findNatsServer } from "../../infra/programs.ts";
import { cleanUp, freePort, newFolder, run, signUp, startShop, until } from "../../tools/shop-process.ts";
import { listens, makeSecrets, startNats } from "./compose.ts";
import { preparedFolder } from "./prepared-folder.ts";

// A NATS server configured as in docker-compose.yml, with the secrets and certificates of ops/make-secrets.

const repository = resolve(import.meta.dirname, "../..");

let server: ChildProcess;
let plain: ChildProcess;
let port: number;
let plainPort: number;
let made: Record<string, string>;
let certificates: string;

beforeAll(async () => {
	const folder = newFolder();
	made = makeSecrets(folder);
	certificates = made.NATS_CERTIFICATES as string;
	port = await freePort();
	server = await startNats(folder, made, port);
	plainPort = await freePort();
	const { path } = await findNatsServer(resolve(repository, ".toko"), () => {});
	plain = spawn(path, ["-js", "-sd", join(folder, "plain"), "-a", "127.0.0.1", "-p", String(plainPort)], {
		stdio: "ignore",
	});
	await until("the plain server to listen", () => listens(plainPort));
});

afterAll(async () => {
	await cleanUp();
	server?.kill();
	plain?.kill();
});

type Environment = Record<string, string>;

function trusting(user = "toko", password = made.NATS_PASSWORD): Environment {
	return {
		NATS_URL: `tls://${user}:${password}@127.0.0.1:${port}`,
		NODE_EXTRA_CA_CERTS: join(certificates, "ca.pem"),
	};
}

test("processes of a shop find each other over TLS, and events arrive", async () => {
	const folder = await preparedFolder();
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
