import { PassThrough } from "node:stream";
import { describe, expect, test } from "@jest/globals";
import { pretty } from "../../observability/pretty.ts";
import { redact } from "../../observability/redaction.ts";

const JWT = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0aaa.c2lnbmF0dXJl";

describe("a line of the log has no", () => {
	test.each<[string, object, RegExp]>([
		["e-mail address", { msg: "sent to budi.s+toko@mail.toko.test." }, /budi/],
		["phone number", { msg: "sent to +6281234567890" }, /628/],
		[
			"name or address of a person",
			{ user: { full_name: 'Budi "B"', address: "Jl. Sudirman 1" } },
			/Budi|Sudirman/,
		],
		["password, also a number", { params: [{ password: 12345678 }] }, /1234/],
		["nested address", { order: { shipping_address: { street: "Jl. Sudirman", zip: "1" } } }, /Sudirman/],
		[
			"field of an address book",
			{
				params: {
					recipient: "Siti",
					line1: "Braga 99",
					line2: "Kamar 4",
					city: "Bandung",
					province: "Banten",
				},
			},
			/Siti|Braga|Kamar|Bandung|Banten/,
		],
		["access token", { err: { stack: `Error: refused ${JWT}\n at x` } }, /eyJ|c2ln/],
		["header with a token", { headers: { Authorization: "Basic YWRtaW4=" } }, /YWRt/],
		["hash of a password", { msg: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA" }, /argon2|aGFz/],
		["token of a mail", { msg: `used reset.2.1790000000.${"a".repeat(43)}` }, /aaaa/],
		[
			"private key",
			{ msg: `-----BEGIN PRIVATE KEY-----\n${"b".repeat(60)}\n-----END PRIVATE KEY-----` },
			/bbbb/,
		],
		["password of a server", { msg: "lost postgres://toko:word@127.0.0.1:5432/x" }, /word/],
	])("%s", (_, fields, secret) => {
		const line = redact(JSON.stringify({ level: 30, ...fields }));
		expect(line).not.toMatch(secret);
		expect(line).toContain("[redacted]");
		expect(JSON.parse(line)).toMatchObject({ level: 30 });
	});
});

test("a line without them stays as it is", () => {
	const line = JSON.stringify({
		...{ level: 40, time: 1795693621113, node: "vm-1", service: "orders", request_id: "a2b8-1", user_id: 7 },
		...{ trace_id: "0af7651916cd43dd8448eb211c80319c", action: "v1.orders.place", status: 503 },
		msg: "nats@2.29.3 at 2026-11-23T08:00:00+07:00: http://127.0.0.1:40131/api/v1, order:3f1c8a52 #12, 1+1=2",
	});
	expect(redact(line)).toBe(line);
});

test("people read the time, level, service and message first, then what the line belongs to", () => {
	const line = JSON.stringify({
		...{ level: 40, time: new Date(2026, 10, 26, 9, 5, 7, 42).getTime(), node: "vm-1", namespace: "toko" },
		...{ service: "orders", request_id: "a2b8", user_id: 7, msg: "late" },
	});
	expect(pretty(line, new PassThrough() as never)).toBe(
		"09:05:07.042 warn  orders        late request_id=a2b8 user_id=7\n",
	);
});
