import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Variables } from "../config/settings.ts";
import { readJson, writeWhole } from "./json-file.ts";
import { type Identity, identityOf } from "./pid-lock.mjs";
import type { SecretVariables } from "./secrets.ts";

export type BackingServiceName = "PostgreSQL" | "NATS" | "Products";

/** A backing service that the shop uses. */
export interface BackingService {
	name: BackingServiceName;
	/** Such as "embedded PostgreSQL 18.4", "POSTGRES_URL", "NeDB file". */
	took: string;
	/** Its data folder or host:port; never contains a password. */
	where: string;
}

/** A backing service with the variables that tell of it, unless the settings have them. */
export interface FoundService {
	service: BackingService;
	variables: Variables;
}

/** The backing services of a shop, with the variables that the settings lack. */
export interface FoundServices {
	backingServices: BackingService[];
	variables: Variables;
}

/** Returns backing services and secrets in one. */
export function together(found: FoundService[], secrets: Variables): FoundServices {
	return {
		backingServices: found.map(({ service }) => service),
		variables: Object.assign({}, ...found.map(({ variables }) => variables), secrets),
	};
}

/** Content of `parts.json`: enough for another process to join, and for the next start to use the same ports. */
export interface ServicesRecord {
	/** The process that runs the shop; absent while it starts or stops. */
	main?: Identity;
	parts?: BackingService[];
	/** Digest of the secrets, by which a joining process checks that it has the same ones. */
	fingerprint?: string;
	servers: Partial<Record<BackingServiceName, Identity & { port: number }>>;
}

/** parts.json, as the process that runs the shop uses it. */
export interface ServicesFile {
	/** Returns the server of an earlier run, which may still be running. */
	earlier(name: BackingServiceName): Identity | undefined;
	/** Returns the port of the earlier run. */
	port(name: BackingServiceName): number | undefined;
	/** Records a started server. */
	record(name: BackingServiceName, pid: number, port: number): Promise<void>;
	/** Records that all servers are up, so that other processes may join. */
	announce(backingServices: BackingService[], secrets: SecretVariables): Promise<void>;
	/** Records that the shop is stopping, so that no process joins any more. */
	withdraw(): Promise<void>;
}

/** Reads `<directory>/parts.json`; a damaged file counts as empty. */
export async function readRecord(directory: string): Promise<ServicesRecord> {
	const found = await readJson(join(directory, "parts.json"));
	if (found === undefined || found === "broken") {
		return { servers: {} };
	}
	const servers = typeof found.servers === "object" && found.servers !== null ? found.servers : {};
	return { ...found, servers } as ServicesRecord;
}

/** Opens parts.json for the process that holds toko.lock. */
export async function readServices(directory: string): Promise<ServicesFile> {
	const { servers: earlier } = await readRecord(directory);
	const record: ServicesRecord = { servers: { ...earlier } };
	let writing = Promise.resolve();
	const write = () => {
		// Writes are serialized, each with the state at that time, so that no older state replaces a newer one.
		const next = writing.then(() =>
			writeWhole(join(directory, "parts.json"), `${JSON.stringify(record, null, "\t")}\n`),
		);
		writing = next.catch(() => {});
		return next;
	};
	return {
		earlier: (name) => earlier[name],
		port: (name) => {
			const port = earlier[name]?.port;
			return Number.isInteger(port) && (port as number) > 0 && (port as number) < 65536 ? port : undefined;
		},
		record: (name, pid, port) => {
			record.servers[name] = { ...identityOf(pid), port };
			return write();
		},
		announce: (backingServices, secrets) => {
			Object.assign(record, {
				main: identityOf(),
				parts: backingServices,
				fingerprint: fingerprint(secrets),
			});
			return write();
		},
		withdraw: () => {
			delete record.main;
			return write();
		},
	};
}

/** Returns a digest of the services' secrets. */
export function fingerprint({ TOKO_SECRET, PAYMENT_WEBHOOK_SECRET }: SecretVariables): string {
	const secrets = `${TOKO_SECRET} ${PAYMENT_WEBHOOK_SECRET}`;
	return createHash("sha256").update(secrets).digest("base64url").slice(0, 16);
}
