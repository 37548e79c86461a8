import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ServiceBroker } from "moleculer";
import { callAction } from "../../contracts/actions.ts";
import { Catalogue, type CatalogueOptions } from "../../hosting/catalogue/catalogue.ts";
import { importCatalogue } from "../../hosting/catalogue/import.ts";
import { previewCatalogue } from "../../hosting/catalogue/preview.ts";
import { stockOf } from "./shop.ts";

/** Result of an import in which nothing happened. */
export const NOTHING = { created: 0, updated: 0, unchanged: 0, refused: 0, not_read: 0 };

type Told = [line: number, text: string];

/** Imports catalogue files into a shop. */
export class Imports {
	readonly #broker: ServiceBroker;
	readonly folder = mkdtempSync(join(tmpdir(), "toko-import-"));

	constructor(broker: ServiceBroker) {
		this.#broker = broker;
	}

	remove(): void {
		rmSync(this.folder, { recursive: true });
	}

	/** Imports a file with this content. Returns the counts, the refused lines, and what else it says of lines. */
	take(content: string | Uint8Array, options: CatalogueOptions = {}, ending = "csv") {
		return this.#run(importCatalogue, content, options, ending);
	}

	/** Tells what an import of a file with this content would do. */
	preview(content: string | Uint8Array, options: CatalogueOptions = {}, ending = "csv") {
		return this.#run(previewCatalogue, content, options, ending);
	}

	async #run(
		work: typeof previewCatalogue,
		content: string | Uint8Array,
		options: CatalogueOptions,
		ending: string,
	) {
		const path = join(this.folder, `${randomUUID()}.${ending}`);
		writeFileSync(path, content);
		const catalogue = await Catalogue.open(path, options);
		const refused: Told[] = [];
		const left_out: Told[] = [];
		const warnings: Told[] = [];
		const planned: Told[] = [];
		const keep = (told: Told[]) => (line: number, text: string) => told.push([line, text]);
		const counts = await work(this.#broker, catalogue, {
			refused: keep(refused),
			leftOut: keep(left_out),
			warning: keep(warnings),
			planned: keep(planned),
		});
		await catalogue.close();
		const { notes, refusal } = catalogue;
		return { counts, refused, left_out, warnings, planned, notes, refusal };
	}

	/** Returns the product with this SKU. */
	async product(sku: string) {
		const found = await stockOf(this.#broker, sku);
		return callAction(this.#broker, "v1.products.get", { id: found?.id as string });
	}
}
