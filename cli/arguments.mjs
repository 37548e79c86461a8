/*
 * The arguments of every command, for parsing and for `--help`. JavaScript, because cli/run.mjs needs it before Node 24
 * and the packages are installed; types are in arguments.d.mts.
 */
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";

/**
 * Definition of each command: `usage` lists its forms, each with its effect; `options` are those of util.parseArgs,
 * with a `note` for `--help`; `operands` tells whether it takes arguments other than options.
 */
const COMMANDS = {
	start: {
		usage: [["npm start", "starts the shop: its servers, and the services in SERVICES or all"]],
	},
	node: {
		usage: [
			[
				"npm run node -- [NAME…]",
				"joins the running shop with these services, such as orders; by default those in SERVICES, or all but api",
			],
		],
		operands: true,
	},
	cluster: {
		usage: [
			[
				"npm run cluster -- [NAME=COUNT…]",
				"starts the servers and COUNT processes of each service, such as orders=3, and restarts those that exit; by default 1, 0 is none",
			],
		],
		operands: true,
	},
	repl: { usage: [["npm run repl", "opens a REPL on the running shop"]] },
	status: {
		usage: [
			[
				"npm run status -- [--json]",
				"shows nodes, actions, queues and last errors of the running shop, live on a terminal; exit code 1 where a service is not ready",
			],
		],
		options: { json: { type: "boolean", note: "prints one JSON document for programs" } },
	},
	observe: {
		usage: [
			[
				"npm run observe",
				"runs a Prometheus with the rules of ops/observability beside the running shop, until Ctrl-C",
			],
		],
	},
	import: {
		usage: [
			[
				"npm run import -- FILE [--dry-run] [--numbers id|en] [--encoding LABEL] [--ignore-unknown]",
				"imports products and groups of variants from a CSV or NDJSON file into the running shop",
			],
			[
				"npm run import -- FILE --from shopify|woocommerce [--dry-run] [--encoding LABEL]",
				"imports the product export of another shop",
			],
		],
		options: {
			"dry-run": {
				type: "boolean",
				note: "prints what each line would become, and writes nothing; exit code 1 if one is refused",
			},
			from: { type: "string", note: "the file is the product export of shopify or woocommerce, in CSV" },
			numbers: {
				type: "string",
				note: "id: numbers are written 1.250.000,50; en: 1,250,000.50; else the file decides",
			},
			encoding: { type: "string", note: "such as windows-1252; else UTF-8, or by the byte order mark" },
			"ignore-unknown": { type: "boolean", note: "leaves unknown columns out" },
		},
		operands: true,
	},
	export: {
		usage: [
			[
				"npm run export -- orders|products [--from DATE] [--to DATE] [--format csv|ndjson] [--output FILE [--force]]",
				"writes the orders or products of the shop, running or not, to standard output or a file",
			],
		],
		options: {
			from: {
				type: "string",
				note: "only those created since 2026-11-23 (UTC) or 2026-11-23T08:00:00+07:00",
			},
			to: { type: "string", note: "only those created before that moment" },
			format: { type: "string", note: "csv or ndjson; else by the ending of FILE, or csv" },
			output: {
				type: "string",
				note: "a file that is there once it is complete; only its owner may read it",
			},
			force: { type: "boolean", note: "replaces the file" },
		},
		operands: true,
	},
	products: {
		usage: [
			[
				"npm run products -- move --to URL",
				"moves the products of the stopped shop from products.db in TOKO_DIR to a MongoDB server; goes on where it was interrupted",
			],
			["npm run products -- move --from URL", "moves them from the server back into products.db"],
		],
		options: {
			to: { type: "string", note: "URL of the server; MONGO_URL stands for the one in the environment" },
			from: { type: "string", note: "URL of the server; MONGO_URL stands for the one in the environment" },
		},
		operands: true,
	},
	admin: {
		usage: [
			[
				"npm run admin -- EMAIL",
				"makes the user with this e-mail address an admin; creates the user if there is none",
			],
		],
		operands: true,
	},
	mails: {
		usage: [
			["npm run mails", "lists the messages that failed for good"],
			["npm run mails -- retry [--type TYPE] [--since MOMENT]", "sends them again"],
		],
		options: {
			type: { type: "string", note: "only those of this type, such as order_paid" },
			since: {
				type: "string",
				note: "only those that failed since 2026-11-23 (UTC) or 2026-11-23T08:00:00+07:00",
			},
		},
		operands: true,
	},
	"dead-letters": {
		usage: [
			["npm run dead-letters", "lists the events that could not be handled"],
			["npm run dead-letters -- retry ID|all", "handles one of them, or all"],
		],
		operands: true,
	},
	"rotate-keys": {
		usage: [["npm run rotate-keys -- [--revoke]", "makes a new key for access tokens"]],
		options: {
			revoke: { type: "boolean", default: false, note: "refuses the tokens of earlier keys within a minute" },
		},
	},
	audit: {
		usage: [
			[
				"npm run audit -- [--repair] [--accept-restore] [--gently]",
				"checks the shop's data against its promises; exit code 1 on any breach",
			],
		],
		options: {
			repair: {
				type: "boolean",
				note: "settles old holds, books units without a reason, sends lost events again",
			},
			"accept-restore": {
				type: "boolean",
				note: "continues after users or orders were restored from an older copy",
			},
			gently: {
				type: "boolean",
				note: "takes four times as long, and leaves the databases to the shop meanwhile",
			},
		},
	},
	chaos: {
		usage: [
			[
				"npm run chaos -- [--minutes 10] [--seed 7] [--store mongo|nedb]",
				"runs a cluster of its own under load and faults, then audits it; exit code 1 where a promise was broken",
			],
			[
				"npm run chaos -- --mails 10000 [--seed 7]",
				"counts the mails of so many events while processes are killed",
			],
			["npm run chaos -- --rolling", "counts failed requests while all processes are replaced"],
		],
		options: {
			minutes: { type: "string", note: "1 by default; fractions such as 1.5 allowed" },
			seed: { type: "string", note: "repeats the choices of buyers and faults; random by default" },
			store: { type: "string", note: "mongo by default" },
			mails: { type: "string", note: "number of events whose mails are counted" },
			rolling: { type: "boolean", note: "replaces all processes, one after the other" },
		},
	},
	bench: {
		usage: [
			[
				"npm run bench -- [CASE…]",
				"measures the shop beside hand-written programs; cases are order, hot, sold-out, product, list, mix, login, mail, sustained",
			],
			["npm run bench -- finding", "compares pages of many products with those of few"],
			[
				"npm run bench -- costs [--rounds 5] [--store mongo|nedb]",
				"measures what an order and other operations cost, by part",
			],
			["npm run bench -- holds", "reads and orders one product that has up to 10,000 open holds"],
			[
				"npm run bench -- growth [products|holds|orders|processes…] [--most 1000000]",
				"measures how the shop slows down while products, open holds and orders get more, and what more processes bring",
			],
			["npm run bench -- memory [--minutes 30]", "looks at the memory of each process under steady load"],
			[
				"npm run bench -- observability [--rounds 5]",
				"compares the shop with metrics, logs and traces with one without",
			],
			[
				"npm run bench -- checkout [--rounds 5]",
				"compares orders with voucher, shipping and tax with plain ones, and one voucher for all with none",
			],
			["npm run bench -- store", "compares the products' file with one that does not wait for the disk"],
		],
		options: {
			shape: { type: "string", note: "one process, or five over NATS: one, five or both; both by default" },
			rounds: { type: "string", note: "turns of each server and case; 3 by default, 5 of costs" },
			seconds: { type: "string", note: "of a turn; 5 by default" },
			sustained: { type: "string", note: "seconds of the case sustained; 60 by default" },
			connections: { type: "string", note: "32 by default" },
			nat: { type: "boolean", note: "all connections come from one address; else each from its own" },
			shop: {
				type: "string",
				multiple: true,
				note: "another checkout of Toko; several are measured in turn",
			},
			most: { type: "string", note: "of growth: the highest number of products and orders" },
			minutes: { type: "string", note: "of memory; 30 by default" },
			profile: { type: "boolean", note: "leaves CPU profiles beside the report" },
			out: { type: "string", note: "where the report goes; bench/results by default" },
			store: { type: "string", note: "of costs: mongo, the default, or nedb" },
		},
		operands: true,
	},
	model: {
		usage: [
			[
				"npm run model -- [--small] [--steps]",
				"checks the protocol of an order as a model; exit code 1 where a check fails, 2 where there is no Spin",
			],
		],
		options: {
			small: { type: "boolean", note: "only what npm test checks" },
			steps: { type: "boolean", note: "prints the steps to each injected fault" },
		},
	},
	new: {
		usage: [
			[
				"npm run new -- NAME",
				"makes a service: its contract, actions, first migration and test, its line in the list, and what follows from them",
			],
			["npm run new -- --remove NAME", "deletes a service made by it and unchanged since"],
		],
		options: { remove: { type: "boolean", note: "deletes the service" } },
		operands: true,
	},
	mongo: { usage: [["npm run mongo", "runs a MongoDB-compatible server for development"]] },
	pictures: {
		usage: [
			[
				"npm run pictures",
				"writes the picture of a trace, the figures of the dashboards and pictures of an invoice in docs, from shops of its own; the last need Chromium",
			],
		],
		options: { invoices: { type: "boolean", note: "writes only the pictures of an invoice" } },
	},
	openapi: {
		usage: [
			[
				"npm run openapi",
				"writes docs/openapi.json, docs/reference and other files that are generated from the code",
			],
		],
	},
};

