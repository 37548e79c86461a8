import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { callAction, type ParamsOf, withKey } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import type { DocumentService } from "../../mixins/documents.ts";
import type { ProductDocument } from "../../services/products/documents.ts";
import { newDocument } from "../../services/products/model.ts";
import type { Sweeper } from "../../services/products/sweeper.ts";
import { type GroupStore, VARIANTS_MAX, variantKey } from "../../services/products/variants.ts";
import { setVariables } from "../variables.ts";
import { newGroup, newVariant } from "./grouped-products.ts";
import { newProduct, startNode } from "./shop.ts";
import { chooseStore, stores } from "./stores.ts";

type Products = DocumentService<ProductDocument> & { sweeper: Sweeper; groups: GroupStore };

describe.each(stores)("groups of products on %s", (_, url) => {
	let broker: ServiceBroker;
	/** Another process on a server; a file has one owner. */
	let other: ServiceBroker;

	beforeAll(async () => {
		chooseStore(url);
		broker = await startNode("products");
		other = url ? await startNode("products") : broker;
		setVariables({ MONGO_URL: undefined });
		for (const node of [broker, other]) {
			await productsOf(node).sweeper.stop();
		}
	});

	afterAll(async () => {
		await Promise.all([broker.stop(), url ? other.stop() : undefined]);
	});

	const productsOf = (node: ServiceBroker) => node.getLocalService("v1.products") as unknown as Products;
	const get = (id: string) => callAction(broker, "v1.products.getGroup", { id });
	const product = (id: string) => callAction(broker, "v1.products.get", { id });
	const update = (params: ParamsOf<"v1.products.updateGroup">, node = broker) =>
		callAction(node, "v1.products.updateGroup", params, { ...asService(), nodeID: node.nodeID });
	const remove = (id: string, node = broker) =>
		callAction(node, "v1.products.removeGroup", { id }, { ...asService(), nodeID: node.nodeID });
	const unknown = { code: 404, type: "PRODUCT_GROUP_NOT_FOUND" };

	/** Calls a function once, before or after the next call of a method of a store: a rival that acts at this moment. */
	function beside<S extends object>(
		when: "before" | "after",
		store: S,
		method: keyof S,
		act: () => Promise<unknown>,
	) {
		const call = store[method] as (...given: unknown[]) => Promise<unknown>;
		Object.assign(store, {
			async [method](...given: unknown[]) {
				Object.assign(store, { [method]: call });
				if (when === "before") {
					await act();
				}
				const result = await call.apply(store, given);
				if (when === "after") {
					await act();
				}
				return result;
			},
		});
	}

	test("are added, changed and removed", async () => {
		const { id, ...group } = await newGroup(broker, "ukuran", "warna");
		expect(await get(id)).toEqual({ id, ...group, variants: [] });
		const changed = await update({ id, name: "Kemeja", category: "Kemeja" });
		expect(changed).toEqual({ id, ...group, name: "Kemeja", category: "kemeja" });
		expect(await get(id)).toEqual(changed);
		expect(await remove(id)).toBeNull();
		for (const gone of [() => get(id), () => update({ id, name: "x" }), () => remove(id)]) {
			await expect(gone()).rejects.toMatchObject(unknown);
		}
	});

	test.each([
		["no options", { options: [] }, "options"],
		["four options", { options: ["a", "b", "c", "d"] }, "options"],
		["the same option in other case", { options: ["ukuran", "Ukuran"] }, "options.1"],
		[
			"the same option in another form of Unicode",
			{ options: ["caf\u00e9", "x", "cafe\u0301"] },
			"options.2",
		],
		["the same option with other blanks", { options: ["ukuran", " ukuran\u200b"] }, "options.1"],
		["a name of 10,000 characters", { options: ["x".repeat(10_000)] }, "options.0"],
		["names of 10,000 marks", { options: [1, 2].map(() => `x${"\u0301".repeat(10_000)}`) }, "options.0"],
		["an option without a name", { options: ["\u200b"] }, "options.0"],
		["an option that objects cannot have", { options: ["__proto__"] }, "options.0"],
		["an option that is a number", { options: [1 as never] }, "options.0"],
		["no name", { name: "" }, "name"],
		["no category", { category: null as never }, "category"],
		["an unknown field", { variants: [] } as object, "variants"],
	])("are refused with %s, and nothing is changed", async (_what, given, path) => {
		const refused = {
			type: "VALIDATION_FAILED",
			data: { errors: expect.arrayContaining([expect.objectContaining({ path })]) },
		};
		const group = await newGroup(broker, "ukuran");
		const count = () => productsOf(broker).groups.groups.count({ query: {} });
		const before = await count();
		const params = { name: "Kaos", description: "", category: "kaos", options: ["ukuran"], ...given };
		await expect(callAction(broker, "v1.products.createGroup", params, asService())).rejects.toMatchObject(
			refused,
		);
		await expect(update({ id: group.id, ...given })).rejects.toMatchObject(refused);
		expect(await count()).toBe(before);
		expect(await get(group.id)).toEqual(group);
	});

	test("are added once and removed once by a request that is repeated", async () => {
		const params = { name: "Kaos", description: "", category: "kaos", options: ["ukuran"] };
		const key = { ...asService(), ...withKey("v1.products.createGroup", randomUUID()) };
		const add = () => callAction(broker, "v1.products.createGroup", params, key);
		const { id } = await add();
		expect(await add()).toMatchObject({ id });
		const removal = { ...asService(), ...withKey("v1.products.removeGroup", randomUUID()) };
		const removing = () => callAction(broker, "v1.products.removeGroup", { id }, removal);
		expect(await removing()).toBeNull();
		expect(await removing()).toBeNull();
	});

	test("leave their variants as products of their own when they are removed", async () => {
		const { id } = await newGroup(broker, "ukuran");
		const made = [];
		for (const ukuran of ["M", "L"]) {
			made.push(await newVariant(broker, id, { ukuran }));
		}
		await product(made[0]?.id as string);
		await remove(id);
		for (const variant of made) {
			expect(await product(variant.id)).toEqual({
				...variant,
				...{ group_id: null, updated_at: expect.any(String) },
			});
		}
		const next = await newGroup(broker, "ukuran");
		const [first] = made as unknown as [{ id: string }];
		const joined = await callAction(
			broker,
			"v1.products.update",
			{ id: first.id, group_id: next.id },
			asService(),
		);
		expect(joined).toMatchObject({ group_id: next.id, options: { ukuran: "M" } });
	});

	test("keep the names of their options while they have variants, but not their order", async () => {
		const { id } = await newGroup(broker, "ukuran");
		expect(await update({ id, options: ["Ukuran", "warna"] })).toMatchObject({
			options: ["Ukuran", "warna"],
		});
		const variant = await newVariant(broker, id, { ukuran: "M", warna: "Merah" });
		for (const options of [
			["Ukuran"],
			["ukuran", "warna"],
			["Ukuran", "warna", "bahan"],
			["size", "colour"],
		]) {
			await expect(update({ id, options })).rejects.toMatchObject({ code: 409, type: "GROUP_HAS_VARIANTS" });
		}
		expect(await update({ id, options: ["warna", "Ukuran"] })).toMatchObject({
			options: ["warna", "Ukuran"],
		});
		await expect(newVariant(broker, id, { Ukuran: "m", warna: "merah" })).rejects.toMatchObject({
			type: "VARIANT_EXISTS",
		});
		await callAction(broker, "v1.products.remove", { id: variant.id }, asService());
		expect(await update({ id, options: ["bahan"] })).toMatchObject({ options: ["bahan"], variants: [] });
	});

	test.each([
		["before", "removed"],
		["after", "removed"],
		["before", "given other options"],
		["after", "removed by a process that dies"],
	] as const)("have no variant that is written just %s they are %s", async (when, what) => {
		const { id } = await newGroup(broker, "ukuran");
		const { groups } = productsOf(other).groups;
		const rival = {
			removed: () => remove(id, other),
			"given other options": () => update({ id, options: ["bahan"] }, other),
			"removed by a process that dies": () => {
				const now = new Date().toISOString();
				return groups.updateMany({ _id: id }, { $set: { removed_at: now, leaving_since: now } });
			},
		}[what];
		// The product is written after the rival in the first case.
		beside(when === "before" ? "before" : "after", productsOf(broker).adapter, "insert", rival);
		const made = await newVariant(broker, id, { ukuran: "M" });
		expect(made).toMatchObject({ group_id: null, options: { ukuran: "M" } });
		expect(await productsOf(broker).adapter.find({ query: { group_id: id } })).toEqual([]);
	});

	test("get other options at the moment at which a variant comes, which stays outside", async () => {
		const { id } = await newGroup(broker, "ukuran");
		let late: { id: string } | undefined;
		beside("before", productsOf(broker).groups.groups, "updateMany", async () => {
			late = await newVariant(other, id, { ukuran: "M" });
		});
		expect(await update({ id, options: ["bahan"] })).toMatchObject({ options: ["bahan"], variants: [] });
		const stored = await productsOf(broker).adapter.findOne({ _id: (late as { id: string }).id });
		expect(stored).toMatchObject({ options: [["ukuran", "M"]] });
		expect(stored).not.toHaveProperty("group_id");
		expect(stored).not.toHaveProperty("variant_key");
	});

	test("lose their variants by the sweeper if the process that removed them has died", async () => {
		const { id } = await newGroup(broker, "ukuran");
		const variant = await newVariant(broker, id, { ukuran: "M" });
		const { groups } = productsOf(broker).groups;
		const now = new Date().toISOString();
		await groups.updateMany({ _id: id }, { $set: { removed_at: now, leaving_since: now } });
		await productsOf(broker).sweeper.sweepGroups();
		expect(await product(variant.id)).toMatchObject({ group_id: null });
		expect(await groups.findOne({ _id: id })).toMatchObject({ leaving_since: now });
		await productsOf(broker).sweeper.sweepGroups(Date.now() + 6 * 60_000);
		expect(await groups.findOne({ _id: id })).not.toHaveProperty("leaving_since");
	});

	test(`have at most ${VARIANTS_MAX} variants`, async () => {
		const { id } = await newGroup(broker, "nomor");
		const documents = Array.from({ length: VARIANTS_MAX - 1 }, (_, number) => {
			const options: [string, string][] = [["nomor", String(number)]];
			const variant = { group_id: id, options, variant_key: variantKey(id, options) };
			const given = { name: "Kaos", description: "", price: 1, stock: 1, category: "kaos" };
			return newDocument(given, undefined, null, variant);
		});
		await productsOf(broker).adapter.insertMany(documents);
		await newVariant(broker, id, { nomor: "last" });
		const full = {
			type: "VALIDATION_FAILED",
			data: { errors: [expect.objectContaining({ path: "group_id" })] },
		};
		await expect(newVariant(broker, id, { nomor: "x" })).rejects.toMatchObject(full);
		const { variants } = await get(id);
		expect(variants).toHaveLength(VARIANTS_MAX);
		const [first] = variants as unknown as [{ id: string }];
		const changed = await callAction(
			broker,
			"v1.products.update",
			{ id: first.id, options: { nomor: "x" } },
			asService(),
		);
		expect(changed).toMatchObject({ options: { nomor: "x" } });
		const loose = await newProduct(broker, 1);
		await expect(
			callAction(
				broker,
				"v1.products.update",
				{ id: loose.id, group_id: id, options: { nomor: "y" } },
				asService(),
			),
		).rejects.toMatchObject(full);
	});
});
