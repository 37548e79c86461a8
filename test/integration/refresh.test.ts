import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import pg from "pg";
import { databaseUrl } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import { newUser, PASSWORD, type Person, startNode } from "./shop.ts";

let one: ServiceBroker;
let two: ServiceBroker;
const database = new pg.Client(databaseUrl("users"));

beforeAll(async () => {
	[one, two] = await Promise.all([startNode("users"), startNode("users")]);
	await database.connect();
});

afterAll(async () => {
	await database.end();
	await Promise.all([one.stop(), two.stop()]);
});

const logIn = ({ email }: Person) => callAction(one, "v1.users.login", { email, password: PASSWORD });
const open = async () => logIn(await newUser(one));
const refresh = (refresh_token: string, node = one) =>
	callAction(node, "v1.users.refresh", { refresh_token }, { nodeID: node.nodeID });
const hashOf = (token: string) => createHash("sha256").update(token).digest();

/** Tells whether a token is refused as invalid. */
async function isOver(refresh_token: string): Promise<boolean> {
	return refresh(refresh_token).then(
		() => false,
		({ type }: { type: string }) => type === "TOKEN_INVALID",
	);
}

/** Makes a used token appear used this long ago. */
async function age(token: string, seconds: number): Promise<void> {
	await database.query(
		"UPDATE refresh_tokens SET used_at = used_at - make_interval(secs => $2) WHERE token_hash = $1",
		[hashOf(token), seconds],
	);
}

describe("a session", () => {
	test("goes on with a new refresh token each time, on any node", async () => {
		const first = await open();
		const second = await refresh(first.refresh_token);
		const third = await refresh(second.refresh_token, two);
		expect(new Set([first, second, third].map(({ refresh_token }) => refresh_token)).size).toBe(3);
	});

	test("keeps its refresh tokens as hashes only", async () => {
		const first = await open();
		const second = await refresh(first.refresh_token);
		const { rows } = await database.query("SELECT encode(token_hash, 'escape') AS hash FROM refresh_tokens");
		expect(JSON.stringify(rows)).not.toContain(first.refresh_token);
		expect(JSON.stringify(rows)).not.toContain(second.refresh_token);
	});
});

describe("a used refresh token", () => {
	test("gets the same successor for ten simultaneous requests on two nodes, and the session continues", async () => {
		const { refresh_token } = await open();
		const answers = await Promise.all(
			Array.from({ length: 10 }, (_, n) => refresh(refresh_token, n % 2 ? one : two)),
		);
		const successors = new Set(answers.map((answer) => answer.refresh_token));
		expect(successors.size).toBe(1);
		for (const { access_token: token } of answers) {
			expect(await callAction(two, "v1.users.me", {}, { meta: { token } })).toMatchObject({ locale: "id" });
		}
		expect(await refresh([...successors][0] as string)).toMatchObject({ token_type: "bearer" });
	});

	test("gets it again for five seconds, and after that ends the session", async () => {
		const { refresh_token } = await open();
		const next = await refresh(refresh_token);
		await age(refresh_token, 1);
		expect(await refresh(refresh_token)).toMatchObject({ refresh_token: next.refresh_token });
		await age(refresh_token, 5);
		expect(await isOver(refresh_token)).toBe(true);
		expect(await isOver(next.refresh_token)).toBe(true);
	});

	test("ends the session at once where its successor was used", async () => {
		const { refresh_token } = await open();
		const second = await refresh(refresh_token);
		const third = await refresh(second.refresh_token);
		expect(await isOver(refresh_token)).toBe(true);
		expect(await isOver(second.refresh_token)).toBe(true);
		expect(await isOver(third.refresh_token)).toBe(true);
	});

	test("does not get more time by repeated requests", async () => {
		const { refresh_token } = await open();
		await refresh(refresh_token);
		for (let second = 0; second < 4; second++) {
			await age(refresh_token, 0.5);
			await refresh(refresh_token);
		}
		await age(refresh_token, 4);
		expect(await isOver(refresh_token)).toBe(true);
	});

	test.each<[string, (person: Person, tokens: { used: string; next: string }) => Promise<unknown>]>([
		[
			"a logout with the used token",
			(_, { used }) => callAction(one, "v1.users.logout", { refresh_token: used }),
		],
		[
			"a logout with its successor",
			(_, { next }) => callAction(two, "v1.users.logout", { refresh_token: next }),
		],
		["a logout everywhere", (person) => person.call("v1.users.logoutAll", {})],
		[
			"a change of the password",
			(person) =>
				person.call("v1.users.changePassword", {
					current_password: PASSWORD,
					new_password: "rahasia-baru",
				}),
		],
		[
			"the end of the account's powers",
			(person) => callAction(one, "v1.users.update", { id: person.id, is_active: false }, asService()),
		],
		[
			"an account that was switched off in the database",
			(person) => database.query("UPDATE users SET is_active = false WHERE id = $1", [person.id]),
		],
		["the end of the account", (person) => person.call("v1.users.remove", { id: person.id })],
	])("has no successor after %s", async (_, end) => {
		const person = await newUser(one);
		const { refresh_token: used } = await logIn(person);
		const { refresh_token: next } = await refresh(used);
		await end(person, { used, next });
		expect([await isOver(used), await isOver(next)]).toEqual([true, true]);
	});

	test("leaves nothing behind where a logout comes at the same moment", async () => {
		for (let round = 0; round < 10; round++) {
			const { refresh_token } = await open();
			const [, ...answers] = await Promise.allSettled([
				callAction(two, "v1.users.logout", { refresh_token }),
				refresh(refresh_token),
				refresh(refresh_token, two),
			]);
			for (const answer of answers) {
				if (answer.status === "fulfilled") {
					expect(await isOver(answer.value.refresh_token)).toBe(true);
				}
			}
			expect(await isOver(refresh_token)).toBe(true);
		}
	});
});

describe("beside a process of the version before", () => {
	/** The function that a process of the previous version calls; its successor tokens are random. */
	const formerly = async (token: string, next: string) => {
		const { rows } = await database.query("SELECT * FROM refresh_session($1, $2, 30)", [
			hashOf(token),
			hashOf(next),
		]);
		return rows.length === 1;
	};

	test("sessions go from one to the other and back", async () => {
		const { refresh_token } = await open();
		const former = `former-${refresh_token}`;
		expect(await formerly(refresh_token, former)).toBe(true);
		const { refresh_token: third } = await refresh(former);
		expect(await formerly(third, `again-${former}`)).toBe(true);
		expect(await refresh(`again-${former}`)).toMatchObject({ token_type: "bearer" });
	});

	test("a token that was used there ends the session, since its successor cannot be given again", async () => {
		const { refresh_token } = await open();
		const former = `former-${refresh_token}`;
		await formerly(refresh_token, former);
		expect(await isOver(refresh_token)).toBe(true);
		expect(await formerly(former, "next")).toBe(false);
	});
});
