import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { cleanUp, processesOf, run, startShop, until } from "../../tools/shop-process.ts";
import { preparedFolder } from "./prepared-folder.ts";

afterAll(cleanUp);

/** Runs a command until it exits. */
async function command(folder: string, ...args: string[]) {
	const running = run(folder, args);
	const code = await running.ended();
	return { code, output: running.output(), errors: running.errors() };
}

const VARIANTS = [
	"sku,name,price,stock,category,group,option:ukuran",
	"KAOS-S,Kaos,80000,5,kaos,kaos-toko,S",
	"KAOS-M,Kaos,80000,5,kaos,kaos-toko,M",
	"",
].join("\n");

test("a catalogue is previewed, imported and exported beside the running shop and without it", async () => {
	const folder = await preparedFolder();
	const shop = await startShop(folder);
	const file = join(folder, "variants.csv");
	writeFileSync(file, VARIANTS);
	const preview = await command(folder, "import", file, "--dry-run");
	expect(preview.output).toBe(
		[
			"line 2: create group kaos-toko (ukuran); create KAOS-S as variant of kaos-toko (ukuran S)",
			"line 3: create KAOS-M as variant of kaos-toko (ukuran M)",
			"dry run, nothing was written: 2 created, 0 updated, 0 unchanged, 0 refused, 0 not read of 2 lines; 1 group created\n",
		].join("\n"),
	);
	expect(preview.code).toBe(0);
	const wrong = join(folder, "wrong.csv");
	writeFileSync(wrong, `${VARIANTS}KAOS-L,Kaos,80000,5,kaos,kaos-toko,s\n`);
	const refused = await command(folder, "import", wrong, "--dry-run");
	expect(refused.code).toBe(1);
	expect(refused.output).toContain(
		"line 4: error: options: is the same variant of the group kaos-toko as line 2\n",
	);
	expect((await command(folder, "import", file)).output).toBe(
		"2 created, 0 updated, 0 unchanged, 0 refused, 0 not read of 2 lines; 1 group created\n",
	);

	const beside = await command(folder, "export", "products");
	expect(beside.code).toBe(0);
	expect(beside.output).toMatch(/^sku,name,.*,group_category,option:ukuran\r\n/);
	expect(beside.output).toMatch(/^KAOS-M,Kaos,.*,kaos-toko,kaos-toko,,kaos,M\r$/m);
	const count = beside.output.split("\r\n").length - 2;
	expect(beside.errors).toBe(`exported ${count} products\n`);

	const unread = run(folder, ["export", "products"]);
	unread.child.stdout?.destroy();
	expect(await unread.ended()).toBe(0);
	expect(unread.errors()).toBe("");

	const path = join(folder, "products.ndjson");
	expect(await command(folder, "export", "products", "--output", path)).toMatchObject({
		code: 0,
		output: "",
	});
	const lines = readFileSync(path, "utf8").trimEnd().split("\n");
	expect(lines).toHaveLength(count);
	expect(JSON.parse(lines.at(-1) as string)).toMatchObject({ sku: "KAOS-M", options: { ukuran: "M" } });
	const again = await command(folder, "export", "orders", "--output", path);
	expect(again).toEqual({
		...{ code: 1, output: "" },
		errors: `toko: ${path} is there already: name another file, or replace it with --force\n`,
	});
	expect((await command(folder, "import", path)).output).toMatch(`${count} unchanged, 0 refused`);
	shop.child.kill("SIGTERM");
	await shop.ended();

	const without = await command(folder, "export", "products");
	expect(without).toMatchObject({ code: 0, output: beside.output });
	const orders = await command(folder, "export", "orders", "--force", "--output", path, "--format", "csv");
	expect(orders).toMatchObject({ code: 0, output: "" });
	expect(orders.errors).toMatch(new RegExp(`^exported 0 orders to ${path}$`, "m"));
	expect(readFileSync(path, "utf8")).toMatch(/^number,id,user_id,.*,paid\r\n$/);
	await until("no process to be left", () => processesOf(folder).length === 0);
	expect(existsSync(`${path}.tmp`)).toBe(false);
});
