/** A process with orders only, in the shop of the test that starts it, to be killed. */
import { ServiceBroker } from "moleculer";
import { addService } from "../../hosting/services.ts";
import { brokerOptions } from "../../moleculer.config.ts";

const broker = new ServiceBroker(brokerOptions({ logger: false }));
await addService(broker, "orders");
await broker.start();
await broker.registry.discoverer.sendLocalNodeInfo();
console.log("ready");
