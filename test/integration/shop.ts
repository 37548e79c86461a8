import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { format } from "node:util";
import { type BrokerOptions, type Context, type Middleware, type Service, ServiceBroker } from "moleculer";
import { pino } from "pino";
import { settings } from "../../config/settings.ts";
import { type ActionName, callAction, contracts, type Meta, type ParamsOf } from "../../contracts/actions.ts";
import { addService } from "../../hosting/services.ts";
import { asService } from "../../middlewares/permissions.ts";
import { brokerOptions } from "../../moleculer.config.ts";
import { pauseAfter } from "../../tools/shop-process.ts";
import { copyTemplates } from "../database-templates.ts";
import { logFile, secretsRecorder } from "../secrets-in-logs.mjs";
import { testFolder } from "../variables.ts";

/** All services beside the gateway. */
export const SERVICES: string[] = contracts.map(({ name }) => name);

/** A node of this test file's own shop, on the real servers. Stop it in `afterAll`. */
export async function startNode(...names: string[]): Promise<ServiceBroker> {
	return startNodeWith([], ...names);
}

/** Starts a node with a gateway. Returns it with the address of the gateway. */
export async function startGateway(): Promise<{ gateway: ServiceBroker; address: string }> {
	const gateway = await startNode("api");
	const { gatewayAddress } = await import("../../services/api/api.service.ts");
	return { gateway, address: gatewayAddress(gateway.getLocalService("api")) };
}

/** Like `startNode`, with additional outermost middlewares. */
export async function startNodeWith(middlewares: Middleware[], ...names: string[]): Promise<ServiceBroker> {
	await copyTemplates(names);
	return startMigratingNode(middlewares, ...names);
}

/** Like `startNodeWith`, but the services themselves create the databases that the shop lacks. */
export async function startMigratingNode(
	middlewares: Middleware[],
	...names: string[]
): Promise<ServiceBroker> {
	const options = brokerOptions({ nodeID: `test-${randomUUID()}`, logger: intoFile() });
	const broker = new ServiceBroker({
		...options,
		middlewares: [recordSecrets, ...middlewares, ...(options.middlewares ?? [])],
	});
	for (const name of names) {
		await addService(broker, name);
	}
	await broker.start();
	const destination = destinationOfLog();
	const stop = broker.stop.bind(broker);
	broker.stop = async () => {
		await stop();
		destination.flushSync();
	};
	return broker;
}

const destinations = new Map<string, ReturnType<typeof pino.destination>>();

/** Returns the destination of the shop's log, which writes several lines at once: each write is a system call. */
function destinationOfLog() {
	const { namespace } = settings;
	const dest = logFile(testFolder, namespace);
	const destination =
		destinations.get(namespace) ?? pino.destination({ dest, sync: true, minLength: 16_000 });
	destinations.set(namespace, destination);
	return destination;
}

/** Returns what the brokers of this shop have logged so far. */
export function loggedSoFar(): string {
	destinationOfLog().flushSync();
	return readFileSync(logFile(testFolder, settings.namespace), "utf8");
}

/** Returns a logger that writes to the shop's log; TEST_LOG_LEVEL sets its level. */
export function intoFile(): BrokerOptions["logger"] {
	// Formats like a terminal: pino would omit further arguments after a text.
	const hooks = {
		logMethod(this: unknown, args: unknown[], write: (text: string) => void) {
			write.call(this, format(...args));
		},
	};
	const options = { level: settings.logLevel, pino: { options: { hooks }, destination: destinationOfLog() } };
	return { type: "Pino", options } as never;
}

const record = secretsRecorder(testFolder, settings.namespace);

/**
 * Records each password, token and key passed to or returned by any action: the logs of the run must not contain them.
 */
const recordSecrets: Middleware = {
	name: "RecordSecrets",
	created() {
		recordFields({ ...asService().headers, ...settings.variables });
	},
	localAction(next, { name = "" }) {
		if (!/^v\d/.test(name)) {
			return next;
		}
		return async function recordWhatIsSaid(this: Service, ctx: Context<unknown, Meta>) {
			recordFields({ token: ctx.meta.token });
			recordFields(ctx.params);
			const result = await next.call(this, ctx as Context);
			recordFields(result);
			return result;
		} as never;
	},
};

function recordFields(said: unknown): void {
	for (const [name, value] of Object.entries(said ?? {})) {
		if (/password|token|secret|^service$/i.test(name)) {
			record(name, value);
		}
	}
}

/** Default time limit of a wait, below that of a test in jest.config.js, so that a failure tells what it waited for. */
const PATIENCE_MS = 240_000;

/** Waits until `check` returns a value other than undefined or false. Fails with `what` on timeout. */
export async function eventually<T>(
	what: string,
	check: () => Promise<T | undefined | false>,
	patience_ms = PATIENCE_MS,
): Promise<T> {
	const begun = Date.now();
	for (;;) {
		const found = await check();
		if (found !== undefined && found !== false) {
			return found;
		}
		const waited_ms = Date.now() - begun;
		if (waited_ms > patience_ms) {
			throw new Error(`waited ${patience_ms} ms in vain for ${what}`);
		}
		await new Promise((wake) => setTimeout(wake, pauseAfter(waited_ms)));
	}
}

/** A user who calls actions with their own token. */
export interface Person {
	id: number;
	email: string;
	token: string;
	call<N extends ActionName>(name: N, params: ParamsOf<N>): ReturnType<typeof callAction<N>>;
}

export const PASSWORD = "rahasia-sekali";

/** Registers a new user and logs in. */
export async function newUser(broker: ServiceBroker): Promise<Person> {
	const username = `u${randomUUID().slice(0, 8)}`;
	const email = `${username}@toko.test`;
	await callAction(broker, "v1.users.register", {
		email,
		username,
		password: PASSWORD,
		full_name: "Budi",
	});
	return logIn(broker, email);
}

/** Returns the shop's admin. */
export async function admin(broker: ServiceBroker): Promise<Person> {
	const { email } = await callAction(broker, "v1.users.ensureAdmin", {
		email: "admin@toko.test",
		password: PASSWORD,
	});
	return logIn(broker, email);
}

async function logIn(broker: ServiceBroker, email: string): Promise<Person> {
	const { access_token: token } = await callAction(broker, "v1.users.login", { email, password: PASSWORD });
	const { id } = await callAction(broker, "v1.users.verify", {}, { meta: { token } });
	return { id, email, token, call: (name, params) => callAction(broker, name, params, { meta: { token } }) };
}

/** Creates a product with this stock and price on behalf of the shop. */
export async function newProduct(broker: ServiceBroker, stock: number, price = 15_000) {
	const given = { name: `Kopi ${randomUUID()}`, description: "Kopi arabika", price, stock, category: "kopi" };
	return callAction(broker, "v1.products.create", given, asService());
}

/** Returns the stock, holds and supply of a product. */
export async function stockOf(broker: ServiceBroker, product: string) {
	const [row] = await callAction(broker, "v1.products.stock", { product }, asService());
	return row;
}
