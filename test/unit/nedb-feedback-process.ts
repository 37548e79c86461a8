import { type Service, ServiceBroker } from "moleculer";
import { FileAdapter } from "../../database/document-file.ts";
import { Datastore } from "../../database/nedb-datastore.ts";

// Program of a process that changes many documents, for nedb-feedback.test.ts: of the file that it gets, else in the memory of NeDB.

const [file] = process.argv.slice(2);
const PRODUCTS = 200;
const CHANGES = 8000;

type Update = (id: string, update: object) => Promise<unknown>;

async function inFile(filename: string): Promise<[insert: (document: object) => Promise<unknown>, Update]> {
	const broker = new ServiceBroker({ logger: false });
	const adapter = new FileAdapter(filename) as FileAdapter & { init(on: ServiceBroker, by: Service): void };
	adapter.init(broker, broker.createService({ name: "products" }) as Service);
	await adapter.connect();
	return [(document) => adapter.insert(document), (_id, update) => adapter.updateMany({ _id }, update)];
}

function inMemory(): Awaited<ReturnType<typeof inFile>> {
	const store = new Datastore({ inMemoryOnly: true });
	return [
		(document) => store.insertAsync(document),
		(_id, update) => store.updateAsync({ _id }, update, { multi: true }),
	];
}

const [insert, update] = file === undefined ? inMemory() : await inFile(file);
for (let number = 0; number < PRODUCTS; number++) {
	await insert({ _id: `p${number}`, stock: CHANGES, holds: [], words: ["a", "b"], category: "tea" });
}
for (let number = 0; number < CHANGES; number += 16) {
	await Promise.all(
		Array.from({ length: 16 }, (_, place) =>
			update(`p${(number + place) % PRODUCTS}`, {
				$inc: { stock: -1 },
				$push: { holds: { $each: [{ reservation_id: `r${number + place}`, quantity: 1 }], $slice: -20 } },
			}),
		),
	);
}
process.exit(0);
