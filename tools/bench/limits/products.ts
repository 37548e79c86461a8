import { benchProducts } from "../cases.ts";
import { NOT_FOUND, ok, refusal, type Service } from "./services.ts";

interface Product {
	id: string;
	name: string;
	price: number;
	stock: number;
	category: string;
}

/** A line of an order. */
export interface Line {
	product_id: string;
	quantity: number;
}

/** Service for products and holds in memory; nothing is written to disk. */
export function products(): Service {
	const byId = new Map<string, Product>();
	const byCategory = new Map<string, Product[]>();
	const holds = new Map<string, Line[]>();
	const now = new Date().toISOString();
	for (const [number, fields] of benchProducts().entries()) {
		const id = `01a214bcc3bc0001${number.toString(16).padStart(8, "0")}`;
		const product = { id, ...fields, image_url: null, currency: "IDR", created_at: now, updated_at: now };
		byId.set(id, product);
		byCategory.set(fields.category, [...(byCategory.get(fields.category) ?? []), product]);
	}
	return {
		get({ id }: { id: string }) {
			const product = byId.get(id);
			return product === undefined ? NOT_FOUND : ok(product);
		},

		list({ category, skip, limit }: { category: string; skip: number; limit: number }) {
			return ok((byCategory.get(category) ?? []).slice(skip, skip + limit));
		},

		/** Holds all lines or none. */
		reserve({ id, lines }: { id: string; lines: Line[] }) {
			const short = [];
			for (const { product_id, quantity } of lines) {
				const available = byId.get(product_id)?.stock ?? 0;
				if (available < quantity) {
					const message = `only ${available} of ${quantity} are left`;
					short.push({ path: "items", message, available, requested: quantity, product_id });
				}
			}
			if (short.length > 0) {
				return refusal(409, "OUT_OF_STOCK", "Out of stock", { errors: short });
			}
			const held = lines.map(({ product_id, quantity }) => {
				const product = byId.get(product_id) as Product;
				product.stock -= quantity;
				return { product_id, name: product.name, price: product.price, quantity };
			});
			holds.set(id, lines);
			return ok(held);
		},

		release({ id }: { id: string }) {
			for (const { product_id, quantity } of holds.get(id) ?? []) {
				(byId.get(product_id) as Product).stock += quantity;
			}
			return ok(holds.delete(id));
		},

		consume({ id }: { id: string }) {
			return ok(holds.delete(id));
		},
	};
}
