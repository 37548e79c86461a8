import { setTimeout as wait } from "node:timers/promises";
import { Errors, type ServiceBroker } from "moleculer";
import { callAction, type ResultOf } from "../../contracts/actions.ts";
import { StartError } from "../../infra/start-error.ts";
import type { Catalogue } from "./catalogue.ts";
import type { CatalogueLine } from "./product.ts";

/** Time for which the products service may be unavailable during an import. */
const AWAY_MS = 30_000;
const AGAIN_MS = 250;
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
	/** Reason why lines were not read, if it is not a refused line. */
	stopped?: string;
}

/** A line to be sent to products; messages name it by `line`. */
interface Waiting {
	line: number;
	last_line: number;
	value: CatalogueLine;
}

type Outcome = ResultOf<"v1.products.import">[number];

/**
 * Imports a catalogue through the products service, in constant memory. Invalid lines are reported and skipped. Lines
 * that were imported before change nothing, so an interrupted import can simply be repeated.
 *
 * @param onRefused Called for each refused line, with the reason.
 */
export async function importCatalogue(
	broker: ServiceBroker,
	catalogue: Catalogue,
	onRefused: (line: number, reason: string) => void = () => {},
): Promise<ImportResult> {
	if (catalogue.refusal !== undefined) {
		return nothingImported(catalogue);
	}
	const result: ImportResult = { created: 0, updated: 0, unchanged: 0, refused: 0, not_read: 0 };
	let batch: Waiting[] = [];
	let batch_size = 0;

	const refuse = (line: number, reason: string) => {
		result.refused++;
		onRefused(line, reason);
	};
	const flush = async () => {
		if (batch.length === 0) {
			return;
		}
		await catalogue.checkUnchanged();
		const lines = batch.map(({ last_line, value }) => ({ ...value, line: last_line }));
		const outcomes = await untilThere(() =>
			callAction(broker, "v1.products.import", { file: catalogue.hash, lines }),
		);
		outcomes.forEach((outcome, index) => {
			const { line, value } = batch[index] as Waiting;
			if (outcome === "created" || outcome === "updated" || outcome === "unchanged") {
				result[outcome]++;
			} else {
				refuse(line, whyRefused(outcome, value.sku));
			}
		});
		batch = [];
		batch_size = 0;
	};

	try {
		for await (const item of catalogue.items()) {
			if ("value" in item) {
				batch.push(item);
				batch_size += JSON.stringify(item.value).length;
				if (batch.length >= BATCH || batch_size >= BATCH_SIZE) {
					await flush();
				}
				continue;
			}
			refuse(item.line, item.reason);
			if (item.isStop) {
				result.not_read = await catalogue.linesAfter(item.line);
			}
		}
		await flush();
	} catch (error) {
		const { created, updated, unchanged, refused } = result;
		const taken = created + updated + unchanged;
		// If the file was changed, any other error is only a consequence.
		const { message } = await catalogue.checkUnchanged().then(
			() => error as Error,
			(change: Error) => change,
		);
		result.not_read = Math.max(0, catalogue.lines - taken - refused);
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

function whyRefused(outcome: Exclude<Outcome, "created" | "updated" | "unchanged">, sku: string): string {
	if (outcome === "repeated") {
		return `sku: ${sku} stands in an earlier line of this file`;
	}
	if (outcome === "removed") {
		return `sku: ${sku} was taken out of the shop: give the product a new sku`;
	}
	return `sku: ${sku} is new, and a new product needs ${outcome.missing.join(", ")}`;
}

/** Retries while the products service is unavailable, such as during a replacement. A batch is idempotent. */
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
