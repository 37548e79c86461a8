import type { EventData, EventName } from "../../contracts/actions.ts";
import { CURRENCY, CURRENCY_DECIMALS, fromMinor } from "../../contracts/money.ts";

/** What a message says, in plain text. */
export interface Message {
	subject: string;
	body: string;
}

type Messages = { [N in EventName]?: { type: string; write(name: string, data: EventData<N>): Message } };

/** What a customer is told of: the message for each event, by the customer's name and the event's data. */
export const MESSAGES = {
	"user.registered": {
		type: "welcome",
		write: (name) => ({
			subject: "Selamat Datang di Toko Online!",
			body: letter(name, ["terima kasih telah bergabung!"]),
		}),
	},
	"order.placed": {
		type: "order_confirmation",
		write: (name, { number, items, total_minor }) => ({
			subject: `Konfirmasi Order #${number}`,
			body: letter(name, [
				`order Anda #${number} sedang diproses.`,
				"",
				...items.map(
					(item) => `- ${item.quantity} × ${item.name}: ${money(item.price_minor * item.quantity)}`,
				),
				"",
				`Total: ${money(total_minor)}`,
			]),
		}),
	},
	"order.paid": {
		type: "order_paid",
		write: (name, { number, total_minor }) => ({
			subject: `Pembayaran Order #${number} diterima`,
			body: letter(name, [`pembayaran ${money(total_minor)} untuk order #${number} sudah kami terima.`]),
		}),
	},
	"order.shipped": {
		type: "order_shipped",
		write: (name, { number }) => ({
			subject: `Order #${number} dikirim`,
			body: letter(name, [`order Anda #${number} sudah dikirim.`]),
		}),
	},
	"order.cancelled": {
		type: "order_cancelled",
		write: (name, { number }) => ({
			subject: `Order #${number} dibatalkan`,
			body: letter(name, [`order Anda #${number} sudah dibatalkan. Tidak ada yang perlu dibayar.`]),
		}),
	},
	"order.expired": {
		type: "order_expired",
		write: (name, { number }) => ({
			subject: `Order #${number} kedaluwarsa`,
			body: letter(name, [`order Anda #${number} tidak dibayar tepat waktu dan sudah ditutup.`]),
		}),
	},
	"order.refunded": {
		type: "order_refunded",
		write: (name, { number, total_minor }) => ({
			subject: `Dana Order #${number} dikembalikan`,
			body: letter(name, [`dana ${money(total_minor)} untuk order #${number} kami kembalikan.`]),
		}),
	},
	"payment.refunded": {
		type: "payment_refunded",
		write: (name, { number, amount_minor }) => ({
			subject: `Pembayaran Order #${number} dikembalikan`,
			body: letter(name, [
				`pembayaran ${money(amount_minor)} kami terima ketika order #${number} sudah tidak bisa dibayar lagi,`,
				"jadi dananya sudah kami kembalikan seluruhnya.",
			]),
		}),
	},
} satisfies Messages;

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
