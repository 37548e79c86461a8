import { createSecretKey, generateKeyPairSync } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { SignJWT, UnsecuredJWT } from "jose";
import { ServiceBroker } from "moleculer";
import { getBorderCharacters, table } from "table";
import { settings } from "../../config/settings.ts";
import { allActions, callAction, contracts } from "../../contracts/actions.ts";
import { TOKEN_AUDIENCE, TOKEN_ISSUER } from "../../contracts/users.ts";
import { asService } from "../../middlewares/permissions.ts";
import { brokerOptions } from "../../moleculer.config.ts";
import { admin, intoFile, newUser, type Person, SERVICES, startNode } from "./shop.ts";

const COMPACT = { border: getBorderCharacters("void"), drawHorizontalLine: () => false };
/** Observed permissions of each role; printed at the end. */
const matrix: string[][] = [];

let shop: ServiceBroker;
/** A client on the shop's NATS without the shop's middlewares: its calls bypass the gateway. */
let outside: ServiceBroker;
let buyer: Person;
let other: Person;
let keeper: Person;

beforeAll(async () => {
	shop = await startNode(...SERVICES);
	outside = new ServiceBroker(brokerOptions({ nodeID: "stranger", middlewares: [], logger: intoFile() }));
	await outside.start();
	await outside.waitForServices(contracts.map(({ name, version }) => ({ name, version })));
	[buyer, other] = await Promise.all([newUser(shop), newUser(shop)]);
	keeper = await admin(shop);
});

afterAll(async () => {
	console.info(table([["action", "nobody", "a user", "another user", "an admin"], ...matrix], COMPACT));
	await outside.stop();
	await shop.stop();
});

/** Returns the outcome of a call with invalid parameters: the type of its problem, or that access was granted. */
async function outcome(name: string, options: object): Promise<string> {
	// No action has this parameter: an authorised call fails validation and changes nothing.
	return outside.call(name, { "not a parameter": true }, { retries: 0, ...options } as object).then(
		() => "let in",
		(error: { type?: string }) => (error.type === "VALIDATION_FAILED" ? "let in" : String(error.type)),
	);
}

describe.each([...allActions()].map(([name, { contract }]) => [name, contract.permissions] as const))(
	"%s is for %s",
	(name, permissions) => {
		const expected = {
			public: { nobody: "let in", user: "let in", other: "let in", admin: "let in" },
			// Ownership is part of the query: other users get access but find nothing (see intruders.test.ts).
			user: { nobody: "UNAUTHENTICATED", user: "let in", other: "let in", admin: "let in" },
			admin: { nobody: "UNAUTHENTICATED", user: "FORBIDDEN", other: "FORBIDDEN", admin: "let in" },
			service: { nobody: "FORBIDDEN", user: "FORBIDDEN", other: "FORBIDDEN", admin: "FORBIDDEN" },
		}[permissions];

		test("nobody, a user, another user, an admin and those who claim to be more", async () => {
			const found = {
				nobody: await outcome(name, {}),
				user: await outcome(name, { meta: { token: buyer.token } }),
				other: await outcome(name, { meta: { token: other.token } }),
				admin: await outcome(name, { meta: { token: keeper.token } }),
			};
			matrix.push([name, ...Object.values(found)]);
			expect(found).toEqual(expected);
			const claims = { meta: { user: { id: 1, role: "admin" }, caller: { role: "service" } } };
			expect(await outcome(name, { ...claims, headers: { service: "guess" } })).toBe(expected.nobody);
		});
	},
);

describe("a token", () => {
	const claims = { role: "admin" };
	const forge = (changes: { iss?: string; aud?: string; exp?: number; sub?: string } = {}) =>
		new SignJWT(claims)
			.setIssuer(changes.iss ?? `${TOKEN_ISSUER}/${settings.namespace}`)
			.setAudience(changes.aud ?? TOKEN_AUDIENCE)
			.setSubject(changes.sub ?? "1")
			.setIssuedAt()
			.setExpirationTime(changes.exp ?? Math.floor(Date.now() / 1000) + 900);
	const ownKey = generateKeyPairSync("ed25519").privateKey;
	const publicKey = async () =>
		(await callAction(shop, "v1.users.jwks", {})).keys[0] as { kid: string; x: string };

	test.each([
		[
			"is signed by another key",
			async () =>
				forge()
					.setProtectedHeader({ alg: "EdDSA", kid: (await publicKey()).kid })
					.sign(ownKey),
		],
		[
			"names a key that there is not",
			async () => forge().setProtectedHeader({ alg: "EdDSA", kid: "other" }).sign(ownKey),
		],
		[
			"is signed with the public key as a secret",
			async () => {
				const { kid, x } = await publicKey();
				return forge()
					.setProtectedHeader({ alg: "HS256", kid })
					.sign(createSecretKey(Buffer.from(x, "base64url")));
			},
		],
		[
			"is not signed at all",
			async () =>
				new UnsecuredJWT(claims)
					.setSubject("1")
					.setIssuer(`${TOKEN_ISSUER}/${settings.namespace}`)
					.setAudience(TOKEN_AUDIENCE)
					.setExpirationTime("1h")
					.encode(),
		],
		["is no token", async () => "a.b.c"],
		["has lost its last letter", async () => keeper.token.slice(0, -2)],
		[
			"says another role than was signed",
			async () => {
				const [head, body, signature] = keeper.token.split(".");
				const changed = { ...JSON.parse(Buffer.from(body as string, "base64url").toString()), sub: "999" };
				return [head, Buffer.from(JSON.stringify(changed)).toString("base64url"), signature].join(".");
			},
		],
	])("is refused where it %s", async (_, token) => {
		expect(await outcome("v1.users.list", { meta: { token: await token() } })).toBe("TOKEN_INVALID");
	});
});

test("the shop's own tools may do what an admin may, and an action that no contract has does not start", async () => {
	expect(await callAction(outside, "v1.users.list", { limit: 1 }, asService())).toHaveLength(1);
	expect(() => shop.createService({ name: "unknown", actions: { open: () => "anything" } })).toThrow(
		/has no contract/,
	);
});
