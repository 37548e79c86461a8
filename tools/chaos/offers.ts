import type { Client } from "./client.ts";

/** Prices and offers of a shop under test. */
export interface Offers {
	products: string[];
	voucher_codes: string[];
	/** Fields of an order that is shipped. */
	shipping: typeof SHIPPED;
}

/** Initial stocks, some of them so small that buyers compete for the units. */
const STOCKS = [1, 1, 2, 3, 5, 8, 50, 200, 1000, 1000];

/** Vouchers, some of them with so few uses that buyers compete for them; two share the uses of a promotion. */
const VOUCHERS = [
	{ code: "HEMAT", kind: "percent", value: 12.5, max_uses: 1_000_000 },
	{ code: "CEPAT", kind: "amount", value: 700, max_uses: 5 },
	{ code: "SEKALI", kind: "percent", value: 50, cap: 900, per_user: 2, max_uses: 1_000_000 },
	{ code: "PAGI", promotion: "harian", kind: "amount", value: 300, max_uses: 9 },
	{ code: "MALAM", promotion: "harian", kind: "percent", value: 3 },
	{ code: "GRATIS", kind: "shipping", max_uses: 30 },
];

export const METHOD = {
	code: "reguler",
	name: "Reguler",
	zones: [{ country: "ID" }],
	bands: [{ up_to_g: 30_000, fee: 999 }],
	free_from: 15_000,
	eta_days: 3,
};

const ADDRESS = {
	recipient: "Budi Santoso",
	phone: "+6281234567890",
	line1: "Jalan Kopi 7",
	city: "Bandung",
	province: "Jawa Barat",
	postal_code: "40115",
	country: "ID",
};

/** Fields of an order that is shipped. */
export const SHIPPED = { shipping_method: METHOD.code, address: ADDRESS };

/** Creates products, vouchers and a method of shipping. */
export async function openOffers(client: Client, token: string): Promise<Offers> {
	const create = async (path: string, body: object) => {
		const response = await client.send("POST", path, { token, body });
		if (response?.status !== 201) {
			throw new Error(`POST ${path} returned ${response?.status}: ${JSON.stringify(response?.body)}`);
		}
		return response.body;
	};
	const products: string[] = [];
	for (const [number, stock] of STOCKS.entries()) {
		const price = 1000 * (number + 1) - number;
		const body = { name: `Barang ${number}`, description: "", price, stock, category: "uji", weight_g: 100 };
		products.push((await create("/products", body)).id);
	}
	for (const voucher of VOUCHERS) {
		await create("/vouchers", voucher);
	}
	await create("/shipping-methods", METHOD);
	return {
		products,
		voucher_codes: VOUCHERS.map(({ code }) => code),
		shipping: SHIPPED,
	};
}
