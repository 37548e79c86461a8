import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Service, ServiceSchema } from "moleculer";
import { mixin } from "../broker/schema.ts";
import { settings } from "../config/settings.ts";
import { checkSharedSettings, type SettingsRecord } from "../config/shared-settings.ts";
import { FileAdapter } from "../database/document-file.ts";
import { type NativeMongo, ServerAdapter } from "../database/document-server.ts";
import { notesInCollection, settingsCollection, settingsFile } from "../database/document-settings.ts";
import type {
	Beside,
	DocumentAdapter,
	DocumentIndex,
	NativeCollection,
	StoreNotes,
} from "../database/document-store.ts";
import { STORE_ID, type Store, type Watch, watchStore } from "../database/store-identity.ts";
import { database } from "./database.ts";

/** What the `documents` mixin adds to a service. */
export interface DocumentService<D, B = unknown> extends Service {
	adapter: DocumentAdapter<D>;
	/** The collection beside, where one was asked for. */
	beside: DocumentAdapter<B>;
	/** What the driver makes of the collection; undefined where the documents are in a file. */
	collection: NativeCollection<D> | undefined;
	/** Whether the server is a MongoDB, and not one that speaks its language. */
	isMongoDb(): Promise<boolean>;
	/** Notes of the store about itself, copied and restored with its documents. */
	notes: StoreNotes;
	watch?: Watch;
	/** Throws when the store does not answer. */
	ping(): Promise<void>;
}

/** Whether a write was refused because another document has the same value in a unique field. */
export function isDuplicate(error: unknown): boolean {
	// MongoDB says 11000; NeDB says uniqueViolated.
	const { code, errorType } = error as { code?: unknown; errorType?: unknown };
	return code === 11000 || errorType === "uniqueViolated";
}

/**
 * A collection of documents: on the server that `MONGO_URL` names, else in a NeDB file under `TOKO_DIR`. The service
 * sees the same adapter either way. Ids are strings, made by the service.
 */
export function documents(
	collection: string,
	indexes: DocumentIndex[],
	beside?: Beside,
): Partial<ServiceSchema> {
	return mixin<Omit<DocumentService<unknown>, "adapter"> & { adapter: NativeMongo | FileAdapter }>({
		mixins: [database],
		merged(schema: ServiceSchema) {
			const adapter = settings.mongoUrl ? onMongo(settings.mongoUrl, collection) : inFile(collection);
			Object.assign(schema, { collection, adapter });
		},
		methods: {
			/** moleculer-db would try for ever; a file that cannot be read stays so. */
			async connect() {
				if (isMongo(this.adapter)) {
					return this.adapter.connect();
				}
				await this.adapter.connect().catch((error: Error) => {
					this.broker.fatal(`${collection}.db cannot be read: ${error.message}`, error, true);
				});
			},
			async isMongoDb() {
				const info = isMongo(this.adapter) ? await this.adapter.db.command({ buildInfo: 1 }) : {};
				return (
					isMongo(this.adapter) && !Object.keys(info as object).some((name) => /secantus|ferret/i.test(name))
				);
			},
			async ping() {
				await (isMongo(this.adapter) ? this.adapter.db.command({ ping: 1 }) : this.adapter.ping());
			},
		},
		async started() {
			this.collection = isMongo(this.adapter) ? this.adapter.collection : undefined;
			await checkSharedSettings(settingsRecord(this.adapter, collection), (line) => this.logger.warn(line));
			this.notes = isMongo(this.adapter)
				? notesInCollection(this.adapter.db.collection("settings"))
				: notesInFile(this.adapter);
			if (!isMongo(this.adapter)) {
				await refuseOtherNamespace(this.notes, collection);
			}
			await this.notes.add(STORE_ID, randomUUID());
			this.watch = await watchStore(this.broker, storeOf(this.notes, collection));
			await makeIndexes(this.adapter, indexes);
			if (beside) {
				const second = isMongo(this.adapter) ? this.adapter.beside(beside.name) : this.adapter.beside;
				await makeIndexes(second, beside.indexes);
				this.beside = second as unknown as DocumentAdapter<unknown>;
			}
		},
		async stopped() {
			await this.watch?.stop();
		},
	});
}

async function makeIndexes(
	adapter: NativeMongo | Pick<FileAdapter, "db">,
	indexes: DocumentIndex[],
): Promise<void> {
	for (const { field, unique = false, onServer = false } of indexes) {
		if (isMongo(adapter)) {
			await adapter.collection.createIndex({ [field]: 1 }, { unique });
		} else if (!onServer) {
			await adapter.db.ensureIndex({ fieldName: field, unique });
		}
	}
}

function notesInFile(file: FileAdapter): StoreNotes {
	return {
		read: async (name) => file.notes[name],
		async add(name, value) {
			if (file.notes[name] === undefined) {
				await file.note(name, value);
			}
		},
		raise: (name, value) => file.note(name, value),
	};
}

/** Where a collection is, in words. */
export function collectionPlace(collection: string): string {
	return settings.mongoUrl
		? `the database ${settings.namespace}_${collection} at ${hostOf(settings.mongoUrl)}`
		: `${collection}.db in ${settings.directory}`;
}

/** A collection as a store of the shop. */
function storeOf(notes: StoreNotes, collection: string): Store {
	return {
		name: collection,
		where: collectionPlace(collection),
		variable: settings.mongoUrl ? "MONGO_URL" : "TOKO_DIR",
		readId: async () => String(await notes.read(STORE_ID)),
	};
}

/** Without user and password. */
function hostOf(url: string): string {
	return /^[^:]+:\/\/(?:[^@/]*@)?([^/?]+)/.exec(url)?.[1] ?? "MONGO_URL";
}

/** A shop of another namespace has other orders: the holds of one would be taken for strays by the other. */
async function refuseOtherNamespace(notes: StoreNotes, collection: string): Promise<void> {
	await notes.add("TOKO_NAMESPACE", settings.namespace);
	const noted = await notes.read("TOKO_NAMESPACE");
	if (noted !== settings.namespace) {
		throw new Error(
			`TOKO_NAMESPACE is ${settings.namespace} here, but ${collection}.db in ${settings.directory} is that of ${noted}: set TOKO_NAMESPACE=${noted}, or another TOKO_DIR for another shop`,
		);
	}
}

/** Any document has amounts: prices. */
function settingsRecord(adapter: NativeMongo | FileAdapter, collection: string): SettingsRecord {
	const database = `${settings.namespace}_${collection}`;
	return {
		...(isMongo(adapter)
			? { store: `the database ${database}`, ...settingsCollection(adapter.db.collection("settings")) }
			: {
					store: `${collection}.db in ${settings.directory}`,
					...settingsFile(join(settings.directory, `${collection}-settings.json`)),
				}),
		currencyOfAmounts: async () => ((await adapter.count({ query: {} })) > 0 ? null : undefined),
	};
}

function isMongo(adapter: object): adapter is NativeMongo {
	return adapter instanceof ServerAdapter;
}

function onMongo(url: string, collection: string) {
	const options = {
		useUnifiedTopology: true,
		serverSelectionTimeoutMS: 3000,
		// Longer than any deadline. Without it a connection that is silent for ever keeps its place among the few there are.
		socketTimeoutMS: 20_000,
		appname: "toko",
		writeConcern: { w: "majority", j: true },
	};
	return new ServerAdapter(url, options as never, `${settings.namespace}_${collection}`);
}

function inFile(collection: string) {
	mkdirSync(settings.directory, { recursive: true });
	return new FileAdapter(join(settings.directory, `${collection}.db`));
}
