import type { ChildProcess } from "node:child_process";
import { constants, setPriority } from "node:os";
import type { ServiceSchema } from "moleculer";
import { mixin } from "../broker/schema.ts";
import { childEnvironment, settings } from "../config/settings.ts";
import { claimAudit, keepAudit, latestAudit, releaseAudit } from "../database/audit-record.ts";
import type { PostgresService } from "../database/postgres-service.ts";
import { repeatedFailure } from "../errors/repeated-failure.ts";
import { auditBreaches, auditDuration, auditLastRun } from "../observability/metrics.ts";
import { oncePerScrape } from "../observability/registry.ts";
import { eachLine, endProcess, isRunning, onEnd, startProgram } from "../processes/child.ts";
import { gauges } from "./gauges.ts";

/** Interval at which a process looks whether an audit is due, and reports that its own is alive. */
const LOOK_EVERY_MS = 5000;
/** Time that an audit has to exit; it changes nothing. */
const EXIT_MAX_MS = 1000;

interface AuditingService extends PostgresService {
	schedule: AuditSchedule | undefined;
}

/**
 * Reports the result of the latest audit, and runs `npm run audit` every `AUDIT_EVERY`, in one process of the shop at a time. Use it
 * before `postgres`, on the database with the record.
 */
export function auditing(): Partial<ServiceSchema> {
	return mixin<AuditingService>({
		mixins: [
			gauges<AuditingService>(function () {
				const latest = oncePerScrape(() => latestAudit(this.pool));
				return [
					auditBreaches.add(async () =>
						Object.entries((await latest())?.breaches ?? {}).map(([check, count]) => [{ check }, count]),
					),
					auditLastRun.add(async () => {
						const audit = await latest();
						return audit ? [[{}, audit.finished_at.getTime() / 1000]] : [];
					}),
					auditDuration.add(async () => {
						const audit = await latest();
						return audit ? [[{}, audit.duration_seconds]] : [];
					}),
				];
			}),
		],
		started(this: AuditingService) {
			const { auditEvery_ms, isProduction, mongoUrl } = settings;
			if (auditEvery_ms !== undefined) {
				if (isProduction && !mongoUrl) {
					throw new Error("AUDIT_EVERY needs MONGO_URL in processes of orders: set both, or neither");
				}
				this.schedule = new AuditSchedule(this, auditEvery_ms);
			}
		},
		async stopped(this: AuditingService) {
			await this.schedule?.stop();
		},
	});
}

/**
 * Audits the shop again and again, by a program of its own with the lowest priority: its work delays no event loop of the shop. A
 * process that dies takes its audit with it, and another one begins anew.
 */
class AuditSchedule {
	#service: PostgresService;
	#every_ms: number;
	#timer: NodeJS.Timeout;
	#looking: Promise<void> | undefined;
	#program: ChildProcess | undefined;
	#claim: string | undefined;
	#isStopping = false;

	constructor(service: PostgresService, every_ms: number) {
		this.#service = service;
		this.#every_ms = every_ms;
		const failure = repeatedFailure((message) =>
			service.logger.warn(`Could not audit, retrying: ${message}`),
		);
		this.#timer = setInterval(() => {
			this.#looking ??= this.#look()
				.then(failure.succeeded, failure.failed)
				.finally(() => {
					this.#looking = undefined;
				});
		}, LOOK_EVERY_MS);
	}

	async stop(): Promise<void> {
		this.#isStopping = true;
		clearInterval(this.#timer);
		await this.#looking;
		if (this.#program && this.#claim) {
			await endProcess(this.#program, EXIT_MAX_MS);
			await releaseAudit(this.#service.pool, this.#claim).catch(() => undefined);
		}
	}

	async #look(): Promise<void> {
		const { pool } = this.#service;
		if (!this.#claim) {
			this.#claim = await claimAudit(pool, this.#every_ms);
			this.#program = this.#claim === undefined ? undefined : this.#start();
		} else if (this.#program && isRunning(this.#program)) {
			await keepAudit(pool, this.#claim);
		} else {
			const isRecorded = await releaseAudit(pool, this.#claim);
			this.#claim = undefined;
			if (isRecorded) {
				await this.#report();
			}
		}
	}

	async #report(): Promise<void> {
		const { pool, logger } = this.#service;
		const { breaches = {}, duration_seconds = 0 } = (await latestAudit(pool)) ?? {};
		const found = Object.entries(breaches).filter(([, count]) => count > 0);
		const took = `Audited in ${duration_seconds.toFixed(1)} s`;
		if (found.length === 0) {
			logger.info(`${took}: no breach`);
		} else {
			const checks = found.map(([check, count]) => `${check} (${count})`).join("; ");
			logger.error(`${took}, breaches: ${checks}. \`npm run audit\` names them`);
		}
	}

	#start(): ChildProcess {
		const program = startProgram(["cli/audit.ts", "--gently"], childEnvironment());
		if (program.pid !== undefined) {
			setPriority(program.pid, constants.priority.PRIORITY_LOW);
		}
		// Breaches may name people, so only an error of the program itself is logged.
		let error: string | undefined;
		eachLine(program, (line) => {
			error = /^toko: (.*)/.exec(line)?.[1] ?? error;
		});
		onEnd(program, (how) => {
			if (!this.#isStopping && (error || !/^exit [01]$/.test(how))) {
				this.#service.logger.warn(`The audit failed: ${error ?? how}`);
			}
		});
		return program;
	}
}
