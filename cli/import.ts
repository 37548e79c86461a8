import "./shop/one-line.ts";

import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { Presets, SingleBar } from "cli-progress";
import { joinRunningParts, StartError } from "../infra/parts.ts";
import { settings } from "../mixins/settings.ts";
import { createBroker } from "./shop/broker.ts";
import { importCatalogue } from "./shop/catalogue-file.ts";
import { fail } from "./shop/one-line.ts";

const PATIENCE_MS = 10_000;
const SERVICE_PATIENCE_MS = 10_000;
/** Without a terminal, progress is a line this often. */
const PROGRESS_EVERY_MS = 5000;

/** `npm run import -- FILE`: a CSV or NDJSON catalogue into the running shop. */
async function start(): Promise<void> {
	const given = process.argv[2];
	if (!given) {
		throw new StartError(
			"name the file: npm run import -- data/catalogue.csv (CSV with a header line, or NDJSON)",
		);
	}
	const file = resolve(process.env.INIT_CWD ?? ".", given);
	const { size } = await stat(file).catch((error: NodeJS.ErrnoException) => {
		throw new StartError(`cannot read ${given} (${error.code}): name a CSV or NDJSON file`);
	});
	await joinRunningParts(settings.directory, PATIENCE_MS, (line) => console.error(line));
	const broker = createBroker({ nodeID: `import-${process.pid}`, quiet: true });
	await broker.start();
	await broker.waitForServices({ name: "products", version: 1 }, SERVICE_PATIENCE_MS).catch(() => {
		throw new StartError("the products service is away: bring it with `npm run node -- products`");
	});

	const progress = showProgress(size);
	const result = await importCatalogue(broker, file, {
		onRefused: (line, reason) => console.error(`line ${line}: ${reason}`),
		onProgress: progress.update,
	});
	progress.stop();
	const { created, updated, unchanged, refused } = result;
	console.log(`${created} created, ${updated} updated, ${unchanged} unchanged, ${refused} refused`);
	await broker.stop();
	process.exit(refused > 0 ? 1 : 0);
}

function showProgress(total: number) {
	if (process.stderr.isTTY) {
		const bar = new SingleBar(
			{ format: "{bar} {percentage}% | {eta_formatted} left" },
			Presets.shades_classic,
		);
		bar.start(total, 0);
		return { update: (bytes: number) => bar.update(bytes), stop: () => bar.stop() };
	}
	let shown_at = Date.now();
	return {
		update: (bytes: number) => {
			if (Date.now() - shown_at >= PROGRESS_EVERY_MS) {
				shown_at = Date.now();
				console.error(`${Math.floor((bytes / total) * 100)}% read`);
			}
		},
		stop: () => {},
	};
}

await start().catch(fail);
