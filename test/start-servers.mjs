// biome-ignore-all lint/style/noProcessEnv: Jest passes its environment on to the processes of the tests.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import { join, resolve } from "node:path";

/**
 * Starts PostgreSQL, NATS and the MongoDB-compatible server once for all integration tests, on free ports and in a
 * separate folder. Each test file has its own databases and topics there.
 */
export default async function startServers() {
	// Deleted before the settings are read.
	for (const name of ["POSTGRES_URL", "NATS_URL", "MONGO_URL"]) {
		delete process.env[name];
	}
	const { startBackingServices } = await import("../infra/backing-services.ts");
	const { installMongoStandIn, startMongoStandIn } = await import("../infra/mongo-stand-in.ts");
	const { findNatsServer } = await import("../infra/programs.ts");
	const say = (line) => process.stderr.write(`${line}\n`);

	// Tools are downloaded once into the checkout, not for every run.
	const tools = resolve(".toko");
	await findNatsServer(tools, say);
	const folder = await mkdtemp(join(tmpdir(), "toko-test-"));
	const servers = await startBackingServices(folder, say);
	const starting = installMongoStandIn(tools, say)
		.then(() => startMongoStandIn(join(folder, "mongo"), say))
		.catch((error) => {
			say(`NOT RUN: the products' tests on a MongoDB-compatible server, because ${error.message}`);
			return undefined;
		});
	let stopped;
	globalThis.stopServers = () => {
		stopped ??= Promise.all([starting.then((mongo) => mongo?.stop()), servers.stop()]);
		return stopped;
	};
	// On a signal, Jest runs no teardown, and the servers have their own process groups.
	for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
		process.once(signal, async () => {
			await globalThis.stopServers();
			await rm(folder, { recursive: true, force: true });
			process.exit(128 + constants.signals[signal]);
		});
	}
	await spareWork(folder, servers.variables.POSTGRES_URL).catch(async (error) => {
		// After a signal its connection breaks; the handler ends the process once all servers have stopped.
		await (stopped && new Promise(() => undefined));
		throw error;
	});
	const mongo = await starting;
	Object.assign(process.env, servers.variables, { TOKO_TEST_FOLDER: folder });
	if (mongo) {
		process.env.TOKO_TEST_MONGO_URL = mongo.url;
	}
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
	for (const setting of ["fsync", "autovacuum"]) {
		await superuser.query(`ALTER SYSTEM SET ${setting} = off`);
	}
	await superuser.query("SELECT pg_reload_conf()");
	await superuser.end();
}
