import type { Service, ServiceSchema } from "moleculer";
import { mixin } from "../broker/schema.ts";
import { repeatedFailure } from "../errors/repeated-failure.ts";
import type { ConsistencyChecker } from "../events/consistency.ts";

/** Periodic work, done by each process that runs the service. */
interface Sweep<This> {
	/** Description for the log, such as `expire orders`. */
	name: string;
	every_ms: number;
	/** Returns true if there may be more to do at once. */
	work(this: This): Promise<boolean>;
}

interface SweepingService extends Service {
	consistency?: ConsistencyChecker;
	sweeping: { stop(): Promise<void> }[];
}

/**
 * Runs work that has become due by columns of a database. Several processes may sweep concurrently: the work locks rows
 * with `FOR UPDATE SKIP LOCKED`, or is protected otherwise. A failure is logged once and the work retried at the next
 * interval, as it is while the service's data are older than other services' knowledge of them.
 */
export function sweeps<This extends Service>(all: Sweep<This>[]): Partial<ServiceSchema> {
	return mixin<This & SweepingService>({
		started(this: This & SweepingService) {
			this.sweeping = all.map((sweep) => run(this, sweep));
		},
		async stopped(this: This & SweepingService) {
			await Promise.all((this.sweeping ?? []).map(({ stop }) => stop()));
		},
	});
}

function run<This extends Service>(service: This & SweepingService, { name, every_ms, work }: Sweep<This>) {
	const failure = repeatedFailure((message) =>
		service.logger.warn(`Could not ${name}, retrying: ${message}`),
	);
	let running: Promise<void> | undefined;
	let isStopping = false;
	const sweep = async () => {
		try {
			await service.consistency?.ready();
			let hasMore = true;
			while (hasMore && !isStopping) {
				hasMore = await work.call(service);
			}
			failure.succeeded();
		} catch (error) {
			failure.failed(error);
		}
	};
	const timer = setInterval(() => {
		running ??= sweep().finally(() => {
			running = undefined;
		});
	}, every_ms);
	return {
		async stop() {
			isStopping = true;
			clearInterval(timer);
			await running;
		},
	};
}
