import type { EventData, EventName } from "../../contracts/actions.ts";
import { CURRENCY, CURRENCY_DECIMALS, fromMinor } from "../../contracts/money.ts";

/** What a message says, in plain text. */
export interface Message {
	type: string;
	subject: string;
	body: string;
}

type Writers = { [N in EventName]?: (name: string, data: EventData<N>) => Message };

/** What a customer is told of: the message for each event, by the customer's name and the event's data. */
export const MESSAGES = {
	"user.registered": (name) => ({
		type: "welcome",
		subject: "Selamat Datang di Toko Online!",
		body: letter(name, ["terima kasih telah bergabung!"]),
	}),
	"order.placed": (name, { number, items, total_minor }) => ({
		type: "order_confirmation",
		subject: `Konfirmasi Order #${number}`,
		body: letter(name, [
			`order Anda #${number} sedang diproses.`,
			"",
			...items.map((item) => `- ${item.quantity} × ${item.name}: ${money(item.price_minor * item.quantity)}`),
			"",
			`Total: ${money(total_minor)}`,
		]),
	}),
	"order.paid": (name, { number, total_minor }) => ({
		type: "order_paid",
		subject: `Pembayaran Order #${number} diterima`,
		body: letter(name, [`pembayaran ${money(total_minor)} untuk order #${number} sudah kami terima.`]),
	}),
	"order.shipped": (name, { number }) => ({
		type: "order_shipped",
		subject: `Order #${number} dikirim`,
		body: letter(name, [`order Anda #${number} sudah dikirim.`]),
	}),
	"order.cancelled": (name, { number }) => ({
		type: "order_cancelled",
		subject: `Order #${number} dibatalkan`,
		body: letter(name, [`order Anda #${number} sudah dibatalkan. Tidak ada yang perlu dibayar.`]),
	}),
	"order.expired": (name, { number }) => ({
		type: "order_expired",
		subject: `Order #${number} kedaluwarsa`,
		body: letter(name, [`order Anda #${number} tidak dibayar tepat waktu dan sudah ditutup.`]),
	}),
	"order.refunded": (name, { number, total_minor }) => ({
		type: "order_refunded",
		subject: `Dana Order #${number} dikembalikan`,
		body: letter(name, [`dana ${money(total_minor)} untuk order #${number} kami kembalikan.`]),
	}),
	"payment.refunded": (name, { number, amount_minor }) => ({
		type: "payment_refunded",
		subject: `Pembayaran Order #${number} dikembalikan`,
		body: letter(name, [
			`pembayaran ${money(amount_minor)} kami terima ketika order #${number} sudah tidak bisa dibayar lagi,`,
			"jadi dananya sudah kami kembalikan seluruhnya.",
		]),
	}),
} satisfies Writers;

function letter(name: string, lines: string[]): string {
	return [`Halo ${name},`, "", ...lines, ""].join("\n");
}

const format = new Intl.NumberFormat("id-ID", {
	minimumFractionDigits: CURRENCY_DECIMALS,
	maximumFractionDigits: CURRENCY_DECIMALS,
});

/** `Rp 1.250.000`; other currencies by their code. */
function money(minor: number): string {
	return `${CURRENCY === "IDR" ? "Rp" : CURRENCY} ${format.format(fromMinor(minor))}`;
}
