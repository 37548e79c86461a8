import { z } from "zod";
import { comparedLine, DAMAGED, isUndamaged, line, moment, opaqueId, text, whole } from "./fields.ts";
import { price } from "./money.ts";
import { optionNames, options } from "./options.ts";

/** Maximum number of units of a product in stock. */
export const STOCK_MAX = 1_000_000_000;

/** Maximum number of units of one product in an order. */
export const QUANTITY_MAX = 10_000;

export const stock = whole(0, STOCK_MAX);
/** Upper bound of counts: of units ever supplied, and of stream sequences, which start at the time in ms. */
export const COUNT_MAX = 1e15;
/** The shop's own key for a product. */
export const sku = comparedLine(1, 60);
/** Category of a product, in lower case, which may be longer than the given text. */
export const category = comparedLine(1, 60).toLowerCase().normalize("NFC").max(60);
/** Characters that a URL must encode: unencoded, they reverse the text around it or end its line. */
const UNSEEN = /[\p{C}\p{Z}]/u;
const imageUrl = z
	.url({ protocol: /^https?$/, error: "must be an http or https address" })
	.max(2000)
	.refine((url) => !UNSEEN.test(url), "must not hold blanks or characters that cannot be seen")
	.refine(isUndamaged, DAMAGED);
/** Maximum number of pictures of a product. */
const IMAGES_MAX = 10;
/** Maximum weight of a unit in grams. */
const WEIGHT_MAX = 2 ** 31 - 1;
const weight = whole(0, WEIGHT_MAX);

/** A product in the API; prices in the shop's currency. */
export const product = z
	.strictObject({
		id: z.string(),
		name: z.string(),
		description: z.string(),
		price: z.number(),
		stock: z.int(),
		category: z.string(),
		/** The first of `image_urls`. */
		image_url: z.string().nullable(),
		image_urls: z.array(z.string()),
		/** The group of which it is a variant. */
		group_id: z.string().nullable(),
		options: z.record(z.string(), z.string()).nullable(),
		weight_g: weight,
		requires_shipping: z.boolean(),
		/** A former price, to show how much is saved. */
		compare_at_price: z.number().nullable(),
		currency: z.string(),
		created_at: moment,
		updated_at: moment,
		/** Number and prices of its group's variants; only in a list with `collapse`. */
		variant_count: z.int().optional(),
		min_price: z.number().optional(),
		max_price: z.number().optional(),
	})
	.meta({
		id: "Product",
		examples: [
			{
				id: "01a20af7e8d300020f7306eb",
				name: "Kopi Gayo 250 g",
				description: "Biji sangrai.",
				price: 92_000,
				stock: 40,
				category: "kopi",
				image_url: null,
				image_urls: [],
				group_id: null,
				options: null,
				weight_g: 250,
				requires_shipping: true,
				compare_at_price: null,
				currency: "IDR",
				created_at: "2026-11-23T08:00:00.000Z",
				updated_at: "2026-11-23T08:00:00.000Z",
			},
		],
	});

const described = {
	name: line(1, 200),
	description: text(0, 5000),
	price,
	category,
	image_url: imageUrl.nullable().optional(),
};

/** Fields that a request for a new product may leave out. */
const more = {
	/** Replaces `image_url`, which is the first of them. */
	image_urls: z.array(imageUrl).max(IMAGES_MAX),
	group_id: opaqueId.nullable(),
	/** Required in a group: a value for each of its options. */
	options: options.nullable(),
	weight_g: weight,
	requires_shipping: z.boolean(),
	compare_at_price: price.nullable(),
};

interface Images {
	image_url?: string | null | undefined;
	image_urls?: string[] | undefined;
}

function checkImages({ image_url, image_urls }: Images, check: z.RefinementCtx): void {
	if (image_url !== undefined && image_urls !== undefined && image_url !== (image_urls[0] ?? null)) {
		check.addIssue({
			code: "custom",
			path: ["image_url"],
			message: "must be the first of image_urls: give one of the two",
		});
	}
}

