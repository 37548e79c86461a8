import type { EventData } from "../../contracts/actions.ts";
import { CURRENCY, CURRENCY_DECIMALS, fromMinor } from "../../contracts/money.ts";

/** What a message says, in plain text. */
export interface Message {
	type: string;
	subject: string;
	body: string;
}

/** Greets a new user. */
export function welcome(name: string): Message {
	return {
		type: "welcome",
		subject: "Selamat Datang di Toko Online!",
		body: `Halo ${name},\n\nterima kasih telah bergabung!\n`,
	};
}

/** Confirms an order with what was ordered and the total. */
export function orderConfirmation(name: string, order: EventData<"order.placed">): Message {
	const lines = order.items.map(
		(item) => `- ${item.quantity} × ${item.name}: ${money(item.price_minor * item.quantity)}`,
	);
	return {
		type: "order_confirmation",
		subject: `Konfirmasi Order #${order.number}`,
		body: [
			`Halo ${name},`,
			"",
			`order Anda #${order.number} sedang diproses.`,
			"",
			...lines,
			"",
			`Total: ${money(order.total_minor)}`,
			"",
		].join("\n"),
	};
}

const format = new Intl.NumberFormat("id-ID", {
	minimumFractionDigits: CURRENCY_DECIMALS,
	maximumFractionDigits: CURRENCY_DECIMALS,
});

/** `Rp 1.250.000`; other currencies by their code. */
function money(minor: number): string {
	return `${CURRENCY === "IDR" ? "Rp" : CURRENCY} ${format.format(fromMinor(minor))}`;
}
