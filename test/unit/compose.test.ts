import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { expect, test } from "@jest/globals";
import { childEnvironment, readSettings } from "../../config/settings.ts";
import { namedServices } from "../../hosting/services.ts";
import { NEEDED } from "../../infra/external-services.ts";

interface Container {
	image?: string;
	command?: string[];
	profiles?: string[];
	restart?: string;
	environment?: Record<string, string>;
	volumes?: string[];
	configs?: { source: string; target: string }[];
	secrets?: { source: string; target: string }[];
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

/** Names of variables with secrets; the URL of the shop's pages is public. */
const SENSITIVE = /SECRET|PASSWORD|(?<!SHOP)_URL$/;

const SERVERS = ["postgres", "mongo", "nats"];

/** Containers that run services of the shop, by service. */
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
	// The first admin is created only if a password is given, so that variable may be empty.
	const hasToBeSet = /\$\{(\w+:\?.+|ADMIN_PASSWORD:-)\}|^\/run\/secrets\/[\w-]+$/;
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
	for (const [name, { environment = {} }] of hosts) {
		const given = Object.keys(environment).filter((variable) => SENSITIVE.test(variable));
		const first = name === "users" ? ["ADMIN_PASSWORD"] : [];
		// For its audits, which read the products.
		const audited = name === "orders" ? ["MONGO_URL"] : [];
		const expected = [...(NEEDED["*"] as string[]), ...(NEEDED[name] ?? []), ...first, ...audited];
		expect({ name, given: given.sort() }).toEqual({ name, given: expected.sort() });
	}
});

test("orders audits the shop often enough that no alert says that it is overdue", () => {
	const { AUDIT_EVERY = "" } = compose.services.orders?.environment ?? {};
	const [, every = ""] = /^\$\{AUDIT_EVERY:-(.+)\}$/.exec(AUDIT_EVERY) ?? [];
	expect(readSettings({ AUDIT_EVERY: every }).auditEvery_ms).toBeLessThanOrEqual(24 * 3600 * 1000);
});

