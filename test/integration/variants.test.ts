import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { ServiceBroker } from "moleculer";
import { callAction, type ParamsOf, withKey } from "../../contracts/actions.ts";
import { DESCRIBES_LINES } from "../../contracts/products.ts";
import { asService } from "../../middlewares/permissions.ts";
import type { DocumentService } from "../../mixins/documents.ts";
import type { HoldPage, ProductDocument } from "../../services/products/documents.ts";
import { setVariables } from "../variables.ts";
import { newGroup, newVariant } from "./grouped-products.ts";
import { newProduct, startNode } from "./shop.ts";
import { chooseStore, stores } from "./stores.ts";

describe.each(stores)("variants on %s", (_, url) => {
	let broker: ServiceBroker;
	let nodes: ServiceBroker[];

	beforeAll(async () => {
		chooseStore(url);
		broker = await startNode("products");
		// With a server, two processes share the products; a file has one owner.
		nodes = [broker, ...(url ? [await startNode("products")] : [])];
		setVariables({ MONGO_URL: undefined });
	});

	afterAll(async () => {
		await Promise.all(nodes.map((node) => node.stop()));
	});

	const products = () =>
		broker.getLocalService("v1.products") as unknown as DocumentService<ProductDocument, HoldPage>;
	const update = (params: ParamsOf<"v1.products.update">) =>
		callAction(broker, "v1.products.update", params, asService());
	const get = (id: string) => callAction(broker, "v1.products.get", { id });
	const remove = (id: string) => callAction(broker, "v1.products.remove", { id }, asService());
	const inGroup = async (id: string) => (await callAction(broker, "v1.products.getGroup", { id })).variants;
	const count = async () => (await callAction(broker, "v1.products.count", {}, asService())).products;
	const exists = (product_id: string) => ({
		...{ code: 409, type: "VARIANT_EXISTS" },
		data: { product_id },
	});
	const invalid = (path: string) => ({
		type: "VALIDATION_FAILED",
		data: { errors: expect.arrayContaining([expect.objectContaining({ path })]) },
	});

	test("have the names and the order of their group's options, and are shown with it in the order in which they came", async () => {
		const group = await newGroup(broker, "ukuran", "warna");
		expect(group).toMatchObject({ options: ["ukuran", "warna"], variants: [] });
		const one = await newVariant(broker, group.id, { Warna: "Merah", UKURAN: " M " });
		const two = await newVariant(broker, group.id, { ukuran: "L", warna: "Merah" }, { price: 90_000 });
		expect(one).toMatchObject({ group_id: group.id, options: { ukuran: "M", warna: "Merah" } });
		expect(Object.keys(one.options ?? {})).toEqual(["ukuran", "warna"]);
		expect(await inGroup(group.id)).toEqual([one, two]);
		await remove(one.id);
		expect(await inGroup(group.id)).toEqual([two]);
		expect(await callAction(broker, "v1.products.groups", { group: group.id }, asService())).toEqual([
			{ id: group.id, name: group.name, options: group.options, variants: 1, stock: 5 },
		]);
	});

	test.each([
		["case", "M", "m"],
		["the form of Unicode", "caf\u00e9", "cafe\u0301"],
		["compatible characters", "M", "\uff2d"],
		["blanks and invisible characters", "biru tua", "\u200bbiru\u00a0 tua "],
		["a sharp s and its capitals", "Straße", "STRASSE"],
		["a final sigma", "ΟΔΟΣ", "οδος"],
	])("are the same where their options differ by %s only", async (_difference, first, second) => {
		const { id } = await newGroup(broker, "ukuran");
		const made = await newVariant(broker, id, { ukuran: first });
		await expect(newVariant(broker, id, { Ukuran: second })).rejects.toMatchObject(exists(made.id));
		expect(await inGroup(id)).toEqual([made]);
	});

	test("are different where their options are, or their groups", async () => {
		const [group, other] = [await newGroup(broker, "ukuran"), await newGroup(broker, "ukuran")];
		for (const ukuran of ["i", "ı", "e", "é", "M", "L"]) {
			await newVariant(broker, group.id, { ukuran });
		}
		await newVariant(broker, other.id, { ukuran: "M" });
		await newVariant(broker, null, { ukuran: "M" });
		await newVariant(broker, null, { ukuran: "M" });
		expect(await inGroup(group.id)).toHaveLength(6);
	});

	test("are added once by many who add the same at the same moment, in any process", async () => {
		const { id } = await newGroup(broker, "ukuran", "warna");
		const forms: Record<string, string>[] = [
			{ ukuran: "M", warna: "Merah" },
			{ WARNA: "merah", ukuran: "\uff2d" },
			{ Ukuran: "m ", Warna: "MERAH" },
		];
		const loose = await Promise.all(forms.map((options) => newVariant(broker, null, options)));
		const attempts = Array.from({ length: 24 }, (_, attempt) => {
			const node = nodes[attempt % nodes.length] as ServiceBroker;
			const options = forms[attempt % 3] as Record<string, string>;
			return attempt < 3
				? callAction(
						node,
						"v1.products.update",
						{ id: loose[attempt]?.id as string, group_id: id },
						asService(),
					)
				: newVariant(node, id, options);
		});
		const answers = await Promise.allSettled(attempts);
		expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
		const [made, ...others] = await inGroup(id);
		expect(others).toEqual([]);
		for (const answer of answers) {
			if (answer.status === "rejected") {
				expect(answer.reason).toMatchObject(exists(made?.id as string));
			}
		}
	});

	test("are unique in any sequence of additions, changes and removals, as a list of their own says", async () => {
		const value = fc.constantFrom("M", "m", "\uff2d", "L", "l ", "é", "e\u0301", "E");
		const folded = (text: string) => text.normalize("NFKC").trim().toLowerCase();
		const step = fc.record({ what: fc.constantFrom("add", "change", "remove"), value, place: fc.nat(3) });
		await fc.assert(
			fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 8 }), async (steps) => {
				const { id } = await newGroup(broker, "ukuran");
				const known = new Map<string, string>();
				for (const { what, value: ukuran, place } of steps) {
					const at = [...known.keys()][place];
					const isTaken = [...known].some(
						([other, text]) => text === folded(ukuran) && (what === "add" || other !== at),
					);
					if (what === "remove" && at) {
						await remove(at);
						known.delete(at);
					} else if (what === "add" || (what === "change" && at)) {
						const writing =
							what === "add"
								? newVariant(broker, id, { ukuran })
								: update({ id: at as string, options: { ukuran } });
						const outcome = await writing.then(
							(product) => product.id,
							({ type }) => type as string,
						);
						expect({ steps, isTaken, outcome }).toMatchObject(
							isTaken ? { outcome: "VARIANT_EXISTS" } : { outcome: expect.not.stringMatching(/^[A-Z]/) },
						);
						if (!isTaken) {
							known.set(outcome, folded(ukuran));
						}
					}
				}
				expect((await inGroup(id)).map((variant) => variant.id).toSorted()).toEqual(
					[...known.keys()].toSorted(),
				);
			}),
			{ numRuns: url ? 10 : 25 },
		);
	});

	test("are added once by a request that is repeated", async () => {
		const { id } = await newGroup(broker, "ukuran");
		const given = { name: "Kaos", description: "", price: 1, stock: 1, category: "kaos" };
		const options = { ...asService(), ...withKey("v1.products.create", randomUUID()) };
		const add = () =>
			callAction(broker, "v1.products.create", { ...given, group_id: id, options: { ukuran: "M" } }, options);
		const made = await add();
		expect(await Promise.all([add(), add()])).toEqual([made, made]);
		expect(await inGroup(id)).toEqual([made]);
	});

	test("may have the options of one that a process of an earlier version has removed", async () => {
		const { id } = await newGroup(broker, "ukuran");
		const first = await newVariant(broker, id, { ukuran: "M" });
		await products().adapter.updateMany(
			{ _id: first.id },
			{ $set: { removed_at: new Date().toISOString() } },
		);
		const second = await newVariant(broker, id, { ukuran: "m" });
		expect(await inGroup(id)).toEqual([second]);
	});

	test("join, change and leave a group later, with their options", async () => {
		const { id } = await newGroup(broker, "ukuran");
		const m = await newVariant(broker, id, { ukuran: "M" });
		const loose = await newProduct(broker, 1);
		expect(loose).toMatchObject({ group_id: null, options: null });
		await expect(update({ id: loose.id, group_id: id })).rejects.toMatchObject(invalid("options"));
		await expect(update({ id: loose.id, group_id: id, options: { ukuran: "M" } })).rejects.toMatchObject(
			exists(m.id),
		);
		expect(await get(loose.id)).toEqual(loose);
		expect(await update({ id: loose.id, group_id: id, options: { ukuran: "L" } })).toMatchObject({
			...{ group_id: id, options: { ukuran: "L" } },
		});
		await expect(update({ id: loose.id, options: { ukuran: "m" } })).rejects.toMatchObject(exists(m.id));
		await expect(update({ id: loose.id, options: null })).rejects.toMatchObject(invalid("options"));
		expect(await update({ id: loose.id, options: { ukuran: "l" }, price: 7 })).toMatchObject({
			...{ price: 7, options: { ukuran: "l" } },
		});
		expect(await update({ id: loose.id, group_id: null })).toMatchObject({
			...{ group_id: null, options: { ukuran: "l" } },
		});
		const next = await newVariant(broker, id, { ukuran: "L" });
		expect((await inGroup(id)).map((variant) => variant.id)).toEqual([m.id, next.id]);
	});

	test.each([
		["options of other names", { options: { size: "M", warna: "Merah" } }, "options"],
		["an option too few", { options: { ukuran: "M" } }, "options"],
		["an option too many", { options: { ukuran: "M", warna: "Merah", bahan: "katun" } }, "options"],
		["four options", { options: { a: "1", b: "2", c: "3", d: "4" } }, "options"],
		["no options", { options: null }, "options"],
		["options that are none", { options: {} }, "options"],
		["the same option twice", { options: { ukuran: "M", UKURAN: "L", warna: "Merah" } }, "options"],
		[
			"a value of 10,000 characters",
			{ options: { ukuran: "x".repeat(10_000), warna: "b" } },
			"options.ukuran",
		],
		["a name of 10,000 characters", { options: { ["x".repeat(10_000)]: "M", warna: "b" } }, "options"],
		["a name of 10,000 marks", { options: { [`x${"\u0301".repeat(10_000)}`]: "M", warna: "b" } }, "options"],
		["a value that cannot be seen", { options: { ukuran: "\u200b", warna: "b" } }, "options.ukuran"],
		["a value that is a number", { options: { ukuran: 40, warna: "b" } as never }, "options.ukuran"],
		["a weight above 2^31 - 1", { weight_g: 2 ** 31 }, "weight_g"],
		["a weight below zero", { weight_g: -1 }, "weight_g"],
		["a weight that is no whole number", { weight_g: 1.5 }, "weight_g"],
		["a weight as text", { weight_g: "250" as never }, "weight_g"],
		[
			"eleven pictures",
			{ image_urls: Array.from({ length: 11 }, (_, n) => `https://toko.test/${n}`) },
			"image_urls",
		],
		["a picture by FTP", { image_urls: ["ftp://toko.test/a.jpg"] }, "image_urls.0"],
		[
			"two first pictures",
			{ image_url: "https://toko.test/a", image_urls: ["https://toko.test/b"] },
			"image_url",
		],
		["a former price below zero", { compare_at_price: -1 }, "compare_at_price"],
		["shipping as text", { requires_shipping: "yes" as never }, "requires_shipping"],
	])("are refused with %s, and nothing is changed", async (_what, given, path) => {
		const group = await newGroup(broker, "ukuran", "warna");
		const made = await newVariant(broker, group.id, { ukuran: "S", warna: "Hijau" });
		const before = await count();
		const params = {
			name: "Kaos",
			description: "",
			price: 1,
			stock: 1,
			category: "kaos",
			group_id: group.id,
		};
		const options = { ukuran: "M", warna: "Merah" };
		await expect(
			callAction(broker, "v1.products.create", { ...params, options, ...given }, asService()),
		).rejects.toMatchObject(invalid(path));
		await expect(update({ id: made.id, ...given })).rejects.toMatchObject(invalid(path));
		expect(await count()).toBe(before);
		expect(await inGroup(group.id)).toEqual([made]);
	});

	test("are refused in a group that there is not, and nothing is added", async () => {
		const before = await count();
		const unknown = { code: 404, type: "PRODUCT_GROUP_NOT_FOUND" };
		await expect(newVariant(broker, randomUUID(), { ukuran: "M" })).rejects.toMatchObject(unknown);
		expect(await count()).toBe(before);
		const loose = await newProduct(broker, 1);
		await expect(
			update({ id: loose.id, group_id: randomUUID(), options: { ukuran: "M" } }),
		).rejects.toMatchObject(unknown);
		expect(await get(loose.id)).toEqual(loose);
	});

	test("and other products get weight, shipping, pictures and a former price, of which each can be changed alone", async () => {
		const plain = await newProduct(broker, 1);
		const unset = { weight_g: 0, requires_shipping: true, image_urls: [], compare_at_price: null };
		expect(plain).toMatchObject(unset);
		const [a, b, c] = ["a", "b", "c"].map((name) => `https://toko.test/${name}.jpg`) as [
			string,
			string,
			string,
		];
		const full = {
			weight_g: 2 ** 31 - 1,
			requires_shipping: false,
			image_urls: [a, b],
			compare_at_price: 99_000,
		};
		expect(await update({ id: plain.id, ...full })).toMatchObject({
			...full,
			image_url: a,
			name: plain.name,
		});
		expect(await update({ id: plain.id, image_url: c })).toMatchObject({ image_url: c, image_urls: [c, b] });
		expect(await update({ id: plain.id, image_url: b })).toMatchObject({ image_url: b, image_urls: [b] });
		expect(await update({ id: plain.id, image_urls: [c, a] })).toMatchObject({ image_url: c });
		expect(await update({ id: plain.id, image_url: null })).toMatchObject({
			image_url: null,
			image_urls: [],
		});
		expect(await update({ id: plain.id, compare_at_price: 0, weight_g: 250 })).toMatchObject({
			...{ compare_at_price: 0, weight_g: 250, requires_shipping: false },
		});
		expect(await update({ id: plain.id, compare_at_price: null })).toMatchObject({ compare_at_price: null });
	});

	test("of an earlier version read as before, with the defaults", async () => {
		const { id } = await newProduct(broker, 1);
		const { adapter } = products();
		const added = ["group_id", "options", "weight_g", "requires_shipping", "compare_at_price_minor"];
		const $unset = Object.fromEntries(added.map((field) => [field, true]));
		await adapter.updateMany({ _id: id }, { $unset, $set: { image_url: "https://toko.test/a.jpg" } });
		// Not by the cache.
		const product = await update({ id, name: "Lama" });
		expect(product).toMatchObject({ image_urls: ["https://toko.test/a.jpg"], group_id: null, options: null });
		expect(product).toMatchObject({ weight_g: 0, requires_shipping: true, compare_at_price: null });
		expect(await update({ id, weight_g: 5, options: { ukuran: "M" } })).toMatchObject({ weight_g: 5 });
	});

	test("are described to callers who reserve them and ask for that, and to no others", async () => {
		const { id: group_id } = await newGroup(broker, "ukuran");
		const { id: product_id } = await newVariant(broker, group_id, { ukuran: "M" }, { weight_g: 200 });
		const reserve = (headers?: object) => {
			const expires_at = new Date(Date.now() + 60_000).toISOString();
			const lines = [{ product_id, quantity: 1 }];
			const params = { reservation_id: randomUUID(), lines, expires_at };
			return callAction(broker, "v1.products.reserve", params, {
				...asService(),
				headers: { ...asService().headers, ...headers },
			} as never);
		};
		const line = { product_id, quantity: 1, name: "Kaos", price_minor: 80_000 };
		expect((await reserve()).lines).toEqual([line]);
		const described = { options: { ukuran: "M" }, weight_g: 200, requires_shipping: true, category: "kaos" };
		expect((await reserve({ [DESCRIBES_LINES]: true })).lines).toEqual([{ ...line, ...described }]);
	});
});

test("are the only products in a file's index of groups, whose entry of all the others each order would copy", async () => {
	chooseStore(undefined);
	const broker = await startNode("products");
	const { id } = await newGroup(broker, "ukuran");
	const leaving = await newVariant(broker, id, { ukuran: "M" });
	const staying = await newVariant(broker, id, { ukuran: "L" });
	const loose = await newProduct(broker, 1);
	await callAction(broker, "v1.products.update", { id: leaving.id, group_id: null }, asService());
	const { adapter } = broker.getLocalService("v1.products") as unknown as {
		adapter: { db: { indexes: { group_id: { getAll(): ProductDocument[] } } } };
	};
	const indexed = adapter.db.indexes.group_id.getAll().map(({ _id }) => _id);
	expect(indexed).toContain(staying.id);
	expect(indexed).not.toContain(leaving.id);
	expect(indexed).not.toContain(loose.id);
	await broker.stop();
});
