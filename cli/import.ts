import "./startup/startup-checks.ts";

import { resolve } from "node:path";
import { callersFolder } from "../config/environment.ts";
import { createBroker, operatorNode } from "../hosting/broker.ts";
import { Catalogue } from "../hosting/catalogue/catalogue.ts";
import { type ImportResult, importCatalogue, nothingImported } from "../hosting/catalogue/import.ts";
import { isNumberFormat } from "../hosting/catalogue/numbers.ts";
import { isShopName } from "../hosting/catalogue/other-shops.ts";
import { type PreviewReport, previewCatalogue } from "../hosting/catalogue/preview.ts";
import { fail } from "../hosting/fatal-error.ts";
import { joinServers } from "../hosting/servers.ts";
import { StartError } from "../infra/backing-services.ts";
import { readArguments, usage } from "./arguments.mjs";
import { showProgress } from "./tables/progress.ts";

const SERVICE_PATIENCE_MS = 10_000;

/** `npm run import -- FILE`: imports a CSV or NDJSON catalogue into the running shop; with `--dry-run` only tells what it would do. */
async function start(): Promise<void> {
	const { file, isDryRun, ...options } = readOptions();
	const path = resolve(callersFolder, file);
	const progress = showProgress();
	try {
		const catalogue = await Catalogue.open(path, { ...options, onProgress: progress.update });
		for (const note of catalogue.notes) {
			console.error(note);
		}
		const result = await sendToShop(catalogue, isDryRun);
		progress.stop();
		report(result, isDryRun);
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
	const { numbers, encoding, from, "ignore-unknown": ignoreUnknown, "dry-run": isDryRun = false } = values;
	if (numbers !== undefined && !isNumberFormat(numbers)) {
		throw new StartError(
			`--numbers is id (1.250.000,50) or en (1,250,000.50), not "${numbers}": ${usage("import")}`,
		);
	}
	if (from !== undefined && !isShopName(from)) {
		throw new StartError(`--from is shopify or woocommerce, not "${from}": ${usage("import")}`);
	}
	if (from !== undefined && (numbers !== undefined || ignoreUnknown)) {
		const given = numbers === undefined ? "--ignore-unknown" : "--numbers";
		throw new StartError(`${given} has no effect with --from: ${usage("import")}`);
	}
	return { file, isDryRun, numbers, encoding, from, ignoreUnknown };
}

/** Imports a catalogue, or finds out what an import would do. A rejected file needs no running shop. */
async function sendToShop(catalogue: Catalogue, isDryRun: boolean): Promise<ImportResult> {
	if (catalogue.refusal !== undefined) {
		return nothingImported(catalogue);
	}
	await joinServers((line) => console.error(line));
	const broker = createBroker({ nodeID: operatorNode("import"), quiet: true });
	await broker.start();
	await broker.waitForServices({ name: "products", version: 1 }, SERVICE_PATIENCE_MS).catch(() => {
		throw new StartError("the products service is not running: start it with `npm run node -- products`");
	});
	const result = isDryRun
		? await previewCatalogue(broker, catalogue, reportTo(console.log, "error: "))
		: await importCatalogue(broker, catalogue, reportTo(console.error, ""));
	await broker.stop();
	return result;
}

/** Returns functions that print what becomes of lines. */
function reportTo(print: (text: string) => void, error: string): PreviewReport {
	return {
		planned: (line, plan) => print(`line ${line}: ${plan}`),
		refused: (line, why) => print(`line ${line}: ${error}${why}`),
		leftOut: (line, why) => print(`line ${line}: left out: ${why}`),
		warning: (line, what) => print(`line ${line}: warning: ${what}`),
	};
}

function report(result: ImportResult, isDryRun: boolean): void {
	const { created, updated, unchanged, refused, not_read, left_out = 0, stopped } = result;
	if (stopped !== undefined) {
		console.error(`toko: ${stopped}`);
	}
	const lines = created + updated + unchanged + refused + not_read + left_out;
	const more = [
		[left_out, "line left out", "lines left out"],
		[result.groups_created, "group created", "groups created"],
		[result.groups_updated, "group updated", "groups updated"],
		[result.warnings, "warning", "warnings"],
	].flatMap(([count, one, many]) => (count ? [`; ${count} ${count === 1 ? one : many}`] : []));
	console.log(
		`${isDryRun ? "dry run, nothing was written: " : ""}${created} created, ${updated} updated, ${unchanged} unchanged, ${refused} refused, ${not_read} not read of ${lines} lines${more.join("")}`,
	);
}

await start().catch(fail);
