import "./shop/one-line.ts";

import type { ServiceBroker } from "moleculer";
import { ownProductsFile } from "../infra/lock.ts";
import { bringUpParts, type Part, type RunningParts } from "../infra/parts.ts";
import { checkSettings, settings } from "../mixins/settings.ts";
import { checkPort, createBroker, stopOnSignal, within } from "./shop/broker.ts";
import { checkAdmin, ensureAdmin, ensureCatalogue, type NewAdmin } from "./shop/first-run.ts";
import { fail } from "./shop/one-line.ts";
import { Operator, openRepl } from "./shop/repl.ts";
import { addService, namedServices } from "./shop/services.ts";

/** How long services may finish what they have in hand; the parts get the rest of the five seconds. */
const SERVICES_STOP_MS = 2500;
const READY_CHECK_MS = 100;

/** `npm start`: the parts, the services that `SERVICES` names, and on a terminal the REPL. */
async function start(): Promise<void> {
	checkSettings();
	checkAdmin();
	const names = namedServices(process.env.SERVICES ?? "");
	const hasTerminal = Boolean(process.stdin.isTTY && process.stdout.isTTY);
	const say = (line: string) => console.log(line);
	if (names.includes("api")) {
		await checkPort();
	}
	const parts = await bringUpParts(settings.directory, say, names);
	const shop = createShop(parts, hasTerminal);
	try {
		await run(names, shop, say);
	} catch (error) {
		await shop.stop();
		throw error;
	}
	if (hasTerminal && !shop.isStopped()) {
		openRepl(shop.broker, shop.operator);
	}
}

interface Shop {
	broker: ServiceBroker;
	operator: Operator;
	parts: Part[];
	stop(): Promise<void>;
	isStopped(): boolean;
}

/** A broker whose end is the end of the parts too, whatever ends it: a signal, the REPL's `quit` or a failure. */
function createShop(parts: RunningParts, hasTerminal: boolean): Shop {
	const operator = new Operator();
	const broker = createBroker({ quiet: hasTerminal, middlewares: [operator.middleware] });
	operator.attach(broker);
	const stopServices = broker.stop.bind(broker);
	let stopped: Promise<void> | undefined;
	const stop = () => {
		stopped ??= within(SERVICES_STOP_MS, stopServices()).finally(() => parts.stop());
		return stopped;
	};
	broker.stop = stop;
	broker.fatal = (message) => {
		stop().finally(() => fail(new Error(message)));
	};
	stopOnSignal(stop);
	return { broker, operator, parts: parts.parts, stop, isStopped: () => stopped !== undefined };
}

async function run(names: string[], shop: Shop, say: (line: string) => void): Promise<void> {
	const { broker } = shop;
	if (names.includes("products") && !settings.mongoUrl) {
		await ownProductsFile(settings.directory);
	}
	for (const name of names.filter((name) => name !== "api")) {
		await addService(broker, name);
	}
	await broker.start();
	const admin = names.includes("users") ? await ensureAdmin(broker) : undefined;
	if (names.includes("products") && !settings.isProduction) {
		await ensureCatalogue(broker, say);
	}
	if (names.includes("api")) {
		await addService(broker, "api");
		await broker.waitForServices("api");
	}
	await reportReady(names, shop, admin, say);
}

async function reportReady(
	names: string[],
	shop: Shop,
	admin: NewAdmin | undefined,
	say: (line: string) => void,
) {
	const { broker, parts } = shop;
	const { table } = await import("./shop/table.ts");
	if (!names.includes("api")) {
		say(table({ parts, admin }));
		say(`ready ${names.join(", ")} (no gateway here)`);
		return;
	}
	const { gatewayAddress } = await import("../services/api/api.service.ts");
	const { readiness } = await import("../services/api/health.ts");
	const address = gatewayAddress(broker.getLocalService("api"));
	say(table({ address, parts, admin }));
	for (let told = false; !shop.isStopped(); await new Promise((wake) => setTimeout(wake, READY_CHECK_MS))) {
		const { status, services } = await readiness(broker);
		if (status === "ready") {
			say(`ready ${address}`);
			return;
		}
		if (!told) {
			const missing = Object.entries(services).filter(([, state]) => state !== "healthy");
			say(
				`waiting for ${missing.map(([name]) => name).join(", ")}: bring them with \`npm run node -- NAME…\``,
			);
			told = true;
		}
	}
}

await start().catch(fail);
