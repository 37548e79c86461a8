import { z } from "zod";
import { action, page } from "./contract.ts";
import { comparedLine, cursor, limit, moment, skip, whole } from "./fields.ts";
import { price, sum } from "./money.ts";
import { category } from "./product-schemas.ts";
import { comparable } from "./text.ts";

const CODE_MAX = 64;
const USES_MAX = 1_000_000_000;

/** Code of a voucher in the form in which it is compared: without differences of case, of Unicode's forms and of blanks. */
export const voucherCode = comparedLine(1, CODE_MAX)
	.overwrite((code) => comparable(code.normalize("NFKC").toUpperCase().normalize("NFKC")))
	.min(1)
	.max(CODE_MAX)
	.meta({ examples: ["HEMAT10"] });

const voucherKind = z.enum(["percent", "amount", "shipping"]).meta({ id: "VoucherKind" });

/** A percentage with at most two decimals. It is compared as text, because 100 × 1.15 is no whole number. */
const PERCENT = /^(100|\d{1,2}(\.\d{1,2})?)$/;

/** Returns what is wrong with the value of a voucher of this kind; undefined if it is right. */
export function valueError(
	kind: z.output<typeof voucherKind>,
	value: number | null | undefined,
): string | undefined {
	if (value == null) {
		return kind === "shipping" ? undefined : `is required for a voucher of the kind ${kind}`;
	}
	if (kind === "percent") {
		return PERCENT.test(String(value)) && value > 0
			? undefined
			: "must be a percentage above 0 and at most 100, with at most two decimals";
	}
	const issue = price.safeParse(value).error?.issues[0];
	return issue ? issue.message : value > 0 ? undefined : "must be above 0";
}

const terms = {
	/**
	 * Percent with at most two decimals, or an amount. One of the kind `shipping` takes this amount off the fee; without a
	 * value the whole fee.
	 */
	value: z.number().nullable().optional(),
	/** Upper limit of the discount. */
	cap: sum.nullable().optional(),
	/** Lower limit of the goods that it is for, before the discount. */
	min_subtotal: sum.nullable().optional(),
	/** Category of the goods that it is for. */
	category: category.nullable().optional(),
	starts_at: moment.nullable().optional(),
	/** First moment at which it applies no more. */
	ends_at: moment.nullable().optional(),
	/** Number of orders that may use it; of all codes of its promotion. */
	max_uses: whole(0, USES_MAX).nullable().optional(),
	/** Number of orders of one user that may use it; of all codes of its promotion. */
	per_user: whole(1, USES_MAX).nullable().optional(),
};

/** Returns what is wrong with the window of a voucher; undefined if it is right. */
export function windowError(
	starts_at: string | Date | null | undefined,
	ends_at: string | Date | null | undefined,
) {
	return starts_at && ends_at && new Date(ends_at) <= new Date(starts_at)
		? "must be after starts_at"
		: undefined;
}

const newVoucher = z
	.strictObject({
		/** `/vouchers/..` is the address of something else, so such a voucher could be neither read nor changed. */
		code: voucherCode.refine((code) => !/^\.{1,2}$/.test(code), "must not be . or .."),
		/** Codes of one promotion share its limits. */
		promotion: comparedLine(1, 100).nullable().optional(),
		kind: voucherKind,
		...terms,
	})
	.superRefine(({ kind, value, starts_at, ends_at }, check) => {
		for (const [path, message] of [
			["value", valueError(kind, value)],
			["ends_at", windowError(starts_at, ends_at)],
		] as const) {
			if (message) {
				check.addIssue({ code: "custom", path: [path], message });
			}
		}
	});

export type NewVoucher = z.output<typeof newVoucher>;

const voucherChange = z.strictObject({ code: voucherCode, ...terms });

export type VoucherChange = z.output<typeof voucherChange>;

const EXAMPLE = {
	code: "HEMAT10",
	promotion: null,
	kind: "percent" as const,
	value: 10,
	cap: 50_000,
	min_subtotal: 100_000,
	category: null,
	starts_at: "2026-11-01T00:00:00.000Z",
	ends_at: "2026-12-01T00:00:00.000Z",
	max_uses: 100,
	per_user: 1,
};

/** A voucher in the API. */
export const voucher = z
	.strictObject({
		code: z.string(),
		promotion: z.string().nullable(),
		kind: voucherKind,
		value: z.number().nullable(),
		cap: z.number().nullable(),
		min_subtotal: z.number().nullable(),
		category: z.string().nullable(),
		starts_at: moment.nullable(),
		ends_at: moment.nullable(),
		max_uses: z.int().nullable(),
		per_user: z.int().nullable(),
		/** Number of orders that use it, cancelled and expired ones left out; of all codes of its promotion. */
		used: z.int(),
		created_at: moment,
		updated_at: moment,
	})
	.meta({
		id: "Voucher",
		examples: [
			{
				...EXAMPLE,
				used: 7,
				created_at: "2026-10-23T08:00:00.000Z",
				updated_at: "2026-10-23T08:00:00.000Z",
			},
		],
	});

/** The actions of orders that are about vouchers. */
export const voucherActions = {
	addVoucher: action({
		summary: "Add a voucher; case does not matter in its code",
		permissions: "admin",
		problems: ["VOUCHER_EXISTS"],
		example: EXAMPLE,
		params: newVoucher,
		result: voucher,
		rest: { method: "POST", path: "/vouchers", status: 201, location: "/vouchers/:code" },
	}),
	vouchers: action({
		summary: "The vouchers, newest first",
		permissions: "admin",
		example: {
			cursor:
				"WyJ2b3VjaGVycyIsIjIwMjYtMTEtMjNUMDg6MDA6MDAuMTIzNDU2KzAwOjAwIDNmMWM4YTUyLTdkMWUtNGIyZi05YzU1LTBhNmYyZjdmOWYxMSJd",
		},
		params: z.strictObject({ skip, limit: limit(20), cursor: cursor.optional() }),
		result: page(voucher),
		rest: { method: "GET", path: "/vouchers" },
		idempotent: true,
	}),
	voucher: action({
		summary: "A voucher by its code",
		permissions: "admin",
		problems: ["VOUCHER_NOT_FOUND"],
		params: z.strictObject({ code: voucherCode }),
		result: voucher,
		rest: { method: "GET", path: "/vouchers/:code" },
		idempotent: true,
	}),
	updateVoucher: action({
		summary:
			"Change a voucher; limits are those of all codes of its promotion. A `max_uses` below `used` means that none are left. Orders keep what they were placed with",
		permissions: "admin",
		problems: ["VOUCHER_NOT_FOUND"],
		example: { code: "HEMAT10", max_uses: 200 },
		params: voucherChange,
		result: voucher,
		rest: { method: "PATCH", path: "/vouchers/:code" },
		idempotent: true,
	}),
};
