import type { Service, ServiceSchema } from "moleculer";
import { mixin } from "../broker/schema.ts";
import type { ConsistencyChecker } from "../events/consistency.ts";

/** Work that is done again and again, by each process that has the service. */
export interface Sweep<This> {
	/** What it does, for the log: `expire orders`. */
	name: string;
	every_ms: number;
	/** Answers whether there may be more to do at once. */
	work(this: This): Promise<boolean>;
}

interface SweepingService extends Service {
	comparer?: ConsistencyChecker;
	sweeping: { stop(): Promise<void> }[];
}

/**
 * Does what has become due, as the columns of a database tell. Several processes may sweep at once: the work takes rows
 * with `FOR UPDATE SKIP LOCKED`, or is guarded otherwise. What fails is told once and done at the next time, as is all of it
 * while the service's data are older than what others know of them.
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
	let told: string | undefined;
	let running: Promise<void> | undefined;
	let isStopping = false;
	const sweep = async () => {
		try {
			await service.comparer?.ready();
			let hasMore = true;
			while (hasMore && !isStopping) {
				hasMore = await work.call(service);
			}
			told = undefined;
		} catch (error) {
			const { message } = error as Error;
			if (message !== told) {
				service.logger.warn(`Trying again to ${name}: ${message}`);
			}
			told = message;
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
