import { createBroker } from "../cli/shop/broker.ts";
import { addService } from "../cli/shop/services.ts";
import { callAction } from "../contracts/actions.ts";
import { ownProductsFile } from "../infra/lock.ts";
import { StartError } from "../infra/parts.ts";
import { settings } from "../mixins/settings.ts";
import type { Finding } from "./audit.ts";

const SERVICES_PATIENCE_MS = 10_000;

/**
 * Settles the holds among the findings as the sweeper does: orders says what becomes of each, and first makes sure that
 * no order can take the reservation any more; products then acts on a hold only if it is still there. So it is safe
 * while the shop runs. Units that were supplied without a reason are booked as a repair, which the ledger tells for ever.
 *
 * @param isRunning Whether services are there to do it; otherwise this process hosts them meanwhile.
 */
export async function repair(
	findings: Finding[],
	isRunning: boolean,
	say: (line: string) => void,
): Promise<void> {
	const broker = createBroker({ nodeID: `audit-${process.pid}`, quiet: true });
	if (!isRunning) {
		if (!settings.mongoUrl) {
			await ownProductsFile(settings.directory);
		}
		await addService(broker, "orders");
		await addService(broker, "products");
	}
	await broker.start();
	try {
		await broker
			.waitForServices(
				["orders", "products"].map((name) => ({ name, version: 1 })),
				SERVICES_PATIENCE_MS,
			)
			.catch(() => {
				throw new StartError("orders or products is away: bring them with `npm run node -- orders products`");
			});
		const reservations = new Set(findings.flatMap(({ reservation_id }) => reservation_id ?? []));
		for (const reservation_id of reservations) {
			const { fate } = await callAction(broker, "v1.orders.settleReservation", { reservation_id });
			if (fate === "keep") {
				say(`hold ${reservation_id} is that of a pending order: left alone`);
				continue;
			}
			const { lines } = await callAction(broker, `v1.products.${fate}`, { reservation_id });
			say(`hold ${reservation_id}: ${fate === "release" ? "released" : "consumed"}, ${lines} products`);
		}
		for (const id of new Set(findings.flatMap(({ product_id }) => product_id ?? []))) {
			const { quantity } = await callAction(broker, "v1.products.bookRepair", { id });
			say(`product ${id}: ${quantity} units booked as a repair`);
		}
	} finally {
		await broker.stop();
	}
}
