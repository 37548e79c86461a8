import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Service, ServiceSchema } from "moleculer";
import type { MongoClientOptions } from "mongodb";
import { mixin } from "../broker/schema.ts";
import { settings } from "../config/settings.ts";
import { checkSharedSettings, type SettingsRecord } from "../config/shared-settings.ts";
import { FileAdapter } from "../database/document-file.ts";
import { ServerAdapter } from "../database/document-server.ts";
import { metadataInCollection, settingsCollection, settingsFile } from "../database/document-settings.ts";
import type {
	DocumentAdapter,
	DocumentIndex,
	NativeCollection,
	SecondaryCollection,
	StoreMetadata,
} from "../database/document-store.ts";
import type { SecondaryFileCollection } from "../database/nedb-collections.ts";
import { STORE_ID, type Store, type Watch, watchStore } from "../database/store-identity.ts";
import { closedStore, MOVE, type Move } from "../database/store-move.ts";
import { type Registration, registerProcess } from "../database/store-processes.ts";
import { measureMethods } from "../observability/operations.ts";
import { database } from "./database.ts";

/** Members that the `documents` mixin adds to a service. */
export interface DocumentService<D, B = unknown> extends Service {
	adapter: DocumentAdapter<D>;
	/** The second collection, if one was requested. */
	secondary: DocumentAdapter<B>;
	/** Returns one of the further collections that were requested. */
	further<F>(name: string): DocumentAdapter<F>;
	/** The driver's collection; undefined if the documents are in a file. */
	collection: NativeCollection<D> | undefined;
	/** Reports whether the server is MongoDB itself, and not a compatible one. */
	isMongoDb(): Promise<boolean>;
	/** Metadata of the store, copied and restored with its documents. */
	storeMetadata: StoreMetadata;
	watch?: Watch;
	/** Registration with the store, if it is on a server. */
	registration?: Registration;
	/** @throws Error of one line if the documents are being moved or were moved. */
	useStore(): Promise<void>;
	/** Throws if the store does not respond. */
	ping(): Promise<void>;
}

/** Reports whether a write was rejected because another document has the same value in a unique field. */
export function isDuplicate(error: unknown): boolean {
	// The code 11000 is MongoDB's, uniqueViolated is NeDB's.
	const { code, errorType } = error as { code?: unknown; errorType?: unknown };
	return code === 11000 || errorType === "uniqueViolated";
}

/**
 * Collection of documents: on the server of `MONGO_URL`, or else in a NeDB file under `TOKO_DIR`. The service sees the
 * same adapter in both cases. Ids are strings created by the service.
 */
export function documents(
	collection: string,
	indexes: DocumentIndex[],
	secondary?: SecondaryCollection,
	...further: SecondaryCollection[]
): Partial<ServiceSchema> {
	const names = further.map(({ name }) => name);
	return mixin<Omit<DocumentService<unknown>, "adapter"> & { adapter: ServerAdapter | FileAdapter }>({
		mixins: [database],
		merged(schema: ServiceSchema) {
			const adapter = settings.mongoUrl ? onServer(settings.mongoUrl, collection) : inFile(collection, names);
			Object.assign(schema, { collection, adapter });
		},
		methods: {
			/** Ends the process if the file cannot be read, which no retry changes: moleculer-db would retry forever. */
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
			/** Makes sure that the documents are not moved, neither before nor while this process runs. */
			async useStore() {
				const refusal = (move: Move) => closedStore(collection, collectionPlace(collection), move);
				if (isMongo(this.adapter)) {
					const end = (line: string) => this.broker.fatal(line, undefined, true);
					this.registration = await registerProcess(this.adapter.db, this.broker.nodeID, refusal, end);
					return;
				}
				// The lock of the file prevents a move while this process runs.
				const move = this.adapter.metadata[MOVE] as Move | undefined;
				if (move) {
					throw new Error(refusal(move));
				}
			},
			further(name: string) {
				return furtherOf(this.adapter, name) as unknown as DocumentAdapter<never>;
			},
			async ping() {
				await (isMongo(this.adapter) ? this.adapter.db.command({ ping: 1 }) : this.adapter.ping());
			},
		},
		async started() {
			this.collection = isMongo(this.adapter)
				? (this.adapter.collection as unknown as NativeCollection<unknown>)
				: undefined;
			await this.useStore();
			await checkSharedSettings(settingsRecord(this.adapter, collection), (line) => this.logger.warn(line));
			this.storeMetadata = isMongo(this.adapter)
				? metadataInCollection(this.adapter.db.collection("settings"))
				: metadataInFile(this.adapter);
			if (!isMongo(this.adapter)) {
				await refuseOtherNamespace(this.storeMetadata, collection);
			}
			await this.storeMetadata.add(STORE_ID, randomUUID());
			this.watch = await watchStore(this.broker, storeOf(this.storeMetadata, collection));
			measureMethods(this.adapter, isMongo(this.adapter) ? "mongodb" : "nedb", collection, OPERATIONS);
			await makeIndexes(this.adapter, indexes);
			if (secondary) {
				const secondaryAdapter = isMongo(this.adapter)
					? this.adapter.secondary(secondary.name)
					: this.adapter.secondary;
				await makeIndexes(secondaryAdapter, secondary.indexes);
				this.secondary = secondaryAdapter as unknown as DocumentAdapter<unknown>;
			}
			for (const one of further) {
				await makeIndexes(furtherOf(this.adapter, one.name), one.indexes);
			}
		},
		async stopped() {
			await this.watch?.stop();
			await this.registration?.stop();
		},
	});
}

