import { randomBytes } from "node:crypto";
import { link, rename, unlink } from "node:fs/promises";
import { join } from "node:path";
import { settings, type Variables } from "../config/settings.ts";
import { readJson, writeBeside } from "./json-file.ts";
import { codeOf } from "./start-error.ts";

const NAMES = [
	"toko_secret",
	"payment_webhook_secret",
	"postgres_superuser_password",
	"postgres_password",
	"nats_password",
] as const;

/** The shop's secrets, each 32 random bytes in base64url. */
export type Secrets = Record<(typeof NAMES)[number], string>;

/**
 * Reads `secrets.json` of the folder, creating it at the first start; processes that create it concurrently get the
 * same secrets. A damaged file is renamed and new secrets are generated: the servers are given the new passwords, and
 * tokens signed before become invalid.
 */
export async function readSecrets(directory: string, print: (line: string) => void): Promise<Secrets> {
	const file = join(directory, "secrets.json");
	for (;;) {
		const found = await readJson(file);
		if (isComplete(found)) {
			return found;
		}
		const own = await writeBeside(file, `${JSON.stringify(newSecrets(), null, "\t")}\n`);
		try {
			if (found !== undefined) {
				const aside = `${file}.damaged-${Date.now()}`;
				await rename(file, aside);
				print(`${file} was damaged: renamed it to ${aside} and generated new secrets`);
			}
			await link(own, file);
		} catch (error) {
			// EEXIST, ENOENT: another process was first, and all processes use its file.
			if (!["EEXIST", "ENOENT"].includes(codeOf(error))) {
				throw error;
			}
		} finally {
			await unlink(own);
		}
	}
}

/** Variables of the services' secrets. */
export type SecretVariables = Required<Pick<Variables, "TOKO_SECRET" | "PAYMENT_WEBHOOK_SECRET">>;

/** Returns the services' secrets: those of the settings, otherwise those of the folder. */
export function secretVariables(secrets: Secrets): SecretVariables {
	const { TOKO_SECRET = secrets.toko_secret, PAYMENT_WEBHOOK_SECRET = secrets.payment_webhook_secret } =
		settings.variables;
	return { TOKO_SECRET, PAYMENT_WEBHOOK_SECRET };
}

function newSecrets(): Secrets {
	return Object.fromEntries(NAMES.map((name) => [name, randomBytes(32).toString("base64url")])) as Secrets;
}

function isComplete(value: unknown): value is Secrets {
	return (
		typeof value === "object" &&
		value !== null &&
		NAMES.every((name) => typeof (value as Record<string, unknown>)[name] === "string")
	);
}
