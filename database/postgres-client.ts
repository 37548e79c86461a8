import { isPlanOutdated } from "../errors/kinds.ts";
import "../config/environment.ts";

import { createHash } from "node:crypto";
import pg from "pg";
import { parse } from "pg-connection-string";
import { dropForeignVariables } from "../config/environment.ts";

/** How a connection is opened, beside what its URL says. */
export interface ConnectionOptions extends pg.ClientConfig {
	/** A whole URL, as in `POSTGRES_URL`. */
	connectionString: string;
	/** Parameters of the session, in place of those of the server, the database and the role. */
	session?: Record<string, string>;
}

/** `query` of a client, in all its forms. */
type Query = (...given: unknown[]) => Promise<unknown>;

const CONNECT_MS = 5000;
/** Over a connection that went silent, as where the server's machine died, no answer comes, and no error either. */
const ANSWER_MS = 30_000;
/** So long a server that is asked to close a connection may take to do so. */
const GOODBYE_MS = 1000;
/** Keeps what is between from forgetting a connection that is idle. */
const KEEP_ALIVE = { keepAlive: true, keepAliveInitialDelayMillis: 5000 };

/**
 * What Toko's SQL and the parsing of its results rely on, whatever `ALTER ROLE … SET` or the server's configuration say.
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
	// The outbox tells by a notice that there is something to relay.
	client_min_messages: "notice",
};

/**
 * How long a process that is frozen keeps what others wait for: after this PostgreSQL ends its session, and with it the
 * locks. No work comes near: between two statements of a transaction there is nothing but a round trip. Limits of time
 * that the operator has set stay, and servers that do not know one (`transaction_timeout` before 17) go without.
 */
const LIMITS: Record<string, string> = {
	idle_in_transaction_session_timeout: "5s",
	// A session that cannot hand over its result is not idle.
	transaction_timeout: "5min",
};

/**
 * For the `session` of a client that holds locks outside of transactions and says something every few seconds: once its
 * process is frozen, PostgreSQL ends it (from version 14 on).
 */
export const PULSED = { idle_session_timeout: "10s" };

/**
 * For the `session` of clients that look rows up by their keys, as a service does. PostgreSQL keeps the plan of a prepared
 * statement: one that it made while a table was new and empty would read the whole table from then on. A statement
 * without an index reads it still.
 */
export const BY_KEY = { enable_seqscan: "off", jit: "off" };

const SSL_MODES = ["disable", "prefer", "require", "verify-ca", "verify-full", "no-verify"];
const FORM = "postgres://user:password@host:5432/database";

/**
 * A connection to PostgreSQL: every one of Toko's is made here. Its URL is complete, so that no variable or file of the
 * shell counts (`PGSSLMODE`, `~/.pgpass`, `USER`), and its session is set up before its first query. `options` in the URL
 * win over that.
 */
export class PostgresClient extends pg.Client {
	#setUp: string;
	/** Part of the names of statements: those of before are not used any more. */
	#schemaChanges = 0;

	constructor({ session = {}, ...options }: ConnectionOptions) {
		dropForeignVariables();
		super(clientConfig(options));
		this.#setUp = setUp(options.connectionString, session);
		// A lost connection fails the query that is under way; the event alone would end the process.
		this.on("error", () => undefined);
		this.query = this.#named(super.query.bind(this) as Query) as typeof this.query;
	}

	/**
	 * Gives statements with values names, so that a session parses each once. After a change of the schema that one does
	 * not outlive it is parsed anew: see `isPlanOutdated`.
	 */
	#named(query: Query): Query {
		return (...given) => {
			const [text, values, callback] = given;
			if (typeof text !== "string" || !Array.isArray(values) || values.length === 0) {
				return this.#watched(query(...given));
			}
			const named = { name: `${statementName(text)}.${this.#schemaChanges}`, text, values };
			if (typeof callback === "function") {
				return query(named, (error: unknown, result: unknown) => {
					this.#note(error);
					callback(error, result);
				});
			}
			return this.#watched(query(named));
		};
	}

	#watched<T>(answer: T): T {
		if (answer instanceof Promise) {
			answer.catch((error: unknown) => this.#note(error));
		}
		return answer;
	}

	/** Of a connection that went silent nothing is to be waited for: whatever else was asked by it fails at once. */
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
		const timer = setTimeout(() => this.connection.stream.destroy(), GOODBYE_MS);
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

