import { randomUUID } from "node:crypto";
import { ServiceBroker } from "moleculer";
import { service } from "../../broker/schema.ts";
import { type JobsService, jobs } from "../../mixins/jobs.ts";
import { postgres } from "../../mixins/postgres.ts";

/** Starts a node that runs jobs in the orders database, without a transporter. */
export async function startWorker(tasks: JobsService["tasks"]): Promise<ServiceBroker> {
	const broker = new ServiceBroker({ nodeID: `worker-${randomUUID()}`, logger: false });
	broker.createService(
		service<JobsService>({
			name: "worker",
			mixins: [
				jobs("orders"),
				postgres({
					database: "orders",
					migrations: new URL("../../services/orders/migrations/", import.meta.url),
				}),
			],
			created() {
				this.addTasks(tasks);
			},
		}),
	);
	await broker.start();
	return broker;
}

/** Locks a row and never releases it. Runs in the process that frozen.test.ts freezes. */
export async function holdForEver(broker: ServiceBroker, id: string): Promise<never> {
	const { pool } = broker.getLocalService("worker") as unknown as JobsService;
	const client = await pool.connect();
	client.on("error", () => undefined);
	await client.query("BEGIN");
	await client.query("SELECT FROM deleted_users WHERE user_id = $1 FOR UPDATE", [id]);
	console.log("held");
	return new Promise<never>(() => undefined);
}
