// biome-ignore-all lint/style/noProcessEnv: Jest passes its environment on to the processes of the tests.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/**
 * Starts PostgreSQL, NATS and the MongoDB-compatible server once for all integration tests, on free ports and in a
 * separate folder. Each test file has its own databases and topics there.
 */
export default async function startServers() {
	// Deleted before the settings are read.
	for (const name of ["POSTGRES_URL", "NATS_URL", "MONGO_URL"]) {
		delete process.env[name];
	}
	const { deliverHeldSignals, startBackingServices } = await import("../infra/backing-services.ts");
	const { installMongoStandIn, startMongoStandIn } = await import("../infra/mongo-stand-in.ts");
	const { findNatsServer } = await import("../infra/programs.ts");
	const print = (line) => process.stderr.write(`${line}\n`);

	// Tools are downloaded once into the checkout, not for every run.
	const tools = resolve(".toko");
	await findNatsServer(tools, print);
	const folder = await mkdtemp(join(tmpdir(), "toko-test-"));
	const reaper = startReaper(folder);
	const temporary = join(folder, "tmp");
	await mkdir(temporary);
	// The tests of the image run programs as another user.
	await chmod(folder, 0o711);
	await chmod(temporary, 0o755);
	const servers = await startBackingServices(folder, print);
	// On a machine that is busy with other work, PostgreSQL needs seconds for a connection.
	servers.variables.POSTGRES_URL += "?connect_timeout=60";
	const starting = installMongoStandIn(tools, print)
		.then(() => startMongoStandIn(join(folder, "mongo"), print))
		.catch((error) => {
			print(`NOT RUN: the products' tests on a MongoDB-compatible server, because ${error.message}`);
			return undefined;
		});
	let stopped;
	globalThis.stopServers = () => {
		stopped ??= Promise.all([starting.then((mongo) => mongo?.stop()), servers.stop()]);
		return stopped;
	};
	globalThis.removeFolder = () => rm(folder, { recursive: true, force: true });
	globalThis.removeTemporary = () => rm(temporary, { recursive: true, force: true });
	// On a signal, Jest runs no teardown, and servers and shops have their own process groups.
	for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
		process.once(signal, async () => {
			await globalThis.stopServers();
			if (reaper.connected) {
				// Nothing else may keep this process alive until then.
				reaper.ref();
				reaper.channel.ref();
				reaper.send("kill");
				await Promise.race([once(reaper, "message"), once(reaper, "exit")]);
			}
			process.exit(128 + constants.signals[signal]);
		});
	}
	deliverHeldSignals();
	const preparing = spareWork(folder, servers.variables.POSTGRES_URL).then(() =>
		makeTemplates(folder, servers.variables),
	);
	await preparing.catch(async (error) => {
		// After a signal its connection breaks; the handler ends the process once all servers have stopped.
		await (stopped && new Promise(() => undefined));
		throw error;
	});
	const mongo = await starting;
	// Folders that tests make are below that of the run, by which the reaper finds their processes.
	Object.assign(process.env, servers.variables, { TOKO_TEST_FOLDER: folder, TMPDIR: temporary });
	if (mongo) {
		process.env.TOKO_TEST_MONGO_URL = mongo.url;
	}
}

/** Starts reaper.mjs, which outlives this process, in a session of its own. */
function startReaper(folder) {
	const program = fileURLToPath(new URL("reaper.mjs", import.meta.url));
	const reaper = spawn(process.execPath, [program, folder], {
		detached: true,
		stdio: ["ignore", "ignore", "ignore", "ipc"],
	});
	reaper.unref();
	reaper.channel.unref();
	return reaper;
}

/**
 * Switches off what serves no test: no data outlives the run, and each test file leaves databases that would be vacuumed
 * in turn.
 */
async function spareWork(folder, postgresUrl) {
	const { PostgresClient } = await import("../database/postgres-client.ts");
	const { postgres_superuser_password } = JSON.parse(await readFile(join(folder, "secrets.json"), "utf8"));
	const url = new URL(postgresUrl);
	Object.assign(url, { username: "postgres", password: postgres_superuser_password, pathname: "/postgres" });
	const superuser = new PostgresClient({ connectionString: url.href });
	// The query in progress fails as well.
	superuser.on("error", () => undefined);
	await superuser.connect();
	for (const setting of ["fsync", "full_page_writes", "autovacuum"]) {
		await superuser.query(`ALTER SYSTEM SET ${setting} = off`);
	}
	await superuser.query("SELECT pg_reload_conf()");
	await superuser.end();
}

/** Makes the databases that database-templates.ts copies. */
async function makeTemplates(folder, variables) {
	const program = join(import.meta.dirname, "make-templates.ts");
	await promisify(execFile)(process.execPath, ["--no-warnings", program], {
		env: { ...process.env, ...variables, TOKO_NAMESPACE: "template", TOKO_DIR: folder },
	});
}
