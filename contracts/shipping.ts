import { z } from "zod";
import { country } from "./addresses.ts";
import { action } from "./contract.ts";
import { comparedLine, limit, line, skip, whole } from "./fields.ts";
import { price, sum } from "./money.ts";

/** Maximum weight in a band or a query, in grams. */
const WEIGHT_MAX = 2 ** 31 - 1;
const ZONES_MAX = 300;
const PREFIXES_MAX = 1000;
const BANDS_MAX = 50;
const DAYS_MAX = 365;

/** Code of a method of shipping, in lower case. */
export const shippingCode = comparedLine(1, 40)
	.toLowerCase()
	.regex(/^[a-z0-9][a-z0-9._-]*$/, "must be letters, digits, dots, hyphens or underscores, such as jne-reg")
	.meta({ examples: ["jne-reg"] });

const province = comparedLine(1, 100);
const postalCode = comparedLine(1, 20)
	.toUpperCase()
	.meta({ examples: ["40115"] });

/** A postal code is compared without blanks and hyphens: of nothing else, a prefix would be that of every code. */
const postalPrefix = postalCode.refine(
	(prefix) => /[\p{L}\p{N}]/u.test(prefix),
	"must have a letter or digit",
);

const zone = z
	.strictObject({
		country,
		province: province.nullable().optional(),
		/** Only the postal codes that begin with one of these. */
		postal_prefixes: z.array(postalPrefix).max(PREFIXES_MAX).nullable().optional(),
	})
	.meta({ id: "ShippingZone", examples: [{ country: "ID", province: "Jawa Barat" }] });

const bands = z
	.array(z.strictObject({ up_to_g: whole(0, WEIGHT_MAX), fee: price }).meta({ id: "ShippingBand" }))
	.min(1)
	.max(BANDS_MAX)
	.superRefine((given, check) => {
		const weights = given.map(({ up_to_g }) => up_to_g);
		for (const [place, weight] of weights.entries()) {
			if (weights.indexOf(weight) !== place) {
				const message = "is the limit of an earlier band as well";
				check.addIssue({ code: "custom", path: [place, "up_to_g"], message });
			}
		}
	});

const fields = {
	name: line(1, 100),
	/** Regions that it ships to. */
	zones: z.array(zone).min(1).max(ZONES_MAX),
	/** Fees by weight: that of the lightest band that the weight does not exceed. */
	bands,
	/** Fee for each begun kilogram above the heaviest band; without it nothing heavier is shipped. */
	per_extra_kg: price.nullable().optional(),
	/** From this amount of goods after discount it is free. */
	free_from: sum.nullable().optional(),
	eta_days: whole(0, DAYS_MAX).nullable().optional(),
};

const newShippingMethod = z.strictObject({ code: shippingCode, ...fields });

export type NewShippingMethod = z.output<typeof newShippingMethod>;

/** Changes of a method of shipping. */
const shippingMethodChange = z.strictObject({
	code: shippingCode,
	...z.strictObject(fields).partial().shape,
});

export type ShippingMethodChange = z.output<typeof shippingMethodChange>;

const EXAMPLE = {
	code: "jne-reg",
	name: "JNE Reguler",
	zones: [{ country: "ID", province: "Jawa Barat", postal_prefixes: null }],
	bands: [
		{ up_to_g: 1000, fee: 9000 },
		{ up_to_g: 5000, fee: 29_000 },
	],
	per_extra_kg: 5000,
	free_from: 999_000,
	eta_days: 3,
};

/** A method of shipping in the API. */
export const shippingMethod = z
	.strictObject({
		code: z.string(),
		name: z.string(),
		zones: z.array(
			z.strictObject({
				country: z.string(),
				province: z.string().nullable(),
				postal_prefixes: z.array(z.string()).nullable(),
			}),
		),
		bands: z.array(z.strictObject({ up_to_g: z.int(), fee: z.number() })),
		per_extra_kg: z.number().nullable(),
		free_from: z.number().nullable(),
		eta_days: z.int().nullable(),
		/** Only in a list for a country: what it costs there at the weight. */
		fee: z.number().optional(),
	})
	.meta({ id: "ShippingMethod", examples: [EXAMPLE] });

/** The actions of orders that are about methods of shipping. */
export const shippingActions = {
	shippingMethods: action({
		summary:
			"All methods of shipping; with a country those that ship a weight there, with their fee. `pickup` is always one of them",
		permissions: "public",
		example: { country: "ID", province: "Jawa Barat", postal_code: "40115", weight_g: 1200 },
		params: z.strictObject({
			country: country.optional(),
			province: province.optional(),
			postal_code: postalCode.optional(),
			weight_g: whole(0, WEIGHT_MAX).default(0),
			skip,
			limit: limit(100),
		}),
		result: z.array(shippingMethod),
		rest: { method: "GET", path: "/shipping-methods" },
		idempotent: true,
	}),
	addShippingMethod: action({
		summary: "Add a method of shipping; its code is in lower case",
		permissions: "admin",
		problems: ["SHIPPING_METHOD_EXISTS"],
		example: EXAMPLE,
		params: newShippingMethod,
		result: shippingMethod,
		rest: { method: "POST", path: "/shipping-methods", status: 201 },
	}),
	updateShippingMethod: action({
		summary: "Change a method of shipping; orders keep what they were placed with",
		permissions: "admin",
		problems: ["SHIPPING_METHOD_NOT_FOUND"],
		example: { code: "jne-reg", eta_days: 2 },
		params: shippingMethodChange,
		result: shippingMethod,
		rest: { method: "PATCH", path: "/shipping-methods/:code" },
		idempotent: true,
	}),
	removeShippingMethod: action({
		summary: "Remove a method of shipping; orders keep it",
		permissions: "admin",
		problems: ["SHIPPING_METHOD_NOT_FOUND"],
		params: z.strictObject({ code: shippingCode }),
		result: z.null(),
		rest: { method: "DELETE", path: "/shipping-methods/:code", status: 204 },
	}),
};
