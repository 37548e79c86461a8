/** A process of stopped.test.ts: starts a node with the named services, stops it, and prints what then keeps it alive. */
import { setTimeout as wait } from "node:timers/promises";
import { ServiceBroker } from "moleculer";
import { addService } from "../../cli/shop/services.ts";
import { brokerOptions } from "../../moleculer.config.ts";

const LOOK_EVERY_MS = 20;
/** Counted and not timed, since a busy machine may not let this process run. */
const LOOKS = 10;

const broker = new ServiceBroker(brokerOptions({ logger: false }));
for (const name of process.argv.slice(2)) {
	await addService(broker, name);
}
await broker.start();
await broker.stop();

let left: string[] = [];
for (let look = 0; look < LOOKS; look++) {
	await wait(LOOK_EVERY_MS);
	// The pipes are this process's output.
	left = process.getActiveResourcesInfo().filter((name) => name !== "PipeWrap");
	if (left.length === 0) {
		break;
	}
}
console.log(JSON.stringify(left));