/** The same for the same text; at most 63 bytes long. */
function statementName(text: string): string {
	let name = statementNames.get(text);
	if (!name) {
		name = createHash("sha256").update(text).digest("base64url").slice(0, 22);
		statementNames.set(text, name);
	}
	return name;
}

/**
 * A pool of such connections, whose queries fail where no answer comes for half a minute; a `query_timeout` of 0 waits for
 * ever. Its own errors, of idle connections, are for its owner to hear.
 */
export function postgresPool(options: Omit<pg.PoolConfig, "Client"> & ConnectionOptions): pg.Pool {
	const pool = new pg.Pool({
		connectionTimeoutMillis: CONNECT_MS,
		query_timeout: ANSWER_MS,
		...options,
		Client: PostgresClient as unknown as typeof pg.Client,
	} as pg.PoolConfig);
	// graphile-worker warns of pools that nobody listens to here; each client hears its own errors.
	pool.on("connect", () => undefined);
	return pool;
}

/** What is wrong with a URL of PostgreSQL, to be read after the variable's name; undefined where it says all. */
export function postgresUrlProblem(url: string): string | undefined {
	let config: ReturnType<typeof parsed>;
	try {
		config = parsed(url);
	} catch (error) {
		const { path, code } = error as NodeJS.ErrnoException;
		return `names the file ${path}, which cannot be read (${code})`;
	}
	if (!config || !/^postgres(ql)?:\/\//i.test(url)) {
		return `is no URL of the form ${FORM}, with % and the like in passwords encoded`;
	}
	if (!config.user) {
		return `names no user: write ${FORM}`;
	}
	if (!config.host) {
		return `names no host: write ${FORM}, or ?host=/folder for a socket`;
	}
	const sslmode = (config as { sslmode?: string }).sslmode;
	return sslmode === undefined || SSL_MODES.includes(sslmode)
		? undefined
		: `has an unknown sslmode: there are ${SSL_MODES.join(", ")}`;
}

/** Where the server of a URL is: host:port, or the folder of its socket; never a user or password. */
export function postgresPlace(url: string): string {
	const { host, port } = parse(url);
	return host?.startsWith("/") ? host : `${host?.includes(":") ? `[${host}]` : host}:${port || 5432}`;
}

function parsed(url: string) {
	try {
		return parse(url);
	} catch (error) {
		// A file that the URL names; everything else may quote the URL.
		if ((error as NodeJS.ErrnoException).syscall) {
			throw error;
		}
		return undefined;
	}
}

/** Everything that pg would else look for in the environment is given. */
function clientConfig({ connectionString, ...options }: ConnectionOptions): pg.ClientConfig {
	const problem = postgresUrlProblem(connectionString);
	if (problem) {
		throw new Error(`POSTGRES_URL ${problem}`);
	}
	const { password, port, database, ssl, ...url } = parse(connectionString);
	return {
		connectionTimeoutMillis: CONNECT_MS,
		...KEEP_ALIVE,
		...options,
		...url,
		port: Number(port || 5432),
		database: database || url.user,
		ssl: tls(ssl),
		// A function, since pg looks for an empty one in ~/.pgpass.
		password: () => password ?? "",
	} as pg.ClientConfig;
}

/** Without rejectUnauthorized, NODE_TLS_REJECT_UNAUTHORIZED would decide. */
function tls(ssl: ReturnType<typeof parse>["ssl"]): pg.ClientConfig["ssl"] {
	if (!ssl || ssl === "false") {
		return false;
	}
	const given = ssl === "no-verify" ? { rejectUnauthorized: false } : typeof ssl === "object" ? ssl : {};
	return { rejectUnauthorized: true, ...given } as pg.ClientConfig["ssl"];
}

function setUp(url: string, own: Record<string, string>): string {
	const options = (parsed(url) as { options?: string } | undefined)?.options ?? "";
	const given = [...options.matchAll(/(?:-c\s*|--)([\w.-]+)\s*=/g)].map(([, name = ""]) =>
		name.toLowerCase().replaceAll("-", "_"),
	);
	const session = Object.entries({ ...SESSION, ...own }).filter(([name]) => !given.includes(name));
	const limits = Object.entries(LIMITS).filter(([name]) => !given.includes(name) && own[name] === undefined);
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
