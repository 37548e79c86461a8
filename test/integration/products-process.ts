// biome-ignore-all lint/style/noProcessEnv: a program of its own, with a variable of its own.
/** A process with products only, in the shop of the test that starts it, to be killed. */
import { type Context, ServiceBroker } from "moleculer";
import { addService } from "../../hosting/services.ts";
import { brokerOptions } from "../../moleculer.config.ts";

/** With NEVER_ANSWER, changes of the stock are made but not confirmed. */
const silent = {
	name: "Silent",
	localAction: ((next: (ctx: Context) => Promise<unknown>, { name }: { name?: string }) =>
		process.env.NEVER_ANSWER && name === "v1.products.changeStock"
			? async function (this: unknown, ctx: Context) {
					await next.call(this, ctx);
					await new Promise(() => undefined);
				}
			: next) as never,
};

const options = brokerOptions({ logger: false });
const broker = new ServiceBroker({ ...options, middlewares: [silent, ...(options.middlewares ?? [])] });
await addService(broker, "products");
await broker.start();
await broker.registry.discoverer.sendLocalNodeInfo();
console.log("ready");
