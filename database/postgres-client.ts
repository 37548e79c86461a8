import { isPlanOutdated } from "../errors/kinds.ts";
import "../config/environment.ts";

import { createHash } from "node:crypto";
import pg from "pg";
import { parse } from "pg-connection-string";
import { dropForeignVariables } from "../config/environment.ts";
import { connections, waitingForConnection } from "../observability/metrics.ts";
import { measureQuery, type StartedOperation } from "../observability/operations.ts";
import { inOwnTrace } from "../observability/tracing.ts";

/** Options of a connection, in addition to those in its URL. */
export interface ConnectionOptions extends pg.ClientConfig {
	/** A complete URL, as in `POSTGRES_URL`. */
	connectionString: string;
	/** Parameters of the session, which override those of the server, the database and the role. */
	session?: Record<string, string>;
}

/** The `query` method of a client, with all its overloads. */
type Query = (...args: unknown[]) => Promise<unknown>;

/** Time limit in seconds for a new connection, or for a free one of a pool, unless the URL has a `connect_timeout`. */
const CONNECT_SECONDS = 5;
/** Time limit for a query: a connection whose server's machine has died returns neither a result nor an error. */
const QUERY_MS = 30_000;
/** Time limit for closing a connection. */
const CLOSE_MS = 1000;
/** Keepalive probes that stop firewalls from dropping idle connections. */
const KEEP_ALIVE = { keepAlive: true, keepAliveInitialDelayMillis: 5000 };

/**
 * Session parameters that Toko's SQL and the parsing of its results rely on. They override `ALTER ROLE … SET` and the
 * server's configuration.
 */
const SESSION: Record<string, string> = {
	search_path: '"$user", public',
	timezone: "UTC",
	datestyle: "ISO, MDY",
	intervalstyle: "postgres",
	bytea_output: "hex",
	extra_float_digits: "1",
	standard_conforming_strings: "on",
	array_nulls: "on",
	transform_null_equals: "off",
	row_security: "on",
	default_transaction_isolation: "read committed",
	default_transaction_deferrable: "off",
	// The outbox signals by a notice that there are events to relay.
	client_min_messages: "notice",
};

/**
 * Time limits after which PostgreSQL ends the session of a frozen process, and so releases its locks. Transactions take
 * far less: between their statements there are only round trips. Limits set by the operator stay, and servers that lack
 * a parameter (`transaction_timeout` before version 17) do without it.
 */
const LIMITS: Record<string, string> = {
	idle_in_transaction_session_timeout: "5s",
	// A session that cannot deliver its result does not count as idle.
	transaction_timeout: "5min",
};

/**
 * Session parameters for a client that holds locks outside of transactions and runs a query every few seconds:
 * PostgreSQL ends the session once its process is frozen (version 14 and later).
 */
export const HEARTBEAT_SESSION = { idle_session_timeout: "10s" };

/**
 * Session parameters for clients that look up rows by key, as services do. PostgreSQL caches the plan of a prepared
 * statement: one made while a table was new and empty would scan the table from then on. Statements without an index
 * still scan it.
 */
export const BY_KEY = { enable_seqscan: "off", jit: "off" };

const SSL_MODES = ["disable", "prefer", "require", "verify-ca", "verify-full", "no-verify"];
const FORM = "postgres://user:password@host:5432/database";

/**
 * Connection to PostgreSQL. All of Toko's connections are made here. The URL is complete, so that no variable or file
 * of the shell applies (`PGSSLMODE`, `~/.pgpass`, `USER`), and the session is set up before its first query. `options`
 * in the URL take precedence.
 */
export class PostgresClient extends pg.Client {
	#setUp: string;
	/** Number of schema changes seen. Statement names contain it, so that none prepared before a change is used again. */
	#schemaChanges = 0;

	constructor({ session = {}, ...options }: ConnectionOptions) {
		dropForeignVariables();
		super(clientConfig(options));
		this.#setUp = setUp(options.connectionString, session);
		// A lost connection fails the query in flight; the event alone, unhandled, would end the process.
		this.on("error", () => undefined);
		this.query = this.#named(super.query.bind(this) as Query) as typeof this.query;
	}

