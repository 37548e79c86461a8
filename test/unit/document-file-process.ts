import { type Service, ServiceBroker } from "moleculer";
import { FileAdapter } from "../../database/document-file.ts";

// Program of a process that runs the commands of document-file.test.ts on a file of documents.

/** A message to this process. The reply is the result of the method, or the message of its error. */
export interface Ask {
	number: number;
	method: "ping" | "insert" | "count" | "disconnect";
	parameter?: object | undefined;
}

const broker = new ServiceBroker({ logger: false });
const adapter = new FileAdapter(process.argv[2] as string) as FileAdapter & {
	init(broker: ServiceBroker, service: Service): void;
};
adapter.init(broker, broker.createService({ name: "products" }) as Service);
await adapter.connect();
process.on("message", ({ number, method, parameter }: Ask) => {
	const answer = adapter[method](parameter as never) as Promise<unknown>;
	answer.then(
		(result) => process.send?.({ number, result }),
		({ message }: Error) => process.send?.({ number, failure: message }),
	);
});
process.send?.({ number: 0 });
