import { isIP } from "node:net";
import { address, isPort, matches, port, positive, type Variable } from "./checks.ts";
import { environments } from "./node-env.mjs";
import { TRACE_VARIABLES } from "./trace-variables.ts";

export type { Variable } from "./checks.ts";

/** Minimum length in production of a secret that keys are derived from or messages are signed with. */
export const SECRET_CHARACTERS = 16;

/** Levels of the log, the most severe first. */
export const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"];

/** Maximum number of minutes: a longer time is a mistake of the unit, and timers and dates overflow not far beyond. */
const YEAR_MINUTES = 525_600;
const DAY_SECONDS = 86_400;

/** Every variable that Toko reads, grouped by its heading in the documentation. */
const GROUPS = {
	Gateway: {
		PORT: { meaning: "Port of the gateway. 0 takes a free port and prints it.", ...port(3000) },
		HOST: {
			meaning: "Address that the gateway listens on.",
			default: "127.0.0.1",
			allowed: "an address or a name such as 0.0.0.0",
			accepts: matches(/^[\w.:%-]+$/),
		},
		RATE_LIMIT: {
			meaning: "Limit of requests per second and client address, counted by each gateway. 0 turns it off.",
			default: "200",
			allowed: "a whole number of requests per second, 0 for none",
			accepts: matches(/^\d{1,9}$/),
		},
		TRUST_PROXY: {
			meaning:
				"Proxies whose `X-Forwarded-For`, `-Proto`, `-Host` and `-Prefix` headers are trusted. " +
				"`loopback`, `linklocal` and `uniquelocal` name networks.",
			unset: "no proxy is trusted",
			allowed: "addresses or networks such as 10.0.0.0/8",
			accepts: isNetwork,
			isList: true,
		},
		KEEP_ALIVE_SECONDS: {
			meaning:
				"Time that the gateway keeps an idle connection open. Must be longer than the idle timeout of the proxy in front of it.",
			...positive(75, DAY_SECONDS),
		},
		CORS_ORIGINS: {
			meaning: "Origins of web pages that may use the API from a browser.",
			unset: "no other origin may",
			allowed: "origins such as https://shop.example",
			accepts: (value) => URL.parse(value)?.origin === value,
			isList: true,
		},
	},
	Process: {
		SERVICES: {
			meaning: "Services that this process hosts.",
			unset: "all; of `npm run node` all but api",
			allowed: "names of services, or all",
			isList: true,
		},
		LOG_LEVEL: {
			meaning:
				"Least severe level that is logged. `debug` also shows the stack of a start that failed. For the REPL and commands beside a running shop the default is `warn`.",
			default: "info",
			allowed: `one of ${LOG_LEVELS.join(", ")}`,
			accepts: (value) => LOG_LEVELS.includes(value),
		},
		LOG_FORMAT: {
			meaning: "Form of the log: `json`, a document on each line, or `pretty`, for people.",
			unset: "`json` in production, otherwise `pretty`",
			allowed: "json or pretty",
			accepts: matches(/^(json|pretty)$/),
		},
		LOG_SAMPLE: {
			meaning:
				"Share of requests that the gateway logs, besides those that failed (5xx) or took longer than a second; at most 20 a second, unless it is 1.",
			default: "0",
			allowed: "a number from 0 to 1, such as 0.01",
			accepts: matches(/^(0|1|0?\.\d{1,6}|1\.0+)$/),
		},
		HEALTH_PORT: {
			meaning:
				"Port where the process serves `/health/live` and `/health/ready`. 0 takes a free port and prints it.",
			...port(0),
		},
		METRICS_PORT: {
			meaning:
				"Port where the process serves its metrics at `/metrics`. 0 takes a free port; if the port is in use, so does any other. The delivery worker of notifications takes the next one. `off` measures nothing.",
			default: "0",
			allowed: "a number from 0 to 65535, or off",
			accepts: (value) => value === "off" || isPort(value),
		},
		SHUTDOWN_SECONDS: {
			meaning: "Time that a process has to finish its work after SIGTERM.",
			...positive(5, DAY_SECONDS),
		},
		TOKO_DIR: {
			meaning: "Folder for everything that a shop on a development machine writes.",
			default: ".toko",
			allowed: "the path of a folder; it must not be set to an empty value",
		},
		TOKO_NAMESPACE: {
			meaning: "Prefix of databases, streams and subjects, so that several shops can share servers.",
			default: "toko",
			allowed: "a short name of small letters, digits, _ and -",
			accepts: matches(/^[a-z][a-z0-9_-]{0,30}$/),
		},
		NODE_ENV: {
			meaning: "Kind of process. In production, Toko starts no servers and generates no secrets.",
			default: "development",
			allowed: `${environments.join(", ")} or unset`,
		},
	},
	Traces: TRACE_VARIABLES,
	"Backing services": {
		POSTGRES_URL: {
			meaning:
				"PostgreSQL server, with user, password and TLS options. `PGSSLMODE` and the like are ignored.",
			unset: "starts an embedded PostgreSQL",
			allowed: "a URL that begins with postgres:// or postgresql://",
			isPrivate: true,
		},
		NATS_URL: {
			meaning: "NATS server with JetStream, or several separated by commas. `tls://` turns TLS on.",
			unset: "starts a `nats-server`",
			allowed: "URLs that begin with nats:// or tls://",
			isPrivate: true,
		},
		EVENT_REPLICAS: {
			meaning: "Servers of a NATS cluster that store each event. Read when the stream is created.",
			default: "1",
			allowed: "1, 3 or 5",
			accepts: matches(/^[135]$/),
		},
		MONGO_URL: {
			meaning: "MongoDB server for the products.",
			unset: "starts the `mongod` on the PATH, or else keeps the products in a NeDB file in `TOKO_DIR`",
			allowed: "a URL that begins with mongodb:// or mongodb+srv://",
			isPrivate: true,
		},
	},
	Secrets: {
		TOKO_SECRET: {
			meaning:
				"Secret that service credentials and the encryption of signing keys are derived from. Must be the same in all processes.",
			unset: "generated at the first start",
			allowed: `in production, at least ${SECRET_CHARACTERS} characters`,
			isPrivate: true,
		},
		PAYMENT_WEBHOOK_SECRET: {
			meaning: "Secret with which the payment provider signs its webhooks.",
			unset: "generated at the first start",
			allowed: `in production, at least ${SECRET_CHARACTERS} characters`,
			isPrivate: true,
		},
	},
	Shop: {
		ADMIN_EMAIL: {
			meaning: "E-mail address of the first admin, created where there is no admin.",
			default: "admin@toko.test",
			allowed: "an e-mail address",
		},
		ADMIN_PASSWORD: {
			meaning: "Password of the first admin.",
			unset: "generated and printed once; in production no admin is created",
			allowed: "a password as users may choose it",
			isPrivate: true,
		},
		CURRENCY: {
			meaning:
				"Currency of the shop, whose decimals are `CURRENCY_DECIMALS`. Must be the same in all processes; can change only while there are no prices and no orders.",
			default: "IDR",
			allowed: "a code of ISO 4217 in capitals, such as IDR or USD",
			accepts: (value) => Intl.supportedValuesOf("currency").includes(value),
		},
		CURRENCY_DECIMALS: {
			meaning:
				"Decimals of the currency, such as 0 for rupiah and 2 for dollars. The rules of `CURRENCY` apply.",
			default: "0",
			allowed: "a digit from 0 to 4",
			accepts: matches(/^[0-4]$/),
		},
		TAX_RATE: {
			meaning:
				"Tax on goods and shipping, in percent. Must be the same in all processes; orders keep the rate that they were placed with.",
			default: "0",
			allowed: "a number from 0 to 100 with at most two decimals, such as 11 or 7.25",
			accepts: matches(/^(100(\.0{1,2})?|\d{1,2}(\.\d{1,2})?)$/),
		},
		PRICES_INCLUDE_TAX: {
			meaning:
				"Whether prices and fees include the tax; otherwise it is added to the total. The rules of `TAX_RATE` apply.",
			default: "true",
			allowed: "true or false",
			accepts: matches(/^(true|false)$/),
		},
		INVOICE_PREFIX: {
			meaning:
				"Beginning of the numbers of invoices; those of credit notes begin with `CN-` and this. Must be the same in all processes; numbers that were given stay.",
			default: "INV-",
			allowed: "1 to 20 capital letters, digits, / and -, such as INV- or 2026/, or none",
			accepts: matches(/^([A-Z0-9/-]{1,20}|none)$/),
		},
		INVOICE_SELLER: {
			meaning:
				"Name and address of the seller on invoices; `\\n` begins a new line. Must be the same in all processes; invoices that were issued keep theirs.",
			default: "Toko",
			allowed:
				"at most 8 lines of 1 to 100 characters, separated by \\n, such as Toko Budi\\nJl. Braga 1\\nBandung",
			accepts: isSeller,
		},
		ORDER_TTL_MINUTES: {
			meaning: "Time that an unpaid order holds its units, in minutes. Fractions are allowed.",
			...positive(30, YEAR_MINUTES),
		},
		AUDIT_EVERY: {
			meaning:
				"Time from the end of an audit to the next, which orders starts by itself. It needs `MONGO_URL` if the products are on a server.",
			default: "off",
			allowed: "a number with its unit (s, m, h or d) such as 6h, or off",
			accepts: matches(/^([1-9]\d{0,4}[smhd]|off)$/),
		},
	},
	Messages: {
		SMTP_URL: {
			meaning: "Mail server.",
			unset: "mails go to `mailbox/` in `TOKO_DIR`",
			...address(/^smtps?:$/, "smtp://user:password@mail.example:587"),
		},
		MAIL_FROM: {
			meaning: "Sender of mails.",
			default: "Toko <toko@toko.test>",
			allowed: "an address such as Toko <toko@shop.example>",
			accepts: matches(/^([^<>]*<[^\s<>@]+@[^\s<>@]+>|[^\s<>@]+@[^\s<>@]+)$/),
			isPrivate: true,
		},
		TZ: {
			meaning: "Time zone of times in mails and of days on invoices.",
			unset: "the time zone of the machine",
			allowed: "a time zone such as Asia/Jakarta or UTC, or unset for the machine's",
			accepts: isTimeZone,
		},
		SMS_URL: {
			meaning: "Provider of text messages, which gets `POST {id, to, text}`.",
			unset: "text messages go to `mailbox/` in `TOKO_DIR`; in production none are sent",
			...address(/^https?:$/, "https://user:password@sms.example/messages"),
		},
		SMS_SECRET: {
			meaning: "Secret with which requests to `SMS_URL` are signed.",
			unset: "derived from `TOKO_SECRET`; in production required where `SMS_URL` is set",
			allowed: "any text",
			isPrivate: true,
		},
		SHOP_URL: {
			meaning: "Address of the shop's web pages, for links in mails.",
			unset: "mails show a code instead of a link",
			...address(/^https?:$/, "https://shop.example"),
		},
	},
} satisfies Record<string, Record<string, Variable>>;

