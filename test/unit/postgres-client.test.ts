// biome-ignore-all lint/style/noProcessEnv: sets the variables that libraries read there.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "@jest/globals";
import { dropForeignVariables } from "../../config/environment.ts";
import { databaseUrl } from "../../config/settings.ts";
import {
	PostgresClient,
	postgresPlace,
	postgresPool,
	postgresUrlProblem,
} from "../../database/postgres-client.ts";
import { setVariables } from "../variables.ts";

const before = { ...process.env };

afterEach(() => {
	process.env = { ...before };
});

const URL_OF_ALL = "postgres://toko:p%40ss@db.internal:5433/postgres";

/** Returns the connection parameters that pg derives from a URL. */
function parametersOf(connectionString: string, options: object = {}) {
	const client = new PostgresClient({ connectionString, ...options });
	return (client as unknown as { connectionParameters: Record<string, unknown> }).connectionParameters;
}

describe("no variable of the shell that a library reads counts", () => {
	// Passed to pg explicitly, so that it never reads them.
	const harmless = ["USER", "USERNAME", "HOME", "APPDATA", "NODE_ENV"];
	const libraries = ["pg", "pg-pool", "pg-protocol", "pg-types", "pg-connection-string", "pgpass"];
	const found = [...libraries, "graphile-worker", "@graphile/logger", "sequelize", "debug"].flatMap(
		(library) => variablesIn(join("node_modules", library)),
	);

	test("the sources of the libraries name variables", () => {
		expect(found).toContain("PGSSLMODE");
		expect(found).toContain("GRAPHILE_WORKER_SCHEMA");
	});

	test.each([
		...new Set(found),
		// pg composes these names, and libpq reads the others.
		...["PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGOPTIONS", "PGBINARY", "PGREPLICATION"],
		...["PGCLIENT_ENCODING", "PGCLIENTENCODING", "PGAPPNAME", "PGSSLNEGOTIATION", "PGTZ", "PGDATESTYLE"],
		...["PGSERVICE", "PGSERVICEFILE", "PGSYSCONFDIR", "PGSSLROOTCERT", "PGHOSTADDR", "PGDATA"],
	])("%s", (name) => {
		process.env[name] = "1";
		dropForeignVariables();
		expect(process.env[name]).toBe(harmless.includes(name) ? "1" : undefined);
	});

	test("not one that is set after the start, when a connection is opened", () => {
		Object.assign(process.env, {
			...{ PGSSLMODE: "require", PGOPTIONS: "-c search_path=app", PGAPPNAME: "shell", PGPASSWORD: "wrong" },
			...{ PGHOST: "elsewhere", PGPORT: "1", PGUSER: "nobody", PGDATABASE: "other", PGBINARY: "1" },
			...{ PGSSLNEGOTIATION: "direct", PGREPLICATION: "database", PGCONNECT_TIMEOUT: "1" },
		});
		expect(parametersOf("postgres://toko@db.internal/postgres")).toMatchObject({
			...{ host: "db.internal", port: 5432, user: "toko", database: "postgres", ssl: false },
			...{ options: undefined, application_name: undefined, sslnegotiation: undefined },
			...{ replication: undefined, binary: false, connect_timeout: 5 },
		});
	});

	test("not ~/.pgpass: an absent password is an empty one", async () => {
		const { password } = parametersOf("postgres://toko@db.internal/postgres");
		expect((password as () => string)()).toBe("");
	});
});

