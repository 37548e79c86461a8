import { EVENTS_KEPT_DAYS } from "../../config/retention.ts";
import { databaseUrl } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { PostgresClient } from "../../database/postgres-client.ts";
import { sendAgain } from "../../events/outbox-rows.ts";
import type { Finding, LostEvent } from "./finding.ts";
import { withServices } from "./hosted.ts";

/**
 * Repairs findings that can be repaired safely, whether the shop runs or not: orphaned holds, units without a ledger
 * entry, and lost events.
 */
export async function repair(
	findings: Finding[],
	isRunning: boolean,
	log: (line: string) => void,
): Promise<void> {
	if (findings.some(({ reservation_id, product_id }) => reservation_id ?? product_id)) {
		await settleHolds(findings, isRunning, log);
	}
	const lost = findings.flatMap(({ events = [] }) => events);
	for (const [database, events] of Map.groupBy(lost, (event) => event.database)) {
		await sendEventsAgain(database, events, log);
	}
}

/** Tells whether `repair` can fix a finding. */
export function isRepairable({ reservation_id, product_id, events = [] }: Finding): boolean {
	return (reservation_id ?? product_id) !== undefined || events.length > 0;
}

/** Adds events to the outbox again for the relay to publish. Inboxes deduplicate those that they have processed. */
async function sendEventsAgain(
	database: LostEvent["database"],
	events: LostEvent[],
	log: (line: string) => void,
): Promise<void> {
	const client = new PostgresClient({
		connectionString: databaseUrl(database),
		application_name: "toko audit",
	});
	await client.connect();
	try {
		const sent = await sendAgain(client, events);
		for (const { aggregate, sequence } of events) {
			const isSent = sent.some((place) => place.aggregate === aggregate && place.sequence === sequence);
			const why = `no longer in the outbox, which retains events for ${EVENTS_KEPT_DAYS} days`;
			log(`event ${sequence} of ${aggregate}: ${isSent ? "queued again" : why}`);
		}
	} finally {
		await client.end();
	}
}

/**
 * Settles holds in the same way as the sweeper. Orders decides the outcome for each and first makes sure that no order
 * can claim the reservation later; products then acts only on a hold that still exists. Therefore it is safe while the
 * shop runs. Units supplied without a ledger entry are recorded as a repair, permanently.
 *
 * @param isRunning Whether the services are running; otherwise this process hosts them for the call.
 */
async function settleHolds(
	findings: Finding[],
	isRunning: boolean,
	log: (line: string) => void,
): Promise<void> {
	await withServices(["orders", "products"], isRunning, async (broker) => {
		const reservations = new Set(findings.flatMap(({ reservation_id }) => reservation_id ?? []));
		for (const reservation_id of reservations) {
			const [settled] = await callAction(broker, "v1.orders.settleReservations", {
				reservation_ids: [reservation_id],
			});
			const fate = settled?.fate ?? "keep";
			if (fate === "keep") {
				log(`hold ${reservation_id} belongs to a pending order: unchanged`);
				continue;
			}
			const { lines } = await callAction(broker, `v1.products.${fate}`, { reservation_id });
			log(`hold ${reservation_id}: ${fate === "release" ? "released" : "consumed"}, ${lines} products`);
		}
		for (const id of new Set(findings.flatMap(({ product_id }) => product_id ?? []))) {
			const { quantity } = await callAction(broker, "v1.products.bookRepair", { id });
			log(`product ${id}: ${quantity} units recorded as a repair`);
		}
	});
}
