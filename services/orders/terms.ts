import type { z } from "zod";
import { settings } from "../../config/settings.ts";
import type { ActionContext } from "../../contracts/actions.ts";
import { problem } from "../../contracts/problems.ts";
import type { orderRequest } from "../../contracts/quotes.ts";
import type { OrderAddress } from "./model.ts";
import { basisPoints } from "./pricing/arithmetic.ts";
import type { PriceInput } from "./pricing/price.ts";
import { PICKUP } from "./pricing/shipping.ts";
import type { Tax } from "./pricing/tax.ts";
import type { Refusal } from "./reasons.ts";
import type { OrderingService } from "./reservations.ts";
import { type MethodRow, PICKUP_ROW } from "./shipping.ts";
import type { FoundTerms } from "./statements.ts";
import { termsOfVoucher, type VoucherRow } from "./vouchers.ts";

export type OrderBody = z.output<typeof orderRequest>;

/** Terms of an order besides its products, as they are when it is priced. */
export interface Terms {
	/** Null if the request names none although it has an address: then nothing can be shipped. */
	method: MethodRow | null;
	address: OrderAddress | null;
	voucher: VoucherRow | null;
	tax: Tax;
	/** Reasons for which an order of any products is refused. */
	refusals: ({ about: "voucher" | "shipping" } & Refusal)[];
}

/** Returns the tax of the shop. */
function shopTax(): Tax {
	return { basis_points: basisPoints(settings.taxRate) as number, is_included: settings.pricesIncludeTax };
}

/**
 * Reads the terms of an order. Without a method and an address it is collected, as orders of the version before are.
 *
 * @param user_id Undefined for a quote without a token.
 * @throws ADDRESS_NOT_FOUND; UNAUTHENTICATED for an `address_id` without a user.
 */
export async function readTerms(
	{ statements }: OrderingService,
	ctx: Pick<ActionContext, "call">,
	body: OrderBody,
	user_id: number | undefined,
): Promise<Terms> {
	const { voucher_code } = body;
	const address = await addressOf(ctx, body, user_id);
	const code = body.shipping_method ?? (address ? undefined : PICKUP.code);
	const isNamed = voucher_code !== undefined || (code !== undefined && code !== PICKUP.code);
	const found = isNamed ? await statements.findTerms({ shipping_method: code, voucher_code, user_id }) : null;
	const method = code === PICKUP.code ? PICKUP_ROW : (found?.method ?? null);
	const voucher = found?.voucher ?? null;
	const unavailable: Terms["refusals"][number] = {
		...{ about: "shipping", code: "SHIPPING_NOT_AVAILABLE", data: { reason: "unknown_method" } },
	};
	return {
		...{ method, address, voucher, tax: shopTax() },
		refusals: [
			...(voucher_code === undefined ? [] : voucherRefusals(found)),
			...(code && !method ? [unavailable] : []),
		],
	};
}

/**
 * Returns why a voucher cannot be used by an order of any products. Whether a use is left is decided by the transaction
 * of the order; this spares the units of those who come later.
 */
function voucherRefusals(found: FoundTerms | null): Terms["refusals"] {
	const about = "voucher" as const;
	if (!found?.voucher) {
		return [{ about, code: "VOUCHER_NOT_APPLICABLE", data: { reason: "unknown" } }];
	}
	const { max_uses, per_user, used } = found.voucher;
	const reason =
		max_uses !== null && used >= max_uses
			? "max_uses"
			: per_user !== null && found.used_by_user >= per_user
				? "per_user"
				: undefined;
	return reason ? [{ about, code: "VOUCHER_USED_UP", data: { reason } }] : [];
}

/** Returns what the price function needs of terms. */
export function toPriceBy({ method, address, voucher, tax }: Terms): Omit<PriceInput, "lines"> {
	return {
		shipping: method && { method, destination: address },
		voucher: voucher && termsOfVoucher(voucher),
		tax,
		at: new Date(),
	};
}

/** Returns what an order keeps of its method of shipping: all that its fee depends on but the zones. */
export function keptMethod({
	name,
	bands,
	per_extra_kg_minor,
	free_from_minor,
	eta_days,
}: MethodRow): object {
	return { name, bands, per_extra_kg_minor, free_from_minor, eta_days };
}

/** Returns what an order keeps of its voucher. */
export function keptVoucher(row: VoucherRow): object {
	const { promotion, kind, value, cap_minor, min_subtotal_minor, category, starts_at, ends_at } = row;
	return { promotion, kind, value, cap_minor, min_subtotal_minor, category, starts_at, ends_at };
}

/** Returns a copy of the address that an order is sent to. */
async function addressOf(
	ctx: Pick<ActionContext, "call">,
	{ address, address_id }: OrderBody,
	user_id: number | undefined,
): Promise<OrderAddress | null> {
	if (address_id !== undefined && user_id === undefined) {
		throw problem("UNAUTHENTICATED");
	}
	const given =
		address_id !== undefined && user_id !== undefined
			? await ctx.call("v1.users.addressOf", { user_id, id: address_id })
			: address;
	if (!given) {
		return null;
	}
	const { recipient, phone, line1, line2 = null, city, province, postal_code, country } = given;
	return { recipient, phone, line1, line2, city, province, postal_code, country };
}
