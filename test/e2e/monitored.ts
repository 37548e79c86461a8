import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { json } from "node:stream/consumers";
import { findPrometheus } from "../../infra/prometheus.ts";
import { alertmanagerConfiguration } from "../../monitoring/alertmanager.ts";
import { prometheusConfiguration } from "../../monitoring/prometheus.ts";
import { ruleFile } from "../../monitoring/rules.ts";
import type { Scale } from "../../monitoring/scale.ts";
import { endProcess } from "../../processes/child.ts";
import { freePort, until } from "../../tools/shop-process.ts";

const cache = resolve(import.meta.dirname, "../../.toko");
/** Time between scrapes. */
export const SCRAPE_MS = 1000;

/** The commands that start each program. */
export type Programs = Record<Parameters<typeof findPrometheus>[1], [string, ...string[]]>;

/** Finds the programs. Returns the reason if they cannot be had. */
export async function findPrograms(): Promise<Programs | string> {
	try {
		const prometheus = await findPrometheus(cache, "prometheus");
		const promtool = await findPrometheus(cache, "promtool");
		const alertmanager = await findPrometheus(cache, "alertmanager");
		if (alertmanager.lacks) {
			return `Alertmanager cannot find its templates in /usr/share: ${alertmanager.lacks}`;
		}
		return {
			prometheus: prometheus.command,
			promtool: promtool.command,
			alertmanager: alertmanager.command,
		};
	} catch (error) {
		return (error as Error).message;
	}
}

/** An alert as Alertmanager's webhook gets it. */
export interface Notified {
	severity: string;
	status: "firing" | "resolved";
	labels: Record<string, string>;
	annotations: Record<string, string>;
	at: number;
}

/** Result of a query: labels and values over time. */
export interface Result {
	metric: Record<string, string>;
	values: [at: number, value: string][];
}

/** A Prometheus and an Alertmanager with the shop's rules, and a webhook that receives the alerts. */
export class Monitoring {
	readonly notified: Notified[] = [];
	readonly #programs: Programs;
	readonly #folder: string;
	readonly #children: ChildProcess[] = [];
	#webhook: Server | undefined;
	#prometheus = "";
	#begun = 0;

	constructor(programs: Programs, folder: string) {
		this.#programs = programs;
		this.#folder = folder;
	}

	async start(gateway: string, scale: Scale): Promise<void> {
		mkdirSync(this.#folder, { recursive: true });
		this.#begun = Date.now() / 1000;
		const webhook = `http://127.0.0.1:${await this.#listen()}`;
		const [port, alertsPort] = [await freePort(), await freePort()];
		this.#prometheus = `http://127.0.0.1:${port}`;
		const alertmanager = this.#write(
			"alertmanager.json",
			alertmanagerConfiguration({
				page: { url: `${webhook}/page` },
				ticket: { url: `${webhook}/ticket` },
				speed: scale.speed,
			}),
		);
		this.#spawn(this.#programs.alertmanager, [
			...[`--config.file=${alertmanager}`, `--storage.path=${join(this.#folder, "alerts")}`],
			...[`--web.listen-address=127.0.0.1:${alertsPort}`, "--cluster.listen-address="],
		]);
		const configuration = this.#write(
			"prometheus.json",
			prometheusConfiguration({
				targets_url: `${gateway}/metrics/targets`,
				every_ms: SCRAPE_MS,
				rules: [this.#write("rules.json", ruleFile(scale))],
				alertmanagers: [`127.0.0.1:${alertsPort}`],
			}),
		);
		this.#spawn(this.#programs.prometheus, [
			...[`--config.file=${configuration}`, `--storage.tsdb.path=${join(this.#folder, "data")}`],
			...[`--web.listen-address=127.0.0.1:${port}`, "--enable-feature=exemplar-storage"],
		]);
		for (const address of [`${this.#prometheus}/-/ready`, `http://127.0.0.1:${alertsPort}/-/ready`]) {
			await until(`${address} to answer`, () =>
				fetch(address).then(
					({ ok }) => ok,
					() => false,
				),
			);
		}
	}

	async stop(): Promise<void> {
		await Promise.all(this.#children.map((child) => endProcess(child, 3000)));
		this.#webhook?.close();
	}

	/** Runs a query now. */
	async query(query: string): Promise<{ metric: Record<string, string>; value: number }[]> {
		const found = await this.#ask("query", { query });
		return (found as { metric: Record<string, string>; value: [number, string] }[]).map(
			({ metric, value }) => ({ metric, value: Number(value[1]) }),
		);
	}

	/** Runs a query over the time since the start. */
	async range(query: string): Promise<Result[]> {
		const [start, end] = [String(this.#begun), String(Date.now() / 1000)];
		return (await this.#ask("query_range", { query, start, end, step: "1" })) as Result[];
	}

	/** Returns names and health of the rules. */
	async rules(): Promise<{ name: string; health: string; lastError?: string }[]> {
		const { groups } = (await this.#get("rules", {})) as unknown as {
			groups: { rules: { name: string; health: string; lastError?: string }[] }[];
		};
		return groups.flatMap(({ rules }) => rules);
	}

	/**
	 * Waits until the webhook got an alert with these labels after a moment, and returns it. An alert may be resolved before: the
	 * latest notification counts then.
	 */
	async alerted(
		status: Notified["status"],
		labels: Record<string, string>,
		since: number,
	): Promise<Notified> {
		const ofAlert = () =>
			this.notified.filter((one) =>
				Object.entries(labels).every(([name, value]) => one.labels[name] === value),
			);
		const find = () => {
			const latest = ofAlert().at(-1);
			return status === "firing"
				? ofAlert().find((one) => one.status === status && one.at >= since)
				: latest?.status === status
					? latest
					: undefined;
		};
		await until(`${JSON.stringify(labels)} to be ${status}`, () => find() !== undefined, 240_000).catch(
			(error: Error) => {
				const seen = this.notified.map(({ labels, status }) => `${labels.alertname} ${status}`);
				throw new Error(`${error.message}; there were ${[...new Set(seen)].join(", ")}`);
			},
		);
		return find() as Notified;
	}

	async #ask(what: string, parameters: Record<string, string>): Promise<unknown[]> {
		return ((await this.#get(what, parameters)) as { result: unknown[] }).result;
	}

	async #get(what: string, parameters: Record<string, string>): Promise<object> {
		const response = await fetch(`${this.#prometheus}/api/v1/${what}?${new URLSearchParams(parameters)}`);
		const { data, error } = (await response.json()) as { data: object; error?: string };
		if (error) {
			throw new Error(`${parameters.query}: ${error}`);
		}
		return data;
	}

	async #listen(): Promise<number> {
		const server = createServer(async (request, response) => {
			const { alerts } = (await json(request)) as { alerts: Omit<Notified, "severity" | "at">[] };
			for (const { status, labels, annotations } of alerts) {
				const severity = (request.url ?? "").slice(1);
				this.notified.push({ severity, status, labels, annotations, at: Date.now() });
			}
			response.end();
		});
		this.#webhook = server;
		await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
		return (server.address() as AddressInfo).port;
	}

	#write(name: string, value: object): string {
		const file = join(this.#folder, name);
		writeFileSync(file, JSON.stringify(value));
		return file;
	}

	#spawn([program, ...before]: [string, ...string[]], args: string[]): void {
		this.#children.push(spawn(program, [...before, ...args], { cwd: this.#folder, stdio: "ignore" }));
	}
}
