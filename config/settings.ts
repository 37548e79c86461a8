import { hkdfSync } from "node:crypto";
import { isIP } from "node:net";
import { resolve } from "node:path";
import { ambiguousReadings } from "../contracts/numbers.ts";
import { nodeEnvironment } from "./node-env.mjs";

const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"];

/** Longer ones are a slip of the unit; timers and dates end somewhere behind them. */
const YEAR_MINUTES = 525_600;
const DAY_SECONDS = 86_400;

/**
 * What the environment says, read when asked: a laptop's `npm start` fills in the addresses of the parts that it
 * started before any service is made.
 */
export const settings = {
	/** Prefix of databases, streams and topics, so that several shops can share the same servers. */
	get namespace(): string {
		const given = process.env.TOKO_NAMESPACE || "toko";
		if (!/^[a-z][a-z0-9_-]{0,30}$/.test(given)) {
			throw new Error(
				`TOKO_NAMESPACE must be a short name of small letters, digits, _ and -, not "${given}"`,
			);
		}
		return given;
	},
	get postgresUrl(): string {
		return required("POSTGRES_URL");
	},
	get natsUrl(): string {
		return required("NATS_URL");
	},
	/** On how many servers of a NATS cluster each event is kept; counts where the stream is made. */
	get eventReplicas(): number {
		const given = process.env.EVENT_REPLICAS || "1";
		if (!/^[135]$/.test(given)) {
			throw new Error(`EVENT_REPLICAS must be 1, 3 or 5, not "${given}"`);
		}
		return Number(given);
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
		return resolve(given ?? ".toko");
	},
	get isProduction(): boolean {
		return nodeEnvironment() === "production";
	},
	/** The shop's currency, by its code in ISO 4217. */
	get currency(): string {
		const given = process.env.CURRENCY || "IDR";
		if (!Intl.supportedValuesOf("currency").includes(given)) {
			throw new Error(
				`CURRENCY must be a code of ISO 4217 in capitals, such as IDR or USD, not ${JSON.stringify(given)}`,
			);
		}
		return given;
	},
	/** Digits after the point that the currency has: 0 for rupiah, 2 for dollars. */
	get currencyDecimals(): number {
		const given = process.env.CURRENCY_DECIMALS || "0";
		if (!/^[0-4]$/.test(given)) {
			throw new Error(`CURRENCY_DECIMALS must be a digit from 0 to 4, not "${given}"`);
		}
		return Number(given);
	},
	/** Minutes (fractions allowed) that an unpaid order holds its units. */
	get orderTtlMinutes(): number {
		return positive("ORDER_TTL_MINUTES", 30, YEAR_MINUTES);
	},
	/** What the payment provider signs its webhooks with. */
	get paymentWebhookSecret(): string {
		return required("PAYMENT_WEBHOOK_SECRET");
	},
	/** Unset: mail goes to the mailbox under `directory`. */
	get smtpUrl(): string | undefined {
		return address("SMTP_URL", /^smtps?:$/, "smtp://user:password@mail.example:587");
	},
	/** Unset: text messages go to the mailbox under `directory`. */
	get smsUrl(): string | undefined {
		return address("SMS_URL", /^https?:$/, "https://user:password@sms.example/messages");
	},
	/** What messages to the provider of text messages are signed with; without it a key derived from `TOKO_SECRET`. */
	get smsSecret(): string {
		return process.env.SMS_SECRET || deriveKey("text messages").toString("base64url");
	},
	/** Where the shop's pages are, for links in mails; unset: mails show a code instead. */
	get shopUrl(): string | undefined {
		return address("SHOP_URL", /^https?:$/, "https://shop.example")?.replace(/\/+$/, "");
	},
	get mailFrom(): string {
		const given = process.env.MAIL_FROM || "Toko <toko@toko.test>";
		if (!/^([^<>]*<[^\s<>@]+@[^\s<>@]+>|[^\s<>@]+@[^\s<>@]+)$/.test(given)) {
			throw new Error("MAIL_FROM must be an address such as Toko <toko@shop.example>");
		}
		return given;
	},
	/** The time zone of moments in messages: a name of the IANA database, or a distance to UTC; undefined is the machine's. */
	get timeZone(): string | undefined {
		// C libraries take a colon before the name.
		const name = process.env.TZ?.replace(/^:/, "") || undefined;
		if (name && !isTimeZone(name)) {
			throw new Error(
				`TZ must be a time zone such as Asia/Jakarta or UTC, or unset for the machine's, not ${JSON.stringify(process.env.TZ)}`,
			);
		}
		return name;
	},
	/** Where a process answers whether it is alive and ready, beside what it does; 0 is any free port. */
	get healthPort(): number {
		return portNumber("HEALTH_PORT", 0);
	},
	/** How long a process that is told to stop may finish what it has in hand. */
	get shutdownSeconds(): number {
		return positive("SHUTDOWN_SECONDS", 5, DAY_SECONDS);
	},
	/** How long the gateway keeps a connection that waits for a request; above the 60 s of usual balancers. */
	get keepAliveSeconds(): number {
		return positive("KEEP_ALIVE_SECONDS", 75, DAY_SECONDS);
	},
	get host(): string {
		const given = process.env.HOST || "127.0.0.1";
		if (!/^[\w.:%-]+$/.test(given)) {
			throw new Error(`HOST must be an address or a name such as 0.0.0.0, not ${JSON.stringify(given)}`);
		}
		return given;
	},
	get port(): number {
		return portNumber("PORT", 3000);
	},
	/** Requests per second and client; 0 is off. */
	get rateLimit(): number {
		const given = process.env.RATE_LIMIT || "200";
		if (!/^\d{1,9}$/.test(given)) {
			throw new Error(`RATE_LIMIT must be a whole number of requests per second, 0 for none, not "${given}"`);
		}
		return Number(given);
	},
	/** Addresses and networks of the proxies whose `X-Forwarded-For` counts. */
	get trustProxy(): string[] {
		const given = list("TRUST_PROXY");
		const wrong = given.find((one) => !isNetwork(one));
		if (wrong !== undefined) {
			throw new Error(`TRUST_PROXY must be addresses or networks such as 10.0.0.0/8, not "${wrong}"`);
		}
		return given;
	},
	/** Origins of web pages that may use the API from a browser. */
	get corsOrigins(): string[] {
		const given = list("CORS_ORIGINS");
		const wrong = given.find((one) => URL.parse(one)?.origin !== one);
		if (wrong !== undefined) {
			throw new Error(`CORS_ORIGINS must be origins such as https://shop.example, not "${wrong}"`);
		}
		return given;
	},
	get logLevel(): string {
		const given = process.env.LOG_LEVEL || "info";
		if (!LOG_LEVELS.includes(given)) {
			throw new Error(`LOG_LEVEL must be one of ${LOG_LEVELS.join(", ")}, not "${given}"`);
		}
		return given;
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

function required(name: string): string {
	const value = process.env[name];
	if (!value) {
		throw new Error(`${name} is not set: start the shop with \`npm start\`, or set ${name}`);
	}
	return value;
}

function list(name: string): string[] {
	return (process.env[name] ?? "").split(/[\s,]+/).filter((one) => one !== "");
}

/** What is given may hold a password, so it is not repeated. */
function address(name: string, protocol: RegExp, example: string): string | undefined {
	const given = process.env[name] || undefined;
	if (given) {
		const url = URL.parse(given);
		const isWhole = url && url.hostname !== "" && protocol.test(url.protocol);
		if (!isWhole || !isEncoded(url.username) || !isEncoded(url.password)) {
			throw new Error(
				`${name} must be an address such as ${example}, with % and the like in passwords encoded`,
			);
		}
	}
	return given;
}

function isEncoded(text: string): boolean {
	try {
		return decodeURIComponent(text) !== undefined;
	} catch {
		return false;
	}
}

/** Node itself takes what it does not know for UTC, and `UTC+7` for seven hours west of it. */
function isTimeZone(name: string): boolean {
	try {
		return new Intl.DateTimeFormat("en", { timeZone: name }) !== undefined;
	} catch {
		return false;
	}
}

function portNumber(name: string, otherwise: number): number {
	const given = process.env[name] || String(otherwise);
	if (!/^\d{1,5}$/.test(given) || Number(given) > 65535) {
		throw new Error(`${name} must be a number from 0 to 65535, not "${given}"`);
	}
	return Number(given);
}

function positive(name: string, otherwise: number, max: number): number {
	const given = process.env[name];
	if (!given) {
		return otherwise;
	}
	const value = Number(given);
	if (/^[1-9]\d{0,2}\.\d{3}$/.test(given)) {
		const { thousands, decimal } = ambiguousReadings(given) ?? {};
		throw new Error(`${name} is ${given}, which can mean ${thousands} or ${decimal}: write one of these`);
	}
	if (!/^(\d+\.?\d*|\.\d+)$/.test(given) || value <= 0 || value > max) {
		throw new Error(
			`${name} must be a number above 0 and at most ${max}, such as ${otherwise}, not ${JSON.stringify(given)}`,
		);
	}
	return value;
}

/** An address, a network such as 10.0.0.0/8, or a name that proxy-addr has for some. */
function isNetwork(text: string): boolean {
	const [address = "", bits, ...rest] = text.split("/");
	if (["loopback", "linklocal", "uniquelocal"].includes(text)) {
		return true;
	}
	const version = isIP(address);
	const most = version === 4 ? 32 : 128;
	return (
		version > 0 &&
		rest.length === 0 &&
		(bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= most))
	);
}
