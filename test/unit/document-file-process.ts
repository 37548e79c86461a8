import { type Service, ServiceBroker } from "moleculer";
import { FileAdapter } from "../../database/document-file.ts";

// The program of a process that does with a file of documents what document-file.test.ts asks of it.

/** A message to this process, which is answered by what the method answers, or by the message of its error. */
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
