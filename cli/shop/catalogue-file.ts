import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createInterface } from "node:readline";
import { pipeline } from "node:stream/promises";
import { setTimeout as wait } from "node:timers/promises";
import { type CsvError, parse } from "csv-parse";
import { Errors, type ServiceBroker } from "moleculer";
import type { z } from "zod";
import { callAction } from "../../contracts/actions.ts";
import { fieldErrors } from "../../contracts/problems.ts";
import { catalogueLine } from "../../contracts/products.ts";
import { StartError } from "../../infra/parts.ts";

/** Products may be away for so long in the middle of an import. */
const AWAY_MS = 30_000;
const AGAIN_MS = 250;
const BATCH = 500;
/** In characters of JSON; a message of NATS holds 1 MB unless the server is told otherwise. */
const BATCH_SIZE = 200_000;
/** A line longer than this is not a product. */
const LINE_MAX = 1024 * 1024;
const COLUMNS = ["sku", "name", "description", "price", "stock", "category", "image_url"];

/** What an import did. */
export interface ImportResult {
	created: number;
	updated: number;
	unchanged: number;
	refused: number;
}

interface ImportOptions {
	/** Called for each line that was refused, with the reason. */
	onRefused?: (line: number, reason: string) => void;
	/** Called now and then with the bytes read. */
	onProgress?: (bytes: number) => void;
}

type Parsed = { line: number; product: unknown } | { line: number; reason: string };

/**
 * Imports a CSV or NDJSON file of any size through the products service, in constant memory. Lines that are wrong are
 * reported and left out; lines that were imported before change nothing.
 */
export async function importCatalogue(
	broker: ServiceBroker,
	file: string,
	{ onRefused = () => {}, onProgress = () => {} }: ImportOptions,
): Promise<ImportResult> {
	const result: ImportResult = { created: 0, updated: 0, unchanged: 0, refused: 0 };
	const file_hash = await hashOf(file);
	const source = createReadStream(file);
	let batch: { line: number; product: z.output<typeof catalogueLine> }[] = [];

	let batch_size = 0;

	const refuse = (line: number, reason: string) => {
		result.refused++;
		onRefused(line, reason);
	};
	const flush = async () => {
		if (batch.length === 0) {
			return;
		}
		const lines = batch.map(({ line, product }) => ({ ...product, line }));
		const outcomes = await untilThere(() =>
			callAction(broker, "v1.products.import", { file: file_hash, lines }),
		).catch((error: Error) => {
			const { created, updated, unchanged } = result;
			throw new StartError(
				`stopped after ${created + updated + unchanged} products, at line ${lines[0]?.line}: ${error.message} Run it again: what is in the shop already is left as it is.`,
			);
		});
		outcomes.forEach((outcome, index) => {
			const { line, product } = batch[index] as (typeof batch)[number];
			if (outcome === "repeated") {
				refuse(line, `sku: ${product.sku} stands in an earlier line of this file`);
			} else if (outcome === "removed") {
				refuse(line, `sku: ${product.sku} was taken out of the shop: give the product a new sku`);
			} else {
				result[outcome]++;
			}
		});
		batch = [];
		batch_size = 0;
		onProgress(source.bytesRead);
	};

	for await (const parsed of isNdjson(file) ? ndjsonLines(source) : csvLines(source)) {
		if ("reason" in parsed) {
			refuse(parsed.line, parsed.reason);
			continue;
		}
		const checked = catalogueLine.safeParse(parsed.product);
		if (!checked.success) {
			refuse(
				parsed.line,
				fieldErrors(checked.error)
					.map(({ path, message }) => `${path || "line"}: ${message}`)
					.join("; "),
			);
			continue;
		}
		batch.push({ line: parsed.line, product: checked.data });
		batch_size += JSON.stringify(checked.data).length;
		if (batch.length >= BATCH || batch_size >= BATCH_SIZE) {
			await flush();
		}
	}
	await flush();
	onProgress(source.bytesRead);
	return result;
}

/** While products is being replaced, a batch waits; sent twice, it changes nothing. */
async function untilThere<T>(work: () => Promise<T>): Promise<T> {
	const deadline = Date.now() + AWAY_MS;
	for (;;) {
		try {
			return await work();
		} catch (error) {
			const isAway =
				error instanceof Errors.ServiceNotFoundError ||
				error instanceof Errors.ServiceNotAvailableError ||
				error instanceof Errors.RequestRejectedError;
			if (!isAway || Date.now() > deadline) {
				throw error;
			}
			await wait(AGAIN_MS);
		}
	}
}

/** Names a file by its content (SHA-256), so that a product knows which line of which file described it. */
async function hashOf(file: string): Promise<string> {
	const info = await stat(file).catch((error: NodeJS.ErrnoException) => {
		throw new StartError(`cannot read ${file} (${error.code}): name a CSV or NDJSON file`);
	});
	if (!info.isFile()) {
		throw new StartError(`${file} is not a file: name a CSV or NDJSON file`);
	}
	const hash = createHash("sha256");
	await pipeline(createReadStream(file), hash);
	return hash.digest("hex");
}

function isNdjson(file: string): boolean {
	return /\.(ndjson|jsonl)$/i.test(file);
}

async function* ndjsonLines(source: NodeJS.ReadableStream): AsyncGenerator<Parsed> {
	let line = 0;
	for await (const text of createInterface({ input: source, crlfDelay: Number.POSITIVE_INFINITY })) {
		line++;
		if (text.trim() === "") {
			continue;
		}
		if (text.length > LINE_MAX) {
			yield { line, reason: "is too long to be a product" };
			continue;
		}
		try {
			yield { line, product: JSON.parse(text) };
		} catch {
			yield { line, reason: "is not valid JSON" };
		}
	}
}

async function* csvLines(source: NodeJS.ReadableStream): AsyncGenerator<Parsed> {
	const skipped: Parsed[] = [];
	const parser = parse({
		bom: true,
		columns: (header: string[]) => {
			const missing = ["sku", "name", "price", "stock", "category"].filter((name) => !header.includes(name));
			if (missing.length > 0) {
				throw new StartError(
					`the first line lacks ${missing.join(", ")}: it must name the columns ${COLUMNS.join(", ")}`,
				);
			}
			return header;
		},
		info: true,
		trim: true,
		skip_empty_lines: true,
		skip_records_with_error: true,
		max_record_size: LINE_MAX,
		on_skip: (error) => {
			skipped.push({ line: Number(error?.lines ?? 0), reason: reasonOf(error) });
			return undefined;
		},
	});
	source.on("error", (error) => parser.destroy(error));
	source.pipe(parser);
	for await (const { info, record } of parser as AsyncIterable<{
		info: { lines: number };
		record: Record<string, string>;
	}>) {
		yield* skipped.splice(0);
		yield { line: info.lines, product: fromText(record) };
	}
	yield* skipped.splice(0);
}

/** CSV knows only text: numbers are read where the contract wants them, an empty address is none. */
function fromText({ price, stock, image_url, ...rest }: Record<string, string>): unknown {
	return {
		...rest,
		description: rest.description ?? "",
		price: toNumber(price),
		stock: toNumber(stock),
		...(image_url ? { image_url } : {}),
	};
}

function toNumber(text: string | undefined): unknown {
	return text !== undefined && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

function reasonOf(error: unknown): string {
	const { code, message } = error as CsvError;
	if (code === "CSV_RECORD_INCONSISTENT_COLUMNS" || code === "CSV_RECORD_INCONSISTENT_FIELDS_LENGTH") {
		return "has more or fewer fields than the first line";
	}
	return message.split("\n", 1)[0] ?? "is not valid CSV";
}
