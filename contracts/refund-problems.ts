import type { Problems } from "./problem-kind.ts";

/** Problems of refunds. */
export const REFUND_PROBLEMS = {
	REFUND_TOO_LARGE: {
		status: 409,
		members: ["refundable"],
		en: "This is more than is left of the order, of which {refundable} can still be refunded: nothing was refunded.",
		id: "Jumlah ini melebihi sisa pesanan, yang masih dapat dikembalikan {refundable}: tidak ada yang dikembalikan.",
		advice:
			"Read the order and its refunds again: fewer units are left, shipping was refunded, or the amount is above `refundable`.",
	},
} as const satisfies Problems;
