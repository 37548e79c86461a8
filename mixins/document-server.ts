import MongoAdapter from "moleculer-db-adapter-mongo";
import type { SettingsCollection } from "./document-settings.ts";
import type { NativeCollection } from "./documents.ts";

/** The part of the adapter that the `documents` mixin uses itself. */
export interface NativeMongo {
	connect(): Promise<void>;
	client: unknown;
	db: { command(command: object): Promise<unknown>; collection(name: string): SettingsCollection };
	collection: NativeCollection<unknown>;
	count(filters: { query: object }): Promise<number>;
	beside(name: string): NativeMongo;
}

/** moleculer-db's adapter of a MongoDB server, which reads only some fields where they are named. */
export class ServerAdapter extends MongoAdapter {
	/** Another collection in the same database, over the same connections. */
	beside(name: string): NativeMongo {
		const { db } = this as unknown as NativeMongo;
		return Object.assign(Object.create(this), { collection: db.collection(name) });
	}

	override find(filters: Parameters<MongoAdapter["find"]>[0]): Promise<object[]> {
		const cursor = this.createCursor(filters as object);
		const { fields } = filters as { fields?: readonly string[] };
		return (
			fields ? cursor.project(Object.fromEntries(["_id", ...fields].map((field) => [field, 1]))) : cursor
		).toArray();
	}
}
