import { hkdfSync } from "node:crypto";
import { resolve } from "node:path";
import { inheritedVariables } from "./environment.ts";
import { nodeEnvironment } from "./node-env.mjs";
import { sellerLines, timeZoneName, VARIABLES, type VariableName } from "./variables.ts";

/** Values of Toko's variables by name, without empty ones, which count as unset. */
export type Variables = Readonly<Partial<Record<VariableName, string>>>;

/** The settings of a process. Frozen. */
export type Settings = ReturnType<typeof readSettings>;

/** Variables that OpenTelemetry's packages read themselves; here they are only checked. */
const READ_BY_OPENTELEMETRY = [
	"OTEL_EXPORTER_OTLP_HEADERS",
	"OTEL_EXPORTER_OTLP_TRACES_HEADERS",
	"OTEL_EXPORTER_OTLP_TIMEOUT",
	"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
	"OTEL_EXPORTER_OTLP_COMPRESSION",
	"OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
	"OTEL_RESOURCE_ATTRIBUTES",
] as const;

/**
 * Reads the settings from environment variables, and checks each that can be checked on its own.
 *
 * @throws Error of one line that names the variable and the allowed values.
 */
export function readSettings(environment: NodeJS.ProcessEnv) {
	const variables = toVariables(environment);
	const optional = (name: VariableName) => {
		const value = variables[name];
		return value === undefined ? undefined : check(name, value);
	};
	const withDefault = (name: VariableName) => optional(name) ?? (VARIABLES[name].default as string);
	const required = (name: VariableName) => {
		const value = variables[name];
		if (value === undefined) {
			throw new Error(`${name} is not set: start the shop with \`npm start\`, or set ${name}`);
		}
		return value;
	};
	return Object.freeze({
		variables,
		/** Prefix of databases, streams and subjects, so that several shops can share servers. */
		namespace: withDefault("TOKO_NAMESPACE"),
		/** Getter, as all settings that `npm start` adds on a development machine: it throws while there is none. */
		get postgresUrl(): string {
			return required("POSTGRES_URL");
		},
		get natsUrl(): string {
			return required("NATS_URL");
		},
		/** Number of servers of a NATS cluster that store each event. Read when the stream is created. */
		eventReplicas: Number(withDefault("EVENT_REPLICAS")),
		/** Undefined if the products are stored in a NeDB file under `directory`. */
		mongoUrl: variables.MONGO_URL,
		/** Folder for everything that a shop on a development machine writes. */
		directory: folderOf(environment.TOKO_DIR),
		isProduction: nodeEnvironment(environment) === "production",
		/** Names of the services that this process hosts, as given. */
		services: variables.SERVICES ?? "",
		/** E-mail address of the first admin. */
		adminEmail: withDefault("ADMIN_EMAIL"),
		/** Undefined if a password is generated, or in production no admin created. */
		adminPassword: variables.ADMIN_PASSWORD,
		/** Currency of the shop, as a code of ISO 4217. */
		currency: withDefault("CURRENCY"),
		/** Decimals of the currency: 0 for rupiah, 2 for dollars. */
		currencyDecimals: Number(withDefault("CURRENCY_DECIMALS")),
		/** Tax on goods and shipping in percent, with at most two decimals: read its digits, not its value. */
		taxRate: withDefault("TAX_RATE"),
		pricesIncludeTax: withDefault("PRICES_INCLUDE_TAX") === "true",
		/** Beginning of the numbers of invoices. */
		invoicePrefix: withDefault("INVOICE_PREFIX").replace("none", ""),
		/** Name and address of the seller on invoices, in lines. */
		invoiceSeller: sellerLines(withDefault("INVOICE_SELLER")).join("\n"),
		/** Time that an unpaid order holds its units, in minutes; fractions are allowed. */
		orderTtlMinutes: decimal("ORDER_TTL_MINUTES", withDefault("ORDER_TTL_MINUTES")),
		/** Time from the end of an audit to the next; undefined if none is scheduled. */
		auditEvery_ms: duration(withDefault("AUDIT_EVERY")),
		/** Secret that keys are derived from: see `deriveKey`. */
		get secret(): string {
			return required("TOKO_SECRET");
		},
		/** Secret with which the payment provider signs its webhooks. */
		get paymentWebhookSecret(): string {
			return required("PAYMENT_WEBHOOK_SECRET");
		},
		/** Undefined if mails go to the mailbox under `directory`. */
		smtpUrl: optional("SMTP_URL"),
		/** Undefined if text messages go to the mailbox under `directory`. */
		smsUrl: optional("SMS_URL"),
		/**
		 * Secret with which requests to the text message provider are signed; by default a key derived from `TOKO_SECRET`.
		 */
		get smsSecret(): string {
			return variables.SMS_SECRET ?? derive(this.secret, "text messages").toString("base64url");
		},
		/** Address of the shop's web pages, for links in mails; if undefined, mails show a code instead. */
		shopUrl: optional("SHOP_URL")?.replace(/\/+$/, ""),
		mailFrom: withDefault("MAIL_FROM"),
		/**
		 * Time zone of times in messages: a name of the IANA database, or an offset from UTC; undefined means the machine's.
		 */
		timeZone: timeZoneName(optional("TZ") ?? "") || undefined,
		/** Port of the liveness and readiness endpoints; 0 takes any free port. */
		healthPort: Number(withDefault("HEALTH_PORT")),
		/** Port of the metrics; 0 takes any free port; undefined measures nothing. */
		metricsPort: withDefault("METRICS_PORT") === "off" ? undefined : Number(withDefault("METRICS_PORT")),
		/** Endpoint that traces are exported to; undefined traces nothing. */
		tracesUrl: tracesUrl(optional),
		/** Protocol of the export: `http/protobuf` or `http/json`. */
		tracesProtocol:
			optional("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") ?? withDefault("OTEL_EXPORTER_OTLP_PROTOCOL"),
		/** Which traces are sampled, by a name of OpenTelemetry, and the ratio for those samplers that have one. */
		tracesSampler: withDefault("OTEL_TRACES_SAMPLER"),
		tracesRatio: Number(withDefault("OTEL_TRACES_SAMPLER_ARG")),
		/** Maximum time in ms that a span waits to be exported, number of spans in a request, and number that may wait. */
		tracesDelay_ms: Number(withDefault("OTEL_BSP_SCHEDULE_DELAY")),
		tracesBatch: Number(withDefault("OTEL_BSP_MAX_EXPORT_BATCH_SIZE")),
		tracesQueue: Number(withDefault("OTEL_BSP_MAX_QUEUE_SIZE")),
		/** Time that a process has to finish its work after SIGTERM. */
		shutdownSeconds: decimal("SHUTDOWN_SECONDS", withDefault("SHUTDOWN_SECONDS")),
		/**
		 * Time that the gateway keeps an idle connection open; longer than the 60 s after which load balancers usually close
		 * it.
		 */
		keepAliveSeconds: decimal("KEEP_ALIVE_SECONDS", withDefault("KEEP_ALIVE_SECONDS")),
		host: withDefault("HOST"),
		port: Number(withDefault("PORT")),
		/** Limit of requests per second and client; 0 turns it off. */
		rateLimit: Number(withDefault("RATE_LIMIT")),
		/** Addresses and networks of the proxies whose `X-Forwarded-For` header is trusted. */
		trustProxy: list("TRUST_PROXY", variables.TRUST_PROXY),
		/** Origins of web pages that may use the API from a browser. */
		corsOrigins: list("CORS_ORIGINS", variables.CORS_ORIGINS),
		logLevel: withDefault("LOG_LEVEL"),
		logFormat: optional("LOG_FORMAT") ?? (nodeEnvironment(environment) === "production" ? "json" : "pretty"),
		/** Share of requests that are logged, besides those that failed or were slow. */
		logSample: Number(withDefault("LOG_SAMPLE")),
	});
}

