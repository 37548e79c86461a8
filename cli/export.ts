import "./startup/startup-checks.ts";

import { resolve } from "node:path";
import { callersFolder } from "../config/environment.ts";
import { fail } from "../hosting/fatal-error.ts";
import { Interrupted, interruption } from "../hosting/interruption.ts";
import { momentOf } from "../hosting/moment.ts";
import { joinOrStart } from "../hosting/servers.ts";
import { StartError } from "../infra/backing-services.ts";
import { openSources } from "../tools/audit/sources.ts";
import { checkMoved, checkStores } from "../tools/audit/stores.ts";
import { exportOrders } from "../tools/export/orders.ts";
import { fileOutput, type Output, standardOutput } from "../tools/export/output.ts";
import type { ExportFormat, Part, Period } from "../tools/export/period.ts";
import { openProducts } from "../tools/export/product-source.ts";
import { exportProducts } from "../tools/export/products.ts";
import { readArguments, usage } from "./arguments.mjs";

type What = "orders" | "products";

/** `npm run export -- orders|products`: writes them to standard output or a file, as CSV or NDJSON. */
async function start(): Promise<void> {
	const { what, format, period, path, replaces } = readOptions();
	const output = path === undefined ? standardOutput() : await fileOutput(path, replaces);
	try {
		const interrupted = interruption({ needsReader: path === undefined });
		const shop = await Promise.race([joinOrStart((line) => console.error(line)), interrupted]);
		try {
			const count = await Promise.race([exportTo(output, what, format, period), interrupted]);
			await output.finish();
			const noun = count === 1 ? what.slice(0, -1) : what;
			console.error(`exported ${count} ${noun}${path === undefined ? "" : ` to ${path}`}`);
		} finally {
			await shop.leave();
		}
	} finally {
		await output.abandon();
	}
}

/** Writes the export. Returns the number of documents in it. */
async function exportTo(output: Output, what: What, format: ExportFormat, period: Period): Promise<number> {
	const sources = await openSources();
	try {
		await checkMoved(sources);
		await checkStores(sources);
		if (what === "orders") {
			const read: Parameters<typeof exportOrders>[0] = (work) => sources.snapshot("orders", work);
			return await writeAll(output, exportOrders(read, format, period));
		}
		const products = await openProducts();
		return await writeAll(output, exportProducts(products, format, period)).finally(products.close);
	} finally {
		await sources.close();
	}
}

async function writeAll(output: Output, parts: AsyncIterable<Part>): Promise<number> {
	let exported = 0;
	for await (const { text, count } of parts) {
		await output.write(text);
		exported += count;
	}
	return exported;
}

function readOptions() {
	const { values, positionals } = readArguments("export");
	const [what, ...others] = positionals;
	if ((what !== "orders" && what !== "products") || others.length > 0) {
		throw new StartError(`name what to export, orders or products: ${usage("export")}`);
	}
	const { from, to, output, force = false } = values;
	const { format = /\.(ndjson|jsonl)$/i.test(output ?? "") ? "ndjson" : "csv" } = values;
	if (format !== "csv" && format !== "ndjson") {
		throw new StartError(`--format is csv or ndjson, not "${format}": ${usage("export")}`);
	}
	if (force && output === undefined) {
		throw new StartError(`--force has no effect without --output: ${usage("export")}`);
	}
	const period = { from: from && momentOf(from), to: to && momentOf(to) };
	if (period.from && period.to && period.from >= period.to) {
		throw new StartError(`--from ${from} must be before --to ${to}, which is not exported itself`);
	}
	return {
		...{ what: what as What, format: format as ExportFormat, period, replaces: force },
		path: output === undefined ? undefined : resolve(callersFolder, output),
	};
}

await start().catch((error) => {
	// Such as `| head -1`: the reader has all that it wanted.
	if (!(error instanceof Interrupted) || error.isRead) {
		fail(error);
	}
});
process.exit();
