import { once } from "node:events";
import { appendFileSync, createWriteStream, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
	cleanUp,
	client,
	logIn,
	newFolder,
	processesOf,
	run,
	signUp,
	startShop,
	until,
} from "../../tools/shop-process.ts";
import { preparedFolder } from "./prepared-folder.ts";

const ADMIN = { ADMIN_PASSWORD: "rahasia-sekali" };
let folder: string;
let shop: Awaited<ReturnType<typeof startShop>>;

beforeAll(async () => {
	folder = await preparedFolder();
	shop = await startShop(folder, ADMIN);
});

afterAll(cleanUp);

/** Pipes lines into `npm run repl` and returns its output. */
async function repl(...lines: string[]) {
	const command = run(folder, ["repl"], {}, `${lines.join("\n")}\n`);
	expect(await command.ended()).toBe(0);
	return command.output() + command.errors();
}

describe("a second process", () => {
	test("takes its share of the calls, and nothing is lost when it is killed", async () => {
		const second = run(folder, ["node", "orders", "notifications"]);
		await second.line(/^joined .*: orders, notifications$/);
		const pid = Number(/-(\d+): /.exec(second.output())?.[1]);
		await until("the REPL to list it", async () => (await repl("nodes")).includes(`-${pid} `));

		const token = await signUp(shop.request, "eka");
		const { body: products } = await shop.request("GET", "/api/v1/products?limit=100");
		const product = products.find(({ stock }: { stock: number }) => stock >= 40);
		const place = (number: number) =>
			shop.request("POST", "/api/v1/orders", {
				body: { items: [{ product_id: product.id, quantity: 1 }] },
				token,
				key: `share-${number}`,
			});
		const statuses = [];
		for (let number = 0; number < 40; number++) {
			if (number === 20) {
				process.kill(pid, "SIGKILL");
			}
			let answer = await place(number);
			// Retries with the same key, as a client does after an unknown outcome.
			for (let tries = 0; answer.status >= 500 && tries < 50; tries++) {
				answer = await place(number);
			}
			statuses.push(answer.status);
		}
		expect(statuses).toEqual(Array.from({ length: 40 }, () => 201));
		const { body: orders } = await shop.request("GET", "/api/v1/orders?limit=100", { token });
		expect(orders).toHaveLength(40);
		await until("all mails", async () => {
			const { body } = await shop.request("GET", "/api/v1/notifications?limit=100", { token });
			return body.filter(({ status }: { status: string }) => status === "sent").length === 41;
		});
	});

	test("leaves at SIGTERM with exit code 0", async () => {
		const second = run(folder, ["node", "orders"]);
		await second.line(/^joined /);
		second.child.kill("SIGTERM");
		expect(await second.ended()).toBe(0);
	});

	test("is told that the NeDB file has one owner, and how to get a server", async () => {
		const second = run(folder, ["node", "products"]);
		expect(await second.ended()).toBe(1);
		expect(second.errors().trim().split("\n")).toEqual([
			expect.stringMatching(/^toko: products already run in process \d+.*npm run mongo/),
		]);
	});

	test("hosts all the others where it was asked for all", async () => {
		const second = run(folder, ["node"]);
		await second.line(/^joined .*: users, orders, notifications$/);
		second.child.kill("SIGTERM");
		expect(await second.ended()).toBe(0);
	});

	test("a second start in the same folder is refused", async () => {
		const second = run(folder, ["start"]);
		expect(await second.ended()).toBe(1);
		expect(second.errors()).toMatch(/^toko: a shop already runs in .*pid \d+/);
	});
});

test("SERVICES=api brings up the gateway alone; other processes bring the rest", async () => {
	const own = newFolder();
	const gateway = run(own, ["start"], { ...ADMIN, SERVICES: "api" });
	const waiting = await gateway.line(/^waiting for users, products, orders, notifications/);
	expect(waiting).toContain("npm run node");
	const address = /^API +(http:\S+)\/api\/v1/m.exec(gateway.output())?.[1] as string;
	const request = client(address);
	expect(await request("GET", "/api/v1/products")).toMatchObject({
		status: 503,
		body: { code: "UNAVAILABLE" },
	});
	const nodes = [
		run(own, ["node", "users", "products"], ADMIN),
		run(own, ["node", "orders,notifications"], ADMIN),
	];
	await Promise.all(nodes.map((node) => node.line(/^joined /)));
	await gateway.line(/^ready /);
	await until("readiness", async () => (await request("GET", "/health/ready")).status === 200);
	await logIn(request, "admin@toko.test", ADMIN.ADMIN_PASSWORD);
	expect((await request("GET", "/api/v1/products?limit=1")).body).toHaveLength(1);
	for (const node of nodes) {
		node.child.kill("SIGTERM");
		expect(await node.ended()).toBe(0);
	}
	gateway.child.kill("SIGTERM");
	expect(await gateway.ended()).toBe(0);
	await until("no process to be left", () => processesOf(own).length === 0);
});

