import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { type Service, ServiceBroker } from "moleculer";
import { FileAdapter } from "../../database/document-file.ts";
import type { SecondaryFileCollection } from "../../database/nedb-collections.ts";
import { groupsInFile } from "../../tools/audit/product-file.ts";

const folder = mkdtempSync(join(tmpdir(), "toko-file-"));
afterAll(() => rmSync(folder, { recursive: true }));

const NAME = "product_groups";

/** Opens a file of documents, with or without further collections, as an earlier version does. */
async function open(file: string, ...names: string[]) {
	const broker = new ServiceBroker({ logger: false });
	const adapter = new FileAdapter(file, names);
	const { init } = adapter as unknown as { init(broker: ServiceBroker, service: Service): void };
	init.call(adapter, broker, broker.createService({ name: "products" }) as Service);
	await adapter.connect();
	return { adapter, groups: adapter.further.get(NAME) as SecondaryFileCollection };
}

test("a further collection is in the file with the others, after changes, deletions, a start and a compaction", async () => {
	const file = join(folder, "1.db");
	let { adapter, groups } = await open(file, NAME);
	await adapter.insert({ _id: "a", number: 1 });
	await adapter.secondary.insert({ _id: "page" });
	await groups.insertMany([
		{ _id: "a", name: "one" },
		{ _id: "b", name: "two" },
	]);
	await groups.removeMany({ _id: "b" });
	// So many superseded lines that the next start compacts the file.
	for (let number = 0; number < 20; number++) {
		await groups.updateMany({ _id: "a" }, { $set: { number } });
	}
	await adapter.disconnect();
	expect(await groupsInFile(file)).toEqual([{ _id: "a", name: "one", number: 19 }]);

	const before = readFileSync(file, "utf8").split("\n").length;
	for (let start = 0; start < 2; start++) {
		({ adapter, groups } = await open(file, NAME));
		expect(await groups.find({})).toEqual([{ _id: "a", name: "one", number: 19 }]);
		expect(await adapter.find({})).toEqual([{ _id: "a", number: 1 }]);
		expect(await adapter.secondary.find({})).toEqual([{ _id: "page" }]);
		await adapter.disconnect();
	}
	expect(readFileSync(file, "utf8").split("\n").length).toBeLessThan(before / 2);
	expect(await groupsInFile(file)).toEqual([{ _id: "a", name: "one", number: 19 }]);
});

test("a file with a further collection can be read by a version that does not know it", async () => {
	const file = join(folder, "2.db");
	const { adapter, groups } = await open(file, NAME);
	// So many that the next start does not compact the file, which would drop what it does not know.
	const documents = Array.from({ length: 10 }, (_, number) => ({ _id: `a${number}` }));
	await adapter.insertMany(documents);
	await groups.insert({ _id: "g", name: "one" });
	await adapter.disconnect();
	const { adapter: earlier } = await open(file);
	expect(await earlier.find({ sort: ["_id"] })).toEqual(documents);
	expect(await earlier.secondary.find({})).toEqual([]);
	await earlier.disconnect();
	const { groups: later, adapter: last } = await open(file, NAME);
	expect(await later.find({})).toEqual([{ _id: "g", name: "one" }]);
	await last.disconnect();
});
