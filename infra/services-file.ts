import { createHash } from "node:crypto";
import { join } from "node:path";
import { readJson, writeWhole } from "./json-file.ts";
import { type Identity, identityOf } from "./pid-lock.mjs";

export type BackingServiceName = "PostgreSQL" | "NATS" | "Products";

/** What the shop uses for one of its parts. */
export interface BackingService {
	name: BackingServiceName;
	/** e.g. "embedded PostgreSQL 18.4", "POSTGRES_URL", "NeDB file" */
	took: string;
	/** its data folder or host:port; never a password */
	where: string;
}

/**
 * What `parts.json` holds: enough for another process to join, and for the next start to use the same
 * ports.
 */
export interface ServicesRecord {
	/** the process that runs the shop; absent while it starts or stops */
	main?: Identity;
	parts?: BackingService[];
	/** tells a process that joins whether it has the same secrets; not the secrets */
	fingerprint?: string;
	servers: Partial<Record<BackingServiceName, Identity & { port: number }>>;
}

/** parts.json in the hands of the process that runs the shop. */
export interface ServicesFile {
	/** the server of an earlier run, which may still live */
	earlier(name: BackingServiceName): Identity | undefined;
	/** the port it had last time */
	port(name: BackingServiceName): number | undefined;
	/** a server was started */
	record(name: BackingServiceName, pid: number, port: number): Promise<void>;
	/** all is up: others may join */
	announce(parts: BackingService[]): Promise<void>;
	/** the shop stops: nobody may join any more */
	withdraw(): Promise<void>;
}

/** Reads what `<directory>/parts.json` says now; a damaged file says nothing. */
export async function readRecord(directory: string): Promise<ServicesRecord> {
	const found = await readJson(join(directory, "parts.json"));
	if (found === undefined || found === "broken") return { servers: {} };
	const servers = typeof found.servers === "object" && found.servers !== null ? found.servers : {};
	return { ...found, servers } as ServicesRecord;
}

/** Opens parts.json for the process that holds toko.lock. */
export async function readServices(directory: string): Promise<ServicesFile> {
	const { servers: earlier } = await readRecord(directory);
	const record: ServicesRecord = { servers: { ...earlier } };
	let writing = Promise.resolve();
	const write = () => {
		// One after the other, each with what is true then: an older state must not replace a newer one.
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
		announce: (parts) => {
			Object.assign(record, { main: identityOf(), parts, fingerprint: fingerprint() });
			return write();
		},
		withdraw: () => {
			delete record.main;
			return write();
		},
	};
}

/** Of the secrets in the environment. */
export function fingerprint(): string {
	const secrets = `${process.env.TOKO_SECRET} ${process.env.PAYMENT_WEBHOOK_SECRET}`;
	return createHash("sha256").update(secrets).digest("base64url").slice(0, 16);
}
