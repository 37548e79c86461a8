import { afterAll, expect, test } from "@jest/globals";
import { cleanUp, newFolder, run } from "../../tools/shop-process.ts";
import { testMongoUrl } from "../variables.ts";

afterAll(cleanUp);

const store = testMongoUrl ? "mongo" : "nedb";

test(`a short run of chaos on ${store} breaks no promise`, async () => {
	const chaos = run(newFolder(), ["chaos", "--minutes", "0.2", "--seed", "98705", "--store", store]);
	const code = await chaos.ended();
	if (code !== 0) {
		throw new Error(`npm run chaos ended with ${code}:\n${chaos.output()}\n${chaos.errors()}`);
	}
	const said = chaos.output();
	console.info(said.slice(said.indexOf("\n\n")).trim());
	// With this seed, every kind of fault occurs in the first five, the power cut last: it restarts all processes.
	for (const kind of ["kill", "freeze", "restart NATS", "restart PostgreSQL", "power cut"]) {
		expect(said).toMatch(new RegExp(`[1-9]\\d* × ${kind}`));
	}
	expect(said).toMatch(/[1-9]\d* accepted/);
	expect(said).toContain("no breach");
	expect(said).toContain("every promise was kept");
}, 900_000);

test("every mail reaches the mail server, whatever is killed", async () => {
	const chaos = run(newFolder(), ["chaos", "--mails", "300", "--seed", "3"]);
	const code = await chaos.ended();
	if (code !== 0) {
		throw new Error(`npm run chaos -- --mails ended with ${code}:\n${chaos.output()}\n${chaos.errors()}`);
	}
	const said = chaos.output();
	console.info(said.slice(said.indexOf("\n\n")).trim());
	expect(said).toMatch(/[1-9]\d* × a notifications process, [12] × NATS/);
	expect(said).toMatch(/recorded {4}301 messages of 301 events/);
	expect(said).toContain("every promise was kept");
}, 900_000);