type Groups = typeof GROUPS;

/** Name of a variable that Toko reads. */
export type VariableName = { [G in keyof Groups]: keyof Groups[G] }[keyof Groups];

/** The same groups, typed for lookups by any name. */
export const VARIABLE_GROUPS: Record<string, Record<string, Variable>> = GROUPS;

/** Every variable by name. */
export const VARIABLES = Object.assign({}, ...Object.values(GROUPS)) as Record<VariableName, Variable>;

/** Variables that only docker-compose.yml reads; its comments and `ops/make-secrets` say more. */
export const COMPOSE_VARIABLES: Record<string, string> = {
	POSTGRES_ADMIN_PASSWORD: "Password of PostgreSQL's superuser.",
	POSTGRES_PASSWORD: "Password of PostgreSQL's user `toko`.",
	MONGO_ADMIN_PASSWORD: "Password of MongoDB's administrator.",
	MONGO_PASSWORD: "Password of MongoDB's user `toko`.",
	NATS_PASSWORD: "Password of the NATS user `toko`.",
	NATS_SYSTEM_PASSWORD: "Password of the NATS user `system`, for the operator of the server.",
	NATS_CERTIFICATES: "Folder with `nats.pem`, `nats-key.pem` and the authority's `ca.pem`.",
	PUBLISH: "Address where the gateway is published.",
	GRAFANA_PASSWORD: "Password of Grafana's user `admin`, for the profile `observability`.",
	ALERT_PAGE_URL: "Webhook of Alertmanager for alerts that need somebody now.",
	ALERT_TICKET_URL: "Webhook of Alertmanager for alerts that can wait for working hours.",
	COMPOSE_PROFILES:
		"`development` adds a mail server that shows what it gets, `observability` Prometheus, Alertmanager, Grafana, Jaeger and VictoriaLogs; separated by commas.",
};

/** Checks the lines of the seller of invoices. */
function isSeller(value: string): boolean {
	const lines = sellerLines(value);
	return lines.length <= 8 && lines.every((line) => /^[^\p{Cc}\p{Cf}\p{Cs}]{1,100}$/u.test(line));
}

/** Returns the lines of the seller of invoices. */
export function sellerLines(value: string): string[] {
	return value.split(/\\n|\r?\n/).map((line) => line.trim());
}

/** Checks a time zone. Node itself reads an unknown name as UTC, and `UTC+7` as seven hours west of UTC. */
function isTimeZone(value: string): boolean {
	const name = timeZoneName(value);
	try {
		return name === "" || new Intl.DateTimeFormat("en", { timeZone: name }) !== undefined;
	} catch {
		return false;
	}
}

/** Removes the leading colon that C libraries allow in the name of a time zone. */
export function timeZoneName(value: string): string {
	return value.replace(/^:/, "");
}

/** Checks an address, a network such as 10.0.0.0/8, or the name that proxy-addr gives to some networks. */
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
