import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import pg from "pg";
import { databaseUrl } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { ADDRESSES_MAX } from "../../contracts/addresses.ts";
import { users } from "../../contracts/users.ts";
import { asService } from "../../middlewares/permissions.ts";
import { KeyedClient, loseRecords, newKey } from "./keyed-client.ts";
import { expectProblem, type Sending, send } from "./rest.ts";
import { admin, eventually, newUser, type Person, startGateway, startNode } from "./shop.ts";

const PATH = "/api/v1/users/me/addresses";
const BRAGA = {
	recipient: "Budi Santoso",
	phone: "+62 812-3456-7890",
	line1: "Jalan Braga 99",
	city: "Bandung",
	province: "Jawa  Barat",
	postal_code: " 40115 ",
};

let nodes: [ServiceBroker, ServiceBroker];
let gateway: ServiceBroker;
let address: string;
const database = new pg.Client(databaseUrl("users"));
const beside = new pg.Client(databaseUrl("users"));

beforeAll(async () => {
	nodes = [await startNode("users"), await startNode("users")];
	({ gateway, address } = await startGateway());
	await Promise.all([database.connect(), beside.connect()]);
});

afterAll(async () => {
	await Promise.all([database.end(), beside.end()]);
	await gateway.stop();
	await Promise.all(nodes.map((node) => node.stop()));
});

const request = (method: string, path: string, sending: Sending) => send(address, method, path, sending);
const add = (as: Person, more: object = {}) => request("POST", PATH, { as, body: { ...BRAGA, ...more } });
const list = async (as: Person) => (await request("GET", PATH, { as })).body;

/** Returns the number of addresses of a user in the database, deleted users included. */
async function stored({ id }: Person): Promise<number> {
	const { rows } = await database.query("SELECT FROM addresses WHERE user_id = $1", [id]);
	return rows.length;
}

/** Waits until this number of statements wait for a lock in the database. */
function waiters(count: number) {
	return eventually(`${count} statements that wait`, async () => {
		const { rows } = await database.query(
			"SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
		);
		return rows.length >= count;
	});
}

test("a user adds, reads, changes and removes addresses", async () => {
	const budi = await newUser(gateway);
	expect(await list(budi)).toEqual([]);
	const added = await add(budi);
	expect(added.status).toBe(201);
	expect(added.body).toEqual({
		...BRAGA,
		id: expect.stringMatching(/^[\da-f-]{36}$/),
		phone: "+6281234567890",
		line2: null,
		province: "Jawa Barat",
		postal_code: "40115",
		country: "ID",
		created_at: expect.any(String),
		updated_at: expect.any(String),
	});
	const second = await add(budi, { recipient: "Siti", line2: "Lantai 2" });
	expect(await list(budi)).toEqual([added.body, second.body]);

	const path = added.headers.get("location") as string;
	expect(path).toBe(`${PATH}/${added.body.id}`);
	expect(await request("GET", path, { as: budi })).toMatchObject({ status: 200, body: added.body });
	expect(
		await request("GET", path.toUpperCase().replace(PATH.toUpperCase(), PATH), { as: budi }),
	).toMatchObject({
		status: 200,
	});

	const changed = await request("PATCH", path, { as: budi, body: { line2: "Kamar 4", country: "id" } });
	expect(changed.status).toBe(200);
	expect(changed.body).toEqual({ ...added.body, line2: "Kamar 4", updated_at: expect.any(String) });
	const cleared = await request("PATCH", `${PATH}/${second.body.id}`, { as: budi, body: { line2: null } });
	expect(cleared.body).toMatchObject({ recipient: "Siti", line2: null });

	expect(await request("DELETE", path, { as: budi })).toMatchObject({ status: 204, body: undefined });
	for (const method of ["GET", "DELETE"]) {
		expectProblem(await request(method, path, { as: budi }), 404, "ADDRESS_NOT_FOUND");
	}
	expectProblem(await request("PATCH", path, { as: budi, body: {} }), 404, "ADDRESS_NOT_FOUND");
	expect(await list(budi)).toEqual([cleared.body]);
});

