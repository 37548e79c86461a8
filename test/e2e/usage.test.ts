import { spawn } from "node:child_process";
import { cpSync, readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, describe, expect, test } from "@jest/globals";
import { searchPath } from "../../config/node-env.mjs";
import { cleanUp, newFolder, run } from "../../tools/shop-process.ts";

afterAll(cleanUp);

const repository = resolve(import.meta.dirname, "../..");
const COMMANDS = readdirSync(join(repository, "cli"))
	.filter((file) => file.endsWith(".ts"))
	.map((file) => file.slice(0, -3));

/** Runs a program until it exits. `PORT` is invalid, so that nothing can start. */
async function node(program: string, ...args: string[]) {
	const child = spawn(program, args, {
		env: { PATH: searchPath, TOKO_DIR: newFolder(), PORT: "none" },
		stdio: ["ignore", "pipe", "pipe"],
	});
	const ended = new Promise((done) => child.once("close", done));
	const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
	return { code: await ended, output, errors };
}

/** Runs a command until it exits. */
async function command(...args: string[]) {
	const folder = newFolder();
	const running = run(folder, args);
	const code = await running.ended();
	return { code, output: running.output(), errors: running.errors(), left: readdirSync(folder) };
}

describe.each(COMMANDS)("npm run %s", (name) => {
	const usage = new RegExp(`^npm (run )?${name}( -- .+)?\\n    [a-z].+\\n`);

	test("answers --help with its usage and starts nothing", async () => {
		// image-files.test.ts runs it directly, as a container does.
		expect(await command(name, "--help")).toEqual({
			...{ code: 0, errors: "", left: [] },
			output: expect.stringMatching(usage),
		});
	});

	test("refuses an unknown option in one line with its usage, before it starts anything", async () => {
		expect(await command(name, "--no-such")).toEqual({
			...{ code: 1, output: "", left: [] },
			errors: expect.stringMatching(
				new RegExp(`^toko: Unknown option '--no-such': npm (run )?${name}\\b[^\\n]*\\n$`),
			),
		});
	});
});

test.each<[string[], RegExp]>([
	[["start", "orders"], /^toko: Unexpected argument 'orders': npm start takes no arguments\n$/],
	[["repl", "nodes"], /^toko: Unexpected argument 'nodes': npm run repl takes no arguments\n$/],
	[["audit", "repair"], /^toko: Unexpected argument 'repair': npm run audit -- \[--repair\]/],
	[["node", "basket"], /^toko: there is no service "basket": the services are users, /],
	[["cluster", "orders"], /^toko: "orders" is no NAME=COUNT: npm run cluster -- \[NAME=COUNT…\]\n$/],
	[["cluster", "orders=x"], /^toko: "orders=x" is no NAME=COUNT: npm run cluster/],
	[["cluster", "basket=2"], /^toko: there is no service "basket"/],
	[["cluster", "orders=60", "api=60"], /^toko: .*1 to 64 processes/],
	[["admin"], /^toko: name one e-mail address: npm run admin -- EMAIL\n$/],
	[["admin", "budi@toko.test", "ani@toko.test"], /^toko: name one e-mail address: /],
	[["dead-letters", "all"], /^toko: unknown arguments: npm run dead-letters, or .* -- retry ID\|all\n$/],
	[["mails", "--type", "order_paid"], /^toko: unknown arguments: npm run mails, or /],
	[["mails", "retry", "--type"], /^toko: Option '--type <value>' argument missing: npm run mails/],
	[["mails", "retry", "--type", "hello"], /^toko: there is no message of type hello: there are /],
	[["mails", "retry", "--since", "2026-02-31"], /^toko: "2026-02-31" is no moment: /],
	[["products"], /^toko: name what to do: npm run products -- move --to URL, or /],
	[["products", "move"], /^toko: name what to do: /],
	[["products", "move", "--to", "mongodb://a", "--from", "mongodb://b"], /^toko: name what to do: /],
	[["products", "move", "--to", "MONGO_URL"], /^toko: MONGO_URL is not set: set it to the URL of the server/],
	[
		["products", "move", "--to", "mongodb://toko:geheim@a/"],
		/^toko: other users see the password in arguments: put the URL into MONGO_URL, and write --to MONGO_URL/,
	],
	[["import"], /^toko: name one file, CSV .*: npm run import -- FILE /],
	[["import", "a.csv", "--numbers", "de"], /^toko: --numbers is id .* not "de": npm run import /],
	[["import", "a.csv", "--from", "magento"], /^toko: --from is shopify or woocommerce, not "magento": /],
	[
		["import", "a.csv", "--from", "shopify", "--numbers", "en"],
		/^toko: --numbers has no effect with --from: npm run import /,
	],
	[["export"], /^toko: name what to export, orders or products: npm run export -- orders\|products /],
	[["export", "users"], /^toko: name what to export, orders or products: /],
	[["export", "orders", "--format", "xml"], /^toko: --format is csv or ndjson, not "xml": /],
	[["export", "orders", "--force"], /^toko: --force has no effect without --output: /],
	[["export", "orders", "--from", "kemarin"], /^toko: "kemarin" is no moment: write a day such as /],
	[["export", "orders", "--to", "2026-11-23T08:00"], /^toko: "2026-11-23T08:00" is no moment: /],
	[
		["export", "orders", "--from", "2026-11-24", "--to", "2026-11-24"],
		/^toko: --from 2026-11-24 must be before --to 2026-11-24, which is not exported itself\n$/,
	],
	[["bench", "speed"], /^toko: unknown case "speed": use one of order, /],
	[
		["bench", "costs", "--rounds", "0"],
		/^toko: --rounds must be a whole number from 1 to 50, not "0"; see npm run bench -- --help/,
	],
	[
		["bench", "store", "--rounds", "3"],
		/^toko: --rounds is not an option of store; see npm run bench -- --help/,
	],
	[["chaos", "--minutes", "never"], /^toko: minutes must be above 0, .*: npm run chaos -- /],
	[["chaos", "--mails", "0"], /^toko: mails must be a whole number above 0: npm run chaos -- /],
	[["chaos", "--rolling", "--minutes", "3"], /^toko: --minutes has no effect with --rolling: /],
	[["chaos", "--seed", "--rolling"], /^toko: Option '--seed' argument is ambiguous: npm run chaos -- /],
])("%j is refused in one line before anything starts", async (args, expected) => {
	const { errors, ...rest } = await command(...args);
	expect(rest).toEqual({ code: 1, output: "", left: [] });
	expect(errors).toMatch(expected);
	expect(errors.trim().split("\n")).toHaveLength(1);
});

test("a checkout without packages and with a wrong .env answers --help, and installs nothing", async () => {
	const root = newFolder();
	for (const part of ["cli", "infra", "config", "package.json", "package-lock.json"]) {
		cpSync(join(repository, part), join(root, part), { recursive: true });
	}
	writeFileSync(join(root, ".env"), "PORT 3000\n");
	const before = readdirSync(root);
	const launch = (...args: string[]) => node("node", join(root, "cli/run.mjs"), ...args);
	expect(await launch("start", "--help")).toMatchObject({ code: 0, errors: "" });
	expect(await launch("start", "--port")).toMatchObject({ code: 1, output: "" });
	expect(readdirSync(root)).toEqual(before);
});

test("without a command, --help has the usage of all", async () => {
	const { code, output } = await node("node", join(repository, "cli/run.mjs"), "--help");
	expect(code).toBe(0);
	for (const name of COMMANDS) {
		expect(output).toMatch(new RegExp(`^npm (run )?${name}\\b`, "m"));
	}
});
