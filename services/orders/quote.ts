import type { z } from "zod";
import type { ActionContext } from "../../contracts/actions.ts";
import { CURRENCY, fromMinor, toMinor } from "../../contracts/money.ts";
import { problemCode } from "../../contracts/problem-codes.ts";
import { describe, type FieldError, problem } from "../../contracts/problems.ts";
import type { quote } from "../../contracts/quotes.ts";
import { itemsOf, signedInUser } from "./carts.ts";
import { fieldsOf, isShipped, pricedLines, toPrice } from "./costs.ts";
import { presentLine } from "./model.ts";
import { mergeLines } from "./pricing/lines.ts";
import { type Price, price } from "./pricing/price.ts";
import type { Tax } from "./pricing/tax.ts";
import { priceChanged, type Refusal, refusalFor } from "./reasons.ts";
import type { OrderingService } from "./reservations.ts";
import { type OrderBody, readTerms, toPriceBy } from "./terms.ts";

type Quote = z.input<typeof quote>;

/**
 * Returns what an order would cost now, with the reasons for which it would be refused; nothing is held. A refused
 * voucher or method is left out of the price.
 *
 * @throws PRODUCT_NOT_FOUND, TOTAL_TOO_LARGE, and those of `readTerms`.
 */
export async function quoteOrder(service: OrderingService, ctx: ActionContext<OrderBody>): Promise<Quote> {
	const body = ctx.params;
	// A public action has no caller; a token tells whose address it is.
	const user_id = await signedInUser(ctx);
	const { items } = await itemsOf(service, body, user_id);
	const [found, terms] = await Promise.all([
		findProducts(ctx, mergeLines(items)),
		readTerms(service, ctx, body, user_id),
	]);
	const { method, voucher, tax, refusals } = terms;
	const isRefused = (about: string) => refusals.some((refusal) => refusal.about === about);
	const priced = price({
		lines: toPrice(found),
		...toPriceBy(isRefused("voucher") ? { ...terms, voucher: null } : terms),
	});
	if ("refused" in priced) {
		throw problem(priced.refused);
	}
	const { total_minor } = priced;
	const differs = body.expected_total !== undefined && toMinor(body.expected_total) !== total_minor;
	const lines = pricedLines(found, priced, tax);
	return {
		items: lines.map((line, place) => ({
			...presentLine(line, place),
			available: found[place]?.available ?? 0,
		})),
		...presentAmounts(priced, tax),
		voucher_code: voucher?.code ?? null,
		shipping_method: isShipped(found) ? (method?.code ?? null) : null,
		reasons: [
			...found.flatMap(({ quantity, available }, place) =>
				available >= quantity ? [] : [shortage(place, available)],
			),
			...refusals.map(({ about, ...refusal }) => ({ about, ...described(refusal) })),
			...priced.reasons
				.filter(({ about }) => !isRefused(about))
				.map((reason) => ({ about: reason.about, ...described(refusalFor(reason)) })),
			...(differs ? [{ about: "total" as const, ...described(priceChanged(total_minor)) }] : []),
		],
	};
}

/** Returns the sums of a price as a quote shows them. */
export function presentAmounts(priced: Price, tax: Tax) {
	return {
		subtotal: fromMinor(priced.subtotal_minor),
		discount: fromMinor(priced.discount_minor),
		shipping: fromMinor(priced.shipping_minor),
		tax: fromMinor(priced.tax_minor),
		tax_included: tax.is_included,
		total: fromMinor(priced.total_minor),
		currency: CURRENCY,
		weight_g: priced.weight_g,
	};
}

/** Reads the products of lines; the cache of responses has most of them. */
async function findProducts(ctx: ActionContext, items: readonly { product_id: string; quantity: number }[]) {
	const missing: FieldError[] = [];
	const found = await Promise.all(
		items.map(async ({ product_id, quantity }) => {
			try {
				const product = await ctx.call("v1.products.get", { id: product_id });
				return [{ product_id, quantity, ...fieldsOf(product) }];
			} catch (error) {
				if (problemCode(error) !== "PRODUCT_NOT_FOUND") {
					throw error;
				}
				missing.push({ path: "items", message: "there is no such product", product_id });
				return [];
			}
		}),
	);
	if (missing.length > 0) {
		throw problem("PRODUCT_NOT_FOUND", { errors: missing });
	}
	return found.flat();
}

/** Returns the reason against a line of which there are too few units. */
export function shortage(place: number, available: number): Quote["reasons"][number] {
	const line = place + 1;
	const message = `Line ${line} asks for more than the ${available} units in stock.`;
	return { about: "stock", code: "OUT_OF_STOCK", message, line, available };
}

/** Returns a refusal as a reason of a quote. */
export function described({ code, data }: Refusal) {
	return { code, message: describe(code, data, "en"), ...data };
}