/** Paths in the repository that a developer's command needs and the image lacks. */
const CHECKOUT_ONLY = {
	bench: ["tools/bench"],
	chaos: ["tools/chaos", "node_modules/smtp-server"],
	model: ["model"],
	observe: ["ops/observability"],
	pictures: ["tools/pictures", "node_modules/@grafana/grafana-foundation-sdk"],
	openapi: ["docs/reference", "node_modules/openapi-typescript"],
	test: ["test", "node_modules/jest"],
};

/** The names of all commands. */
export const commands = Object.keys(COMMANDS).sort();

/** Returns the forms of a command with their effects, and its options with their notes. */
export function reference(command) {
	const { usage, options = {} } = COMMANDS[command];
	return { usage, options: Object.entries(options) };
}

/** Returns all forms of a command in one line, for the end of an error message. */
export function usage(command) {
	const { usage, options, operands } = COMMANDS[command];
	const forms = usage.map(([form]) => form).join(", or ");
	return options || operands ? forms : `${forms} takes no arguments`;
}

/** Returns the text that a command prints for `--help`. */
export function help(command) {
	const { usage, options = {} } = COMMANDS[command];
	const forms = usage.flatMap(([form, effect]) => [form, `    ${effect}`]);
	const notes = Object.entries(options)
		.filter(([, { note }]) => note)
		.map(([name, { note }]) => `  --${name.padEnd(16)} ${note}`);
	return [...forms, ...(notes.length > 0 ? ["", ...notes] : [])].join("\n");
}