/** A new product in a request. */
export const newProduct = z
	.strictObject({ ...described, stock, ...z.strictObject(more).partial().shape })
	.superRefine(checkImages);

/** Changes of a product. */
export const productChanges = z
	.strictObject({ id: opaqueId, ...z.strictObject({ ...described, ...more }).partial().shape })
	.superRefine(checkImages);

/** A group of variants in the API. */
export const productGroup = z
	.strictObject({
		id: z.string(),
		name: z.string(),
		description: z.string(),
		category: z.string(),
		/** Names of the options in which its variants differ. */
		options: z.array(z.string()),
		/** Its products, in the order in which they came. */
		variants: z.array(product),
	})
	.meta({
		id: "ProductGroup",
		examples: [
			{
				id: "01a20af7e8d300020f7306ec",
				name: "Kaos Toko",
				description: "Katun.",
				category: "kaos",
				options: ["ukuran", "warna"],
				variants: [],
			},
		],
	});

/** A new group in a request. */
export const newGroup = z.strictObject({
	name: described.name,
	description: described.description,
	category,
	options: optionNames,
});

/** The shop's own key of a group in catalogue files. */
export const groupKey = comparedLine(1, 200);

/**
 * A line of a catalogue file. `sku` is the shop's own key: the same SKU is the same product. An omitted field leaves
 * the product's value unchanged; null clears it. `group` is the key, the id or the name of a group; a group that does
 * not exist is created.
 */
export const catalogueLine = z
	.strictObject({
		sku,
		...z
			.strictObject({
				...described,
				description: described.description.nullable(),
				stock,
				image_urls: more.image_urls,
				weight_g: more.weight_g,
				requires_shipping: more.requires_shipping,
				compare_at_price: more.compare_at_price,
				options: more.options,
				group: groupKey.nullable(),
				group_name: described.name,
				group_description: described.description,
				group_category: category,
			})
			.partial().shape,
	})
	.superRefine(checkImages);

/** Fields that a new product requires. A line that lacks one can only update an existing product. */
export const neededOfNew = z.enum(["name", "price", "stock", "category"]);

/**
 * Outcome of a line of a catalogue file. `repeated`: an earlier line of the same file has the same SKU; `removed`: the
 * product was removed from the shop and stays removed; `missing`: the SKU is new, and the line lacks these fields;
 * `refused`: it does not fit its group, for this reason; `product` and `group`: it also created or changed its group.
 */
export const catalogueOutcome = z.union([
	z.enum(["created", "updated", "unchanged", "repeated", "removed"]),
	z.strictObject({ missing: z.array(neededOfNew).min(1) }),
	z.strictObject({ refused: z.string() }),
	z.strictObject({
		product: z.enum(["created", "updated", "unchanged"]),
		group: z.enum(["created", "updated"]),
	}),
]);

/** Outcome that a line of a catalogue file would have, and what it would change, as shortened text. */
export const cataloguePreview = z.strictObject({
	outcome: catalogueOutcome,
	changes: z.array(z.strictObject({ field: z.string(), from: z.string(), to: z.string() })),
});

/**
 * Reason of a change in stock other than by an order: `create` and `import` (the first stock), `admin` (by hand),
 * `restock` (of a refunded order), `repair` (by `npm run audit -- --repair`), `earlier` (before there was a ledger).
 */
export const supplyReason = z.enum(["create", "import", "admin", "restock", "repair", "earlier"]);

/** One product of an order, before its availability is known. */
export const orderLine = z
	.strictObject({
		product_id: opaqueId,
		quantity: whole(1, QUANTITY_MAX),
	})
	.meta({ id: "OrderLine", examples: [{ product_id: "01a20af7e8d300020f7306eb", quantity: 2 }] });

/** Maximum number of products in an order, and so in a reservation. */
export const ORDER_LINES_MAX = 100;
