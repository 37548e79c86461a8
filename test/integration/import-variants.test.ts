import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { callAction } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import { setVariables } from "../variables.ts";
import { Imports, NOTHING } from "./imported.ts";
import { newProduct, startNode } from "./shop.ts";
import { chooseStore, stores } from "./stores.ts";

const HEADER = "sku,name,price,stock,category,group,option:ukuran,option:warna";

describe.each(stores)("variants of a catalogue file imported into %s", (_, url) => {
	let broker: ServiceBroker;
	let imports: Imports;

	beforeAll(async () => {
		chooseStore(url);
		broker = await startNode("products");
		setVariables({ MONGO_URL: undefined });
		imports = new Imports(broker);
	});

	afterAll(async () => {
		await broker.stop();
		imports.remove();
	});

	/** Returns a file with variants of a group, of these SKUs and options. */
	function file(group: string, ...variants: [sku: string, size: string, colour: string][]): string {
		const lines = variants.map((variant) => [
			variant[0],
			"Kaos",
			1000,
			5,
			"kaos",
			group,
			...variant.slice(1),
		]);
		return `${[HEADER, ...lines.map((line) => line.join(","))].join("\n")}\n`;
	}

	/** Imports a group with two variants. Returns its key, the SKUs of the variants, and the group. */
	async function known() {
		const [group, small, large] = [randomUUID(), randomUUID(), randomUUID()];
		const { counts } = await imports.take(file(group, [small, "S", "Merah"], [large, "L", "Merah"]));
		expect(counts).toEqual({ ...NOTHING, created: 2, groups_created: 1 });
		const { group_id } = await imports.product(small);
		return { group, small, large, id: group_id as string };
	}

	const groupOf = (id: string) => callAction(broker, "v1.products.getGroup", { id });

	test("create their group with the options of its lines, once", async () => {
		const { group, small, large, id } = await known();
		expect(await groupOf(id)).toMatchObject({
			...{ name: group, description: "", category: "kaos", options: ["ukuran", "warna"] },
			variants: [{ options: { ukuran: "S", warna: "Merah" } }, { options: { ukuran: "L", warna: "Merah" } }],
		});
		const same = file(group, [small, "S", "Merah"], [large, "L", "Merah"]);
		expect((await imports.take(same)).counts).toEqual({ ...NOTHING, unchanged: 2 });
		expect((await imports.take(`${same}\n`)).counts).toEqual({ ...NOTHING, unchanged: 2 });
		expect((await groupOf(id)).variants).toHaveLength(2);
	});

	test("change their options, keep those that are not said, and leave their group", async () => {
		const { small, large, id } = await known();
		const changes = `sku,option:ukuran,option:warna\n${small},M,Hijau\n`;
		expect((await imports.take(changes)).counts).toEqual({ ...NOTHING, updated: 1 });
		await imports.take(`sku,price\n${small},2000\n`);
		expect(await imports.product(small)).toMatchObject({
			...{ group_id: id, options: { ukuran: "M", warna: "Hijau" }, price: 2000 },
		});
		expect((await imports.take(`sku,group\n${large},\n`)).counts).toEqual({ ...NOTHING, updated: 1 });
		expect(await imports.product(large)).toMatchObject({
			...{ group_id: null, options: { ukuran: "L", warna: "Merah" } },
		});
	});

	test("join the group that their key, its id or its name stands for", async () => {
		const { group, id } = await known();
		const given = {
			name: `Kaos ${randomUUID()}`,
			description: "",
			category: "kaos",
			options: ["Ukuran", "Warna"],
		};
		const made = await callAction(broker, "v1.products.createGroup", given, asService());
		const skus = [randomUUID(), randomUUID(), randomUUID()] as const;
		const { counts } = await imports.take(
			file(group, [skus[0], "XL", "Biru"]) +
				file(made.id, [skus[1], "XL", "Biru"]).replace(`${HEADER}\n`, "") +
				file(made.name, [skus[2], "S", "Biru"]).replace(`${HEADER}\n`, ""),
		);
		expect(counts).toEqual({ ...NOTHING, created: 3 });
		const groups = await Promise.all(skus.map(async (sku) => (await imports.product(sku)).group_id));
		expect(groups).toEqual([id, made.id, made.id]);
		// The names are those of the group.
		expect(await imports.product(skus[2])).toMatchObject({ options: { Ukuran: "S", Warna: "Biru" } });
		await callAction(broker, "v1.products.createGroup", given, asService());
		const unclear = await imports.take(file(made.name, [randomUUID(), "M", "Biru"]));
		expect(unclear.refused).toEqual([
			[2, expect.stringMatching(/^group: 2 groups are called Kaos .* id of one/)],
		]);
	});

	test.each([
		["case", "m", "Merah"],
		["the form of Unicode", "Ｍ", "Merah"],
		["blanks", "M", "\u00a0Merah"],
	])("that differ from another line only in %s are refused with both lines", async (_, size, colour) => {
		const [one, other] = [randomUUID(), randomUUID()];
		const group = randomUUID();
		const { counts, refused } = await imports.take(file(group, [one, "M", "Merah"], [other, size, colour]));
		expect(counts).toEqual({ ...NOTHING, created: 1, refused: 1, groups_created: 1 });
		expect(refused).toEqual([[3, `options: is the same variant of the group ${group} as line 2`]]);
	});

	test("that are the same as one in the shop are refused with its SKU", async () => {
		const { group, small } = await known();
		const { refused } = await imports.take(
			file(group, [randomUUID(), "s", "MERAH"], [randomUUID(), "M", "Merah"]),
		);
		expect(refused).toEqual([[2, `options: ${small} is the same variant of this group`]]);
	});

	test("with other option names than an earlier line or the group are refused", async () => {
		const { group } = await known();
		const other = randomUUID();
		const { refused } = await imports.take(
			`${file(other, [randomUUID(), "S", "Merah"], [randomUUID(), "M", ""])}${randomUUID()},Kaos,1,1,kaos,${group},S,\n`,
		);
		expect(refused).toEqual([
			[3, `options: the group ${other} has the options ukuran, warna in line 2, and ukuran here`],
			[4, "options: must be those of the group: ukuran, warna; given: ukuran"],
		]);
	});

	test("without options, or with details that contradict each other, are refused", async () => {
		const group = randomUUID();
		const row = (name: string, size: string) => `${randomUUID()},Kaos,1,1,kaos,${group},${name},${size}\n`;
		const header = "sku,name,price,stock,category,group,group_name,option:ukuran\n";
		const { refused, counts } = await imports.take(
			header + row("Kaos", "") + row("Kaos Toko", "S") + row("Kaos toko", "M") + row("", "L"),
		);
		expect(counts).toEqual({ ...NOTHING, created: 2, refused: 2, groups_created: 1 });
		expect(refused.sort()).toEqual([
			[2, expect.stringMatching(/^options: /)],
			[4, 'group_name: line 3 says "Kaos Toko" of this group'],
		]);
	});

	test("give their group another name, description and category", async () => {
		const { group, small, large, id } = await known();
		const rows = [small, large].map((sku) => `${sku},${group},Kaos Baru,Katun,baju\n`).join("");
		const content = `sku,group,group_name,group_description,group_category\n${rows}`;
		expect((await imports.preview(content)).planned).toEqual([
			[2, `update group ${group}; unchanged ${small}`],
			[3, `unchanged ${large}`],
		]);
		expect((await imports.take(content)).counts).toEqual({ ...NOTHING, unchanged: 2, groups_updated: 1 });
		expect(await groupOf(id)).toMatchObject({ name: "Kaos Baru", description: "Katun", category: "baju" });
		expect((await imports.take(content)).counts).toEqual({ ...NOTHING, unchanged: 2 });
	});

	test("of a group that was removed make a new one", async () => {
		const { group, small, large, id } = await known();
		await callAction(broker, "v1.products.removeGroup", { id }, asService());
		const { counts } = await imports.take(file(group, [small, "S", "Merah"], [large, "L", "Merah"]));
		expect(counts).toEqual({ ...NOTHING, updated: 2, groups_created: 1 });
		const { group_id } = await imports.product(small);
		expect(group_id).not.toBe(id);
		expect((await groupOf(group_id as string)).variants).toHaveLength(2);
	});

	test("are created once by two imports at the same moment", async () => {
		const group = randomUUID();
		const skus = Array.from({ length: 4 }, () => randomUUID());
		const part = (from: number) =>
			imports.take(
				file(
					group,
					...skus.slice(from, from + 2).map((sku): [string, string, string] => [sku, sku, "Merah"]),
				),
			);
		const results = await Promise.all([part(0), part(2), part(0)]);
		expect(results.flatMap(({ refused }) => refused)).toEqual([]);
		const groups = new Set(await Promise.all(skus.map(async (sku) => (await imports.product(sku)).group_id)));
		expect([...groups]).toEqual([expect.any(String)]);
	});

	test("have weight, pictures, shipping and a former price, in CSV and in NDJSON", async () => {
		const fields = {
			...{ weight_g: 250, requires_shipping: false, compare_at_price: 120_000 },
			image_urls: ["https://toko.test/a.jpg", "https://toko.test/b.jpg"],
		};
		const [csv, ndjson, sized] = [randomUUID(), randomUUID(), randomUUID()];
		const product = { name: "Kopi", price: 92_000, stock: 5, category: "kopi" };
		await imports.take(
			`sku,name,price,stock,category,weight_g,requires_shipping,compare_at_price,image_urls\n${csv},Kopi,92000,5,kopi,250,tidak,120.000,https://toko.test/a.jpg https://toko.test/b.jpg\n`,
		);
		const lines = [
			{ sku: ndjson, ...product, ...fields },
			{ sku: sized, ...product, group: sized, options: { ukuran: 38 } },
		];
		await imports.take(lines.map((line) => JSON.stringify(line)).join("\n"), {}, "ndjson");
		for (const sku of [csv, ndjson]) {
			expect(await imports.product(sku)).toMatchObject({
				...product,
				...fields,
				group_id: null,
				options: null,
			});
		}
		expect(await imports.product(sized)).toMatchObject({ options: { ukuran: "38" } });
		await imports.take(`sku,image_url,compare_at_price,weight_g\n${csv},https://toko.test/c.jpg,,\n`);
		expect(await imports.product(csv)).toMatchObject({
			...{ compare_at_price: null, weight_g: 250 },
			image_urls: ["https://toko.test/c.jpg", "https://toko.test/b.jpg"],
		});
	});

	test("are previewed line by line, and nothing is written", async () => {
		const { group, small, large, id } = await known();
		const before = await groupOf(id);
		const { id: product_id } = await newProduct(broker, 3);
		const [fresh, other, next] = [randomUUID(), randomUUID(), randomUUID()];
		const content = [
			`${HEADER},weight_g`,
			`${small},Kaos Toko,1000,9,kaos,${group},S,Merah,`,
			`${large},Kaos,1000,9,kaos,${group},L,Merah,`,
			`${fresh},Kaos,1000,9,kaos,${group},XL,Merah,`,
			`${other},Kaos,1000,9,kaos,${other},S,Merah,`,
			`${next},Kaos,1000,9,kaos,${other},M,Merah,`,
			`${product_id},Kopi,15000,3,kopi,,,,100`,
			`${fresh},Kaos,1000,9,kaos,,,,`,
			`${randomUUID()},Kaos,1000,9,kaos,${group},l,merah,`,
			`${randomUUID()},Kaos,seribu,9,kaos,,,,`,
		].join("\n");
		const { planned, refused, counts } = await imports.preview(content);
		expect(counts).toEqual({
			...NOTHING,
			created: 3,
			updated: 2,
			unchanged: 1,
			refused: 3,
			groups_created: 1,
		});
		expect(planned).toEqual([
			[2, `update ${small}: name Kaos → Kaos Toko`],
			[3, `unchanged ${large}`],
			[4, `create ${fresh} as variant of ${group} (ukuran XL, warna Merah)`],
			[
				5,
				`create group ${other} (ukuran, warna); create ${other} as variant of ${other} (ukuran S, warna Merah)`,
			],
			[6, `create ${next} as variant of ${other} (ukuran M, warna Merah)`],
			[
				7,
				expect.stringMatching(new RegExp(`^update ${product_id}: name Kopi .* → Kopi; .*weight_g 0 → 100$`)),
			],
		]);
		expect(refused).toEqual([
			[8, `sku: ${fresh} stands in an earlier line of this file`],
			[9, `options: is the same variant of the group ${group} as line 3`],
			[10, 'price: "seribu" is not a number: write digits, such as 150000'],
		]);
		expect(await groupOf(id)).toEqual(before);
		expect((await imports.preview(content)).counts).toEqual(counts);
		// The import then does what was announced.
		expect((await imports.take(content)).counts).toEqual(counts);
	});
});
