import { hkdfSync } from "node:crypto";
import { resolve } from "node:path";
import { ambiguousReadings } from "../contracts/numbers.ts";
import { nodeEnvironment } from "./node-env.mjs";
import { timeZoneName, VARIABLES, type VariableName } from "./variables.ts";

/**
 * What the environment says, read when asked: a laptop's `npm start` fills in the addresses of the parts that it
 * started before any service is made.
 */
export const settings = {
	/** Prefix of databases, streams and topics, so that several shops can share the same servers. */
	get namespace(): string {
		return chosen("TOKO_NAMESPACE");
	},
	get postgresUrl(): string {
		return required("POSTGRES_URL");
	},
	get natsUrl(): string {
		return required("NATS_URL");
	},
	/** On how many servers of a NATS cluster each event is kept; counts where the stream is made. */
	get eventReplicas(): number {
		return Number(chosen("EVENT_REPLICAS"));
	},
	/** Unset: the products live in a NeDB file under `directory`. */
	get mongoUrl(): string | undefined {
		return process.env.MONGO_URL || undefined;
	},
	/** Everything that a laptop's Toko writes. */
	get directory(): string {
		const given = process.env.TOKO_DIR;
		// Of `TOKO_DIR=$SHOP npm start` without a SHOP, the default would be another shop.
		if (given?.trim() === "") {
			throw new Error("TOKO_DIR is empty: name a folder, or leave TOKO_DIR away for .toko");
		}
		return resolve(chosen("TOKO_DIR"));
	},
	get isProduction(): boolean {
		return nodeEnvironment() === "production";
	},
	/** The address of the first admin. */
	get adminEmail(): string {
		return chosen("ADMIN_EMAIL");
	},
	/** The shop's currency, by its code in ISO 4217. */
	get currency(): string {
		return chosen("CURRENCY");
	},
	/** Digits after the point that the currency has: 0 for rupiah, 2 for dollars. */
	get currencyDecimals(): number {
		return Number(chosen("CURRENCY_DECIMALS"));
	},
	/** Minutes (fractions allowed) that an unpaid order holds its units. */
	get orderTtlMinutes(): number {
		return decimal("ORDER_TTL_MINUTES");
	},
	/** What the payment provider signs its webhooks with. */
	get paymentWebhookSecret(): string {
		return required("PAYMENT_WEBHOOK_SECRET");
	},
	/** Unset: mail goes to the mailbox under `directory`. */
	get smtpUrl(): string | undefined {
		return given("SMTP_URL");
	},
	/** Unset: text messages go to the mailbox under `directory`. */
	get smsUrl(): string | undefined {
		return given("SMS_URL");
	},
	/** What messages to the provider of text messages are signed with; without it a key derived from `TOKO_SECRET`. */
	get smsSecret(): string {
		return process.env.SMS_SECRET || deriveKey("text messages").toString("base64url");
	},
	/** Where the shop's pages are, for links in mails; unset: mails show a code instead. */
	get shopUrl(): string | undefined {
		return given("SHOP_URL")?.replace(/\/+$/, "");
	},
	get mailFrom(): string {
		return chosen("MAIL_FROM");
	},
	/** The time zone of moments in messages: a name of the IANA database, or a distance to UTC; undefined is the machine's. */
	get timeZone(): string | undefined {
		return timeZoneName(given("TZ") ?? "") || undefined;
	},
	/** Where a process answers whether it is alive and ready, beside what it does; 0 is any free port. */
	get healthPort(): number {
		return Number(chosen("HEALTH_PORT"));
	},
	/** How long a process that is told to stop may finish what it has in hand. */
	get shutdownSeconds(): number {
		return decimal("SHUTDOWN_SECONDS");
	},
	/** How long the gateway keeps a connection that waits for a request; above the 60 s of usual balancers. */
	get keepAliveSeconds(): number {
		return decimal("KEEP_ALIVE_SECONDS");
	},
	get host(): string {
		return chosen("HOST");
	},
	get port(): number {
		return Number(chosen("PORT"));
	},
	/** Requests per second and client; 0 is off. */
	get rateLimit(): number {
		return Number(chosen("RATE_LIMIT"));
	},
	/** Addresses and networks of the proxies whose `X-Forwarded-For` counts. */
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

/** What a laptop's start fills in, or derives from that. */
const GIVEN_LATER: (keyof typeof settings)[] = [
	"postgresUrl",
	"natsUrl",
	"paymentWebhookSecret",
	"smsSecret",
];

/** Reads every setting that can be wrong by itself, so that a start fails at once and not in the middle of its work. */
export function checkSettings(): void {
	for (const name of Object.keys(settings) as (keyof typeof settings)[]) {
		if (!GIVEN_LATER.includes(name)) {
			void settings[name];
		}
	}
}

/** The address of one of the shop's databases on the server that `POSTGRES_URL` names. */
export function databaseUrl(database: string): string {
	// Not by `new URL`, which refuses a URL without a host: that is in `?host=` for a socket.
	return settings.postgresUrl.replace(/^([^:]+:\/\/[^/?#]*)[^?#]*/, `$1/${settings.namespace}_${database}`);
}

/**
 * A key for one purpose, derived from the shop's one secret (`TOKO_SECRET`) by HKDF-SHA256 (RFC 5869).
 *
 * @param purpose What the key is for; other purposes get unrelated keys.
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

/** The value of a variable that is set. */
function given(name: VariableName): string | undefined {
	const value = process.env[name];
	return value ? check(name, value) : undefined;
}

/** The value of a variable that is set, or its default. */
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
