import { setTimeout as wait } from "node:timers/promises";
import { Errors, type ServiceBroker } from "moleculer";
import { callAction, type ResultOf } from "../../contracts/actions.ts";
import { StartError } from "../../infra/start-error.ts";
import type { Catalogue } from "./catalogue.ts";
import type { CatalogueLine } from "./product.ts";
import { VariantLines } from "./variants.ts";

/** Time for which the products service may be unavailable during an import. */
const UNAVAILABLE_MAX_MS = 30_000;
const RETRY_MS = 250;
const BATCH = 500;
/** In characters of JSON. NATS limits a message to 1 MB by default. */
const BATCH_SIZE = 200_000;

/** Numbers of lines of a file by their outcome; they add up to all lines. */
export interface ImportResult {
	created: number;
	updated: number;
	unchanged: number;
	refused: number;
	not_read: number;
	/** Lines that were left out on purpose, such as drafts of another shop; absent if there are none. */
	left_out?: number;
	/** Numbers of groups of variants, and of warnings; absent if there are none. */
	groups_created?: number;
	groups_updated?: number;
	warnings?: number;
	/** Reason why lines were not read, if it is not a refused line. */
	stopped?: string;
}

/** Called with lines of the file that have not simply become products. */
export interface ImportReport {
	/** An invalid line, with the reason. */
	refused?(line: number, reason: string): void;
	/** A line that is left out on purpose, with the reason. */
	leftOut?(line: number, reason: string): void;
	/** A line whose product loses something. */
	warning?(line: number, warning: string): void;
}

/** A line to be sent to products; messages name it by `line`. */
export interface Waiting {
	line: number;
	last_line: number;
	value: CatalogueLine;
}

export type Outcome = ResultOf<"v1.products.import">[number];

/** Products of a catalogue that a batch has sent, each with its outcome. */
export type Send = (batch: Waiting[]) => Promise<Outcome[]>;

/**
 * Imports a catalogue through the products service, in constant memory. Invalid lines are reported and skipped. Lines
 * that were imported before change nothing, so an interrupted import can simply be repeated.
 *
 * @param report A function is called for each refused line, with the reason.
 */
export async function importCatalogue(
	broker: ServiceBroker,
	catalogue: Catalogue,
	report: ImportReport | ImportReport["refused"] = {},
): Promise<ImportResult> {
	const send: Send = (batch) => {
		const lines = batch.map(({ last_line, value }) => ({ ...value, line: last_line }));
		return retryUnavailable(() => callAction(broker, "v1.products.import", { file: catalogue.hash, lines }));
	};
	return sendCatalogue(catalogue, send, typeof report === "function" ? { refused: report } : report);
}

/** Reads a catalogue, sends its products in batches, and counts their outcomes. */
export async function sendCatalogue(
	catalogue: Catalogue,
	send: Send,
	report: ImportReport,
): Promise<ImportResult> {
	if (catalogue.refusal !== undefined) {
		return nothingImported(catalogue);
	}
	const result: ImportResult = { created: 0, updated: 0, unchanged: 0, refused: 0, not_read: 0 };
	const variants = new VariantLines();
	let batch: Waiting[] = [];
	let batch_size = 0;

	const refuse = (line: number, reason: string) => {
		result.refused++;
		report.refused?.(line, reason);
	};
	const flush = async () => {
		if (batch.length === 0) {
			return;
		}
		await catalogue.checkUnchanged();
		const outcomes = await send(batch);
		outcomes.forEach((outcome, index) => {
			const { line, value } = batch[index] as Waiting;
			count(result, outcome, (why) => refuse(line, why), value.sku);
		});
		batch = [];
		batch_size = 0;
	};

	try {
		for await (const item of catalogue.items()) {
			if ("value" in item) {
				const refusal = variants.refusal(item.line, item.value);
				if (refusal !== undefined) {
					refuse(item.line, refusal);
					continue;
				}
				for (const warning of item.warnings ?? []) {
					result.warnings = (result.warnings ?? 0) + 1;
					report.warning?.(item.line, warning);
				}
				batch.push(item);
				batch_size += JSON.stringify(item.value).length;
				if (batch.length >= BATCH || batch_size >= BATCH_SIZE) {
					await flush();
				}
				continue;
			}
			if (item.isLeftOut) {
				result.left_out = (result.left_out ?? 0) + 1;
				report.leftOut?.(item.line, item.reason);
				continue;
			}
			refuse(item.line, item.reason);
			if (item.isStop) {
				result.not_read = await catalogue.linesAfter(item.line);
			}
		}
		await flush();
	} catch (error) {
		const { created, updated, unchanged, refused, left_out = 0 } = result;
		const taken = created + updated + unchanged;
		// If the file was changed, any other error is only a consequence.
		const { message } = await catalogue.checkUnchanged().then(
			() => error as Error,
			(change: Error) => change,
		);
		result.not_read = Math.max(0, catalogue.lines - taken - refused - left_out);
		result.stopped = `stopped after ${taken} products${batch[0] ? `, at line ${batch[0].line}` : ""}: ${message.replace(/\.$/, "")}. Run it again: what is in the shop already is left as it is.`;
	}
	return result;
}

/** Returns the result for a rejected file. */
export function nothingImported({ lines, refusal }: Catalogue): ImportResult {
	return { created: 0, updated: 0, unchanged: 0, refused: 0, not_read: lines, stopped: refusal };
}

/**
 * Like `importCatalogue`, but fails if the import stops before the end of the file.
 *
 * @throws StartError
 */
export async function importAll(broker: ServiceBroker, catalogue: Catalogue): Promise<ImportResult> {
	const result = await importCatalogue(broker, catalogue);
	if (result.stopped !== undefined) {
		throw new StartError(result.stopped);
	}
	return result;
}

function count(result: ImportResult, outcome: Outcome, refuse: (why: string) => void, sku: string): void {
	const { product, group } =
		typeof outcome === "object" && "product" in outcome ? outcome : { product: outcome, group: undefined };
	if (group) {
		const name = `groups_${group}` as const;
		result[name] = (result[name] ?? 0) + 1;
	}
	if (product === "created" || product === "updated" || product === "unchanged") {
		result[product]++;
	} else {
		refuse(whyRefused(product, sku));
	}
}

/** Returns the reason of an outcome that is a refusal. */
function whyRefused(
	outcome: Exclude<Outcome, "created" | "updated" | "unchanged" | { product: unknown }>,
	sku: string,
): string {
	if (outcome === "repeated") {
		return `sku: ${sku} stands in an earlier line of this file`;
	}
	if (outcome === "removed") {
		return `sku: ${sku} was taken out of the shop: give the product a new sku`;
	}
	return "refused" in outcome
		? outcome.refused
		: `sku: ${sku} is new, and a new product needs ${outcome.missing.join(", ")}`;
}

/** Retries while the products service is unavailable, such as during a replacement. A batch is idempotent. */
export async function retryUnavailable<T>(work: () => Promise<T>): Promise<T> {
	const deadline = Date.now() + UNAVAILABLE_MAX_MS;
	for (;;) {
		try {
			return await work();
		} catch (error) {
			const isUnavailable =
				error instanceof Errors.ServiceNotFoundError ||
				error instanceof Errors.ServiceNotAvailableError ||
				error instanceof Errors.RequestRejectedError;
			if (!isUnavailable || Date.now() > deadline) {
				throw error;
			}
			await wait(RETRY_MS);
		}
	}
}
