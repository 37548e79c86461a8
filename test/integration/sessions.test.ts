import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import type { ServiceBroker } from "moleculer";
import pg from "pg";
import { databaseUrl, settings } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { TOKEN_AUDIENCE, TOKEN_ISSUER } from "../../contracts/users.ts";
import { mailToken } from "../../services/users/mail-tokens.ts";
import { exchangeRefreshToken } from "../../services/users/tokens.ts";
import { Rival } from "./rival.ts";
import { eventually, newUser, PASSWORD, type Person, startNode, startNodeWith } from "./shop.ts";

const rival = new Rival();
let shop: ServiceBroker;
const database = new pg.Client(databaseUrl("users"));
const beside = new pg.Client(databaseUrl("users"));

beforeAll(async () => {
	shop = await startNodeWith([rival.middleware], "users");
	await Promise.all([database.connect(), beside.connect()]);
});

afterAll(async () => {
	await Promise.all([database.end(), beside.end()]);
	await shop.stop();
});

afterEach(() => expect(rival.waiting).toEqual([]));

const logIn = (person: Person, password = PASSWORD) =>
	callAction(shop, "v1.users.login", { email: person.email, password });
const refresh = (refresh_token: string) => callAction(shop, "v1.users.refresh", { refresh_token });
const me = (token: string) => callAction(shop, "v1.users.me", {}, { meta: { token } });
const changePassword = (person: Person, new_password: string) =>
	person.call("v1.users.changePassword", { current_password: PASSWORD, new_password });

async function rowOf(person: Person) {
	const { rows } = await database.query("SELECT * FROM users WHERE id = $1", [person.id]);
	return rows[0];
}

/** Resets the password as the owner of the account, with the token of a mail. */
async function resetBy(person: Person): Promise<void> {
	const token = mailToken("reset", await rowOf(person));
	await callAction(shop, "v1.users.resetPassword", { token, new_password: "of the owner" });
}

/** Waits until this number of statements wait for a lock in the database. */
function waiters(count: number) {
	return eventually(`${count} statements that wait`, async () => {
		const { rows } = await database.query(
			"SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
		);
		return rows.length >= count;
	});
}

describe("a refresh at the very moment when all sessions end", () => {
	test.each([
		["at a logout everywhere", (person: Person) => person.call("v1.users.logoutAll", {})],
		["at a change of the password", (person: Person) => changePassword(person, "rahasia-baru")],
	])("leaves no token: %s", async (_, end) => {
		const person = await newUser(shop);
		const { refresh_token } = await logIn(person);
		// The next token exists but is not committed.
		await beside.query("BEGIN");
		const next = await exchangeRefreshToken(beside, refresh_token);
		const ending = end(person);
		await waiters(1);
		await beside.query("COMMIT");
		await ending;
		await expect(refresh(next?.refresh_token as string)).rejects.toMatchObject({ type: "TOKEN_INVALID" });
	});

	test("and just before them gives no access token that counts", async () => {
		const person = await newUser(shop);
		const { refresh_token } = await logIn(person);
		rival.at("after renew_session", () => person.call("v1.users.logoutAll", {}));
		const { access_token } = await refresh(refresh_token);
		await expect(me(access_token)).rejects.toMatchObject({ type: "TOKEN_INVALID" });
	});

	test("is refused to a deactivated user", async () => {
		const person = await newUser(shop);
		const { refresh_token } = await logIn(person);
		await database.query("UPDATE users SET is_active = false WHERE id = $1", [person.id]);
		await expect(refresh(refresh_token)).rejects.toMatchObject({ type: "TOKEN_INVALID" });
	});
});

