import { z } from "zod";
import {
	action,
	contract,
	deadLetter,
	forgetUserAction,
	healthAction,
	outboxAction,
	page,
} from "./contract.ts";
import { cursor, integerId, limit, line, moment, opaqueId, skip } from "./fields.ts";

/**
 * Ability of a notifications process, in its service's metadata: it accepts the optional fields of `order.placed`,
 * `order.shipped` and `order.refunded`. A process of the version before takes an event with them for none.
 */
export const READS_DETAILS = "reads_details";

/** Medium of a message. */
export const channel = z.enum(["email", "sms"]).meta({ id: "Channel" });

/** A message to one person. `history` lists its changes of status with their times. */
export const notification = z
	.strictObject({
		id: z.guid(),
		user_id: integerId,
		type: z.string(),
		channel,
		/** Null until the first attempt to send the message, and after the account was deleted. */
		recipient: z.string().nullable(),
		/** Null until the first attempt to send the message, and always for a text message. */
		subject: z.string().nullable(),
		/** `failed`: permanently rejected by the recipient's server. Other messages are retried until they are sent. */
		status: z.enum(["queued", "sent", "failed"]),
		history: z.array(
			z
				.strictObject({
					status: z.string(),
					at: moment,
					/** Reason why the last of these `tries` failed; for admins. */
					reason: z.string().optional(),
					tries: z.int().optional(),
				})
				.meta({ id: "NotificationStep" }),
		),
		created_at: moment,
		sent_at: moment.nullable(),
	})
	.meta({
		id: "Notification",
		examples: [
			{
				id: "0d6c7a0b-93a5-4a0f-8f7e-0c9b6f4a1d22",
				user_id: 7,
				type: "order_paid",
				channel: "email",
				recipient: "budi@toko.test",
				subject: "Pembayaran Order #TK-000001 diterima",
				status: "sent",
				history: [
					{ status: "queued", at: "2026-11-23T08:00:00.000Z" },
					{ status: "sent", at: "2026-11-23T08:00:01.000Z" },
				],
				created_at: "2026-11-23T08:00:00.000Z",
				sent_at: "2026-11-23T08:00:01.000Z",
			},
		],
	});

export const notifications = contract({
	name: "notifications",
	version: 1,
	about: "Messages to people, and events that could not be handled",
	store: "PostgreSQL",
	variables: {
		SMTP_URL: "required",
		MAIL_FROM: "optional",
		TZ: "optional",
		SHOP_URL: "optional",
		SMS_URL: "rare",
		SMS_SECRET: "rare",
	},
	actions: {
		list: action({
			summary: "One's own messages, newest first; all of them for an admin",
			permissions: "user",
			example: {
				cursor:
					"WyJub3RpZmljYXRpb25zIiwiMjAyNi0xMS0yM1QwODowMDowMC4xMjM0NTYrMDA6MDAgMGQ2YzdhMGItOTNhNS00YTBmLThmN2UtMGM5YjZmNGExZDIyIl0",
			},
			params: z.strictObject({ skip, limit: limit(20), cursor: cursor.optional() }),
			result: page(notification),
			rest: { method: "GET", path: "/notifications" },
			idempotent: true,
		}),
		get: action({
			summary: "A message by id: one's own, or anybody's for an admin",
			permissions: "user",
			problems: ["NOTIFICATION_NOT_FOUND"],
			params: z.strictObject({ id: opaqueId }),
			result: notification,
			rest: { method: "GET", path: "/notifications/:id" },
			idempotent: true,
		}),
		retry: action({
			summary: "Send a message that failed once more",
			permissions: "admin",
			problems: ["NOTIFICATION_NOT_FOUND", "NOTIFICATION_NOT_FAILED", "USER_NOT_FOUND"],
			params: z.strictObject({ id: opaqueId }),
			result: notification,
			rest: { method: "POST", path: "/notifications/:id/retry", status: 202 },
		}),
		failed: action({
			summary: "How many messages failed for good, by type, and why most of them did",
			permissions: "admin",
			params: z.strictObject({}),
			result: z.array(
				z.strictObject({
					type: z.string(),
					failed: z.int(),
					last_failed_at: moment,
					reason: z.string().nullable(),
				}),
			),
			idempotent: true,
		}),
		retryFailed: action({
			summary:
				"Queue messages that failed for good again, some hundreds at a time: `next` is the `after` of the following call",
			permissions: "admin",
			params: z.strictObject({
				type: line(1, 64).optional(),
				/** Only messages that failed at this time or later. */
				since: moment.optional(),
				after: z.guid().optional(),
			}),
			result: z.strictObject({ queued: z.int(), next: z.guid().nullable() }),
		}),
		deadLetters: action({
			summary: "Events that could not be handled, newest first",
			permissions: "admin",
			params: z.strictObject({ skip, limit: limit(20) }),
			result: z.array(deadLetter),
			rest: { method: "GET", path: "/dead-letters" },
			idempotent: true,
		}),
		retryDeadLetter: action({
			summary: "Retry a dead letter: handled at once, or stored again with the newer error",
			permissions: "admin",
			problems: ["DEAD_LETTER_NOT_FOUND", "DEAD_LETTER_FAILED"],
			params: z.strictObject({ id: opaqueId }),
			result: z.strictObject({
				id: z.guid().meta({ examples: ["0d6c7a0b-93a5-4a0f-8f7e-0c9b6f4a1d22"] }),
				name: z.string(),
			}),
			rest: { method: "POST", path: "/dead-letters/:id/retry" },
		}),
		takenIn: action({
			summary:
				"The last event that was taken in, of the users or orders with the newest ones, for their service to see whether it knows them all",
			permissions: "service",
			params: z.strictObject({ of: z.enum(["user", "order"]) }),
			result: z.array(z.strictObject({ aggregate: z.string(), sequence: z.int() })),
			idempotent: true,
		}),
		forgetUser: forgetUserAction(
			"Take the person out of the messages of a deleted user, and send none of them any more",
		),
		outbox: outboxAction,
		health: healthAction("notification-service", "/health/notification"),
	},
});
