import "./startup/startup-checks.ts";

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import type { ServiceBroker } from "moleculer";
import { settings } from "../config/settings.ts";
import { createBroker, operatorNode, stopOnSignal } from "../hosting/broker.ts";
import { fail } from "../hosting/fatal-error.ts";
import { joinServers } from "../hosting/servers.ts";
import { startPrometheus } from "../infra/prometheus.ts";
import { StartError } from "../infra/start-error.ts";
import { metricsTargets } from "../observability/targets.ts";

/** Time between scrapes: an operator at a development machine wants to see a change soon. */
const SCRAPE_MS = 2000;
const RULES = fileURLToPath(new URL("../ops/observability/rules.yml", import.meta.url));

const say = (line: string) => console.log(line);

/** `npm run observe`: runs a Prometheus beside the running shop, until Ctrl-C. */
async function start(): Promise<void> {
	const { prometheusConfiguration } = await import("../monitoring/prometheus.ts");
	await joinServers(say);
	const broker = createBroker({ nodeID: operatorNode("observe"), quiet: true });
	broker.fatal = (message) => fail(new StartError(message));
	await broker.start();
	const configuration = prometheusConfiguration({
		targets_url: await serveTargets(broker),
		every_ms: SCRAPE_MS,
		rules: [RULES],
		alertmanagers: [],
	});
	// JSON is YAML.
	const prometheus = await startPrometheus(settings.directory, JSON.stringify(configuration), say);
	stopOnSignal(async () => {
		await prometheus.stop();
		await broker.stop();
	});
	say(`Prometheus from ${prometheus.program.from}, its data in ${settings.directory}/prometheus`);
	if (prometheus.program.lacks) {
		say(
			`without pages, only queries at /api/v1 (${prometheus.program.lacks}): install Prometheus to have them`,
		);
	}
	say("its pages show alerts, processes (Status, Targets) and queries");
	say(`ready ${prometheus.url}`);
}

/** Serves the processes of the shop on a port of this machine; the gateway's own address need not be known, nor a gateway run. */
async function serveTargets(broker: ServiceBroker): Promise<string> {
	const server = createServer((request, response) => {
		request.resume();
		response.setHeader("content-type", "application/json");
		response.end(JSON.stringify(metricsTargets(broker)));
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	server.unref();
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

await start().catch(fail);