describe("an address of another user", () => {
	test("is not found, neither by a user nor by an admin, and stays as it is", async () => {
		const [budi, siti, keeper] = [await newUser(gateway), await newUser(gateway), await admin(gateway)];
		const { body } = await add(budi);
		for (const as of [siti, keeper]) {
			const path = `${PATH}/${body.id}`;
			expectProblem(await request("GET", path, { as }), 404, "ADDRESS_NOT_FOUND");
			expectProblem(
				await request("PATCH", path, { as, body: { city: "Jakarta" } }),
				404,
				"ADDRESS_NOT_FOUND",
			);
			expectProblem(await request("DELETE", path, { as }), 404, "ADDRESS_NOT_FOUND");
		}
		expect(await list(siti)).toEqual([]);
		expect(await list(budi)).toEqual([body]);
		expectProblem(await request("GET", PATH, {}), 401, "UNAUTHENTICATED");
	});

	test("is given to services only, which name its user", async () => {
		const [budi, siti] = [await newUser(gateway), await newUser(gateway)];
		const { body } = await add(budi);
		const read = ({ id }: Person) =>
			callAction(gateway, "v1.users.addressOf", { user_id: id, id: body.id }, asService());
		expect(await read(budi)).toEqual(body);
		await expect(read(siti)).rejects.toMatchObject({ code: 404, type: "ADDRESS_NOT_FOUND" });
		// permissions.test.ts calls it as people.
		expect(users.actions.addressOf).toMatchObject({ permissions: "service" });
		expect(users.actions.addressOf.rest).toBeUndefined();
		await expect(callAction(gateway, "v1.users.listAddresses", {}, asService())).rejects.toMatchObject({
			type: "FORBIDDEN",
		});
	});
});

describe("bad input", () => {
	const FIVE_DIGITS = "must be five digits, such as 40115";
	test.each<[string, Record<string, unknown>, string, string | RegExp]>([
		["a postal code with letters", { postal_code: "4011A" }, "postal_code", FIVE_DIGITS],
		["a postal code with six digits", { postal_code: "401150" }, "postal_code", FIVE_DIGITS],
		["a postal code as a number", { postal_code: 40115 }, "postal_code", "must be text, not a number"],
		["a postal code of 10,000 characters", { postal_code: "1".repeat(10_000) }, "postal_code", /at most 20/],
		["a postal code that the country does not have", { country: "SG" }, "postal_code", /six digits/],
		["a country that does not exist", { country: "XX" }, "country", /two letters/],
		["a country in words", { country: "Indonesia" }, "country", /two letters/],
		["a phone without its country", { phone: "081234567890" }, "phone", /must begin with the country/],
		["no recipient", { recipient: undefined }, "recipient", "is required"],
		["nothing to see in a recipient", { recipient: "\u200b" }, "recipient", /./],
		["two lines in one", { line1: "Jalan Braga\n99" }, "line1", "must be a single line"],
		["a control character", { city: "Band\u0000ung" }, "city", "must not hold control characters"],
		["a city of 101 characters", { city: "b".repeat(101) }, "city", /at most 100/],
		["an operator", { province: { $gt: "" } }, "province", "must be text, not an object"],
		["an unknown field", { user_id: 7 }, "user_id", "is not a known field"],
	])("of %s is refused with 422, in a new address and in a change", async (_, given, path, message) => {
		const budi = await newUser(gateway);
		const { body: kept } = await add(budi);
		const refused = await add(budi, given);
		const expected = typeof message === "string" ? message : expect.stringMatching(message);
		const errors = [{ path, message: expected }];
		expectProblem(refused, 422, "VALIDATION_FAILED");
		expect(refused.body).toMatchObject({ errors });
		if (given.recipient !== undefined || !("recipient" in given)) {
			const unchanged = await request("PATCH", `${PATH}/${kept.id}`, { as: budi, body: given });
			expectProblem(unchanged, 422, "VALIDATION_FAILED");
			expect(unchanged.body).toMatchObject({ errors });
		}
		expect(await list(budi)).toEqual([kept]);
	});

	test("is measured by the country that the address has after a change", async () => {
		const budi = await newUser(gateway);
		const { body } = await add(budi, { country: "SG", postal_code: "238839" });
		const change = (given: object) => request("PATCH", `${PATH}/${body.id}`, { as: budi, body: given });
		expectProblem(await change({ postal_code: "40115" }), 422, "VALIDATION_FAILED");
		expect((await change({ postal_code: "40115", country: "ID" })).body).toMatchObject({ country: "ID" });
		expect((await change({ postal_code: "sw1a 1aa", country: "GB" })).body).toMatchObject({
			postal_code: "SW1A 1AA",
		});
		// Full-width digits, as an input method for Japanese writes them.
		expect((await change({ postal_code: "１５０-0001", country: "jp" })).body).toMatchObject({
			postal_code: "150-0001",
			country: "JP",
		});
	});

	test("in place of an id is not found", async () => {
		const budi = await newUser(gateway);
		await add(budi);
		for (const id of ["7", "me", "00000000-0000-0000-0000-000000000000", "'%20OR%20''='", "%"]) {
			const answer = await request("GET", `${PATH}/${id}`, { as: budi });
			expect([id, answer.status < 500 && answer.status >= 400]).toEqual([id, true]);
		}
		expectProblem(await request("GET", `${PATH}/7`, { as: budi }), 404, "ADDRESS_NOT_FOUND");
		expect(await stored(budi)).toBe(1);
	});
});