	/**
	 * Names statements that have values, so that a session parses each once. A statement that a schema change has
	 * invalidated is parsed again: see `isPlanOutdated`.
	 */
	#named(query: Query): Query {
		return (...args) => {
			const [text, values] = args;
			const callback = args.findLast((one) => typeof one === "function");
			const measured = measureQuery(this.database ?? "", text);
			const isNamed = typeof text === "string" && Array.isArray(values) && values.length > 0;
			const given = isNamed
				? [{ name: `${statementName(text)}.${this.#schemaChanges}`, text, values }]
				: args.filter((one) => one !== callback);
			if (typeof callback === "function") {
				return query(...given, (error: unknown, result: unknown) => {
					this.#note(error);
					measured.end(error);
					callback(error, result);
				});
			}
			return this.#watched(query(...given), measured);
		};
	}

	#watched<T>(result: T, measured: StartedOperation): T {
		if (result instanceof Promise) {
			result.then(
				() => measured.end(),
				(error: unknown) => {
					this.#note(error);
					measured.end(error);
				},
			);
		}
		return result;
	}

	/** Ends a connection that went silent, so that its other queries in flight fail at once. */
	#note(error: unknown): void {
		this.#schemaChanges += isPlanOutdated(error) ? 1 : 0;
		if ((error as Error | null)?.message === "Query read timeout") {
			void this.end();
		}
	}

	override connect(): Promise<this>;
	override connect(callback: (error: Error) => void): void;
	override connect(callback?: (error: Error) => void): Promise<this> | undefined {
		const connected = this.#connect();
		if (!callback) {
			return connected;
		}
		connected.then(
			() => (callback as (error?: Error) => void)(),
			(error: Error) => callback(error),
		);
	}

	override end(): Promise<void>;
	override end(callback: (error: Error) => void): void;
	override end(callback?: (error: Error) => void): Promise<void> | undefined {
		const timer = setTimeout(() => this.connection.stream.destroy(), CLOSE_MS);
		this.once("end", () => clearTimeout(timer));
		timer.unref();
		return callback ? void super.end(callback) : super.end();
	}

	async #connect(): Promise<this> {
		await super.connect();
		try {
			await super.query(this.#setUp);
		} catch (error) {
			super.end().catch(() => undefined);
			throw error;
		}
		return this;
	}
}

const statementNames = new Map<string, string>();

/** Returns the name of a statement: the same text has the same name, shorter than PostgreSQL's limit of 63 bytes. */
function statementName(text: string): string {
	let name = statementNames.get(text);
	if (!name) {
		name = createHash("sha256").update(text).digest("base64url").slice(0, 22);
		statementNames.set(text, name);
	}
	return name;
}

/**
 * Creates a pool of such connections. Queries fail after half a minute without a response; a `query_timeout` of 0 turns
 * that off. The owner of the pool handles its errors, which are those of idle connections.
 */
export function postgresPool(options: Omit<pg.PoolConfig, "Client"> & ConnectionOptions): pg.Pool {
	const pool = new pg.Pool({
		connectionTimeoutMillis: connectMs(options.connectionString),
		query_timeout: QUERY_MS,
		...options,
		Client: PostgresClient as unknown as typeof pg.Client,
	} as pg.PoolConfig);
	// graphile-worker warns about pools without a listener for this event; each client handles its own errors.
	pool.on("connect", () => undefined);
	measurePool(pool);
	// A client that becomes free calls back in the trace of the request that had it.
	const connect = pool.connect.bind(pool) as (callback?: unknown) => Promise<pg.PoolClient>;
	pool.connect = ((callback?: () => void) =>
		callback ? connect(inOwnTrace(callback)) : connect()) as typeof pool.connect;
	return pool;
}

/** Reports the connections of a pool until it has ended. */
function measurePool(pool: pg.Pool): void {
	const name = pool.options.application_name ?? "other";
	const forget = [
		connections.add(() => [
			[{ db_client_connection_pool_name: name, db_client_connection_state: "idle" }, pool.idleCount],
			[
				{ db_client_connection_pool_name: name, db_client_connection_state: "used" },
				pool.totalCount - pool.idleCount,
			],
		]),
		waitingForConnection.add(() => [[{ db_client_connection_pool_name: name }, pool.waitingCount]]),
	];
	const end = pool.end.bind(pool) as () => Promise<void>;
	pool.end = (() => {
		for (const one of forget) {
			one();
		}
		return end();
	}) as typeof pool.end;
}

/**
 * Describes the problem of a PostgreSQL URL, worded to follow the variable's name; undefined if the URL is complete.
 */
