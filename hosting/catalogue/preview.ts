import { createHash } from "node:crypto";
import type { ServiceBroker } from "moleculer";
import { callAction, type ResultOf } from "../../contracts/actions.ts";
import type { Catalogue } from "./catalogue.ts";
import { shown } from "./columns.ts";
import {
	type ImportReport,
	type ImportResult,
	type Outcome,
	retryUnavailable,
	sendCatalogue,
	type Waiting,
} from "./import.ts";

type Preview = ResultOf<"v1.products.previewImport">[number];

/** Called with each line of the file, and what it would become. */
export interface PreviewReport extends ImportReport {
	planned?(line: number, plan: string): void;
}

/**
 * Finds out what an import of a catalogue would do, and writes nothing. Memory grows with the number of lines, since an SKU
 * may be repeated.
 */
export async function previewCatalogue(
	broker: ServiceBroker,
	catalogue: Catalogue,
	report: PreviewReport = {},
): Promise<ImportResult> {
	const skus = new Set<string>();
	/** Groups that an earlier line creates. */
	const groups = new Set<string>();
	/** Groups that an earlier line changes. */
	const changed = new Set<string>();

	/** Returns the outcome of a line after the earlier ones of the file. */
	const settled = ({ value: { sku, group } }: Waiting, outcome: Outcome): Outcome => {
		const digest = createHash("sha256").update(sku).digest("base64url").slice(0, 22);
		if (skus.has(digest)) {
			return "repeated";
		}
		skus.add(digest);
		if (typeof outcome !== "object" || !("product" in outcome)) {
			return outcome;
		}
		const seen = outcome.group === "created" ? groups : changed;
		const isFirst = !seen.has(group as string);
		seen.add(group as string);
		return isFirst ? outcome : outcome.product;
	};

	const pending: { line: number; send: () => void }[] = [];
	const queued =
		(receiver: ((line: number, what: string) => void) | undefined) => (line: number, what: string) => {
			pending.push({ line, send: () => receiver?.(line, what) });
		};
	/** Reports lines in their order: those before a line of the file. */
	const reportBefore = (end: number) => {
		pending.sort((one, other) => one.line - other.line);
		const count = pending.findIndex(({ line }) => line >= end);
		for (const { send } of pending.splice(0, count === -1 ? pending.length : count)) {
			send();
		}
	};
	const planned = queued(report.planned);

	const result = await sendCatalogue(
		catalogue,
		async (batch) => {
			reportBefore((batch[0] as Waiting).line);
			const lines = batch.map(({ last_line, value }) => ({ ...value, line: last_line }));
			const previews = await retryUnavailable(() =>
				callAction(broker, "v1.products.previewImport", { lines }),
			);
			return previews.map(({ outcome, changes }, index) => {
				const waiting = batch[index] as Waiting;
				const becomes = settled(waiting, outcome);
				const plan = planOf(waiting, becomes, changes);
				if (plan !== undefined) {
					planned(waiting.line, plan);
				}
				return becomes;
			});
		},
		{
			refused: queued(report.refused),
			leftOut: queued(report.leftOut),
			warning: queued(report.warning),
		},
	);
	reportBefore(Number.POSITIVE_INFINITY);
	return result;
}

/** Describes what a line would become; undefined if it would be refused, which is reported as such. */
function planOf({ value }: Waiting, outcome: Outcome, changes: Preview["changes"]): string | undefined {
	const { product, group } =
		typeof outcome === "object" && "product" in outcome ? outcome : { product: outcome, group: undefined };
	const verb =
		typeof product === "string"
			? { created: "create", updated: "update", unchanged: "unchanged" }[product as "created"]
			: undefined;
	if (verb === undefined) {
		return undefined;
	}
	const names = Object.keys(value.options ?? {})
		.map(shown)
		.join(", ");
	const key = shown(value.group ?? "");
	const about =
		group === "created"
			? `create group ${key} (${names}); `
			: group === "updated"
				? `update group ${key}; `
				: "";
	const values = Object.entries(value.options ?? {})
		.map(([name, option]) => `${shown(name)} ${shown(option)}`)
		.join(", ");
	const variant =
		product === "created" && typeof value.group === "string" ? ` as variant of ${key} (${values})` : "";
	const fields = changes.map(({ field, from, to }) => `${field} ${from} → ${to}`).join("; ");
	return `${about}${verb} ${shown(value.sku)}${variant}${product === "updated" && fields ? `: ${fields}` : ""}`;
}