/** Methods of the adapters that are measured. */
const OPERATIONS = ["find", "findOne", "count", "insert", "insertMany", "updateMany", "removeMany"];

function furtherOf(adapter: ServerAdapter | FileAdapter, name: string) {
	return isMongo(adapter) ? adapter.secondary(name) : (adapter.further.get(name) as SecondaryFileCollection);
}

async function makeIndexes(
	adapter: ServerAdapter | Pick<FileAdapter, "db">,
	indexes: DocumentIndex[],
): Promise<void> {
	for (const { field, unique = false, sparse = false, onServer = false } of indexes) {
		if (isMongo(adapter)) {
			await adapter.collection.createIndex({ [field]: 1 }, { unique, ...(sparse ? { sparse } : {}) });
		} else if (!onServer) {
			// In an index that is not sparse, all documents without the field share an entry, which each update of one copies.
			await adapter.db.ensureIndex({ fieldName: field, unique, sparse: sparse || !unique });
		}
	}
}

function metadataInFile(file: FileAdapter): StoreMetadata {
	return {
		read: async (name) => file.metadata[name],
		async add(name, value) {
			if (file.metadata[name] === undefined) {
				await file.setMetadata(name, value);
			}
		},
		raise: (name, value) => file.setMetadata(name, value),
	};
}

/** Describes the location of a collection. */
export function collectionPlace(collection: string): string {
	return settings.mongoUrl
		? serverPlace(collection, settings.mongoUrl)
		: `${collection}.db in ${settings.directory}`;
}

/** Describes the location of a collection on a server. */
export function serverPlace(collection: string, url: string): string {
	return `the database ${databaseOf(collection)} at ${hostOf(url)}`;
}

function databaseOf(collection: string): string {
	return `${settings.namespace}_${collection}`;
}

/** Returns a collection as a store of the shop. */
function storeOf(metadata: StoreMetadata, collection: string): Store {
	return {
		name: collection,
		where: collectionPlace(collection),
		variable: settings.mongoUrl ? "MONGO_URL" : "TOKO_DIR",
		readId: async () => String(await metadata.read(STORE_ID)),
	};
}

/** Returns the host of a URL, without user and password. */
function hostOf(url: string): string {
	return /^[^:]+:\/\/(?:[^@/]*@)?([^/?]+)/.exec(url)?.[1] ?? "MONGO_URL";
}

/**
 * Rejects a file of another namespace: that shop has other orders, so each would treat the other's holds as orphaned.
 */
async function refuseOtherNamespace(metadata: StoreMetadata, collection: string): Promise<void> {
	await metadata.add("TOKO_NAMESPACE", settings.namespace);
	const stored = await metadata.read("TOKO_NAMESPACE");
	if (stored !== settings.namespace) {
		throw new Error(
			`TOKO_NAMESPACE is ${settings.namespace} here, but ${collection}.db in ${settings.directory} belongs to ${stored}: set TOKO_NAMESPACE=${stored}, or another TOKO_DIR for another shop`,
		);
	}
}

/** Settings of the collection. Every document contains an amount, its price. */
function settingsRecord(adapter: ServerAdapter | FileAdapter, collection: string): SettingsRecord {
	return {
		...(isMongo(adapter)
			? {
					store: `the database ${databaseOf(collection)}`,
					...settingsCollection(adapter.db.collection("settings")),
				}
			: {
					store: `${collection}.db in ${settings.directory}`,
					...settingsFile(join(settings.directory, `${collection}-settings.json`)),
				}),
		currencyOfAmounts: async () => ((await adapter.count({ query: {} })) > 0 ? null : undefined),
	};
}

function isMongo(adapter: object): adapter is ServerAdapter {
	return adapter instanceof ServerAdapter;
}

/** Creates the adapter of a collection on a server. */
export function onServer(url: string, collection: string): ServerAdapter {
	const options: MongoClientOptions = {
		serverSelectionTimeoutMS: 3000,
		maxPoolSize: 10,
		// Longer than any deadline. Without it, a connection that is silent forever occupies one of the few in the pool.
		socketTimeoutMS: 20_000,
		appName: "toko",
		writeConcern: { w: "majority", journal: true },
	};
	return new ServerAdapter(url, options, databaseOf(collection));
}

/**
 * Creates the adapter of a collection in a file.
 *
 * @param further Names of the further collections in the file.
 */
export function inFile(collection: string, further: readonly string[]): FileAdapter {
	mkdirSync(settings.directory, { recursive: true });
	return new FileAdapter(join(settings.directory, `${collection}.db`), further);
}
