import { randomUUID } from "node:crypto";
import type { ServiceBroker } from "moleculer";
import { settings } from "../../config/settings.ts";
import { sign } from "../../services/orders/webhook.ts";
import { newProduct, type Person } from "./shop.ts";

/** Returns the secret that signs the provider's webhooks. */
export const SECRET = () => settings.paymentWebhookSecret;

/** Returns the current Unix time in seconds. */
export const now = () => Math.floor(Date.now() / 1000);

/** A webhook of the provider. */
export interface Told {
	id?: string;
	type?: string;
	reference: string;
	amount: number;
}

/** Returns the fields of a payment that the provider reports. */
export function pick({ reference, amount }: { reference: string; amount: number }) {
	return { reference, amount };
}

/** The gateway of a shop, as used by its customers and the payment provider. */
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

	/** Sends a webhook with a valid signature. */
	tell(told: Told) {
		const body = JSON.stringify({ id: randomUUID(), type: "payment.settled", ...told });
		return this.post("/payments/webhook", undefined, body, { "toko-signature": sign(SECRET(), body, now()) });
	}

	async newOrder(buyer: Person, quantity = 2) {
		const product = await newProduct(this.#shop, 5, 15_000);
		const order = await buyer.call("v1.orders.place", { items: [{ product_id: product.id, quantity }] });
		return { product, order };
	}

	/** Places an order to be paid by transfer. */
	async transfer(buyer: Person) {
		const { order, product } = await this.newOrder(buyer);
		const { body } = await this.post(`/orders/${order.id}/pay`, buyer, { method: "transfer" });
		return { order, product, payment: body.payment as { reference: string; amount: number; due_at: string } };
	}
}