test("the audit is started by its operator alone, and is given every database and no other secret", () => {
	const { profiles, environment = {}, depends_on = {} } = compose.services.audit as Container;
	expect(profiles).toEqual(["operator"]);
	const given = Object.keys(environment).filter((variable) => SENSITIVE.test(variable));
	expect(given.sort()).toEqual(["MONGO_URL", "NATS_URL", "POSTGRES_URL", "TOKO_SECRET"]);
	expect(Object.keys(depends_on).sort()).toEqual(["mongo", "nats", "postgres"]);
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

test("only the gateway, the mailbox of a development machine and what operators look at can be reached from outside", () => {
	const open = containers.filter(([, { ports }]) => ports).map(([name]) => name);
	const pages = ["alertmanager", "grafana", "jaeger", "prometheus", "victorialogs"];
	expect(open.sort()).toEqual(["api", "mailpit", ...pages].sort());
	expect(compose.services.mailpit?.profiles).toEqual(["development"]);
	for (const [name, { ports = [], profiles }] of containers.filter(([name]) => name !== "api")) {
		for (const port of ports) {
			expect({ name, port }).toEqual({ name, port: expect.stringMatching(/^127\.0\.0\.1:\d+:\d+$/) });
		}
		if (pages.includes(name)) {
			expect({ name, profiles }).toEqual({ name, profiles: ["observability"] });
		}
	}
	const published = containers.flatMap(([, { ports = [] }]) => ports.map((port) => port.split(":").at(-2)));
	expect(new Set(published).size).toBe(published.length);
});

test("the containers of the profile observability have a version and only the rights that they need", () => {
	const observing = containers.filter(([, { profiles }]) => profiles?.includes("observability"));
	expect(observing).toHaveLength(8);
	for (const [name, container] of observing) {
		expect({ name, ...container }).toMatchObject({
			...{ name, image: expect.stringMatching(/:v?\d+\.\d+\.\d+$/) },
			...{ cap_drop: ["ALL"], security_opt: ["no-new-privileges:true"] },
		});
	}
});

test("what a container is given as a file exists, or comes from a variable", () => {
	const { configs, secrets } = compose as unknown as Record<
		"configs" | "secrets",
		Record<string, { file?: string; content?: string; environment?: string }>
	>;
	for (const [name, { file }] of Object.entries({ ...configs, ...secrets })) {
		if (file && !file.startsWith("${")) {
			expect({ name, exists: existsSync(new URL(`../../${file}`, import.meta.url)) }).toEqual({
				...{ name, exists: true },
			});
		}
	}
	for (const [name, container] of containers) {
		for (const { source } of container.configs ?? []) {
			expect({ name, source, isThere: source in configs }).toEqual({ name, source, isThere: true });
		}
	}
	expect(secrets["grafana-password"]).toEqual({ environment: "GRAFANA_PASSWORD" });
});

test("Prometheus finds the gateway, Alertmanager and the exporters by the names and ports of their containers", async () => {
	const prometheus = await readFile(
		new URL("../../ops/observability/prometheus.yml", import.meta.url),
		"utf8",
	);
	const { alerting, scrape_configs } = load(prometheus) as {
		alerting: { alertmanagers: [{ static_configs: [{ targets: string[] }] }] };
		scrape_configs: { http_sd_configs?: { url: string }[]; static_configs?: { targets: string[] }[] }[];
	};
	const addresses = [
		...alerting.alertmanagers[0].static_configs[0].targets,
		...scrape_configs.flatMap(({ http_sd_configs = [], static_configs = [] }) => [
			...http_sd_configs.map(({ url }) => new URL(url).host),
			...static_configs.flatMap(({ targets }) => targets),
		]),
	];
	expect(addresses).toEqual(["alertmanager:9093", "api:3000", "postgres-exporter:9187", "nats:7777"]);
	for (const address of addresses) {
		expect(Object.keys(compose.services)).toContain(address.split(":")[0]);
	}
	expect(compose.services["nats-exporter"]).toMatchObject({ network_mode: "service:nats" });
});

test("a service can be scaled: no name, address or port of the host is taken by one container of it", () => {
	for (const [name, container] of hosts) {
		for (const taken of ["container_name", "hostname", "network_mode", "ports", "volumes"]) {
			const isTaken = taken in container && !(name === "api" && taken === "ports");
			expect({ name, taken, isTaken }).toEqual({ name, taken, isTaken: false });
		}
	}
});

test("a service is given what it needs to trust NATS, and NATS its certificate", () => {
	for (const [name, { environment = {}, configs = [] }] of hosts) {
		expect({ name, url: environment.NATS_URL }).toEqual({ name, url: expect.stringMatching(/^tls:/) });
		expect(configs).toEqual([{ source: "nats-authority", target: environment.NODE_EXTRA_CA_CERTS }]);
	}
	const { configs = [], secrets = [] } = compose.services.nats as Container;
	const configuration = compose.configs["nats-server"]?.content ?? "";
	const certificate = configs.find(({ source }) => source === "nats-certificate");
	expect(configuration).toContain(`cert_file: "${certificate?.target}"`);
	expect(configuration).toContain(`key_file: "${secrets[0]?.target}"`);
	expect(secrets).toHaveLength(1);
});

test("the image is not root's, has Node as process 1, and asks the process for its own health", async () => {
	const lines = await readFile(new URL("../../Dockerfile", import.meta.url), "utf8");
	const last = lines.slice(lines.lastIndexOf("\nFROM "));
	expect(lines.match(/^FROM node:24\./gm)).toHaveLength(2);
	expect(last).toMatch(/^USER node$/m);
	expect(last).toMatch(/^ENTRYPOINT \["node", .*"cli\/node.ts"\]$/m);
	const [, check] = /^HEALTHCHECK [^[]*(\[.*\])$/m.exec(last) ?? [];
	const [program, option, script] = JSON.parse(check ?? "[]") as string[];
	expect([program, option]).toEqual(["node", "--eval"]);
	expect(await exitCode(script as string, 200)).toBe(0);
	expect(await exitCode(script as string, 503)).toBe(1);
});

/** Returns the exit code of the health check's script for a process that responds with this status. */
async function exitCode(script: string, status: number): Promise<number | null> {
	const server = createServer(({ url }, response) => {
		response.writeHead(url === "/health/live" ? status : 404).end();
	}).listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port } = server.address() as AddressInfo;
	const env = childEnvironment({ HEALTH_PORT: String(port) });
	const [code] = await once(spawn(process.execPath, ["--eval", script], { env }), "exit");
	server.close();
	return code as number | null;
}
