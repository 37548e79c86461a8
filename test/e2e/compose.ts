import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { join, resolve } from "node:path";
import { parseEnv } from "node:util";
import { findNatsServer } from "../../infra/programs.ts";
import { until } from "../../tools/shop-process.ts";

const { load } = createRequire(import.meta.url)("js-yaml") as { load(text: string): unknown };
const repository = resolve(import.meta.dirname, "../..");

/** A container in docker-compose.yml: the fields that tests read. */
export interface Container {
	image?: string;
	entrypoint?: string[];
	command?: string[];
	environment?: Record<string, string>;
}

/** docker-compose.yml, with its variables as they are written. */
export const compose = load(readFileSync(join(repository, "docker-compose.yml"), "utf8")) as {
	services: Record<string, Container>;
	configs: Record<string, { content: string }>;
};

/** Runs a copy of ops/make-secrets in this folder, and answers the variables that it has written. */
export function makeSecrets(folder: string): Record<string, string> {
	mkdirSync(join(folder, "ops"));
	copyFileSync(join(repository, "ops/make-secrets"), join(folder, "ops/make-secrets"));
	execFileSync(join(folder, "ops/make-secrets"), { stdio: "ignore" });
	return parseEnv(readFileSync(join(folder, "ops/.env"), "utf8")) as Record<string, string>;
}

/**
 * Fills `${NAME}`, `${NAME:-default}` and `${NAME:?message}` in, as Docker Compose does.
 *
 * @throws Error with the message, where a variable that has to be set is not.
 */
export function filledIn(text: string, variables: Record<string, string>): string {
	return text
		.replace(/(?<!\$)\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_, name: string, form?: string, rest = "") => {
			const value = variables[name];
			if (!value && form === "?") {
				throw new Error(`${name}: ${rest}`);
			}
			return value || (form === "-" ? rest : "");
		})
		.replaceAll("$$", "$");
}

/** Starts a NATS as docker-compose.yml has it, with these secrets, on a port of this machine. */
export async function startNats(
	folder: string,
	secrets: Record<string, string>,
	port: number,
): Promise<ChildProcess> {
	const certificates = secrets.NATS_CERTIFICATES as string;
	const configuration = filledIn(compose.configs["nats-server"]?.content ?? "", secrets)
		.replace("0.0.0.0:4222", `127.0.0.1:${port}`)
		.replace("127.0.0.1:8222", "127.0.0.1:-1")
		.replace("/etc/nats/certificate.pem", join(certificates, "nats.pem"))
		.replace("/etc/nats/key.pem", join(certificates, "nats-key.pem"))
		.replace('"/data"', JSON.stringify(join(folder, "streams")));
	writeFileSync(join(folder, "nats.conf"), configuration);
	const { path } = await findNatsServer(resolve(repository, ".toko"), () => {});
	const server = spawn(path, ["-c", join(folder, "nats.conf")], { stdio: "ignore" });
	await until("NATS to listen", () => listens(port));
	return server;
}

/** Tells whether somebody listens on a port. */
export async function listens(on: number): Promise<boolean> {
	return new Promise((answer) => {
		const socket = connect(on, "127.0.0.1", () => {
			socket.destroy();
			answer(true);
		}).once("error", () => answer(false));
	});
}
