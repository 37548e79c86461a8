import { resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { settings } from "../config/settings.ts";
import { checkConnection, type UrlVariable } from "./connection-checks.ts";
import { externalService, externalServices, URLS } from "./external-services.ts";
import { holder } from "./lock.ts";
import { mongoUrl } from "./mongo-ping.ts";
import { natsUrl } from "./nats.ts";
import { isRunning } from "./pid-lock.mjs";
import { postgresUrl } from "./postgres.ts";
import { readSecrets, type Secrets, secretVariables } from "./secrets.ts";
import {
	type BackingService,
	type FoundService,
	type FoundServices,
	fingerprint,
	readRecord,
	type ServicesRecord,
	together,
} from "./services-file.ts";
import { StartError } from "./start-error.ts";

/** Time to wait for a shop that has not taken its lock yet: both commands may have been run at once. */
const UNSEEN_MS = 2_000;

/**
 * Joins the shop that runs in this folder from a second process: finds its backing services and secrets. Waits up to
 * wait_ms while the shop starts. In production, and where the settings have all URLs and secrets, no shop has to run
 * here.
 *
 * @throws StartError "no shop is running in …"
 */
export async function joinRunningServices(
	directory: string,
	wait_ms: number,
	print: (line: string) => void,
	services: string[] = [],
): Promise<FoundServices> {
	if (isConfigured()) {
		return externalServices(services, print);
	}
	const folder = resolve(directory);
	const record = await running(folder, wait_ms, print);
	const secrets = await readSecrets(folder, print);
	const found = await Promise.all(
		(record.parts ?? []).map((service) => join(service, record, secrets, wait_ms)),
	);
	const own = secretVariables(secrets);
	if (fingerprint(own) !== record.fingerprint) {
		throw new StartError(
			`the shop in ${folder} was started with another TOKO_SECRET or PAYMENT_WEBHOOK_SECRET: set the same ones here`,
		);
	}
	return together(found, own);
}

/** Tells whether there are backing services to join: in the settings, or of a shop that runs in the folder. */
export function canJoin(directory: string): boolean {
	return isConfigured() || holder(resolve(directory, "toko.lock")) !== null;
}

function isConfigured(): boolean {
	const all = [...Object.values(URLS), "TOKO_SECRET", "PAYMENT_WEBHOOK_SECRET"] as const;
	return settings.isProduction || all.every((name) => settings.variables[name]);
}

async function running(
	folder: string,
	wait_ms: number,
	print: (line: string) => void,
): Promise<ServicesRecord> {
	const lockFile = resolve(folder, "toko.lock");
	const begun = Date.now();
	for (let isReported = false; ; await wait(50)) {
		const record = await readRecord(folder);
		const main = holder(lockFile);
		if (main !== null && record.main?.pid === main.pid && isRunning(record.main)) {
			return record;
		}
		const waited_ms = Date.now() - begun;
		if (waited_ms >= (main === null ? Math.min(wait_ms, UNSEEN_MS) : wait_ms)) {
			throw new StartError(
				main === null
					? `no shop is running in ${folder}: start it with \`npm start\``
					: `the shop in ${folder} (pid ${main.pid}) is not up after ${Math.round(waited_ms / 1000)} s: see its output`,
			);
		}
		if (main !== null && !isReported && waited_ms > 1_000) {
			isReported = true;
			print(`waiting for the shop in ${folder} (pid ${main.pid}) to start`);
		}
	}
}

async function join(
	service: BackingService,
	record: ServicesRecord,
	secrets: Secrets,
	wait_ms: number,
): Promise<FoundService> {
	const variable = URLS[service.name];
	const server = record.servers[service.name];
	if (settings.variables[variable]) {
		return externalService(service.name, variable);
	}
	if (service.took === variable) {
		throw new StartError(
			`the shop uses ${variable} (${service.where}): set the same ${variable} for this process`,
		);
	}
	if (service.name === "Products" && service.took === "NeDB file") {
		return { service, variables: {} };
	}
	if (server === undefined) {
		throw new StartError(`parts.json does not say where ${service.name} is: restart the shop`);
	}
	const url = {
		PostgreSQL: () => postgresUrl(server.port, secrets),
		NATS: () => natsUrl(server.port, secrets),
		Products: () => mongoUrl(server.port),
	}[service.name]();
	await waitForServer(variable, url, wait_ms);
	return { service, variables: { [variable]: url } };
}

/** Waits for a server that may have exited a moment ago and be restarting. */
async function waitForServer(variable: UrlVariable, url: string, wait_ms: number): Promise<void> {
	const deadline = Date.now() + wait_ms;
	for (;;) {
		try {
			await checkConnection(variable, url);
			return;
		} catch (error) {
			if (Date.now() >= deadline) {
				throw error;
			}
			await wait(100);
		}
	}
}