describe("a thief who knows the old password", () => {
	test("does not undo a reset with a change of the password that began before it", async () => {
		const person = await newUser(shop);
		rival.at("before a transaction of users", () => resetBy(person));
		await expect(changePassword(person, "of the thief")).rejects.toMatchObject({ type: "TOKEN_INVALID" });
		await expect(logIn(person, "of the thief")).rejects.toMatchObject({ type: "BAD_CREDENTIALS" });
		expect(await logIn(person, "of the owner")).toMatchObject({ token_type: "bearer" });
	});

	test("cannot have the address changed after a reset, neither by an old request nor by one under way", async () => {
		const [before, during] = [await newUser(shop), await newUser(shop)];
		const ask = (person: Person) =>
			person.call("v1.users.changeEmail", {
				current_password: PASSWORD,
				new_email: `thief-${person.email}`,
			});
		await ask(before);
		const token = mailToken("change", await rowOf(before));
		await resetBy(before);
		await expect(callAction(shop, "v1.users.verifyEmail", { token })).rejects.toMatchObject({
			type: "MAIL_TOKEN_INVALID",
		});
		rival.at("before a transaction of users", () => resetBy(during));
		await expect(ask(during)).rejects.toMatchObject({ type: "TOKEN_INVALID" });
		expect(await rowOf(during)).toMatchObject({ pending_email: null });
	});

	test("and its owner change it at the same moment: one of them wins", async () => {
		for (let round = 0; round < 4; round++) {
			const person = await newUser(shop);
			const token = mailToken("reset", await rowOf(person));
			const [owner, ...thief] = await Promise.allSettled([
				callAction(shop, "v1.users.resetPassword", { token, new_password: "of the owner" }),
				changePassword(person, "of the thief"),
				changePassword(person, "of the thief"),
			]);
			const won = [owner, ...thief].filter(({ status }) => status === "fulfilled");
			expect(won).toHaveLength(1);
			const password = owner?.status === "fulfilled" ? "of the owner" : "of the thief";
			expect(await logIn(person, password)).toMatchObject({ token_type: "bearer" });
		}
	});
});

test("a profile that is changed while the account is deleted stays deleted", async () => {
	const person = await newUser(shop);
	await beside.query("BEGIN");
	await beside.query("SELECT FROM users WHERE id = $1 FOR UPDATE", [person.id]);
	const removing = person.call("v1.users.remove", { id: person.id });
	await waiters(1);
	const changing = person.call("v1.users.updateMe", { full_name: "Budi Santoso", phone: "+6281234567890" });
	const refusal = expect(changing).rejects.toMatchObject({ type: "TOKEN_INVALID" });
	await waiters(2);
	await beside.query("COMMIT");
	await removing;
	await refusal;
	expect(await rowOf(person)).toMatchObject({ full_name: "", phone: null });
});

describe("a signing key", () => {
	test("signs tokens of a quarter of an hour only, and none a minute after it is gone", async () => {
		const person = await newUser(shop);
		const { publicKey, privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
		const kid = randomUUID();
		const jwk = { ...(await exportJWK(publicKey)), kid, alg: "EdDSA", use: "sig" };
		// Older than the shop's key, so that no process signs with it.
		await database.query(
			`INSERT INTO signing_keys (kid, public_jwk, private_key, created_at)
			SELECT $1, $2, private_key, created_at - interval '1 second' FROM signing_keys LIMIT 1`,
			[kid, JSON.stringify(jwk)],
		);
		const tokenFor = (seconds: number, ago = 0) => {
			const iat = Math.floor(Date.now() / 1000) - ago;
			return new SignJWT({ role: "user", ver: 1 })
				.setProtectedHeader({ alg: "EdDSA", kid, typ: "JWT" })
				.setIssuer(`${TOKEN_ISSUER}/${settings.namespace}`)
				.setAudience(TOKEN_AUDIENCE)
				.setSubject(String(person.id))
				.setIssuedAt(iat)
				.setExpirationTime(iat + seconds)
				.sign(privateKey);
		};
		// A new node, which has not loaded any keys yet.
		const node = await startNode("users");
		const isIn = (token: string) =>
			callAction(node, "v1.users.me", {}, { meta: { token }, nodeID: node.nodeID }).then(
				() => true,
				() => false,
			);
		const token = await tokenFor(900);
		expect(await isIn(token)).toBe(true);
		expect(await isIn(await tokenFor(24 * 3600))).toBe(false);
		expect(await isIn(await tokenFor(3600, 1800))).toBe(false);
		await database.query("DELETE FROM signing_keys WHERE kid = $1", [kid]);
		await eventually("the end of a token", async () => !(await isIn(token)));
		expect(await isIn(person.token)).toBe(true);
		await node.stop();
	});

	test("that is known to others is replaced at once, and who has a refresh token goes on", async () => {
		const person = await newUser(shop);
		const { refresh_token } = await logIn(person);
		const { kid } = await callAction(shop, "v1.users.rotateKey", { revoke: true });
		const { keys } = await callAction(shop, "v1.users.jwks", {});
		expect(keys.map((key) => key.kid)).toEqual([kid]);
		const { access_token } = await refresh(refresh_token);
		const isIn = (token: string) => me(token).then(Boolean, () => false);
		await eventually("a token of the new key", () => isIn(access_token));
		await eventually("the end of the old one", async () => !(await isIn(person.token)));
	});
});