test("a user has 50 addresses at most, however many requests at once add one", async () => {
	const budi = await newUser(gateway);
	await database.query(
		`INSERT INTO addresses (user_id, recipient, phone, line1, city, province, postal_code, country)
		SELECT $1, 'Budi', '+6281234567890', 'Jalan Braga', 'Bandung', 'Jawa Barat', '40115', 'ID'
		FROM generate_series(1, $2)`,
		[budi.id, ADDRESSES_MAX - 3],
	);
	const answers = await Promise.all(
		Array.from({ length: 20 }, (_, index) =>
			callAction(gateway, "v1.users.addAddress", BRAGA, {
				meta: { token: budi.token },
				nodeID: nodes[index % 2]?.nodeID as string,
			}).then(
				() => "added",
				({ type }) => type,
			),
		),
	);
	expect(answers.filter((answer) => answer === "added")).toHaveLength(3);
	expect(answers.filter((answer) => answer === "TOO_MANY_ADDRESSES")).toHaveLength(17);
	expect(await stored(budi)).toBe(ADDRESSES_MAX);
	const refused = await add(budi);
	expectProblem(refused, 409, "TOO_MANY_ADDRESSES", "There are 50 addresses already: remove one first.");
	const [first, second, third] = await list(budi);
	const page = await request("GET", `${PATH}?skip=1&limit=2`, { as: budi });
	expect(page.body).toEqual([second, third]);
	expect(page.headers.get("link")).toContain(`${PATH}?skip=3&limit=2>; rel="next"`);
	await request("DELETE", `${PATH}/${first.id}`, { as: budi });
	expect((await add(budi)).status).toBe(201);
});

test("a request that is repeated with its key adds one address, also at the limit and when all records are lost", async () => {
	const budi = await newUser(gateway);
	const client = new KeyedClient(address);
	const key = newKey();
	const keyed = () => client.send("POST", "/users/me/addresses", { key, body: BRAGA, as: budi });
	const first = await keyed();
	expect(first.status).toBe(201);
	for (let more = 1; more < ADDRESSES_MAX; more++) {
		await budi.call("v1.users.addAddress", BRAGA);
	}
	expect((await keyed()).body).toEqual(first.body);
	await loseRecords(gateway);
	expect(await keyed()).toMatchObject({ status: 201, body: first.body });
	expect(await stored(budi)).toBe(ADDRESSES_MAX);
	const other = await client.send("POST", "/users/me/addresses", { key: newKey(), body: BRAGA, as: budi });
	expect(other.status).toBe(409);
});

describe("when a user is deleted", () => {
	test("the addresses are erased", async () => {
		const [budi, siti] = [await newUser(gateway), await newUser(gateway)];
		await add(budi);
		await add(siti);
		await budi.call("v1.users.remove", { id: budi.id });
		expect([await stored(budi), await stored(siti)]).toEqual([0, 1]);
		await expect(
			callAction(
				gateway,
				"v1.users.addressOf",
				{ user_id: budi.id, id: (await list(siti))[0].id },
				asService(),
			),
		).rejects.toMatchObject({ type: "ADDRESS_NOT_FOUND" });
	});

	test("by a process that does not know addresses, they are erased as well", async () => {
		const budi = await newUser(gateway);
		await add(budi);
		await database.query("UPDATE users SET full_name = '', deleted_at = now() WHERE id = $1", [budi.id]);
		expect(await stored(budi)).toBe(0);
	});

	test("an address that is added at the same moment is refused", async () => {
		const budi = await newUser(gateway);
		await add(budi);
		await beside.query("BEGIN");
		await beside.query("SELECT FROM users WHERE id = $1 FOR UPDATE", [budi.id]);
		const removing = budi.call("v1.users.remove", { id: budi.id });
		await waiters(1);
		const refusal = expect(budi.call("v1.users.addAddress", BRAGA)).rejects.toMatchObject({
			type: "TOKEN_INVALID",
		});
		await waiters(2);
		await beside.query("COMMIT");
		await removing;
		await refusal;
		expect(await stored(budi)).toBe(0);
	});

	test("an address that is changed at the same moment is erased", async () => {
		const budi = await newUser(gateway);
		const { body } = await add(budi);
		await beside.query("BEGIN");
		await beside.query("SELECT FROM addresses WHERE id = $1 FOR UPDATE", [body.id]);
		const changing = budi.call("v1.users.updateAddress", { id: body.id, city: "Jakarta" });
		await waiters(1);
		const removing = budi.call("v1.users.remove", { id: budi.id });
		await waiters(2);
		await beside.query("COMMIT");
		await Promise.allSettled([changing, removing]);
		await removing;
		expect(await stored(budi)).toBe(0);
	});
});
