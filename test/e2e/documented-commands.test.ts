import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { cleanUp, follow, newFolder, ownEnvironment, readyAddress } from "../../tools/shop-process.ts";
import { preparedFolder } from "./prepared-folder.ts";

const repository = resolve(import.meta.dirname, "../..");
/** Address of the shop in documents. */
const DOCUMENTED = "http://127.0.0.1:3000";

const tutorial = shellBlocks("docs/tutorials/open-a-shop.md");
let folder: string;
let address: string;

beforeAll(async () => {
	folder = await preparedFolder();
	address = await readyAddress(follow(bash(tutorial[0] as string, repository)));
});

afterAll(cleanUp);

/** Returns the blocks of shell commands in a document. */
function shellBlocks(path: string): string[] {
	const text = readFileSync(join(repository, path), "utf8");
	return [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block as string);
}

/** Runs shell commands beside the shop, in a process group of their own. */
function bash(script: string, cwd: string) {
	return spawn("bash", ["-c", script], {
		cwd,
		detached: true,
		env: ownEnvironment(folder, { PORT: "0" }),
		stdio: ["ignore", "pipe", "pipe"],
	});
}

/** Runs the commands of a document against the shop, in a folder of their own, until one fails. Returns their output. */
async function pasted(commands: string[], cwd = newFolder()): Promise<string> {
	const script = [
		"set -euo pipefail",
		// A reader is in the repository.
		`npm() { command npm --prefix '${repository}' "$@"; }`,
		...commands.map((block) => block.replaceAll(DOCUMENTED, address)),
	].join("\n");
	const shell = follow(bash(script, cwd));
	if ((await shell.ended()) !== 0) {
		throw new Error(`a command failed after:\n${shell.output()}\n${shell.errors()}`);
	}
	return shell.output();
}

/** Code of a refused request, in problem+json. */
const REFUSED = /"type":"about:blank"/;

test("the commands of the tutorial open a shop, sell, refund and balance the books", async () => {
	const cwd = newFolder();
	const output = await pasted(tutorial.slice(1), cwd);
	expect(output).not.toMatch(REFUSED);
	for (const fact of [
		'"variant_count":2',
		'"fee":9000',
		'"total":225000,"currency":"IDR","voucher_code":"HEMAT10"',
		'"reasons":[]',
		'"status":"paid"',
		'"tracking_number":"CGK1234567890"',
		'"amount":72000,"status":"pending"',
		"no breach",
	]) {
		expect(output).toContain(fact);
	}
	const file = (name: string) => readFileSync(join(cwd, name), "latin1");
	expect(file("faktur.html")).toMatch(/Faktur INV-\d{6}[\s\S]*Toko Kaos[\s\S]*Termasuk pajak 11%/);
	expect(file("invoice.pdf")).toMatch(/^%PDF/);
	expect(file("orders.csv")).toMatch(/^TK-\d{6},.*,225000,72000,HEMAT10,jne-reg,JNE,CGK1234567890,/m);
	expect(existsSync(join(repository, "orders.csv"))).toBe(false);
});

test("the commands of the README's first minute place one order by two attempts, and pay it", async () => {
	const blocks = shellBlocks("README.md");
	const first = blocks.findIndex((block) => block.includes("/users/register"));
	const output = await pasted(blocks.slice(first, first + 2));
	expect(output).not.toMatch(REFUSED);
	const [, placed, repeated, paid] = output.split("\n", 4).map((line) => JSON.parse(line));
	expect(placed).toMatchObject({ status: "pending", items: [{ quantity: 2 }] });
	expect(repeated).toEqual(placed);
	expect(paid).toMatchObject({ id: placed.id, status: "paid" });
	expect(output).toMatch(/^created_at +type +channel/m);
});