/** Tells whether `--help` or `-h` is among the arguments, before any `--`. */
export function asksForHelp(args) {
	const end = args.indexOf("--");
	return args.slice(0, end === -1 ? args.length : end).some((one) => one === "--help" || one === "-h");
}

/**
 * Prints the help and exits if `--help` is given; otherwise validates the arguments. Requires no module, setting or
 * running shop.
 *
 * @throws Error like `readArguments`.
 */
export function checkArguments(command, args) {
	if (asksForHelp(args)) {
		console.log(help(command));
		process.exit(0);
	}
	readArguments(command, args);
}

/**
 * Makes sure that what only a checkout has is here, if the command needs it.
 *
 * @throws Error of one line, as in the image and where the development packages are not installed.
 */
export function checkCheckout(command) {
	const missing = (CHECKOUT_ONLY[command] ?? []).find(
		(path) => !existsSync(new URL(`../${path}`, import.meta.url)),
	);
	if (missing?.startsWith("node_modules/")) {
		throw new Error(`${command} needs the development packages: run \`npm ci --include=dev\``);
	}
	if (missing !== undefined) {
		throw new Error(`${command} runs in a checkout of the repository only: there is no ${missing} here`);
	}
}

/**
 * Returns the options and operands of a command.
 *
 * @param args Those of this process by default.
 * @throws Error of one line, with the usage, for an argument that the command does not take.
 */
export function readArguments(command, args = process.argv.slice(2)) {
	const { options = {}, operands = false } = COMMANDS[command];
	try {
		return parseArgs({ args, options, allowPositionals: operands });
	} catch (error) {
		// Only the first sentence of Node's message.
		throw new Error(`${error.message.replace(/(\. |\.?\n|\.$).*$/s, "")}: ${usage(command)}`);
	}
}
