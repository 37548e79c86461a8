/** A process with notifications only, in the shop of the test that starts it, to be frozen or killed. */
import { ServiceBroker } from "moleculer";
import { addService } from "../../hosting/services.ts";
import { brokerOptions } from "../../moleculer.config.ts";

const broker = new ServiceBroker(brokerOptions({ logger: false }));
await addService(broker, "notifications");
await broker.start();
console.log("ready");
