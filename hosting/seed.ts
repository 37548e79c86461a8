import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ServiceBroker } from "moleculer";
import { settings } from "../config/settings.ts";
import { callAction } from "../contracts/actions.ts";
import { email } from "../contracts/email.ts";
import { CURRENCY, CURRENCY_DECIMALS } from "../contracts/money.ts";
import { newPassword } from "../contracts/passwords.ts";
import { problemCode } from "../contracts/problem-codes.ts";
import { StartError } from "../infra/backing-services.ts";
import { Catalogue } from "./catalogue/catalogue.ts";
import { importAll } from "./catalogue/import.ts";

const CATALOGUE = fileURLToPath(new URL("../data/catalogue.csv", import.meta.url));

/** The admin that a first start created. */
export interface NewAdmin {
	email: string;
	/** Set if it was generated, and therefore has to be shown. */
	password?: string;
}

/**
 * Validates ADMIN_EMAIL and ADMIN_PASSWORD, before anything is started.
 *
 * @throws StartError that names the variable.
 */
export function checkAdmin(): void {
	for (const [name, schema] of [
		["ADMIN_EMAIL", email],
		["ADMIN_PASSWORD", newPassword],
	] as const) {
		const configured = settings.variables[name];
		const checked = schema.safeParse(configured);
		if (configured && !checked.success) {
			throw new StartError(`${name} ${checked.error.issues[0]?.message}`);
		}
	}
}

/** Creates the first admin; returns undefined if there is one already. */
export async function ensureAdmin(broker: ServiceBroker): Promise<NewAdmin | undefined> {
	const configured = settings.adminPassword;
	if (settings.isProduction && !configured) {
		return undefined;
	}
	const password = configured ?? randomBytes(12).toString("base64url");
	const address = settings.adminEmail;
	const made = await callAction(broker, "v1.users.ensureAdmin", { email: address, password }).catch(
		(error) => {
			if (problemCode(error) !== "EMAIL_TAKEN") {
				throw error;
			}
			console.error(
				`no admin was created: ${address} is a customer's; set another ADMIN_EMAIL and start again`,
			);
		},
	);
	if (!made) {
		return undefined;
	}
	return made.created ? { email: made.email, ...(configured ? {} : { password }) } : undefined;
}

/**
 * Loads the catalogue into a store that never had a product. Its prices are in rupiah, so other currencies skip it. A
 * start that was killed while loading resumes, because lines that are already loaded change nothing. Several processes
 * may load it at once.
 */
export async function ensureCatalogue(broker: ServiceBroker, print: (line: string) => void): Promise<void> {
	const store = createHash("sha256")
		.update(settings.mongoUrl ?? "file")
		.digest("hex");
	const marker = join(settings.directory, `catalogue-loading-${store.slice(0, 16)}`);
	if (!existsSync(marker) && (await hasProducts(broker))) {
		return;
	}
	if (CURRENCY !== "IDR" || CURRENCY_DECIMALS !== 0) {
		print(
			`left out data/catalogue.csv, whose prices are whole rupiah: this shop has ${CURRENCY} with ${CURRENCY_DECIMALS} decimals; ` +
				"load products of your own with `npm run import -- FILE`",
		);
		return;
	}
	await mkdir(settings.directory, { recursive: true });
	await writeFile(marker, "");
	const catalogue = await Catalogue.open(CATALOGUE);
	const { created } = await importAll(broker, catalogue).finally(() => catalogue.close());
	await rm(marker, { force: true });
	print(`loaded the catalogue: ${created} products`);
}

/** Tells whether there ever was a product. Counting may read all products, so it is done only if none is on sale. */
async function hasProducts(broker: ServiceBroker): Promise<boolean> {
	// A call to a named node bypasses the response cache, which would serve the empty list to the first customers.
	const { items } = await callAction(broker, "v1.products.list", { limit: 1 }, { nodeID: broker.nodeID });
	return items.length > 0 || (await callAction(broker, "v1.products.count", {})).products > 0;
}
