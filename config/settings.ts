import { hkdfSync } from "node:crypto";
import { resolve } from "node:path";
import { ambiguousReadings } from "../contracts/numbers.ts";
import { nodeEnvironment } from "./node-env.mjs";
import { timeZoneName, VARIABLES, type VariableName } from "./variables.ts";

/**
 * Settings from the environment, read at each access: on a development machine, `npm start` fills in the addresses of
 * the backing services that it has started before it creates any service.
 */
export const settings = {
	/** Prefix of databases, streams and subjects, so that several shops can share servers. */
	get namespace(): string {
		return chosen("TOKO_NAMESPACE");
	},
	get postgresUrl(): string {
		return required("POSTGRES_URL");
	},
	get natsUrl(): string {
		return required("NATS_URL");
	},
	/** Number of servers of a NATS cluster that store each event. Read when the stream is created. */
	get eventReplicas(): number {
		return Number(chosen("EVENT_REPLICAS"));
	},
	/** Undefined if the products are stored in a NeDB file under `directory`. */
	get mongoUrl(): string | undefined {
		return process.env.MONGO_URL || undefined;
	},
	/** Folder for everything that a shop on a development machine writes. */
	get directory(): string {
		const given = process.env.TOKO_DIR;
		// With `TOKO_DIR=$SHOP npm start` and SHOP unset, the default would be another shop.
		if (given?.trim() === "") {
			throw new Error("TOKO_DIR is empty: name a folder, or leave TOKO_DIR away for .toko");
		}
		return resolve(chosen("TOKO_DIR"));
	},
	get isProduction(): boolean {
		return nodeEnvironment() === "production";
	},
	/** E-mail address of the first admin. */
	get adminEmail(): string {
		return chosen("ADMIN_EMAIL");
	},
	/** Currency of the shop, as a code of ISO 4217. */
	get currency(): string {
		return chosen("CURRENCY");
	},
	/** Decimals of the currency: 0 for rupiah, 2 for dollars. */
	get currencyDecimals(): number {
		return Number(chosen("CURRENCY_DECIMALS"));
	},
	/** Time that an unpaid order holds its units, in minutes; fractions are allowed. */
	get orderTtlMinutes(): number {
		return decimal("ORDER_TTL_MINUTES");
	},
	/** Secret with which the payment provider signs its webhooks. */
	get paymentWebhookSecret(): string {
		return required("PAYMENT_WEBHOOK_SECRET");
	},
	/** Undefined if mails go to the mailbox under `directory`. */
	get smtpUrl(): string | undefined {
		return given("SMTP_URL");
	},
	/** Undefined if text messages go to the mailbox under `directory`. */
	get smsUrl(): string | undefined {
		return given("SMS_URL");
	},
	/**
	 * Secret with which requests to the text message provider are signed; by default a key derived from `TOKO_SECRET`.
	 */
	get smsSecret(): string {
		return process.env.SMS_SECRET || deriveKey("text messages").toString("base64url");
	},
	/** Address of the shop's web pages, for links in mails; if undefined, mails show a code instead. */
	get shopUrl(): string | undefined {
		return given("SHOP_URL")?.replace(/\/+$/, "");
	},
	get mailFrom(): string {
		return chosen("MAIL_FROM");
	},
	/**
	 * Time zone of times in messages: a name of the IANA database, or an offset from UTC; undefined means the machine's.
	 */
	get timeZone(): string | undefined {
		return timeZoneName(given("TZ") ?? "") || undefined;
	},
	/** Port of the liveness and readiness endpoints; 0 takes any free port. */
	get healthPort(): number {
		return Number(chosen("HEALTH_PORT"));
	},
	/** Time that a process has to finish its work after SIGTERM. */
	get shutdownSeconds(): number {
		return decimal("SHUTDOWN_SECONDS");
	},
	/**
	 * Time that the gateway keeps an idle connection open; longer than the 60 s after which load balancers usually close
	 * it.
	 */
	get keepAliveSeconds(): number {
		return decimal("KEEP_ALIVE_SECONDS");
	},
	get host(): string {
		return chosen("HOST");
	},
	get port(): number {
		return Number(chosen("PORT"));
	},
	/** Limit of requests per second and client; 0 turns it off. */
	get rateLimit(): number {
		return Number(chosen("RATE_LIMIT"));
	},
	/** Addresses and networks of the proxies whose `X-Forwarded-For` header is trusted. */
	get trustProxy(): string[] {
		return list("TRUST_PROXY");
	},
	/** Origins of web pages that may use the API from a browser. */
	get corsOrigins(): string[] {
		return list("CORS_ORIGINS");
	},
	get logLevel(): string {
		return chosen("LOG_LEVEL");
	},
};

/** Settings that `npm start` fills in on a development machine, or derives from those. */
const GIVEN_LATER: (keyof typeof settings)[] = [
	"postgresUrl",
	"natsUrl",
	"paymentWebhookSecret",
	"smsSecret",
];

/**
 * Reads every setting that can be checked on its own, so that a process with a wrong one fails before it starts its
 * work.
 */
export function checkSettings(): void {
	for (const name of Object.keys(settings) as (keyof typeof settings)[]) {
		if (!GIVEN_LATER.includes(name)) {
			void settings[name];
		}
	}
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
	return Buffer.from(hkdfSync("sha256", required("TOKO_SECRET"), "toko", purpose, 32));
}

function required(name: VariableName): string {
	const value = process.env[name];
	if (!value) {
		throw new Error(`${name} is not set: start the shop with \`npm start\`, or set ${name}`);
	}
	return value;
}

/** Returns the checked value of a variable; undefined if it is unset or empty. */
function given(name: VariableName): string | undefined {
	const value = process.env[name];
	return value ? check(name, value) : undefined;
}

/** Returns the checked value of a variable, or its default. */
function chosen(name: VariableName): string {
	return given(name) ?? (VARIABLES[name].default as string);
}

function list(name: VariableName): string[] {
	const entries = (process.env[name] ?? "").split(/[\s,]+/).filter((one) => one !== "");
	return entries.map((entry) => check(name, entry));
}

function decimal(name: VariableName): number {
	const value = process.env[name] ?? "";
	if (/^[1-9]\d{0,2}\.\d{3}$/.test(value)) {
		const { thousands, decimal } = ambiguousReadings(value) ?? {};
		throw new Error(`${name} is ${value}, which can mean ${thousands} or ${decimal}: write one of these`);
	}
	return Number(chosen(name));
}

/** @throws Error of one line that names the variable and the allowed values. */
function check(name: VariableName, value: string): string {
	const { allowed, accepts, isPrivate } = VARIABLES[name];
	if (accepts && !accepts(value)) {
		throw new Error(`${name} must be ${allowed}${isPrivate ? "" : `, not ${JSON.stringify(value)}`}`);
	}
	return value;
}
