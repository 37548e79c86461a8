import { lookup } from "node:dns/promises";
import { BlockList, isIP } from "node:net";
import { connect } from "nats";
import "../nats/sockets.ts";
import { settings } from "../config/settings.ts";
import { PostgresClient, postgresPlace, postgresUrlProblem } from "../database/postgres-client.ts";
import { pingMongo } from "./mongo-ping.ts";
import { codeOf, reason, StartError } from "./start-error.ts";

/** Environment variables that hold the URL of an external server. */
export type UrlVariable = "POSTGRES_URL" | "NATS_URL" | "MONGO_URL";

const PATIENCE_MS = 5_000;

const CHECKS: Record<
	UrlVariable,
	{ schemes: string[]; port: string; own: string; logIn: (url: string) => Promise<void> }
> = {
	POSTGRES_URL: {
		schemes: ["postgres:", "postgresql:"],
		port: "5432",
		own: "the embedded one",
		logIn: async (url) => {
			const client = new PostgresClient({ connectionString: url, connectionTimeoutMillis: PATIENCE_MS });
			client.on("error", () => {});
			try {
				await client.connect();
				await client.query("SELECT 1");
			} finally {
				await client.end().catch(() => {});
			}
		},
	},
	NATS_URL: {
		schemes: ["nats:", "tls:"],
		port: "4222",
		own: "one of its own",
		logIn: async (url) => {
			const servers = url.split(",").map((one) => new URL(one));
			const first = servers[0] as URL;
			const connection = await connect({
				servers: servers.map((one) => one.host),
				user: decodeURIComponent(first.username) || undefined,
				pass: decodeURIComponent(first.password) || undefined,
				tls: first.protocol === "tls:" ? {} : undefined,
				timeout: PATIENCE_MS,
				reconnect: false,
			});
			try {
				await (await connection.jetstreamManager({ timeout: PATIENCE_MS })).getAccountInfo();
			} catch (error) {
				throw new StartError(`has no JetStream (${reason(error)}): start it with \`nats-server -js\``);
			} finally {
				await connection.close();
			}
		},
	},
	MONGO_URL: {
		schemes: ["mongodb:", "mongodb+srv:"],
		port: "27017",
		own: "the NeDB file",
		logIn: async (url) => {
			const info = await pingMongo(url, PATIENCE_MS, { buildInfo: 1 });
			if (String(info.ferretdbVersion ?? "").startsWith("v1.")) {
				throw new StartError("is FerretDB 1, which loses updates and would oversell: use MongoDB");
			}
		},
	},
};

/**
 * Checks that the server in the variable responds within 5 s, and returns its host:port.
 *
 * @param isOptional Whether the shop can do without the variable.
 * @throws StartError
 */
export async function checkConnection(
	variable: UrlVariable,
	text: string,
	isOptional = !settings.isProduction,
): Promise<string> {
	const { schemes, port, own, logIn } = CHECKS[variable];
	const problem = variable === "POSTGRES_URL" ? postgresUrlProblem(text) : undefined;
	if (problem) {
		throw new StartError(`${variable} ${problem}`);
	}
	const where =
		variable === "POSTGRES_URL"
			? postgresPlace(text)
			: text
					.split(",")
					.map((one) => hostOf(one, port))
					.join(",");
	const scheme = /^[a-z+]+:/i.exec(text)?.[0].toLowerCase() ?? "";
	if (!schemes.includes(scheme) || where.includes("?")) {
		throw new StartError(`${variable}: not a URL of the form ${schemes[0]}//user:password@host:${port}/…`);
	}
	const unset = isOptional ? ` or unset ${variable} to use ${own}` : "";
	try {
		await within(PATIENCE_MS + 1_000, logIn(text));
		return where;
	} catch (error) {
		if (error instanceof StartError && error.message !== "no answer") {
			throw new StartError(`${variable}: ${where} ${error.message}${unset.replace(" or", ", or")}`);
		}
		const { cause, cure } = explain(error, text);
		throw new StartError(
			`${variable}: cannot ${cause.startsWith("it ") ? "use" : "reach"} ${where} (${cause}): ${cure}${unset}`,
		);
	}
}

const PRIVATE_NETWORKS = new BlockList();
for (const [network, bits, family] of [
	["127.0.0.0", 8, "ipv4"],
	["10.0.0.0", 8, "ipv4"],
	["172.16.0.0", 12, "ipv4"],
	["192.168.0.0", 16, "ipv4"],
	["169.254.0.0", 16, "ipv4"],
	// Shared address space of carriers, which some clusters use too (RFC 6598).
	["100.64.0.0", 10, "ipv4"],
	["::1", 128, "ipv6"],
	["fc00::", 7, "ipv6"],
	["fe80::", 10, "ipv6"],
] as const) {
	PRIVATE_NETWORKS.addSubnet(network, bits, family);
}

