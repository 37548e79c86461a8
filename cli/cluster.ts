import "./startup/startup-checks.ts";

import { styleText } from "node:util";
import { createLogUpdate } from "log-update";
import { createBroker, operatorNode, stopOnSignal } from "../hosting/broker.ts";
import { fail } from "../hosting/fatal-error.ts";
import { Nodes } from "../hosting/nodes.ts";
import { type ManagedProcess, ProcessManager } from "../hosting/process-manager.ts";
import { checkAdmin } from "../hosting/seed.ts";
import { startServers } from "../hosting/servers.ts";
import { namedServices } from "../hosting/services.ts";
import { StartError } from "../infra/backing-services.ts";
import { readArguments, usage } from "./arguments.mjs";
import { clusterTable } from "./tables/cluster-table.ts";

const COLOURS = ["cyan", "green", "yellow", "magenta", "blue", "red"] as const;
const REFRESH_MS = 1000;
const PROCESSES_MAX = 64;

/**
 * `npm run cluster -- NAME=COUNT…`: starts the backing services and COUNT processes of each service, supervises them,
 * and shows their logs and, on a terminal, a live table. SIGUSR2 replaces all processes one by one. For development and
 * tests; in production, use an orchestrator.
 */
async function start(): Promise<void> {
	checkAdmin();
	const counts = readCounts(readArguments("cluster").positionals);
	const screen = new Screen();
	const print = (line: string) => screen.print(line);
	const names = counts.filter(([, count]) => count > 0).map(([service]) => service);
	const { products = 0 } = Object.fromEntries(counts);
	const servers = await startServers(print, names, products > 1);
	for (const { name, took, where } of servers.backingServices) {
		print(`${name}: ${took}, ${where}`);
	}

	const broker = createBroker({ nodeID: operatorNode("cluster"), quiet: true });
	const manager = new ProcessManager((one, line) => print(prefixed(one, line)));
	const nodes = new Nodes(broker);
	let isStopping = false;
	const stop = async () => {
		isStopping = true;
		screen.close();
		await manager.stop();
		await broker.stop();
		await servers.stop();
	};
	stopOnSignal(stop);
	let work = broker.start();
	process.on("SIGUSR2", () => {
		work = work
			.then(() => print("replacing all processes, one after the other"))
			.then(async () => {
				if (await manager.replaceAll()) {
					print("replaced all processes");
				}
			})
			.catch(fail);
	});
	const show = async () => screen.show(clusterTable(manager.all, await nodes.poll()));
	if (process.stdout.isTTY) {
		setInterval(() => void show(), REFRESH_MS).unref();
	}
	work = work.then(() => manager.start(counts));
	await work;
	if (isStopping) {
		return;
	}
	const gateways = manager.all.flatMap(({ address }) => address ?? []);
	print(`ready ${gateways.join(" ") || "(no gateway here)"}`);
}

/**
 * Returns the number of processes of each service, in the order in which they start.
 *
 * @throws StartError with the usage.
 */
function readCounts(args: string[]): [string, number][] {
	const wanted = new Map(
		args.map((one) => {
			const [, name = "", count = ""] = /^([a-z]+)=(\d{1,2})$/.exec(one) ?? [];
			if (name === "") {
				throw new StartError(`"${one}" is no NAME=COUNT: ${usage("cluster")}`);
			}
			namedServices(name);
			return [name, Number(count)];
		}),
	);
	const counts = namedServices("").map((name): [string, number] => [name, wanted.get(name) ?? 1]);
	const all = counts.reduce((sum, [, count]) => sum + count, 0);
	if (all === 0 || all > PROCESSES_MAX) {
		throw new StartError(`a cluster has 1 to ${PROCESSES_MAX} processes, not ${all}: ${usage("cluster")}`);
	}
	return counts;
}

function prefixed({ name, service }: ManagedProcess, line: string): string {
	const colour = COLOURS[namedServices("").indexOf(service) % COLOURS.length] as (typeof COLOURS)[number];
	return `${styleText(colour, name.padEnd(16), { stream: process.stdout })} ${shortened(line)}`;
}

/** Converts a JSON log line into a short line for people. */
function shortened(line: string): string {
	if (!line.startsWith("{")) {
		return line;
	}
	try {
		const { level, msg } = JSON.parse(line) as { level: number; msg: string };
		return `${level >= 50 ? "error " : level >= 40 ? "warn " : ""}${msg}`;
	} catch {
		return line;
	}
}

/** Prints scrolling lines; on a terminal, above a table that stays at the bottom. */
class Screen {
	#table = process.stdout.isTTY ? createLogUpdate(process.stdout) : undefined;
	#shown = "";

	print(line: string): void {
		this.#table?.clear();
		console.log(line);
		if (this.#shown) {
			this.#table?.(this.#shown);
		}
	}

	show(table: string): void {
		this.#shown = table;
		this.#table?.(table);
	}

	close(): void {
		this.#table?.done();
		this.#shown = "";
		this.#table = undefined;
	}
}

await start().catch(fail);