describe("the REPL", () => {
	test("calls live services, also from a pipe, as nobody or as a user", async () => {
		expect(await repl("call v1.products.list --limit 1")).toContain("price:");
		expect(await repl("call v1.users.list")).toMatch(/UNAUTHENTICATED|access token/);
		const listed = await repl("as admin@toko.test", "call v1.users.list --limit 1");
		expect(listed).toContain("acting as admin@toko.test (admin)");
		expect(listed).toContain("email: 'admin@toko.test'");
		const refused = await repl("as admin@toko.test", "as none@toko.test", "call v1.users.list --limit 1");
		expect(refused).toMatch(/UNAUTHENTICATED|access token/);
		expect(refused).not.toContain("email: 'admin@toko.test'");
	});

	test("shows stock, orders, the outbox and mails", async () => {
		const token = await signUp(shop.request, "fajar");
		const { body: products } = await shop.request("GET", "/api/v1/products?limit=100");
		const product = products.find(({ stock }: { stock: number }) => stock >= 5);
		const { body: order } = await shop.request("POST", "/api/v1/orders", {
			body: { items: [{ product_id: product.id, quantity: 2 }] },
			token,
		});
		const shown = await repl(
			`stock ${product.id}`,
			`order ${order.number}`,
			"outbox",
			"mails",
			"stock",
			"order none",
			`price '{"items": []}'`,
			"vouchers of today",
		);
		expect(shown).toMatch(new RegExp(`${product.id}.* ${product.stock - 2} +\\d+ `));
		expect(shown).toMatch(new RegExp(`${order.number} +pending`));
		expect(shown).toContain("Konfirmasi Order");
		expect(shown).toMatch(new RegExp(`^line +product_id .*\\n1 +${product.id} `, "m"));
		expect(shown).toContain("order: There is no such order.");
		expect(shown).toContain("price: items: must have at least 1 entry");
		expect(shown).toContain("too many arguments for 'vouchers'");
		expect(shown).not.toContain("CommanderError");
	});

	test("prices an order for the user of `as`, with their cart", async () => {
		const token = await signUp(shop.request, "gita");
		const { body: products } = await shop.request("GET", "/api/v1/products?limit=100");
		const product = products.find(({ stock }: { stock: number }) => stock >= 5);
		const { body: cart } = await shop.request("POST", "/api/v1/carts", { token });
		const path = `/api/v1/carts/${cart.id}/items/${product.id}`;
		await shop.request("PUT", path, { token, body: { quantity: 2 } });
		const price = `price '{"cart_id": "${cart.id}"}'`;
		expect(await repl(price)).toContain("There is no such cart");
		expect(await repl("as gita@toko.test", price)).toMatch(new RegExp(` ${2 * product.price} `));
	});

	test("knows Moleculer's own commands", async () => {
		const shown = await repl(
			"services",
			"actions",
			"info",
			"emit hello.world",
			"bench v1.products.categories --num 20",
		);
		expect(shown).toContain("v1.orders.place");
		expect(shown).toMatch(/notifications/);
		expect(shown).toMatch(/requests? in|ops\/sec|req\/s/i);
	});
});