export function postgresUrlProblem(url: string): string | undefined {
	let config: ReturnType<typeof parsed>;
	try {
		config = parsed(url);
	} catch (error) {
		const { path, code } = error as NodeJS.ErrnoException;
		return `names the file ${path}, which cannot be read (${code})`;
	}
	if (!config || !/^postgres(ql)?:\/\//i.test(url)) {
		return `is not a URL of the form ${FORM}, with special characters in the password encoded as %XX`;
	}
	if (!config.user) {
		return `has no user: write ${FORM}`;
	}
	if (!config.host) {
		return `has no host: write ${FORM}, or ?host=/folder for a socket`;
	}
	const { sslmode, connect_timeout } = config as { sslmode?: string; connect_timeout?: string };
	if (sslmode !== undefined && !SSL_MODES.includes(sslmode)) {
		return `has an unknown sslmode: use one of ${SSL_MODES.join(", ")}`;
	}
	return /^\d{1,6}$/.test(connect_timeout ?? "0")
		? undefined
		: "has a connect_timeout that is no number of seconds: use a whole number, or 0 for no limit";
}

/** Returns the time limit for a connection: the `connect_timeout` of its URL, or the usual one; 0 for none, as in libpq. */
function connectMs(url: string): number {
	const { connect_timeout } = (parsed(url) ?? {}) as { connect_timeout?: string };
	return 1000 * Number(connect_timeout ?? CONNECT_SECONDS);
}

/** Returns the server of a URL as host:port, or the folder of its socket, without user and password. */
export function postgresPlace(url: string): string {
	const { host, port } = parse(url);
	return host?.startsWith("/") ? host : `${host?.includes(":") ? `[${host}]` : host}:${port || 5432}`;
}

function parsed(url: string) {
	try {
		return parse(url);
	} catch (error) {
		// An error about a file that the URL names. Other errors may quote the URL, and so its password.
		if ((error as NodeJS.ErrnoException).syscall) {
			throw error;
		}
		return undefined;
	}
}

/** Returns a complete configuration, so that pg looks up nothing in the environment. */
function clientConfig({ connectionString, ...options }: ConnectionOptions): pg.ClientConfig {
	const problem = postgresUrlProblem(connectionString);
	if (problem) {
		throw new Error(`POSTGRES_URL ${problem}`);
	}
	const { password, port, database, ssl, ...url } = parse(connectionString);
	return {
		connectionTimeoutMillis: connectMs(connectionString),
		...KEEP_ALIVE,
		...options,
		...url,
		port: Number(port || 5432),
		database: database || url.user,
		ssl: tls(ssl),
		// A function, since pg looks up an empty password in ~/.pgpass.
		password: () => password ?? "",
	} as pg.ClientConfig;
}

/** Returns the TLS options. Without `rejectUnauthorized`, NODE_TLS_REJECT_UNAUTHORIZED would apply. */
function tls(ssl: ReturnType<typeof parse>["ssl"]): pg.ClientConfig["ssl"] {
	if (!ssl || ssl === "false") {
		return false;
	}
	const args = ssl === "no-verify" ? { rejectUnauthorized: false } : typeof ssl === "object" ? ssl : {};
	return { rejectUnauthorized: true, ...args } as pg.ClientConfig["ssl"];
}

function setUp(url: string, own: Record<string, string>): string {
	const options = (parsed(url) as { options?: string } | undefined)?.options ?? "";
	const args = [...options.matchAll(/(?:-c\s*|--)([\w.-]+)\s*=/g)].map(([, name = ""]) =>
		name.toLowerCase().replaceAll("-", "_"),
	);
	const session = Object.entries({ ...SESSION, ...own }).filter(([name]) => !args.includes(name));
	const limits = Object.entries(LIMITS).filter(([name]) => !args.includes(name) && own[name] === undefined);
	const values = [
		...[["client_encoding", "UTF8"], ...session].map((pair) => [...pair, "false"]),
		...limits.map((pair) => [...pair, "true"]),
	].map(
		([name, value, isLimit]) =>
			`(${pg.escapeLiteral(name as string)}, ${pg.escapeLiteral(value as string)}, ${isLimit})`,
	);
	return `SELECT count(pg_catalog.set_config(name, value, false))
		FROM (VALUES ${values.join(", ")}) AS wanted (name, value, is_limit),
			LATERAL pg_catalog.current_setting(name, true) AS present
		WHERE present <> value AND (NOT is_limit OR present = '0')`;
}