/**
 * The settings of this process, read once, when this module is loaded. A start adds the addresses and secrets of the
 * servers that it found or started; apart from that they never change.
 */
export let settings: Settings = readSettings(process.env);

/**
 * Adds variables that a start has found out, which other parts of the process and its child processes use from then on.
 *
 * @throws Error if one of them is set to another value.
 */
export function completeSettings(found: Variables): void {
	const { variables } = settings;
	const other = names(found).find((name) => variables[name] !== undefined && variables[name] !== found[name]);
	if (other) {
		throw new Error(`${other} is set already, to another value`);
	}
	settings = readSettings({ ...variables, ...found });
}

/**
 * Replaces the settings of this process: for tests, which start nodes of several shops in one process, and for tools
 * that look into a shop of their own.
 *
 * @throws Error in production.
 */
export function replaceSettings(environment: NodeJS.ProcessEnv): void {
	if (nodeEnvironment(process.env) === "production") {
		throw new Error("the settings of a process in production never change");
	}
	settings = readSettings(environment);
}

/** Returns the environment of a child process of the same shop, with changes. */
export function childEnvironment(changes: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
	return { ...inheritedVariables(), ...settings.variables, ...changes };
}

/** Returns the URL of one of the shop's databases on the server of `POSTGRES_URL`. */
export function databaseUrl(database: string): string {
	// `new URL` refuses a URL without a host, as for a socket, where the host is in `?host=`.
	return settings.postgresUrl.replace(/^([^:]+:\/\/[^/?#]*)[^?#]*/, `$1/${settings.namespace}_${database}`);
}

/**
 * Derives a key for one purpose from the shop's secret (`TOKO_SECRET`) by HKDF-SHA256 (RFC 5869).
 *
 * @param purpose Purpose of the key; other purposes get unrelated keys.
 * @returns 32 bytes.
 */
export function deriveKey(purpose: string): Buffer {
	return derive(settings.secret, purpose);
}

function derive(secret: string, purpose: string): Buffer {
	return Buffer.from(hkdfSync("sha256", secret, "toko", purpose, 32));
}

/** Returns the address that traces are exported to, as OpenTelemetry specifies it; undefined if they are not. */
function tracesUrl(given: (name: VariableName) => string | undefined): string | undefined {
	for (const name of READ_BY_OPENTELEMETRY) {
		given(name);
	}
	const own = given("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
	const general = given("OTEL_EXPORTER_OTLP_ENDPOINT");
	const isOff =
		given("OTEL_SDK_DISABLED")?.toLowerCase() === "true" || given("OTEL_TRACES_EXPORTER") === "none";
	return isOff ? undefined : (own ?? (general && tracesPath(general)));
}

/** Appends the path of traces to the address of an endpoint, before a query that it may have. */
function tracesPath(endpoint: string): string {
	const url = new URL(endpoint);
	url.pathname = `${url.pathname.replace(/\/+$/, "")}/v1/traces`;
	return url.href;
}

function names(variables: object): VariableName[] {
	return Object.keys(variables) as VariableName[];
}

function toVariables(environment: NodeJS.ProcessEnv): Variables {
	const entries = names(VARIABLES).flatMap((name) => (environment[name] ? [[name, environment[name]]] : []));
	return Object.freeze(Object.fromEntries(entries));
}

function folderOf(directory = VARIABLES.TOKO_DIR.default as string): string {
	// With `TOKO_DIR=$SHOP npm start` and SHOP unset, the default would be another shop.
	if (directory.trim() === "") {
		throw new Error("TOKO_DIR is empty: name a folder, or unset TOKO_DIR for .toko");
	}
	return resolve(directory);
}

function list(name: VariableName, text = ""): readonly string[] {
	const entries = text.split(/[\s,]+/).filter((one) => one !== "");
	return Object.freeze(entries.map((entry) => check(name, entry)));
}

function decimal(name: VariableName, value: string): number {
	if (/^[1-9]\d{0,2}\.\d{3}$/.test(value)) {
		const readings = `${value.replace(".", "")} or ${Number(value)}`;
		throw new Error(`${name} is ${value}, which can mean ${readings}: write one of these`);
	}
	return Number(value);
}

/** Returns the milliseconds of a duration such as `6h`; undefined for `off`. */
function duration(given: string): number | undefined {
	const UNITS_MS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
	return given === "off" ? undefined : Number(given.slice(0, -1)) * (UNITS_MS[given.slice(-1)] as number);
}

/** @throws Error of one line that names the variable and the allowed values. */
function check(name: VariableName, value: string): string {
	const { allowed, accepts, isPrivate } = VARIABLES[name];
	if (accepts && !accepts(value)) {
		throw new Error(`${name} must be ${allowed}${isPrivate ? "" : `, not ${JSON.stringify(value)}`}`);
	}
	return value;
}
