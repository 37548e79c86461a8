import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { callAction } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import { type GroupDocument, PRODUCT_GROUPS } from "../../services/products/documents.ts";
import { variantKey } from "../../services/products/variants.ts";
import { AuditedProducts } from "./audited-products.ts";
import { newGroup, newVariant } from "./grouped-products.ts";
import { stores } from "./stores.ts";

describe.each(stores)("with products on %s, the audit names", (_, url) => {
	const shop = new AuditedProducts(url);

	beforeAll(() => shop.start());
	afterEach(() => shop.undo());
	afterAll(() => shop.stop());

	const groups = () => shop.products.further<GroupDocument>(PRODUCT_GROUPS);

	async function twoVariants() {
		const { id } = await newGroup(shop.node, "ukuran");
		const m = await newVariant(shop.node, id, { ukuran: "M" });
		const l = await newVariant(shop.node, id, { ukuran: "L" });
		shop.made.push(m.id, l.id);
		return { id, m, l };
	}

	test("nothing of variants that came, changed and left", async () => {
		const { id, m } = await twoVariants();
		await callAction(shop.node, "v1.products.remove", { id: m.id }, asService());
		const next = await newVariant(shop.node, id, { ukuran: "m" });
		shop.made.push(next.id);
		expect(await shop.breaches()).toEqual([]);
		await callAction(shop.node, "v1.products.removeGroup", { id }, asService());
		expect(await shop.breaches()).toEqual([]);
	});

	test("two variants with the same options, in whatever form, whose key is gone", async () => {
		const { id, m, l } = await twoVariants();
		await shop.breakIt(l.id, { $set: { options: [["UKURAN", "\uff2d"]] }, $unset: { variant_key: true } });
		expect(await shop.breaches()).toEqual([
			expect.stringMatching(
				`^product (${m.id}|${l.id}) \\(Kaos\\) has the same options as product (${m.id}|${l.id}) of group ${id}$`,
			),
		]);
	});

	test.each<[string, (group: string) => object, string]>([
		[
			"a key of other options",
			() => ({ variant_key: "x" }),
			'has a key that does not match its options: "x"',
		],
		["options that are text", () => ({ options: "M" }), 'has invalid options: "M"'],
		["options that are null", () => ({ options: null }), "has invalid options: null"],
		[
			"a pair of three",
			() => ({ options: [["ukuran", "L", "x"]] }),
			'has invalid options: [["ukuran","L","x"]]',
		],
		[
			"options of other names",
			(group) => ({ options: [["size", "L"]], variant_key: variantKey(group, [["size", "L"]]) }),
			'has other options than group GROUP: [["size","L"]]',
		],
		[
			"a group that there is not",
			() => ({ group_id: "none", variant_key: variantKey("none", [["ukuran", "L"]]) }),
			'is a variant of group "none", which does not exist',
		],
	])("%s", async (_what, change, what) => {
		const { id, l } = await twoVariants();
		await shop.breakIt(l.id, { $set: change(id) });
		expect(await shop.breaches()).toEqual([`product ${l.id} (Kaos) ${what.replace("GROUP", id)}`]);
	});

	test("the variants of a group that was removed by hand, but not while they are being taken out of it", async () => {
		const { id, m, l } = await twoVariants();
		const removed_at = new Date().toISOString();
		await groups().updateMany({ _id: id }, { $set: { removed_at } });
		expect((await shop.breaches()).toSorted()).toEqual(
			[m, l]
				.map((one) => `product ${one.id} (Kaos) is a variant of group "${id}", which does not exist`)
				.toSorted(),
		);
		await groups().updateMany({ _id: id }, { $set: { leaving_since: removed_at } });
		expect(await shop.breaches()).toEqual([]);
		await shop.products.sweeper.sweepGroups(Date.now() + 6 * 60_000);
		expect(await shop.breaches()).toEqual([]);
	});
});
