import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { expect, test } from "@jest/globals";
import { namedServices } from "../../cli/shop/services.ts";

interface Container {
	image?: string;
	command?: string[];
	profiles?: string[];
	restart?: string;
	environment?: Record<string, string>;
	volumes?: string[];
	healthcheck?: { test: string[] };
	depends_on?: Record<string, { condition: string }>;
	ports?: string[];
}

const { load } = createRequire(import.meta.url)("js-yaml") as { load(text: string): unknown };

const text = await readFile(new URL("../../docker-compose.yml", import.meta.url), "utf8");
const compose = load(text) as {
	services: Record<string, Container>;
	volumes: Record<string, unknown>;
	configs: Record<string, { content: string }>;
};
const containers = Object.entries(compose.services);

/** What opens a door; the address of the shop's pages is public. */
const SENSITIVE = /SECRET|PASSWORD|(?<!SHOP)_URL$/;

const SERVERS = ["postgres", "mongo", "nats"];

/** The containers that run services of the shop, by the service. */
const hosts = new Map(
	containers.flatMap(([, container]) =>
		container.image?.startsWith("toko:")
			? (container.command ?? []).map((name) => [name, container] as const)
			: [],
	),
);

test("every service of the shop has a container of its own", () => {
	expect([...hosts.keys()].sort()).toEqual(namedServices("").sort());
	for (const container of hosts.values()) {
		expect(container.command).toHaveLength(1);
	}
});

test("no password and no secret is written down: each is a variable that has to be set", () => {
	// The first admin is made only where a password is given, so that one may be empty.
	const hasToBeSet = /\$\{(\w+:\?.+|ADMIN_PASSWORD:-)\}/;
	for (const [name, { environment = {} }] of containers) {
		for (const [variable, value] of Object.entries(environment)) {
			if (SENSITIVE.test(variable)) {
				expect({ name, variable, value }).toEqual({
					name,
					variable,
					value: expect.stringMatching(hasToBeSet),
				});
			}
		}
	}
	for (const [reference] of text.matchAll(/\$\{\w*(SECRET|PASSWORD)\w*[^}]*\}/g)) {
		expect(reference).toMatch(hasToBeSet);
	}
});

test("every container is started again when it ends", () => {
	for (const [name, { restart }] of containers) {
		expect({ name, restart }).toEqual({ name, restart: "unless-stopped" });
	}
});

test("the databases and the queue keep their data in named volumes and tell when they are ready", () => {
	for (const name of SERVERS) {
		const { volumes = [], healthcheck } = compose.services[name] as Container;
		expect({ name, asks: healthcheck?.test.length }).toEqual({ name, asks: expect.any(Number) });
		expect(volumes.length).toBeGreaterThan(0);
		for (const volume of volumes) {
			expect(Object.keys(compose.volumes)).toContain(volume.split(":")[0]);
		}
	}
});

test("a service is given the addresses and secrets that it needs in production, and no more", () => {
	// As NEEDED in infra/given-parts.ts, and the first admin's password.
	const needed: Record<string, string[]> = {
		api: [],
		users: ["POSTGRES_URL", "ADMIN_PASSWORD"],
		products: ["MONGO_URL"],
		orders: ["POSTGRES_URL", "PAYMENT_WEBHOOK_SECRET"],
		notifications: ["POSTGRES_URL", "SMTP_URL"],
	};
	for (const [name, { environment = {} }] of hosts) {
		const given = Object.keys(environment).filter((variable) => SENSITIVE.test(variable));
		const expected = ["NATS_URL", "TOKO_SECRET", ...(needed[name] ?? [])];
		expect({ name, given: given.sort() }).toEqual({ name, given: expected.sort() });
	}
});

test("a service waits until the servers that it is given can be used", () => {
	const servers: Record<string, string> = { POSTGRES_URL: "postgres", MONGO_URL: "mongo", NATS_URL: "nats" };
	for (const [name, { environment = {}, depends_on = {} }] of hosts) {
		for (const [variable, server] of Object.entries(servers)) {
			const expected = variable in environment ? { condition: "service_healthy" } : undefined;
			expect({ name, server, waits: depends_on[server] }).toEqual({ name, server, waits: expected });
		}
	}
});

test("only the gateway and the mailbox of a development machine can be reached from outside, and only the gateway is asked over HTTP", () => {
	const open = containers.filter(([, { ports }]) => ports).map(([name]) => name);
	expect(open.sort()).toEqual(["api", "mailpit"]);
	expect(compose.services.mailpit?.profiles).toEqual(["development"]);
	for (const [name, container] of hosts) {
		expect({ name, isAsked: container.healthcheck !== undefined }).toEqual({ name, isAsked: name === "api" });
	}
});
