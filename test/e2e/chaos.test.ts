import { afterAll, expect, test } from "@jest/globals";
import { cleanUp, newFolder, run } from "../../tools/shop-process.ts";
import { testMongoUrl } from "../variables.ts";

afterAll(cleanUp);

const store = testMongoUrl ? "mongo" : "nedb";

test(`a short run of chaos on ${store} breaks no promise`, async () => {
	const chaos = run(newFolder(), ["chaos", "--minutes", "0.4", "--seed", "2", "--store", store]);
	const code = await chaos.ended();
	if (code !== 0) {
		throw new Error(`npm run chaos ended with ${code}:\n${chaos.output()}\n${chaos.errors()}`);
	}
	const said = chaos.output();
	console.info(said.slice(said.indexOf("\n\n")).trim());
	// With this seed, every kind of fault occurs early.
	for (const kind of ["kill", "freeze", "restart NATS", "restart PostgreSQL", "power cut"]) {
		expect(said).toMatch(new RegExp(`[1-9]\\d* × ${kind}`));
	}
	expect(said).toMatch(/[1-9]\d* accepted/);
	expect(said).toContain("no breach");
	expect(said).toContain("every promise was kept");
}, 400_000);

test("every mail reaches the mail server, whatever is killed", async () => {
	const chaos = run(newFolder(), ["chaos", "--mails", "1200", "--seed", "3"]);
	const code = await chaos.ended();
	if (code !== 0) {
		throw new Error(`npm run chaos -- --mails ended with ${code}:\n${chaos.output()}\n${chaos.errors()}`);
	}
	const said = chaos.output();
	console.info(said.slice(said.indexOf("\n\n")).trim());
	expect(said).toMatch(/[1-9]\d* × a notifications process, [12] × NATS/);
	expect(said).toMatch(/recorded {4}1201 messages of 1201 events/);
	expect(said).toContain("every promise was kept");
}, 400_000);