/** Warns, in one line, if credentials and access tokens would cross a public network unencrypted. */
export async function warnOfPlainNats(text: string, print: (line: string) => void): Promise<void> {
	const urls = text.split(",").map((one) => new URL(one));
	// The scheme of the first URL applies to all: see natsConnection() in moleculer.config.ts.
	if (urls[0]?.protocol === "tls:") {
		return;
	}
	for (const { host, hostname } of urls) {
		const name = hostname.replace(/^\[|\]$/g, "");
		const addresses = isIP(name) ? [name] : await lookup(name, { all: true }).then(addressesOf, () => []);
		if (addresses.every(isPrivate)) {
			continue;
		}
		print(`warning: NATS_URL sends credentials to ${host} without TLS: use tls:// there`);
		return;
	}
}

function addressesOf(found: { address: string }[]): string[] {
	return found.map(({ address }) => address);
}

function isPrivate(address: string): boolean {
	return PRIVATE_NETWORKS.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

function explain(error: unknown, url: string): { cause: string; cure: string } {
	const code = codeOf(error);
	const text = withoutSecrets(reason(error), url);
	const said = `${code} ${text}`;
	const start = "start that server";
	if (/ECONNREFUSED|CONNECTION_REFUSED/.test(said)) {
		return { cause: "connection refused", cure: start };
	}
	if (/ENOTFOUND|EAI_AGAIN/.test(said)) {
		return { cause: "host unknown", cure: "correct the host" };
	}
	if (/EHOSTUNREACH|ENETUNREACH/.test(said)) {
		return { cause: "no route to that host", cure: "check the network" };
	}
	if (
		/^28|Authorization Violation|Authentication failed|AUTHORIZATION_VIOLATION|AuthenticationFailed|^18 /i.test(
			said,
		)
	) {
		return { cause: "it refuses the user or password", cure: "correct them in the URL" };
	}
	if (/client password must be/.test(said)) {
		return { cause: "it asks for a password", cure: "put the password into the URL" };
	}
	if (code === "3D000") {
		return { cause: `it says: ${text}`, cure: "create it or name another in the URL" };
	}
	if (code === "53300") {
		return { cause: "it has no connection left", cure: "raise its max_connections" };
	}
	if (/SERVER_OPT_NA/.test(said)) {
		return { cause: "it offers no TLS", cure: "turn TLS on there, or use nats:// in a private network" };
	}
	if (/SELF_SIGNED_CERT|UNABLE_TO_(VERIFY|GET_ISSUER)/.test(said)) {
		return {
			cause: "it has a certificate of an unknown authority",
			cure: "name the file with that authority's certificate in NODE_EXTRA_CA_CERTS",
		};
	}
	if (/certificate|self.signed|SSL|TLS|CERT_/i.test(said)) {
		return {
			cause: `it fails at TLS: ${text}`,
			cure: "correct the server's certificate or the URL's TLS options",
		};
	}
	if (/terminated unexpectedly|ECONNRESET|socket hang up/.test(said)) {
		return { cause: "it closes the connection", cure: "check that it is the right kind of server" };
	}
	if (/ETIMEDOUT|timeout|timed out|no answer|TIMEOUT/i.test(said)) {
		return { cause: "no answer in 5 s", cure: start };
	}
	return { cause: text, cure: "correct the URL or the server" };
}

/** Returns host:port of one URL, or "?" if it is not a URL. Never contains a user or password. */
function hostOf(text: string, port: string): string {
	// A list of hosts in one mongodb:// URL has been split at its commas, so all but the first have no scheme.
	const bare = text
		.replace(/^[a-z+]+:\/\//i, "")
		.replace(/^.*@/, "")
		.replace(/[/?].*$/, "");
	if (!/^(\[[0-9a-f:.%]+\]|[\w.-]+)(:\d{1,5})?$/i.test(bare)) {
		return "?";
	}
	return /:\d+$/.test(bare) ? bare : `${bare}:${port}`;
}

/** Removes credentials, because errors of drivers may quote the URL. */
function withoutSecrets(text: string, url: string): string {
	const password = /\/\/[^/]*?:([^/]*)@/.exec(url)?.[1];
	const clean = text.replace(/\/\/[^\s@/]*@/g, "//…@");
	return password ? clean.replaceAll(password, "…") : clean;
}

async function within<T>(limit_ms: number, promise: Promise<T>): Promise<T> {
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<never>((_, reject) => {
		timer = setTimeout(() => reject(new StartError("no answer")), limit_ms);
	});
	return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