describe("the URL says all", () => {
	test("its own options keep counting, also against Toko's", () => {
		const options =
			"sslmode=no-verify&application_name=mine&options=-c%20work_mem%3D8MB&statement_timeout=900";
		expect(parametersOf(`${URL_OF_ALL}?${options}`, { application_name: "toko users" })).toMatchObject({
			...{ host: "db.internal", port: 5433, user: "toko", database: "postgres", application_name: "mine" },
			...{ options: "-c work_mem=8MB", statement_timeout: "900", ssl: { rejectUnauthorized: false } },
		});
	});

	test.each([
		["", false],
		["?sslmode=disable", false],
		["?ssl=false", false],
		["?ssl=0", false],
		["?ssl=true", { rejectUnauthorized: true }],
		["?ssl=1", { rejectUnauthorized: true }],
		["?ssl=no-verify", { rejectUnauthorized: false }],
		["?sslmode=verify-full", { rejectUnauthorized: true }],
		["?sslmode=require&uselibpqcompat=true", { rejectUnauthorized: false }],
	])("%s is TLS: %j", (query, ssl) => {
		expect(parametersOf(`${URL_OF_ALL}${query}`).ssl).toEqual(ssl);
	});

	test.each([
		["postgres://toko:x@/postgres?host=/run/postgresql", "/run/postgresql"],
		["postgres://toko@%2Frun%2Fpostgresql/postgres", "/run/postgresql"],
		["postgres://toko:x@localhost/postgres?host=/run/postgresql", "/run/postgresql"],
		["postgres://toko:x@[::1]:5433/postgres", "[::1]:5433"],
		["postgresql://toko:a,b@db.internal", "db.internal:5432"],
	])("%s is at %s, also for the shop's databases", (url, place) => {
		expect(postgresUrlProblem(url)).toBeUndefined();
		expect(postgresPlace(url)).toBe(place);
		setVariables({ POSTGRES_URL: url, TOKO_NAMESPACE: "toko" });
		const own = databaseUrl("users");
		expect(postgresPlace(own)).toBe(place);
		expect(parametersOf(own).database).toBe("toko_users");
	});

	test.each([
		["", 5000],
		["?connect_timeout=30", 30_000],
		["?connect_timeout=0", 0],
	])("%s limits the time for a connection, of a pool too, to %d ms", (query, limit) => {
		const connectionString = `postgres://toko:x@db.internal/postgres${query}`;
		expect(postgresUrlProblem(connectionString)).toBeUndefined();
		const client = new PostgresClient({ connectionString });
		expect((client as unknown as { _connectionTimeoutMillis: number })._connectionTimeoutMillis).toBe(limit);
		expect(postgresPool({ connectionString }).options.connectionTimeoutMillis).toBe(limit);
	});

	test("without a database it is the one of the user's name, as for psql", () => {
		expect(parametersOf("postgres://toko:x@db.internal").database).toBe("toko");
	});

	test.each([
		["postgres://db.internal/postgres", /has no user/],
		["postgres://:geheim@db.internal/postgres", /has no user/],
		["postgres:///postgres", /has no user/],
		["postgres://toko:geheim@/postgres", /has no host/],
		["mysql://toko:geheim@db.internal/x", /is not a URL of the form postgres:/],
		["toko:geheim@db.internal", /is not a URL/],
		["postgres://toko:geheim#x@db.internal/postgres", /is not a URL .* encoded/],
		[
			"postgres://toko:geheim@db.internal/x?sslrootcert=/gone.pem",
			/names the file \/gone.pem, which cannot be read/,
		],
		["postgres://toko:geheim@db.internal/postgres?sslmode=on", /unknown sslmode/],
		["postgres://toko:geheim@db.internal/postgres?connect_timeout=", /connect_timeout that is no number/],
		["postgres://toko:geheim@db.internal/postgres?connect_timeout=-1", /use a whole number, or 0/],
	])("%s is refused without a guess", (url, expected) => {
		expect(postgresUrlProblem(url)).toMatch(expected);
		expect(postgresUrlProblem(url)).not.toContain("geheim");
		expect(() => new PostgresClient({ connectionString: url })).toThrow(expected);
	});
});

/** Returns the names of variables that the sources of a package read. */
function variablesIn(folder: string): string[] {
	return readdirSync(folder, { recursive: true, withFileTypes: true })
		.filter(
			({ name, parentPath }) =>
				/\.(c|m)?js$/.test(name) && !/\/(node_modules|tests?|esm)\b/.test(parentPath.slice(folder.length)),
		)
		.flatMap(({ name, parentPath }) => {
			const source = readFileSync(join(parentPath, name), "utf8");
			return [...source.matchAll(/\benv(?:\.|\[["'])([A-Z][A-Z_]{2,})/g)].map(
				([, variable = ""]) => variable,
			);
		});
}
