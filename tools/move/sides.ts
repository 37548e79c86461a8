import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import { settings } from "../../config/settings.ts";
import { isMoneySetting } from "../../config/shared-settings.ts";
import type { FileAdapter } from "../../database/document-file.ts";
import type { ServerAdapter } from "../../database/document-server.ts";
import { settingsFile } from "../../database/document-settings.ts";
import type { DocumentAdapter } from "../../database/document-store.ts";
import { addMove, MOVE, type Move, readMove, replaceMove } from "../../database/store-move.ts";
import { runningProcesses } from "../../database/store-processes.ts";
import { fail } from "../../hosting/fatal-error.ts";
import { reason, StartError } from "../../infra/start-error.ts";
import { inFile, onServer, serverPlace } from "../../mixins/documents.ts";
import {
	type GroupDocument,
	type HoldPage,
	PRODUCT_GROUPS,
	type ProductDocument,
} from "../../services/products/documents.ts";

type Values = Record<string, unknown>;

/** A store of products that a move reads or writes. */
export interface Side {
	/** Location without a password. */
	where: string;
	isOnServer: boolean;
	/** The way to another store that is empty. */
	emptyOne: string;
	products: DocumentAdapter<ProductDocument>;
	pages: DocumentAdapter<HoldPage>;
	groups: DocumentAdapter<GroupDocument>;
	/** Settings and metadata of the store, such as its id and its position in the stream of events. */
	readValues(): Promise<Values>;
	writeValues(values: Values): Promise<void>;
	readMove(): Promise<Move | undefined>;
	/**
	 * Replaces the note of a move if the stored one has the expected fields. Undefined stands for no note.
	 *
	 * @returns True if it was replaced.
	 */
	replaceMove(expected: Partial<Move> | undefined, move: Move | undefined): Promise<boolean>;
	/** Returns the products processes that use the store. */
	running(): Promise<string[]>;
	close(): Promise<void>;
}

const COLLECTION = "products";
/** Collection of hold pages on a server. */
const PAGES = "hold_pages";
/** Metadata of a file alone. On a server, the name of the database has it. */
const NAMESPACE = "TOKO_NAMESPACE";

/** Returns the path of the products' file. */
export function productsFile(): string {
	return resolve(join(settings.directory, `${COLLECTION}.db`));
}

/** Returns whether there is a file of products. */
export function hasProductsFile(): boolean {
	return existsSync(productsFile());
}

/**
 * Opens the products' file, or creates it. The caller owns it: see `ownProductsFileToMove`.
 *
 * @throws StartError if it cannot be read, or belongs to the shop of another namespace.
 */
export async function openFile(): Promise<Side> {
	const adapter = inService(inFile(COLLECTION, [PRODUCT_GROUPS]));
	await adapter.connect().catch((error) => {
		throw new StartError(`${productsFile()} cannot be read: ${reason(error)}`);
	});
	const namespace = adapter.metadata[NAMESPACE] ?? settings.namespace;
	if (namespace !== settings.namespace) {
		await adapter.disconnect();
		throw new StartError(
			`TOKO_NAMESPACE is ${settings.namespace} here, but ${productsFile()} is that of ${namespace}: set TOKO_NAMESPACE=${namespace}, or another TOKO_DIR`,
		);
	}
	const shared = settingsFile(join(settings.directory, `${COLLECTION}-settings.json`));
	return {
		where: productsFile(),
		isOnServer: false,
		emptyOne: "move that file away, or set TOKO_DIR to another folder",
		products: adapter as unknown as Side["products"],
		pages: adapter.secondary as unknown as Side["pages"],
		groups: adapter.further.get(PRODUCT_GROUPS) as unknown as Side["groups"],
		async readValues() {
			const { [NAMESPACE]: _, [MOVE]: __, ...notes } = adapter.metadata;
			return { ...(await shared.read()), ...notes };
		},
		async writeValues(values) {
			const split = Object.groupBy(Object.entries(values), ([name]) =>
				isMoneySetting(name) ? "settings" : "notes",
			);
			await shared.change(Object.fromEntries(split.settings ?? []) as Record<string, string>);
			await adapter.setAllMetadata({
				...Object.fromEntries(split.notes ?? []),
				[NAMESPACE]: settings.namespace,
			});
		},
		readMove: async () => adapter.metadata[MOVE] as Move | undefined,
		async replaceMove(_, move) {
			// Nobody else can have changed it.
			await adapter.setAllMetadata({ [MOVE]: move });
			return true;
		},
		running: async () => [],
		close: () => adapter.disconnect(),
	};
}

/** Connects to the store of products on a server. */
export async function openServer(url: string): Promise<Side & Pick<ServerAdapter, "db">> {
	const adapter = inService(onServer(url, COLLECTION));
	await adapter.connect();
	const { db } = adapter;
	const values = db.collection<{ _id: string; value: unknown }>("settings");
	return {
		db,
		where: serverPlace(COLLECTION, url),
		isOnServer: true,
		emptyOne: "drop that database if nobody needs it, or name another server",
		products: adapter as unknown as Side["products"],
		pages: adapter.secondary(PAGES) as unknown as Side["pages"],
		groups: adapter.secondary(PRODUCT_GROUPS) as unknown as Side["groups"],
		async readValues() {
			const found = await values.find({ _id: { $ne: MOVE } }).toArray();
			return Object.fromEntries(found.map(({ _id, value }) => [_id, value]));
		},
		async writeValues(entries) {
			for (const [_id, value] of Object.entries(entries)) {
				await values.updateOne({ _id }, { $set: { value } }, { upsert: true });
			}
		},
		readMove: () => readMove(db),
		replaceMove: (expected, move) =>
			expected === undefined ? addMove(db, move as Move) : replaceMove(db, expected, move),
		running: () => runningProcesses(db),
		close: () => adapter.disconnect(),
	};
}

/** Initializes an adapter without a running service. */
function inService<A extends FileAdapter | ServerAdapter>(adapter: A): A {
	const broker = new ServiceBroker({ logger: false, skipProcessEventRegistration: true });
	broker.fatal = (message) => fail(new Error(message));
	const { init } = adapter as unknown as { init(broker: object, service: object): void };
	init.call(
		adapter,
		broker,
		broker.createService({ name: COLLECTION, collection: COLLECTION } as object as ServiceSchema),
	);
	return adapter;
}
