import "./startup/startup-checks.ts";

import { writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { fail } from "../hosting/fatal-error.ts";
import { readArguments } from "./arguments.mjs";
import { table } from "./generated/markdown.ts";

/** Exit code if there is no browser. */
const NOT_RUN = 2;

/**
 * `npm run pictures`: writes the picture of an order's trace, the tables of the dashboards' panels, and pictures of an invoice, from
 * shops that it runs for this. Those of an invoice need Chromium; `--invoices` writes only them.
 */
async function start(): Promise<void> {
	const { invoices = false } = readArguments("pictures").values;
	if (!invoices) {
		await drawShop();
	}
	await drawInvoices();
}

async function drawShop(): Promise<void> {
	const { takePictures } = await import("../tools/pictures/run.ts");
	const { trace, figures } = await takePictures((line) => console.log(line));
	await write("docs/how-to/order-trace.svg", trace);
	const tables = figures.map(
		({ title, description, panels }) =>
			`## ${title}\n\n${description}\n\n${table(["panel", "meaning", "highest values"], panels)}`,
	);
	await write("docs/reference/dashboards.md", [heading(), ...tables].join("\n"));
}

async function drawInvoices(): Promise<void> {
	const { findBrowser, NEEDS_BROWSER } = await import("../tools/browser.ts");
	const { invoicePictures } = await import("../tools/pictures/invoice-pictures.ts");
	const { cleanUp } = await import("../tools/shop-process.ts");
	const browser = await findBrowser();
	if (browser === undefined) {
		console.error(`NOT RUN: the pictures of an invoice, because ${NEEDS_BROWSER}`);
		process.exit(NOT_RUN);
	}
	try {
		for (const [language, picture] of Object.entries(await invoicePictures(browser))) {
			await write(`docs/how-to/invoice.${language}.png`, picture);
		}
	} finally {
		await cleanUp();
	}
}

async function write(file: string, text: string | Buffer): Promise<void> {
	await writeFile(new URL(`../${file}`, import.meta.url), text);
	console.log(`wrote ${file}`);
}

function heading(): string {
	return `<!-- Written by \`npm run pictures\`; do not edit. -->

# Dashboards

The panels of the dashboards in Grafana, with figures of a shop that had a process for each service, on a machine with ${cpus().length} cores: for a
minute, one buyer read a product, ordered it and paid. Of each panel the largest series are shown, with their highest value.
Those of servers need their exporters, which did not run.
[Observe](../how-to/observe.md) describes how to see them.
`;
}

await start().catch(fail);
