import { afterAll, beforeAll, describe } from "@jest/globals";
import { AuditedShop, type Made, testBreaches } from "./audited-shop.ts";

let shop: AuditedShop;

beforeAll(async () => {
	shop = await AuditedShop.start();
});

afterAll(() => shop.stop());

const message = ({ id }: Made, type: string, change: string) =>
	`UPDATE notifications SET ${change} WHERE aggregate = 'order:${id}' AND type = '${type}'`;

describe("the audit names a message", () => {
	testBreaches(
		() => shop,
		[
			[
				"that is missing",
				"notifications",
				({ orders: { paid } }) =>
					`DELETE FROM notifications WHERE aggregate = 'order:${paid.id}' AND type = 'order_paid'`,
				({ orders: { paid } }) => [`order ${paid.number} has no message for order.paid`],
			],
			[
				"that is there twice",
				"notifications",
				({ orders: { paid } }) => `INSERT INTO notifications
					SELECT gen_random_uuid(), gen_random_uuid(), user_id, type, channel, recipient, subject, status, history,
						created_at, sent_at, aggregate, data
					FROM notifications WHERE aggregate = 'order:${paid.id}' AND type = 'order_paid'`,
				({ orders: { paid } }) => [`order ${paid.number} has 2 messages for 1 order.paid`],
			],
			[
				"of something that did not happen",
				"notifications",
				({ orders: { paid } }) => message(paid, "order_paid", "type = 'order_cancelled'"),
				({ orders: { paid } }) => [
					`order ${paid.number} has no message for order.paid`,
					`order ${paid.number} has the message order_cancelled for an event that did not happen`,
				],
			],
			[
				"to somebody else",
				"notifications",
				({ orders: { paid } }) => message(paid, "order_paid", "user_id = user_id + 998"),
				({ orders: { paid }, buyer }) => [
					`order ${paid.number} belongs to user ${buyer.id}, but order_paid is for user ${buyer.id + 998}`,
				],
			],
			[
				"of an order that is not there",
				"notifications",
				({ orders: { paid } }) =>
					message(paid, "order_paid", "aggregate = 'order:00000000-0000-4000-8000-000000000000'"),
				({ orders: { paid } }) => [
					`order ${paid.number} has no message for order.paid`,
					"order:00000000-0000-4000-8000-000000000000 does not exist, but notifications",
				],
			],
			[
				"that was passed over, of an order that is not there",
				"notifications",
				() => "INSERT INTO inbox_gaps VALUES ('order:x', 1)",
				() => [
					"order:x does not exist, but notifications has processed its events and has 0 messages for it",
				],
			],
			[
				"by a channel that there is not",
				"notifications",
				({ orders: { paid } }) => message(paid, "order_paid", "channel = 'pigeon'"),
				({ orders: { paid } }) => [
					"order_paid uses pigeon, which is not a channel",
					`order ${paid.number} has no message for order.paid`,
				],
			],
			[
				"that went out as a text twice",
				"notifications",
				({ orders: { paid } }) => `INSERT INTO notifications
						(id, event_id, user_id, type, channel, recipient, subject, status, history, created_at, sent_at, aggregate)
					SELECT gen_random_uuid(), gen_random_uuid(), user_id, type, 'sms', recipient, subject, status, history,
						created_at, sent_at, aggregate
					FROM notifications, generate_series(1, 2) WHERE aggregate = 'order:${paid.id}' AND type = 'order_paid'`,
				({ orders: { paid } }) => [`order ${paid.number} has 2 text messages for 1 order.paid`],
			],
			[
				"that failed and can never be sent again",
				"notifications",
				({ orders: { paid } }) => message(paid, "order_paid", "status = 'failed', sent_at = NULL"),
				() => ["order_paid failed, but its data is missing"],
			],
			[
				"that is with a sender for ever",
				"notifications",
				({ orders: { paid } }) =>
					message(
						paid,
						"order_paid",
						"status = 'queued', sent_at = NULL, data = '{}', leased_by = 1, leased_at = '2999-01-01Z'",
					),
				() => ["order_paid is leased since 2999"],
			],
			[
				"of a user who is not there",
				"notifications",
				() => "INSERT INTO inbox VALUES ('user:999', 1)",
				() => [
					"user:999 does not exist, but notifications has processed its events and has 0 messages for it",
				],
			],
			[
				"that is postponed to a far year",
				"notifications",
				({ orders: { paid } }) =>
					message(
						paid,
						"order_paid",
						"status = 'queued', sent_at = NULL, data = '{}', send_at = '2999-01-01Z'",
					),
				({ orders: { paid } }) => [`order ${paid.number} order_paid is queued, but postponed to 2999-01-01`],
			],
			[
				"that is never sent",
				"notifications",
				({ orders: { paid } }) =>
					message(paid, "order_paid", "status = 'queued', sent_at = NULL, data = '{}', send_at = 'infinity'"),
				({ orders: { paid } }) => [`order ${paid.number} order_paid is queued, but postponed to infinity`],
			],
			[
				"that is queued with nothing to send",
				"notifications",
				({ orders: { paid } }) => message(paid, "order_paid", "status = 'queued', sent_at = NULL"),
				() => ["order_paid is queued, but its data is missing"],
			],
			[
				"that is sent, but has no time",
				"notifications",
				({ orders: { paid } }) => message(paid, "order_paid", "sent_at = NULL"),
				() => ["order_paid is sent, but has no time"],
			],
			[
				"that is sent, but was never handed over",
				"notifications",
				({ orders: { paid } }) => message(paid, "order_paid", "history = '[]'"),
				() => ["order_paid is sent, but not according to its history"],
			],
			[
				"that is sent, but still to be written",
				"notifications",
				({ orders: { paid } }) => message(paid, "order_paid", "data = '{}'"),
				() => ["order_paid is sent, but still has its data"],
			],
			[
				"that was sent in a far year",
				"notifications",
				({ orders: { paid } }) => message(paid, "order_paid", "sent_at = '2999-01-01Z'"),
				() => ["order_paid was sent at 2999"],
			],
			[
				"that failed, but was sent",
				"notifications",
				({ orders: { paid } }) => message(paid, "order_paid", "status = 'failed'"),
				() => ["order_paid is failed, but was sent at"],
			],
			[
				"of each type that failed for good, with the command that sends them again",
				"notifications",
				() => `UPDATE notifications SET status = 'failed', sent_at = NULL, data = '{}',
						history = history || '[{"status": "failed", "reason": "550 5.1.1 no such user"}]'
					WHERE type IN ('order_paid', 'order_cancelled')`,
				() => [
					"messages order_paid 5 failed permanently, mostly because of: 550 5.1.1 no such user. To send them again: npm run mails -- retry --type order_paid",
					"messages order_cancelled 3 failed permanently",
				],
			],
		],
	);
});
