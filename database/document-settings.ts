import { open, readFile, rename } from "node:fs/promises";
import type { SettingsRecord } from "../config/shared-settings.ts";
import type { SettingsCollection, StoreMetadata } from "./document-store.ts";

type Values = Record<string, string>;
type Access = Pick<SettingsRecord, "read" | "add" | "change">;

/** Settings that the documents of a file were created with, in a second file. Both files have one owner. */
export function settingsFile(filename: string): Access {
	const read = async (): Promise<Values> => {
		const text = await readFile(filename, "utf8").catch((error: NodeJS.ErrnoException) => {
			if (error.code === "ENOENT") {
				return "{}";
			}
			throw error;
		});
		try {
			return JSON.parse(text) as Values;
		} catch {
			throw new Error(`${filename} is not valid JSON: delete it, and the next start recreates it`);
		}
	};
	const write = async (values: Values) => {
		const temporary = `${filename}~`;
		const file = await open(temporary, "w", 0o600);
		try {
			await file.writeFile(`${JSON.stringify(values, null, "\t")}\n`);
			await file.sync();
		} finally {
			await file.close();
		}
		await rename(temporary, filename);
	};
	return {
		read,
		async add(values) {
			const stored = await read();
			if (Object.keys(values).some((name) => stored[name] === undefined)) {
				await write({ ...values, ...stored });
			}
		},
		async change(values) {
			if (Object.keys(values).length > 0) {
				await write({ ...(await read()), ...values });
			}
		},
	};
}

/** Settings that the documents on a server were created with, in one document each. */
export function settingsCollection(collection: SettingsCollection): Access {
	const write = (operator: "$set" | "$setOnInsert") => async (values: Values) => {
		for (const [_id, value] of Object.entries(values)) {
			await collection.updateOne({ _id }, { [operator]: { value } }, { upsert: true });
		}
	};
	return {
		async read() {
			const found = await collection.find({}).toArray();
			return Object.fromEntries(found.map(({ _id, value }) => [_id, String(value)]));
		},
		add: write("$setOnInsert"),
		change: write("$set"),
	};
}

/** Metadata of the documents on a server, stored among their settings. */
export function metadataInCollection(collection: SettingsCollection): StoreMetadata {
	const write = (operator: "$max" | "$setOnInsert") => async (_id: string, value: unknown) => {
		await collection.updateOne({ _id }, { [operator]: { value } }, { upsert: true });
	};
	return {
		async read(_id) {
			const [found] = await collection.find({ _id }).toArray();
			return found?.value;
		},
		add: write("$setOnInsert"),
		raise: write("$max"),
	};
}
