/** The time in which exported documents were created, in ISO 8601: from `from` on, and before `to`. */
export interface Period {
	from?: string | undefined;
	to?: string | undefined;
}

/** A format of exports. */
export type ExportFormat = "csv" | "ndjson";

/** A part of an export, with the number of documents in it. */
export interface Part {
	text: string;
	count: number;
}
