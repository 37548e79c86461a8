import "./startup/startup-checks.ts";

import { resolve } from "node:path";
import { callersFolder } from "../config/environment.ts";
import { createBroker, operatorNode } from "../hosting/broker.ts";
import { Catalogue } from "../hosting/catalogue/catalogue.ts";
import { type ImportResult, importCatalogue, nothingImported } from "../hosting/catalogue/import.ts";
import { isNumberFormat } from "../hosting/catalogue/numbers.ts";
import { fail } from "../hosting/fatal-error.ts";
import { joinServers } from "../hosting/servers.ts";
import { StartError } from "../infra/backing-services.ts";
import { readArguments, usage } from "./arguments.mjs";
import { showProgress } from "./tables/progress.ts";

const SERVICE_PATIENCE_MS = 10_000;

/** `npm run import -- FILE`: imports a CSV or NDJSON catalogue into the running shop. */
async function start(): Promise<void> {
	const { file, ...options } = readOptions();
	const path = resolve(callersFolder, file);
	const progress = showProgress();
	try {
		const catalogue = await Catalogue.open(path, { ...options, onProgress: progress.update });
		for (const note of catalogue.notes) {
			console.error(note);
		}
		const result = await importIntoShop(catalogue);
		progress.stop();
		tell(result);
		const isWhole = result.refused === 0 && result.not_read === 0 && result.stopped === undefined;
		process.exit(isWhole ? 0 : 1);
	} finally {
		progress.stop();
	}
}

function readOptions() {
	const { values, positionals } = readArguments("import");
	const [file, ...others] = positionals;
	if (!file || others.length > 0) {
		throw new StartError(`name one file, CSV with a header line or NDJSON: ${usage("import")}`);
	}
	const { numbers, encoding, "ignore-unknown": ignoreUnknown } = values;
	if (numbers !== undefined && !isNumberFormat(numbers)) {
		throw new StartError(
			`--numbers is id (1.250.000,50) or en (1,250,000.50), not "${numbers}": ${usage("import")}`,
		);
	}
	return { file, numbers, encoding, ignoreUnknown };
}

/** Imports a catalogue. A rejected file needs no running shop. */
async function importIntoShop(catalogue: Catalogue): Promise<ImportResult> {
	if (catalogue.refusal !== undefined) {
		return nothingImported(catalogue);
	}
	await joinServers((line) => console.error(line));
	const broker = createBroker({ nodeID: operatorNode("import"), quiet: true });
	await broker.start();
	await broker.waitForServices({ name: "products", version: 1 }, SERVICE_PATIENCE_MS).catch(() => {
		throw new StartError("the products service is away: bring it with `npm run node -- products`");
	});
	const result = await importCatalogue(broker, catalogue, (line, why) =>
		console.error(`line ${line}: ${why}`),
	);
	await broker.stop();
	return result;
}

function tell({ created, updated, unchanged, refused, not_read, stopped }: ImportResult): void {
	if (stopped !== undefined) {
		console.error(`toko: ${stopped}`);
	}
	const lines = created + updated + unchanged + refused + not_read;
	console.log(
		`${created} created, ${updated} updated, ${unchanged} unchanged, ${refused} refused, ${not_read} not read of ${lines} lines`,
	);
}

await start().catch(fail);