describe("an import", () => {
	const header = "sku,name,description,price,stock,category,image_url\n";

	async function importFile(file: string, ...options: string[]) {
		const command = run(folder, ["import", file, ...options]);
		const code = await command.ended();
		return { code, output: command.output(), errors: command.errors() };
	}

	test("takes valid lines, names invalid ones, and changes nothing the second time", async () => {
		const file = join(folder, "mixed.csv");
		writeFileSync(file, header);
		appendFileSync(file, 'A-1,Teh Uji,"Segar, harum",1000,5,teh,\n');
		appendFileSync(file, "A-2,Teh Uji,Murah,-1,5,teh,\n");
		appendFileSync(file, "A-3,Teh Uji,Pecahan,1000,1.5,teh,\n");
		appendFileSync(file, ",Teh Uji,Tanpa sku,1000,5,teh,\n");
		appendFileSync(file, "A-4,Teh Uji,Kurang kolom,1000\n");
		appendFileSync(file, "A-1,Teh Lain,Sku yang sama,2000,5,teh,\n");
		appendFileSync(file, "A-5,Teh Uji,Baik,2000,5,teh,https://toko.test/teh.jpg\n");
		const first = await importFile(file);
		expect(first.output).toContain("2 created, 0 updated, 0 unchanged, 5 refused, 0 not read of 7 lines");
		expect(first.code).toBe(1);
		for (const [line, reason] of [
			[3, "price"],
			[4, "stock"],
			[5, "sku"],
			[6, "fields"],
			[7, "sku: A-1"],
		] as const) {
			expect(first.errors).toMatch(new RegExp(`^line ${line}: .*${reason}`, "m"));
		}
		expect((await importFile(file)).output).toContain("0 created, 0 updated, 2 unchanged, 5 refused");
	});

	test("of a file that is invalid as a whole changes nothing, unless its options correct it", async () => {
		const file = join(folder, "whole.csv");
		writeFileSync(file, "sku;harga;price;name;stock;category\nW-1;1;150.000;Teh;5;teh\n");
		const { code, output, errors } = await importFile(file);
		expect([code, output]).toEqual([
			1,
			"0 created, 0 updated, 0 unchanged, 0 refused, 1 not read of 1 lines\n",
		]);
		expect(errors).toMatch(/^toko: .*harga \(price\?\).*--ignore-unknown/m);
		const ignored = await importFile(file, "--ignore-unknown", "--numbers", "en");
		expect([ignored.code, ignored.output]).toEqual([
			0,
			"1 created, 0 updated, 0 unchanged, 0 refused, 0 not read of 1 lines\n",
		]);
		for (const options of [["--numbers", "us"], ["--encoding", "none"], ["--dry"], ["another.csv"]]) {
			const refused = await importFile(file, ...options);
			expect(refused.code).toBe(1);
			expect(refused.errors).toMatch(/^toko: .*\n$/);
		}
	});

	test("reads NDJSON too", async () => {
		const file = join(folder, "lines.ndjson");
		const good = { sku: "N-1", name: "Kopi", description: "", price: 5000, stock: 1, category: "kopi" };
		writeFileSync(
			file,
			`${JSON.stringify(good)}\n{"sku": \n${JSON.stringify({ ...good, sku: "N-2", price: "5000" })}\n`,
		);
		const { output, errors } = await importFile(file);
		expect(output).toContain("1 created, 0 updated, 0 unchanged, 2 refused");
		expect(errors).toMatch(/^line 2: is not valid JSON/m);
		expect(errors).toMatch(/^line 3: price/m);
	});

	test("of 14 MB in 40,000 rows stays below 250 MB", async () => {
		const file = join(folder, "large.csv");
		const stream = createWriteStream(file);
		stream.write(header);
		for (let row = 0; row < 40_000; row++) {
			const image = `https://toko.test/${row}/${"gambar-".repeat(30)}.jpg`;
			const line = `L-${row},Produk ${row},"Keterangan panjang, dengan koma, untuk produk nomor ${row}.",${1000 + row},${row % 500},kategori-${row % 40},${image}\n`;
			if (!stream.write(line)) {
				await once(stream, "drain");
			}
		}
		stream.end();
		await once(stream, "finish");
		const command = run(folder, ["import", file]);
		let peak_kb = 0;
		const watch = setInterval(() => {
			for (const pid of processesOf(folder)) {
				try {
					if (readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("cli/import.ts")) {
						const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
						peak_kb = Math.max(peak_kb, Number(peak ?? 0));
					}
				} catch {
					// It exited during the check.
				}
			}
		}, 200);
		const code = await command.ended().finally(() => clearInterval(watch));
		expect(code).toBe(0);
		expect(command.output()).toContain("40000 created, 0 updated, 0 unchanged, 0 refused");
		console.info(`the import of 40,000 rows took ${Math.round(peak_kb / 1024)} MB at most`);
		expect(peak_kb).toBeGreaterThan(0);
		expect(peak_kb).toBeLessThan(250 * 1024);
		expect((await shop.request("GET", "/api/v1/products?limit=1")).status).toBe(200);
	});
});
