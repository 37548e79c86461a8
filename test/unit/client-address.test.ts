import type { IncomingMessage } from "node:http";
import { afterEach, expect, test } from "@jest/globals";
import { clientAddress } from "../../services/api/rate-limit.ts";
import { setVariables } from "../variables.ts";

afterEach(() => {
	setVariables({ TRUST_PROXY: undefined });
});

function addressOf(remoteAddress: string, forwarded?: string): string {
	setVariables({ TRUST_PROXY: "loopback, 10.0.0.0/8" });
	const headers = forwarded === undefined ? {} : { "x-forwarded-for": forwarded };
	return clientAddress()({ socket: { remoteAddress }, headers } as IncomingMessage);
}

test.each([
	["192.0.2.1", "192.0.2.1"],
	["::ffff:192.0.2.1", "192.0.2.1"],
	["::FFFF:c000:201", "192.0.2.1"],
	["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
	["2001:0DB8:0001:0002::1", "2001:db8:1:2::/64"],
	["2001:db8::1", "2001:db8:0:0::/64"],
	["2001:db8::2:3:4:5:6", "2001:db8:0:2::/64"],
	["::1:2", "0:0:0:0::/64"],
	["fe80::1%eth0", "fe80:0:0:0::/64"],
])("a client at %s is counted as %s, directly and behind a proxy", (address, counted) => {
	expect(addressOf(address)).toBe(counted);
	if (!address.includes("%")) {
		expect(addressOf("127.0.0.1", address)).toBe(counted);
		expect(addressOf("::ffff:10.1.2.3", address)).toBe(counted);
	}
});

test("one customer's IPv6 addresses are one client", () => {
	const many = Array.from({ length: 50 }, (_, number) =>
		addressOf("::1", `2001:db8:1:2::${number.toString(16)}`),
	);
	expect(new Set(many).size).toBe(1);
});

test.each(["garbage", "192.0.2.1:8080", "x".repeat(500), "::ffff:1.2.3", ""])(
	"what is no address in a trusted proxy's header counts as the proxy: %j",
	(forwarded) => {
		expect(addressOf("127.0.0.1", forwarded)).toBe("127.0.0.1");
	},
);
