import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import pg from "pg";
import { databaseUrl } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import { mailToken } from "../../services/users/mail-tokens.ts";
import { eventually, newUser, PASSWORD, type Person, startNode } from "./shop.ts";

let users: ServiceBroker;
let notifications: ServiceBroker | undefined;
const database = new pg.Client(databaseUrl("users"));

beforeAll(async () => {
	users = await startNode("users");
	await database.connect();
});

afterAll(async () => {
	await database.end();
	await notifications?.stop();
	await users.stop();
});

async function tokenOf(person: Person, purpose: "change" | "reset"): Promise<string> {
	const { rows } = await database.query("SELECT * FROM users WHERE id = $1", [person.id]);
	return mailToken(purpose, rows[0]);
}

async function changeEmail(person: Person, new_email: string): Promise<void> {
	await database.query("DELETE FROM user_history WHERE user_id = $1", [person.id]);
	await person.call("v1.users.changeEmail", { current_password: PASSWORD, new_email });
	await callAction(users, "v1.users.verifyEmail", { token: await tokenOf(person, "change") });
}

test("the owner of a lost account is warned at the former address, however late the mails are sent", async () => {
	const [moved, changed, reset] = [await newUser(users), await newUser(users), await newUser(users)];
	const [second, third] = [`second-${moved.email}`, `third-${moved.email}`];
	await changeEmail(moved, second);
	await changeEmail(moved, third);
	await changed.call("v1.users.changePassword", { current_password: PASSWORD, new_password: "rahasia-baru" });
	const token = await tokenOf(reset, "reset");
	await callAction(users, "v1.users.resetPassword", { token, new_password: "rahasia-baru" });

	// All events occur before the first mail is written.
	notifications = await startNode("notifications");
	const node = notifications;
	const mailsTo = (person: Person, count: number) =>
		eventually(`${count} mails to ${person.email}`, async () => {
			const { items: all } = await callAction(node, "v1.notifications.list", { limit: 100 }, asService());
			const sent = all.filter(({ user_id, status }) => user_id === person.id && status === "sent");
			return sent.length >= count && sent.map(({ type, recipient }) => `${type} ${recipient}`).sort();
		});
	expect(await mailsTo(changed, 2)).toContain(`password_changed ${changed.email}`);
	expect(await mailsTo(reset, 2)).toContain(`password_changed ${reset.email}`);
	const mails = await mailsTo(moved, 7);
	expect(mails.filter((mail) => /^(email_changed|change_email_warning)/.test(mail))).toEqual([
		`change_email_warning ${second}`,
		`change_email_warning ${moved.email}`,
		`email_changed ${second}`,
		`email_changed ${moved.email}`,
	]);
});

test("an account that is deleted leaves no former address", async () => {
	const person = await newUser(users);
	await changeEmail(person, `new-${person.email}`);
	const addresses = () =>
		database
			.query("SELECT email FROM former_emails WHERE user_id = $1", [person.id])
			.then(({ rows }) => rows);
	expect(await addresses()).toEqual([{ email: person.email }]);
	await person.call("v1.users.remove", { id: person.id });
	expect(await addresses()).toEqual([]);
});
