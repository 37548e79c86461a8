import { randomUUID } from "node:crypto";
import type { ServiceBroker } from "moleculer";
import { sign } from "../../services/orders/webhook.ts";
import { newProduct, type Person } from "./shop.ts";

/** What signs the provider's messages. */
export const SECRET = () => process.env.PAYMENT_WEBHOOK_SECRET as string;

/** The present moment, in unix seconds. */
export const now = () => Math.floor(Date.now() / 1000);

/** A message of the provider. */
export interface Told {
	id?: string;
	type?: string;
	reference: string;
	amount: number;
}

/** What the provider tells of a payment. */
export function pick({ reference, amount }: { reference: string; amount: number }) {
	return { reference, amount };
}

/** The gateway of a shop, as its customers and the payment provider use it. */
export class Gateway {
	#shop: ServiceBroker;
	#address: string;

	constructor(shop: ServiceBroker, address: string) {
		this.#shop = shop;
		this.#address = address;
	}

	async post(path: string, as?: Person, body?: unknown, headers: Record<string, string> = {}) {
		const response = await fetch(`${this.#address}/api/v1${path}`, {
			method: "POST",
			headers: {
				...(body === undefined ? {} : { "content-type": "application/json" }),
				...(as ? { authorization: `Bearer ${as.token}` } : {}),
				...headers,
			},
			...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
		});
		return { status: response.status, body: JSON.parse(await response.text()) };
	}

	/** Tells as the provider does, rightly signed. */
	tell(told: Told) {
		const body = JSON.stringify({ id: randomUUID(), type: "payment.settled", ...told });
		return this.post("/payments/webhook", undefined, body, { "toko-signature": sign(SECRET(), body, now()) });
	}

	async newOrder(buyer: Person, quantity = 2) {
		const product = await newProduct(this.#shop, 5, 15_000);
		const order = await buyer.call("v1.orders.place", { items: [{ product_id: product.id, quantity }] });
		return { product, order };
	}

	/** An order that is to be paid by transfer. */
	async transfer(buyer: Person) {
		const { order, product } = await this.newOrder(buyer);
		const { body } = await this.post(`/orders/${order.id}/pay`, buyer, { method: "transfer" });
		return { order, product, payment: body.payment as { reference: string; amount: number; due_at: string } };
	}
}
